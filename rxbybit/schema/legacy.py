"""How the legacy wire spells what V5 spells otherwise: scaled integers, times in other units,
names of an older choice.

Its siblings send many of the numbers as text, so each field takes both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import cast

from rxbybit.events import OpenEnum
from rxbybit.schema.fields import Choice, Moment, WireField
from rxbybit.schema.text import LAST_MS, integer_of, number_of, text_of

__all__ = ["End", "Instant", "Microseconds", "Nanoseconds", "Scaled", "Seconds", "Spelled", "Truth"]

_DIGITS = re.compile(r"-?[0-9]{1,40}")


def digits_of(value: object) -> int:
    """The whole number that ``value`` is, or spells in plain digits; else ``ValueError``."""
    if not isinstance(value, str):
        return integer_of(value)
    if _DIGITS.fullmatch(value) is None:
        raise ValueError(f"not a whole number: {value!r}")
    return int(value)


class Scaled(WireField[Decimal]):
    """A whole number of parts of 10 to the power of ``places``: 29930500 of 4 is 2993.05."""

    complaint = "Not a valid integer."
    gives = Decimal

    def __init__(
        self,
        places: int,
        *,
        data_key: str | None = None,
        required: bool = False,
        empty: bool = False,
    ) -> None:
        super().__init__(data_key=data_key, required=required, empty=empty)
        self.places = places

    def read(self, value: object) -> Decimal:
        # as a text: a Decimal that is made by arithmetic is rounded to 28 digits
        return number_of(f"{digits_of(value)}e-{self.places}", self.numbers)


class _Time(WireField[int]):
    complaint = "Not a valid time."
    gives = int

    def read(self, value: object) -> int:
        ms = self.ms(digits_of(value))
        if 0 <= ms <= LAST_MS:
            return ms
        raise ValueError

    def ms(self, number: int) -> int:
        """Milliseconds since 1970 for what the wire counts."""
        raise NotImplementedError


class Instant(Moment):
    """A time as :class:`Moment` takes it, in most frames a number of milliseconds."""


class Seconds(_Time):
    """A time in seconds since 1970."""

    def ms(self, number: int) -> int:
        return number * 1000


class End(_Time):
    """The first second after something; gives the last millisecond of it."""

    def ms(self, number: int) -> int:
        return number * 1000 - 1


class Microseconds(_Time):
    """A time in microseconds since 1970; what is less than a millisecond is cut off."""

    def ms(self, number: int) -> int:
        return number // 1000


class Nanoseconds(_Time):
    """A time in nanoseconds since 1970; what is less than a millisecond is cut off."""

    def ms(self, number: int) -> int:
        return number // 1_000_000


class Spelled(Choice):
    """A value of an open enum, under the name that ``names`` has for it, if any.

    It may be empty where it need not be there; 0 is empty too, which the wire sends for triggers
    that are not set.
    """

    def __init__(
        self,
        enum: type[OpenEnum],
        names: Mapping[str, str] = MappingProxyType({}),
        *,
        data_key: str | None = None,
        required: bool = False,
        nothing: str | None = None,
    ) -> None:
        super().__init__(
            enum, data_key=data_key, required=required, empty=not required, nothing=nothing
        )
        self.names = names

    def read(self, value: object) -> OpenEnum:
        if self.empty and type(value) is int and value == 0:
            return cast("OpenEnum", None)
        text = text_of(value)
        return cast("OpenEnum", self.enum(self.names.get(text, text)))


class Truth(WireField[bool]):
    """``true`` or ``false``, also as text."""

    complaint = "Not a valid boolean."
    gives = bool

    def read(self, value: object) -> bool:
        if isinstance(value, bool):
            return value
        if value in ("true", "false"):
            return value == "true"
        raise ValueError
