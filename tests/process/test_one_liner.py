"""The one-liner is a whole script, and works in asyncio, in a notebook cell, in any thread.

A real exchange serves an invented market on loopback; each script is a process that finds it
through ``RXBYBIT_ENVIRONMENT``, as a user's would.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rxbybit.sim import Recording, ServedExchange, serve_in_thread
from tests.child import ROOT, Child

INTERRUPTED = 130


@pytest.fixture(scope="module")
def market() -> Iterator[ServedExchange]:
    with serve_in_thread({"inverse": Recording.demo(speed=10)}) as served:
        yield served


def script(market: ServedExchange, path: Path, text: str) -> Child:
    path.write_text(text)
    return Child([sys.executable, str(path)], env={"RXBYBIT_ENVIRONMENT": market.url})


def test_the_one_liner_prints_until_ctrl_c(market: ServedExchange) -> None:
    example = ROOT / "examples" / "one_liner.py"
    with Child([sys.executable, str(example)], env={"RXBYBIT_ENVIRONMENT": market.url}) as child:
        lines = child.lines_until("Trade(symbol='BTCUSD'")
        lines += [child.line(), child.line()]
        child.interrupt()
        status, rest, errors = child.end()
    assert all(line.startswith("[") and line.endswith("]") for line in lines + rest)
    assert (status, errors) == (INTERRUPTED, "")


def test_it_leaves_the_exchange_when_it_ends(market: ServedExchange) -> None:
    example = ROOT / "examples" / "one_liner.py"
    with Child([sys.executable, str(example)], env={"RXBYBIT_ENVIRONMENT": market.url}) as child:
        child.lines_until("Trade(")
        market.until(lambda: market.subscriptions == {"publicTrade.BTCUSD": 1})
        child.interrupt()
        child.end()
    market.until(lambda: market.links == ())


def test_a_script_that_has_enough_ends_by_itself(market: ServedExchange, tmp_path: Path) -> None:
    text = """
from reactivex import operators as ops
from rxbybit import trades
trades("BTCUSD").pipe(ops.take(3)).subscribe(print, on_completed=lambda: print("done"))
"""
    with script(market, tmp_path / "three.py", text) as child:
        status, lines, errors = child.end()
    assert [line[:6] for line in lines] == ["Trade("] * 3 + ["done"]
    assert (status, errors) == (0, "")


def test_asyncio(market: ServedExchange, tmp_path: Path) -> None:
    text = """
import asyncio
from rxbybit import trades
async def main():
    seen = 0
    async for trade in trades("BTCUSD"):
        print(trade)
        seen += 1
        if seen == 3:
            break
asyncio.run(main())
"""
    with script(market, tmp_path / "loop.py", text) as child:
        status, lines, errors = child.end()
    assert [line[:6] for line in lines] == ["Trade("] * 3
    assert (status, errors) == (0, "")


KERNEL = """
import ast, asyncio, inspect, sys, threading

async def run_cell(source, names):
    # What a kernel does: the cell runs inside the kernel's own loop, and may await.
    result = eval(compile(source, "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
    if inspect.iscoroutine(result):
        await result

async def kernel():
    names = {}
    await run_cell('''
from rxbybit import trades
seen = []
subscription = trades("BTCUSD").subscribe(seen.append)
''', names)
    assert names["seen"] == [], "the cell has ended before anything came"
    async with asyncio.timeout(40):
        while len(names["seen"]) < 3:
            await asyncio.sleep(0.01)
    await run_cell("subscription.dispose(); count = len(seen)", names)
    await run_cell('''
from reactivex import operators as ops
ten = await trades("BTCUSD").pipe(ops.take(10), ops.to_list())
''', names)
    assert len(names["ten"]) == 10
    assert len(names["seen"]) == names["count"], "a disposed cell is silent"
    assert "rxbybit-loop" not in {thread.name for thread in threading.enumerate()}
    print("kernel done")

asyncio.run(kernel())
"""


def test_a_notebook_cell(market: ServedExchange, tmp_path: Path) -> None:
    with script(market, tmp_path / "kernel.py", KERNEL) as child:
        status, lines, errors = child.end()
    assert (status, lines, errors) == (0, ["kernel done"], "")


def test_another_thread_subscribes_and_the_script_lives_on(
    market: ServedExchange, tmp_path: Path
) -> None:
    text = """
import threading
from rxbybit import trades
def work():
    trades("BTCUSD").subscribe(lambda trade: print(threading.current_thread().name, trade))
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""
    with script(market, tmp_path / "thread.py", text) as child:
        child.lines_until("rxbybit-loop Trade(")
        child.interrupt()
        status, _, errors = child.end()
    assert (status, errors) == (INTERRUPTED, "")


def test_another_thread_blocks_until_it_has_what_it_wants(
    market: ServedExchange, tmp_path: Path
) -> None:
    text = """
import threading
from reactivex import operators as ops
from rxbybit import trades
def work():
    print(len(trades("BTCUSD").pipe(ops.take(3), ops.to_list()).run()))
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""
    with script(market, tmp_path / "run.py", text) as child:
        status, lines, errors = child.end()
    assert (status, lines, errors) == (0, ["3"], "")


def test_no_network_is_one_line_that_names_the_host_and_the_demo(tmp_path: Path) -> None:
    text = """
import socket
def no_network(*arguments, **options):
    raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
socket.getaddrinfo = no_network
from rxbybit import trades
trades("BTCUSD").subscribe(print)
"""
    assert warned_of(text, "http://stream.example", tmp_path) == (
        "cannot reach ws://stream.example/v5/public/inverse: the host name could not be looked up;"
        " trying again. Without a network, 'rxbybit demo' shows the library on an embedded exchange"
    )


def test_a_port_where_nobody_listens_is_one_line_without_the_demo(tmp_path: Path) -> None:
    text = """
from rxbybit import trades
trades("BTCUSD").subscribe(print)
"""
    nobody = "http://127.0.0.1:9"  # the discard port: nothing listens there
    assert warned_of(text, nobody, tmp_path) == (
        "cannot reach ws://127.0.0.1:9/v5/public/inverse: connection refused; trying again"
    )


def warned_of(text: str, environment: str, tmp_path: Path) -> str:
    """The one line that a script says on stderr until Ctrl-C."""
    path = tmp_path / "unreachable.py"
    path.write_text(text)
    with Child([sys.executable, str(path)], env={"RXBYBIT_ENVIRONMENT": environment}) as child:
        child.until_stderr("trying again")
        child.interrupt()
        status, lines, errors = child.end()
    assert (status, lines) == (INTERRUPTED, [])
    (line,) = errors.splitlines()
    return line


def test_a_script_ends_after_its_last_close_frame(market: ServedExchange, tmp_path: Path) -> None:
    text = """
from reactivex import operators as ops
from rxbybit import status, trades
status().subscribe(lambda step: print(type(step).__name__, getattr(step, "reason", "")))
trades("BTCUSD").pipe(ops.take(1)).subscribe()
"""
    with script(market, tmp_path / "last.py", text) as child:
        ended, lines, errors = child.end()
    assert lines[-1] == "Disconnected closed here"
    assert (ended, errors) == (0, "")
