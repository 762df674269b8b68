"""Two clients whose topics have the same names, merged: what is joined keeps them apart."""

from __future__ import annotations

from typing import Any

import reactivex

from rxbybit import Bybit
from rxbybit import operators as rxo
from rxbybit.sim import serve_in_thread
from tests.fakes import until
from tests.sim.clock import market


def test_books_and_tickers_of_two_clients_are_not_mixed() -> None:
    """Linear and spot have a BTCUSDT each, whose updates have ids and fields of their own."""
    books: list[Any] = []
    apart: list[Any] = []
    tickers: list[Any] = []
    with (
        serve_in_thread(market=market(), speed=10) as exchange,
        Bybit(exchange.url, category="linear") as linear,
        Bybit(exchange.url, category="spot") as spot,
    ):
        clients = linear, spot
        updates = reactivex.merge(*(one.order_book_updates("BTCUSDT") for one in clients))
        updates.pipe(rxo.to_book()).subscribe(books.append)
        for one in clients:
            one.order_book("BTCUSDT").subscribe(apart.append)
        said = reactivex.merge(*(one.ticker_updates("BTCUSDT") for one in clients))
        said.pipe(rxo.merge_ticker()).subscribe(tickers.append)
        until(lambda: min(len(books), len(apart), len(tickers)) > 100)
    links = {ticker.meta.connection for ticker in tickers}
    assert len(links) == 2
    assert {book.meta.connection for book in books} == links
    assert {book.state for book in books} == {"synced"}
    known = {(book.meta.connection, book.update_id): book for book in apart}
    met = [
        (known[key], book)
        for book in books
        if (key := (book.meta.connection, book.update_id)) in known
    ]
    assert len(met) > 50
    assert all(own == merged for own, merged in met)
    # only spot says what a coin is worth in USD, only linear what its mark price is
    assert not [t for t in tickers if None not in (t.usd_index_price, t.mark_price)]
    assert [t for t in tickers if t.usd_index_price is not None]
    assert [t for t in tickers if t.mark_price is not None]
