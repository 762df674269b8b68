"""What is known of each thing: nothing older replaces what is newer, whichever way it comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from rxbybit import Balance, Meta, OrderStatus, Position
from rxbybit.order import OrderItem
from rxbybit.present import _HELD, _REMEMBERED, Present

MARGIN = 3
"""How much earlier than in truth a list is said to be asked for."""


def order(version: int, status: str = "New", order_id: str = "a") -> OrderItem:
    return OrderItem(
        category="inverse",
        symbol="BTCUSD",
        order_id=order_id,
        status=OrderStatus(status),
        quantity=Decimal(100),
        filled_quantity=Decimal(version),
        updated_ms=version,
    )


def position(version: int) -> Position:
    return Position(category="inverse", symbol="A", size=Decimal(version), sequence=version)


def balance(version: int) -> Balance:
    return Balance(coin="BTC", equity=Decimal(version))


def live(event: Any, sent_ms: int) -> Any:
    return replace(event, meta=Meta(topic="t", sent_ms=sent_ms))


def read(event: Any, asked_ms: int, sent_ms: int) -> Any:
    meta = Meta(topic="t", sent_ms=sent_ms, matched_ms=asked_ms, backfilled=True)
    return replace(event, meta=meta)


KINDS: dict[str, tuple[Callable[[int], Any], Callable[[], Present[Any]]]] = {
    "orders": (order, lambda: Present(lambda o: o.order_id, lambda o: o.status.closed)),
    "positions": (position, lambda: Present(lambda p: p.symbol)),
    "balances": (balance, lambda: Present(lambda b: b.coin)),
}


@st.composite
def interleavings(draw: st.DrawFn) -> tuple[list[int], list[tuple[int, int, int, int]]]:
    """Times of changes, and lists: asked, read and answered then, arriving after so many frames."""
    changes = sorted(draw(st.sets(st.integers(10, 60), min_size=1, max_size=8)))
    lists = []
    for _ in range(draw(st.integers(1, 2))):
        asked = draw(st.integers(10, 70))
        at = asked + draw(st.integers(0, 8))
        answered = at + draw(st.integers(0, 8))
        lists.append((asked, at, answered, draw(st.integers(0, len(changes)))))
    return changes, lists


def replayed(
    kind: str, changes: Sequence[int], lists: Sequence[tuple[int, int, int, int]]
) -> tuple[list[int], int]:
    """The versions that a subscriber hears, and the one that is held in the end.

    The version of a thing is the time of its last change; a frame is sent in the same moment. A
    list may overtake frames, or they it.
    """
    make, fresh = KINDS[kind]
    present = fresh()
    heard: list[int] = []

    def take(event: object) -> None:
        present.apply(event)
        if present.news is not None:
            heard.append(version(present.news))

    for n in range(len(changes) + 1):
        for asked, at, answered, after in lists:
            known = [change for change in changes if change <= at]
            if after == n and known:
                take(read(make(known[-1]), asked - MARGIN, answered))
        if n < len(changes):
            take(live(make(changes[n]), changes[n]))
    (held,) = present.held
    return heard, version(held)


def version(event: Any) -> int:
    if isinstance(event, Balance):
        return int(event.equity or 0)
    if isinstance(event, Position):
        return int(event.size)
    assert isinstance(event, OrderItem)
    return event.updated_ms or 0


@pytest.mark.parametrize("kind", ["orders", "positions"])
@given(case=interleavings())
def test_nothing_older_follows_what_is_newer(
    kind: str, case: tuple[list[int], list[tuple[int, int, int, int]]]
) -> None:
    changes, lists = case
    heard, held = replayed(kind, changes, lists)
    assert heard == sorted(heard)
    assert held == changes[-1]
    assert set(heard) <= set(changes)


@given(case=interleavings())
def test_of_what_has_no_version_the_last_state_is_right_and_frames_of_before_are_left_out(
    case: tuple[list[int], list[tuple[int, int, int, int]]],
) -> None:
    changes, lists = case
    heard, held = replayed("balances", changes, lists)
    assert held == changes[-1]
    for asked, at, _, after in lists:
        listed = [change for change in changes if change <= at]
        early = [change for change in changes[after:] if change < asked - MARGIN]
        if listed and early and len(lists) == 1:  # frames that the list has overtaken
            assert set(early) & set(heard) <= {listed[-1]}


def test_a_list_that_says_the_same_says_nothing_new() -> None:
    present = KINDS["positions"][1]()
    present.apply(live(position(5), 5))
    present.apply(read(position(5), 6, 7))
    assert present.news is None
    present.apply(live(position(5), 8))
    assert present.news is not None  # it was sent, so it is told


def test_what_is_over_is_not_held_and_does_not_come_back() -> None:
    present = KINDS["orders"][1]()
    present.apply(live(order(1), 1))
    present.apply(live(order(5, "Filled"), 5))
    assert present.held == ()
    present.apply(read(order(1), 0, 9))
    assert present.news is None
    assert present.held == ()
    present.apply(live(order(6, "Filled"), 6))
    assert present.news is not None  # a second end is told as well


def test_what_was_over_before_anybody_listened_is_no_news() -> None:
    present = KINDS["orders"][1]()
    present.apply(read(order(5, "Filled"), 6, 7))
    assert present.news is None
    present.apply(live(order(5, "Filled", "b"), 8))
    assert present.news is not None


def test_what_is_over_is_remembered_up_to_a_bound() -> None:
    present = KINDS["orders"][1]()
    for n in range(_REMEMBERED + 1):
        present.apply(live(order(5, "Filled", str(n)), 5))
    assert len(present._ended) == _REMEMBERED
    assert "0" not in present._ended
    present.apply(read(order(1, "New", "1"), 0, 9))
    assert present.news is None


def test_of_what_never_ends_the_one_told_of_longest_ago_leaves() -> None:
    """An order whose end was missed, in an outage that nothing was read after."""
    present = KINDS["orders"][1]()
    for n in range(_HELD):
        present.apply(live(order(1, order_id=str(n)), n))
    present.apply(live(order(2, order_id="0"), _HELD))  # an old order that goes on
    present.apply(live(order(1, order_id="new"), _HELD))
    held = [event.order_id for event in present.held]
    assert (len(held), held[0], held[-2:]) == (_HELD, "2", ["0", "new"])


def test_things_are_told_apart() -> None:
    present = KINDS["orders"][1]()
    for name in ("a", "b"):
        present.apply(live(order(3, order_id=name), 3))
    present.apply(live(order(2, order_id="a"), 9))
    assert present.news is None
    assert [o.order_id for o in present.held] == ["a", "b"]


def test_a_lost_link_and_an_unreadable_frame_change_nothing() -> None:
    present = KINDS["orders"][1]()
    present.apply(live(order(3), 3))
    present.reset()
    assert present.spoil("why") is False
    assert len(present.held) == 1
