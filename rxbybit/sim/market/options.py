"""Options: what there are, and what one is worth.

V5 manual, "Get Instruments Info". The worth is Black's formula for an underlying without interest,
with a volatility that is higher away from the money.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import erf, exp, log, pi, sqrt
from typing import NamedTuple

from rxbybit.sim.market.index import Index
from rxbybit.sim.market.instruments import Instrument, Temper

__all__ = ["OptionContract", "OptionPrice", "Worth", "option_chain"]

_DAY_MS = 86_400_000
_YEAR_MS = 365 * _DAY_MS
_SHORTEST_MS = 60_000
"""Nearer to its expiry an option is worth what it was worth then."""


@dataclass(frozen=True, kw_only=True)
class OptionContract(Instrument):
    """A call or a put, settled in its quote coin."""

    strike: int
    """In USD."""
    call: bool

    def info(self, status: str, number: int) -> dict[str, object]:
        most = self.size(self.temper.lots * 1_000)
        tick = self.price(1)
        front, _, _ = self.symbol.partition("-")
        shown = f"{front}{self.quote}-{self.symbol.split('-', 1)[1].removesuffix('-' + self.quote)}"
        return {
            "symbol": self.symbol,
            "status": status,
            "baseCoin": self.base,
            "quoteCoin": self.quote,
            "settleCoin": self.settle,
            "optionsType": "Call" if self.call else "Put",
            "launchTime": str(self.launch_ms),
            "deliveryTime": str(self.delivery_ms or 0),
            "deliveryFeeRate": "0.00015",
            "priceFilter": {"minPrice": tick, "maxPrice": self.price(222_000), "tickSize": tick},
            "lotSizeFilter": {
                "maxOrderQty": most,
                "minOrderQty": self.size(1),
                "qtyStep": self.size(1),
            },
            "displayName": shown,
        }


class Worth(NamedTuple):
    """What an option is worth at one moment, in USD, and how that moves."""

    price: float
    underlying: float
    volatility: float
    """A year's, as a ratio."""
    delta: float
    gamma: float
    vega: float
    """For one point of volatility."""
    theta: float
    """A day."""

    def implied(self, price: float) -> float:
        """The volatility that would make it worth ``price``, near enough; at least 0."""
        return max(self.volatility + (price - self.price) / max(self.vega * 100, 1e-9), 0.0)


class OptionPrice:
    """What ``option`` is worth by its underlying's index; ``now`` gives exchange milliseconds."""

    def __init__(self, option: OptionContract, index: Index, now: Callable[[], int]) -> None:
        self._option = option
        self._index = index
        self._now = now

    @property
    def price(self) -> float:
        """The worth in USD."""
        return self.worth().price

    def worth(self) -> Worth:
        """All of it as it is now."""
        forward, strike = self._index.price, self._option.strike
        away = log(strike / forward)
        volatility = 0.5 + 0.8 * away * away
        left_ms = max((self._option.delivery_ms or 0) - self._now(), _SHORTEST_MS)
        years = left_ms / _YEAR_MS
        deviation = volatility * sqrt(years)
        higher = deviation / 2 - away / deviation
        above, beyond = _normal(higher), _normal(higher - deviation)
        density = exp(-higher * higher / 2) / sqrt(2 * pi)
        # A put is a call with the underlying sold and the strike in hand.
        put = 0.0 if self._option.call else 1.0
        return Worth(
            price=forward * (above - put) - strike * (beyond - put),
            underlying=forward,
            volatility=volatility,
            delta=above - put,
            gamma=density / (forward * deviation),
            vega=forward * density * sqrt(years) / 100,
            theta=-forward * density * volatility / (2 * sqrt(years)) / 365,
        )


def _normal(x: float) -> float:
    return (1 + erf(x / sqrt(2))) / 2


def option_chain(
    start_ms: int, strikes: tuple[int, ...] = (62_000, 68_000)
) -> tuple[OptionContract, ...]:
    """Calls and puts on ``BTC`` for the second and the sixth Friday after ``start_ms``."""
    begins = datetime.fromtimestamp(start_ms / 1000, tz=UTC)
    today = begins.replace(hour=8, minute=0, second=0, microsecond=0)
    friday = today + timedelta(days=(4 - today.weekday()) % 7)
    return tuple(
        OptionContract(
            category="option",
            symbol=f"BTC-{_date(friday + timedelta(weeks=weeks))}-{strike}-{letter}-USDT",
            base="BTC",
            quote="USDT",
            price_scale=0,
            tick=5,
            size_scale=2,
            delivery_ms=int((friday + timedelta(weeks=weeks)).timestamp()) * 1000,
            launch_ms=start_ms,
            temper=Temper(rate=0.1, spread=2, reach=30, patience=40, lots=60),
            strike=strike,
            call=letter == "C",
        )
        for weeks in (1, 5)
        for strike in strikes
        for letter in "CP"
    )


def _date(moment: datetime) -> str:
    """A date as symbols have it, whatever the language of the machine."""
    months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
    return f"{moment.day}{months[moment.month - 1]}{moment.year % 100:02}"
