"""Reading the parameters of a request.

The texts of refusals are ours: the documents name the code, not the words. A number out of its
range is refused rather than cut to it, so that a client that asks for too much hears of it.
"""

from __future__ import annotations

from collections.abc import Mapping

from rxbybit.config import CATEGORIES, Category
from rxbybit.sim.market.market import Market
from rxbybit.sim.market.pit import Pit
from rxbybit.sim.rest.refused import Refused

__all__ = ["Query", "category_of", "choice", "limit_of", "milliseconds", "pit_of", "required"]

Query = Mapping[str, str]
_LATEST_MS = 10**14


def category_of(
    query: Query,
    allowed: tuple[Category, ...] = CATEGORIES,
    *,
    usual: Category | None = None,
) -> Category:
    """What ``category`` names; ``usual`` where it is left out, if it may be."""
    named = query.get("category") or usual
    for category in allowed:
        if category == named:
            return category
    legal = ", ".join(allowed)
    if named is None:
        raise Refused(f"params error: category is missing: use one of {legal}")
    raise Refused(f"params error: category={named}: use one of {legal}")


def required(query: Query, name: str) -> str:
    """A parameter that must be there."""
    text = query.get(name)
    if not text:
        raise Refused(f"params error: {name} is missing")
    return text


def choice(query: Query, name: str, allowed: tuple[str, ...]) -> str:
    """A parameter that must be there, and one of these."""
    text = required(query, name)
    if text not in allowed:
        raise Refused(f"params error: {name}={text}: use one of {', '.join(allowed)}")
    return text


def pit_of(market: Market, category: Category, query: Query) -> Pit:
    """Where the instrument that ``symbol`` names is traded."""
    symbol = required(query, "symbol")
    pit = market.pits.get((category, symbol))
    if pit is None:
        raise Refused(f"params error: symbol={symbol} does not trade on {category}")
    return pit


def limit_of(query: Query, most: int, usual: int) -> int:
    """``limit``, from 1 to ``most``."""
    text = query.get("limit")
    if not text:
        return usual
    limit = _number(text, digits=9)
    if limit is None or not 1 <= limit <= most:
        raise Refused(f"params error: limit={text}: use 1 to {most}")
    return limit


def milliseconds(query: Query, name: str) -> int | None:
    """A time, ``None`` where it is not given."""
    text = query.get(name)
    if not text:
        return None
    ms = _number(text, digits=15)
    if ms is None or ms > _LATEST_MS:
        raise Refused(f"params error: {name}={text}: use milliseconds since 1970")
    return ms


def _number(text: str, *, digits: int) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else None
