"""Candles in characters: a body is a thick line, a wick a thin one, to half a row."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from rich.text import Text

from rxbybit.view.candles import Candle
from rxbybit.view.rows import below, digits, money, title

__all__ = ["chart"]

NOTHING, WICK, BODY = range(3)
_MARKS = {
    (NOTHING, NOTHING): " ",
    (NOTHING, WICK): "╷",
    (NOTHING, BODY): "╻",
    (WICK, NOTHING): "╵",
    (WICK, WICK): "│",
    (WICK, BODY): "╽",
    (BODY, NOTHING): "╹",
    (BODY, WICK): "╿",
    (BODY, BODY): "┃",
}
"""By what the upper and the lower half of a cell hold."""


def chart(candles: Sequence[Candle], length: str, width: int, height: int) -> list[Text]:
    """The last candles, with the highest and the lowest price at the right."""
    head = title("Candles", f"{length} each", width)
    rows = max(1, height - 1)
    # What is shown decides how wide its prices are, and that how much is shown.
    shown = candles[-max(1, width - 4) :]
    if not shown:
        return below([head, Text("none yet", style="dim")], width, height)
    label = max(map(len, _labels(shown)))
    shown = shown[-max(1, width - label - 1) :]
    high, low, last = _labels(shown)
    columns = [_column(candle, *_range(shown), rows) for candle in shown]
    canvas: list[Text] = []
    for row in range(rows):
        line = Text()
        for candle, column in zip(shown, columns, strict=True):
            line.append(column[row], style="green" if candle.close >= candle.open else "red")
        line.pad_right(width - label - line.cell_len)
        canvas.append(line)
    texts = {0: high, rows - 1: low} if rows > 1 else {0: last}
    for row, text in texts.items():
        canvas[row].append(f"{text:>{label}}", style="dim")
    return below([head, *canvas], width, height)


def _labels(shown: Sequence[Candle]) -> tuple[str, str, str]:
    low, high = _range(shown)
    last = shown[-1].close
    places = digits((low, high, last))
    return money(high, places), money(low, places), money(last, places)


def _range(shown: Sequence[Candle]) -> tuple[Decimal, Decimal]:
    return min(c.low for c in shown), max(c.high for c in shown)


def _column(candle: Candle, low: Decimal, high: Decimal, rows: int) -> list[str]:
    """The cells of one candle, from the top down."""
    halves = [NOTHING] * (2 * rows)

    def place(price: Decimal) -> int:
        share = float((price - low) / (high - low)) if high > low else 0.5
        return round((1 - share) * (2 * rows - 1))

    for half in range(place(candle.high), place(candle.low) + 1):
        halves[half] = WICK
    top, bottom = sorted((place(candle.open), place(candle.close)))
    for half in range(top, bottom + 1):
        halves[half] = BODY
    return [_MARKS[pair] for pair in zip(halves[::2], halves[1::2], strict=True)]
