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

import msgspec

from rxbybit.protocol.base import Control, Malformed, Operation, Pong, Reply, Unknown

__all__ = ["V5"]

_SHOWN = 2048
_ALREADY = "already subscribed"
_NAMED = (
    re.compile(r"topic:\s*(\S+)"),  # error:handler not found,topic:orderbook.50.NOPEUSDT
    re.compile(r"Invalid symbol\s*:\s*\[([^\]]*)\]"),  # spot
    re.compile(r"conflict:\s*\[([^\]]*)\]"),  # private, partly refused
)
_NAMES = re.compile(r"[\s,:]*(?:topic:\s*\S+|\[[^\]]*\])")
_GOOD = re.compile(r"Successful subscriptions are as follows:\s*\[([^\]]*)\]")


class _Head(msgspec.Struct):
    topic: str


class V5:
    """The wire that the exchange speaks now."""

    name: Literal["v5"] = "v5"
    topics_per_request = 10
    characters_per_connection = 21_000

    def __init__(self) -> None:
        self._head = msgspec.json.Decoder(_Head)

    def topic_of(self, frame: bytes) -> str | None:
        """The topic, wherever in the frame it stands."""
        try:
            return self._head.decode(frame).topic
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    def read(self, frame: bytes) -> Control:
        """A pong, a reply, or a frame that is neither."""
        try:
            message = json.loads(frame)
        except (ValueError, RecursionError) as error:
            return Malformed(_shown(frame), f"no JSON: {error}")
        if not isinstance(message, dict):
            return Malformed(_shown(frame), "no JSON object")
        # Any: an open set of keys whose values are checked one by one below
        fields = cast("dict[str, Any]", message)
        operation = fields.get("op")
        if operation == "pong" or (operation == "ping" and fields.get("ret_msg") == "pong"):
            return Pong()
        if isinstance(fields.get("success"), bool):
            return _reply(fields)
        if "topic" in fields:
            text = isinstance(fields["topic"], str)
            return Malformed(_shown(frame), "no strict JSON" if text else "its topic is no text")
        if isinstance(operation, str):
            return Unknown(_shown(frame))
        return Malformed(_shown(frame), "neither data nor an answer to a request")

    def request(self, operation: Operation, topics: Sequence[str], request: str) -> str:
        """Source: manual, "Connect", how to subscribe and unsubscribe."""
        return json.dumps(
            {"req_id": request, "op": operation, "args": list(topics)}, separators=(",", ":")
        )

    def ping(self, request: str) -> str:
        """Source: manual, "Connect", how to send the heartbeat packet."""
        return json.dumps({"req_id": request, "op": "ping"}, separators=(",", ":"))


def _shown(frame: bytes) -> str:
    return frame[:_SHOWN].decode("utf-8", "replace")


def _reply(fields: Mapping[str, Any]) -> Reply:
    success: bool = fields["success"]
    message = _text(fields.get("ret_msg"))
    accepted, refused = _listed(fields.get("data"))
    if not success:
        names = [name for shape in _NAMED for name in _names(shape, message)]
        if _ALREADY in message:
            accepted += tuple(names)
        else:
            accepted += tuple(_names(_GOOD, message))
            refused |= dict.fromkeys(names, _said(message))
    return Reply(
        operation=_text(fields.get("op")) or None,
        request=_text(fields.get("req_id")) or None,
        success=success,
        message=message if success else _said(message),
        accepted=accepted,
        refused=refused,
    )


def _said(message: str) -> str:
    """The reason alone: whoever reads it is told beside it which topic was refused."""
    reason = _NAMES.sub("", message.removeprefix("error:")).rpartition("because ")[2]
    return reason.strip(" .,:") or "no reason given"


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


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _names(shape: re.Pattern[str], message: str) -> list[str]:
    return [name for found in shape.findall(message) for name in re.split(r"[\s,]+", found) if name]
