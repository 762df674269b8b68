"""A client in a forked process: told off in words, harmless to its parent, easy to replace."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from rxbybit.sim import Recording, ServedExchange, serve_in_thread
from tests.process.conftest import Script

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")

Start = Callable[..., Script]
# from Python 3.12 a fork among threads is warned of, which is not what is tested here
QUIET = "-Wignore::DeprecationWarning"


@pytest.fixture(scope="module")
def market() -> Iterator[ServedExchange]:
    with serve_in_thread({"inverse": Recording.demo(speed=20)}) as served:
        yield served


def test_a_client_made_before_a_fork(start: Start, market: ServedExchange) -> None:
    script = start(
        """
        import os
        from rxbybit import Bybit, RuntimeMisuse

        bybit = Bybit()
        stream, told, heard = bybit.trades("BTCUSD"), [], threading.Semaphore(0)
        bybit.status().subscribe(lambda status: told.append(type(status).__name__))
        subscription = stream.subscribe(lambda _: heard.release())
        heard.acquire()

        child = os.fork()
        if child == 0:
            for each in (stream, bybit.status(), stream.take(1)):
                try:
                    each.subscribe(print)
                except RuntimeMisuse as error:
                    print("child:", error)
            try:
                stream.run()
            except RuntimeMisuse:
                print("child: run raises too")
            bybit.close()
            asyncio.run(asyncio.wait_for(bybit.aclose(), 30))
            with Bybit() as own:
                print("child hears", own.trades("BTCUSD").pipe(ops.take(1)).run().symbol)
            sys.exit(7)

        _, status = os.waitpid(child, 0)
        print("child ended with", os.waitstatus_to_exitcode(status))
        while heard.acquire(blocking=False):
            pass
        heard.acquire()
        print("parent still hears,", told.count("Connected"), "link", told.count("Disconnected"))
        subscription.dispose()
        """,
        QUIET,
        RXBYBIT_ENVIRONMENT=market.url,
    )
    lines = script.end().silent().output.splitlines()
    said = (
        "child: this client was made before a fork, and its threads stayed behind:"
        " make a new Bybit() in the child process"
    )
    assert lines[:4] == [said, said, said, "child: run raises too"]
    assert lines[4:] == [
        "child hears BTCUSD",
        "child ended with 7",
        "parent still hears, 1 link 0",
    ]


def test_the_functions_of_the_module_work_in_a_child(start: Start, market: ServedExchange) -> None:
    script = start(
        """
        import multiprocessing
        import rxbybit
        from rxbybit import Bybit, RuntimeMisuse, trades

        def first(_):
            try:
                return trades("BTCUSD").pipe(ops.take(1)).run().symbol
            except RuntimeMisuse:
                return "told off"

        before = trades("BTCUSD")
        subscription = before.subscribe(lambda _: None)
        with multiprocessing.get_context("fork").Pool(2) as pool:
            print(pool.map(first, range(2)))
        rxbybit.use(Bybit())  # one that somebody has chosen is not replaced behind his back
        with multiprocessing.get_context("fork").Pool(1) as pool:
            print(pool.map(first, range(1)))
        subscription.dispose()
        """,
        QUIET,
        RXBYBIT_ENVIRONMENT=market.url,
    )
    assert script.end().silent().output.splitlines() == ["['BTCUSD', 'BTCUSD']", "['told off']"]


def test_what_another_thread_held_at_the_fork_holds_no_child(
    start: Start, market: ServedExchange
) -> None:
    script = start(
        """
        import os
        from rxbybit import default, trades
        from rxbybit.limits import CONNECTS

        CONNECTS._lock.acquire()
        default._lock.acquire()
        child = os.fork()
        if child:
            print("child ended with", os.waitpid(child, 0)[1])
        else:
            print("child hears", trades("BTCUSD").pipe(ops.take(1)).run().symbol)
        """,
        QUIET,
        RXBYBIT_ENVIRONMENT=market.url,
    )
    assert script.end().silent().output.splitlines() == [
        "child hears BTCUSD",
        "child ended with 0",
    ]


def test_a_child_of_a_running_loop(start: Start, market: ServedExchange) -> None:
    script = start(
        """
        import os
        from rxbybit import Bybit, RuntimeMisuse

        def in_child(bybit):
            try:
                bybit.trades("BTCUSD").run()
            except RuntimeMisuse as error:
                print("child:", "fork" in str(error))
            bybit.close()
            print("child hears", Bybit().trades("BTCUSD").pipe(ops.take(1)).run().symbol)

        async def main():
            async with Bybit() as bybit:
                async for _ in bybit.trades("BTCUSD"):
                    break
                subscription = bybit.trades("BTCUSD").subscribe(lambda _: None)
                await asyncio.sleep(0)
                child = os.fork()
                if child == 0:
                    try:
                        in_child(bybit)
                    finally:
                        sys.stdout.flush()
                        os._exit(0)
                print("child ended with", os.waitpid(child, 0)[1])
                async for trade in bybit.trades("BTCUSD"):
                    print("parent hears", trade.symbol)
                    break

        asyncio.run(main())
        """,
        QUIET,
        RXBYBIT_ENVIRONMENT=market.url,
    )
    assert script.end().silent().output.splitlines() == [
        "child: True",
        "child hears BTCUSD",
        "child ended with 0",
        "parent hears BTCUSD",
    ]


def test_a_simulator_made_before_a_fork_is_harmless_in_the_child(start: Start) -> None:
    script = start(
        """
        import os
        from rxbybit import RuntimeMisuse, Simulator

        simulator, heard = Simulator(speed=20), threading.Semaphore(0)
        subscription = simulator.trades("BTCUSD").subscribe(lambda _: heard.release())
        heard.acquire()
        child = os.fork()
        if child == 0:
            with simulator:
                try:
                    simulator.trades("BTCUSD").subscribe(print)
                except RuntimeMisuse:
                    print("child: told off")
            asyncio.run(asyncio.wait_for(simulator.aclose(), 30))
            with Simulator(speed=20) as own:
                print("child hears", own.trades("BTCUSD").pipe(ops.take(1)).run().symbol)
            sys.exit(7)
        _, status = os.waitpid(child, 0)
        print("child ended with", os.waitstatus_to_exitcode(status))
        while heard.acquire(blocking=False):
            pass
        heard.acquire()
        print("parent still hears on", len(simulator.links), "link")
        simulator.close()
        """,
        QUIET,
    )
    assert script.end().silent().output.splitlines() == [
        "child: told off",
        "child hears BTCUSD",
        "child ended with 7",
        "parent still hears on 1 link",
    ]
