"""What every event has in common, the statuses of a client, and the open enums of the wire."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Generic, Self, TypeVar, cast, overload

import msgspec
from msgspec import Struct

from rxbybit.errors import Messages

__all__ = [
    "Connected",
    "Connecting",
    "DecodeFailed",
    "Disconnected",
    "Dropped",
    "Event",
    "Gap",
    "Meta",
    "OpenEnum",
    "Reconnecting",
    "Rejected",
    "RequestFailed",
    "Resynced",
    "Side",
    "Stale",
    "Status",
    "Subscribed",
    "TickDirection",
    "json_of",
    "shown",
    "utc",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_When = TypeVar("_When", datetime, "datetime | None")


class OpenEnum(StrEnum):
    """Text with known values: an unknown one passes through, equal to its text."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str) or not value:
            return None  # "" is how the wire says that there is no value
        member = str.__new__(cls, value)
        member._name_ = value
        member._value_ = value
        return member

    @property
    def known(self) -> bool:
        """False for a value that this version of rxbybit has no name for."""
        return self._value_ in type(self)._value2member_map_

    def __reduce_ex__(self, protocol: object) -> tuple[type[Self], tuple[str]]:
        return type(self), (self._value_,)


class Side(OpenEnum):
    """A side of the market."""

    BUY = "Buy"
    SELL = "Sell"


class TickDirection(OpenEnum):
    """A price against the one before (V5 manual, "Enums Definitions": tickDirection)."""

    PLUS = "PlusTick"
    ZERO_PLUS = "ZeroPlusTick"
    MINUS = "MinusTick"
    ZERO_MINUS = "ZeroMinusTick"


class utc(Generic[_When]):  # noqa: N801 - reads as a word where it is used
    """The aware ``datetime`` of an attribute that holds integer milliseconds.

    ``time = utc[datetime]("time_ms")``: read-only, ``None`` where the attribute is.
    """

    def __init__(self, source: str) -> None:
        self._source = source

    @overload
    def __get__(self, owner: None, kind: type | None = None) -> Self: ...
    @overload
    def __get__(self, owner: object, kind: type | None = None) -> _When: ...
    def __get__(self, owner: object, kind: type | None = None) -> object:
        if owner is None:
            return self
        value: int | None = getattr(owner, self._source)
        return None if value is None else _EPOCH + timedelta(milliseconds=value)


class Status(Struct, frozen=True, kw_only=True):
    """Something that happened to a client's connections."""

    time: datetime
    connection: int | None = None
    """The link it happened on: links are numbered from 1 as the clients of the process open
    them, and keep their number when they reconnect."""

    def __repr__(self) -> str:
        rest = (n for n in self.__struct_fields__ if n not in ("time", "connection"))
        shown = (f"{n}={getattr(self, n)!r}" for n in (*rest, "connection"))
        return f"{type(self).__name__}(time={_iso(self.time)}, {', '.join(shown)})"

    def to_json(self) -> bytes:
        """One JSON object with ``event`` first; keys without a value are left out."""
        return json_of(self, self.__struct_fields__)


class Connecting(Status, frozen=True, kw_only=True):
    """A connection is being opened."""

    url: str


class Connected(Status, frozen=True, kw_only=True):
    """A connection is open."""

    url: str


class Subscribed(Status, frozen=True, kw_only=True):
    """The exchange has taken these topics, or has begun to send them."""

    topics: tuple[str, ...]


class Disconnected(Status, frozen=True, kw_only=True):
    """A connection is gone, or could not be had."""

    reason: str
    """Why, in a few plain words: ``connection refused``, ``the connection was lost (no close
    frame)``."""


class Reconnecting(Status, frozen=True, kw_only=True):
    """The next attempt is ``delay_s`` seconds away."""

    attempt: int
    delay_s: float


class Gap(Status, frozen=True, kw_only=True):
    """A hole in a topic: what the exchange sent between the two times did not arrive."""

    topic: str
    after_ms: int | None
    """Exchange time of the last event before the hole; ``None`` when none had come."""
    before_ms: int | None
    """Exchange time of the first event after it."""
    filled: int = 0
    """How many events were fetched to fill it."""
    lost: int | None = None
    """How many are missing: 0 for none, ``None`` when it cannot be known."""


class Rejected(Status, frozen=True, kw_only=True):
    """The exchange refused a topic."""

    topic: str
    message: str


class Resynced(Status, frozen=True, kw_only=True):
    """A topic was subscribed anew, as its book was not whole or a snapshot was missing, and the new
    snapshot has come.
    """

    topic: str
    reason: str
    """What was wrong, in a few plain words."""


class Stale(Status, frozen=True, kw_only=True):
    """No data of a book or a ticker for a while (``Bybit(stale=)``): it is subscribed anew."""

    topic: str


class RequestFailed(Status, frozen=True, kw_only=True):
    """A REST request has failed; no link is concerned."""

    url: str
    reason: str
    """Why, in a few plain words."""
    attempt: int
    """How many attempts in a row have failed."""
    delay_s: float | None
    """The next one is so many seconds away; ``None`` when the request is given up."""


class DecodeFailed(Status, frozen=True, kw_only=True):
    """A message that does not fit its schema; its stream goes on."""

    topic: str
    raw: str
    """The beginning of the message, 2,048 characters at most."""
    messages: Messages
    """What marshmallow says is wrong, by field, and by index in a list."""

    def __hash__(self) -> int:
        return hash((type(self), self.time, self.connection, self.topic, self.raw))


class Dropped(Status, frozen=True, kw_only=True):
    """So many events were dropped for a consumer by its own policy: it fell behind, or paused."""

    count: int
    topic: str | None = None


class Meta(Struct, frozen=True, gc=False):
    """Where an event comes from: one object for all events of a frame."""

    topic: str = ""
    kind: str = "snapshot"
    """``"snapshot"`` or ``"delta"``; ``"snapshot"`` where the wire names none."""
    sent_ms: int | None = None
    """When the exchange sent the frame, in milliseconds."""
    matched_ms: int | None = None
    """When the matching engine made it, in milliseconds, where the wire says so. Of what was read
    over REST as the present state: when it was asked for, by the exchange's clock."""
    received_ns: int = 0
    """When the frame was read here: ``time.time_ns()``."""
    connection: int | None = None
    """The link that brought it, as numbered by :class:`Status`."""
    backfilled: bool = False
    """True when it was fetched over REST: of the past, or the present state at the start."""
    gap: Gap | None = None
    """Set on the first event after a hole that could not be filled."""

    sent = utc["datetime | None"]("sent_ms")
    matched = utc["datetime | None"]("matched_ms")


class Event(Struct, frozen=True, kw_only=True, gc=False):
    """The base of all events: immutable, hashable, equal when all but ``meta`` is equal."""

    meta: Meta = Meta()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, n) == getattr(other, n) for n in self._content())

    def __hash__(self) -> int:
        return hash((type(self), *(getattr(self, n) for n in self._content())))

    def __repr__(self) -> str:
        content = (shown(self, name) for name in self._content())
        return f"{type(self).__name__}({', '.join(filter(None, content))})"

    def to_json(self, *, meta: bool = False) -> bytes:
        """One JSON object: ``event`` first, decimals as text, no keys for ``None``."""
        names = (*self._content(), "meta") if meta else self._content()
        return json_of(self, names)

    @classmethod
    def _content(cls) -> tuple[str, ...]:
        return tuple(name for name in cls.__struct_fields__ if name != "meta")


def shown(event: object, name: str) -> str | None:
    """An attribute of an event, as its repr shows it."""
    value = getattr(event, name)
    if value is None:
        return None
    when = name.removesuffix("_ms")
    if when != name:
        return f"{when}={_iso(getattr(event, when))}"
    return f"{name}={value!r}" if type(value) is str else f"{name}={value}"


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def json_of(of: object, names: tuple[str, ...]) -> bytes:
    """One JSON object of these attributes."""
    return msgspec.json.encode({"event": type(of).__name__, **_row(of, names)})


def _row(of: object, names: tuple[str, ...]) -> dict[str, object]:
    row: dict[str, object] = {}
    for name in names:
        value = getattr(of, name)
        if isinstance(value, frozenset):
            row[name] = sorted(cast("frozenset[str]", value))
        elif isinstance(value, Struct):  # meta, and the gap in it
            row[name] = _row(value, value.__struct_fields__)
        elif value is not None:
            row[name] = value
    return row
