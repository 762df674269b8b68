"""The model of the view: what it makes of events and statuses, in whatever order they come."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from rxbybit import (
    BookState,
    Connected,
    Connecting,
    DecodeFailed,
    Disconnected,
    Dropped,
    Event,
    Gap,
    Insurance,
    Kline,
    Meta,
    Order,
    OrderBook,
    OrderStatus,
    Position,
    Reconnecting,
    Rejected,
    RequestFailed,
    Resynced,
    Side,
    Stale,
    Status,
    StopOrder,
    StopOrderType,
    Subscribed,
    Ticker,
    Trade,
    UserTrade,
)
from rxbybit.view.board import LOG, RATE_S, Board
from rxbybit.view.candles import Candle, Candles
from rxbybit.view.render import render

D = Decimal
AT = datetime(2026, 1, 5, 12, 0, 40, tzinfo=timezone.utc)
AT_MS = 1_767_614_440_000


def trade(price: str = "100", at_ms: int = AT_MS, symbol: str = "BTCUSD") -> Trade:
    meta = Meta(sent_ms=at_ms + 2)
    return Trade(
        meta=meta, symbol=symbol, id="1", side=Side.BUY, price=D(price), size=D(1), time_ms=at_ms
    )


def kline(start_ms: int, close: str) -> Kline:
    return Kline(
        symbol="BTCUSD",
        interval="1m",
        start_ms=start_ms,
        end_ms=start_ms + 59_999,
        open=D(1),
        high=D(9),
        low=D(1),
        close=D(close),
        volume=D(1),
        turnover=D(1),
        closed=False,
    )


def book(sent_ms: int = AT_MS, state: str = BookState.SYNCED) -> OrderBook:
    bids, meta = [(D(1), D(1))], Meta(sent_ms=sent_ms)
    return OrderBook(symbol="BTCUSD", depth=1, bids=bids, asks=(), state=state, meta=meta)


def connected(seconds: float = 0, link: int = 1) -> Connected:
    return Connected(time=AT + timedelta(seconds=seconds), connection=link, url="ws://x")


def lost(seconds: float = 0, link: int = 1) -> Disconnected:
    return Disconnected(time=AT + timedelta(seconds=seconds), connection=link, reason="gone")


def words(board: Board) -> list[str]:
    return [entry.words for entry in board.log]


def test_events_go_to_their_market_and_set_the_clock() -> None:
    board = Board.of(["BTCUSD", "ETHUSD"])
    ticker = Ticker(symbol="ETHUSD", last_price=D(5))  # of no known time: the clock stays
    for event in (trade("1"), trade(symbol="XRPUSD"), trade("2"), ticker):
        board.apply(event, 0.0)
    assert [t.price for t in board.markets["BTCUSD"].trades] == [D(2), D(1)]
    assert board.markets["ETHUSD"].ticker == ticker
    assert not board.markets["ETHUSD"].trades
    assert board.exchange_ms == AT_MS + 2
    assert board.counts.events == 4


def test_candles_are_made_of_trades_or_taken_from_the_exchange() -> None:
    made, taken = Board.of(["BTCUSD"]), Board.of(["BTCUSD"], chart="1m", chart_ms=None)
    for board in (made, taken):
        board.apply(trade("7"), 0.0)
        board.apply(kline(AT_MS, "3"), 0.0)
    assert [c.close for c in made.markets["BTCUSD"].candles.kept] == [D(7)]
    assert [c.close for c in taken.markets["BTCUSD"].candles.kept] == [D(3)]


def test_candles_of_trades_are_aligned_and_keep_the_extremes() -> None:
    candles = Candles(length_ms=5000)
    for price, at_ms in (("5", 0), ("9", 1), ("2", 4998), ("4", 4999), ("6", 5000), ("3", 4990)):
        candles.add_trade(trade(price, at_ms))
    assert list(candles.kept) == [
        Candle(0, D(5), D(9), D(2), D(4)),
        Candle(5000, D(6), D(6), D(3), D(3)),
    ]


def test_a_clock_that_is_set_back_begins_the_candles_anew() -> None:
    candles = Candles(length_ms=5000)
    candles.add_trade(trade("5", 20_000))
    candles.add_trade(trade("6", 14_000))
    assert list(candles.kept) == [Candle(10_000, D(6), D(6), D(6), D(6))]


def test_a_candle_of_the_exchange_replaces_itself_and_what_came_after() -> None:
    candles = Candles()
    for start_ms, close in ((0, "1"), (60_000, "2"), (60_000, "3"), (120_000, "4"), (60_000, "5")):
        candles.add_kline(kline(start_ms, close))
    assert [(c.start_ms, c.close) for c in candles.kept] == [(0, D(1)), (60_000, D(5))]


def test_a_link_that_comes_back_is_counted_with_how_long_it_was_away() -> None:
    board = Board.of(["BTCUSD"])
    again = Reconnecting(time=AT, connection=1, attempt=1, delay_s=0.25)
    for status in (connected(), lost(10), again, lost(10.5), connected(12.3)):
        board.apply(status, 0.0)
    assert board.counts.reconnects == 1
    assert words(board)[-1] == "link 1 connected again after 2.3 s"
    assert board.links[1].mood == "good"
    board.apply(connected(20), 0.0)
    assert board.counts.reconnects == 1


def test_an_outage_is_one_line_however_many_attempts_it_takes() -> None:
    board = Board.of(["BTCUSD"])

    def again(attempt: int) -> Reconnecting:
        return Reconnecting(time=AT, connection=1, attempt=attempt, delay_s=0.25)

    refused = Disconnected(time=AT, connection=1, reason="refused")
    for status in (connected(), lost(), again(1), refused, again(2), refused, again(3)):
        board.apply(status, 0.0)
    assert words(board)[1:] == [
        "link 1 disconnected: gone",
        "link 1 reconnecting in 0.2 s (attempt 3): refused",
    ]
    assert board.links[1].words == "link 1 reconnecting in 0.2 s (attempt 3)"
    board.apply(lost(link=2), 0.0)
    board.apply(again(4), 0.0)
    board.apply(Reconnecting(time=AT, connection=2, attempt=1, delay_s=0.25), 0.0)
    board.apply(again(5), 0.0)
    assert words(board)[1:] == [
        "link 1 disconnected: gone",
        "link 2 disconnected: gone",
        "link 2 reconnecting in 0.2 s (attempt 1)",
        "link 1 reconnecting in 0.2 s (attempt 5): refused",
    ]


def test_a_link_that_answers_stays_connected_whatever_it_is_asked() -> None:
    board = Board.of(["BTCUSD"])
    board.apply(Connecting(time=AT, connection=1, url="ws://x"), 0.0)
    assert (board.links[1].mood, board.links[1].words) == ("note", "link 1 connecting")
    board.apply(connected(), 0.0)
    board.apply(Subscribed(time=AT, connection=1, topics=("a",)), 0.0)
    assert (board.links[1].mood, board.links[1].words) == ("good", "link 1 connected")


def test_a_lost_link_is_shown() -> None:
    board = Board.of(["BTCUSD"])
    board.apply(connected(), 0.0)
    board.apply(lost(), 0.0)
    assert (board.links[1].mood, board.links[1].words) == ("bad", "link 1 disconnected")


def test_a_book_is_that_which_came_last_and_one_in_doubt_sets_no_clock() -> None:
    board = Board.of(["BTCUSD", "ETHUSD"])
    whole = book(sent_ms=AT_MS + 1)
    for event in (book(sent_ms=AT_MS), whole, trade()):
        board.apply(event, 0.0)
    assert board.markets["BTCUSD"].book is whole
    assert board.markets["ETHUSD"].book is None
    assert board.exchange_ms == AT_MS + 2
    # What was known last comes once more with the time that it had, which is over.
    board.apply(book(sent_ms=AT_MS + 1, state=BookState.RESYNCING), 0.0)
    shown = board.markets["BTCUSD"].book
    assert shown is not None
    assert shown.state == "resyncing"
    assert board.exchange_ms == AT_MS + 2


def test_a_book_that_was_had_anew_is_a_line_of_the_log() -> None:
    board = Board.of(["BTCUSD"])
    again = Resynced(time=AT, connection=1, topic="t", reason="update 7 came after 5")
    board.apply(again, 0.0)
    assert words(board) == ["link 1 t was subscribed anew: update 7 came after 5"]


def test_gaps_in_a_row_are_one_line_and_all_counted() -> None:
    board = Board.of(["BTCUSD"])
    gap = Gap(time=AT, connection=1, topic="t", after_ms=1, before_ms=2001)
    board.apply(gap, 0.0)
    assert words(board) == ["link 1 gap of 2.0 s in t: an unknown number lost, 0 filled in"]
    for status in (gap, gap, connected(), gap):
        board.apply(status, 0.0)
    assert words(board)[:2] == ["gaps in 3 topics", "link 1 connected to ws://x"]
    assert len(board.log) == 3
    assert board.counts.gaps == 4


def test_gaps_that_were_filled_are_a_line_of_their_own_and_not_counted() -> None:
    board = Board.of(["BTCUSD"])
    gap = Gap(time=AT, connection=1, topic="t", after_ms=1, before_ms=2001)
    filled = Gap(time=AT, connection=1, topic="u", after_ms=1, before_ms=2001, filled=3, lost=0)
    for status in (gap, filled):
        board.apply(status, 0.0)
    assert words(board)[1] == "link 1 gap of 2.0 s in u: none lost, 3 filled in"
    for status in (filled, filled, gap, filled):
        board.apply(status, 0.0)
    assert words(board)[1:3] == [
        "9 events of 3 topics were fetched, none is missing",
        "link 1 gap of 2.0 s in t: an unknown number lost, 0 filled in",
    ]
    assert len(board.log) == 4
    assert board.counts.gaps == 2


def test_what_does_not_decode_or_is_dropped_is_counted() -> None:
    board = Board.of(["BTCUSD"])
    board.apply(DecodeFailed(time=AT, topic="t", raw="{}", messages=["x"]), 0.0)
    board.apply(Dropped(time=AT, count=5), 0.0)
    assert (board.counts.undecodable, board.counts.dropped) == (1, 5)
    assert [entry.mood for entry in board.log] == ["bad", "bad"]


def test_the_log_is_bounded_and_leaves_out_what_everybody_expects() -> None:
    board = Board.of(["BTCUSD"])
    board.apply(Connecting(time=AT, connection=1, url="ws://x"), 0.0)
    board.apply(Subscribed(time=AT, connection=1, topics=("a",)), 0.0)
    assert not board.log
    for number in range(LOG + 5):
        board.note(AT, f"note {number}")
    assert len(board.log) == LOG
    assert words(board)[-1] == f"note {LOG + 4}"


def test_what_is_asked_for_again_is_one_line_with_the_last_attempt() -> None:
    board = Board.of(["BTCUSD"])
    for attempt, url in enumerate(("http://x/a", "http://x/b", "http://x/a")):
        failed = RequestFailed(time=AT, url=url, reason="gone", attempt=attempt, delay_s=1)
        board.apply(failed, 0.0)
    assert words(board) == [
        "gone: http://x/b; asking again in 1.0 s (attempt 1)",
        "gone: http://x/a; asking again in 1.0 s (attempt 2)",
    ]
    board.apply(RequestFailed(time=AT, url="http://x/a", reason="no", attempt=3, delay_s=None), 0.0)
    assert words(board)[1:] == ["no: http://x/a; given up (attempt 3)"]


def order(order_id: str, status: str = "New", symbol: str = "BTCUSD") -> Order:
    return Order(
        category="inverse",
        symbol=symbol,
        order_id=order_id,
        status=OrderStatus(status),
        price=D(9),
        quantity=D(1),
    )


def stop(order_id: str, status: str = "Untriggered") -> StopOrder:
    return StopOrder(
        category="inverse",
        symbol="BTCUSD",
        order_id=order_id,
        status=OrderStatus(status),
        quantity=D(1),
        trigger_price=D(8),
        stop_order_type=StopOrderType.STOP_LOSS,
    )


def position(size: str, index: int = 0) -> Position:
    return Position(
        category="inverse",
        symbol="BTCUSD",
        side=Side.BUY,
        size=D(size),
        entry_price=D("7.5"),
        mark_price=D("9.5"),
        unrealised_pnl=D("-1E-8"),
        position_index=index,
    )


def fill(price: str) -> UserTrade:
    return UserTrade(
        category="inverse",
        symbol="BTCUSD",
        trade_id=price,
        side=Side.SELL,
        price=D(price),
        quantity=D(2),
        realised_pnl=D("0.5"),
        time_ms=AT_MS,
    )


def test_an_account_has_its_open_orders_its_positions_and_its_fills() -> None:
    board = Board.of(["BTCUSD", "ETHUSD"], account=True)
    for event in (order("a"), stop("s"), order("b"), order("a", "Filled"), order("e", "New", "X")):
        board.apply(event, 0.0)
    own = board.markets["BTCUSD"].own
    assert own is not None
    assert list(own.orders) == ["s", "b"]
    board.apply(stop("s", "Triggered"), 0.0)
    board.apply(order("s"), 0.0)
    assert own.orders["s"] == order("s")
    board.apply(stop("s", "Filled"), 0.0)
    assert list(own.orders) == ["b"]
    for event in (position("5"), position("3", 2), position("0"), fill("1"), fill("2")):
        board.apply(event, 0.0)
    assert own.held == [position("3", 2)]
    assert [f.price for f in own.fills] == [D(2), D(1)]
    assert board.markets["ETHUSD"].own is not own


def test_without_an_account_there_is_none() -> None:
    board = Board.of(["BTCUSD"])
    board.apply(order("a"), 0.0)
    assert board.markets["BTCUSD"].own is None
    assert not board.shows_account
    assert not any("Position" in row.plain for row in render(board, 80, 24, now_s=0.0))


def own_board() -> Board:
    board = Board.of(["BTCUSD"], account=True)
    for event in (order("a"), stop("s"), position("1500"), fill("9"), book()):
        board.apply(event, 0.0)
    return board


def test_the_account_gives_way_where_there_is_no_room() -> None:
    def shown(width: int, height: int) -> str:
        return "\n".join(row.plain for row in render(own_board(), width, height, now_s=0.0))

    roomy = shown(80, 24)
    assert "Position  long 1,500 at 7.5  unrealised -0.00000001" in roomy
    assert "  9 1 " in roomy, "an order of no side has no arrow"
    assert "8 1 stoploss" in roomy
    assert "▼ 9 2 +0.5" in roomy
    narrow = shown(40, 24)
    assert "Position  long 1,500 at 7.5" in narrow
    assert "Fills" not in narrow
    assert "Position" not in shown(80, 14)
    assert "Book" in shown(80, 14)


def test_a_copy_of_an_account_is_left_alone() -> None:
    board = own_board()
    copied = board.copied()
    before = render(copied, 80, 24, now_s=0.0)
    for event in (order("c"), position("0"), fill("4")):
        board.apply(event, 0.0)
    assert render(copied, 80, 24, now_s=0.0) == before
    assert render(board, 80, 24, now_s=0.0) != before


def test_the_rate_is_a_mean_over_whole_seconds() -> None:
    board = Board.of(["BTCUSD"])
    assert board.rate(0.0) == 0.0
    for tenth in range(100):
        board.apply(trade(), 100 + tenth / 10)
    assert board.rate(110.0) == 10.0
    assert board.rate(110.9) == 10.0
    board.apply(trade(), 110.9)
    assert board.rate(110.95) == 10.0, "the second that has just begun does not count"
    assert board.rate(112.0) == (30 + 1) / RATE_S
    assert board.rate(200.0) == 0.0


def test_a_copy_is_left_alone_by_what_comes_later() -> None:
    board = Board.of(["BTCUSD"])
    board.apply(trade("1"), 0.0)
    before = render(board, 80, 24, now_s=1.0)
    copied = board.copied()
    assert render(copied, 80, 24, now_s=1.0) == before
    for event in (trade("2"), trade("5"), connected(), book(), lost()):
        board.apply(event, 0.0)
    board.note(AT, "x\n")
    assert words(board)[-1] == "x?"
    assert render(copied, 80, 24, now_s=1.0) == before
    assert render(board, 80, 24, now_s=1.0) != before


SYMBOLS = st.sampled_from(["BTCUSD", "ETHUSD", "XRPUSD"])
NUMBERS = st.one_of(
    st.decimals(min_value=-1, max_value=10**12, allow_nan=False, places=4),
    st.sampled_from([D("1E+3"), D("0"), D("-0"), D("1E-12"), D("1E+30"), D("123456789.123456789")]),
)
MAYBE = st.none() | NUMBERS
TIMES = st.integers(0, 4_102_444_800_000)
TEXTS = st.text(max_size=40)
METAS = st.builds(Meta, sent_ms=st.none() | TIMES, connection=st.none() | st.integers(1, 3))
LEVELS = st.lists(
    st.tuples(NUMBERS, NUMBERS.filter(lambda size: size > 0)),
    max_size=6,
    unique_by=lambda level: float(level[0]),
)
EVENTS: st.SearchStrategy[Event | OrderBook] = st.one_of(
    st.builds(
        Trade,
        meta=METAS,
        symbol=SYMBOLS,
        id=st.just("1"),
        side=st.sampled_from(["Buy", "Sell", "Other"]).map(Side),
        price=NUMBERS,
        size=NUMBERS,
        time_ms=TIMES,
    ),
    st.builds(
        Ticker,
        meta=METAS,
        symbol=SYMBOLS,
        last_price=MAYBE,
        change_24h=MAYBE,
        mark_price=MAYBE,
        funding_rate=MAYBE,
        next_funding_ms=st.none() | TIMES,
        open_interest=MAYBE,
        volume_24h=MAYBE,
    ),
    st.builds(
        OrderBook,
        symbol=SYMBOLS,
        depth=st.just(50),
        bids=LEVELS,
        asks=LEVELS,
        state=st.sampled_from(BookState),
        meta=METAS,
    ),
    st.builds(kline, TIMES, st.just("5")),
    st.builds(order, TEXTS, st.sampled_from(["New", "Filled", "Novel"]), SYMBOLS),
    st.builds(stop, TEXTS),
    st.builds(position, NUMBERS.map(str), st.integers(0, 2)),
    st.builds(fill, NUMBERS.map(str)),
    st.builds(
        Insurance, coin=TEXTS, symbols=st.just(()), balance=NUMBERS, time_ms=TIMES, meta=METAS
    ),
)
WHERE = {
    "time": st.datetimes(timezones=st.just(timezone.utc)),
    "connection": st.none() | st.integers(1, 3),
}
STATUSES: st.SearchStrategy[Status] = st.one_of(
    st.builds(Connecting, url=TEXTS, **WHERE),
    st.builds(Connected, url=TEXTS, **WHERE),
    st.builds(Subscribed, topics=st.lists(TEXTS, max_size=3).map(tuple), **WHERE),
    st.builds(Disconnected, reason=TEXTS, **WHERE),
    st.builds(Reconnecting, attempt=st.integers(1, 99), delay_s=st.floats(0, 60), **WHERE),
    st.builds(
        Gap,
        topic=TEXTS,
        after_ms=st.none() | TIMES,
        before_ms=st.none() | TIMES,
        lost=st.none() | st.integers(0, 9),
        **WHERE,
    ),
    st.builds(Rejected, topic=TEXTS, message=TEXTS, **WHERE),
    st.builds(Stale, topic=TEXTS, **WHERE),
    st.builds(Resynced, topic=TEXTS, reason=TEXTS, **WHERE),
    st.builds(DecodeFailed, topic=TEXTS, raw=TEXTS, messages=st.just(["x"]), **WHERE),
    st.builds(Dropped, count=st.integers(1, 9), topic=st.none() | TEXTS, **WHERE),
)


@given(
    st.lists(st.one_of(EVENTS, STATUSES), max_size=30),
    st.integers(1, 140),
    st.integers(1, 50),
    st.integers(0, 5),
    st.booleans(),
)
def test_no_order_of_events_breaks_the_board_or_its_picture(
    events: list[Event | OrderBook | Status], width: int, height: int, first: int, made: bool
) -> None:
    board = Board.of(["BTCUSD", "ETHUSD"], chart_ms=5000 if made else None, account=made)
    for number, event in enumerate(events):
        board.apply(event, number / 3)
    rows = render(board.copied(), width, height, now_s=len(events) / 3, first=first, keys="q quit")
    assert len(rows) == height
    assert {row.cell_len for row in rows} == {width}
    assert not any(c in row.plain for row in rows for c in "\n\r\t\x1b")
