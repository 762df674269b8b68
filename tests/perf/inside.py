"""What a message costs in one process without sockets: decoder, hub and, where kept, the book.

    python -m tests.perf.inside

Ten symbols' messages of the benchmark go straight to what takes them, next to the ceiling's
decoder and one call. CPU time, the least of the rounds: whatever else the machine does only adds
to it, so that these figures are steadier than throughput, and only those of one run compare.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from rxbybit.dedupe import Once
from rxbybit.errors import DecodeError
from rxbybit.hub import Hub
from rxbybit.schema.decoder import TopicDecoder
from rxbybit.schema.spec import StreamSpec
from rxbybit.streams import KLINES, ORDER_BOOK, ORDER_BOOK_UPDATES, TICKER_UPDATES, TRADES
from rxbybit.subscription import Subscription
from tests.perf.leanest import DECODERS
from tests.perf.run import about
from tests.perf.script import MIXES, Script

MESSAGES, ROUNDS, SYMBOLS = 2_500, 60, 10
# Any: specs of several events
SPECS: dict[str, StreamSpec[Any]] = {
    "publicTrade": TRADES,
    "orderbook": ORDER_BOOK_UPDATES,
    "tickers": TICKER_UPDATES,
    "kline": KLINES,
}
CASES = ("ceiling", "updates", "kept", "held")

Take = Callable[[bytes], object]


class _NoRenewal:
    """For feeds in which nothing is missing."""

    def ask(self, why: str) -> None:
        raise RuntimeError(why)

    def late(self) -> bool:
        return False

    def done(self) -> None:
        """Nothing was asked."""


def takers(case: str, script: Script) -> dict[str, Take]:
    """What takes the messages of each topic, its snapshot included."""
    made = {
        topic: _ceiling(topic) if case == "ceiling" else _ours(topic, case)
        for topic in script.topics
    }
    for topic, snapshot in script.snapshots.items():
        made[topic](snapshot)
    return made


def _ceiling(topic: str) -> Take:
    decode = DECODERS[topic.split(".", maxsplit=1)[0]].decode
    return lambda data: _hear(decode(data))


def _ours(topic: str, case: str) -> Take:
    kind = topic.split(".", maxsplit=1)[0]
    spec = ORDER_BOOK if kind == "orderbook" and case != "updates" else SPECS[kind]
    wire = spec.wire("v5").at(topic)
    assert wire is not None
    hub = Hub(
        TopicDecoder(spec, "v5", topic, report=_fail).decode,
        snapshot_first=wire.snapshot_first,
        on_gap=_no_gap,
        on_empty=lambda: None,
        once=Once(mixed=wire.mixed) if spec.once else None,
        timed=hasattr(spec.reading[0], "time_ms"),
        renewal=_NoRenewal(),
        numbers=Decimal,
    )
    runtime: Any = None  # Any: who is never disposed of needs none
    hub.attach(spec, Subscription(runtime, _holder() if case == "held" else _hear, _fail, None))
    feed = hub.feed
    return lambda data: feed(data, 1, 1)


def each_us(case: str, script: Script) -> float:
    """Microseconds of a message."""
    of = takers(case, script)
    todo = [
        (of[script.topics[at]], data)
        for at, data in zip(script.topic_at, script.messages, strict=True)
    ]
    gc.collect()
    began = time.process_time()
    for take, data in todo:
        take(data)
    return (time.process_time() - began) / len(todo) * 1e6


def table(messages: int, rounds: int) -> Iterator[str]:
    """A line a case, measured now."""
    scripts = [Script("linear", SYMBOLS, messages, mix) for mix in MIXES]
    least = {case: [float("inf")] * len(scripts) for case in CASES}
    for at in range(rounds):
        for case in CASES[:: 1 if at % 2 else -1]:
            for column, script in enumerate(scripts):
                least[case][column] = min(least[case][column], each_us(case, script))
    yield f"{'us a message':14}" + "".join(f"{mix:>10}" for mix in MIXES)
    for case, found in least.items():
        yield f"{case:14}" + "".join(f"{us:>10.2f}" for us in found)


def main(arguments: list[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(arguments)
    print(about(), flush=True)
    print("\n".join(table(options.messages, options.rounds)), flush=True)


def _hear(_: object) -> None:
    """What a user does at least."""


def _holder() -> Callable[[object], None]:
    last: object = None

    def hold(event: object) -> None:
        nonlocal last  # as long as it is held, the next update has to make a copy
        last = event

    return hold


def _fail(error: Exception | DecodeError) -> None:
    raise error


def _no_gap(
    after_ms: int | None, before_ms: int | None, filled: int = 0, lost: int | None = None
) -> Any:  # Any: never returns
    raise RuntimeError("a hole in a feed that has none")


if __name__ == "__main__":
    main(sys.argv[1:])
