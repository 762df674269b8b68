"""The commands of the streams as processes: what they write where, and how they end."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from reactivex import operators as ops

from rxbybit import Bybit, Event, OrderBook
from rxbybit.cli.streams import COMMANDS, StreamCommand
from rxbybit.sim import Cut, Market, Recording, ServedExchange, Skip, serve_in_thread
from rxbybit.view.lines import line_of
from tests.child import ROOT, Child

RXBYBIT = (sys.executable, "-m", "rxbybit")
NAMES = {"insurance": ["BTC", "ETH"]}
PUBLIC = [command for command in COMMANDS if not command.private]
BOTH = ["BTCUSD", "ETHUSD"]
COUNT = 2
BUFFERED = {"PYTHONUNBUFFERED": ""}
"""As the interpreter is by itself, so that what is not flushed is not seen."""


@pytest.fixture(scope="module")
def market() -> Iterator[ServedExchange]:
    """Each link gets the whole recording as fast as it reads."""
    recording = Recording.demo(pace="at_once", loop=False)
    listed = Market(start_ms=1_790_000_000_000)  # for what REST is asked
    with serve_in_thread({"inverse": recording}, market=listed, clock=lambda: 0) as served:
        yield served


def expected(command: StreamCommand, url: str) -> list[Event | OrderBook]:
    """The first events of the same stream in this process."""

    async def first() -> list[Event | OrderBook]:
        async with Bybit(url) as bybit:
            stream = command.factory(bybit, *NAMES.get(command.name, BOTH))
            return await asyncio.wait_for(stream.pipe(ops.take(COUNT), ops.to_list()), 20)

    return asyncio.run(first())


def command_line(command: StreamCommand, *options: str) -> list[str]:
    return [*RXBYBIT, command.name, *NAMES.get(command.name, BOTH), *options]


@pytest.mark.parametrize("command", PUBLIC, ids=lambda c: c.name)
def test_lines_are_the_events_and_ctrl_c_is_130(
    command: StreamCommand, market: ServedExchange
) -> None:
    events = expected(command, market.url)
    env = {"RXBYBIT_ENVIRONMENT": market.url, **BUFFERED}
    with Child(command_line(command), env=env) as child:
        lines = [child.line() for _ in events]
        child.interrupt()
        status, _, errors = child.end()
    assert lines == [line_of(event).text for event in events]
    assert (status, errors) == (130, "")


@pytest.mark.parametrize("command", PUBLIC, ids=lambda c: c.name)
def test_json_is_to_json_of_the_events(command: StreamCommand, market: ServedExchange) -> None:
    events = expected(command, market.url)
    options = ("--json", "--environment", market.url, "--category", "inverse", "--wire", "v5")
    with Child(command_line(command, *options), env=BUFFERED) as child:
        lines = [child.line() for _ in events]
    assert lines == [event.to_json().decode() for event in events]
    assert {json.loads(line)["event"] for line in lines} <= {
        "Trade", "Ticker", "TickerUpdate", "Kline", "BookSnapshot", "BookDelta", "OrderBook",
        "Liquidation", "Insurance", "Instrument",
    }  # fmt: skip


def test_meta_is_added_when_it_is_asked_for(market: ServedExchange) -> None:
    options = ("--json", "--meta", "--environment", market.url)
    with Child([*RXBYBIT, "trades", "BTCUSD", *options]) as child:
        meta = json.loads(child.line())["meta"]
    assert meta["topic"] == "publicTrade.BTCUSD"
    assert meta["connection"] == 1


def first_row(market: ServedExchange, *words: str) -> dict[str, object]:
    with Child([*RXBYBIT, *words, "--json", "--environment", market.url]) as child:
        row: dict[str, object] = json.loads(child.line())
    return row


def test_depth_and_closed_reach_the_stream(market: ServedExchange) -> None:
    assert first_row(market, "book-updates", "BTCUSD", "--depth", "50")["depth"] == 50
    assert first_row(market, "book", "BTCUSD", "--depth", "25")["depth"] == 25
    assert first_row(market, "klines", "BTCUSD", "--closed")["closed"] is True
    assert first_row(market, "klines", "BTCUSD", "--interval", "1")["closed"] is False


def test_for_ends_it_with_status_0(market: ServedExchange) -> None:
    with Child([*RXBYBIT, "trades", "BTCUSD", "--for=1s", "--environment", market.url]) as child:
        status, lines, errors = child.end()
    assert (status, errors) == (0, "")
    assert lines


def run(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    with Child([*RXBYBIT, *words], env=env) as child:
        status, lines, errors = child.end()
    return subprocess.CompletedProcess(words, status, "\n".join(lines), errors)


def test_a_refused_symbol_is_one_line_and_status_1(market: ServedExchange) -> None:
    ran = run("trades", "NOPEUSD", "--environment", market.url)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert re.fullmatch(r"rxbybit: the exchange refused publicTrade\.NOPEUSD \(.*\n", ran.stderr)


def test_an_outage_is_told_on_standard_error_and_healed() -> None:
    recording = Recording.demo(speed=20)
    with (
        serve_in_thread({"inverse": recording}, faults=(Cut(how="rst", after=5),)) as served,
        Child([*RXBYBIT, "trades", "BTCUSD", "--environment", served.url]) as child,
    ):
        child.line()
        child.until_stderr("link 1 gap")
        child.interrupt()
        status, lines, errors = child.end()
    told = [line.split("  status  ")[1] for line in errors.splitlines()]
    of_rest = [words for words in told if "/v5/market/recent-trade; given up" in words]
    assert of_rest, "a recording has no list of what was missed"
    assert [w.split(" ")[2].rstrip(":") for w in told if w not in of_rest][:4] == [
        "disconnected", "reconnecting", "connected", "gap",
    ]  # fmt: skip
    assert not any("status" in line for line in lines)
    assert status == 130


def test_a_book_that_misses_an_update_says_so_and_is_had_anew() -> None:
    fault = Skip(topic="orderbook.50.BTCUSD", nth=5)
    with (
        serve_in_thread({"inverse": Recording.demo(speed=20)}, faults=(fault,)) as served,
        Child([*RXBYBIT, "book", "BTCUSD", "--environment", served.url]) as child,
    ):
        lines = child.lines_until("resyncing")
        lines += child.lines_until("synced")
        child.until_stderr("subscribed anew")
        child.interrupt()
        status, _, errors = child.end()
    states = [line.split()[3] for line in lines]
    assert states == ["synced"] * (len(states) - 2) + ["resyncing", "synced"]
    (told,) = errors.splitlines()
    assert "  status  link 1 orderbook.50.BTCUSD was subscribed anew: update " in told
    assert status == 130


def test_an_exchange_that_is_not_there_is_told_and_tried_again() -> None:
    with serve_in_thread({}) as gone:
        url = gone.url
    with Child([*RXBYBIT, "trades", "BTCUSD", "--environment", url]) as child:
        child.until_stderr("reconnecting in")
        child.interrupt()
        status, lines, errors = child.end()
    assert (status, lines) == (130, [])
    assert "  status  link 1 disconnected: connection refused\n" in errors
    assert all("  status  " in line for line in errors.splitlines())


def test_a_list_that_cannot_be_had_is_told_and_asked_for_again() -> None:
    with serve_in_thread({}) as gone:
        url = gone.url
    with Child([*RXBYBIT, "trades", "--environment", url]) as child:
        child.until_stderr("(attempt 2)")
        child.interrupt()
        status, lines, errors = child.end()
    assert (status, lines) == (130, [])
    told = rf"\S+  status  connection refused: {url}/v5/market/\S+; asking again in \d\.\d s "
    assert [line for line in errors.splitlines() if not re.match(told, line)] == []


@pytest.mark.parametrize("option", ["--json", "--for=50s"])
def test_a_reader_that_leaves_ends_it_quietly(option: str) -> None:
    # A market without an end: that the reader has left is seen at the next line.
    with serve_in_thread({"inverse": Recording.demo(speed=20)}) as served:
        pipe = f"{' '.join(RXBYBIT)} trades BTCUSD {option} --environment {served.url} | head -n 1"
        script = f"unset PYTHONUNBUFFERED; {pipe} >/dev/null; echo ${{PIPESTATUS[0]}}"
        ran = subprocess.run(
            ["bash", "-c", script], capture_output=True, cwd=ROOT, timeout=40, check=False
        )
    assert (ran.stdout, ran.stderr) == (b"141\n", b"")
