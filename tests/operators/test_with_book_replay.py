"""The same frames give the same pairs, in whatever order the two topics come."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal as D
from pathlib import Path
from random import Random
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given
from reactivex.scheduler import VirtualTimeScheduler

from rxbybit import operators as rxo
from rxbybit.book import BookSnapshot, OrderBook
from rxbybit.events import Side
from rxbybit.operators import asof
from rxbybit.streams.trade import Trade
from tests.conformance.test_raw import all_of
from tests.operators.probe import Ear, Probe
from tests.operators.test_with_book import book, trade

SYMBOLS = ("BTCUSD", "ETHUSD")
Pair = tuple[Any, OrderBook]


def met(trade: Any, books: Iterable[OrderBook]) -> OrderBook | None:
    """The definition, word for word: the last book whose sequence (or time) is below."""
    below: list[OrderBook] = []
    for one in books:
        if one.symbol == trade.symbol:
            if one.sequence is None or trade.sequence is None:
                assert one.meta.matched_ms is not None
                earlier = one.meta.matched_ms < trade.time_ms
            else:
                earlier = one.sequence < trade.sequence
            below += [one] * earlier
    return below[-1] if below else None


def expected(trades: Sequence[Any], books: Sequence[OrderBook]) -> list[Pair]:
    found = [(one, met(one, books)) for one in trades]
    return [(one, its) for one, its in found if its is not None]


def joined(order: Iterable[bool], trades: Sequence[Any], books: Sequence[OrderBook]) -> list[Pair]:
    """The pairs, when a true value in ``order`` stands for the next book, then its topic's end.

    The clock stands still. What the order leaves over comes at the end, books last.
    """
    of_books, of_trades = Probe(), Probe()
    ear = Ear(of_trades.pipe(rxo.with_book(of_books)), VirtualTimeScheduler())
    left = {True: [*books, None], False: [*trades, None]}
    for is_book in [*order, *[False] * (len(trades) + 1), *[True] * (len(books) + 1)]:
        side = of_books if is_book else of_trades
        if left[is_book]:
            event = left[is_book].pop(0)
            if event is None:
                side.complete()
            else:
                side.send(event)
    assert (ear.ended, of_books.heard, of_trades.heard) == ("completed", 0, 0)
    assert all(pair.skipped == 0 for pair in ear.events)
    return [(pair.trade, pair.book) for pair in ear.events]


def of(symbol: str, pairs: list[Pair]) -> list[Pair]:
    return [pair for pair in pairs if pair[0].symbol == symbol]


places = st.lists(st.tuples(st.integers(0, 30), st.sampled_from(SYMBOLS)), max_size=15)


@given(places, places, st.lists(st.booleans(), max_size=40), st.booleans())
def test_any_interleaving_gives_the_same_pairs(
    of_books: list[tuple[int, str]],
    of_trades: list[tuple[int, str]],
    order: list[bool],
    timed: bool,
) -> None:
    """No wait runs out. Books may repeat a sequence (one that became stale), and so may trades."""
    books = [
        book(None if timed else place, 1000 + place, symbol, state=state)
        for (place, symbol), state in zip(
            sorted(of_books), ["synced", "stale", "resyncing"] * 5, strict=False
        )
    ]
    trades = [
        trade(None if timed else place, 1000 + place, symbol, id=f"{n}")
        for n, (place, symbol) in enumerate(sorted(of_trades))
    ]
    pairs, model = joined(order, trades, books), expected(trades, books)
    for symbol in SYMBOLS:
        mine = of(symbol, pairs)
        assert mine == of(symbol, model)
        assert [its.state for _, its in mine] == [its.state for _, its in of(symbol, model)]


arrivals = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=12)


def in_order(drawn: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Times of arrival and sequences, both rising, as one topic brings them."""
    times, places = (sorted(column) for column in zip(*drawn, strict=True)) if drawn else ((), ())
    return list(zip(times, places, strict=True))


@given(arrivals, arrivals, st.integers(0, 12))
def test_where_waits_run_out_a_trade_has_the_newest_book_that_had_come_from_before_it(
    of_books: list[tuple[int, int]], of_trades: list[tuple[int, int]], whole_s: int
) -> None:
    wait_s = whole_s + 0.5  # so that nothing comes at the moment at which a wait runs out
    books = [(2 * at, book(place)) for at, place in in_order(of_books)]
    trades = [
        (2 * at + 1, trade(place, id=f"{n}")) for n, (at, place) in enumerate(in_order(of_trades))
    ]
    clock, sides = VirtualTimeScheduler(), (Probe(), Probe())
    heard: list[tuple[float, Any, OrderBook]] = []
    ear = Ear(
        sides[1].pipe(rxo.with_book(sides[0], wait=wait_s)),
        clock,
        lambda pair: heard.append((clock.to_seconds(clock.now), pair.trade, pair.book)),
    )
    for side, events in zip(sides, (books, trades), strict=True):
        for at, event in events:
            clock.schedule_absolute(
                float(at), lambda *_, side=side, event=event: side.send(event) and None
            )
    clock.advance_to(100.0)

    model: list[tuple[float, Any, OrderBook]] = []
    for at, one in trades:
        proven = min(
            (when for when, b in books if (b.sequence or 0) >= (one.sequence or 0)), default=999
        )
        released = max(at, min(proven, at + wait_s))
        its = met(one, [b for when, b in books if when <= released])
        if its is not None:
            model.append((released, one, its))
    assert heard == model
    assert ear.ended == ""


@given(places, st.lists(st.integers(0, 30), max_size=15), st.lists(st.booleans(), max_size=40))
def test_what_is_no_longer_kept_is_left_out_and_counted_never_replaced(
    of_books: list[tuple[int, str]], of_trades: list[int], order: list[bool]
) -> None:
    books = [book(place) for place, _ in sorted(of_books)]
    trades = [trade(place, id=f"{n}") for n, place in enumerate(sorted(of_trades))]
    sides = (Probe(), Probe())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asof, "MOST_BOOKS", 3)
        ear = Ear(sides[1].pipe(rxo.with_book(sides[0])), VirtualTimeScheduler())
        left = {True: list(books), False: list(trades)}
        for is_book in [*order, *[True] * len(books), *[False] * len(trades)]:
            if left[is_book]:
                sides[not is_book].send(left[is_book].pop(0))
        sides[0].complete()
    last = -1
    for pair in ear.events:
        assert pair.book == met(pair.trade, books)
        place = int(pair.trade.id)
        missing = [one for one in trades[last + 1 : place] if met(one, books) is not None]
        # one from before the first book cannot always be told from one that came too late
        assert len(missing) <= pair.skipped <= place - last - 1
        last = place


# Any: JSON
def legacy_books(frames: list[dict[str, Any]], symbol: str) -> list[OrderBook]:
    """A book after each frame, by the plainest means."""
    levels: dict[tuple[int, str], dict[str, Any]] = {}
    made: list[OrderBook] = []
    for frame in frames:
        if frame.get("topic") != f"orderBookL2_25.{symbol}":
            continue
        data = frame["data"]
        if frame["type"] == "snapshot":
            levels = {(level["id"], level["side"]): level for level in data}
        else:
            for level in data["delete"]:
                levels.pop((level["id"], level["side"]), None)
            for level in data["update"] + data["insert"]:
                levels[level["id"], level["side"]] = level
        sides = {
            side: sorted(
                (D(level["price"]), D(level["size"]))
                for (_, of_side), level in levels.items()
                if of_side == side
            )
            for side in ("Buy", "Sell")
        }
        made.append(
            OrderBook(
                symbol=symbol,
                depth=25,
                bids=sides["Buy"][::-1],
                asks=sides["Sell"],
                sequence=frame["cross_seq"],
            )
        )
    return made


def legacy_trades(frames: list[dict[str, Any]], symbol: str) -> list[Trade]:
    return [
        Trade(
            symbol=symbol,
            id=item["trade_id"],
            side=Side(item["side"]),
            price=D(f"{item['price']}"),
            size=D(item["size"]),
            time_ms=item["trade_time_ms"],
            sequence=item["cross_seq"],
        )
        for frame in frames
        if frame.get("topic") == f"trade.{symbol}"
        for item in frame["data"]
    ]


def v5_books(frames: Path, symbol: str) -> list[OrderBook]:
    """A book after each frame of the recorded 200 levels."""
    sides: tuple[dict[D, D], dict[D, D]] = {}, {}
    made: list[OrderBook] = []
    for frame, (event,) in all_of(frames, "orderbook"):
        if frame["topic"] != f"orderbook.200.{symbol}":
            continue
        if isinstance(event, BookSnapshot):
            sides = {}, {}
        for levels, changed in zip(sides, (event.bids, event.asks), strict=True):
            levels |= changed
            for price, size in changed:
                if not size:
                    del levels[price]
        made.append(
            OrderBook(
                symbol=symbol,
                depth=200,
                bids=sorted(sides[0].items(), reverse=True),
                asks=sorted(sides[1].items()),
                sequence=event.sequence,
                meta=event.meta,
            )
        )
    return made


def check_recorded(trades: list[Trade], books: list[OrderBook]) -> None:
    """In 50 orders: the pairs of the definition, and each taker traded at the best price."""
    pairs = expected(trades, books)
    for seed in range(50):
        order = [True] * len(books) + [False] * len(trades)
        Random(seed).shuffle(order)
        assert joined(order, trades, books) == pairs
    assert joined([], trades, books) == pairs
    assert joined([True] * len(books), trades, books) == pairs
    for one, its in pairs:
        best = its.best_ask if one.side is Side.BUY else its.best_bid
        assert best is not None
        assert one.price == best[0]
        assert one.size <= best[1]


def test_the_recorded_legacy_capture(frames: Path) -> None:
    text = (frames / "legacy" / "capture_inverse.jsonl").read_text(encoding="utf-8")
    sent = [json.loads(line) for line in text.splitlines()]
    trades, books = legacy_trades(sent, "BTCUSD"), legacy_books(sent, "BTCUSD")
    assert (len(trades), len(books)) == (13, 95)
    assert len(expected(trades, books)) == 13
    check_recorded(trades, books)


def test_the_recorded_v5_capture(frames: Path) -> None:
    books = v5_books(frames, "DOGEUSDT")
    events = [one for _, many in all_of(frames, "public_trade") for one in many]
    trades = [one for one in events if one.symbol == "DOGEUSDT"]
    assert (len(trades), len(books)) == (2, 61)
    ((first, its), _) = expected(trades, books)
    assert its.best_ask is not None
    following = books[books.index(its) + 1].best_ask
    # the book after it lacks what the taker has bought
    assert following == (its.best_ask[0], its.best_ask[1] - first.size)
    check_recorded(trades, books)
