"""The V5 wire: control frames of all public sockets and the private one.

Source: V5 manual, "Connect" (authentication, heartbeat, how to subscribe) for the shapes of
requests, pongs and acknowledgements. The texts of refusals are not in the manual; those used
here were reported by users of the exchange.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

from rxbybit.credentials import Credentials
from rxbybit.protocol import message
from rxbybit.protocol.base import Authenticated, Control, Malformed, Operation, Pong, Reply
from rxbybit.protocol.message import reason_of, redacted, text_of
from rxbybit.protocol.signing import AuthFrame, auth_frame

__all__ = ["V5"]

_ALREADY = "already subscribed"
_GOOD = re.compile(r"Successful subscriptions are as follows:\s*\[([^\]]*)\]")


class V5:
    """The wire that the exchange speaks now."""

    name: Literal["v5"] = "v5"
    topics_per_request = 10
    characters_per_connection = 21_000

    def __init__(self) -> None:
        self._topic_of = message.TopicOf()

    def covering(self, topic: str) -> None:
        """There is none: every symbol is asked for by its name."""

    def topic_of(self, frame: bytes) -> str | None:
        """The topic, wherever in the frame it stands."""
        return self._topic_of(frame)

    def read(self, frame: bytes) -> Control:
        """A pong, a reply, or a frame that is neither."""
        fields = message.parsed(frame)
        if isinstance(fields, Malformed):
            return fields
        operation = fields.get("op")
        if operation == "pong" or (operation == "ping" and fields.get("ret_msg") == "pong"):
            return Pong()
        if isinstance(fields.get("success"), bool):
            old = fields.get("type") == "AUTH_RESP"  # the private socket of options had it
            return _authenticated(fields) if operation == "auth" or old else _reply(fields)
        return message.other(frame, fields)

    def request(self, operation: Operation, topics: Sequence[str], request: str) -> str:
        """Source: manual, "Connect", how to subscribe and unsubscribe."""
        return json.dumps(
            {"req_id": request, "op": operation, "args": list(topics)}, separators=(",", ":")
        )

    def auth(self, credentials: Credentials, expires_ms: int, request: str) -> AuthFrame:
        """Source: manual, "Connect", authentication."""
        return auth_frame(credentials, expires_ms, request)

    def ping(self, request: str) -> str:
        """Source: manual, "Connect", how to send the heartbeat packet."""
        return json.dumps({"req_id": request, "op": "ping"}, separators=(",", ":"))


def _authenticated(fields: Mapping[str, Any]) -> Authenticated:  # Any: see message.parsed
    success: bool = fields["success"]
    said = text_of(fields.get("ret_msg")) or text_of(fields.get("retMsg"))
    return Authenticated(success, "" if success else redacted(reason_of(said)))


def _reply(fields: Mapping[str, Any]) -> Reply:  # Any: see message.parsed
    success: bool = fields["success"]
    said = text_of(fields.get("ret_msg"))
    accepted, refused = _listed(fields.get("data"))
    if not success:
        names = message.topics_in(said)
        if _ALREADY in said:
            accepted += tuple(names)
        else:
            accepted += tuple(message.names_in(_GOOD, said))
            refused |= dict.fromkeys(names, reason_of(said))
    return Reply(
        operation=text_of(fields.get("op")) or None,
        request=text_of(fields.get("req_id")) or None,
        success=success,
        message=said if success else reason_of(said),
        accepted=accepted,
        refused=refused,
    )


def _listed(data: object) -> tuple[tuple[str, ...], dict[str, str]]:
    """The topic lists of an option or spread acknowledgement."""
    if not isinstance(data, dict):
        return (), {}
    lists = cast("dict[str, object]", data)
    failed = dict.fromkeys(_texts(lists.get("failTopics")), "the exchange lists it as failed")
    return _texts(lists.get("successTopics")), failed


def _texts(values: object) -> tuple[str, ...]:
    listed = cast("list[object]", values) if isinstance(values, list) else []
    return tuple(value for value in listed if isinstance(value, str))
