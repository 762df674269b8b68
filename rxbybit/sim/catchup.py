"""The snapshot that a link needs when it subscribes in the middle of a recording.

V5 manual, "Orderbook" and "Ticker", and the manual before it: the first message of a subscription
is a snapshot, deltas follow.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TypedDict, cast

from rxbybit.sim.recording import Frame

__all__ = ["snapshot_at"]

Level = list[str]


class _Book(TypedDict):
    s: str
    b: list[Level]
    a: list[Level]
    u: int
    seq: int


class _LegacyLevel(TypedDict):
    side: str
    price: str


class _LegacyBook(TypedDict):
    delete: list[_LegacyLevel]
    update: list[_LegacyLevel]
    insert: list[_LegacyLevel]


class _LegacyTicker(TypedDict):
    update: list[dict[str, object]]


def snapshot_at(frames: Sequence[Frame], place: int, topic: str) -> bytes | None:
    """The state of ``topic`` after ``frames[:place]``, as one snapshot frame.

    ``None`` for a topic that is no book or ticker, and when no snapshot of it has come before
    ``place``: then the recording sends one itself, or has none.
    """
    merge = _MERGES.get(topic.partition(".")[0])
    if merge is None:
        return None
    since: list[dict[str, object]] = []
    for frame in reversed(frames[:place]):
        if frame.topic == topic:
            content = cast("dict[str, object]", json.loads(frame.raw))
            since.append(content)
            if content.get("type") == "snapshot":
                break
    else:
        return None
    since.reverse()
    data = merge([content["data"] for content in since])
    newest = since[-1] | {"type": "snapshot", "data": data}
    return json.dumps(newest, separators=(",", ":"), ensure_ascii=False).encode()


def _ticker(parts: Sequence[object]) -> object:
    state: dict[str, object] = {}
    for part in parts:
        state |= cast("dict[str, object]", part)
    return state


def _book(parts: Sequence[object]) -> object:
    books = [cast("_Book", part) for part in parts]
    bids = _side([level for book in books for level in book["b"]])
    asks = _side([level for book in books for level in book["a"]])
    return books[-1] | {"b": bids[::-1], "a": asks}


def _side(levels: Sequence[Level]) -> list[Level]:
    """The levels that are left, lowest price first; size 0 takes one away."""
    held: dict[Decimal, Level] = {}
    for level in levels:
        held[Decimal(level[0])] = level
    return [held[price] for price in sorted(held) if Decimal(held[price][1])]


def _legacy_ticker(parts: Sequence[object]) -> object:
    state = dict(cast("dict[str, object]", parts[0]))
    for part in parts[1:]:
        for update in cast("_LegacyTicker", part)["update"]:
            state |= update
    return state


def _legacy_book(parts: Sequence[object]) -> object:
    held: dict[tuple[str, Decimal], _LegacyLevel] = {}
    for level in cast("list[_LegacyLevel]", parts[0]):
        held[_place(level)] = level
    for part in parts[1:]:
        delta = cast("_LegacyBook", part)
        for level in delta["delete"]:
            held.pop(_place(level), None)
        for level in (*delta["update"], *delta["insert"]):
            held[_place(level)] = level
    return [held[place] for place in sorted(held)]


def _place(level: _LegacyLevel) -> tuple[str, Decimal]:
    """Bids before asks, and the lowest price first."""
    return level["side"], Decimal(level["price"])


_MERGES: dict[str, Callable[[Sequence[object]], object]] = {
    "orderbook": _book,
    "tickers": _ticker,
    "orderBookL2_25": _legacy_book,
    "orderBook_200": _legacy_book,
    "instrument_info": _legacy_ticker,
}
