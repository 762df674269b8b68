"""One topic's fan-out: who hears what, from when, and what a hole looks like."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from rxbybit.book import BookDelta, BookSnapshot
from rxbybit.bookkeeping import NoRenewal
from rxbybit.dedupe import Once
from rxbybit.events import Event, Gap, Meta, Side
from rxbybit.hub import Hub
from rxbybit.mending import Mark, Run
from rxbybit.schema.spec import Renewal
from rxbybit.streams.insurance import INSURANCE
from rxbybit.streams.kline import CLOSED_KLINES, KLINES, Kline
from rxbybit.streams.orderbook import ORDER_BOOK_UPDATES
from rxbybit.streams.ticker import TICKER_UPDATES, TICKERS
from rxbybit.streams.trade import TRADES, Trade
from rxbybit.ticker import Ticker, TickerUpdate


class World:
    """A hub whose frames are lists of events, looked up by name."""

    def __init__(
        self,
        *,
        snapshot_first: bool = False,
        once: bool = False,
        timed: bool = False,
        renewal: Renewal | None = None,
    ) -> None:
        self.frames: dict[bytes, list[Event]] = {}
        self.gaps: list[Gap] = []
        self.emptied = 0
        self.lost: int | None = None
        self.hub = Hub(
            lambda data, at, link: self.frames[data],
            snapshot_first=snapshot_first,
            on_gap=self.gap,
            on_empty=self.empty,
            once=Once() if once else None,
            timed=timed,
            renewal=renewal or NoRenewal(),
            numbers=Decimal,
        )

    def gap(
        self,
        after_ms: int | None,
        before_ms: int | None,
        filled: int = 0,
        lost: int | None = None,
    ) -> Gap:
        gap = Gap(
            time=datetime.now(timezone.utc),
            topic="t",
            after_ms=after_ms,
            before_ms=before_ms,
            filled=filled,
            lost=self.lost if lost is None else lost,
        )
        self.gaps.append(gap)
        return gap

    def empty(self) -> None:
        self.emptied += 1

    def send(self, *events: Event) -> None:
        self.frames[b"f"] = list(events)
        self.hub.feed(b"f", 0, 1)

    def hear(self, spec: Any, keep: Callable[[Any], bool] | None = None) -> Ear:
        ear = Ear()
        ear.leave, ear.renew = self.hub.attach(spec, ear, keep)
        return ear


class Asked:
    """Who would ask for a new snapshot."""

    def __init__(self) -> None:
        self.did: list[str] = []

    def ask(self, why: str) -> None:
        self.did.append(why)

    def late(self) -> bool:
        return False

    def done(self) -> None:
        self.did.append("done")


class Ear:
    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.errors: list[Exception] = []
        self.then: Callable[[Any], None] = lambda event: None
        self.leave: Callable[[], None]
        self.renew: bool

    def on_each(self, values: Sequence[Any]) -> None:
        for event in values:
            self.heard.append(event)
            self.then(event)

    def on_error(self, error: Exception) -> None:
        self.errors.append(error)


NOWHERE = Meta()


def trade(n: int, meta: Meta = NOWHERE) -> Trade:
    one = Decimal(1)
    return Trade(
        symbol="BTCUSD", id=f"{n}", side=Side.BUY, price=one, size=one, time_ms=1000 + n, meta=meta
    )


def numbered(n: int) -> Trade:
    return replace(trade(n), sequence=n)


def update(kind: str = "delta", meta: Meta | None = None, **values: Any) -> TickerUpdate:
    meta = meta or Meta(kind=kind, sent_ms=7)
    return TickerUpdate(symbol="BTCUSD", changed=frozenset(values), meta=meta, **values)


def snapshot(n: int) -> BookSnapshot:
    return BookSnapshot(symbol="S", depth=50, bids=(), asks=(), update_id=n, meta=Meta(sent_ms=n))


def delta(n: int) -> BookDelta:
    meta = Meta(kind="delta")
    return BookDelta(symbol="S", depth=50, bids=(), asks=(), update_id=n, meta=meta)


def test_everybody_hears_every_event_in_order() -> None:
    world = World()
    one, two = world.hear(TRADES), world.hear(TRADES)
    world.send(trade(1), trade(2))
    world.send(trade(3))
    assert one.heard == two.heard == [trade(1), trade(2), trade(3)]
    assert one.heard[0] is two.heard[0]
    assert [one.renew, two.renew] == [False, False]


def test_who_left_hears_no_more_and_the_last_one_empties_it_once() -> None:
    world = World()
    one, two = world.hear(TRADES), world.hear(TRADES)
    one.leave()
    one.leave()
    world.send(trade(1))
    assert (one.heard, two.heard) == ([], [trade(1)])
    assert world.emptied == 0
    two.leave()
    two.leave()
    assert world.emptied == 1
    world.send(trade(2))
    assert two.heard == [trade(1)]


def test_leaving_and_coming_inside_a_call_disturbs_nobody() -> None:
    world = World()
    one, late = world.hear(TRADES), []
    two = world.hear(TRADES)

    def swap(event: Trade) -> None:
        one.leave()
        late.append(world.hear(TRADES))
        one.then = lambda event: None

    one.then = swap
    world.send(trade(1), trade(2))
    world.send(trade(3))
    assert two.heard == [trade(1), trade(2), trade(3)]
    assert one.heard == [trade(1), trade(2)]  # what has left mutes itself: a frame is one call
    assert late[0].heard == [trade(3)]


def test_a_sibling_that_comes_inside_a_frame_takes_nothing_from_it() -> None:
    world = World()
    one = world.hear(KLINES)
    one.then = lambda event: world.hear(CLOSED_KLINES) and setattr(one, "then", lambda e: None)
    candles = [candle(1, closed=False), candle(1, closed=True), candle(2, closed=False)]
    world.send(*candles)
    assert one.heard == candles


def test_who_comes_inside_a_frame_of_a_state_gets_what_all_of_the_frame_has_made() -> None:
    world = World(snapshot_first=True)
    one, late = world.hear(TICKERS), list[Ear]()
    world.send(update("snapshot", last_price=Decimal(1)))
    one.then = lambda _: late.append(world.hear(TICKERS)) if not late else None
    world.send(update(last_price=Decimal(2)), update(last_price=Decimal(3)))
    assert [ticker.last_price for ticker in one.heard] == [Decimal(n) for n in (1, 2, 3)]
    assert [ticker.last_price for ticker in late[0].heard] == [Decimal(3)]


@pytest.mark.parametrize("count", [1, 2])
def test_a_frame_of_a_state_is_one_call_for_each_who_hears_it(count: int) -> None:
    calls: list[list[object]] = []
    world = World()
    for _ in range(count):
        ear = Ear()
        ear.on_each = lambda values: calls.append(list(values))
        world.hub.attach(CLOSED_KLINES, ear)
    world.send(candle(1, closed=False))
    world.send(candle(1, closed=True))
    world.send(candle(2, closed=True), candle(3, closed=True), candle(4, closed=False))
    one, two, three = (candle(n, closed=True) for n in (1, 2, 3))
    assert calls == [[one]] * count + [[two, three]] * count


def candle(n: int, *, closed: bool) -> Kline:
    one = Decimal(1)
    return Kline(
        symbol="S",
        interval="1m",
        start_ms=n * 60_000,
        end_ms=n * 60_000 + 59_999,
        open=one,
        high=one,
        low=one,
        close=one,
        volume=one,
        turnover=one,
        closed=closed,
        time_ms=n * 60_000 + 5,
    )


def test_closed_candles_come_once_also_over_a_reconnect() -> None:
    world = World()
    closed, all_ = world.hear(CLOSED_KLINES), world.hear(KLINES)
    world.send(candle(1, closed=False))
    world.send(candle(1, closed=True), candle(2, closed=False))
    world.hub.lost(was_live=True)
    world.send(candle(1, closed=True))
    world.send(candle(2, closed=True))
    assert [k.start_ms for k in closed.heard] == [60_000, 120_000]
    assert len(all_.heard) == 5


def test_keep_filters_for_one_observer_alone() -> None:
    world = World()
    some = world.hear(INSURANCE, lambda event: event.id != "1")
    every = world.hear(INSURANCE)
    world.send(trade(1), trade(2))
    assert some.heard == [trade(2)]
    assert every.heard == [trade(1), trade(2)]
    some.leave()
    world.send(trade(3))
    assert some.heard == [trade(2)]


def test_a_late_subscriber_of_a_state_gets_the_state_at_once() -> None:
    world = World(snapshot_first=True)
    updates = world.hear(TICKER_UPDATES)
    assert updates.heard == []
    world.send(update("snapshot", last_price=Decimal(1), mark_price=Decimal(5)))
    world.send(update(last_price=Decimal(2)))
    tickers, late = world.hear(TICKERS), world.hear(TICKER_UPDATES)
    (held,) = tickers.heard
    assert isinstance(held, Ticker)
    assert (held.last_price, held.mark_price) == (Decimal(2), Decimal(5))
    (full,) = late.heard
    assert isinstance(full, TickerUpdate)
    assert full.changed == {"last_price", "mark_price"}
    assert (full.last_price, full.mark_price) == (Decimal(2), Decimal(5))
    assert [tickers.renew, late.renew] == [False, False]
    world.send(update(mark_price=None))
    assert tickers.heard[-1].mark_price is None
    assert tickers.heard[-1].last_price == Decimal(2)
    assert late.heard[-1] == updates.heard[-1] == update(mark_price=None)


def test_who_leaves_during_the_held_state_is_gone() -> None:
    world = World(snapshot_first=True)
    world.hear(TICKERS)
    world.send(update("snapshot", last_price=Decimal(1)))
    ear = Ear()
    leave, _ = world.hub.attach(TICKERS, ear)
    assert len(ear.heard) == 1
    leave()
    world.send(update(last_price=Decimal(2)))
    assert len(ear.heard) == 1


def test_deltas_before_the_first_snapshot_are_dropped() -> None:
    world = World(snapshot_first=True)
    ear = world.hear(ORDER_BOOK_UPDATES)
    world.send(delta(4))
    world.send(snapshot(5))
    world.send(delta(6))
    assert ear.heard == [snapshot(5), delta(6)]


def test_of_a_topic_that_was_silent_a_snapshot_comes_first() -> None:
    world = World(snapshot_first=True)
    updates, whole = world.hear(TICKER_UPDATES), world.hear(TICKERS)
    world.send(update("snapshot", last_price=Decimal(1)))
    world.hub.spoil("no data", silent=True)
    assert not world.hub.begun
    world.send(update(last_price=Decimal(2)))
    assert len(updates.heard) == len(whole.heard) == 1
    world.send(update("snapshot", last_price=Decimal(3)))
    world.send(update(last_price=Decimal(4)))
    assert [int(one.last_price) for one in updates.heard] == [1, 3, 4]
    assert [int(one.last_price) for one in whole.heard] == [1, 3, 4]
    assert world.gaps == []


def test_a_snapshot_that_was_asked_for_comes_once() -> None:
    asked = Asked()
    world = World(snapshot_first=True, renewal=asked)
    world.hear(ORDER_BOOK_UPDATES)
    world.hub.spoil("odd")
    world.send(snapshot(1))
    assert asked.did == ["odd", "done"]
    world.hear(ORDER_BOOK_UPDATES)
    world.send(snapshot(2))
    assert asked.did == ["odd", "done"], "the second is for somebody else"


def test_a_late_subscriber_of_book_updates_begins_at_the_next_snapshot() -> None:
    world = World(snapshot_first=True)
    first = world.hear(ORDER_BOOK_UPDATES)
    also_first = world.hear(ORDER_BOOK_UPDATES)
    assert not also_first.renew  # the snapshot is still to come for everybody
    world.send(snapshot(1))
    late = world.hear(ORDER_BOOK_UPDATES)
    assert late.renew
    world.send(delta(2))
    assert late.heard == []
    world.send(snapshot(3))
    world.send(delta(4))
    assert first.heard == also_first.heard == [snapshot(1), delta(2), snapshot(3), delta(4)]
    assert late.heard == [snapshot(3), delta(4)]


def test_a_late_subscriber_begins_though_all_the_others_have_left() -> None:
    world = World(snapshot_first=True)
    first = world.hear(ORDER_BOOK_UPDATES)
    world.send(snapshot(1))
    late = world.hear(ORDER_BOOK_UPDATES)
    first.leave()
    world.send(snapshot(2))
    world.send(delta(3))
    world.send(snapshot(4))
    assert late.heard == [snapshot(2), delta(3), snapshot(4)]


def test_a_late_subscriber_may_leave_before_its_snapshot() -> None:
    world = World(snapshot_first=True)
    first = world.hear(ORDER_BOOK_UPDATES)
    world.send(snapshot(1))
    late = world.hear(ORDER_BOOK_UPDATES)
    late.leave()
    world.send(snapshot(2))
    assert late.heard == []
    assert world.emptied == 0
    first.leave()
    assert world.emptied == 1


@pytest.mark.parametrize("lost", [None, 3])
def test_the_first_event_after_a_hole_says_so(lost: int | None) -> None:
    world = World(timed=True)
    world.lost = lost
    ear = world.hear(TRADES)
    world.send(trade(1), trade(2))
    world.hub.lost(was_live=True)
    meta = Meta(topic="t", sent_ms=99)
    world.send(trade(5, meta), trade(6, meta))
    (gap,) = world.gaps
    assert (gap.after_ms, gap.before_ms) == (1002, 1005)
    assert ear.heard[2] == trade(5)
    assert ear.heard[2].meta.gap is gap
    assert ear.heard[2].meta.topic == "t"
    assert ear.heard[3].meta.gap is None
    assert meta.gap is None
    world.send(trade(7))
    assert ear.heard[4].meta.gap is None
    assert len(world.gaps) == 1


def test_a_filled_hole_is_told_but_not_marked() -> None:
    world = World()
    world.lost = 0
    ear = world.hear(TRADES)
    world.send(trade(1))
    world.hub.lost(was_live=True)
    world.send(trade(2))
    assert len(world.gaps) == 1
    assert ear.heard[1].meta.gap is None


def test_a_hole_is_nothing_to_those_who_came_after_it() -> None:
    world = World()
    before, gone = world.hear(TRADES), world.hear(TRADES)
    world.send(trade(1))
    world.hub.lost(was_live=True)
    gone.leave()
    after = world.hear(TRADES)
    world.send(trade(2), trade(3))
    assert [e.meta.gap is None for e in before.heard] == [True, False, True]
    assert after.heard == [trade(2), trade(3)]
    assert [e.meta.gap for e in after.heard] == [None, None]
    assert len(world.gaps) == 1


def test_a_state_that_is_handed_out_later_has_no_hole() -> None:
    world = World(snapshot_first=True)
    first = world.hear(TICKERS)
    world.send(update("snapshot", last_price=Decimal(1)))
    world.hub.lost(was_live=True)
    world.send(update("snapshot", last_price=Decimal(2)))
    late, updates = world.hear(TICKERS), world.hear(TICKER_UPDATES)
    assert first.heard[-1].meta.gap is world.gaps[0]
    assert late.heard == first.heard[-1:]
    assert late.heard[0].meta.gap is updates.heard[0].meta.gap is None


def test_what_came_before_does_not_come_again() -> None:
    world = World(once=True)
    ear = world.hear(TRADES)
    world.send(numbered(1), numbered(2))
    world.send(numbered(1), numbered(2))
    world.send(numbered(3))
    world.hub.lost(was_live=True)
    world.send(numbered(1), numbered(2))
    assert world.gaps == []
    world.send(numbered(3), numbered(4))
    assert [e.id for e in ear.heard] == ["1", "2", "3", "4"]
    assert ear.heard[-1].meta.gap is world.gaps[0]


def test_a_hole_before_the_first_event_has_no_beginning() -> None:
    world = World()
    ear = world.hear(TRADES)
    world.hub.lost(was_live=True)
    world.hub.lost(was_live=False)  # a second, shorter connection that never delivered
    world.send(trade(1))
    assert [(g.after_ms, g.before_ms) for g in world.gaps] == [(None, 1001)]
    assert ear.heard[0].meta.gap is world.gaps[0]


def test_what_never_lived_leaves_no_hole() -> None:
    world = World()
    ear = world.hear(TRADES)
    world.hub.lost(was_live=False)
    world.send(trade(1))
    assert world.gaps == []
    assert ear.heard[0].meta.gap is None


def test_after_a_loss_states_begin_anew_and_deltas_wait_for_a_snapshot() -> None:
    world = World(snapshot_first=True)
    tickers = world.hear(TICKERS)
    world.send(update("snapshot", last_price=Decimal(1), mark_price=Decimal(5)))
    world.hub.lost(was_live=True)
    world.send(update(last_price=Decimal(2)))
    assert len(tickers.heard) == 1
    assert world.gaps == []
    assert world.hear(TICKERS).heard == []
    world.send(update("snapshot", last_price=Decimal(3)))
    assert tickers.heard[1].last_price == Decimal(3)
    assert tickers.heard[1].mark_price is None
    assert tickers.heard[1].meta.gap is world.gaps[0]
    assert (world.gaps[0].after_ms, world.gaps[0].before_ms) == (7, 7)
    world.send(update(last_price=Decimal(4)))
    assert tickers.heard[2].meta.gap is None


def test_a_snapshot_comes_first_also_where_frames_tell_no_time() -> None:
    world = World(snapshot_first=True)
    ear = world.hear(ORDER_BOOK_UPDATES)
    timeless = replace(snapshot(1), meta=Meta())
    world.send(timeless)
    world.hub.lost(was_live=False)
    world.send(delta(2))
    world.send(snapshot(3))
    assert ear.heard == [timeless, snapshot(3)]


def test_newcomers_wait_over_a_loss_too() -> None:
    world = World(snapshot_first=True)
    world.hear(ORDER_BOOK_UPDATES)
    world.send(snapshot(1))
    late = world.hear(ORDER_BOOK_UPDATES)
    world.hub.lost(was_live=True)
    world.send(snapshot(9))
    assert late.heard == [snapshot(9)]


def test_a_hole_is_told_once_also_while_a_newcomer_waits() -> None:
    world = World(snapshot_first=True)
    first = world.hear(ORDER_BOOK_UPDATES)
    world.send(snapshot(1))
    world.hub.lost(was_live=True)
    world.send(snapshot(5))
    world.hear(ORDER_BOOK_UPDATES)
    world.send(delta(6))
    assert len(world.gaps) == 1
    assert [e.meta.gap is None for e in first.heard] == [True, False, True]


def test_who_comes_while_a_snapshot_is_awaited_anyway_needs_no_other() -> None:
    world = World(snapshot_first=True)
    first = world.hear(ORDER_BOOK_UPDATES)
    world.send(snapshot(1))
    world.hub.lost(was_live=True)
    late = world.hear(ORDER_BOOK_UPDATES)
    assert not late.renew
    world.send(snapshot(5))
    world.send(delta(6))
    assert first.heard == [snapshot(1), snapshot(5), delta(6)]
    assert late.heard == [snapshot(5), delta(6)]


def test_what_has_sent_events_may_miss_the_next_though_it_does_not_count_as_live() -> None:
    """Such is a topic that is being renewed when the link goes."""
    world = World(timed=True)
    ear = world.hear(TRADES)
    world.send(trade(1))
    world.hub.lost(was_live=False)
    world.send(trade(2))
    assert [event.meta.gap for event in ear.heard] == [None, *world.gaps]
    assert len(world.gaps) == 1


class Mender:
    """Holds what it is given, for ever."""

    def __init__(self) -> None:
        self.watch: Any = None  # Any: a state of whatever events
        self.did: list[object] = []

    def lost(self, mark: Mark | None) -> None:
        self.did.append("lost")

    def hold(self, events: Sequence[Any], /) -> None:
        self.did.append([getattr(event, "id", None) for event in events])


def test_what_holds_events_hears_of_every_loss() -> None:
    """Data may come before the topic counts as live; nothing was delivered before it did."""
    world = World(timed=True)
    world.hear(TRADES)
    mender = Mender()
    world.hub.mend_with(mender)
    world.hub.lost(was_live=False)
    assert mender.did == []
    world.hub.lost(was_live=True)
    world.send(trade(2))
    world.hub.lost(was_live=False)
    world.send(trade(4))
    assert mender.did == ["lost", ["2"], "lost", ["4"]]


def fetched(n: int) -> Trade:
    return trade(n, Meta(backfilled=True))


def mending(world: World) -> Mender:
    mender = Mender()
    world.hub.mend_with(mender)
    world.send(trade(1))
    world.hub.lost(was_live=True)
    return mender


def test_what_was_fetched_is_for_those_who_were_there_before() -> None:
    world = World(timed=True)
    world.lost = 0
    ear = world.hear(TRADES)
    mending(world)
    late = world.hear(TRADES)
    world.hub.mended([Run([fetched(2), fetched(3), trade(4)], 0)], over=True)
    assert ear.heard == [trade(n) for n in (1, 2, 3, 4)]
    assert late.heard == [trade(4)]
    (gap,) = world.gaps
    assert (gap.after_ms, gap.before_ms, gap.filled, gap.lost) == (1001, 1004, 2, 0)
    assert not any(event.meta.gap for event in (*ear.heard, *late.heard))
    assert (world.hub.heard().frames, world.hub.heard().events) == (1, 4)


def test_what_is_missing_is_told_once_with_the_first_event_behind_it() -> None:
    world = World(timed=True)
    ear = world.hear(TRADES)
    mending(world)
    late = world.hear(TRADES)
    world.hub.mended([Run([trade(4)], 0), Run([fetched(6), trade(7)], None)], over=True)
    (gap,) = world.gaps
    assert (gap.after_ms, gap.before_ms, gap.filled, gap.lost) == (1004, 1006, 1, None)
    assert [e.meta.gap for e in ear.heard] == [None, None, gap, None]
    assert [e.meta.gap for e in late.heard] == [None, None]
    world.send(trade(8))
    assert ear.heard[-1] == trade(8)
    assert ear.heard[-1].meta.gap is None
    assert len(world.gaps) == 1


def test_a_hole_that_is_over_holds_nothing_any_more_whoever_comes() -> None:
    world = World(snapshot_first=True)
    mender = Mender()
    world.hub.mend_with(mender)
    first = world.hear(ORDER_BOOK_UPDATES)
    world.send(snapshot(1))
    world.hub.lost(was_live=True)
    world.send(snapshot(5))
    world.hub.mended([Run([snapshot(5)], 0)], over=True)
    late = world.hear(ORDER_BOOK_UPDATES)
    world.send(snapshot(6))
    assert mender.did == ["lost", [None]]
    assert first.heard == [snapshot(n) for n in (1, 5, 6)]
    assert late.heard == [snapshot(6)]


@pytest.mark.parametrize("how", ["mended", "told of", "mended, and told of"])
def test_who_has_left_is_forgotten_when_the_hole_is_over(how: str) -> None:
    world = World(timed=True)
    stays, gone = world.hear(TRADES), world.hear(TRADES)
    if how == "told of":
        world.send(trade(1))
        world.hub.lost(was_live=True)
    else:
        mending(world)
    gone.leave()
    forgotten = weakref.ref(gone)
    del gone
    if how == "told of":
        world.send(trade(3))
    else:
        world.hub.mended([Run([trade(3)], None if "told" in how else 0)], over=True)
    gc.collect()
    assert forgotten() is None
    assert stays.heard == [trade(1), trade(3)]


def test_a_hole_that_is_not_over_goes_on_holding() -> None:
    world = World(timed=True)
    world.lost = 0
    ear = world.hear(TRADES)
    mender = mending(world)
    world.hub.mended([Run([fetched(2)], 0)], over=False)
    (gap,) = world.gaps
    assert (gap.before_ms, gap.filled) == (1002, 1)
    world.send(trade(3))
    assert mender.did == ["lost", ["3"]]
    assert ear.heard == [trade(1), trade(2)]
    world.hub.mended([Run([trade(3)], 0)], over=True)
    world.send(trade(4))
    assert mender.did == ["lost", ["3"]]
    assert ear.heard == [trade(n) for n in (1, 2, 3, 4)]
    assert len(world.gaps) == 1, "nothing was missed the second time"


def test_who_hears_nothing_of_the_first_event_is_told_with_a_later_one() -> None:
    world = World()
    closed = world.hear(CLOSED_KLINES)
    mender = Mender()
    world.hub.mend_with(mender)
    world.send(candle(1, closed=True))
    world.hub.lost(was_live=True)
    world.hub.mended([Run([candle(4, closed=False)], 2)], over=True)
    world.send(candle(4, closed=True))
    (gap,) = world.gaps
    assert gap.lost == 2
    assert [e.meta.gap for e in closed.heard] == [None, gap]


def test_of_a_hole_that_nobody_was_there_for_nobody_hears() -> None:
    """A topic that lingers goes on without them."""
    world = World()
    world.lost = 0
    world.hear(CLOSED_KLINES).leave()
    mender = Mender()
    world.hub.mend_with(mender)
    world.hub.lost(was_live=True)
    world.hub.mended([Run([candle(4, closed=False)], 2)], over=True)
    ear = world.hear(CLOSED_KLINES)
    world.hub.lost(was_live=True)
    world.hub.mended([Run([candle(5, closed=True)], 0)], over=True)
    assert [gap.lost for gap in world.gaps] == [2]
    assert [event.meta.gap for event in ear.heard] == [None]


def test_what_must_hear_of_every_event_does() -> None:
    class Watch:
        def __init__(self) -> None:
            self.seen: list[str] = []

        def apply(self, event: Trade) -> None:
            self.seen.append(event.id)

        def reset(self) -> None:
            self.seen.append("reset")

        def spoil(self, why: str, *, silent: bool = False) -> bool:
            self.seen.append(why)
            return False

        def content(self) -> None:
            """Nothing to compare."""

    world = World(timed=True)
    world.hear(TRADES)
    watch, mender = Watch(), Mender()
    mender.watch = watch
    world.hub.mend_with(mender)
    world.send(trade(1))
    world.hub.spoil("odd")
    world.hub.lost(was_live=True)
    world.hub.mended([Run([fetched(2), trade(3)], 0)], over=True)
    world.send(trade(4))
    assert watch.seen == ["1", "odd", "reset", "2", "3", "4"]


def test_what_comes_another_way_takes_its_place_among_the_frames() -> None:
    world = World(timed=True)
    ear = world.hear(TRADES)
    world.send(trade(1))
    world.hub.lost(was_live=True)
    world.hub.take([fetched(2)])
    world.hub.take([])
    assert [e.meta.gap for e in ear.heard] == [None, *world.gaps]
    assert (world.hub.heard().frames, world.hub.heard().events) == (1, 2)


def test_nobody_is_given_what_is_held_who_does_not_want_it() -> None:
    world = World(snapshot_first=True)
    world.hear(TICKERS)
    world.send(update("snapshot", last_price=Decimal(1)))
    eager, patient = Ear(), Ear()
    world.hub.attach(TICKERS, eager)
    world.hub.attach(TICKERS, patient, late=False)
    assert len(eager.heard) == 1
    assert patient.heard == []


def test_a_filter_that_leaves_out_several_events_after_a_hole_still_tells_of_it() -> None:
    world = World()
    even = world.hear(TRADES, keep=lambda event: int(event.id) % 2 == 0)
    world.send(trade(0))
    world.hub.lost(was_live=True)
    world.send(trade(1), trade(3))
    world.send(trade(5))
    world.send(trade(6), trade(8))
    assert [event.meta.gap for event in even.heard] == [None, *world.gaps, None]


def test_of_two_holes_behind_each_other_the_later_is_told() -> None:
    world = World()
    even = world.hear(TRADES, keep=lambda event: int(event.id) % 2 == 0)
    world.send(trade(0))
    for n in (1, 2):
        world.hub.lost(was_live=True)
        world.send(trade(n))
    assert [event.meta.gap for event in even.heard] == [None, world.gaps[1]]


def test_a_stream_that_nobody_hears_begins_anew() -> None:
    world = World()
    world.hear(KLINES)
    closed = world.hear(CLOSED_KLINES)
    world.send(candle(1, closed=True))
    closed.leave()
    again = world.hear(CLOSED_KLINES)
    world.send(candle(1, closed=True))
    assert again.heard == [candle(1, closed=True)]


def test_failing_empties_it_before_anybody_hears_of_it() -> None:
    world = World()
    one, two = world.hear(TRADES), world.hear(TRADES)
    order: list[object] = []
    one.on_error = lambda error: order.append((error, world.emptied))  # type: ignore[method-assign]
    error = ValueError("no")
    world.hub.fail(error)
    assert order == [(error, 1)]
    assert two.errors == [error]
    one.leave()
    two.leave()
    assert world.emptied == 1
    world.send(trade(1))
    assert one.heard == two.heard == []


def test_muting_says_nothing() -> None:
    world = World()
    ear = world.hear(TRADES)
    world.hub.mute()
    world.send(trade(1))
    assert (ear.heard, ear.errors, world.emptied) == ([], [], 1)
    world.hub.mute()
    assert world.emptied == 1


def test_a_frame_of_nothing_changes_nothing() -> None:
    world = World(snapshot_first=True)
    ear = world.hear(TRADES)
    world.hub.lost(was_live=True)
    world.send()
    assert world.gaps == []
    world.send(trade(1))
    assert len(world.gaps) == 1
    assert ear.heard == [trade(1)]


def test_the_end_of_a_hole_is_dated_as_well_as_can_be() -> None:
    world = World(snapshot_first=False)
    world.hear(ORDER_BOOK_UPDATES)
    book = snapshot(1)
    for meta in (Meta(matched_ms=5, sent_ms=6), Meta(sent_ms=6), Meta()):
        world.hub.lost(was_live=True)
        world.send(BookSnapshot(symbol="S", depth=1, bids=(), asks=(), update_id=1, meta=meta))
    world.hear(TRADES)
    world.hub.lost(was_live=True)
    world.send(trade(1, Meta(matched_ms=5, sent_ms=6)))  # its own time is the best
    assert [g.before_ms for g in world.gaps] == [5, 6, None, 1001]
    assert [g.after_ms for g in world.gaps] == [None, 5, 6, None], "and so is its beginning"
    assert book.meta.gap is None
