"""What a kept book costs in several structures, on one feed, in one run.

    python -m tests.perf.structures

A delta is decoded and taken in: to texts where texts are kept, else to Decimals. Then, apart, the
best bid and ask are read, the best 25 levels a side, and a copy is made: all as Decimals. CPU
time of one process, the least of the rounds: whatever else the machine does only adds to it.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any, Protocol

from rxbybit.errors import DecodeError
from rxbybit.ladder import Ladder, TextLevel
from rxbybit.schema.decoder import TopicDecoder
from rxbybit.schema.spec import StreamSpec
from rxbybit.streams import ORDER_BOOK, ORDER_BOOK_UPDATES
from tests.perf.market import EPOCH_MS, Market
from tests.perf.run import about

Level = tuple[Decimal, Decimal]
DELTAS, ROUNDS, LEVELS = 3_000, 9, 25
DEPTHS = (50, 200)


class Side(Protocol):
    """One side of a book, in the structure that is measured."""

    # Any: texts or Decimals, as the structure keeps them
    def apply(self, changes: Sequence[Any], /) -> object:
        """Take in what a delta says of this side."""

    def best(self, count: int, sign: int) -> list[Level]:
        """So many levels, best first; ``sign`` is -1 for bids, whose best price is the highest."""
        ...

    def copy(self) -> Side:
        """One of its own."""
        ...


class Texts:
    """Ours: sizes by price, both texts, and a list of the prices in order."""

    def __init__(self, levels: Sequence[TextLevel]) -> None:
        self._become(Ladder(levels))

    def _become(self, ladder: Ladder) -> None:
        self.ladder = ladder
        self.apply = ladder.apply

    def best(self, count: int, sign: int) -> list[Level]:
        ladder = self.ladder
        if count == 1:
            level = ladder.last if sign < 0 else ladder.first
            return [(Decimal(level[0]), Decimal(level[1]))] if level else []
        levels = ladder.falling() if sign < 0 else ladder.rising()
        return [(Decimal(price), Decimal(size)) for price, size in islice(levels, count)]

    def copy(self) -> Texts:
        made = Texts.__new__(Texts)
        made._become(self.ladder.copy())
        return made


class Bisected:
    """Sizes by price, both Decimals, and a list of the prices in order."""

    def __init__(self, levels: Iterable[Level]) -> None:
        self.sizes = dict(levels)
        self.prices = sorted(self.sizes)

    def apply(self, changes: Sequence[Level], /) -> None:
        for price, size in changes:
            if size:
                if price not in self.sizes:
                    insort(self.prices, price)
                self.sizes[price] = size
            elif self.sizes.pop(price, None) is not None:
                del self.prices[bisect_left(self.prices, price)]

    def best(self, count: int, sign: int) -> list[Level]:
        prices = reversed(self.prices) if sign < 0 else iter(self.prices)
        return [(price, self.sizes[price]) for price in islice(prices, count)]

    def copy(self) -> Bisected:
        made = Bisected(())
        made.sizes, made.prices = self.sizes.copy(), self.prices.copy()
        return made


class Unsorted:
    """Sizes by price, both Decimals, put in order by who reads them."""

    def __init__(self, levels: Iterable[Level]) -> None:
        self.sizes = dict(levels)

    def apply(self, changes: Sequence[Level], /) -> None:
        for price, size in changes:
            if size:
                self.sizes[price] = size
            else:
                self.sizes.pop(price, None)

    def best(self, count: int, sign: int) -> list[Level]:
        if count == 1:
            price = max(self.sizes) if sign < 0 else min(self.sizes)
            return [(price, self.sizes[price])]
        return sorted(self.sizes.items(), reverse=sign < 0)[:count]

    def copy(self) -> Unsorted:
        made = Unsorted(())
        made.sizes = self.sizes.copy()
        return made


def sorted_dict() -> Callable[[Iterable[Level]], Side]:
    """A ``SortedDict`` of sortedcontainers; ``ImportError`` where that is not installed."""
    from sortedcontainers import (  # pyright: ignore[reportMissingImports, reportMissingTypeStubs]
        SortedDict,  # pyright: ignore[reportUnknownVariableType]
    )

    class Sorted:
        def __init__(self, levels: Iterable[Level]) -> None:
            self.sizes: Any = SortedDict(levels)  # Any: a package that need not be there

        def apply(self, changes: Sequence[Level], /) -> None:
            for price, size in changes:
                if size:
                    self.sizes[price] = size
                else:
                    self.sizes.pop(price, None)

        def best(self, count: int, sign: int) -> list[Level]:
            prices: Iterator[Decimal] = reversed(self.sizes) if sign < 0 else iter(self.sizes)
            return [(price, self.sizes[price]) for price in islice(prices, count)]

        def copy(self) -> Sorted:
            return Sorted(self.sizes)

    return Sorted


def structures() -> dict[str, Callable[[Any], Side]]:
    """What is compared, by name."""
    made: dict[str, Callable[[Any], Side]] = {
        "texts (rxbybit)": Texts,
        "Decimals, bisected": Bisected,
        "Decimals, sorted when read": Unsorted,
    }
    try:
        made["Decimals, SortedDict"] = sorted_dict()
    except ImportError as error:
        print(f"Decimals, SortedDict: left out, {error}", file=sys.stderr)
    return made


class Frames:
    """A feed of one book: its snapshot, then deltas."""

    def __init__(self, depth: int, deltas: int) -> None:
        market = Market("BTCUSDT", 0, depth)
        self.topic = f"orderbook.{depth}.BTCUSDT"
        self.snapshot = market.book_snapshot(EPOCH_MS)
        self.deltas = [market.book_delta(EPOCH_MS + at * 20) for at in range(deltas)]


def decoder(topic: str, make: object) -> Callable[[bytes], Any]:
    """What gives the event of a frame, with levels as the structure keeps them."""
    # Any: one of the two
    spec: StreamSpec[Any] = ORDER_BOOK if make is Texts else ORDER_BOOK_UPDATES
    decode = TopicDecoder(spec, "v5", topic, report=_fail).decode
    return lambda data: decode(data, 1, 1)[0]


def figures_of(frames: Frames, make: Callable[[Any], Side]) -> tuple[float, float, float, float]:
    """Microseconds of a delta, of reading the top, of reading 25 levels, and of a copy."""
    decode = decoder(frames.topic, make)
    first = decode(frames.snapshot)
    bids, asks = make(first.bids), make(first.asks)

    def take(data: bytes) -> None:
        delta = decode(data)
        bids.apply(delta.bids)
        asks.apply(delta.asks)

    def read(count: int) -> None:
        bids.best(count, -1)
        asks.best(count, 1)

    def copy(_: object) -> None:
        bids.copy()
        asks.copy()

    some = len(frames.deltas) // 10
    return (
        _each_us(take, frames.deltas),
        _each_us(read, [1] * some),
        _each_us(read, [LEVELS] * some),
        _each_us(copy, [None] * some),
    )


def _each_us(call: Callable[[Any], None], arguments: Sequence[Any]) -> float:
    began = time.process_time()
    for argument in arguments:
        call(argument)
    return (time.process_time() - began) / len(arguments) * 1e6


def table(depth: int, deltas: int, rounds: int) -> Iterator[str]:
    """A line a structure, measured now."""
    frames, compared = Frames(depth, deltas), structures()
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in compared}
    gc.collect()
    for at in range(rounds):
        for name in list(compared)[:: 1 if at % 2 else -1]:
            found[name].append(figures_of(frames, compared[name]))
    heads = ("a delta", "the top", f"{LEVELS} levels", "a copy")
    yield f"{f'{depth} levels, us':28}" + "".join(f"{head:>11}" for head in heads)
    for name, rows in found.items():
        yield f"{name:28}" + "".join(f"{min(column):>11.2f}" for column in zip(*rows, strict=True))


def main(arguments: list[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--deltas", type=int, default=DELTAS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(arguments)
    print(about(), flush=True)
    for depth in DEPTHS:
        print("\n" + "\n".join(table(depth, options.deltas, options.rounds)), flush=True)


def _fail(error: DecodeError) -> None:
    raise error


if __name__ == "__main__":
    main(sys.argv[1:])
