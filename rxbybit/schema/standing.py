"""Where the present state of a stream can be had: what REST lists, and how it becomes events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from rxbybit.config import Category
from rxbybit.schema.fields import WireSchema

__all__ = ["Query", "Row", "Standing", "listed", "with_category"]

E = TypeVar("E")
Query = Mapping[str, str]
Row = Mapping[str, Any]  # Any: what JSON holds, which the schema judges


@dataclass(frozen=True, eq=False)
class Standing(Generic[E]):
    """A list of what there is now, signed."""

    path: str
    queries: Callable[[Category], Sequence[Query]]
    """Which lists have all of a category."""
    schema: type[WireSchema]
    """Of a row."""
    rows: Callable[[Row, Query], Sequence[Row]] = lambda row, _: (row,)
    """What of a row is an event each, given what was asked."""
    gone: Callable[[Sequence[Any]], Sequence[Query]] = lambda missing: ()
    """What tells of things that were known and are in no list any more."""
    # Any: the events of the stream's decoded class


# Linear is listed by the coin that settles.
_SETTLED = {"linear": ("USDT", "USDC")}


def listed(category: Category) -> Sequence[Query]:
    """The lists that together have all of a category."""
    coins = _SETTLED.get(category)
    if coins is None:
        return [{"category": category}]
    return [{"category": category, "settleCoin": coin} for coin in coins]


def with_category(row: Row, query: Query) -> Sequence[Row]:
    """A row with its category, which stands beside the list."""
    return ({"category": query["category"], **row},)
