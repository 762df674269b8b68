"""Telling a hole with the first event after it."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar, cast

from msgspec.structs import replace

from rxbybit.events import Gap, Meta

__all__ = ["Emitted", "gap_of", "marked", "with_gap"]


class Emitted(Protocol):
    """What a stream may send: an ``Event``, or what has the same contract."""

    @property
    def meta(self) -> Meta:
        """Where it comes from."""
        ...

    def __replace__(self, **changes: Any) -> Any:  # Any: of whatever attribute, into the same
        """The same with other values."""


E = TypeVar("E", bound=Emitted)
T = TypeVar("T")


def marked(event: E, gap: Gap) -> E:
    """``event`` as the first one after ``gap``, unless it is that of a later one."""
    return event.__replace__(meta=replace(event.meta, gap=event.meta.gap or gap))


def gap_of(value: object) -> Gap | None:
    """The hole that an event says it is the first one after; ``None`` for what is no event."""
    meta: object = getattr(value, "meta", None)
    return meta.gap if isinstance(meta, Meta) else None


def with_gap(value: T, gap: Gap) -> T:
    """``value``, when it is an event, as the first one after ``gap``, or after a later one."""
    ours = isinstance(getattr(value, "meta", None), Meta) and hasattr(value, "__replace__")
    return cast("T", marked(cast("Emitted", value), gap)) if ours else value
