"""Each example runs unchanged: on a recording, or on a market that lives."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rxbybit.sim import Recording, ServedExchange, serve_in_thread
from tests.child import ROOT, Child
from tests.sim.clock import market as living_market

LINES = 40
"""An example has fewer lines."""
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
SHOWS = {
    "asyncio_trades": ("BTCUSD",),
    "blocking": ("Trade(",),
    "custom_operator": ("a new high:",),
    "liquidation_alert": (" USD liquidated, ",),
    "merged": ("Connecting(", "Subscribed(", "Kline(", "(Decimal("),
    "one_liner": ("[Trade(",),
    "watch_status": ("Connecting(", "Connected(", "Subscribed(", "Trade("),
}
"""What an example must print before it ends, or before Ctrl-C."""
ENDLESS = {"liquidation_alert", "one_liner", "watch_status"}
LIVING = {"custom_operator", "liquidation_alert"}
"""What needs a market that goes on: a lively one, of BTCUSD and BTCUSDT, 50 times as fast."""


@pytest.fixture(scope="module")
def recorded() -> Iterator[ServedExchange]:
    with serve_in_thread({"inverse": Recording.demo(speed=10)}) as served:
        yield served


@pytest.fixture
def market(path: Path, request: pytest.FixtureRequest) -> Iterator[ServedExchange]:
    if path.stem in LIVING:
        with serve_in_thread(market=living_market(), speed=50) as served:
            yield served
    else:
        yield request.getfixturevalue("recorded")


def test_each_example_has_its_expectation() -> None:
    assert {path.stem for path in EXAMPLES} == set(SHOWS)
    assert set(SHOWS) >= ENDLESS | LIVING


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < LINES


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_example_runs(path: Path, market: ServedExchange) -> None:
    with Child([sys.executable, str(path)], env={"RXBYBIT_ENVIRONMENT": market.url}) as child:
        child.lines_until(*SHOWS[path.stem])
        if path.stem in ENDLESS:
            child.interrupt()
        status, _, errors = child.end()
    assert (status, errors) == (130 if path.stem in ENDLESS else 0, "")
