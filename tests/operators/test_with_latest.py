"""Trades with the latest ticker, by arrival."""

from __future__ import annotations

import asyncio
import pickle
from decimal import Decimal as D
from typing import Any

import pytest
import reactivex
from reactivex import operators as ops
from reactivex.testing import ReactiveTest, TestScheduler

from rxbybit import operators as rxo
from rxbybit.errors import ClosedError, ConfigurationError
from rxbybit.events import Side
from rxbybit.stream import Stream
from rxbybit.streams.trade import Trade
from rxbybit.ticker import Ticker, TickerUpdate
from tests.fakes import Feed
from tests.operators.probe import Ear, Probe
from tests.virtual import run, until

on_next = ReactiveTest.on_next


def trade(n: int, symbol: str = "BTCUSD") -> Trade:
    return Trade(symbol=symbol, id=f"{n}", side=Side.BUY, price=D(1), size=D(1), time_ms=n)


def ticker(n: int, symbol: str = "BTCUSD") -> Ticker:
    return Ticker(symbol=symbol, mark_price=D(n))


class Sides:
    """Both sides, joined."""

    def __init__(self) -> None:
        self.tickers, self.trades = Probe(), Probe()
        self.joined = self.trades.pipe(rxo.with_latest(self.tickers))
        self.ear = Ear(self.joined)

    def send(self, *events: Any) -> Sides:
        for event in events:
            (self.tickers if isinstance(event, Ticker) else self.trades).send(event)
        return self


def pairs(ear: Ear) -> list[tuple[int, int]]:
    return [(pair.trade.time_ms, int(pair.ticker.mark_price)) for pair in ear.events]


def test_in_marbles() -> None:
    scheduler = TestScheduler()
    a, b, c = ticker(1), ticker(2), ticker(3)
    tickers = scheduler.create_hot_observable(
        on_next(220, a), on_next(240, b), on_next(250, c), ReactiveTest.on_completed(255)
    )
    source = scheduler.create_hot_observable(
        on_next(210, trade(1)),
        on_next(230, trade(2)),
        on_next(260, trade(3)),
        on_next(270, trade(4)),
        ReactiveTest.on_completed(280),
    )
    heard = scheduler.start(lambda: source.pipe(rxo.with_latest(tickers)))
    assert heard.messages == [
        on_next(230, rxo.TradeWithTicker(trade=trade(2), ticker=a)),
        on_next(260, rxo.TradeWithTicker(trade=trade(3), ticker=c)),
        on_next(270, rxo.TradeWithTicker(trade=trade(4), ticker=c)),
        ReactiveTest.on_completed(280),
    ]
    subscribed = [(s.subscribe, s.unsubscribe) for s in source.subscriptions]
    assert (subscribed, len(tickers.subscriptions)) == ([(200, 280)], 1)


def test_each_symbol_has_its_own() -> None:
    sides = Sides().send(ticker(1), trade(1, "ETHUSD"), ticker(2, "ETHUSD"), trade(2, "ETHUSD"))
    sides.send(trade(3), ticker(4), trade(4, "ETHUSD"), trade(5))
    assert pairs(sides.ear) == [(2, 2), (3, 1), (4, 2), (5, 4)]
    assert [pair.symbol for pair in sides.ear.events[:2]] == ["ETHUSD", "BTCUSD"]


def test_the_tickers_are_subscribed_first_with_the_same_clock() -> None:
    order: list[str] = []
    sides, clock = {"trades": Probe(trade(1)), "tickers": Probe(ticker(7))}, TestScheduler()

    def told(name: str) -> reactivex.Observable[Any]:
        return reactivex.defer(lambda _: order.append(name) or sides[name])

    joined = told("trades").pipe(rxo.with_latest(told("tickers")))
    assert order == []
    ear = Ear(joined, clock)
    assert order == ["tickers", "trades"]
    assert [side.schedulers for side in sides.values()] == [[clock], [clock]]
    assert pairs(ear) == [(1, 7)]


def test_subscribers_share_nothing() -> None:
    sides = Sides().send(ticker(1))
    late = Ear(sides.joined)
    sides.send(trade(1), ticker(2), trade(2))
    assert (pairs(sides.ear), pairs(late)) == ([(1, 1), (2, 2)], [(2, 2)])


@pytest.mark.parametrize("side", ["tickers", "trades"])
def test_an_error_of_either_side_ends_both(side: str) -> None:
    sides = Sides().send(ticker(1))
    again: list[Ear] = []
    Ear(sides.joined.pipe(ops.do_action(on_error=lambda _: again.append(Ear(sides.joined)))))
    getattr(sides, side).fail(OSError())
    sides.send(trade(1), ticker(2), trade(2))
    assert (sides.ear.ended, sides.ear.events) == ("OSError", [])
    assert (len(again), pairs(again[0])) == (1, [(2, 2)])
    assert sides.tickers.heard == sides.trades.heard == 1  # the new one


def test_the_end_of_the_tickers_is_not_the_end_and_that_of_the_trades_is() -> None:
    sides = Sides().send(ticker(1))
    sides.tickers.complete()
    sides.send(trade(1))
    sides.trades.complete()
    assert (pairs(sides.ear), sides.ear.ended) == ([(1, 1)], "completed")
    sides = Sides()
    sides.trades.complete()
    assert (sides.ear.ended, sides.tickers.heard) == ("completed", 0)


def test_an_error_of_the_tickers_at_once_leaves_the_trades_alone() -> None:
    trades = Probe()
    ear = Ear(trades.pipe(rxo.with_latest(reactivex.throw(OSError()))))
    assert (ear.ended, trades.schedulers) == ("OSError", [])


def test_trades_that_cannot_be_subscribed_give_the_tickers_back() -> None:
    class Refuses(Probe):
        def subscribe(self, *_: Any, **__: Any) -> Any:
            raise ClosedError

    tickers = Probe()
    ear = Ear(Refuses().pipe(rxo.with_latest(tickers)))
    assert (ear.ended, tickers.heard, len(tickers.schedulers)) == ("ClosedError", 0, 1)


def test_disposing_ends_both_at_any_moment() -> None:
    sides = Sides().send(ticker(1))
    sides.ear.then = lambda pair: sides.ear.subscription.dispose()
    sides.send(trade(1), trade(2))
    sides.ear.subscription.dispose()
    assert (pairs(sides.ear), sides.ear.ended) == ([(1, 1)], "")
    assert sides.tickers.heard == sides.trades.heard == 0


def test_what_the_observer_raises_goes_up_and_nothing_is_corrupt() -> None:
    sides = Sides().send(ticker(1))

    def refuse(pair: object) -> None:
        sides.ear.then = lambda pair: None
        raise AttributeError(pair)  # not taken for a foreign event

    sides.ear.then = refuse
    with pytest.raises(AttributeError):
        sides.send(trade(1))
    sides.send(trade(2))
    assert (pairs(sides.ear), sides.ear.ended) == ([(1, 1), (2, 1)], "")


@pytest.mark.parametrize("thing", [TickerUpdate(symbol="BTCUSD"), trade(1), None, {}])
def test_what_is_no_ticker_is_one_clear_error(thing: object) -> None:
    sides = Sides()
    sides.tickers.send(thing, thing)
    assert (sides.ear.ended, sides.trades.heard) == ("ConfigurationError", 0)
    assert str(sides.ear.errors[0]) == (
        "with_latest(ticker) expects Ticker as its ticker, such as tickers(...) or merge_ticker()"
        f" gives, and got a {type(thing).__name__}"
    )


@pytest.mark.parametrize("thing", [None, {}, "BTCUSD"])
def test_what_has_no_symbol_is_one_clear_error(thing: object) -> None:
    sides = Sides().send(ticker(1))
    sides.trades.send(thing, thing)
    assert (sides.ear.ended, sides.tickers.heard) == ("ConfigurationError", 0)
    assert str(sides.ear.errors[0]).startswith(
        "with_latest(ticker) expects events of a symbol, such as trades(...) gives,"
        f" and got a {type(thing).__name__} ("
    )


@pytest.mark.parametrize("thing", [None, ticker(1), lambda: Probe(), "BTCUSD"])
def test_what_is_no_observable_of_tickers_is_refused(thing: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^with_latest: ticker=.*: give an Observable"):
        rxo.with_latest(thing)


def test_on_streams() -> None:
    async def main() -> None:
        tickers, trades = Feed(), Feed()
        joined = trades.stream().pipe(rxo.with_latest(tickers.stream()))
        assert isinstance(joined, Stream)
        ear = Ear(joined)
        assert tickers.runtimes == trades.runtimes
        tickers.send(ticker(1))
        trades.send(trade(1))
        ear.subscription.dispose()
        await asyncio.sleep(0)
        await until(lambda: tickers.disposed == trades.disposed == 1)
        assert pairs(ear) == [(1, 1)]

    run(main())


def test_what_a_pair_is() -> None:
    pair: Any = rxo.TradeWithTicker(trade=trade(1), ticker=ticker(2))
    assert (pair, hash(pair)) == (pickle.loads(pickle.dumps(pair)), hash(pair))
    assert pair != rxo.TradeWithTicker(trade=trade(1), ticker=ticker(3))
    match pair:
        case rxo.TradeWithTicker(trade=Trade(price=price), ticker=Ticker(mark_price=mark)):
            assert (price, mark) == (D(1), D(2))
        case _:
            pytest.fail("it does not match")
    assert repr(pair) == f"TradeWithTicker(trade={pair.trade!r}, ticker={pair.ticker!r})"
    assert pair.symbol == "BTCUSD"
    with pytest.raises(AttributeError):
        pair.ticker = ticker(3)  # pyright: ignore[reportAttributeAccessIssue]
