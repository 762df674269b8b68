"""Rows of text of an exact width, and numbers that fit into them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from rich.cells import cell_len
from rich.text import Text

__all__ = ["amount", "bar", "below", "beside", "digits", "fit", "money", "packed", "title"]

MOST_DIGITS = 10
LONGEST = 11
"""How long a size may be before it is shortened, in characters."""
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_SCALES = ((Decimal(10) ** 9, "B"), (Decimal(10) ** 6, "M"), (Decimal(10) ** 3, "K"))


def fit(text: Text, width: int) -> Text:
    """``text`` in exactly so many cells: cut, or padded on the right."""
    fitted = text.copy()
    fitted.no_wrap = True
    fitted.truncate(max(0, width), overflow="ellipsis", pad=True)
    return fitted


def below(rows: Iterable[Text], width: int, height: int) -> list[Text]:
    """Exactly so many rows of that width: cut, or filled with empty ones."""
    fitted = [fit(row, width) for row in rows][: max(0, height)]
    return fitted + [Text(" " * width)] * (height - len(fitted))


def beside(left: Sequence[Text], right: Sequence[Text]) -> list[Text]:
    """Both blocks next to each other, a thin line between them."""
    return [Text.assemble(a, (" │ ", "dim"), b) for a, b in zip(left, right, strict=True)]


def title(words: str, note: str, width: int, style: str = "dim") -> Text:
    """The head of a panel; ``note`` in ``style`` is at its right."""
    gap = max(1, width - cell_len(words) - cell_len(note))
    return Text.assemble((words, "bold"), " " * gap, (note, style))


def packed(parts: Sequence[Text], width: int, most: int) -> list[Text]:
    """The parts in as few rows as they fit into, ``most`` of them at most; none is cut."""
    rows: list[Text] = []
    for part in parts:
        if rows and rows[-1].cell_len + 2 + part.cell_len <= width:
            rows[-1] = Text.assemble(rows[-1], "  ", part)
        elif len(rows) < most and part.cell_len <= width:
            rows.append(part)
        else:
            break
    return rows


def bar(share: float, width: int, *, style: str) -> Text:
    """A bar over ``share`` of ``width`` cells, to an eighth of a cell."""
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    full, rest = divmod(eighths, 8)
    return Text((_EIGHTHS[8] * full + (_EIGHTHS[rest] if rest else "")).ljust(width), style=style)


def digits(values: Iterable[Decimal | None]) -> int:
    """How many digits after the point show all of them."""
    exponents = (v.as_tuple().exponent for v in values if v is not None)
    return min(MOST_DIGITS, max((-e for e in exponents if isinstance(e, int)), default=0, key=int))


def money(value: Decimal | None, places: int) -> str:
    """A price with so many digits after the point."""
    return "-" if value is None else f"{value:,.{max(0, places)}f}"


def amount(value: Decimal | None, places: int = 0) -> str:
    """A size, in full where that is short, else as in ``1.23M``."""
    if value is None:
        return "-"
    text = f"{value:,.{max(0, places)}f}"
    if len(text) <= LONGEST:
        return text
    for scale, letter in _SCALES:
        if abs(value) >= scale:
            return f"{value / scale:,.2f}{letter}"
    return text
