"""What the wire's values look like: the base of all schemas, and one field class a spelling.

Each field takes marshmallow's ``data_key`` and ``required``, and ``empty``: whether ``""`` (or
null) may stand for "no value", which comes out as ``None``; ``nothing`` is another value that
does, such as 0 or ``"UNKNOWN"``. Nothing else can be configured: ``compile.py`` knows every one
of these classes and what msgspec type is equal to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal as _Decimal
from enum import Enum
from math import isfinite
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar, cast

from marshmallow import EXCLUDE, Schema
from marshmallow import fields as stock
from marshmallow.exceptions import ValidationError

from rxbybit.events import OpenEnum
from rxbybit.ladder import TextLevel, Unfit, price_text, size_text
from rxbybit.schema.text import (
    LAST_MS,
    flag_of,
    integer_of,
    milliseconds_of,
    names_of,
    number_of,
    text_of,
    whole_of,
)

__all__ = [
    "Boolean",
    "Choice",
    "Decimal",
    "Flag",
    "Integer",
    "Levels",
    "Milliseconds",
    "Moment",
    "Names",
    "String",
    "TextLevels",
    "Whole",
    "WireField",
    "WireSchema",
]

T = TypeVar("T")


class WireSchema(Schema):
    """How one wire spells one event: a field for each attribute, in the order of the wire.

    Unknown keys pass: the exchange adds some without notice.
    """

    ignored: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Keys left out on purpose, each with the reason."""

    class Meta:
        """Options of marshmallow."""

        unknown = EXCLUDE

    def __init__(self, *, numbers: type = _Decimal) -> None:
        super().__init__()
        self.numbers = numbers
        """What :class:`Decimal` and :class:`Levels` give: ``Decimal`` or ``float``."""

    # Any: marshmallow's fields are generic in a type that only they know
    @property
    def declared(self) -> Mapping[str, stock.Field[Any]]:
        """The fields, by attribute."""
        return cast("Mapping[str, stock.Field[Any]]", self.load_fields)  # pyright: ignore[reportUnknownMemberType]


class WireField(stock.Field[T]):
    """The base of the fields below."""

    complaint: ClassVar[str] = "Not a valid value."
    gives: object = object
    """The type of the attribute."""

    def __init__(
        self,
        *,
        data_key: str | None = None,
        required: bool = False,
        empty: bool = False,
        nothing: str | int | None = None,
    ) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType]
            data_key=data_key, required=required, allow_none=empty
        )
        self.empty = empty
        self.nothing = nothing

    def _deserialize(
        self, value: object, attr: str | None, data: Mapping[str, object] | None, **kwargs: object
    ) -> T:
        if self.empty and value == "":
            return cast("T", None)
        try:
            found = self.read(value)
            return cast("T", None) if self.nothing is not None and found == self.nothing else found
        except ValidationError:
            raise
        except ValueError as error:
            raise ValidationError(self.complaint) from error

    def read(self, value: object) -> T:
        """The attribute for a value of the JSON text; ``ValueError`` when it cannot be one."""
        raise NotImplementedError

    @property
    def numbers(self) -> type:
        """What numbers become."""
        return self.root.numbers if isinstance(self.root, WireSchema) else _Decimal


class String(WireField[str]):
    """Text, not empty."""

    complaint = "Not a valid string."
    gives = str

    def read(self, value: object) -> str:
        return text_of(value)


class Choice(WireField[OpenEnum]):
    """A value of an open enum: an unknown one passes."""

    complaint = "Not a valid choice."

    def __init__(
        self,
        enum: type[OpenEnum],
        *,
        data_key: str | None = None,
        required: bool = False,
        empty: bool = False,
        nothing: str | None = None,
    ) -> None:
        super().__init__(data_key=data_key, required=required, empty=empty, nothing=nothing)
        self.enum: type[Enum] = enum

    def read(self, value: object) -> OpenEnum:
        return cast("OpenEnum", self.enum(text_of(value)))


class Boolean(WireField[bool]):
    """``true`` or ``false``."""

    complaint = "Not a valid boolean."
    gives = bool

    def read(self, value: object) -> bool:
        if isinstance(value, bool):
            return value
        raise ValueError


class Flag(WireField[bool]):
    """``"0"`` or ``"1"``; a JSON number will do."""

    complaint = "Not 0 or 1."
    gives = bool

    def read(self, value: object) -> bool:
        return flag_of(value if isinstance(value, str) else integer_of(value))


class Integer(WireField[int]):
    """A whole JSON number."""

    complaint = "Not a valid integer."
    gives = int

    def read(self, value: object) -> int:
        return integer_of(value)


class Milliseconds(WireField[int]):
    """A time, as a JSON number of milliseconds since 1970 that a ``datetime`` can show."""

    complaint = "Not a valid time in milliseconds."
    gives = int

    def read(self, value: object) -> int:
        ms = integer_of(value)
        if 0 <= ms <= LAST_MS:
            return ms
        raise ValueError


class Whole(WireField[int]):
    """A whole number sent as text; a JSON number will do."""

    complaint = "Not a valid integer."
    gives = int

    def read(self, value: object) -> int:
        return whole_of(value if isinstance(value, str) else integer_of(value))


class Moment(WireField[int]):
    """A time sent as text, see :func:`milliseconds_of`; a JSON number will do."""

    complaint = "Not a valid time."
    gives = int

    def read(self, value: object) -> int:
        return milliseconds_of(value if isinstance(value, str) else str(integer_of(value)))


class Decimal(WireField[_Decimal]):
    """A finite decimal number sent as text; a JSON number will do."""

    complaint = "Not a valid number."
    gives = _Decimal

    def read(self, value: object) -> _Decimal:
        return number_of(value, self.numbers)


class Names(WireField[tuple[str, ...]]):
    """Names sent as a comma list in one text."""

    complaint = "Not a valid list of names."
    gives = tuple[str, ...]

    def read(self, value: object) -> tuple[str, ...]:
        return () if value == "" else names_of(text_of(value))


Level = tuple[_Decimal, _Decimal]


class Levels(WireField[tuple[Level, ...]]):
    """Levels of a book: a list of ``[price, size]``, both as :class:`Decimal`."""

    complaint = "Not a list of levels."
    gives = tuple[Level, ...]

    def read(self, value: object) -> tuple[Level, ...]:
        numbers = self.numbers

        def level(price: object, size: object) -> Level:
            return number_of(price, numbers), number_of(size, numbers)

        return tuple(_levels(value, level))


class TextLevels(WireField[list[TextLevel]]):
    """Levels of a book as they are spelled; as floats they must be finite, and no size below 0."""

    complaint = "Not a list of levels."
    gives = list[TextLevel]

    def read(self, value: object) -> list[TextLevel]:
        def level(price: object, size: object) -> TextLevel:
            return price_text(*_spelled(price)), size_text(*_spelled(size))

        return _levels(value, level)


def _levels(value: object, read: Callable[[object, object], T]) -> list[T]:
    if not isinstance(value, list):
        raise ValueError
    levels: list[T] = []
    wrong: dict[int, list[str]] = {}
    for index, level in enumerate(cast("list[object]", value)):
        try:
            levels.append(read(*_pair(level)))
        except Unfit:
            wrong[index] = ["Not a size from 0 on."]
        except ValueError:
            wrong[index] = ["Not a pair of price and size."]
    if wrong:
        raise ValidationError(cast("dict[str, list[str]]", wrong))
    return levels


def _spelled(value: object) -> tuple[str, _Decimal]:
    number = number_of(value, _Decimal)
    if not isfinite(float(number)):
        raise ValueError
    return str(value), number


def _pair(level: object) -> tuple[object, object]:
    if not isinstance(level, list):
        raise ValueError
    price, size = cast("list[object]", level)
    return price, size
