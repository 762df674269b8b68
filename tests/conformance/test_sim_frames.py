"""The market's frames beside recorded ones: the same keys in the same order, the same spelling.

What is compared are frames that a socket has really sent, by socket, topic family and kind. Frames
of the documents stand in where no recording holds a family.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rxbybit.config import Category
from rxbybit.sim import Market

START_MS = 1_767_571_200_000
# Which lines of which file come from which socket.
SOURCES: list[tuple[Category, str, int, int | None]] = [
    ("linear", "capture_linear", 0, None),
    ("spot", "capture_spot", 0, None),
    ("linear", "kline", 0, 20),
    ("spot", "kline", 20, 30),
    ("linear", "orderbook", 0, 61),
    ("spot", "orderbook", 61, 112),
    ("linear", "orderbook_level1", 0, 30),
    ("spot", "orderbook_level1", 40, 62),
    ("linear", "public_trade", 0, 28),
    ("spot", "public_trade", 28, 38),
    ("linear", "tickers", 0, 74),
    ("spot", "tickers", 74, 82),
    ("linear", "all_liquidation", 0, None),
    ("linear", "insurance", 0, None),
]
NUMBER = re.compile(r"-?\d+(\.\d+)?")
# Any: whatever stands in JSON.
Frame = dict[str, Any]
Group = tuple[Category, str, str]
TICKER_DELTAS: Group = ("linear", "tickers", "delta")


def look_of(value: Any) -> str:
    """What a leaf looks like."""
    if isinstance(value, str):
        return "number" if NUMBER.fullmatch(value) else "text" if value else "empty"
    return type(value).__name__


def group_of(category: Category, frame: Frame) -> Group:
    family = frame["topic"].split(".")[0]
    deep = family == "orderbook" and not frame["topic"].startswith("orderbook.1.")
    return category, "books" if deep else family, frame["type"]


def recorded(folder: Path) -> Iterator[tuple[Group, Frame]]:
    for category, name, first, last in SOURCES:
        lines = (folder / "v5" / f"{name}.jsonl").read_bytes().splitlines()[first:last]
        for frame in map(json.loads, lines):
            if "topic" in frame:
                yield group_of(category, frame), frame


@pytest.fixture(scope="module")
def made() -> list[tuple[Group, Frame]]:
    """All that a market says in half an hour, and the snapshots of its topics."""
    market = Market(seed=1, start_ms=START_MS)
    sockets: tuple[Category, ...] = ("inverse", "linear", "spot")
    wanted: list[tuple[Category, str]] = []
    for socket in sockets:
        topics = sorted(market.topics(socket))
        # Candles of other intervals were not recorded.
        kept = [t for t in topics if t.startswith("kline.1.") or not t.startswith("kline.")]
        wanted.extend((socket, topic) for topic in kept)
    for category, topic in wanted:
        market.want(category, topic)
    pushes = list(market.advance(START_MS + 1_800_000))
    pairs = [(group_of(push.category, push.content), push.content) for push in pushes]
    for category, topic in wanted:
        snapshot = market.snapshot(category, topic)
        if snapshot is not None:
            pairs.append((group_of(category, snapshot), snapshot))
    return pairs


def leaves(frames: Iterable[Frame]) -> dict[str, set[str]]:
    """What is seen at each place of the frames, by its path."""
    found: dict[str, set[str]] = {}

    def look(path: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, one in value.items():
                look(f"{path}.{key}", one)
        elif isinstance(value, list):
            for one in value:
                look(f"{path}[]", one)
        else:
            found.setdefault(path, set()).add(look_of(value))

    for frame in frames:
        look("", frame)
    return found


def orders(frames: Iterable[Frame]) -> set[tuple[tuple[str, ...], tuple[str, ...]]]:
    """The keys of the frames and of what is in them, in their order."""
    return {(tuple(frame), tuple(item)) for frame in frames for item in items(frame)}


def of_group(pairs: Iterable[tuple[Group, Frame]], group: Group) -> list[Frame]:
    return [frame for found, frame in pairs if found == group]


def groups(pairs: Iterable[tuple[Group, Frame]]) -> set[Group]:
    return {group for group, _ in pairs}


def items(frame: Frame) -> list[Frame]:
    return frame["data"] if isinstance(frame["data"], list) else [frame["data"]]


def test_every_recorded_group_is_made(frames: Path, made: list[tuple[Group, Frame]]) -> None:
    real = groups(recorded(frames))
    assert real <= groups(made)
    assert len(real) == 15


def test_keys_stand_in_the_same_order(frames: Path, made: list[tuple[Group, Frame]]) -> None:
    pairs = list(recorded(frames))
    for group in groups(pairs) - {TICKER_DELTAS}:
        assert orders(of_group(made, group)) == orders(of_group(pairs, group)), group
    ours, real = (
        {order for order, _ in orders(of_group(some, TICKER_DELTAS))} for some in (made, pairs)
    )
    assert ours == real


def test_values_are_spelled_the_same(frames: Path, made: list[tuple[Group, Frame]]) -> None:
    pairs = list(recorded(frames))
    for group in groups(pairs):
        ours, real = leaves(of_group(made, group)), leaves(of_group(pairs, group))
        if group == TICKER_DELTAS:
            real = leaves(of_group(pairs, ("linear", "tickers", "snapshot"))) | {".type": {"text"}}
        for path, kinds in ours.items():
            assert kinds <= real.get(path, set()), (group, path)


def test_ticker_deltas_have_the_order_of_the_snapshot_but_for_one_side_of_the_interest(
    frames: Path, made: list[tuple[Group, Frame]]
) -> None:
    for pairs in (list(recorded(frames)), made):
        snapshots = of_group(pairs, ("linear", "tickers", "snapshot"))
        (whole,) = {tuple(frame["data"]) for frame in snapshots}
        deltas = of_group(pairs, TICKER_DELTAS)
        assert len(deltas) > 20
        for frame in deltas:
            told = list(frame["data"])
            order = sorted(whole, key=lambda key: key.startswith("singleOpenInterest"))
            assert told == [key for key in order if key in told]


def test_inverse_frames_are_those_of_linear(made: list[tuple[Group, Frame]]) -> None:
    kinds = {group[1:] for group in groups(made) if group[0] == "inverse"}
    assert len(kinds) > 6
    for family, kind in kinds:
        inverse = of_group(made, ("inverse", family, kind))
        linear = of_group(made, ("linear", family, kind))
        if family == "tickers":
            continue
        assert orders(inverse) == orders(linear), family
        assert leaves(inverse) == leaves(linear), family
