"""Bars of random trades against grouping them, whenever the clock looks."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import reactivex
from hypothesis import given, settings
from hypothesis import strategies as st

from rxbybit import operators as rxo
from rxbybit.operators.time_bars import TimeBars
from tests.effort import examples
from tests.operators.market import START_MS, trade

LENGTH_MS = 1_000
prices = st.decimals("0.5", "99", places=1)
steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from("AB"), st.integers(0, 2_500), prices, prices),
        st.tuples(st.sampled_from("AB"), st.integers(-6_000, -1), prices, prices),  # late
        st.integers(-2_000, 9_000),  # the clock is so far ahead of the last trade
    ),
    max_size=50,
)


def grouped(groups, *, fill, continuous):
    """Bars as one would make them with a list of all trades of each."""
    bars, before = {}, None
    for number in range(min(groups), max(groups) + 1):
        inside = [t.price for t in groups[number]]
        row = inside if before is None or (inside and not continuous) else [before, *inside]
        if not (inside or fill):
            continue
        symbol = next(t.symbol for some in groups.values() for t in some)
        sizes = [t.size for t in groups[number]]
        volume = sum(sizes, Decimal(0))
        worth = sum(p * s for p, s in zip(inside, sizes, strict=True))
        bars[number] = rxo.Bar(
            symbol=symbol,
            start_ms=START_MS + number * LENGTH_MS,
            end_ms=START_MS + (number + 1) * LENGTH_MS - 1,
            open=row[0],
            high=max(row),
            low=min(row),
            close=row[-1],
            volume=volume,
            count=len(inside),
            vwap=worth / volume if volume else None,
        )
        before = row[-1]
    return bars


@settings(max_examples=examples(300))
@given(steps, st.booleans(), st.booleans(), st.booleans())
def test_the_last_word_on_each_bar_is_what_grouping_gives(steps, fill, continuous, whole) -> None:
    """Whatever comes late, of the bars that were over; with ``partial`` of all."""
    machine = TimeBars(LENGTH_MS, fill=fill, partial=whole, continuous=continuous, inverse=False)
    trades = defaultdict(lambda: defaultdict(list))
    found = defaultdict(dict)
    now_ms = time_ms = START_MS

    def take(bars) -> None:
        for bar in bars:
            found[bar.symbol][(bar.start_ms - START_MS) // LENGTH_MS] = bar

    for step in steps:
        if isinstance(step, tuple):
            symbol, later, price, size = step
            time_ms += max(0, later)
            one = trade(time_ms + min(0, later) - START_MS, price, size, symbol=symbol)
            number = (one.time_ms - START_MS) // LENGTH_MS
            given_yet = (n for n, b in found[symbol].items() if b.count)
            trades[symbol][max((number, *given_yet))].append(one)
            now_ms = max(now_ms, time_ms)
            take(machine.add(one, now_ms))
        else:
            now_ms = max(now_ms, time_ms + step)
        take(machine.tick(now_ms))
        assert machine.due_ms is None or machine.due_ms > now_ms
    take(machine.end())
    for symbol, groups in trades.items():
        expected = grouped(groups, fill=fill, continuous=continuous)
        bars, last = found[symbol], max(expected)
        if not whole and last not in bars:  # it was not over yet
            assert START_MS + (last + 1) * LENGTH_MS > now_ms - 1_000
            del expected[last]
        empty_after = {n: b for n, b in bars.items() if n > last}
        assert {n: b for n, b in bars.items() if n not in empty_after} == expected
        assert fill or not empty_after
        assert {b.count for b in empty_after.values()} <= {0}
        assert all(b.close == expected[last].close for b in empty_after.values())


@settings(max_examples=examples(300))
@given(steps, st.integers(1, 5), st.booleans())
def test_without_a_late_one_each_comes_once_and_in_order(steps, count, by_trades) -> None:
    """Also those of trades and of volume, which take each trade in once."""
    time_ms, trades = 0, []
    for step in steps:
        if isinstance(step, tuple):
            time_ms += abs(step[1])
            trades.append(trade(time_ms, step[2], step[3], symbol=step[0]))
    size = f"{count} trades" if by_trades else f"{count * 20} volume"
    for operator in (rxo.bars(size, partial=True), rxo.bars("1s", partial=True)):
        out: list[rxo.Bar] = []
        reactivex.of(*trades).pipe(operator).subscribe(out.append)
        for symbol in "AB":
            of_symbol = [t for t in trades if t.symbol == symbol]
            bars = [b for b in out if b.symbol == symbol]
            assert sum(b.count for b in bars) == len(of_symbol)
            assert sum(b.volume for b in bars) == sum(t.size for t in of_symbol)
            starts = [b.start_ms for b in bars]
            assert starts == sorted(starts)
    out = []
    reactivex.of(*trades).pipe(rxo.bars(size)).subscribe(out.append)
    for bar in out:
        last_ms = bar.end_ms
        if by_trades:
            assert bar.count == count
        else:
            last = [t for t in trades if t.symbol == bar.symbol and t.time_ms == last_ms]
            assert bar.volume >= count * 20 > bar.volume - max(t.size for t in last)
