"""The fixtures for users, in a pytest of their own that knows nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Script

USES = """
import asyncio, threading, time
from reactivex import operators as ops
import rxbybit
from rxbybit.sim import Cut

def test_simulator(simulator):
    trades = simulator.trades("BTCUSD", "BTCUSDT").pipe(ops.take(3), ops.to_list()).run()
    assert len(trades) == 3 and simulator.requests

def test_venue(venue, simulator):
    assert isinstance(venue, rxbybit.Bybit) and not isinstance(venue, rxbybit.Simulator)
    simulator.faults.add(Cut(how="rst", after=2))
    assert len(venue.tickers("BTCUSD").pipe(ops.take(5), ops.to_list()).run()) == 5
    assert len(simulator.connects) == 2

def test_they_are_gone_with_the_test():
    while "rxbybit-sim" in {t.name for t in threading.enumerate()}:
        time.sleep(0.01)

def test_no_leaks(no_leaks, simulator, venue):
    assert venue.klines("BTCUSDT").pipe(ops.take(1)).run().symbol == "BTCUSDT"

def test_no_leaks_of_asyncio(no_leaks, simulator):
    async def main():
        async with rxbybit.Bybit(simulator.environment) as client:
            async for trade in client.tickers("BTCUSD"):
                break
    asyncio.run(main())
"""
LEAKS = """
import asyncio, pytest, rxbybit

kept = []

def test_forgets_to_dispose(no_leaks, simulator):
    kept.append(rxbybit.Bybit(simulator.environment).trades("BTCUSD").subscribe())

def test_forgets_an_exchange(no_leaks):
    kept.append(rxbybit.Simulator())
    kept[-1].environment

@pytest.fixture
def loop():
    made = asyncio.new_event_loop()
    yield made
    made.close()

def test_leaves_a_connection_on_a_loop_of_its_own(loop, no_leaks, simulator):
    async def main():
        client = rxbybit.Bybit(simulator.environment, keep_alive=False)
        kept.append(client.tickers("BTCUSD").subscribe())
        while not simulator.links:
            await asyncio.sleep(0.01)
    loop.run_until_complete(main())
"""


def run_pytest(folder: Path, body: str, *options: str) -> Script:
    test = folder / "test_users.py"
    test.write_text(body)
    plugins = ["-p", "rxbybit.testing", "-p", "no:cacheprovider", "-c", "/dev/null", *options]
    return Script(
        ["-m", "pytest", "-q", *plugins, str(test)], PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"
    ).end()


def test_what_they_give(tmp_path: Path) -> None:
    script = run_pytest(tmp_path, USES)
    assert script.status == 0, script.output
    assert "5 passed" in script.output
    assert "leaked" not in script.output


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ("test_forgets_to_dispose", "1 subscription not disposed of"),
        ("test_forgets_an_exchange", "the test left behind: the thread rxbybit-sim"),
        ("test_leaves_a_connection_on_a_loop_of_its_own", "the task rxbybit-session-1"),
    ],
)
def test_what_a_test_leaves_behind_is_named(tmp_path: Path, test: str, said: str) -> None:
    script = run_pytest(tmp_path, LEAKS, "-k", test)
    assert script.status == 1, script.output
    assert said in script.output
    assert "1 passed" in script.output
    assert "1 error" in script.output
