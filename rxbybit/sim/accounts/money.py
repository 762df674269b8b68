"""Money in whole units of a hundred-millionth, and the rates that the exchange takes.

What an order trades for, its fee and its profit are whole numbers of 1e-8 of the coin they are
settled in, so that sums of them agree to the last digit.
"""

from __future__ import annotations

from rxbybit.sim.market.instruments import Instrument, spelled

__all__ = [
    "LEVERAGE",
    "MAKER",
    "TAKER",
    "UNIT",
    "fee_of",
    "maintenance_of",
    "rate_text",
    "rounded",
    "text",
    "value_at",
    "value_of",
]

UNIT = 10**8
"""So many make one coin, or one USDT."""
MAKER, TAKER = 20, 55
"""Of the value traded, in units of 1e-5: what the public fee table says of contracts."""
LEVERAGE = 10
"""Of every position; nobody can set it."""
_MAINTENANCE = 500
"""Of the value held, in units of 1e-5."""


def rounded(number: int, divisor: int) -> int:
    """``number / divisor``, to the nearest whole number, a half away from 0."""
    half = abs(divisor) // 2
    sign = 1 if (number >= 0) == (divisor > 0) else -1
    return sign * ((abs(number) + half) // abs(divisor))


def text(units: int) -> str:
    """Decimal text, without zeros at the end.

    >>> text(150_000_000), text(-20), text(0)
    ('1.5', '-0.0000002', '0')
    """
    return spelled(units, 8, trim=True)


def value_of(instrument: Instrument, ticks: int, lots: int) -> int:
    """What ``lots`` are worth at a price in ticks: of inverse in coin, cut below."""
    return value_at(instrument, ticks * instrument.tick, lots)


def value_at(instrument: Instrument, units: int, lots: int) -> int:
    """The same at a price that need not be in ticks, in units of its last decimal."""
    return instrument.worth(units, lots) * 10 ** (8 - instrument.value_scale)


def fee_of(value: int, rate: int) -> int:
    """What a trade of this value costs."""
    return rounded(value * rate, 100_000)


def maintenance_of(value: int) -> int:
    """The maintenance margin of a position of this value."""
    return rounded(value * _MAINTENANCE, 100_000)


def rate_text(rate: int) -> str:
    """A rate as decimal text."""
    return spelled(rate, 5, trim=True)
