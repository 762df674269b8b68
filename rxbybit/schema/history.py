"""Where the past of a stream can be had: what REST lists, and how it becomes events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from rxbybit.config import Category
from rxbybit.schema.fields import WireSchema

__all__ = ["Given", "History"]

E = TypeVar("E")
Given = Mapping[str, object]
"""What stands in the places of a topic, as :meth:`rxbybit.schema.spec.Wire.read` gives it."""


@dataclass(frozen=True, eq=False)
class History(Generic[E]):
    """A list of what a topic has sent before, the newest first, by time.

    Its requests take ``start`` and ``end`` in milliseconds, both inclusive, and ``limit``.
    """

    path: str
    query: Callable[[Category, Given], Mapping[str, str]]
    """Which list is that of a topic."""
    page: int
    """How many rows an answer has at most."""
    columns: tuple[str, ...]
    """The keys of what stands in a row, which is a list."""
    schema: type[WireSchema]
    event: Callable[[Mapping[str, object], Given], E]
    """Makes an event of what the schema gives, with the places of the topic."""
    # Any: the events of a stream belong to it, which no type here can say
    begins: Callable[[Any], int]
    """When an event begins, in milliseconds: the order of the list."""
    ends: Callable[[Any], int]
    """The last millisecond of an event; the next one begins after it."""
    over: Callable[[Any], bool]
    """Whether an event is in its last state."""
