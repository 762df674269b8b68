"""Each event passes once, within a bounded memory."""

from __future__ import annotations

from typing import NamedTuple

import hypothesis.strategies as st
from hypothesis import given

from rxbybit.dedupe import FRAMES, Once


class Item(NamedTuple):
    id: str
    sequence: int | None


frames = st.lists(
    st.lists(st.integers(0, 12), unique=True, max_size=5).map(sorted), max_size=FRAMES
)


@given(frames, st.booleans())
def test_it_is_as_good_as_a_set(frames: list[list[int]], sequences: bool) -> None:
    once, seen = Once(), set[int]()
    for numbers in frames:
        sent = [Item(str(n), n // 2 if sequences else None) for n in numbers]
        new = [item for item, n in zip(sent, numbers, strict=True) if n not in seen]
        seen.update(numbers)
        assert list(once.fresh(sent)) == new


def frame(*numbers: int) -> tuple[Item, ...]:
    return tuple(Item(str(n), n) for n in numbers)


def test_new_frames_pass_as_they_are() -> None:
    once = Once()
    for n in range(0, 100, 2):
        new = frame(n, n + 1)
        assert once.fresh(new) is new


def test_repetitions_and_what_overlaps() -> None:
    once = Once()
    once.fresh(frame(1, 2))
    once.fresh(frame(3, 4))
    assert once.fresh(frame(1, 2)) == ()
    assert once.fresh(frame(4, 5)) == frame(5)
    assert once.fresh(frame(5)) == ()
    assert once.fresh(()) == ()


def test_one_match_may_span_frames() -> None:
    once = Once()
    once.fresh((Item("a", 7), Item("b", 7)))
    assert once.fresh((Item("b", 7), Item("c", 7))) == (Item("c", 7),)
    assert once.fresh((Item("c", 7), Item("c", 7), Item("d", 8), Item("d", 8))) == (Item("d", 8),)


def test_without_sequences_ids_decide() -> None:
    once = Once()
    assert once.fresh((Item("a", None), Item("b", None))) == (Item("a", None), Item("b", None))
    assert once.fresh((Item("b", None), Item("c", None))) == (Item("c", None),)


def test_what_is_late_but_new_passes() -> None:
    once = Once()
    once.fresh(frame(5, 6))
    assert once.fresh(frame(1, 2)) == frame(1, 2)
    assert once.fresh(frame(2)) == ()


def test_only_the_last_frames_are_known() -> None:
    once = Once()
    for n in range(1, 1 + FRAMES):
        once.fresh(frame(n))
    assert once.fresh(frame(1)) == ()
    assert once.fresh(frame(FRAMES + 1)) == frame(FRAMES + 1)
    assert once.fresh(frame(1)) == frame(1)  # a recording that begins anew
    assert once.fresh(frame(2)) == frame(2)
    assert once.fresh(frame(2)) == ()
    assert len(once._frames) == FRAMES
