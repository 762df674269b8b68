"""Past and live events put together: in order, each once, and every hole is told."""

from __future__ import annotations

from itertools import pairwise

import hypothesis.strategies as st
from hypothesis import given
from msgspec.structs import replace

from rxbybit.events import Gap, Meta
from rxbybit.rest.splice import MOST_HELD, Splice
from rxbybit.streams.kline import KLINES, Kline
from tests.unit.streams.test_kline import kline
from tests.unit.test_events import GAP

MINUTE = 60_000


def candle(n: int, *, closed: bool = True, gap: Gap | None = None, past: bool = False) -> Kline:
    made = kline(n * MINUTE, closed=closed)
    return replace(made, meta=Meta(backfilled=past, gap=gap, connection=None if past else 1))


def new() -> Splice[Kline]:
    assert KLINES.history is not None
    return Splice[Kline](KLINES.history)


def numbers(events: list[Kline]) -> list[int]:
    return [event.start_ms // MINUTE for event in events]


def past(*starts: int) -> list[Kline]:
    return [candle(n, past=True) for n in starts]


def test_what_is_in_both_comes_as_the_past_has_it() -> None:
    splice = new()
    for n in (3, 4):
        splice.hold(candle(n, closed=False))
    splice.add(past(1, 2, 3))
    assert splice.hole() is None
    taken = splice.take()
    assert numbers(taken) == [1, 2, 3, 4]
    assert [event.meta.backfilled for event in taken] == [True, True, True, False]
    assert splice.settled
    assert splice.next(candle(4)) is True


def test_of_what_grows_the_newest_counts() -> None:
    splice = new()
    splice.hold(candle(1, closed=False))
    splice.hold(candle(1, closed=True))
    (taken,) = splice.take()
    assert taken.closed


def test_after_the_past_alone_old_news_is_dropped_until_something_follows() -> None:
    splice = new()
    splice.add(past(1, 2))
    assert numbers(splice.take()) == [1, 2]
    assert not splice.settled
    assert splice.next(candle(1)) is None
    assert splice.next(candle(2)) is None
    assert not splice.settled
    assert splice.next(candle(3, closed=False)) is True
    assert splice.settled
    assert splice.next(candle(3)) is True


def test_a_hole_after_the_past_is_told_when_something_comes() -> None:
    splice = new()
    splice.add(past(1, 2))
    splice.take()
    assert splice.next(candle(5)) is False
    splice.hold(candle(2))  # old news
    splice.hold(candle(5))
    assert splice.hole() == (2 * MINUTE, 5 * MINUTE)
    splice.add(past(4))
    assert splice.hole() is None or splice.hole() == (2 * MINUTE, 4 * MINUTE)
    splice.add(past(3))
    assert splice.hole() is None
    assert numbers(splice.take()) == [3, 4, 5]
    assert splice.settled


def test_a_hole_in_the_past_itself_is_nobodys_to_fill() -> None:
    splice = new()
    splice.add(past(1, 5))
    splice.hold(candle(6))
    assert splice.hole() is None


def test_a_hole_that_is_empty_is_left() -> None:
    splice = new()
    splice.add(past(1))
    splice.hold(candle(3, gap=GAP))
    hole = splice.hole()
    assert hole is not None
    assert hole == (MINUTE, 3 * MINUTE)
    splice.leave(hole)
    assert splice.hole() is None
    taken = splice.take()
    assert numbers(taken) == [1, 3]
    assert taken[1].meta.gap is GAP


def test_a_gap_that_was_filled_is_none() -> None:
    splice = new()
    splice.hold(candle(3, gap=GAP))
    splice.hold(candle(3))  # as it grows it keeps what the first one told
    splice.hold(candle(5, gap=GAP))
    splice.add(past(2))
    taken = splice.take()
    assert [event.meta.gap for event in taken] == [None, None, GAP]


def test_a_gap_before_everything_is_none() -> None:
    splice = new()
    splice.hold(candle(3, gap=GAP))
    (taken,) = splice.take()
    assert taken.meta.gap is None


def test_what_was_cut_off_while_it_grew_is_asked_for() -> None:
    splice = new()
    splice.hold(candle(3, closed=False))
    splice.hold(candle(4, gap=GAP, closed=False))
    splice.add(past(2))
    hole = splice.hole()
    assert hole == (3 * MINUTE - 1, 4 * MINUTE)
    splice.add(past(3))
    assert splice.hole() is None
    taken = splice.take()
    assert [(e.closed, e.meta.gap) for e in taken] == [(True, None)] * 2 + [(False, None)]


def test_what_was_cut_off_and_cannot_be_had_is_told() -> None:
    splice = new()
    splice.hold(candle(3, closed=False))
    splice.hold(candle(4, gap=GAP))
    hole = splice.hole()
    assert hole is not None
    splice.leave(hole)
    assert [e.meta.gap for e in splice.take()] == [None, GAP]


def test_what_is_held_is_bounded_and_the_oldest_leave() -> None:
    splice = new()
    for n in range(MOST_HELD + 7):
        splice.hold(candle(n))
    assert splice.first == 7 * MINUTE
    splice.add(past(1, 2))
    assert splice.hole() == (2 * MINUTE, 7 * MINUTE)
    assert len(splice.take()) == MOST_HELD + 2


def test_nothing_at_all_is_settled() -> None:
    splice = new()
    assert splice.first is None
    assert splice.take() == []
    assert splice.next(candle(9)) is True


@given(
    world=st.integers(1, 30),
    listed=st.sets(st.integers(0, 30)),
    live=st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=40),
    more=st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=20),
)
def test_whatever_comes_is_in_order_once_and_without_a_hole_that_could_be_filled(
    world: int,
    listed: set[int],
    live: list[tuple[int, bool]],
    more: list[tuple[int, bool]],
) -> None:
    """``listed`` is what the first answer has; later the list has everything below ``world``."""
    splice, out = new(), list[Kline]()

    def settle() -> None:
        while (hole := splice.hole()) is not None:
            after, before = hole
            found = past(*(n for n in range(world) if after < n * MINUTE < before))
            splice.add(found)
            if not found:
                splice.leave(hole)
        out.extend(splice.take())

    for n, closed in sorted(live):
        splice.hold(candle(n, closed=closed))
    splice.add(past(*listed))
    settle()
    more = [(n, closed) for n, closed in sorted(more) if n >= max(live, default=(0, False))[0]]
    while more and not splice.settled:
        n, closed = more.pop(0)
        follows = splice.next(candle(n, closed=closed))
        if follows:
            out.append(candle(n, closed=closed))
        elif follows is False:
            splice.hold(candle(n, closed=closed))
            settle()
    starts = numbers(out)
    assert starts == sorted(set(starts))
    assert set(starts) >= listed | {n for n, _ in live}
    for before, after in pairwise(out):
        if not after.meta.backfilled:
            lost = range(before.start_ms // MINUTE + 1, after.start_ms // MINUTE)
            assert not [n for n in lost if n < world]
