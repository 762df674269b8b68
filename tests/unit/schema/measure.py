"""What decoding a frame of one trade costs: ``python -m tests.unit.schema.measure``.

Prints microseconds, the least of many rounds. The ways take turns, so that a machine which
changes its speed changes it for all.
"""

from __future__ import annotations

import os
import sys
import timeit
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from msgspec.structs import force_setattr

from rxbybit.events import Meta
from rxbybit.schema.adoption import copied
from rxbybit.schema.compile import compile_frames
from rxbybit.schema.decoder import TopicDecoder
from rxbybit.streams.trade import TRADES, Trade

FRAME = (
    b'{"topic":"publicTrade.BTCUSD","type":"snapshot","ts":1790000000125,"data":[{"T":1790000000120'
    b',"s":"BTCUSD","S":"Buy","v":"1500","p":"64210.50","L":"PlusTick","i":"0e9a1b52-7c44-5d0e-9f2a'
    b'-3b1c5d7e9f10","BT":false,"RPI":false,"seq":880001}]}'
)
ROUNDS = 40
CALLS = 300


def decoder(path: str) -> TopicDecoder:
    os.environ["RXBYBIT_DECODER"] = path
    return TopicDecoder(TRADES, "v5", "publicTrade.BTCUSD", report=lambda error: None)


def main() -> None:
    wire = TRADES.wire("v5").at("publicTrade.BTCUSD")
    assert wire is not None
    bind: Any = compile_frames(wire, Trade, Trade, Decimal)  # Any: a function with its globals
    read, fast, slow = (
        bind.__globals__["read"],  # what the function that was written out calls first
        decoder("msgspec").decode,
        decoder("marshmallow").decode,
    )

    def adopt() -> None:
        frame = read(FRAME)
        meta = Meta("publicTrade.BTCUSD", frame.kind, frame.ts, frame.cts, 1, 1)
        for item in frame.data:
            force_setattr(item, "__class__", Trade)
            force_setattr(item, "meta", meta)

    def copy() -> None:
        frame = read(FRAME)
        meta = Meta("publicTrade.BTCUSD", frame.kind, frame.ts, frame.cts, 1, 1)
        for item in frame.data:
            force_setattr(item, "meta", meta)
            copied(item, Trade)

    ways: dict[str, Callable[[], object]] = {
        "msgspec decodes wire twins": lambda: read(FRAME),
        "and they become events": adopt,
        "or are copied into events": copy,
        "TopicDecoder, with its checks": lambda: fast(FRAME, 1, 1),
        "TopicDecoder, through marshmallow": lambda: slow(FRAME, 1, 1),
    }
    least = dict.fromkeys(ways, float("inf"))
    for _ in range(ROUNDS):
        for name, way in ways.items():
            least[name] = min(least[name], timeit.timeit(way, number=CALLS) / CALLS * 1e6)
    for name, spent in least.items():
        sys.stdout.write(f"{name:36}{spent:8.2f}\n")


if __name__ == "__main__":
    main()
