"""Each example runs against a served market, unchanged."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from rxbybit.sim import Recording, ServedExchange, serve_in_thread
from tests.child import ROOT, Child

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
SHOWS = {
    "asyncio_trades": ("BTCUSD",),
    "blocking": ("Trade(",),
    "merged": ("Connecting(", "Subscribed(", "Kline(", "(Decimal("),
    "one_liner": ("[Trade(",),
    "watch_status": ("Connecting(", "Connected(", "Subscribed(", "Trade("),
}
"""What an example must print before it ends, or before Ctrl-C."""
ENDLESS = {"one_liner", "watch_status"}


@pytest.fixture(scope="module")
def market() -> Iterator[ServedExchange]:
    with serve_in_thread({"inverse": Recording.demo(speed=10)}) as served:
        yield served


def test_each_example_has_its_expectation() -> None:
    assert {path.stem for path in EXAMPLES} == set(SHOWS)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_example_runs(path, market: ServedExchange) -> None:
    with Child([sys.executable, str(path)], env={"RXBYBIT_ENVIRONMENT": market.url}) as child:
        child.lines_until(*SHOWS[path.stem])
        if path.stem in ENDLESS:
            child.interrupt()
        status, _, errors = child.end()
    assert (status, errors) == (130 if path.stem in ENDLESS else 0, "")
