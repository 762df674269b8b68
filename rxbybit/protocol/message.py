"""Control frames as JSON objects, and what may be shown of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

import msgspec

from rxbybit.protocol.base import Malformed, Unknown

__all__ = [
    "HIDDEN",
    "TopicOf",
    "names_in",
    "other",
    "parsed",
    "reason_of",
    "redacted",
    "shown",
    "text_of",
    "topics_in",
]

_SHOWN = 2048
_SAID = 200
HIDDEN = "<not shown: it may hold a key or a signature>"
# An answer to an auth message may repeat the key and the signature, on the legacy wire it does. A
# frame that was damaged may not say any more what it is: what looks like a signature tells.
_SIGNED = re.compile(rb"[A-Za-z0-9+/=]{24}")
# Longer than any word of a refusal, and than a time that would be worth reading.
_SECRET = re.compile(r"[\w+/=-]{16,}|[0-9]{10,}")

_NAMED = (
    re.compile(r"topic:\s*(\S+)"),  # error:handler not found,topic:orderbook.50.NOPEUSDT
    re.compile(r"Invalid symbol\s*:\s*\[([^\]]*)\]"),  # spot
    re.compile(r"conflict:\s*\[([^\]]*)\]"),  # private, partly refused
)
_NAMES = re.compile(r"[\s,:]*(?:topic:\s*\S+|\[[^\]]*\])")


class _Head(msgspec.Struct):
    topic: str


class TopicOf:
    """Reads the topic of a data frame, wherever in the frame it stands."""

    def __init__(self) -> None:
        self._head = msgspec.json.Decoder(_Head)

    def __call__(self, frame: bytes) -> str | None:
        """``None`` for a frame without one."""
        try:
            return self._head.decode(frame).topic
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None


# Any: an open set of keys, whose values whoever reads them has to check one by one
def parsed(frame: bytes) -> Mapping[str, Any] | Malformed:
    """The JSON object of a control frame. Never raises."""
    try:
        message = json.loads(frame)
    except (ValueError, RecursionError) as error:
        return Malformed(shown(frame), f"no JSON: {error}")
    if not isinstance(message, dict):
        return Malformed(shown(frame), "no JSON object")
    return cast("dict[str, Any]", message)


def other(frame: bytes, fields: Mapping[str, Any]) -> Unknown | Malformed:  # Any: see parsed
    """What a frame is that is no answer of the wire's."""
    if "topic" in fields:
        text = isinstance(fields["topic"], str)
        return Malformed(shown(frame), "no strict JSON" if text else "its topic is no text")
    if isinstance(fields.get("op"), str):
        return Unknown(shown(frame))
    return Malformed(shown(frame), "neither data nor an answer to a request")


def shown(frame: bytes) -> str:
    """The beginning of a frame as text, unless it may hold a key or a signature."""
    if b'"auth' in frame or _SIGNED.search(frame) is not None:
        return HIDDEN
    return frame[:_SHOWN].decode("utf-8", "replace")


def redacted(message: str, sent: Iterable[str] = ()) -> str:
    """What the exchange says of an auth message, without what was sent, nor what looks like it."""
    for secret in filter(None, sent):
        message = message.replace(secret, "...")
    return _SECRET.sub("...", message)[:_SAID]


def text_of(value: object) -> str:
    """``value`` if it is text, else none."""
    return value if isinstance(value, str) else ""


def topics_in(message: str) -> list[str]:
    """The topics that a refusal names."""
    return [name for shape in _NAMED for name in names_in(shape, message)]


def names_in(shape: re.Pattern[str], message: str) -> list[str]:
    """What stands in the lists that ``shape`` finds."""
    return [name for found in shape.findall(message) for name in re.split(r"[\s,]+", found) if name]


def reason_of(message: str) -> str:
    """The reason alone: whoever reads it is told beside it which topic was refused."""
    reason = _NAMES.sub("", message.removeprefix("error:")).rpartition("because ")[2]
    return reason.strip(" .,:") or "no reason given"
