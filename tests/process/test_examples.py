"""Each example runs unchanged: on a recording, or on a market that lives."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from rxbybit.sim import (
    DEMO_KEY,
    DEMO_SECRET,
    Market,
    Recording,
    Refuse,
    ServedExchange,
    serve_in_thread,
)
from tests.child import ROOT, Child
from tests.sim.accounts.asking import by_rest
from tests.sim.market.journal import START_MS, small

LINES = 40
"""An example has fewer lines."""
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
SHOWS = {
    "asyncio_trades": ("BTCUSD",),
    "blocking": ("Trade(",),
    "book_imbalance": ("balanced", "more "),
    "candle_crossover": (" crossed ", " crossed "),
    "fees_per_day": (" BTC 0.0000",),
    "fill_latency": (" filled after ",),
    "kill_switch": (" -> cancel all: OK",),
    "margin_alarm": ("margin is fine",),
    "realised_profit": ("BTCUSD ", "BTCUSDT ", " earned -0.0"),
    "stop_distance": (" stop at ", "% from the mark price"),
    "wallet_changes": ("BTC -0.0000",),
    "custom_operator": ("a new high:",),
    "liquidation_alert": (" USD liquidated, ",),
    "merged": ("Connecting(", "Subscribed(", "Kline(", "(Decimal("),
    "one_liner": ("[Trade(",),
    "pandas_frame": ("[100 rows x 5 columns]", "Name: size, dtype: float64"),
    "quotes": ("quote ", "quote "),
    "sweeps": (" took all ",),
    "vwap_against_mark": ("near the mark price", "the mark price"),
    "watch_status": ("Connecting(", "Connected(", "Subscribed(", "Trade("),
}
"""What an example must print before it ends, or before Ctrl-C."""
ENDLESS = {
    *("book_imbalance", "candle_crossover", "liquidation_alert", "one_liner", "quotes"),
    *("fees_per_day", "fill_latency", "margin_alarm", "realised_profit", "stop_distance"),
    *("sweeps", "vwap_against_mark", "wallet_changes", "watch_status"),
}
LIVING = {
    **dict.fromkeys(("book_imbalance", "custom_operator", "pandas_frame", "quotes", "sweeps"), 5),
    **dict.fromkeys(("candle_crossover", "vwap_against_mark"), 5),
    "liquidation_alert": 50,
    **dict.fromkeys(("fees_per_day", "fill_latency", "kill_switch", "margin_alarm"), 10),
    **dict.fromkeys(("realised_profit", "stop_distance", "wallet_changes"), 10),
}
"""What needs a market that goes on, and how many times as fast: of BTCUSD and BTCUSDT."""
AGREES: dict[str, tuple[str, Callable[..., bool]]] = {
    "quotes": (r"quote (\S+) / (\S+)", lambda bid, ask: bid < ask),
    "sweeps": (
        r"took all (\S+) at (\S+), then (\S+) at (\S+)",
        lambda size, ask, more, price: price > ask and size > 0 < more,
    ),
    "liquidation_alert": (
        r"(\d+) USD liquidated, (\d+) of them long",
        lambda usd, longs: usd > 500 and longs <= usd,
    ),
}
"""Numbers of a line, and what is always true of them; `test_examples_public` has whole lines."""
KEYS = {"BYBIT_API_KEY": DEMO_KEY, "BYBIT_API_SECRET": DEMO_SECRET}
SLOW = "held the event loop for"
"""A busy machine is told of, and is no fault of an example."""


def living_market() -> Market:
    """Lively, and a day old: candles have a past."""
    launch_ms = START_MS - 86_400_000
    instruments = small(launch_ms=launch_ms), small("linear", "BTCUSDT", launch_ms=launch_ms)
    return Market(seed=1, start_ms=START_MS, instruments=instruments)


@pytest.fixture(scope="module")
def recorded() -> Iterator[ServedExchange]:
    with serve_in_thread({"inverse": Recording.demo(speed=10)}) as served:
        yield served


@pytest.fixture
def market(path: Path, request: pytest.FixtureRequest) -> Iterator[ServedExchange]:
    if path.stem in LIVING:
        speed = LIVING[path.stem]
        with serve_in_thread(market=living_market(), speed=speed, demo=True) as served:
            yield served
    else:
        yield request.getfixturevalue("recorded")


def test_each_example_has_its_expectation() -> None:
    assert {path.stem for path in EXAMPLES} == set(SHOWS)
    assert set(SHOWS) >= ENDLESS | LIVING.keys()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < LINES


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_example_runs(path: Path, market: ServedExchange) -> None:
    with Child(
        [sys.executable, str(path)], env={"RXBYBIT_ENVIRONMENT": market.url, **KEYS}
    ) as child:
        lines = child.lines_until(*SHOWS[path.stem])
        if path.stem in ENDLESS:
            child.interrupt()
        status, _, errors = child.end()
    said = [line for line in errors.splitlines() if SLOW not in line]
    assert (status, said) == (130 if path.stem in ENDLESS else 0, [])
    if path.stem in AGREES:
        pattern, holds = AGREES[path.stem]
        told = [found for line in lines if (found := re.search(pattern, line))]
        assert told
        assert [f.string for f in told if not holds(*map(Decimal, f.groups()))] == []


def test_an_example_that_needs_pandas_says_so(tmp_path: Path) -> None:
    """Where it is not there; here it is made so."""
    missing = 'raise ModuleNotFoundError("No module named \'pandas\'", name="pandas")'
    (tmp_path / "pandas.py").write_text(missing, encoding="utf-8")
    path = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    with Child([sys.executable, str(ROOT / "examples" / "pandas_frame.py")], env=path) as child:
        status, _, errors = child.end()
    assert (status, errors) == (1, "this example needs pandas: pip install pandas\n")


def test_the_kill_switch_cancels_what_stands_when_the_link_is_away() -> None:
    with serve_in_thread(market=living_market()) as served:
        by_rest(
            served, lambda c: c.order(side="Buy", orderType="Limit", qty="10", price="50000.00")
        )
        by_rest(
            served, lambda c: c.order(side="Buy", orderType="Limit", qty="20", price="50000.00")
        )
        env = {"RXBYBIT_ENVIRONMENT": served.url, **KEYS}
        with Child([sys.executable, str(ROOT / "examples" / "kill_switch.py")], env=env) as child:
            served.until(lambda: served.subscriptions.get("execution") == 1)
            served.faults.add(Refuse(status=503, times=None))
            served.run(lambda: [link.cut("rst") for link in served.exchange.links])
            line = child.line()
            assert line.startswith("Disconnected(")
            assert line.endswith(" -> cancel all: OK")
            status, _, _ = child.end()
        assert status == 0
        answer = by_rest(served, lambda c: c.read("/v5/order/realtime", "category=inverse"))
        assert answer == {"category": "inverse", "list": [], "nextPageCursor": ""}
