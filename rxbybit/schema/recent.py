"""Where the newest events of a stream can be had: what REST lists, and how it becomes events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from rxbybit.config import Category
from rxbybit.schema.fields import WireSchema
from rxbybit.schema.history import Given
from rxbybit.schema.standing import Query, Row

__all__ = ["Asked", "Recent"]

E = TypeVar("E")


@dataclass(frozen=True)
class Asked:
    """What a list is asked for."""

    category: Category
    given: Given
    """What stands in the places of the topic."""
    since_ms: int
    """No older events are wanted, in milliseconds."""


@dataclass(frozen=True, eq=False)
class Recent(Generic[E]):
    """A list of what a topic has sent last, the newest first."""

    path: str
    query: Callable[[Asked], Query]
    schema: type[WireSchema]
    """Of a row."""
    key: Callable[[Any], str]
    """The id of an event, which no two share."""
    # Any: the events of a stream belong to it, which no type here can say
    row: Callable[[Row, Asked], Row] = lambda row, _: row
    """A row with what stands beside the list."""
    paged: bool = False
    """Whether it has as many pages as it takes to reach ``since_ms``."""
    reach_ms: int | None = None
    """How far back from now it goes, in milliseconds; ``None`` when so many rows limit it."""
    signed: bool = False
