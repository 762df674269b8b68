"""The socket of this wire: one session a link.

Manual, "Authentication", "Heartbeat" and "How to Subscribe"; the refusals are from captures and
client code. Where all of them are silent, chosen here: one bad topic voids the whole request;
``unsubscribe`` of what the link does not have is acknowledged; the texts for a wrong key, a wrong
signature and for what is no request; a wrong signature in the URL leaves the link unauthenticated.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from rxbybit.sim.accounts.account import Account
from rxbybit.sim.accounts.desk import Desk
from rxbybit.sim.accounts.login import Flaw, Login
from rxbybit.sim.accounts.news import News
from rxbybit.sim.accounts.signed import Times
from rxbybit.sim.control import Answer, Command, Standing
from rxbybit.sim.faults import AuthReject, Faults
from rxbybit.sim.legacy.filters import PRIVATE, BadFilterError, covers, plain_filters
from rxbybit.sim.legacy.private import frames_of
from rxbybit.sim.legacy.told import told_of
from rxbybit.sim.market import Market
from rxbybit.sim.source import Channel, Listener, Source

__all__ = ["LegacySession"]

_FLAWS: dict[Flaw, str] = {
    "expired": "error:request expired",
    "key": "error:invalid api key",
    "signature": "error:invalid signature",
}


@dataclass(frozen=True, kw_only=True)
class _Request(Command):
    """A request with its ``args`` as they were sent; ``None`` where there were none."""

    sent: object


class LegacySession:
    """What one link may hear: its speech, its source and its channel at once.

    ``public`` has what is public, and where it ``plays`` a recording also what is private; else
    the account tells that. ``query`` is that of the URL, which may authenticate.
    """

    def __init__(
        self,
        public: Source,
        desk: Desk | None,
        faults: Faults,
        *,
        plays: bool,
        times: Callable[[], Times],
        query: Mapping[str, str],
    ) -> None:
        self._public = public
        self._login = Login(desk, times, self)
        self._faults = faults
        self._plays = plays
        self._listener: Listener | None = None
        self._channel: Channel | None = None
        args = [query.get(name) for name in ("api_key", "expires", "signature")]
        if all(args):
            self._log_in(args)

    def __repr__(self) -> str:
        return f"<LegacySession of {self._login.account}>"

    @property
    def topics(self) -> Collection[str]:
        return self._public.topics

    def open(self, listener: Listener) -> LegacySession:
        self._listener = listener
        self._channel = self._public.open(listener)
        return self

    def restart(self) -> None:
        self._public.restart()

    async def subscribed(self, topics: Sequence[str]) -> None:
        """What is public may begin with a snapshot; what is private is news."""
        if self._channel is not None:
            await self._channel.subscribed(topics)

    def unsubscribed(self, topics: Sequence[str]) -> None:
        if self._channel is not None:
            self._channel.unsubscribed(topics)

    def stop(self) -> None:
        self._login.leave()
        if self._channel is not None:
            self._channel.stop()

    async def stopped(self) -> None:
        self._login.leave()
        if self._channel is not None:
            await self._channel.stopped()

    def read(self, text: str) -> Command | str:
        try:
            content: object = json.loads(text)
        except (ValueError, RecursionError) as error:
            return str(error)
        if not isinstance(content, dict):
            return "not an object"
        keys = cast("dict[str, object]", content)
        op, sent = keys.get("op"), keys.get("args")
        if not isinstance(op, str) or not (sent is None or isinstance(sent, list)):
            return "op is text and args a list"
        given = cast("list[object]", sent or [])
        args = tuple(arg for arg in given if isinstance(arg, str))
        if op in ("subscribe", "unsubscribe") and len(args) != len(given):
            return "args is a list of text"
        return _Request(op=op, args=() if op == "auth" else args, sent=keys.get("args"))

    def answer(self, link: Standing, request: Command | str, now_ms: int) -> Answer:
        if not isinstance(request, _Request):
            nothing = _Request(op="", sent=None)
            return Answer(reply=_reply(link, nothing, "error:invalid request"))
        match request.op:
            case "ping":
                return Answer(reply=_reply(link, request, "pong", success=True))
            case "auth":
                text = self._log_in(request.sent)
                return Answer(reply=_reply(link, request, text, success=not text))
            case "subscribe":
                return self._subscribe(link, request)
            case "unsubscribe":
                return self._unsubscribe(link, request)
            case _:
                return Answer(reply=_reply(link, request, "error:invalid op"))

    def tell(self, account: Account, news: News, market: Market) -> None:
        """Send what has happened on the topics that it belongs to."""
        if self._listener is None or self._plays:
            return
        for topic, raw in frames_of(told_of(account, news, market)):
            self._listener.push(topic, raw)
        self._listener.flush()

    def _log_in(self, sent: object) -> str:
        """What is wrong; empty when the link is logged in."""
        if reject := self._faults.strike(AuthReject):
            return reject.message
        args = _credentials(sent)
        if args is None:
            return "error:invalid args"
        flaw = self._login.enter(*args)
        return "" if flaw is None else _FLAWS[flaw]

    def _subscribe(self, link: Standing, request: _Request) -> Answer:
        added: list[str] = []
        for arg in request.args:
            try:
                plain = plain_filters(arg, link.known)
            except BadFilterError as bad:
                return Answer(reply=_reply(link, request, f"error:handler not found,topic:{bad}"))
            if arg in PRIVATE and self._login.account is None:
                return Answer(reply=_reply(link, request, f"error:topic:{arg} needs auth first"))
            for one in plain:
                if any(covers(held, one) for held in (*link.subscribed, *added)):
                    text = f"error:already subscribed,topic:{one}"
                    return Answer(reply=_reply(link, request, text))
                added.append(one)
        return Answer(reply=_reply(link, request, "", success=True), add=tuple(added))

    @staticmethod
    def _unsubscribe(link: Standing, request: _Request) -> Answer:
        # What has been delisted since it was subscribed can be left.
        known: Collection[str] = {*link.known, *link.subscribed}
        removed: list[str] = []
        for arg in request.args:
            try:
                removed += plain_filters(arg, known)
            except BadFilterError as bad:
                return Answer(reply=_reply(link, request, f"error:handler not found,topic:{bad}"))
        return Answer(reply=_reply(link, request, "", success=True), remove=tuple(removed))


def _credentials(sent: object) -> tuple[str, int, str] | None:
    """Key, expiry (a number or its text) and signature."""
    args = cast("list[object]", sent) if isinstance(sent, list) else []
    match args:
        case [str(key), int() | str() as expires, str(signature)] if not isinstance(expires, bool):
            text = str(expires)
            if text.isascii() and text.isdigit() and len(text) < 20:
                return key, int(text), signature
        case _:
            pass
    return None


def _reply(
    link: Standing, request: _Request, message: str, *, success: bool = False
) -> dict[str, object]:
    return {
        "success": success,
        "ret_msg": message,
        "conn_id": link.conn_id,
        "request": {"op": request.op, "args": request.sent},
    }
