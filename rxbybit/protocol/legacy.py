"""The legacy wire: control frames of the one socket that the withdrawn inverse API had.

Source: legacy manual, inverse perpetual websocket (authentication, heartbeat, how to subscribe)
for requests, pongs and acknowledgements, which were captured too. Of refusals some were quoted by
users of the exchange.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

from rxbybit.credentials import Credentials
from rxbybit.protocol import message
from rxbybit.protocol.base import Authenticated, Control, Malformed, Operation, Pong, Reply
from rxbybit.protocol.message import reason_of, redacted, text_of
from rxbybit.protocol.signing import AuthFrame, auth_frame

__all__ = ["Legacy"]

_ALREADY = "already subscribed"
_UNREADABLE = "an answer to an auth message that says neither yes nor no"


class Legacy:
    """The wire of the withdrawn API: no ids, answers repeat what was asked."""

    name: Literal["legacy"] = "legacy"
    topics_per_request = 10
    characters_per_connection = 21_000

    def __init__(self) -> None:
        self._topic_of = message.TopicOf()

    def covering(self, topic: str) -> str | None:
        """Of ``trade.BTCUSD`` it is ``trade.*``; ``insurance`` has coins in place of symbols.

        Frames name the symbol also where all were asked for. A topic without symbols, such as
        ``position``, has none.
        """
        head, dot, last = topic.rpartition(".")
        return f"{head}.*" if dot and last != "*" else None

    def topic_of(self, frame: bytes) -> str | None:
        """The topic, wherever in the frame it stands."""
        return self._topic_of(frame)

    def read(self, frame: bytes) -> Control:
        """A pong, a reply, an answer to an auth message, or a frame that is neither.

        Of an answer to an auth message nothing is kept that was sent.
        """
        fields = message.parsed(frame)
        if isinstance(fields, Malformed):
            return fields
        asked = fields.get("request")
        # Any: as of the whole frame, see message.parsed
        request = cast("dict[str, Any]", asked) if isinstance(asked, dict) else {}
        operation, success = request.get("op"), fields.get("success")
        said = text_of(fields.get("ret_msg"))
        if operation == "auth":
            return _authenticated(success, said, request)
        if not isinstance(success, bool):
            return message.other(frame, fields)
        if success and said == "pong" and operation == "ping":
            return Pong()
        return _reply(success, said, request)

    def request(self, operation: Operation, topics: Sequence[str], request: str) -> str:
        """Source: manual, how to subscribe and unsubscribe. The wire knows no ids."""
        return json.dumps({"op": operation, "args": list(topics)}, separators=(",", ":"))

    def auth(self, credentials: Credentials, expires_ms: int, request: str) -> AuthFrame:
        """Source: manual, authentication. The wire knows no ids."""
        return auth_frame(credentials, expires_ms)

    def ping(self, request: str) -> str:
        """Source: manual, how to send the heartbeat packet. The wire knows no ids."""
        return '{"op":"ping"}'


# Any: see message.parsed
def _authenticated(success: object, said: str, request: Mapping[str, Any]) -> Control:
    if not isinstance(success, bool):
        return Malformed(message.HIDDEN, _UNREADABLE)
    if success:
        return Authenticated(success)
    args: object = request.get("args")
    sent = map(str, cast("list[object]", args) if isinstance(args, list) else ())
    return Authenticated(success, redacted(reason_of(said), sent))


def _reply(success: bool, said: str, request: Mapping[str, Any]) -> Reply:
    args = request.get("args")
    listed = cast("list[object]", args) if isinstance(args, list) else None
    accepted: tuple[str, ...] = ()
    refused: dict[str, str] = {}
    if not success:
        names = message.topics_in(said)
        if _ALREADY in said:
            accepted = tuple(names)
        else:
            refused = dict.fromkeys(names, reason_of(said))
    return Reply(
        operation=text_of(request.get("op")) or None,
        request=None,
        topics=None if listed is None else tuple(map(str, listed)),
        success=success,
        message=said if success else reason_of(said),
        accepted=accepted,
        refused=refused,
    )
