"""Bars of time on virtual time: when each is given, what is in it, and what comes late."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar

import pytest
import reactivex
from reactivex import Observable
from reactivex import operators as ops
from reactivex.disposable import Disposable
from reactivex.subject import Subject
from reactivex.testing import ReactiveTest, TestScheduler

from rxbybit import ConfigurationError, Gap
from rxbybit import operators as rxo
from tests.fakes import Feed, virtually
from tests.operators.market import START_MS, Foreign, trade

# Any: reactivex types times as whole numbers, and a test message by what it may be
on_next: Any = ReactiveTest.on_next
on_completed: Any = ReactiveTest.on_completed
on_error: Any = ReactiveTest.on_error
GAP = Gap(time=trade(0).time, topic="publicTrade.BTCUSD", after_ms=1, before_ms=2)


def bar(start_s, prices, volume, *, length_s=60, count=None, vwap=None, symbol="BTCUSD"):
    """``prices``: open, high, low, close."""
    opening, high, low, close = (Decimal(str(price)) for price in prices)
    return rxo.Bar(
        symbol=symbol,
        start_ms=START_MS + start_s * 1_000,
        end_ms=START_MS + (start_s + length_s) * 1_000 - 1,
        open=opening,
        high=high,
        low=low,
        close=close,
        volume=Decimal(volume),
        count=volume if count is None else count,
        vwap=None if vwap is None else Decimal(str(vwap)),
    )


def played(*messages, until=1_000, **options) -> list[Any]:
    """What ``bars`` makes of trades that come at these seconds of a scheduler."""
    scheduler = TestScheduler()
    source = scheduler.create_hot_observable(*messages)
    size = options.pop("size", "1m")
    results = scheduler.start(lambda: source.pipe(rxo.bars(size, **options)), disposed=until)
    return results.messages


def made(operator, *trades):
    """What it makes of trades where there is no clock."""
    out: list[rxo.Bar] = []
    errors: list[Exception] = []
    reactivex.of(*trades).pipe(operator).subscribe(out.append, errors.append)
    assert errors == []
    return out


def starts(bars):
    return [(b.start_ms - START_MS) // 1_000 for b in bars]


class TestWhenABarIsGiven:
    def test_at_the_first_trade_past_its_end(self) -> None:
        messages = played(
            on_next(220, trade(20_000, 100)),
            on_next(230, trade(30_000, 103)),
            on_next(258, trade(58_000, 99, 2)),
            on_next(259.9, trade(59_999, 101)),
            on_next(260, trade(60_000, 105)),
            on_completed(261),
        )
        assert messages == [
            on_next(260, bar(0, (100, 103, 99, 101), 5, count=4, vwap="100.4")),
            on_completed(261),
        ]

    def test_when_the_clock_is_a_second_past_it(self) -> None:
        """The scheduler stands at 255 s when it is 55 s at the exchange."""
        messages = played(on_next(255, trade(55_000, 100)), on_next(400, trade(200_000, 100)))
        first, second = messages
        assert first == on_next(261, bar(0, (100,) * 4, 1, vwap=100))
        assert second == on_next(441, bar(180, (100,) * 4, 1, vwap=100))

    def test_the_clock_follows_the_newest_trade(self) -> None:
        """The first was 30 s old when it came, the second none: a minute is over at 261 s."""
        messages = played(on_next(250, trade(20_000, 100)), on_next(255, trade(55_000, 100)))
        assert [message.time for message in messages] == [261]

    @pytest.mark.parametrize(("late_ms", "at_s"), [(800, 261), (60, 261), (40, 261.04)])
    def test_a_timer_is_left_alone_if_it_is_50_ms_late_at_most(self, late_ms, at_s) -> None:
        messages = played(
            on_next(250, trade(50_000 - late_ms, 100)), on_next(255, trade(55_000, 100))
        )
        assert [message.time for message in messages] == [pytest.approx(at_s)]

    def test_a_trade_that_came_slowly_makes_the_clock_late_at_most(self) -> None:
        messages = played(on_next(258, trade(50_000, 100)))
        assert [message.time for message in messages] == [269]

    def test_an_old_trade_does_not_put_it_back(self) -> None:
        messages = played(on_next(250, trade(50_000, 100)), on_next(258, trade(20_000, 100)))
        assert [message.time for message in messages] == [261]

    def test_what_was_fetched_afterwards_does_not_set_it(self) -> None:
        messages = played(
            on_next(210, trade(10_000, 100)),
            on_next(250, trade(15_000, 100, backfilled=True)),
        )
        assert [message.time for message in messages] == [261]

    def test_but_it_does_when_there_is_nothing_else(self) -> None:
        messages = played(on_next(250, trade(15_000, 100, backfilled=True)))
        assert [message.time for message in messages] == [296]

    def test_a_scheduler_of_its_own_wins(self) -> None:
        own = TestScheduler()
        source: Subject[Any] = Subject()
        out: list[rxo.Bar] = []
        other = TestScheduler()
        source.pipe(rxo.bars("1m", scheduler=own)).subscribe(out.append, scheduler=other)
        source.on_next(trade(0))
        other.advance_to(500)
        assert out == []
        own.advance_to(60.9)
        assert out == []
        own.advance_to(61)
        assert starts(out) == [0]

    def test_on_a_stream_the_loop_is_the_clock(self) -> None:
        async def main() -> None:
            feed = Feed()
            out: list[tuple[float, rxo.Bar]] = []
            loop = asyncio.get_running_loop()
            made = feed.stream().pipe(rxo.bars("1m"))
            made.subscribe(lambda b: out.append((loop.time(), b)))
            feed.send(trade(0))
            await asyncio.sleep(100)
            ((at, given),) = out
            assert 61 <= at < 61.1
            assert given.count == 1

        virtually(main())

    def test_without_a_clock_by_trades_alone(self) -> None:
        """Also by those of other symbols, when they are a second past it."""
        out = made(
            rxo.bars("1m"),
            trade(0),
            trade(1, symbol="X"),
            trade(60_999, symbol="X"),
        )
        assert [b.symbol for b in out] == ["X"]
        out = made(rxo.bars("1m"), trade(0), trade(1, symbol="X"), trade(61_000, symbol="X"))
        assert [b.symbol for b in out] == ["X", "BTCUSD"]

    def test_each_symbol_by_its_own_trades(self) -> None:
        out = made(rxo.bars("1m"), trade(0), trade(59_000, 7, symbol="X"), trade(60_500, 99))
        assert out == [bar(0, (100,) * 4, 1, vwap=100)]

    def test_a_timer_is_not_made_anew_for_each_trade(self) -> None:
        class Counting(TestScheduler):
            made = 0

            def schedule_relative(self, duetime, action, state=None):
                self.made += 1
                return super().schedule_relative(duetime, action, state)

        scheduler = Counting()
        source: Subject[Any] = Subject()
        source.pipe(rxo.bars("1m")).subscribe(scheduler=scheduler)
        for n in range(100):
            source.on_next(trade(0, size=n))
        assert scheduler.made == 1

    def test_a_timer_that_fires_too_early_does_not_spin(self) -> None:
        class ByHand(TestScheduler):
            asked: ClassVar[list[Any]] = []

            def schedule_relative(self, duetime, action, state=None):
                self.asked.append((self.to_seconds(duetime), action))
                return Disposable()

        scheduler = ByHand()
        source: Subject[Any] = Subject()
        out: list[rxo.Bar] = []
        source.pipe(rxo.bars("1m")).subscribe(out.append, scheduler=scheduler)
        source.on_next(trade(0))
        scheduler.advance_to(60.9999)
        scheduler.asked[0][1](scheduler)
        assert out == []
        assert [seconds for seconds, _ in scheduler.asked] == [61, 0.001]
        scheduler.advance_to(61.0009)
        scheduler.asked[1][1](scheduler)
        assert starts(out) == [0]


class TestWhatIsInABar:
    def test_a_time_bar_opens_at_the_last_price_before_it(self) -> None:
        trades = trade(0, 100), trade(60_000, 105), trade(61_000, 107), trade(180_000, 90)
        out = made(rxo.bars("1m"), *trades)
        assert out[1] == bar(60, (100, 107, 100, 107), 2, vwap=106)
        out = made(rxo.bars("1m"), *trades, trade(240_000))
        assert out[2] == bar(180, (107, 107, 90, 90), 1, vwap=90)

    def test_or_at_its_own_first_trade(self) -> None:
        trades = trade(0, 100), trade(60_000, 105), trade(61_000, 107), trade(180_000, 90)
        out = made(rxo.bars("1m", continuous=False), *trades)
        assert out[1] == bar(60, (105, 107, 105, 107), 2, vwap=106)

    def test_the_average_of_inverse_contracts(self) -> None:
        """200 USD at 100 are 2 coins, 600 USD at 200 are 3."""
        trades = trade(0, 100, 200), trade(1, 200, 600), trade(60_000)
        assert made(rxo.bars("1m"), *trades)[0].vwap == 175
        assert made(rxo.bars("1m", inverse=True), *trades)[0].vwap == 160

    def test_a_volume_of_0_has_no_average(self) -> None:
        out = made(rxo.bars("1m"), trade(0, size=0), trade(60_000))
        assert (out[0].count, out[0].volume, out[0].vwap) == (1, 0, None)

    def test_floats_stay_floats(self) -> None:
        trades = [Foreign("X", START_MS + n * 500, 0.5 * n, 0.25) for n in range(1, 12)]
        for inverse in (False, True):
            out = made(rxo.bars("1s", fill=True, inverse=inverse), *trades, trades[0])
            numbers = [(b.open, b.high, b.low, b.close, b.volume) for b in out]
            assert {type(number) for row in numbers for number in row} == {float}
            assert {type(b.vwap) for b in out} == {float}

    def test_fractions_stay_fractions(self) -> None:
        half = Fraction(1, 2)
        (only,) = made(rxo.bars("2 trades"), *[Foreign("X", 1, half, half)] * 2)
        assert (only.close, only.volume, only.vwap) == (half, 1, half)
        assert type(only.vwap) is Fraction

    @pytest.mark.parametrize("price", [0, 0.0, Decimal(0)])
    def test_a_price_of_0_buys_no_coins(self, price) -> None:
        for operator in (rxo.bars("1m", inverse=True), rxo.vwap("1m", inverse=True)):
            errors: list[Exception] = []
            sent = reactivex.of(Foreign("X", 1, price, 1))
            sent.pipe(operator).subscribe(on_error=errors.append)
            assert isinstance(errors[0], ConfigurationError)
            assert "got a Foreign (at a price of 0 there are no coins)" in str(errors[0])

    @pytest.mark.parametrize(
        ("size", "at_s", "start_s"),
        [
            ("500ms", 1, 1),
            ("90s", 200, 180),
            ("4h", 5 * 3_600, 4 * 3_600),
            ("1d", 30 * 3_600, 24 * 3_600),
            ("1w", 6 * 86_400, 0),  # a Monday
        ],
    )
    def test_where_it_begins(self, size, at_s, start_s) -> None:
        out = made(rxo.bars(size, partial=True), trade(at_s * 1_000))
        assert starts(out) == [start_s]

    def test_its_meta_is_that_of_the_last_trade(self) -> None:
        (only,) = made(rxo.bars("1m"), trade(0), trade(1, backfilled=True), trade(60_000))
        assert only.meta.backfilled
        assert only.meta.gap is None

    def test_a_hole_is_in_the_bars_that_it_may_lie_in(self) -> None:
        trades = (
            trade(0),
            trade(60_000),
            trade(61_000),
            trade(240_000, gap=GAP),
            trade(241_000),
            trade(300_000),
            trade(360_000),
        )
        out = made(rxo.bars("1m", fill=True), *trades)
        assert starts(out) == [0, 60, 120, 180, 240, 300]
        assert [b.meta.gap for b in out] == [None, GAP, GAP, GAP, GAP, None]
        assert out[4].meta.topic == "publicTrade.BTCUSD"

    def test_of_two_holes_it_tells_the_first(self) -> None:
        other = Gap(time=trade(0).time, topic="publicTrade.BTCUSD", after_ms=5, before_ms=6)
        trades = trade(0, gap=GAP), trade(1, gap=other), trade(60_000, gap=other), trade(120_000)
        out = made(rxo.bars("1m"), *trades)
        assert [b.meta.gap for b in out] == [GAP, other]
        out = made(rxo.bars("1m"), trade(0), trade(1, gap=other), trade(60_000, gap=GAP))
        assert [b.meta.gap for b in out] == [other]


class TestEmptyBars:
    EMPTY = bar(60, (101,) * 4, 0)

    def test_there_are_none_unless_asked(self) -> None:
        messages = played(on_next(210, trade(10_000)), on_next(500, trade(300_000)))
        assert starts([m.value.value for m in messages]) == [0, 300]

    def test_at_a_trade(self) -> None:
        out = made(rxo.bars("1m", fill=True), trade(0, 99), trade(1, 101), trade(180_000))
        assert out == [
            bar(0, (99, 101, 99, 101), 2, vwap=100),
            self.EMPTY,
            bar(120, (101,) * 4, 0),
        ]

    def test_by_the_clock(self) -> None:
        messages = played(on_next(210, trade(10_000, 101)), fill=True, until=400)
        assert [m.time for m in messages] == [261, 321, 381]
        assert messages[1].value.value == self.EMPTY

    def test_of_each_symbol_from_its_first_trade_on(self) -> None:
        messages = played(
            on_next(210, trade(10_000)),
            on_next(330, trade(130_000, symbol="X")),
            fill=True,
            until=400,
        )
        found = [(m.time, m.value.value.symbol) for m in messages]
        assert found == [(261, "BTCUSD"), (321, "BTCUSD"), (381, "BTCUSD"), (381, "X")]

    def test_many_end_when_somebody_disposes(self) -> None:
        """Hours of milliseconds are not made for nobody."""
        out: list[rxo.Bar] = []
        source: Subject[Any] = Subject()
        source.pipe(rxo.bars("1ms", fill=True), ops.take(3)).subscribe(out.append)
        source.on_next(trade(0))
        source.on_next(trade(10**13))
        assert [b.start_ms - START_MS for b in out] == [0, 1, 2]


class TestWhatComesFromInside:
    """Of a callback that hears a bar: it waits until all bars are told that came with that one."""

    @pytest.mark.parametrize("ends", [False, True])
    def test_a_trade(self, ends) -> None:
        source: Subject[Any] = Subject()
        out: list[Any] = []

        def feed(b: rxo.Bar) -> None:
            out.append((b.start_ms - START_MS) // 1_000)
            if out == [0]:
                source.on_next(trade(4_000))
                source.on_next(trade(5_000))
                if ends:
                    source.on_completed()

        made = source.pipe(rxo.bars("1s", fill=True, partial=True))
        made.subscribe(feed, on_completed=lambda: out.append("end"))
        source.on_next(trade(0))
        source.on_next(trade(3_000))
        assert out == [0, 1, 2, 3, 4, *([5, "end"] if ends else [])]

    def test_the_clock(self) -> None:
        """A callback that lets the clock run on hears of it when it has heard all."""
        scheduler, source = TestScheduler(), Subject[Any]()
        out: list[int] = []

        def wait(b: rxo.Bar) -> None:
            out.append((b.start_ms - START_MS) // 1_000)
            if out == [0]:
                scheduler.advance_to(6)

        source.pipe(rxo.bars("1s", fill=True)).subscribe(wait, scheduler=scheduler)
        source.on_next(trade(0))
        source.on_next(trade(3_000))
        assert out == [0, 1, 2, 3, 4, 5, 6, 7]

    def test_nothing_after_an_error(self) -> None:
        source: Subject[Any] = Subject()
        out: list[Any] = []

        def fail(b: rxo.Bar) -> None:
            out.append((b.start_ms - START_MS) // 1_000)
            if out == [0]:
                source.on_error(OSError())

        source.pipe(rxo.bars("1s", fill=True)).subscribe(fail, lambda _: out.append("end"))
        source.on_next(trade(0))
        source.on_next(trade(3_000))
        assert out == [0, 1, 2, "end"]


class TestWhatComesLate:
    def test_a_bar_comes_again_with_it(self) -> None:
        messages = played(
            on_next(250, trade(50_000, 100)),
            on_next(262, trade(59_000, 98, backfilled=True)),
            on_next(262.5, trade(59_500, 96, backfilled=True)),
        )
        assert messages == [
            on_next(261, bar(0, (100,) * 4, 1, vwap=100)),
            on_next(263, bar(0, (100, 100, 96, 96), 3, vwap=98)),
        ]

    def test_one_that_shows_that_the_clock_is_fast_sets_it(self) -> None:
        messages = played(on_next(250, trade(50_000, 100)), on_next(262, trade(59_000, 98)))
        assert [(m.time, m.value.value.count) for m in messages] == [(261, 1), (264, 2)]

    def test_at_the_next_trade_past_its_end_if_that_is_earlier(self) -> None:
        messages = played(
            on_next(250, trade(50_000, 100)),
            on_next(262, trade(59_000, 98)),
            on_next(262.5, trade(62_500, 97)),
            until=300,
        )
        assert [(m.time, m.value.value.count) for m in messages] == [(261, 1), (262.5, 2)]

    def test_trades_fetched_after_an_outage_make_the_bars_whole(self) -> None:
        """With the empty ones given again after the price has changed."""
        late = [trade(s * 1_000, s, backfilled=True) for s in (58, 70, 190)]
        messages = played(
            on_next(250, trade(50_000, 50)),
            on_next(400, late[0]),
            on_next(400, late[1]),
            on_next(400, late[2]),
            on_next(401, trade(201_000, 201)),
            fill=True,
            until=461,
        )
        found = [m.value.value for m in messages]
        assert starts(found) == [0, 60, 120, 0, 60, 120, 180]
        last = {b.start_ms: b for b in found}.values()
        assert list(last) == [
            bar(0, (50, 58, 50, 58), 2, vwap=54),
            bar(60, (58, 70, 58, 70), 1, vwap=70),
            bar(120, (70,) * 4, 0),
            bar(180, (70, 201, 70, 201), 2, vwap="195.5"),
        ]

    def test_one_behind_a_later_bar_comes_at_once(self) -> None:
        out = made(
            rxo.bars("1m"),
            trade(0, 100),
            trade(60_000, 101),
            trade(59_000, 90),
            trade(61_000, 102),
            trade(120_000, 103),
        )
        assert out[0] == bar(0, (100,) * 4, 1, vwap=100)
        assert out[1] == bar(0, (100, 100, 90, 90), 2, vwap=95)
        assert (out[2].count, out[2].volume) == (2, 2)

    def test_also_if_there_was_no_bar(self) -> None:
        out = made(rxo.bars("1m"), trade(60_000, 101), trade(59_000, 90), trade(120_000))
        assert out == [
            bar(0, (90,) * 4, 1, vwap=90),
            bar(60, (90, 101, 90, 101), 1, vwap=101),
        ]

    def test_what_was_given_after_it_comes_again_and_what_is_open_follows_it(self) -> None:
        trades = trade(100, 100), trade(3_100, 101, gap=GAP), trade(500, 105), trade(3_200, 102)
        out = made(rxo.bars("1s", fill=True, partial=True), *trades)
        assert starts(out) == [0, 1, 2, 0, 1, 2, 3]
        assert out[3:] == [
            bar(0, (100, 105, 100, 105), 2, length_s=1, vwap="102.5"),
            bar(1, (105,) * 4, 0, length_s=1),
            bar(2, (105,) * 4, 0, length_s=1),
            bar(3, (105, 105, 101, 102), 2, length_s=1, vwap="101.5"),
        ]
        assert [b.meta.gap for b in out] == [GAP] * 7
        own = made(rxo.bars("1s", continuous=False, partial=True), *trades)
        assert (own[-1].open, own[-1].high) == (101, 102)

    def test_in_an_empty_one_it_says_so(self) -> None:
        """And that others may be missing where the hole was."""
        trades = trade(0, 100), trade(3_000, 101, gap=GAP), trade(1_500, 90, backfilled=True)
        out = made(rxo.bars("1s", fill=True), *trades)
        assert [(b.count, b.close) for b in out[3:]] == [(1, 90), (0, 90)]
        assert starts(out[3:]) == [1, 2]
        assert [b.meta.gap for b in out[3:]] == [GAP, GAP]

    def test_and_again_with_the_next(self) -> None:
        late = trade(59_000, 90), trade(59_500, 80)
        out = made(rxo.bars("1m"), trade(60_000, 101), *late)
        assert [(b.count, b.low) for b in out] == [(1, 90), (2, 80)]

    def test_older_than_the_last_one_it_counts_in_that(self) -> None:
        out = made(rxo.bars("1m"), trade(120_000), trade(180_000), trade(0, 7), trade(240_000))
        assert starts(out) == [120, 120, 180]
        assert [(b.count, b.low, b.open) for b in out] == [(1, 100, 100), (2, 7, 100), (1, 7, 7)]


class TestTheEnd:
    def test_an_unfinished_bar_is_not_given(self) -> None:
        assert made(rxo.bars("1m"), trade(0)) == []
        assert made(rxo.bars("2 trades"), trade(0)) == []

    def test_unless_asked(self) -> None:
        trades = trade(0), trade(1, 7, symbol="X")
        out = made(rxo.bars("1m", partial=True), *trades)
        assert out == [bar(0, (100,) * 4, 1, vwap=100), bar(0, (7,) * 4, 1, vwap=7, symbol="X")]
        out = made(rxo.bars("2 trades", partial=True), *trades)
        assert [(b.symbol, b.count) for b in out] == [("BTCUSD", 1), ("X", 1)]

    @pytest.mark.parametrize("partial", [False, True])
    @pytest.mark.parametrize("fill", [False, True])
    def test_what_came_late_is_given_all_the_same(self, fill, partial) -> None:
        messages = played(
            on_next(210, trade(100, 100)),
            on_next(213, trade(900, 200)),
            on_completed(213.1),
            size="1s",
            fill=fill,
            partial=partial,
        )
        found = [m.value.value for m in messages[:-1]]
        assert starts(found) == ([0, 1, 0, 1] if fill else [0, 0])
        assert [(b.close, b.count) for b in found][-2 if fill else -1 :] == [
            (200, 2),
            *([(200, 0)] * fill),
        ]
        messages = played(
            on_next(210, trade(100, 100)),
            on_next(213, trade(900, 200)),
            on_error(213.1, OSError()),
            size="1s",
        )
        assert [m.value.kind for m in messages] == ["N", "E"]

    def test_also_if_there_was_no_bar_of_its_time(self) -> None:
        trades = trade(0), trade(6_000, symbol="X"), trade(5_500, 7), trade(6_100, 8, symbol="X")
        out = made(rxo.bars("1s"), *trades)
        assert [(b.symbol, s) for b, s in zip(out, starts(out), strict=True)] == [
            ("BTCUSD", 0),
            ("BTCUSD", 5),
        ]

    def test_never_before_an_error(self) -> None:
        error = OSError("lost")
        messages = played(on_next(210, trade(0)), on_error(220, error), partial=True)
        assert messages == [on_error(220, error)]

    @pytest.mark.parametrize("end", ["on_error", "on_completed"])
    def test_all_is_let_go_before_it_is_told(self, end) -> None:
        """Who hears of it may subscribe again at once."""
        let_go: list[str] = []
        told: list[list[str]] = []
        sources: list[Any] = []

        class Noting(TestScheduler):
            def schedule_relative(self, duetime, action, state=None):
                return Disposable(lambda: let_go.append("timer"))

        def subscribe(observer: Any, scheduler: Any = None) -> Disposable:
            sources.append(observer)
            return Disposable(lambda: let_go.append("source"))

        Observable(subscribe).pipe(rxo.bars("1m")).subscribe(
            lambda _: None,
            lambda _: told.append(list(let_go)),
            lambda: told.append(list(let_go)),
            scheduler=Noting(),
        )
        sources[0].on_next(trade(0))
        getattr(sources[0], end)(*([OSError("lost")] if end == "on_error" else []))
        assert told == [["timer", "source"]]

    @pytest.mark.parametrize("end", [on_completed(220), on_error(220, OSError("lost"))])
    def test_nothing_comes_after_it(self, end) -> None:
        messages = played(on_next(210, trade(0)), end, fill=True)
        assert messages == [end]


class TestFullBars:
    def test_of_trades(self) -> None:
        out = made(
            rxo.bars("2 trades"),
            trade(5, 100),
            trade(7, 7, symbol="X"),
            trade(9, 102, 3),
            trade(12, 99),
            trade(15, 98),
            trade(18, 97),
        )
        first, second = out
        assert first.start_ms == START_MS + 5
        assert first.end_ms == START_MS + 9
        assert (first.open, first.high, first.low, first.close) == (100, 102, 100, 102)
        assert (first.volume, first.count, first.vwap) == (4, 2, Decimal("101.5"))
        assert (second.start_ms, second.open) == (START_MS + 12, 99)

    def test_of_a_volume_the_trade_that_passes_it_is_not_split(self) -> None:
        out = made(
            rxo.bars("10 volume"),
            trade(0, size=6),
            trade(1, size="3.9"),
            trade(2, size=25),
            trade(3, size=10),
            trade(4, size=9),
        )
        assert [(b.volume, b.count) for b in out] == [(Decimal("34.9"), 3), (10, 1)]

    def test_of_a_fraction_with_floats(self) -> None:
        out = made(rxo.bars("0.5 volume"), *(Foreign("X", n, 1.0, 0.25) for n in range(5)))
        assert [(b.volume, b.count) for b in out] == [(0.5, 2), (0.5, 2)]

    def test_it_may_open_at_the_last_price_before_it(self) -> None:
        trades = trade(0, 100), trade(1, 104), trade(2, 109)
        out = made(rxo.bars("1 trade", continuous=True), *trades)
        assert [(b.open, b.low, b.close) for b in out] == [
            (100, 100, 100),
            (100, 100, 104),
            (104, 104, 109),
        ]

    def test_it_is_given_at_once_and_waits_for_no_clock(self) -> None:
        messages = played(
            on_next(210, trade(0)), on_next(220, trade(1)), on_next(230, trade(2)), size="2 trades"
        )
        assert [m.time for m in messages] == [220]

    def test_its_end_is_never_before_its_start(self) -> None:
        (only,) = made(rxo.bars("2 trades"), trade(10), trade(3))
        assert only.start_ms == only.end_ms == START_MS + 10


class TestWhatCannotBe:
    @pytest.mark.parametrize(
        "size",
        ["", "1", "0s", "0 trades", "0 volume", "0.0 volume", "1M", "-5 volume", "1.5 trades", 60],
    )
    def test_sizes(self, size) -> None:
        with pytest.raises(ConfigurationError, match=r"'1m'.*'500 trades'.*'10000 volume'"):
            rxo.bars(size)

    @pytest.mark.parametrize("size", ["5 trades", "5 volume"])
    def test_empty_bars_without_time(self, size) -> None:
        with pytest.raises(ConfigurationError, match="only bars of time"):
            rxo.bars(size, fill=True)


def test_a_bar_is_an_event() -> None:
    one = bar(0, (100,) * 4, 1, vwap=100)
    assert repr(one).startswith("Bar(symbol='BTCUSD', start=2026-01-05T00:00:00.000Z, end=")
    assert one == bar(0, (100,) * 4, 1, vwap=100)
    assert len({one, bar(0, (100,) * 4, 1, vwap=100), bar(60, (100,) * 4, 1, vwap=100)}) == 2
    assert one.to_json().startswith(b'{"event":"Bar","symbol":"BTCUSD","start_ms":')
    assert one.start.isoformat() == "2026-01-05T00:00:00+00:00"
