"""The venue with an exchange of its own, and the exchange of the process."""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import threading
import time
import urllib.request
import weakref
from contextlib import closing
from datetime import datetime, timezone
from types import SimpleNamespace

import pytest
from reactivex import operators as ops

from rxbybit import Bybit, ClosedError, Simulator, Trade
from rxbybit.config import Environment
from rxbybit.sim import Cut, shared
from rxbybit.sim.market import Market
from rxbybit.whereabouts import Named
from tests.promises.world import Before, Ear, until

pytestmark = pytest.mark.usefixtures("no_exchange")

START_MS = 1_790_000_000_000


def sims() -> int:
    return [thread.name for thread in threading.enumerate()].count("rxbybit-sim")


async def none_left() -> None:
    await until(lambda: sims() == 0)


def test_it_starts_with_the_first_subscription_and_ends_with_close() -> None:
    simulator = Simulator(seed=3, speed=20)
    trades = simulator.trades("BTCUSD")
    assert sims() == 0
    with simulator:
        assert sims() == 1
        first, second = trades.pipe(ops.take(2), ops.to_list()).run()
        assert isinstance(first, Trade)
        assert first.symbol == second.symbol == "BTCUSD"
    asyncio.run(none_left())
    with pytest.raises(ClosedError):
        trades.run()
    assert simulator.requests[0].op == "subscribe"  # still to be read
    simulator.close()


def test_without_a_with_the_first_subscription_starts_it() -> None:
    async def main() -> None:
        simulator = Simulator(speed=20)
        ear = Ear(simulator.trades("BTCUSD"))
        await until(lambda: ear.heard)
        assert simulator.subscriptions == {"publicTrade.BTCUSD": 1}
        assert len(simulator.links) == len(simulator.connects) == 1
        await simulator.aclose()
        await none_left()
        await simulator.aclose()

    asyncio.run(main())


def test_one_that_was_never_used_leaves_nothing() -> None:
    async def main() -> None:
        before = Before()
        Simulator().close()
        async with Simulator() as unused:
            port = int(unused.environment.public["spot"].split(":")[2].partition("/")[0])
        await Simulator().aclose()
        await before.again(port)
        await none_left()

    asyncio.run(main())


def test_a_closed_one_does_not_start_any_more() -> None:
    simulator = Simulator()
    simulator.close()
    for start in (simulator.__enter__, lambda: simulator.environment):
        with pytest.raises(ClosedError):
            start()
    assert sims() == 0


def test_a_port_that_is_taken_is_told_each_time() -> None:
    with Simulator() as other:
        port = int(other.environment.public["spot"].split(":")[2].partition("/")[0])
        simulator = Simulator(port=port)
        for _ in range(2):
            with pytest.raises(OSError, match=str(port)):
                simulator.trades("BTCUSD").run()
        simulator.close()
    asyncio.run(none_left())


def test_the_seed_is_the_market() -> None:
    """What was heard is a part of what the same market says when nobody is there."""

    async def heard() -> list[Trade]:
        async with Simulator(seed=11, start_ms=START_MS, speed=100) as simulator:
            ear = Ear(simulator.trades("BTCUSDT"))
            await until(lambda: len(ear.heard) >= 5)
            return list(ear.heard)

    trades = asyncio.run(heard())
    ids, until_ms = [trade.id for trade in trades], trades[-1].time_ms + 1
    market = Market(seed=11, start_ms=START_MS)
    market.want("linear", "publicTrade.BTCUSDT")
    pushes = market.advance(until_ms)
    said = [item["i"] for push in pushes for item in push.content["data"]]
    assert ids == said[said.index(ids[0]) :][: len(ids)]
    other = Market(seed=12, start_ms=START_MS)
    other.want("linear", "publicTrade.BTCUSDT")
    pushes = other.advance(until_ms)
    assert not set(said) & {item["i"] for push in pushes for item in push.content["data"]}


def test_its_clock_is_ours_unless_it_is_set() -> None:
    with Simulator() as simulator:
        trade = simulator.tickers("BTCUSD").pipe(ops.take(1)).run()
    now = datetime.now(timezone.utc)
    assert trade.meta.sent is not None
    assert abs((now - trade.meta.sent).total_seconds()) < 60


def test_its_clock_is_ours_however_late_it_starts() -> None:
    with closing(Simulator()) as simulator:
        before_ms = time.time_ns() // 1_000_000
        with urllib.request.urlopen(f"{simulator.environment.rest}/v5/market/time") as response:
            exchange_ms = json.load(response)["time"]
    assert exchange_ms >= before_ms - 20


def test_what_goes_wrong_is_scripted_and_heals() -> None:
    async def main() -> None:
        async with Simulator(speed=20, faults=(Cut(how="rst", after=3),)) as simulator:
            ear = Ear(simulator.trades("BTCUSD"))
            await until(lambda: len(simulator.connects) == 2 and len(ear.heard) > 5)
            assert ear.errors == []
            simulator.faults.add(Cut(how="fin", after=1))
            await until(lambda: len(simulator.connects) == 3)

    asyncio.run(main())


def test_other_clients_find_it_by_its_environment() -> None:
    async def main() -> None:
        async with Simulator(speed=20) as simulator, Bybit(simulator.environment) as other:
            ear = Ear(other.klines("BTCUSDT", category="spot"))
            await until(lambda: ear.heard)

    asyncio.run(main())


def test_sim_names_the_exchange_of_the_process() -> None:
    async def main() -> None:
        one, two = Bybit("sim"), Bybit("sim")
        assert sims() == 0
        first, second = Ear(one.tickers("BTCUSD")), Ear(two.tickers("BTCUSD"))
        await until(lambda: first.heard and second.heard)
        assert sims() == 1
        await one.aclose()
        assert sims() == 1
        count = len(second.heard)
        await until(lambda: len(second.heard) > count)
        await two.aclose()
        await none_left()
        again = Bybit("sim")
        third = Ear(again.tickers("BTCUSD"))
        await until(lambda: third.heard)
        await again.aclose()
        await none_left()

    asyncio.run(main())


def test_who_has_closed_borrows_no_exchange_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """A subscription under way on another thread may come to it that late."""
    named = Named("sim")
    assert named.now().rest is not None
    named.close()
    with pytest.raises(ClosedError):
        named.now()
    asyncio.run(none_left())

    racing, real = Named("sim"), shared.lend

    def lend(user: object) -> Environment:
        racing.close()
        return real(user)

    with monkeypatch.context() as patched:
        patched.setattr(shared, "lend", lend)
        with pytest.raises(ClosedError):
            racing.now()
    asyncio.run(none_left())


def test_streams_are_muted_before_their_exchange_goes() -> None:
    """Else one that is just being subscribed would tell of an error where a close is silent."""
    with Simulator() as simulator:
        heard = simulator.status().subscribe(print)
        where, muted = simulator._where, list[bool]()

        def close() -> None:
            muted.append(heard._stopped)  # type: ignore[attr-defined]
            where.close()

        simulator._where = SimpleNamespace(close=close)  # type: ignore[assignment]
    assert muted == [True]
    asyncio.run(none_left())


def test_sim_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RXBYBIT_ENVIRONMENT", "sim")
    with Bybit() as client:
        assert client.trades("BTCUSD").pipe(ops.take(1)).run().symbol == "BTCUSD"
    asyncio.run(none_left())


def test_a_client_that_was_closed_unused_ends_nothing() -> None:
    async def main() -> None:
        async with Bybit("sim") as user:
            ear = Ear(user.tickers("BTCUSD"))
            await until(lambda: ear.heard)
            Bybit("sim").close()
            await asyncio.sleep(0)
            count = len(ear.heard)
            await until(lambda: len(ear.heard) > count)
            assert sims() == 1
        await none_left()

    asyncio.run(main())


def test_who_asks_for_no_exchange_loads_none() -> None:
    code = "import rxbybit, sys; print([m for m in sys.modules if 'rxbybit.sim' in m])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (ran.stdout, ran.stderr) == ("[]\n", "")


def test_nothing_of_it_is_kept_when_it_is_closed() -> None:
    """Whoever tests a strategy has one for each test."""
    with Simulator() as simulator:
        simulator.instruments().pipe(ops.take(1)).run()  # by REST
        simulator.trades("BTCUSD").pipe(ops.take(1)).run()
        exchange = weakref.ref(simulator._served.exchange)
    del simulator

    async def gone() -> None:
        await until(lambda: gc.collect() >= 0 and exchange() is None)

    asyncio.run(gone())
