"""What the examples print of a market made by hand, where each line is known beforehand."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from decimal import Decimal
from typing import NamedTuple

import pytest

from rxbybit.sim import Recording, serve_in_thread
from tests.child import ROOT, Child
from tests.process.handmade import (
    book,
    change_after_a_lost_one,
    liquidated,
    marked,
    traded,
)
from tests.process.test_examples import SLOW, living_market
from tests.sim.accounts.asking import by_rest
from tests.sim.market.journal import START_MS


class Case(NamedTuple):
    frames: Sequence[str]
    lines: Sequence[str]
    """All that it prints of them."""
    ends: bool = False
    """Whether it ends by itself."""


def weighed(seq: int, bids: str, asks: str) -> str:
    return book(seq, [("50000.0", bids)], [("50001.0", asks)])


NEAR_AND_FAR = ("near", "above", "below", "near")
CASES = {
    "asyncio_trades": Case(
        [
            traded(1, ("Buy", "7", "50001"), ("Buy", "8", "50002")),
            traded(2, ("Sell", "3", "1900"), symbol="ETHUSD"),
            traded(3, ("Sell", "9", "50000"), ("Sell", "1", "49999"), ("Sell", "2", "49998")),
        ],
        [
            "2026-01-05 00:00:00+00:00 BTCUSD Buy 7 50001",
            "2026-01-05 00:00:00+00:00 BTCUSD Buy 8 50002",
            "2026-01-05 00:00:00+00:00 ETHUSD Sell 3 1900",
            "2026-01-05 00:00:00+00:00 BTCUSD Sell 9 50000",
            "2026-01-05 00:00:00+00:00 BTCUSD Sell 1 49999",
        ],
        ends=True,
    ),
    "book_imbalance": Case(
        [
            weighed(1, "10", "10"),
            weighed(2, "20", "10"),  # 10 of 30
            weighed(3, "18", "10"),  # 8 of 28
            weighed(4, "30", "10"),
            weighed(5, "10", "20"),
            weighed(6, "10", "18"),
            change_after_a_lost_one(6),
        ],
        [
            *("balanced", "more buyers", "balanced", "more buyers", "more sellers", "balanced"),
            "no book to trust",
        ],
    ),
    "custom_operator": Case(
        [
            traded(1, ("Buy", "1", "50000"), ("Sell", "1", "49990"), ("Buy", "1", "49995")),
            traded(2, ("Buy", "1", "50010"), ("Buy", "1", "50010"), ("Sell", "1", "50005")),
            traded(3, ("Buy", "1", "50020")),
        ],
        ["a new high: 50000", "a new high: 50010", "a new high: 50020"],
        ends=True,
    ),
    "quotes": Case(
        [
            weighed(1, "30", "10"),  # a fair price of 50000.75
            weighed(2, "30", "10"),
            weighed(3, "10", "30"),  # of 50000.25
            change_after_a_lost_one(3),
        ],
        ["quote 49998.50 / 50003.00", "quote 49998.00 / 50002.50", "withdraw"],
    ),
    "sweeps": Case(
        [
            book(10, [("50000.0", "5")], [("50001.0", "7"), ("50001.5", "9")]),
            traded(12, ("Sell", "1", "50000.0")),
            traded(14, ("Buy", "7", "50001.0"), ("Buy", "3", "50001.5")),
            book(14, [("50000.0", "4")], [("50001.5", "6")]),
            traded(16, ("Buy", "2", "50001.5")),  # less than all
            traded(18, ("Buy", "4", "50001.5"), ("Buy", "8", "50004.0")),
            book(18, [("50000.0", "4")], [("50004.0", "1")]),
        ],
        [
            "00:00:00 took all 7 at 50001.0, then 3 at 50001.5",
            "00:00:00 took all 6 at 50001.5, then 8 at 50004.0",
        ],
    ),
    "vwap_against_mark": Case(
        [
            marked(1, "50000"),
            traded(2, ("Buy", "100", "50000")),
            traded(3, ("Buy", "1", "50050")),  # weighs too little
            traded(4, ("Buy", "100", "50050")),  # 50025 on average
            traded(5, ("Sell", "1000", "49900")),  # 49921
            marked(6, "49921"),
            traded(7, ("Buy", "1", "49960")),  # as little
        ],
        [
            f"the average of a minute is {w} the mark price"
            for w in ["near", "above", "below", "near"]
        ],
    ),
}


@contextmanager
def running(name: str, frames: Sequence[str]) -> Iterator[Child]:
    """An example whose market begins once it has subscribed to all that happens there."""
    silent = Recording(frames)
    recording = Recording(frames, hold_until=silent.topics)
    path = ROOT / "examples" / f"{name}.py"
    with (
        serve_in_thread({"inverse": recording}) as served,
        Child([sys.executable, str(path)], env={"RXBYBIT_ENVIRONMENT": served.url}) as child,
    ):
        yield child


def finish(child: Child, *, ends: bool = False) -> list[str]:
    """What it still says; it must end well."""
    if not ends:
        child.interrupt()
    status, rest, errors = child.end()
    said = [line for line in errors.splitlines() if SLOW not in line]
    assert (status, said) == (0 if ends else 130, [])
    return rest


@pytest.mark.parametrize("name", CASES)
def test_the_example_prints_what_happens(name: str) -> None:
    case = CASES[name]
    with running(name, case.frames) as child:
        assert [child.line() for _ in case.lines] == case.lines
        assert finish(child, ends=case.ends) == []


def test_blocking_waits_for_a_large_trade() -> None:
    deals = ("Buy", "99", "50000"), ("Sell", "100", "49999"), ("Buy", "500", "50001")
    with running("blocking", [traded(1, *deals)]) as child:
        line = child.line()
        assert finish(child, ends=True) == []
    assert line.startswith("Trade(")
    assert " size=100," in line


def test_the_one_liner_has_each_trade_once() -> None:
    prices = [str(50_000 + n) for n in range(5)]
    frames = [traded(n, ("Buy", "1", price)) for n, price in enumerate(prices, 1)]
    seen: list[str] = []
    with running("one_liner", frames) as child:
        for _ in range(60):  # a line a second
            line = child.line()
            assert line[0] + line[-1] == "[]"
            seen += re.findall(r" price=(\d+),", line)
            if len(seen) >= len(prices):
                break
        assert set(finish(child)) <= {"[]"}
    assert seen == prices


def test_the_alert_tells_what_was_liquidated() -> None:
    forced = ("Buy", "200", "49990"), ("Sell", "150", "50010"), ("Buy", "151", "49980")
    frames = [liquidated(*forced)]
    expected = "00:00:00 501 USD liquidated, 351 of them long"
    with running("liquidation_alert", frames) as child:
        assert child.line() == expected
        # Each of the windows that overlap says the same.
        assert set(finish(child)) <= {expected}


def test_the_statuses_come_in_their_order_and_the_trades_after_them() -> None:
    with running("watch_status", [traded(1, ("Buy", "7", "50001"))]) as child:
        lines = [child.line() for _ in range(4)]
        assert finish(child) == []
    kinds = [line.partition("(")[0] for line in lines]
    assert kinds == ["Connecting", "Connected", "Subscribed", "Trade"]
    assert " price=50001," in lines[-1]


def test_the_frame_has_the_book_that_each_trade_met() -> None:
    pairs = [("Buy", "1", "50001.0"), ("Sell", "2", "50000.0")]
    first = [traded(2 + n, pairs[n % 2]) for n in range(50)]
    then = [traded(102 + n, pairs[n % 2]) for n in range(50)]
    frames = [
        book(1, [("50000.0", "5")], [("50001.0", "5")]),
        *first,
        book(101, [("50000.0", "5")], [("50003.0", "5")]),
        *then,
        book(201, [("50000.0", "5")], [("50003.0", "5")]),
    ]
    with running("pandas_frame", frames) as child:
        lines = child.lines_until("dtype: float64")
        assert finish(child, ends=True) == []
    words = [line.split() for line in lines]
    assert words[0] == ["side", "price", "size", "mid", "spread"]
    assert words[2][-5:] == ["Buy", "50001.0", "1.0", "50000.5", "1.0"]
    end = next(n for n, line in enumerate(lines) if line == "[100 rows x 5 columns]")
    assert words[end - 2][-5:] == ["Sell", "50000.0", "2.0", "50001.5", "3.0"]
    assert words[-3:-1] == [["Buy", "50.0"], ["Sell", "100.0"]]


def test_quotes_of_the_merged_streams_have_two_sides() -> None:
    with (
        serve_in_thread({"inverse": Recording.demo(speed=10)}) as served,
        Child(
            [sys.executable, str(ROOT / "examples" / "merged.py")],
            env={"RXBYBIT_ENVIRONMENT": served.url},
        ) as child,
    ):
        lines = [child.line() for _ in range(12)]
        assert finish(child, ends=True) == []
    pairs = [re.findall(r"'([\d.]+)'", line) for line in lines if line.startswith("(Decimal")]
    assert pairs
    assert all(Decimal(bid) < Decimal(ask) for bid, ask in pairs)


def crossings(closes: Sequence[tuple[int, Decimal]]) -> Iterator[str]:
    """Naively, of candles by their start."""
    fast = slow = closes[0][1]
    was_above: bool | None = None
    for number, (start_ms, close) in enumerate(closes):
        fast += (close - fast) * 2 / 10
        slow += (close - slow) * 2 / 22
        if number < 21:
            continue
        if was_above not in (None, fast > slow):
            way = "up" if fast > slow else "down"
            at = datetime.fromtimestamp(start_ms // 1000, timezone.utc)
            yield f"{at:%d %H:%M} crossed {way}: {fast:.2f} and {slow:.2f}"
        was_above = fast > slow


def test_the_averages_cross_where_those_of_the_candles_do() -> None:
    """Of a market that stands still: its past is all that there is."""
    with serve_in_thread(market=living_market(), clock=lambda: 0) as served:
        query = "category=inverse&symbol=BTCUSD&interval=1&limit=201"
        rows = by_rest(served, lambda c: c.read("/v5/market/kline", query))["list"]
        closed = [(int(row[0]), Decimal(row[4])) for row in rows if int(row[0]) < START_MS]
        expected = list(crossings(closed[:200][::-1]))
        path = ROOT / "examples" / "candle_crossover.py"
        env = {"RXBYBIT_ENVIRONMENT": served.url}
        with Child([sys.executable, str(path)], env=env) as child:
            lines = [child.line() for _ in expected]
            assert finish(child) == []
    assert len(expected) >= 2
    assert lines == expected
