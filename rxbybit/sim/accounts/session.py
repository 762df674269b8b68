"""The private socket: one session a link (V5 manual, "Connect", "Authentication").

Not documented, chosen here: a wrong signature is refused as wrong parameters are; a link may
authenticate again, and has another account then; what is asked for before is refused without being
looked at; of two clashing names in one request the second fails.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

from rxbybit.sim.accounts.account import Account
from rxbybit.sim.accounts.desk import Desk
from rxbybit.sim.accounts.items import fast_item
from rxbybit.sim.accounts.login import Flaw, Login
from rxbybit.sim.accounts.news import News
from rxbybit.sim.accounts.signed import Times
from rxbybit.sim.accounts.told import told_of
from rxbybit.sim.control import Answer, Command, Standing, read_command
from rxbybit.sim.faults import AuthReject, Faults
from rxbybit.sim.market import Market
from rxbybit.sim.market.feeds import Content
from rxbybit.sim.source import Listener

__all__ = ["TOPICS", "PrivateSession"]

_FAST = "execution.fast"
_CATEGORISED = {
    "position": ("linear", "inverse", "option"),
    "execution": ("spot", "linear", "inverse", "option"),
    _FAST: ("linear", "inverse", "spot", "option"),
    "order": ("spot", "linear", "inverse", "option"),
}
TOPICS = frozenset(
    {
        *_CATEGORISED,
        *(f"{kind}.{one}" for kind, categories in _CATEGORISED.items() for one in categories),
        *("wallet", "greeks", "strategy", "dcp.future", "dcp.spot", "dcp.option"),
    }
)
"""What can be subscribed to; the last five say nothing here."""
_FLAWS: dict[Flaw, str] = {
    "expired": "Params Error",
    "key": "API key is invalid.",
    "signature": "Params Error",
}


@dataclass(frozen=True, kw_only=True)
class Proof(Command):
    """An authentication."""

    key: str = field(repr=False)
    expires: int
    signature: str = field(repr=False)


class PrivateSession:
    """What one link may hear: its speech, its source and its channel at once.

    ``seed`` names its frames. ``enter`` and ``leave`` are told of a link whose frames are to be let
    out with the market's.
    """

    def __init__(
        self,
        desk: Desk,
        faults: Faults,
        *,
        seed: str,
        times: Callable[[], Times],
        enter: Callable[[Listener], None],
        leave: Callable[[Listener], None],
    ) -> None:
        self._login = Login(desk, times, self)
        self._faults = faults
        self._random = random.Random(seed)
        self._times = times
        self._enter = enter
        self._leave = leave
        self._listener: Listener | None = None
        self._topics: dict[str, None] = {}

    def __repr__(self) -> str:
        return f"<PrivateSession of {self._login.account}>"

    @property
    def topics(self) -> frozenset[str]:
        return TOPICS

    def open(self, listener: Listener) -> PrivateSession:
        self._listener = listener
        self._enter(listener)
        return self

    def restart(self) -> None:
        """There are no books here."""

    async def subscribed(self, topics: Sequence[str]) -> None:
        """There is no snapshot: what comes is news."""
        self._topics.update(dict.fromkeys(topics))

    def unsubscribed(self, topics: Sequence[str]) -> None:
        for topic in topics:
            self._topics.pop(topic, None)

    def stop(self) -> None:
        self._topics.clear()
        self._login.leave()
        if self._listener is not None:
            self._leave(self._listener)

    async def stopped(self) -> None:
        self.stop()

    def read(self, text: str) -> Command | str:
        """A request; an authentication has a number among its arguments."""
        try:
            content: object = json.loads(text)
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            return read_command(text)
        keys = cast("dict[str, object]", content)
        if keys.get("op") != "auth":
            return read_command(text)
        named = keys.get("req_id")
        req_id = named if isinstance(named, str) else None
        args = keys.get("args")
        match args:
            case [str(key), int(expires), str(signature)] if not isinstance(expires, bool):
                return Proof(
                    op="auth", req_id=req_id, key=key, expires=expires, signature=signature
                )
            case _:
                return Command(op="auth", req_id=req_id)

    def answer(self, link: Standing, request: Command | str, now_ms: int) -> Answer:
        """What the private socket says."""
        if isinstance(request, str):
            text = f"Failed to decode incoming data: {request}"
            return Answer(reply=_reply(link, Command(op=""), text))
        match request.op:
            case "auth":
                return Answer(reply=_reply(link, request, self._judge(request)))
            case "ping":
                return Answer(reply=_pong(link, request, self._times().latest_ms))
            case "subscribe" | "unsubscribe" if self._login.account is None:
                return Answer(reply=_reply(link, request, "Request not authorized"))
            case "subscribe":
                return _subscribe(link, request)
            case "unsubscribe":
                return Answer(reply=_reply(link, request), remove=request.args)
            case _:
                return Answer(reply=_reply(link, request, "error:invalid op"))

    def tell(self, account: Account, news: News, market: Market) -> None:
        """Send what has happened on the topics that it belongs to."""
        for kind, items in told_of(account, news, market):
            self._tell(account, kind, items, market.now_ms)

    def _tell(self, account: Account, kind: str, items: list[Content], ms: int) -> None:
        for topic in tuple(self._topics):
            stream, category = _split(topic)
            chosen = [one for one in items if category in ("", one.get("category"))]
            if kind == "execution" and stream == _FAST:
                chosen = [fast_item(one) for one in chosen if one["execType"] == "Trade"]
            elif kind != stream:
                continue
            if chosen:
                self._send(account, topic, stream, chosen, ms)

    def _send(
        self, account: Account, topic: str, stream: str, items: list[Content], ms: int
    ) -> None:
        if self._listener is None:
            return
        number = account.number
        head: Content = {"id": f"{number}{self._random.getrandbits(128):032x}", "topic": topic}
        if stream == "execution":
            head = {"topic": topic, "id": f"{number}_{items[0]['symbol']}_{items[0]['seq']}"}
        elif stream == _FAST:
            head = {"topic": topic}
        text = json.dumps(
            head | {"creationTime": ms, "data": items}, separators=(",", ":"), ensure_ascii=False
        )
        self._listener.push(topic, text.encode())

    def _judge(self, request: Command) -> str:
        """Why an authentication is refused; empty where it is not."""
        if reject := self._faults.strike(AuthReject):
            return reject.message
        if not isinstance(request, Proof):
            return "Params Error"
        flaw = self._login.enter(request.key, request.expires, request.signature)
        return "" if flaw is None else _FLAWS[flaw]


def _split(topic: str) -> tuple[str, str]:
    """The stream of a topic, and its category: empty for all."""
    if topic == _FAST or topic.startswith(f"{_FAST}."):
        return _FAST, topic.removeprefix(_FAST).removeprefix(".")
    stream, _, category = topic.partition(".")
    return stream, category


def _subscribe(link: Standing, request: Command) -> Answer:
    good: dict[str, None] = {}
    bad: list[str] = []
    for topic in request.args:
        stream, category = _split(topic)
        clashes = any(
            stream == other and not (category and named) for other, named in map(_split, good)
        )
        if clashes or topic in good or topic in link.subscribed or topic not in link.known:
            bad.append(topic)
        else:
            good[topic] = None
    if not bad:
        return Answer(reply=_reply(link, request), add=request.args)
    text = (
        "Batch subscription partially succeeded and partially failed.Successful subscriptions are"
        f" as follows:[{' '.join(good)}]. Subscription to the following topics failed because the"
        " topic does not exist or there is a subscription conflict:"
        f"[{' '.join(bad)}]."
    )
    return Answer(reply=_reply(link, request, text), add=tuple(good))


def _reply(link: Standing, request: Command, wrong: str = "") -> dict[str, object]:
    named: dict[str, object] = {} if request.req_id is None else {"req_id": request.req_id}
    return named | {
        "success": not wrong,
        "ret_msg": wrong,
        "op": request.op,
        "conn_id": link.conn_id,
    }


def _pong(link: Standing, request: Command, now_ms: int) -> dict[str, object]:
    named: dict[str, object] = {} if request.req_id is None else {"req_id": request.req_id}
    return named | {"op": "pong", "args": [str(now_ms)], "conn_id": link.conn_id}
