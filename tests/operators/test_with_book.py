"""Trades with books: which book, when, and what becomes of what comes late."""

from __future__ import annotations

import asyncio
import pickle
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal as D
from typing import Any

import pytest
import reactivex
from reactivex import operators as ops
from reactivex.disposable import Disposable
from reactivex.scheduler import VirtualTimeScheduler
from reactivex.testing import ReactiveTest, TestScheduler

from rxbybit import operators as rxo
from rxbybit.book import BookDelta, OrderBook
from rxbybit.errors import ClosedError, ConfigurationError
from rxbybit.events import Gap, Meta, Side
from rxbybit.operators import asof, joining
from rxbybit.stream import Stream
from rxbybit.streams.trade import Trade
from tests.fakes import Client, Feed
from tests.operators.probe import Ear, Probe
from tests.virtual import run, until

on_next, on_completed, on_error = (
    ReactiveTest.on_next,
    ReactiveTest.on_completed,
    ReactiveTest.on_error,
)


def trade(
    sequence: int | None,
    time_ms: int | None = None,
    symbol: str = "BTCUSD",
    id: str = "",  # noqa: A002 - its name in the event
    gap: Gap | None = None,
) -> Trade:
    """A trade; its time is a millisecond for each sequence, where none is given."""
    return Trade(
        symbol=symbol,
        id=id or f"{sequence}",
        side=Side.BUY,
        price=D(1),
        size=D(1),
        time_ms=time_ms if time_ms is not None else 1000 + (sequence or 0),
        sequence=sequence,
        meta=Meta("publicTrade", gap=gap),
    )


def book(
    sequence: int | None, time_ms: int | None = None, symbol: str = "BTCUSD", state: str = "synced"
) -> OrderBook:
    made_ms = time_ms if time_ms is not None else 1000 + (sequence or 0)
    return OrderBook(
        symbol=symbol,
        depth=1,
        bids=((D(1), D(sequence or 1)),),
        asks=(),
        sequence=sequence,
        state=state,
        meta=Meta("orderbook", matched_ms=made_ms),
    )


def pairs(ear: Ear) -> list[tuple[Any, Any]]:
    return [(pair.trade.sequence, pair.book.sequence) for pair in ear.events]


class Sides:
    """Both sides, joined; the clock is virtual, and stands still until ``pass_s``."""

    def __init__(self, *, clocked: bool = True, **options: Any) -> None:
        self.books, self.trades = Probe(), Probe()
        self.clock = VirtualTimeScheduler()
        self.joined = self.trades.pipe(rxo.with_book(self.books, **options))
        self.ear = Ear(self.joined, self.clock if clocked else None)

    def send(self, *events: Any) -> Sides:
        for event in events:
            (self.books if isinstance(event, OrderBook) else self.trades).send(event)
        return self

    def pass_s(self, seconds: float) -> Sides:
        self.clock.advance_by(seconds)
        return self

    @property
    def pairs(self) -> list[tuple[Any, Any]]:
        return pairs(self.ear)

    @property
    def timers(self) -> int:
        """How many timers tick."""
        return sum(not item.is_cancelled() for item, _ in self.clock._queue.items)


def test_in_marbles() -> None:
    scheduler = TestScheduler()
    b10, b14, b20 = book(10), book(14), book(20)
    t12, t13, t18, t25 = trade(12), trade(13), trade(18), trade(25)
    books = scheduler.create_hot_observable(
        on_next(210, b10), on_next(230, b14), on_next(260, b20), on_completed(400)
    )
    source = scheduler.create_hot_observable(
        on_next(220, t12),
        on_next(240, t13),
        on_next(250, t18),
        on_next(300, t25),
        on_completed(310),
    )
    heard = scheduler.start(lambda: source.pipe(rxo.with_book(books, wait=50)))
    assert heard.messages == [
        on_next(230, rxo.TradeWithBook(trade=t12, book=b10)),  # when 14 proves that it was 10
        on_next(240, rxo.TradeWithBook(trade=t13, book=b10)),
        on_next(260, rxo.TradeWithBook(trade=t18, book=b14)),
        on_next(350, rxo.TradeWithBook(trade=t25, book=b20)),  # when the wait has run out
        on_completed(350),
    ]
    for side, until_ in ((books, 350), (source, 310)):
        assert [(s.subscribe, s.unsubscribe) for s in side.subscriptions] == [(200, until_)]


def test_nothing_is_subscribed_before_and_the_books_come_first() -> None:
    order: list[str] = []
    books, trades = Probe(), Probe()
    joined = reactivex.defer(lambda _: order.append("trades") or trades).pipe(
        rxo.with_book(reactivex.defer(lambda _: order.append("books") or books))
    )
    assert order == []
    clock = TestScheduler()
    Ear(joined, clock)
    assert order == ["books", "trades"]
    assert books.schedulers == trades.schedulers == [clock]


@pytest.mark.parametrize("clocked", [True, False])
def test_the_newest_book_below_the_trade(clocked: bool) -> None:
    sides = Sides(clocked=clocked)
    sides.send(book(10), book(11), book(20))
    sides.send(trade(11, id="a"), trade(11, id="b"), trade(15), trade(20))
    assert sides.pairs == [(11, 10), (11, 10), (15, 11), (20, 11)]
    assert [pair.trade.id for pair in sides.ear.events[:2]] == ["a", "b"]


def test_several_trades_of_one_sequence_wait_and_leave_together() -> None:
    sides = Sides().send(book(10), trade(12, id="a"), trade(12, id="b"), book(11))
    assert sides.pairs == []
    sides.send(book(12))
    assert sides.pairs == [(12, 11), (12, 11)]
    assert [pair.trade.id for pair in sides.ear.events] == ["a", "b"]
    sides.send(trade(12, id="c"))
    assert sides.pairs[2:] == [(12, 11)]


def test_trades_from_before_the_first_book_are_left_out() -> None:
    sides = Sides().send(trade(8), trade(9), trade(12))
    sides.send(book(9), book(12), trade(9), trade(13), book(13))
    assert sides.pairs == [(12, 9), (13, 12)]
    assert [pair.skipped for pair in sides.ear.events] == [0, 0]


def test_a_trade_is_held_so_long_and_no_longer() -> None:
    sides = Sides(wait=0.5).send(book(10), trade(12)).pass_s(0.25).send(trade(13))
    sides.pass_s(0.24)
    assert sides.pairs == []
    sides.pass_s(0.01)
    assert sides.pairs == [(12, 10)]
    sides.send(book(11), book(12)).pass_s(0.24)
    assert sides.pairs == [(12, 10)]
    sides.pass_s(0.01)
    assert sides.pairs == [(12, 10), (13, 12)]
    assert sides.timers == 0


def test_when_the_wait_has_run_out_before_a_first_book_the_trade_is_left_out() -> None:
    sides = Sides().send(trade(12)).pass_s(0.1).send(book(10), trade(13), book(14))
    assert [(pair.trade.sequence, pair.skipped) for pair in sides.ear.events] == [(13, 0)]


def test_wait_0_holds_nothing() -> None:
    sides = Sides(wait=0).send(trade(5), book(10), trade(12), book(11), trade(12), trade(11))
    assert sides.pairs == [(12, 10), (12, 11)]
    assert sides.timers == 0
    assert sides.ear.events[-1].skipped == 0
    sides.send(trade(13))
    assert (sides.pairs[-1], sides.ear.events[-1].skipped) == ((13, 11), 1)  # 11 came out of order


def test_without_sequences_times_decide() -> None:
    sides = Sides().send(book(None, 1000), book(None, 1010), book(None, 1020))
    sides.send(trade(None, 1010), trade(None, 1011), trade(None, 1021), book(5, 1021))
    times = [(pair.trade.time_ms, pair.book.meta.matched_ms) for pair in sides.ear.events]
    assert times == [(1010, 1000), (1011, 1010), (1021, 1020)]


def test_times_decide_also_where_only_one_side_has_sequences() -> None:
    """Options: their books have sequences, their trades have none."""
    sides = Sides().send(book(70, 1000), trade(None, 1005), book(80, 1010))
    assert sides.pairs == [(None, 70)]
    sides = Sides().send(book(None, 1000), trade(1, 1005), book(None, 1010))
    assert sides.pairs == [(1, None)]
    sides = Sides().send(book(70, 1000), book(None, 1010), trade(71, 1011), book(72, 1020))
    assert sides.pairs == [(71, None)]


def test_a_book_without_a_matching_time_has_its_own() -> None:
    books = [
        OrderBook(symbol="BTCUSD", depth=1, bids=(), asks=(), time_ms=time_ms) for time_ms in (5, 9)
    ]
    ear = Sides().send(*books, trade(None, 9)).ear
    assert [pair.book.time_ms for pair in ear.events] == [5]


def test_when_a_book_was_matched_counts_before_when_it_was_sent() -> None:
    books = [
        OrderBook(
            symbol="BTCUSD", depth=1, bids=(), asks=(), time_ms=ms + 4, meta=Meta(matched_ms=ms)
        )
        for ms in (5, 8, 12)
    ]
    ear = Sides().send(*books, trade(None, 9)).ear
    assert [pair.book.meta.matched_ms for pair in ear.events] == [8]


def test_symbols_are_apart_and_each_keeps_its_order() -> None:
    sides = Sides().send(book(10, symbol="A"), book(90, symbol="B"))
    sides.send(trade(12, symbol="A"), trade(91, symbol="B"), trade(13, symbol="A"))
    sides.send(book(99, symbol="B"))
    assert sides.pairs == [(91, 90)]
    sides.send(book(14, symbol="A"))
    assert sides.pairs == [(91, 90), (12, 10), (13, 10)]
    assert [pair.symbol for pair in sides.ear.events] == ["B", "A", "A"]


def test_a_trade_that_lags_finds_its_book_within_the_history() -> None:
    sides = Sides(history=2).send(*(book(n, 1000 * n) for n in range(1, 9)))
    # the newest is of second 8: what stood at second 6 or later is kept
    sides.send(trade(7, 6_500), trade(8, 7_500))
    assert sides.pairs == [(7, 6), (8, 7)]


def test_a_trade_whose_book_is_gone_is_counted_and_its_gap_told() -> None:
    gap = Gap(time=datetime.now(timezone.utc), topic="t", after_ms=1, before_ms=2)
    sides = Sides(history=2).send(*(book(n, 1000 * n) for n in range(1, 9)))
    sides.send(trade(3), trade(4, gap=gap), trade(6), trade(7), trade(8))
    assert sides.pairs == [(7, 6), (8, 7)]
    assert [(p.skipped, p.trade.meta.gap) for p in sides.ear.events] == [(3, gap), (0, None)]


def test_of_the_gaps_of_several_the_newest_is_told() -> None:
    now = datetime.now(timezone.utc)
    one, two = (Gap(time=now, topic="t", after_ms=n, before_ms=n + 1) for n in (1, 2))
    sides = Sides(history=0).send(book(8), book(9), trade(3, gap=one), trade(4, gap=two), trade(5))
    sides.send(trade(10), book(10))
    assert [(p.skipped, p.trade.meta.gap) for p in sides.ear.events] == [(3, two)]


def test_what_is_left_out_of_one_symbol_is_told_by_that_symbol() -> None:
    sides = Sides(history=0).send(book(1, symbol="A"), book(5, symbol="A"), book(1), book(2))
    sides.send(trade(3, symbol="A"), trade(2), trade(7), book(7), trade(8, symbol="A"))
    sides.send(book(8, symbol="A"))
    told = [(p.symbol, p.trade.sequence, p.skipped) for p in sides.ear.events]
    assert told == [("BTCUSD", 7, 1), ("A", 8, 1)]


def test_books_are_kept_no_more_than_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asof, "MOST_BOOKS", 3)
    sides = Sides().send(*(book(n) for n in range(1, 9)), trade(6), trade(7), trade(8))
    assert sides.pairs == [(7, 6), (8, 7)]
    assert sides.ear.events[0].skipped == 1


def test_no_more_than_so_many_trades_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "MOST_WAITING", 3)
    sides = Sides().send(book(1), *(trade(n) for n in range(11, 16)))
    assert sides.pairs == [(11, 1), (12, 1)]
    assert sides.timers == 3


@pytest.mark.parametrize("count", [1_000, 1_001])
def test_a_thousand_books_are_kept(count: int) -> None:
    sides = Sides().send(*(book(n) for n in range(1, count + 1)), trade(2), trade(3))
    first = [(2, 1), (3, 2)] if count == 1_000 else [(3, 2)]
    assert sides.pairs == first


@pytest.mark.parametrize("count", [10_000, 10_001])
def test_ten_thousand_trades_wait(count: int) -> None:
    sides = Sides(clocked=False).send(book(1), *(trade(n, 1_002) for n in range(2, count + 2)))
    assert sides.pairs == [(2, 1)] * (count - 10_000)


def test_the_books_that_it_keeps_are_bounded_while_trades_come() -> None:
    sides = Sides()
    for n in range(1000):
        sides.send(book(2 * n), trade(2 * n + 1))
    (kept,) = _joining(sides)._symbols
    assert (len(kept.books._books), len(kept.waiting), sides.timers) == (2, 1, 1)


def _joining(sides: Sides) -> Any:
    """The machine behind a subscription."""
    observer: Any = sides.books.observers[0]
    return observer._on_next.__self__


def test_when_sequences_fall_what_waits_has_the_books_from_before() -> None:
    sides = Sides().send(book(100), book(101), trade(105), trade(106), book(3), book(5))
    assert sides.pairs == [(105, 101), (106, 101)]
    sides.send(trade(5), trade(2), trade(6), book(6))
    assert sides.pairs[2:] == [(5, 3), (6, 5)]
    assert sides.ear.events[-1].skipped == 1  # it was before the restart, as far as can be told


def test_a_trade_from_before_a_fall_is_counted() -> None:
    sides = Sides().send(book(100), book(3), trade(2), trade(4), book(5))
    assert [(p.trade.sequence, p.skipped) for p in sides.ear.events] == [(4, 1)]


def test_times_that_fall_are_a_beginning_too() -> None:
    sides = Sides().send(book(None, 1000), trade(None, 1001), book(None, 900))
    assert [pair.book.meta.matched_ms for pair in sides.ear.events] == [1000]


def test_a_book_that_is_not_synced_is_what_was_known_last() -> None:
    sides = Sides().send(book(10), book(12), book(12, state="resyncing"), trade(12), trade(13))
    sides.send(book(30))
    assert [(p.trade.sequence, p.book.sequence, p.book.state) for p in sides.ear.events] == [
        (12, 10, "synced"),
        (13, 12, "resyncing"),
    ]
    sides.send(book(30, state="stale"), trade(31), book(31))
    assert sides.ear.events[-1].book.state == "stale"


def test_it_ends_with_the_trades_when_nothing_waits() -> None:
    sides = Sides().send(book(10), book(12), trade(11))
    sides.trades.complete()
    assert (sides.pairs, sides.ear.ended, sides.books.heard) == ([(11, 10)], "completed", 0)


def test_what_waits_at_the_end_of_the_trades_still_gets_its_book() -> None:
    sides = Sides().send(book(10), trade(12), trade(13, symbol="ETHUSD"))
    sides.trades.complete()
    sides.send(book(11), book(12))
    assert (sides.pairs, sides.ear.ended) == ([(12, 11)], "")
    sides.pass_s(0.1)
    assert (sides.ear.ended, sides.books.heard, sides.timers) == ("completed", 0, 0)


def test_when_the_books_end_nothing_waits() -> None:
    sides = Sides().send(book(10), trade(12))
    sides.books.complete()
    assert (sides.pairs, sides.timers) == ([(12, 10)], 0)
    sides.send(trade(13), trade(5, symbol="ETHUSD"))
    assert (sides.pairs, sides.ear.ended) == ([(12, 10), (13, 10)], "")
    sides.trades.complete()
    assert sides.ear.ended == "completed"


def test_a_trade_from_inside_waits_for_those_that_have_waited() -> None:
    sides = Sides().send(book(10), trade(11), trade(12))
    sides.ear.then = lambda pair: pair.trade.sequence == 11 and sides.send(trade(13))
    sides.books.complete()
    assert (sides.pairs, sides.timers) == ([(11, 10), (12, 10), (13, 10)], 0)


def test_when_both_end_it_is_over() -> None:
    sides = Sides().send(book(10), trade(12))
    sides.trades.complete()
    sides.books.complete()
    assert (sides.pairs, sides.ear.ended, sides.timers) == ([(12, 10)], "completed", 0)


@pytest.mark.parametrize("side", ["books", "trades"])
def test_an_error_of_either_side_ends_both_at_once(side: str) -> None:
    sides = Sides().send(book(10), trade(12))
    getattr(sides, side).fail(OSError("gone"))
    assert (sides.ear.ended, sides.pairs, sides.timers) == ("OSError", [], 0)
    assert sides.books.heard == sides.trades.heard == 0


def test_who_subscribes_in_the_error_begins_anew() -> None:
    sides = Sides()
    again: list[Ear] = []
    joined = sides.joined.pipe(ops.do_action(on_error=lambda _: again.append(Ear(sides.joined))))
    Ear(joined, sides.clock)
    sides.send(book(10), trade(12))
    sides.trades.fail(OSError())
    sides.send(book(11), book(13), trade(12))
    assert [pairs(ear) for ear in again] == [[(12, 11)]]


def test_an_error_of_the_books_at_once_leaves_the_trades_alone() -> None:
    trades = Probe()
    ear = Ear(trades.pipe(rxo.with_book(reactivex.throw(OSError()))))
    assert (ear.ended, trades.schedulers) == ("OSError", [])


def test_trades_that_cannot_be_subscribed_give_the_books_back() -> None:
    client, books = Client(), Probe()
    client.close(ClosedError())
    ear = Ear(reactivex.defer(lambda _: Feed().stream(origin=client)).pipe(rxo.with_book(books)))
    assert (ear.ended, books.heard, len(books.schedulers)) == ("ClosedError", 0, 1)

    class Refuses(Probe):
        def subscribe(self, *_: Any, **__: Any) -> Any:
            raise ClosedError

    ear = Ear(Refuses().pipe(rxo.with_book(books)))
    assert (ear.ended, books.heard, len(books.schedulers)) == ("ClosedError", 0, 2)


def test_subscribers_share_nothing() -> None:
    sides = Sides().send(book(10), book(12))
    late = Ear(sides.joined, sides.clock)
    sides.send(trade(11), book(13))
    assert (sides.pairs, late.events) == ([(11, 10)], [])
    sides.send(trade(14))
    sides.ear.subscription.dispose()
    sides.send(book(14))
    assert (sides.pairs, pairs(late)) == ([(11, 10)], [(14, 13)])


def test_disposing_leaves_nothing() -> None:
    sides = Sides().send(book(10), trade(12), trade(13))
    assert sides.timers == 2
    sides.ear.subscription.dispose()
    sides.ear.subscription.dispose()
    assert (sides.timers, sides.books.heard, sides.trades.heard) == (0, 0, 0)
    sides.pass_s(1)
    assert (sides.pairs, sides.ear.ended) == ([], "")


@pytest.mark.parametrize("what", ["book", "time", "end"])
def test_disposing_inside_on_next(what: str) -> None:
    sides = Sides().send(book(10), trade(12), trade(13))
    sides.ear.then = lambda pair: sides.ear.subscription.dispose()
    if what == "book":
        sides.send(book(20))
    elif what == "time":
        sides.pass_s(1)
    else:
        sides.books.complete()
    assert (sides.pairs, sides.timers, sides.books.heard) == ([(12, 10)], 0, 0)


def of_one_frame(*sequences: int) -> list[Trade]:
    meta = Meta("publicTrade", received_ns=1)
    return [trade(sequence).__replace__(meta=meta) for sequence in sequences]


def test_the_trades_of_a_frame_wait_together() -> None:
    sides = Sides(wait=0.5).send(book(10), *of_one_frame(12, 13, 13)).pass_s(0.25)
    sides.send(*of_one_frame(14, 15), trade(16, symbol="ETHUSD"))
    assert sides.timers == 3
    sides.send(book(12))
    assert (sides.pairs, sides.timers) == ([(12, 10)], 3)
    sides.pass_s(0.24)
    assert sides.pairs == [(12, 10)]
    sides.pass_s(0.01)
    assert (sides.pairs, sides.timers) == ([(12, 10), (13, 12), (13, 12)], 2)
    sides.send(book(15)).pass_s(0.25)
    assert sides.pairs[3:] == [(14, 12), (15, 12)]
    assert sides.timers == 0


def test_of_a_frame_whose_trades_have_all_left_a_later_one_waits_anew() -> None:
    first, second = of_one_frame(12, 14)
    sides = Sides(wait=0.5).send(book(10), first).pass_s(0.25).send(book(12), second).pass_s(0.49)
    assert (sides.pairs, sides.timers) == ([(12, 10)], 1)
    sides.pass_s(0.01)
    assert (sides.pairs, sides.timers) == ([(12, 10), (14, 12)], 0)


def test_what_is_of_no_frame_waits_by_itself() -> None:
    """Events that somebody made have no ``meta`` of their own."""
    one, two = (trade(sequence).__replace__(meta=Meta()) for sequence in (12, 13))
    two = two.__replace__(meta=one.meta)
    sides = Sides(wait=0.5).send(book(10), one).pass_s(0.25).send(two)
    sides.pass_s(0.25)
    assert (sides.pairs, sides.timers) == ([(12, 10)], 1)
    sides.send(Foreign("BTCUSD", 1_014, 14)).pass_s(0.25)
    assert (sides.pairs, sides.timers) == ([(12, 10), (13, 10)], 1)


@pytest.mark.parametrize("what", ["time", "book"])
def test_disposing_at_a_trade_of_a_frame(what: str) -> None:
    sides = Sides().send(book(10), *of_one_frame(12, 13, 14))
    sides.ear.then = lambda pair: pair.trade.sequence == 13 and sides.ear.subscription.dispose()
    if what == "time":
        sides.pass_s(0.1)
    else:
        sides.send(book(20))
    assert (sides.pairs, sides.timers, sides.books.heard) == ([(12, 10), (13, 10)], 0, 0)


def test_what_comes_from_inside_on_next_keeps_the_order() -> None:
    sides = Sides().send(book(10), trade(12), trade(13), trade(14))
    sides.ear.then = lambda pair: pair.trade.sequence == 12 and sides.send(trade(15), book(16))
    sides.send(book(13))
    assert sides.pairs == [(12, 10), (13, 10), (14, 13), (15, 13)]
    sides.ear.then = lambda pair: pair.trade.sequence == 17 and sides.send(book(18))
    sides.send(trade(17), trade(18), trade(19)).pass_s(0.1)
    assert sides.pairs[4:] == [(17, 16), (18, 16), (19, 18)]


def test_a_trade_from_inside_on_next_waits_its_turn() -> None:
    sides = Sides().send(book(10), trade(12), trade(13, id="first"))
    sides.ear.then = lambda pair: pair.trade.sequence == 12 and sides.send(trade(13, id="second"))
    sides.send(book(13))
    assert [pair.trade.id for pair in sides.ear.events] == ["12", "first", "second"]


class Shuffled(VirtualTimeScheduler):
    """Its timers of one moment fire in any order, as those of an event loop do."""

    def __init__(self) -> None:
        super().__init__()
        self.actions: list[Any] = []

    def schedule_relative(self, duetime: Any, action: Any, state: Any = None) -> Any:
        self.actions.append(action)
        return Disposable()


def test_timers_of_one_moment_may_fire_in_any_order() -> None:
    books, trades, clock = Probe(), Probe(), Shuffled()
    ear = Ear(trades.pipe(rxo.with_book(books)), clock)
    books.send(book(10))
    trades.send(trade(12), trade(13), trade(14))
    for index in (1, 0, 2):
        clock.actions[index](clock, None)
        assert pairs(ear) == [(12, 10), (13, 10), (14, 10)][: 2 if index < 2 else 3]


def test_what_the_observer_raises_goes_up_and_nothing_is_corrupt() -> None:
    sides = Sides().send(book(10), trade(12), trade(13))

    def refuse(pair: object) -> None:
        sides.ear.then = lambda pair: None
        raise KeyError(pair)

    sides.ear.then = refuse
    with pytest.raises(KeyError):
        sides.send(book(12))
    sides.send(book(13))
    assert (sides.pairs, sides.ear.ended, sides.timers) == ([(12, 10), (13, 12)], "", 0)


@pytest.mark.parametrize(
    "thing", [trade(1), BookDelta(symbol="S", depth=1, bids=(), asks=()), None, {}]
)
def test_what_is_no_book_is_one_clear_error(thing: object) -> None:
    sides = Sides().send(trade(1), book(1))
    sides.books.send(thing, thing)
    assert (sides.ear.ended, sides.books.heard, sides.trades.heard) == ("ConfigurationError", 0, 0)
    assert str(sides.ear.errors[0]) == (
        "with_book(book) expects OrderBook as its book, such as order_book(...) or to_book() gives,"
        f" and got a {type(thing).__name__}"
    )


@pytest.mark.parametrize("thing", [BookDelta(symbol="S", depth=1, bids=(), asks=()), None, {}])
def test_what_is_no_trade_is_one_clear_error(thing: object) -> None:
    sides = Sides().send(book(1), trade(2))
    sides.trades.send(thing, thing)
    assert (sides.ear.ended, sides.books.heard, sides.timers) == ("ConfigurationError", 0, 0)
    assert str(sides.ear.errors[0]).startswith(
        "with_book(book) expects trades, such as trades(...) gives,"
        f" and got a {type(thing).__name__} ("
    )


def test_a_book_is_no_trade() -> None:
    sides = Sides().send(book(1), book(2))
    sides.trades.send(book(3))
    assert (sides.ear.ended, sides.books.heard) == ("ConfigurationError", 0)
    assert "expects trades" in str(sides.ear.errors[0])
    assert "got a OrderBook (a book is no trade)" in str(sides.ear.errors[0])


@dataclass
class Foreign:
    """A trade of somebody else's."""

    symbol: str
    time_ms: int
    sequence: int


def test_trades_of_other_makes() -> None:
    first, lagging, last = (Foreign("BTCUSD", 5, sequence) for sequence in (12, 5, 13))
    sides = Sides().send(book(10), book(11), book(12), first, lagging, last, book(20))
    assert [(p.book.sequence, p.skipped) for p in sides.ear.events] == [(11, 0), (12, 1)]
    assert [p.trade for p in sides.ear.events] == [first, last]
    assert sides.ear.events[1].trade is last


@pytest.mark.parametrize("value", [-1, -0.1, float("nan"), float("inf"), None, "1s", True])
@pytest.mark.parametrize("name", ["wait", "history"])
def test_what_cannot_be_is_refused_when_it_is_built(name: str, value: Any) -> None:
    with pytest.raises(
        ConfigurationError, match=rf"^with_book: {name}=.*: seconds, 0 or more and "
    ):
        rxo.with_book(Probe(), **{name: value})


@pytest.mark.parametrize("thing", [None, book(1), lambda: Probe(), "BTCUSD"])
def test_what_is_no_observable_of_books_is_refused(thing: Any) -> None:
    with pytest.raises(
        ConfigurationError, match=r"^with_book: book=.*: give an Observable, such as"
    ):
        rxo.with_book(thing)


def test_the_clock_that_was_given_wins() -> None:
    given, mine = VirtualTimeScheduler(), VirtualTimeScheduler()
    books, trades = Probe(), Probe()
    ear = Ear(trades.pipe(rxo.with_book(books, scheduler=mine)), given)
    assert books.schedulers == trades.schedulers == [given]
    books.send(book(10))
    trades.send(trade(12))
    given.advance_by(1)
    assert ear.events == []
    mine.advance_by(1)
    assert pairs(ear) == [(12, 10)]


def test_without_a_clock_the_times_of_events_tell() -> None:
    sides = Sides(clocked=False).send(book(10, 1000), trade(12, 1000), trade(13, 1001))
    sides.send(trade(20, 1099), book(11, 1099))
    assert sides.pairs == []
    sides.send(book(5, 1100, symbol="ETHUSD"))  # of whatever symbol
    assert sides.pairs == [(12, 11)]
    sides.send(trade(30, 1101))
    assert sides.pairs == [(12, 11), (13, 11)]
    sides.send(trade(5, 5000, symbol="ETHUSD"))
    assert sides.pairs == [(12, 11), (13, 11), (20, 11), (30, 11)]
    sides.trades.complete()
    assert (sides.ear.ended, sides.timers) == ("completed", 0)


def test_without_a_clock_a_book_that_proves_it_counts_before_the_time_it_brings() -> None:
    sides = Sides(clocked=False).send(book(10, 1000), trade(12, 1000), book(11, 1050))
    sides.send(book(13, 9000))
    assert sides.pairs == [(12, 11)]


def test_without_a_clock_the_end_of_the_trades_joins_what_waits() -> None:
    books = [book(n) for n in (1, 5, 9)]
    trades_ = [trade(n) for n in (2, 5, 6, 10)]
    joined = reactivex.of(*trades_).pipe(rxo.with_book(reactivex.of(*books)))
    ear = Ear(joined)
    assert (pairs(ear), ear.ended) == ([(2, 1), (5, 1), (6, 5), (10, 9)], "completed")
    sides = Sides(clocked=False).send(book(1), trade(2), trade(3))
    sides.trades.complete()
    assert (sides.pairs, sides.ear.ended) == ([(2, 1), (3, 1)], "completed")


def test_on_streams_it_waits_by_their_clock() -> None:
    async def main() -> None:
        books, trades = Feed(), Feed()
        joined = trades.stream().pipe(rxo.with_book(books.stream(), wait=0.25))
        assert isinstance(joined, Stream)
        loop: Any = asyncio.get_running_loop()
        before = set(loop._scheduled)
        ear = Ear(joined)
        assert books.runtimes == trades.runtimes
        books.send(book(10))
        trades.send(trade(12), trade(13))
        started = loop.time()
        books.send(book(12))
        assert pairs(ear) == [(12, 10)]
        await until(lambda: len(ear.events) == 2)
        assert loop.time() - started >= 0.25
        trades.send(trade(14))
        ear.subscription.dispose()
        await until(lambda: books.disposed == trades.disposed == 1)
        assert [t for t in loop._scheduled if t not in before and not t.cancelled()] == []
        assert pairs(ear) == [(12, 10), (13, 12)]

    run(main())


def test_what_a_pair_is() -> None:
    pair: Any = rxo.TradeWithBook(trade=trade(12), book=book(10))
    again: Any = rxo.TradeWithBook(trade=trade(12), book=book(10))
    assert (pair, hash(pair)) == (again, hash(again))
    assert pair != rxo.TradeWithBook(trade=trade(12), book=book(11))
    assert pickle.loads(pickle.dumps(pair)) == pair
    match pair:
        case rxo.TradeWithBook(trade=Trade(side=Side.BUY, price=price), book=met):
            assert (price, met) == (D(1), book(10))
        case _:
            pytest.fail("it does not match")
    assert repr(pair) == f"TradeWithBook(trade={pair.trade!r}, book={pair.book!r}, skipped=0)"
    assert pair.symbol == "BTCUSD"
    with pytest.raises(AttributeError):
        pair.skipped = 1  # pyright: ignore[reportAttributeAccessIssue]
