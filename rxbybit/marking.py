"""Telling a hole with the first event after it."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from msgspec.structs import replace

from rxbybit.events import Gap, Meta

__all__ = ["Emitted", "marked"]


class Emitted(Protocol):
    """What a stream may send: an ``Event``, or what has the same contract."""

    @property
    def meta(self) -> Meta:
        """Where it comes from."""
        ...

    def __replace__(self, **changes: Any) -> Any:  # Any: of whatever attribute, into the same
        """The same with other values."""


E = TypeVar("E", bound=Emitted)


def marked(event: E, gap: Gap) -> E:
    """``event`` as the first one after ``gap``, unless it is that of a later one."""
    return event.__replace__(meta=replace(event.meta, gap=event.meta.gap or gap))
