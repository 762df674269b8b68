"""What is listed when nothing else is said, and what happens to listings by script."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from rxbybit.config import Category
from rxbybit.sim.market.instruments import Instrument, Temper
from rxbybit.sim.market.options import option_chain

__all__ = [
    "OPENING",
    "Delisting",
    "Listing",
    "Script",
    "check_script",
    "default_instruments",
    "default_script",
]

OPENING: dict[str, float] = {"BTC": 65_000.0, "ETH": 1_900.0, "DUST": 0.7, "NOVA": 12.0}
"""Where the index of a coin begins, in USD; that of another coin begins at 1."""

_DAY_MS = 86_400_000
_YEAR_MS = 365 * _DAY_MS
_MONTHS = {3: "H", 6: "M", 9: "U", 12: "Z"}


@dataclass(frozen=True, kw_only=True)
class Listing:
    """An instrument begins to trade ``after_ms`` of the market's life."""

    after_ms: int
    instrument: Instrument


@dataclass(frozen=True, kw_only=True)
class Delisting:
    """An instrument ends: its orders are cancelled, and nothing of it is heard again."""

    after_ms: int
    category: Category
    symbol: str


Script = tuple[Listing | Delisting, ...]


def default_instruments(start_ms: int) -> tuple[Instrument, ...]:
    """Two inverse perpetuals and a quarterly, two linear ones (one hardly traded), one on spot.

    And eight options.
    They were launched before ``start_ms``, by six years (``BTCUSD``) to 200 days (``DUSTUSDT``).
    """
    return (*_inverse(start_ms), *_of_usdt(start_ms), *option_chain(start_ms))


def _inverse(start_ms: int) -> tuple[Instrument, ...]:
    year, month, delivery_ms = _quarter(start_ms)
    inverse = partial(Instrument, category="inverse", quote="USD")
    return (
        inverse(
            symbol="BTCUSD",
            base="BTC",
            contract="InversePerpetual",
            launch_ms=start_ms - 6 * _YEAR_MS,
            price_scale=2,
            tick=50,
            temper=Temper(rate=1.9, reach=6_000, patience=1_500, lots=1_500),
        ),
        inverse(
            symbol="ETHUSD",
            base="ETH",
            contract="InversePerpetual",
            launch_ms=start_ms - 5 * _YEAR_MS,
            price_scale=2,
            tick=5,
            temper=Temper(rate=0.6, lots=400),
        ),
        inverse(
            symbol=f"BTCUSD{_MONTHS[month]}{year % 100:02}",
            base="BTC",
            contract="InverseFutures",
            price_scale=2,
            tick=50,
            launch_ms=delivery_ms - 182 * _DAY_MS,
            delivery_ms=delivery_ms,
            premium=0.008,
            temper=Temper(rate=0.2, spread=6, lots=300),
        ),
    )


def _of_usdt(start_ms: int) -> tuple[Instrument, ...]:
    linear = partial(
        Instrument,
        category="linear",
        quote="USDT",
        contract="LinearPerpetual",
    )
    spot = partial(Instrument, category="spot", quote="USDT")
    return (
        linear(
            symbol="BTCUSDT",
            base="BTC",
            launch_ms=start_ms - 5 * _YEAR_MS,
            price_scale=2,
            tick=50,
            size_scale=3,
            temper=Temper(rate=0.7, lots=40),
        ),
        linear(
            symbol="DUSTUSDT",
            base="DUST",
            launch_ms=start_ms - 200 * _DAY_MS,
            price_scale=4,
            tick=1,
            size_scale=1,
            temper=Temper(rate=0.02, spread=12, reach=400, patience=12, lots=900),
        ),
        spot(
            symbol="BTCUSDT",
            base="BTC",
            launch_ms=start_ms - 4 * _YEAR_MS,
            price_scale=1,
            tick=5,
            size_scale=6,
            temper=Temper(rate=0.5, lots=30_000),
        ),
    )


def default_script(start_ms: int) -> Script:
    """``NOVAUSDT`` is listed after ten minutes, ``DUSTUSDT`` delisted after twenty hours."""
    nova = Instrument(
        category="linear",
        symbol="NOVAUSDT",
        base="NOVA",
        quote="USDT",
        contract="LinearPerpetual",
        price_scale=3,
        tick=1,
        size_scale=1,
        launch_ms=start_ms + 600_000,
        temper=Temper(rate=0.2, spread=4, reach=600, patience=200, lots=60),
    )
    return (
        Listing(after_ms=600_000, instrument=nova),
        Delisting(after_ms=72_000_000, category="linear", symbol="DUSTUSDT"),
    )


def _quarter(start_ms: int) -> tuple[int, int, int]:
    """Year, month and delivery (last Friday of the quarter, 8 h UTC) at least four weeks off."""
    earliest = datetime.fromtimestamp(start_ms / 1000, tz=UTC) + timedelta(days=28)
    year, month = earliest.year, (earliest.month + 2) // 3 * 3
    while True:
        following = datetime(year + month // 12, month % 12 + 1, 1, 8, tzinfo=UTC)
        last = following - timedelta(days=1)
        delivery = last - timedelta(days=(last.weekday() - 4) % 7)
        if delivery >= earliest:
            return year, month, int(delivery.timestamp() * 1000)
        year, month = (year + 1, 3) if month == 12 else (year, month + 3)


def check_script(instruments: tuple[Instrument, ...], script: Script) -> None:
    """Errors: ``ValueError`` for what cannot be listed or delisted in this order."""
    listed: set[tuple[Category, str]] = set()
    known: set[tuple[Category, str]] = set()
    first = [Listing(after_ms=0, instrument=one) for one in instruments]
    for event in (*first, *sorted(script, key=lambda event: event.after_ms)):
        if isinstance(event, Listing):
            key = event.instrument.category, event.instrument.symbol
            if key in known:
                raise ValueError(f"{key[0]} {key[1]} is listed twice")
            known.add(key)
            listed.add(key)
        elif (event.category, event.symbol) in listed:
            listed.remove((event.category, event.symbol))
        else:
            raise ValueError(f"{event.category} {event.symbol} is delisted, but not listed then")
