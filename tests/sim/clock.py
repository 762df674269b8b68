"""A clock that stands still until it is told to go on, and a market that keeps to it."""

from __future__ import annotations

import json
from typing import Any

from rxbybit.sim import Exchange, Market
from rxbybit.sim.market import Delisting, Instrument, Listing
from tests.sim.market.journal import START_MS, small


class Clock:
    """Milliseconds since 1970, by hand."""

    def __init__(self) -> None:
        self.ms = 1_800_000_000_000

    def __call__(self) -> int:
        return self.ms


def instruments() -> tuple[Instrument, ...]:
    return (small(), small("linear", "BTCUSDT"), small("spot", "BTCUSDT"))


def market(seed: int = 1, script: tuple[Listing | Delisting, ...] = ()) -> Market:
    return Market(seed=seed, start_ms=START_MS, instruments=instruments(), script=script)


async def passes(exchange: Exchange, clock: Clock, ms: int) -> None:
    """The clock goes on by ``ms``, and the market has come there."""
    clock.ms += ms
    await exchange.until(lambda: exchange.lag_ms == 0, timeout_s=15.0)


def text(content: dict[str, Any]) -> str:
    return json.dumps(content, separators=(",", ":"))
