"""Times, numbers and statuses, in the words that lines and the view show them in."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from rxbybit.events import (
    Connected,
    Connecting,
    DecodeFailed,
    Disconnected,
    Dropped,
    Gap,
    Reconnecting,
    Rejected,
    RequestFailed,
    Resynced,
    Stale,
    Status,
    Subscribed,
)

__all__ = ["clock", "number", "printable", "status_words"]

LONGEST = 300
"""How much of a status is worth a line, in characters."""


def printable(text: str) -> str:
    """``text`` in one line, without what would command a terminal instead of being shown."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


def clock(at: datetime | None) -> str:
    """The time of day to the millisecond, in UTC."""
    return "-" * 12 if at is None else f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}"


def number(value: Decimal | None) -> str:
    """All digits as they were sent, without an exponent."""
    return "-" if value is None else f"{value:f}"


def status_words(status: Status) -> str:
    """What happened, and on which link."""
    link = "" if status.connection is None else f"link {status.connection} "
    text = printable(_words(status))
    return f"{link}{text if len(text) <= LONGEST else text[: LONGEST - 1] + '…'}"


def _words(status: Status) -> str:
    match status:
        case Connecting(url=url):
            return f"connecting to {url}"
        case Connected(url=url):
            return f"connected to {url}"
        case Subscribed(topics=topics):
            return f"subscribed to {', '.join(topics)}"
        case Disconnected(reason=reason):
            return f"disconnected: {reason}"
        case Reconnecting(attempt=attempt, delay_s=delay_s):
            return f"reconnecting in {delay_s:.1f} s (attempt {attempt})"
        case Gap():
            return _gap(status)
        case Rejected(topic=topic, message=message):
            return f"refused {topic}: {message}"
        case Stale() | Resynced():
            return _anew(status)
        case RequestFailed(url=url, reason=reason, attempt=attempt, delay_s=delay_s):
            again = "given up" if delay_s is None else f"asking again in {delay_s:.1f} s"
            return f"{reason}: {url}; {again} (attempt {attempt})"
        case DecodeFailed(topic=topic, messages=messages):
            return f"could not decode a message of {topic}: {messages}"
        case Dropped(count=count, topic=topic):
            return f"dropped {count} events{f' of {topic}' if topic else ''}: the reader is slow"
        case _:
            told = (f"{name}={getattr(status, name)}" for name in _own_fields(status))
            return f"{type(status).__name__} {' '.join(told)}".rstrip()


def _anew(status: Stale | Resynced) -> str:
    if isinstance(status, Stale):
        return f"no data of {status.topic} for a while: it is subscribed anew"
    return f"{status.topic} was subscribed anew: {status.reason}"


def _gap(gap: Gap) -> str:
    lost = {None: "an unknown number", 0: "none"}.get(gap.lost, str(gap.lost))
    long = ""
    if gap.after_ms is not None and gap.before_ms is not None:
        long = f" of {max(0, gap.before_ms - gap.after_ms) / 1000:.1f} s"
    return f"gap{long} in {gap.topic}: {lost} lost, {gap.filled} filled in"


def _own_fields(status: Status) -> tuple[str, ...]:
    return tuple(n for n in status.__struct_fields__ if n not in ("time", "connection"))
