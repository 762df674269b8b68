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
from marshmallow.exceptions import ValidationError

from rxbybit.ladder import TextLevel
from rxbybit.schema import fields, legacy, nested
from rxbybit.schema.load import parsed
from rxbybit.schema.text import LAST_MS, flag_of, milliseconds_of, names_of, whole_of

__all__ = ["MILLISECONDS", "Entry", "entry_of"]

Read = Callable[[Any], object]  # Any: whatever the wire's type decodes to

# Any: pyright takes an annotated type for no class, so would not let it be in a union
MILLISECONDS: Any = Annotated[int, msgspec.Meta(ge=0, le=LAST_MS)]
# "" is refused, so that what stands for "no value" is looked for
_FILLED: Any = Annotated[str, msgspec.Meta(min_length=1)]
_DECIMALS = tuple[tuple[Decimal, Decimal], ...]


@dataclass(frozen=True)
class Entry:
    """How msgspec reads a field."""

    wire: Any  # a type, in whatever form msgspec takes types
    convert: Read | None = None
    """Makes the attribute of that; ``ValueError`` or ``ArithmeticError`` if it cannot be one."""
    of: Any = None
    """What is converted, where that is no class by the name of ``wire``."""
    special: bool = False
    """Whether ``wire`` lets NaN and infinities pass."""
    texts: bool = False
    """Whether it lets pass levels that are no numbers."""


def entry_of(field: stock.Field[Any], numbers: type) -> Entry | None:  # Any: see WireSchema
    """The entry for ``field`` with ``numbers`` as numbers; ``None`` when there is none."""
    processors = ("validators", "pre_load", "post_load")
    if any(getattr(field, name) for name in processors):
        return None
    if type(field) is fields.Choice:
        return Entry(field.enum)
    if isinstance(field, fields.WireField) and type(field) in _LEGACY:
        wire, of = _LEGACY[type(field)]
        return Entry(wire, field.read, of=of)
    if type(field) in (nested.Amounts, nested.Parts):
        return Entry(msgspec.Raw, lambda raw: _loaded(field, raw))
    return (_DECIMAL if numbers is Decimal else _FLOAT).get(type(field))


def _float(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"not a finite number: {text!r}")
    return number


# Lax about types, which harms nothing where there is nothing but numbers in a list of pairs.
# It is not lax about text: what it refuses, marshmallow may still take.
_float_levels = msgspec.json.Decoder(tuple[tuple[float, float], ...], strict=False).decode
_text_levels = msgspec.json.Decoder(tuple[TextLevel, ...]).decode


def _floats(raw: msgspec.Raw) -> tuple[tuple[float, float], ...]:
    text = bytes(raw)
    # without n, - or an escape there is no NaN, no infinity and no -0, which msgspec makes 0
    if 0x6E in text or 0x4E in text or 0x2D in text or 0x5C in text:
        return tuple((_float(price), _float(size)) for price, size in _text_levels(text))
    return _float_levels(text)


def _loaded(field: stock.Field[Any], raw: msgspec.Raw) -> object:
    """What marshmallow makes of the few values that are not worth a faster way."""
    try:
        return field.deserialize(parsed(bytes(raw)))  # pyright: ignore[reportUnknownMemberType]
    except ValidationError as error:
        raise ValueError("as marshmallow says") from error


# Any: types, in whatever form msgspec takes types
_LEGACY: dict[type, tuple[Any, Any]] = {
    **dict.fromkeys(
        (
            *(legacy.Scaled, legacy.Seconds, legacy.End, legacy.Microseconds),
            *(legacy.Nanoseconds, legacy.Instant, legacy.Spelled),
        ),
        (_FILLED | int, str | int),
    ),
    legacy.Truth: (bool | str, bool | str),
}
_EITHER: dict[type, Entry] = {
    fields.String: Entry(_FILLED),
    fields.Boolean: Entry(bool),
    fields.Integer: Entry(int),
    fields.Milliseconds: Entry(MILLISECONDS),
    fields.Flag: Entry(_FILLED | int, flag_of, of=str | int),
    fields.Whole: Entry(_FILLED | int, whole_of, of=str | int),
    fields.Moment: Entry(_FILLED, milliseconds_of, of=str),
    fields.Names: Entry(str, names_of),
    fields.TextLevels: Entry(list[TextLevel], texts=True),
}
_DECIMAL = {
    **_EITHER,
    fields.Decimal: Entry(Decimal, special=True),
    fields.Levels: Entry(_DECIMALS, special=True),
}
_FLOAT = {
    **_EITHER,
    fields.Decimal: Entry(_FILLED, _float, of=str),
    fields.Levels: Entry(msgspec.Raw, _floats),
}
