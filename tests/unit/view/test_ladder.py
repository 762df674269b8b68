"""The ladder of the view: applied in order, and honest about a missing update."""

from __future__ import annotations

from decimal import Decimal

from rxbybit import BookDelta, BookSnapshot, Meta
from rxbybit.view.ladder import Ladder

D = Decimal


def levels(*pairs: tuple[int, int]) -> tuple[tuple[Decimal, Decimal], ...]:
    return tuple((D(price), D(size)) for price, size in pairs)


def snapshot(update_id: int | None = 10) -> BookSnapshot:
    return BookSnapshot(
        meta=Meta(connection=3),
        symbol="BTCUSD",
        depth=50,
        bids=levels((99, 1), (98, 2)),
        asks=levels((101, 3), (102, 4)),
        update_id=update_id,
    )


def delta(update_id: int | None, *bids: tuple[int, int]) -> BookDelta:
    return BookDelta(
        symbol="BTCUSD", depth=50, bids=levels(*bids), asks=levels((101, 7)), update_id=update_id
    )


def test_deltas_change_add_and_delete_levels() -> None:
    ladder = Ladder()
    assert (ladder.state, ladder.best(5)) == ("waiting", ([], []))
    ladder.apply(snapshot())
    ladder.apply(delta(11, (99, 0), (100, 5), (98, 9)))
    assert ladder.state == "synced"
    assert ladder.best(5) == (
        list(levels((100, 5), (98, 9))),
        list(levels((101, 7), (102, 4))),
    )
    assert ladder.best(1) == (list(levels((100, 5))), list(levels((101, 7))))


def test_a_missing_update_is_resyncing_until_a_snapshot() -> None:
    ladder = Ladder()
    ladder.apply(snapshot())
    held = ladder.best(5)
    ladder.apply(delta(12, (99, 0)))
    assert (ladder.state, ladder.best(5)) == ("resyncing", held)
    ladder.apply(delta(13, (98, 0)))
    assert (ladder.state, ladder.best(5)) == ("resyncing", held)
    ladder.apply(snapshot(1))
    ladder.apply(delta(2, (99, 8)))
    assert ladder.state == "synced"
    assert ladder.best(1)[0] == list(levels((99, 8)))


def test_a_repeated_update_changes_nothing() -> None:
    ladder = Ladder()
    ladder.apply(snapshot())
    ladder.apply(delta(11, (99, 5)))
    ladder.apply(delta(11, (99, 6)))
    assert ladder.state == "synced"
    assert ladder.best(1)[0] == list(levels((99, 5)))


def test_updates_without_ids_are_taken_as_they_come() -> None:
    ladder = Ladder()
    ladder.apply(snapshot(None))
    ladder.apply(delta(None, (99, 5)))
    assert ladder.state == "synced"
    assert ladder.best(1)[0] == list(levels((99, 5)))


def test_deltas_before_the_snapshot_are_not_taken_in() -> None:
    ladder = Ladder()
    ladder.apply(delta(11, (99, 5)))
    assert (ladder.state, ladder.best(5)) == ("waiting", ([], []))


def test_a_lost_link_makes_it_resync_and_one_that_waits_still_waits() -> None:
    waiting = Ladder()
    waiting.lose()
    assert waiting.state == "waiting"
    ladder = Ladder()
    ladder.apply(snapshot())
    assert ladder.connection == 3
    ladder.lose()
    assert ladder.state == "resyncing"


def test_a_copy_is_left_alone_by_what_comes_later() -> None:
    ladder = Ladder()
    ladder.apply(snapshot())
    copied = ladder.copied()
    before = copied.best(5)
    ladder.apply(delta(11, (99, 0)))
    assert copied.best(5) == before
    assert ladder.best(5) != before
