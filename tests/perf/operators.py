"""What each operator of rxbybit costs an event, beside the nearest one of reactivex, in one run.

    python -m tests.perf.operators

Nothing but operators: the events are decoded before anything is timed, and handed over in one
process by a source that does nothing else. What the same source costs without an operator is
taken off. CPU time, the least of the rounds each: whatever else the machine does only adds to it.
What stands beside ours is what a user would have without it, and does less: README.md says what.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple

import reactivex
from reactivex import Observable
from reactivex import operators as ops
from reactivex.scheduler import HistoricalScheduler, ImmediateScheduler

from rxbybit import Trade
from rxbybit import operators as rxo
from tests.perf.played import Case, Operator, Spent, events_of, spent_us
from tests.perf.run import about

EVENTS, ROUNDS = 2_000, 5


class Pair(NamedTuple):
    """An operator of ours, and what reactivex has for the same wish, if it has anything."""

    ours: Case
    theirs: Case | None = None


def of(name: str, events: str, operator: Callable[[], Operator], **more: Any) -> Case:
    """A case of one source."""
    return Case(name, events, lambda _: operator(), **more)


def clock() -> HistoricalScheduler:
    """A clock that stands still: timers are set, and none is due."""
    return HistoricalScheduler()


async def echo(value: object) -> object:
    """What a coroutine costs that does nothing."""
    return value


def one_at_a_time() -> Operator:
    def later(value: object) -> Observable[object]:
        return reactivex.defer(lambda _: reactivex.from_future(asyncio.ensure_future(echo(value))))

    return reactivex.compose(ops.map(later), ops.merge(max_concurrent=1))


def book_of_decimals() -> Operator:
    """A book as a ``scan`` keeps it: a dict a side, and no check of anything."""

    def step(book: tuple[dict[Decimal, Decimal], ...], update: Any) -> Any:
        sides = [dict(side) for side in book]
        for side, levels in zip(sides, (update.bids, update.asks), strict=True):
            for price, size in levels:
                if size:
                    side[price] = size
                else:
                    side.pop(price, None)
        return tuple(sides)

    return ops.scan(step, ({}, {}))


def moving(old: Decimal, new: Decimal) -> Decimal:
    return old + (new - old) / 10


def averaged() -> Operator:
    def step(sums: tuple[Decimal, Decimal], trade: Trade) -> tuple[Decimal, Decimal]:
        return sums[0] + trade.price * trade.size, sums[1] + trade.size

    sums = ops.scan(step, (Decimal(0), Decimal(0)))
    return reactivex.compose(sums, ops.map(lambda s: s[0] / s[1]))


def flowed() -> Operator:
    def step(total: Decimal, trade: Trade) -> Decimal:
        return total + trade.size if trade.side == "Buy" else total - trade.size

    return ops.scan(step, Decimal(0))


def by_symbol() -> Operator:
    return reactivex.compose(ops.group_by(lambda trade: trade.symbol), ops.merge_all())


def merged() -> Operator:
    return ops.scan(
        lambda held, update: {**held, **{name: getattr(update, name) for name in update.changed}},
        dict[str, object](),
    )


PAIRS = (
    Pair(
        of("bars('500 trades')", "trades", lambda: rxo.bars("500 trades")),
        of("buffer_with_count(500)", "trades", lambda: ops.buffer_with_count(500)),
    ),
    Pair(of("bars('1m')", "trades", lambda: rxo.bars("1m", scheduler=clock()))),
    Pair(
        of("vwap('1m')", "trades", lambda: rxo.vwap("1m")),
        of("scan, map", "trades", averaged),
    ),
    Pair(
        of("ema(19)", "trades", lambda: rxo.ema(19)),
        of(
            "map, scan",
            "trades",
            lambda: reactivex.compose(ops.map(lambda t: t.price), ops.scan(moving)),
        ),
    ),
    Pair(
        of("order_flow('1m')", "trades", lambda: rxo.order_flow("1m")),
        of("scan", "trades", flowed),
    ),
    Pair(
        of("imbalance(5)", "books", lambda: rxo.imbalance(5)),
        of("map", "books", lambda: ops.map(lambda book: book.imbalance(5))),
    ),
    Pair(
        of("spread()", "books", rxo.spread),
        of("map", "books", lambda: ops.map(lambda book: book.spread)),
    ),
    Pair(
        of("microprice()", "books", rxo.microprice),
        of("map", "books", lambda: ops.map(lambda book: book.microprice)),
    ),
    Pair(of("to_book()", "updates", rxo.to_book), of("scan", "updates", book_of_decimals)),
    Pair(
        of("merge_ticker()", "ticker updates", rxo.merge_ticker),
        of("scan", "ticker updates", merged),
    ),
    Pair(
        of("closed()", "candles", rxo.closed),
        of("filter", "candles", lambda: ops.filter(lambda candle: candle.closed)),
    ),
    Pair(of("detect_gaps()", "updates", rxo.detect_gaps), of("pairwise", "updates", ops.pairwise)),
    Pair(
        Case("with_book(book)", "trades", lambda o: rxo.with_book(o, scheduler=clock()), "books"),
        Case("with_latest_from", "trades", ops.with_latest_from, "books"),
    ),
    Pair(
        Case("with_latest(ticker)", "trades", rxo.with_latest, "tickers"),
        Case("with_latest_from", "trades", ops.with_latest_from, "tickers"),
    ),
    Pair(
        of(
            "conflate(symbol)",
            "trades",
            lambda: rxo.conflate(lambda trade: trade.symbol, scheduler=clock()),
        ),
        of("sample(0.1)", "trades", lambda: ops.sample(0.1, scheduler=clock())),
    ),
    Pair(
        of("on_slow(1000)", "trades", lambda: rxo.on_slow(1000, scheduler=ImmediateScheduler())),
        of("observe_on", "trades", lambda: ops.observe_on(ImmediateScheduler())),
    ),
    Pair(
        of("map_async(fn)", "trades", lambda: rxo.map_async(echo, buffer=EVENTS), later=True),
        of("map, merge(1)", "trades", one_at_a_time, later=True),
    ),
    Pair(
        of("pause_when(status)", "trades", lambda: rxo.pause_when(reactivex.of(False))),
        of("filter", "trades", lambda: ops.filter(lambda _: True)),
    ),
    Pair(
        of("per_symbol(same)", "trades", lambda: rxo.per_symbol(lambda source: source)),
        of("group_by, merge_all", "trades", by_symbol),
    ),
    Pair(
        of("retry_backoff()", "trades", lambda: rxo.retry_backoff(scheduler=clock())),
        of("retry", "trades", ops.retry),
    ),
)


async def measured(count: int, rounds: int) -> dict[Case, float]:
    """Microseconds an event of each case; in each round all run, and who comes first changes."""
    events = events_of(count)
    cases = [case for pair in PAIRS for case in pair if case is not None]
    found: dict[Case, list[Spent]] = {case: [] for case in cases}
    gc.collect()
    for at in range(rounds):
        for case in cases[:: 1 if at % 2 else -1]:
            found[case].append(await spent_us(case, events))
    return {case: cost_of(spent) for case, spent in found.items()}


def cost_of(rounds: list[Spent]) -> float:
    """What an operator costs, of what it took with it and without it."""
    return min(one.with_it for one in rounds) - min(one.without for one in rounds)


def table(found: dict[Case, float]) -> Iterator[str]:
    """A line an operator: ours and what is beside it."""
    yield f"{'us an event':24}{'rxbybit':>9}    {'':24}{'reactivex':>9}"
    for ours, theirs in PAIRS:
        line = f"{ours.name:24}{found[ours]:>9.2f}"
        if theirs is not None:
            line += f"    {theirs.name:24}{found[theirs]:>9.2f}"
        yield line


def lines(count: int = EVENTS, rounds: int = ROUNDS) -> Iterator[str]:
    """The table, measured now."""
    yield from table(asyncio.run(measured(count, rounds)))


def main(arguments: list[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(arguments)
    print(about(), flush=True)
    print("\n".join(lines(options.events, options.rounds)))


if __name__ == "__main__":
    main(sys.argv[1:])
