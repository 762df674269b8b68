"""What the live view subscribes to, and that it gives it back."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from rxbybit import Backoff, Bybit, ConfigurationError, SubscriptionRejected
from rxbybit.runtime import Runtime
from rxbybit.sim import Recording, ServedExchange, Skip, serve_in_thread
from rxbybit.view.board import Board
from rxbybit.view.live import Feed

BOOK = "orderbook.50.BTCUSD"


def until(condition: Callable[[], object], within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it has not happened"
        time.sleep(0.01)


def asked_of_the_book(served: ServedExchange) -> list[str]:
    return [request.op for request in served.requests if BOOK in request.args]


def state_of(feed: Feed) -> str:
    book = feed.board().markets["BTCUSD"].book
    return "waiting" if book is None else book.state


def test_a_book_that_misses_an_update_is_subscribed_anew_and_all_is_given_back() -> None:
    recording = Recording.demo(speed=10)
    with (
        serve_in_thread({"inverse": recording}, faults=(Skip(topic=BOOK, nth=20),)) as served,
        Bybit(served.url) as client,
    ):
        feed = Feed(client, Board.of(["BTCUSD", "ETHUSD"]))
        assert state_of(feed) == "waiting"
        feed.open()
        began = Runtime.current().subscriptions
        until(lambda: asked_of_the_book(served) == ["subscribe", "unsubscribe", "subscribe"])
        until(lambda: any("subscribed anew" in entry.words for entry in feed.board().log))
        until(lambda: state_of(feed) == "synced")
        assert Runtime.current().subscriptions == began, "the one before was not given back"
        assert not feed.ended.is_set()
        feed.close()
        assert Runtime.current().idle(20), "something of it still lives"
        until(lambda: not served.links)


def test_the_books_of_a_lost_link_are_in_doubt_until_it_is_back() -> None:
    with (
        serve_in_thread({"inverse": Recording.demo(speed=10)}) as served,
        Bybit(served.url, backoff=Backoff(first=0.05, cap=0.2)) as client,
    ):
        feed = Feed(client, Board.of(["BTCUSD"]))
        feed.open()
        until(lambda: state_of(feed) == "synced")
        served.call(served.exchange.stop_listening())
        served.run(lambda: [link.cut("rst") for link in served.exchange.links])
        until(lambda: state_of(feed) == "resyncing")
        assert not feed.ended.is_set()
        served.call(served.exchange.listen())
        until(lambda: state_of(feed) == "synced")
        feed.close()
        assert Runtime.current().idle(20)


def test_candles_of_the_exchange_are_asked_for_only_when_they_are_shown() -> None:
    for chart, chart_ms, wanted in (("5s", 5000, 0), ("1m", None, 1)):
        with serve_in_thread({"inverse": Recording.demo()}) as served, Bybit(served.url) as client:
            feed = Feed(client, Board.of(["BTCUSD"], chart=chart, chart_ms=chart_ms))
            feed.open()
            until(lambda: asked_of_the_book(served))
            asked = [a for request in served.requests for a in request.args]
            feed.close()
            assert Runtime.current().idle(20)
        assert asked.count("kline.1.BTCUSD") == wanted


def test_a_stream_that_fails_ends_it_with_its_error() -> None:
    with serve_in_thread({"inverse": Recording.demo()}) as served, Bybit(served.url) as client:
        feed = Feed(client, Board.of(["NOPEUSD"]))
        feed.open()
        assert feed.ended.wait(20)
        assert isinstance(feed.error, SubscriptionRejected)
        feed.close()
        assert Runtime.current().idle(20)


def test_what_cannot_be_is_said_at_once() -> None:
    with Bybit("http://127.0.0.1:1") as client:
        feed = Feed(client, Board.of(["btcusd"]))
        with pytest.raises(ConfigurationError, match="btcusd"):
            feed.open()
        feed.close()
