"""The control frames of V5 as each public socket writes them: pure, no socket and no clock.

Written from the V5 manual ("Connect", "Ping", "How to subscribe"), from captures and from
frames that users reported; where all of them are silent, the docstring says what was chosen.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from rxbybit.config import Category

__all__ = [
    "ARGS_LIMIT",
    "Answer",
    "Command",
    "Socket",
    "Standing",
    "answer",
    "read_command",
    "socket_of",
    "spelled",
]

ARGS_LIMIT = 21_000
"""Characters of ``args`` that one public connection may hold (manual, "Connect")."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """A request as the exchange understood it."""

    op: str
    args: tuple[str, ...] = ()
    req_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the exchange says to a request, and what changes on the link."""

    reply: dict[str, object]
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


class Socket(Protocol):
    """How one kind of public socket judges a request and spells its answer."""

    def pong(self, link: Standing, command: Command, now_ms: int) -> dict[str, object]:
        """The reply to a ping."""
        ...

    def subscribe(self, link: Standing, command: Command) -> Answer:
        """The reply to a subscribe request."""
        ...

    def unsubscribe(self, link: Standing, command: Command) -> Answer:
        """The reply to an unsubscribe request."""
        ...


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What an answer depends on besides the request."""

    conn_id: str
    known: Collection[str]
    """The topics this exchange has."""
    subscribed: Collection[str]
    """The topics of this link."""


class Futures:
    """The linear and inverse sockets: ``req_id`` always there, one bad topic voids all.

    Not documented, chosen here: ``unsubscribe`` of a topic the link does not have is
    acknowledged, and the text that refuses more than 21,000 characters.
    """

    def pong(self, link: Standing, command: Command, now_ms: int) -> dict[str, object]:
        return _general(link, command, success=True, message="pong")

    def subscribe(self, link: Standing, command: Command) -> Answer:
        wrong = _first_refused(link, command)
        return Answer(
            reply=_general(link, command, success=not wrong, message=wrong or ""),
            add=() if wrong else command.args,
        )

    def unsubscribe(self, link: Standing, command: Command) -> Answer:
        wrong = _first_unknown(link, command)
        return Answer(
            reply=_general(link, command, success=not wrong, message=wrong or ""),
            remove=() if wrong else command.args,
        )


class Spot:
    """The spot socket: ``req_id`` only when one was sent, at most 10 args a request.

    Not documented, chosen here: a refused symbol voids the request, a topic that the link
    already has is refused as on linear, and ``unsubscribe`` says so in its ``ret_msg``.
    """

    def pong(self, link: Standing, command: Command, now_ms: int) -> dict[str, object]:
        return self._reply(link, command, "pong", success=True)

    def subscribe(self, link: Standing, command: Command) -> Answer:
        if len(command.args) > 10:
            return Answer(reply=self._reply(link, command, "args size >10", success=False))
        for topic in command.args:
            if topic not in link.known:
                text = f"Invalid symbol :[{topic}]"
                return Answer(reply=_general(link, command, success=False, message=text))
        wrong = _first_refused(link, command)
        if wrong:
            return Answer(reply=self._reply(link, command, wrong, success=False))
        reply = self._reply(link, command, "subscribe", success=True)
        return Answer(reply=reply, add=command.args)

    def unsubscribe(self, link: Standing, command: Command) -> Answer:
        reply = self._reply(link, command, "unsubscribe", success=True)
        return Answer(reply=reply, remove=command.args)

    @staticmethod
    def _reply(
        link: Standing, command: Command, message: str, *, success: bool
    ) -> dict[str, object]:
        reply = _general(link, command, success=success, message=message)
        if command.req_id is None:
            del reply["req_id"]
        return reply


class Option:
    """The option socket: topic lists instead of a ``req_id``, good topics work beside bad ones.

    Books and candles of a contract that the exchange has are acknowledged at any depth and
    interval, and stay silent (reported by users). Not documented, chosen here: a topic that the
    link already has stands under ``failTopics``, ``success`` is false when all have failed, and
    a topic past the 2,000th or past 21,000 characters fails.
    """

    TOPICS = 2_000

    def pong(self, link: Standing, command: Command, now_ms: int) -> dict[str, object]:
        return {"args": [str(now_ms)], "op": "pong"}

    def subscribe(self, link: Standing, command: Command) -> Answer:
        held = set(link.subscribed)
        length = args_length(held)
        good: list[str] = []
        bad: list[str] = []
        for topic in command.args:
            longer = length + args_length([topic]) - 1 if held else args_length([topic])
            full = len(held) >= self.TOPICS or longer > ARGS_LIMIT
            if topic in held or full or not self._has(link, topic):
                bad.append(topic)
            else:
                held.add(topic)
                good.append(topic)
                length = longer
        return Answer(reply=self._reply(link, good, bad), add=tuple(good))

    def unsubscribe(self, link: Standing, command: Command) -> Answer:
        return Answer(reply=self._reply(link, command.args, ()), remove=command.args)

    @staticmethod
    def _has(link: Standing, topic: str) -> bool:
        if topic in link.known:
            return True
        kind, _, rest = topic.partition(".")
        contract = rest.partition(".")[2]
        return kind in ("orderbook", "kline") and any(
            known.endswith(f".{contract}") for known in link.known if contract
        )

    @staticmethod
    def _reply(link: Standing, good: Sequence[str], bad: Sequence[str]) -> dict[str, object]:
        return {
            "success": bool(good) or not bad,
            "conn_id": link.conn_id,
            "data": {"failTopics": list(bad), "successTopics": list(good)},
            "type": "COMMAND_RESP",
        }


_SOCKETS: dict[Category, Socket] = {
    "inverse": Futures(),
    "linear": Futures(),
    "spot": Spot(),
    "option": Option(),
}


def socket_of(category: Category) -> Socket:
    """How the public socket of ``category`` answers."""
    return _SOCKETS[category]


def read_command(text: str) -> Command | str:
    """The request in ``text``, or what is wrong with it."""
    try:
        content: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        return str(error)
    if not isinstance(content, dict):
        return "not an object"
    keys = cast("dict[str, object]", content)
    op, args, req_id = keys.get("op", ""), keys.get("args", []), keys.get("req_id")
    if not isinstance(op, str) or not isinstance(req_id, str | None):
        return "op and req_id are text"
    if not isinstance(args, list):
        return "args is a list of text"
    items = cast("list[object]", args)
    topics = tuple(item for item in items if isinstance(item, str))
    if len(topics) != len(items):
        return "args is a list of text"
    return Command(op=op, args=topics, req_id=req_id)


def answer(socket: Socket, link: Standing, request: Command | str, now_ms: int) -> Answer:
    """What ``socket`` says to ``request`` at ``now_ms`` (milliseconds since the epoch)."""
    if isinstance(request, str):
        text = f"Failed to decode incoming data: {request}"
        return Answer(reply=_general(link, Command(op=""), success=False, message=text))
    match request.op:
        case "ping":
            return Answer(reply=socket.pong(link, request, now_ms))
        case "subscribe":
            return socket.subscribe(link, request)
        case "unsubscribe":
            return socket.unsubscribe(link, request)
        case _:
            return Answer(reply=_general(link, request, success=False, message="error:invalid op"))


def spelled(reply: dict[str, object]) -> bytes:
    """The text of an answer."""
    text = json.dumps(reply, separators=(",", ":"), ensure_ascii=False)
    return text.encode(errors="replace")


def args_length(topics: Collection[str]) -> int:
    """How many characters the JSON text of ``topics`` has."""
    return len(json.dumps(list(topics), separators=(",", ":"), ensure_ascii=False))


def _general(link: Standing, command: Command, *, success: bool, message: str) -> dict[str, object]:
    return {
        "success": success,
        "ret_msg": message,
        "conn_id": link.conn_id,
        "req_id": command.req_id or "",
        "op": command.op,
    }


def _first_unknown(link: Standing, command: Command) -> str | None:
    # What has been delisted since it was subscribed can be left.
    had = (topic for topic in command.args if topic not in link.subscribed)
    unknown = next((topic for topic in had if topic not in link.known), None)
    return None if unknown is None else f"error:handler not found,topic:{unknown}"


def _first_refused(link: Standing, command: Command) -> str | None:
    held = set(link.subscribed)
    for topic in command.args:
        if topic not in link.known:
            return f"error:handler not found,topic:{topic}"
        if topic in held:
            return f"error:already subscribed,topic:{topic}"
        held.add(topic)
    return "args size >21000" if args_length(held) > ARGS_LIMIT else None
