"""What was seen on the connection before does not come again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import hypothesis.strategies as st
from hypothesis import given

from rxbybit.dedupe import ANEW_MS, is_repeated, unseen


class Item(NamedTuple):
    id: str
    sequence: int | None
    time_ms: int


def item(n: int, *, sequence: int | None = -1, time_ms: int = 0) -> Item:
    return Item(str(n), n if sequence == -1 else sequence, time_ms)


def items(*numbers: int) -> tuple[Item, ...]:
    return tuple(item(n) for n in numbers)


def resumed(frames: Sequence[Sequence[Item]], last: Item) -> list[Item]:
    """What a hub makes of the frames of a new connection."""
    got: list[Item] = []
    resuming = True
    for frame in frames:
        if resuming:
            frame, resuming = unseen(frame, last)
        got += frame
        last = got[-1] if got else last
    return got


@given(st.data(), st.booleans())
def test_whatever_is_repeated_each_comes_once(data: st.DataObject, sequences: bool) -> None:
    """Cut at any place, resumed at an earlier one, in frames of any size."""
    count = data.draw(st.integers(2, 20))
    sent = [item(n, sequence=n if sequences else None) for n in range(count)]
    cut = data.draw(st.integers(1, count))
    # without sequences only the frame tells in which the last one is
    again = data.draw(st.integers(0 if sequences else cut - 1, cut))
    rest, frames = sent[again:], list[list[Item]]()
    while rest:
        size = data.draw(st.integers(1, 4))
        frames.append(rest[:size])
        rest = rest[size:]
    assert resumed(frames, sent[cut - 1]) == sent[cut:]


def test_a_frame_beyond_the_last_ends_it() -> None:
    assert unseen(items(5, 6), item(4)) == (items(5, 6), False)


def test_what_is_known_is_left_out_and_more_may_follow() -> None:
    assert unseen(items(1, 2, 3), item(3)) == ((), True)
    assert unseen(items(2, 3, 4), item(3)) == (items(4), True)


def test_of_one_match_it_was_seen_up_to_the_last() -> None:
    frame = tuple(item(n, sequence=7) for n in range(4))
    assert unseen(frame, frame[1]) == (frame[2:], True)
    others = tuple(item(n, sequence=7) for n in range(4, 6))
    assert unseen(others, frame[1]) == (others, True)


def test_what_is_much_older_was_begun_anew() -> None:
    last = item(9, time_ms=ANEW_MS + 1)
    assert unseen(items(1, 9), last) == (items(1, 9), False)
    assert unseen(items(1, 9), item(9, time_ms=ANEW_MS)) == ((), True)


def test_a_repeated_frame() -> None:
    assert is_repeated(items(1, 2), item(2))
    assert not is_repeated(items(1, 2), item(1))
