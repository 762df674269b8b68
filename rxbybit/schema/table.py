"""The closed table: what each field class is to msgspec, so that both read the same.

A field class that is not in here, a subclass of one that is, or a field with a validator or
another processor of its own is not known to be equal, and has no entry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Annotated, Any

import msgspec
from marshmallow import fields as stock

from rxbybit.ladder import Written
from rxbybit.schema import fields
from rxbybit.schema.text import LAST_MS, milliseconds_of, names_of, whole_of

__all__ = ["MILLISECONDS", "Entry", "entry_of"]

Read = Callable[[Any], object]  # Any: whatever the wire's type decodes to

# Any: pyright takes an annotated type for no class, so would not let it be in a union
MILLISECONDS: Any = Annotated[int, msgspec.Meta(ge=0, le=LAST_MS)]
_FILLED = Annotated[str, msgspec.Meta(min_length=1)]
_DECIMALS = tuple[tuple[Decimal, Decimal], ...]


@dataclass(frozen=True)
class Entry:
    """How msgspec reads a field."""

    wire: Any  # a type, in whatever form msgspec takes types
    """What it decodes; any text but ``""`` where that is the way of ``text``."""
    convert: Read | None = None
    """Makes the attribute of that; ``ValueError`` or ``ArithmeticError`` if it cannot be one."""
    text: Read | None = None
    """Makes the attribute of the text, for fields that are texts on the wire."""
    special: bool = False
    """Whether ``wire`` lets NaN and infinities pass."""


def entry_of(field: stock.Field[Any], numbers: type) -> Entry | None:  # Any: see WireSchema
    """The entry for ``field`` with ``numbers`` as numbers; ``None`` when there is none."""
    processors = ("validators", "pre_load", "post_load")
    if any(getattr(field, name) for name in processors):
        return None
    if type(field) is fields.Choice:
        return Entry(field.enum, text=_member_of(field))
    return (_DECIMAL if numbers is Decimal else _FLOAT).get(type(field))


def _member_of(field: fields.Choice) -> Read:
    # a look-up in a dict takes a sixth of a call of the enum
    enum, known = field.enum, {member.value: member for member in field.enum}
    return lambda text: known.get(text) or enum(text)


def _filled(text: str) -> str:
    if not text:
        raise ValueError("an empty text")
    return text


def _decimal(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite():
        raise ValueError(f"not a finite number: {text!r}")
    return number


def _float(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"not a finite number: {text!r}")
    return number


# Lax about types, which harms nothing where there is nothing but numbers in a list of pairs.
# It is not lax about text: what it refuses, marshmallow may still take.
_float_levels = msgspec.json.Decoder(tuple[tuple[float, float], ...], strict=False).decode
_text_levels = msgspec.json.Decoder(tuple[tuple[str, str], ...]).decode


def _floats(raw: msgspec.Raw) -> tuple[tuple[float, float], ...]:
    text = bytes(raw)
    # without n, - or an escape there is no NaN, no infinity and no -0, which msgspec makes 0
    if 0x6E in text or 0x4E in text or 0x2D in text or 0x5C in text:
        return tuple((_float(price), _float(size)) for price, size in _text_levels(text))
    return _float_levels(text)


def _texts(raw: msgspec.Raw) -> object:
    return Written(_text_levels(raw), _floats(raw))


_EITHER: dict[type, Entry] = {
    fields.String: Entry(_FILLED, text=_filled),
    fields.Boolean: Entry(bool),
    fields.Integer: Entry(int),
    fields.Milliseconds: Entry(MILLISECONDS),
    fields.Whole: Entry(str, whole_of, text=whole_of),
    fields.Moment: Entry(str, milliseconds_of, text=milliseconds_of),
    fields.Names: Entry(str, names_of, text=names_of),
    fields.TextLevels: Entry(msgspec.Raw, _texts),
}
_DECIMAL = {
    **_EITHER,
    fields.Decimal: Entry(Decimal, text=_decimal, special=True),
    fields.Levels: Entry(_DECIMALS, special=True),
}
_FLOAT = {
    **_EITHER,
    fields.Decimal: Entry(str, _float, text=_float),
    fields.Levels: Entry(msgspec.Raw, _floats),
}
