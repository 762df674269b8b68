"""What the wire spells as text: numbers, times, lists."""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import cast

__all__ = [
    "LAST_MS",
    "flag_of",
    "integer_of",
    "milliseconds_of",
    "names_of",
    "number_of",
    "text_of",
    "whole_of",
]

LAST_MS = 253_402_300_799_999
"""The last millisecond that a ``datetime`` can show (of the year 9999)."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z")


def text_of(value: object) -> str:
    """``value`` if it is text, and not empty; else ``ValueError``."""
    if not isinstance(value, str) or not value:
        raise ValueError(f"not a text: {value!r}")
    value.encode()  # half a surrogate pair is no text: UnicodeEncodeError is a ValueError
    return value


def integer_of(value: object) -> int:
    """``value`` if it is a whole JSON number; else ``ValueError``."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError(f"not an integer: {value!r}")


def number_of(value: object, numbers: type) -> Decimal:
    """``value``, text or number, as ``numbers`` (``Decimal`` or ``float``).

    ``ValueError`` unless finite. Floats are handed on under the type of Decimals: who asks for
    them gives up exactness.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise ValueError(f"not a number: {value!r}")
    try:
        number: Decimal | float = numbers(value)
    except ArithmeticError as error:
        raise ValueError(f"not a number: {value!r}") from error
    finite = number.is_finite() if isinstance(number, Decimal) else math.isfinite(number)
    if not finite:
        raise ValueError(f"not a finite number: {value!r}")
    return cast("Decimal", number)


def whole_of(text: str | int) -> int:
    """The whole number that ``text`` is, or spells in plain digits; else ``ValueError``."""
    if isinstance(text, int):
        return text
    if _WHOLE.fullmatch(text) is None:
        raise ValueError(f"not a whole number: {text!r}")
    return int(text)


def flag_of(text: str | int) -> bool:
    """Whether ``text`` is 1; ``ValueError`` when it is not 0 either."""
    if text in ("0", "1", 0, 1):
        return text in ("1", 1)
    raise ValueError(f"not 0 or 1: {text!r}")


def milliseconds_of(text: str) -> int:
    """Milliseconds of a time sent as text, in digits or in ISO form; ``ValueError`` else.

    Dated contracts send ``2025-12-26T08:00:00Z`` for their delivery, and so did all contracts
    for the next funding in 2022; today that is ``1786320000000``.
    """
    if _INSTANT.fullmatch(text) is not None:
        since = datetime.fromisoformat(text) - _EPOCH
        ms = since // timedelta(milliseconds=1)
    else:
        ms = whole_of(text)
    if not 0 <= ms <= LAST_MS:
        raise ValueError(f"no time: {text!r}")
    return ms


def names_of(text: str) -> tuple[str, ...]:
    """The names in a comma list; none in an empty one."""
    return tuple(filter(None, (name.strip() for name in text.split(","))))
