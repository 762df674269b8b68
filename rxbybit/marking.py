"""Telling a hole with the first event after it."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar, cast

from msgspec.structs import replace

from rxbybit.events import Gap, Meta

__all__ = ["Emitted", "Owed", "gap_of", "marked", "with_gap"]


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


class Owed:
    """The holes that were to be told by events that were left out: each is told by the next event
    of its topic, on its link.

    One thread may leave out while another one pays: whatever changes here is one single step.
    """

    __slots__ = ("_gaps",)

    def __init__(self) -> None:
        self._gaps: dict[tuple[str, int | None], Gap] = {}

    def leave_out(self, value: object) -> None:
        """``value`` goes no further; a later hole stands for an earlier one."""
        gap = gap_of(value)
        if gap is not None:
            self._gaps[_topic_of(value, gap.connection)] = gap

    def pay(self, value: T) -> T:
        """``value``, as the first event after the hole of its topic that is owed, if one is."""
        if not self._gaps:
            return value
        gap = self._gaps.pop(self._due(value), None)
        return value if gap is None else with_gap(value, gap)

    def _due(self, value: object) -> tuple[str, int | None]:
        topic, connection = exact = _topic_of(value, None)
        if connection is not None:
            return exact if exact in self._gaps else (topic, None)
        # what was fetched came over no link
        return next((owed for owed in list(self._gaps) if owed[0] == topic), exact)


def _topic_of(value: object, connection: int | None) -> tuple[str, int | None]:
    """The topic of an event, and its link, which is ``connection`` where it does not say."""
    meta: object = getattr(value, "meta", None)
    if not isinstance(meta, Meta):
        return "", None
    return meta.topic, connection if meta.connection is None else meta.connection
