"""What was seen on the connection before does not come again."""

from __future__ import annotations

from typing import NamedTuple

import hypothesis.strategies as st
from hypothesis import given

from rxbybit.dedupe import ANEW_MS, Once
from rxbybit.mending import Mark


class Item(NamedTuple):
    id: str
    sequence: int | None
    time_ms: int


def item(n: int, *, sequence: int | None = -1, time_ms: int = 0) -> Item:
    return Item(str(n), n if sequence == -1 else sequence, time_ms)


def items(*numbers: int) -> tuple[Item, ...]:
    return tuple(item(n) for n in numbers)


def after(last: Item) -> Once:
    """What has seen ``last`` on the connection before."""
    once = Once()
    assert once.new((last,)) == (last,)
    once.resume()
    return once


def test_the_last_one_is_known_where_a_connection_ends() -> None:
    once = Once()
    assert once.resume() == Mark(None, None)
    once.new((item(1), item(2, time_ms=7)))
    assert once.resume() == Mark("2", 7)


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
    once = after(sent[cut - 1])
    assert [one for frame in frames for one in once.new(frame)] == sent[cut:]


def test_a_frame_beyond_the_last_ends_it() -> None:
    once = after(item(4))
    assert once.new(items(5, 6)) == items(5, 6)
    assert once.new(items(3, 7)) == items(3, 7)  # no connection goes back


def test_what_is_known_is_left_out_and_more_may_follow() -> None:
    once = after(item(3))
    assert once.new(items(1, 2)) == ()
    assert once.new(items(2, 3, 4)) == items(4)


def test_of_one_match_it_was_seen_up_to_the_last() -> None:
    frame = tuple(item(n, sequence=7) for n in range(4))
    assert after(frame[1]).new(frame) == frame[2:]
    others = tuple(item(n, sequence=7) for n in range(4, 6))
    assert after(frame[1]).new(others) == others


def test_what_is_much_older_was_begun_anew() -> None:
    assert after(item(9, time_ms=ANEW_MS + 1)).new(items(1, 9)) == items(1, 9)
    assert after(item(9, time_ms=ANEW_MS)).new(items(1, 9)) == ()


def test_what_is_much_later_is_no_repetition_whatever_its_sequence() -> None:
    """An exchange that began anew while nobody was connected numbers from the start."""
    once = after(item(9, time_ms=5))
    later = [item(n, time_ms=ANEW_MS + 5 + n) for n in (1, 2)]
    assert once.new(later) == later
    assert once.new([item(3, time_ms=ANEW_MS + 8)]) == [item(3, time_ms=ANEW_MS + 8)]
    assert after(item(9, time_ms=5)).new([item(1, time_ms=ANEW_MS + 5)]) == ()


def test_a_repeated_frame() -> None:
    once = Once()
    assert once.new(()) == ()
    assert once.new(items(1, 2)) == items(1, 2)
    assert once.new(items(1, 2)) == ()
    assert once.new(()) == ()
    assert once.new(items(1, 2)) == ()
    assert once.new(items(2, 1)) == items(2, 1)


def test_a_connection_that_brought_nothing_is_none() -> None:
    once = Once()
    once.resume()
    assert once.new(items(1)) == items(1)
    assert once.new(items(1)) == ()


def test_sequences_of_several_symbols_say_nothing_of_each_other() -> None:
    """A lower one is another symbol's; what tells a repetition is the id of the last event."""
    once = Once(mixed=True)
    once.new((item(1, sequence=500),))
    once.resume()
    lower = (item(2, sequence=3), item(3, sequence=900), item(4, sequence=4))
    assert once.new(lower) == lower
    once.resume()
    assert once.new((item(3, sequence=900), item(4, sequence=4), item(5, sequence=1))) == (
        item(5, sequence=1),
    )


def test_an_empty_frame_on_a_new_connection_is_nothing() -> None:
    once = after(item(3))
    assert once.new(()) == ()
    assert once.new(items(2, 3, 4)) == items(4)


def test_what_began_anew_is_compared_with_nothing_from_before() -> None:
    once = after(item(9, time_ms=ANEW_MS + 1))
    assert once.new(items(5)) == items(5)
    assert once.new(items(3)) == items(3)


def test_where_only_one_side_has_sequences_the_ids_tell() -> None:
    """As when the exchange begins, or ceases, to number its trades."""
    without = tuple(item(n, sequence=None) for n in (3, 4))
    assert after(item(3)).new(without) == without[1:]
    assert after(item(2)).new(without) == without
    assert after(item(3, sequence=None)).new(items(2, 3, 4)) == items(4)
    assert after(item(1, sequence=None)).new(items(2, 3)) == items(2, 3)
