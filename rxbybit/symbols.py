"""What a symbol says of its category (V5 manual, "Enums Definitions": symbol)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rxbybit.config import CATEGORIES, Category
from rxbybit.errors import ConfigurationError

__all__ = ["category_of", "checked_category", "named_symbols", "read_symbols"]

_DAY = r"\d{1,2}[A-Z]{3}\d{2}"
_SHAPES: tuple[tuple[Category, re.Pattern[str]], ...] = (
    ("option", re.compile(rf"[A-Z0-9]+-{_DAY}-\d+(\.\d+)?-[CP](-USDT)?")),
    ("inverse", re.compile(r"[A-Z0-9]+USD([HMUZ]\d{2})?")),
    ("linear", re.compile(rf"[A-Z0-9]+(USDT|PERP)(-{_DAY})?|[A-Z0-9]+-{_DAY}")),
)
_ANY_SYMBOL = re.compile(r"[A-Z0-9]+([-.][A-Z0-9.]+)*")


def category_of(symbol: str) -> Category:
    """The category that the spelling of ``symbol`` names.

    ``BTCUSD`` and ``BTCUSDZ26`` are inverse; ``BTCUSDT``, ``BTCPERP``, ``BTCUSDT-14AUG26`` and
    ``BTC-24MAR23`` linear; ``BTC-27NOV26-100000-C`` and ``BTC-27NOV26-100000-C-USDT`` option.
    Spot symbols look like linear ones, so ``category="spot"`` must be said.
    Errors: ``ConfigurationError`` when the spelling names none.
    """
    for category, shape in _SHAPES:
        if shape.fullmatch(symbol):
            return category
    if symbol != symbol.upper() and _ANY_SYMBOL.fullmatch(symbol.upper()):
        raise ConfigurationError(f"symbol {symbol!r}: symbols are upper case, {symbol.upper()!r}")
    _check_spelling(symbol)
    raise ConfigurationError(
        f'symbol {symbol!r} names no category; say it, as in category="spot"'
        " (read from the symbol: BTCUSD inverse, BTCUSDT linear, BTC-27NOV26-100000-C option)"
    )


def checked_category(category: str) -> Category:
    """``category`` itself; ``ConfigurationError`` when there is no such category."""
    for known in CATEGORIES:
        if known == category:
            return known
    raise ConfigurationError(f"category {category!r}: use one of {', '.join(CATEGORIES)}")


def read_symbols(
    symbols: tuple[str | Iterable[str], ...], category: Category | None
) -> list[tuple[Category, str]]:
    """Each symbol once, in the order given, with its category (``category`` if it is given).

    An item is a symbol or an iterable of symbols; no item at all gives an empty list.
    Errors: ``ConfigurationError`` for an empty iterable, for what is no text, and for a
    spelling that no symbol has.
    """
    wanted = None if category is None else checked_category(category)
    found: dict[tuple[Category, str], None] = {}
    for item in symbols:
        names = [item] if isinstance(item, str) else _listed(item)
        for name in names:
            found[(_check(name, wanted), name)] = None
    return list(found)


def named_symbols(symbols: tuple[str | Iterable[str], ...]) -> frozenset[str]:
    """The symbols that are named, of whatever category. Errors: as :func:`read_symbols`."""
    # with a category none is read from the spelling; which one does not matter
    return frozenset(symbol for _, symbol in read_symbols(symbols, "spot"))


def _listed(item: Iterable[str]) -> list[str]:
    try:
        names = list(item)
    except TypeError:
        raise ConfigurationError(f"symbol {item!r}: a symbol is text, such as 'BTCUSD'") from None
    if not names:
        raise ConfigurationError("an empty list of symbols was given: name at least one")
    return names


def _check(name: object, category: Category | None) -> Category:
    if not isinstance(name, str):
        raise ConfigurationError(f"symbol {name!r}: a symbol is text, such as 'BTCUSD'")
    if category is None:
        return category_of(name)
    _check_spelling(name)
    return category


def _check_spelling(symbol: str) -> None:
    if not _ANY_SYMBOL.fullmatch(symbol):
        raise ConfigurationError(
            f"symbol {symbol!r}: a symbol is upper-case letters, digits, '-' and '.', as in BTCUSD"
        )
