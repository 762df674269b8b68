"""Lengths of time and windows over what happened last, as users write them, and sums in them."""

from __future__ import annotations

import re
from collections import deque
from decimal import Context, Decimal, Inexact
from typing import NamedTuple

from rxbybit.operators.arguments import MOST_S, refused

__all__ = ["Sliding", "Window", "milliseconds_of", "trades_of", "window_of"]

_UNITS = {
    "ms": 1,
    "s": 1_000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
}
# So many digits and no more: what has others is no mistake that could be counted with.
_LENGTH = re.compile(r"([0-9]{1,11})(ms|s|m|h|d|w)")
_TRADES = re.compile(r"([0-9]{1,10}) +trades?")
# Wide enough for any number of the wire: a sum that had to be rounded would be an error, so what
# leaves a window takes away exactly what it brought.
_EXACT = Context(prec=2_000, traps=[Inexact])


class Window(NamedTuple):
    """How far back it reaches: in milliseconds, or in trades."""

    ms: int | None = None
    trades: int | None = None


def milliseconds_of(text: object) -> int | None:
    """The milliseconds that ``"500ms"``, ``"30s"``, ``"1m"``, ``"4h"``, ``"1d"`` or ``"1w"`` names.

    ``None`` for anything else, and for a length of 0 or over a year. ``"1M"``, a month, has no
    length.
    """
    found = _LENGTH.fullmatch(text) if isinstance(text, str) else None
    length_ms = int(found[1]) * _UNITS[found[2]] if found else 0
    return length_ms if 0 < length_ms <= 1_000 * MOST_S else None


def trades_of(text: object) -> int | None:
    """The number in ``"500 trades"``, of 10 digits at most; ``None`` for all else, and for 0."""
    found = _TRADES.fullmatch(text) if isinstance(text, str) else None
    return int(found[1]) or None if found else None


def window_of(operator: str, text: object) -> Window:
    """The window that ``text`` names, the parameter ``window`` of ``operator``.

    Errors: ``ConfigurationError`` for what names none, with what does.
    """
    window = Window(milliseconds_of(text), trades_of(text))
    if window == (None, None):
        needs = (
            "use a length of time such as '500ms', '30s', '1m', '4h', '1d' or '1w', a year at most,"
            " or a number of trades such as '500 trades', 10 digits at most"
        )
        raise refused(operator, "window", text, needs)
    return window


class Sliding:
    """Two sums over what is in a window: exact, so that nothing that has left it stays behind.

    Time never goes back: what is older than the newest counts as of its time.
    """

    def __init__(self, window: Window) -> None:
        self._window = window
        self._items: deque[tuple[int, Decimal, Decimal]] = deque()
        self.first = Decimal(0)
        self.second = Decimal(0)
        self.newest_ms = 0

    def add(self, time_ms: int, first: Decimal, second: Decimal) -> None:
        """Count in what happened at ``time_ms``, and forget what is out of the window now."""
        self.newest_ms = newest_ms = max(self.newest_ms, time_ms)
        items = self._items
        items.append((newest_ms, first, second))
        self.first = _EXACT.add(self.first, first)
        self.second = _EXACT.add(self.second, second)
        length_ms, trades = self._window
        if trades is not None:
            if len(items) > trades:
                self._forget()
        elif length_ms is not None:
            while items[0][0] <= newest_ms - length_ms:
                self._forget()

    def _forget(self) -> None:
        _, first, second = self._items.popleft()
        self.first = _EXACT.subtract(self.first, first)
        self.second = _EXACT.subtract(self.second, second)
