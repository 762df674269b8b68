"""Every recorded V5 frame decodes, or is known to be something we do not offer."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from rxbybit.book import BookDelta, BookSnapshot, OrderBook
from rxbybit.bookkeeping import BookKeeper, BookText, NoRenewal
from rxbybit.errors import DecodeError
from rxbybit.events import TickDirection
from rxbybit.schema.decoder import TopicDecoder
from rxbybit.streams import ORDER_BOOK, find_specs
from rxbybit.streams.kline import Kline
from rxbybit.streams.trade import Trade
from rxbybit.ticker import TickerUpdate
from tests.conformance.keys import unknown_keys

# Topics that have no stream.
NOT_OFFERED = {
    *("greeks", "strategy"),
    *("adlAlert", "priceLimit", "system", "orderbook.rpi", "orderbook.full"),
}


@pytest.fixture(params=["msgspec", "marshmallow"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("RXBYBIT_DECODER", request.param)
    return request.param


def lines(frames: Path) -> Iterator[bytes]:
    for file in sorted((frames / "v5").glob("*.jsonl")):
        if not file.name.startswith("rest_"):
            yield from file.read_bytes().splitlines()


def family(topic: str) -> str:
    head, _, rest = topic.partition(".")
    second = rest.partition(".")[0]
    return f"{head}.{second}" if second in ("rpi", "full", "fast") else head


def decoded(data: bytes) -> list[Any]:  # Any: events of whichever stream
    problems: list[DecodeError] = []
    topic = json.loads(data)["topic"]
    specs = find_specs(topic)
    assert specs
    events = [
        event
        for spec in specs
        for event in TopicDecoder(spec, "v5", topic, report=problems.append).decode(data, 1, 1)
    ]
    assert problems == []
    return events


# Any: JSON, and events of whichever stream
def all_of(frames: Path, *names: str) -> Iterator[tuple[dict[str, Any], list[Any]]]:
    """The offered frames of these captures in order, and their events."""
    for name in names:
        for data in (frames / "v5" / f"{name}.jsonl").read_bytes().splitlines():
            frame = json.loads(data)
            if find_specs(frame.get("topic", "")):
                yield frame, decoded(data)


def test_every_line_is_an_event_or_accounted_for(frames: Path, path: str) -> None:
    seen: Counter[str] = Counter()
    for data in lines(frames):
        frame = json.loads(data)
        topic = frame.get("topic")
        if topic is None:
            assert {"op", "success", "type"} & frame.keys()
            seen["control"] += 1
        elif not find_specs(topic):
            assert family(topic) in NOT_OFFERED
            seen["not offered"] += 1
        else:
            events = decoded(data)
            items = frame["data"] if isinstance(frame["data"], list) else [frame["data"]]
            if topic == "wallet":
                items += [coin for item in items for coin in item["coin"]]
            assert len(events) == len(items)
            seen.update(type(event).__name__ for event in events)
    assert seen == {
        "control": 66,
        "not offered": 7,
        "Trade": 66,
        "TickerUpdate": 148,
        "Kline": 52,
        "BookSnapshot": 69,
        "BookDelta": 181,
        "Liquidation": 4,
        "Insurance": 4,
        "Position": 11,
        "UserTrade": 10,
        "OrderItem": 8,
        "Account": 8,
        "Balance": 25,
    }


def test_no_key_is_unknown(frames: Path) -> None:
    for data in lines(frames):
        frame = json.loads(data)
        for spec in find_specs(frame.get("topic", "")):
            wire = spec.wire("v5").at(frame["topic"])
            assert wire is not None
            assert unknown_keys(wire, frame) == set(), frame["topic"]


def test_both_paths_give_the_same(frames: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for data in lines(frames):
        if not find_specs(json.loads(data).get("topic", "")):
            continue
        monkeypatch.setenv("RXBYBIT_DECODER", "msgspec")
        fast = decoded(data)
        monkeypatch.setenv("RXBYBIT_DECODER", "marshmallow")
        slow = decoded(data)
        assert [e.to_json(meta=True) for e in fast] == [e.to_json(meta=True) for e in slow]
        assert fast == slow


def test_values_come_out_as_they_were_sent(frames: Path, path: str) -> None:
    """Decimals keep their text, times their digits."""
    for frame, events in all_of(frames, "public_trade", "kline", "orderbook", "orderbook_level1"):
        data = frame["data"] if isinstance(frame["data"], list) else [frame["data"]]
        for item, event in zip(data, events, strict=True):
            match event:
                case Trade():
                    assert (str(event.price), str(event.size)) == (item["p"], item["v"])
                    assert (event.id, event.symbol, event.side) == (item["i"], item["s"], item["S"])
                    assert (event.time_ms, event.sequence) == (item["T"], item.get("seq"))
                    assert (event.is_block, event.is_rpi) == (item["BT"], item.get("RPI"))
                    assert event.tick_direction == item.get("L")
                case Kline():
                    names = ("open", "high", "low", "close", "volume", "turnover")
                    assert [str(getattr(event, n)) for n in names] == [item[n] for n in names]
                    assert (event.start_ms, event.end_ms) == (item["start"], item["end"])
                    assert (event.closed, event.time_ms) == (item["confirm"], item["timestamp"])
                    assert frame["topic"] == f"kline.{item['interval']}.{event.symbol}"
                case BookSnapshot() | BookDelta():
                    assert [[str(p), str(s)] for p, s in event.bids] == item["b"]
                    assert [[str(p), str(s)] for p, s in event.asks] == item["a"]
                    assert (event.update_id, event.sequence) == (item["u"], item["seq"])
                    assert frame["topic"] == f"orderbook.{event.depth}.{event.symbol}"
                case _:
                    pytest.fail(f"{event}")


# Facts of the wire that the docstrings of events and schemas state, each on a capture.


def test_fact_trades_in_a_frame_are_in_time_order(frames: Path) -> None:
    for _, events in all_of(frames, "public_trade"):
        assert all(a.time_ms <= b.time_ms for a, b in pairwise(events) if isinstance(a, Trade))


def test_fact_one_frame_may_hold_several_sequences(frames: Path) -> None:
    counts = {len({e.sequence for e in events}) for _, events in all_of(frames, "public_trade")}
    assert max(counts) > 1


def test_fact_spot_trades_have_digits_for_ids_and_no_tick_direction(frames: Path) -> None:
    spot = [e for _, es in all_of(frames, "capture_spot", "public_trade") for e in es]
    spot = [e for e in spot if isinstance(e, Trade) and e.id.isdigit()]
    assert spot
    assert all(trade.tick_direction is None for trade in spot)


def test_fact_ticks_and_sides_are_known(frames: Path) -> None:
    for _, events in all_of(frames, "public_trade", "tickers"):
        for event in events:
            tick: TickDirection | None = event.tick_direction
            assert tick is None or tick.known


def test_fact_a_frame_may_close_a_candle_and_begin_the_next(frames: Path) -> None:
    pairs = [events for _, events in all_of(frames, "kline") if len(events) == 2]
    assert pairs
    for closed, born in pairs:
        assert isinstance(closed, Kline)
        assert isinstance(born, Kline)
        assert (closed.closed, born.closed) == (True, False)
        assert closed.end_ms + 1 == born.start_ms


def test_fact_a_candle_ends_with_its_last_millisecond(frames: Path) -> None:
    minutes = [e for _, es in all_of(frames, "kline") for e in es if e.interval == "1m"]
    assert minutes
    assert {kline.end_ms - kline.start_ms for kline in minutes} == {59_999}


def test_fact_update_ids_rise_by_one_after_a_snapshot(frames: Path) -> None:
    events = [e for _, es in all_of(frames, "orderbook") for e in es if e.depth == 200]
    runs = list(pairwise(events))
    assert len(runs) > 100
    for before, after in runs:
        if isinstance(after, BookDelta):
            assert after.update_id == before.update_id + 1
        else:
            assert isinstance(after, BookSnapshot)


def test_fact_sides_are_sorted_best_first(frames: Path) -> None:
    for _, events in all_of(frames, "orderbook", "orderbook_level1"):
        for book in events:
            assert all(a[0] > b[0] for a, b in pairwise(book.bids))
            assert all(a[0] < b[0] for a, b in pairwise(book.asks))


def kept(data: list[bytes]) -> Iterator[OrderBook]:
    """The book of one topic after each of its frames."""
    problems: list[DecodeError] = []
    topic = json.loads(data[0])["topic"]
    decode = TopicDecoder(ORDER_BOOK, "v5", topic, report=problems.append).decode
    keeper = BookKeeper(NoRenewal(), Decimal)
    for frame in data:
        for text in decode(frame, 1, 1):
            assert isinstance(text, BookText)
            keeper.apply(text)
            assert keeper.news is not None
            yield keeper.news
    assert problems == []


def test_fact_a_book_that_is_kept_stays_full_and_in_step(frames: Path, path: str) -> None:
    by_topic: dict[str, list[bytes]] = {}
    for name in ("orderbook", "capture_linear", "capture_spot"):
        for data in (frames / "v5" / f"{name}.jsonl").read_bytes().splitlines():
            topic = json.loads(data).get("topic", "")
            if topic.startswith("orderbook.200."):
                by_topic.setdefault(f"{name} {topic}", []).append(data)
    deltas = 0
    for data in by_topic.values():
        naive: dict[str, dict[Decimal, Decimal]] = {"b": {}, "a": {}}
        for frame, book in zip(map(json.loads, data), kept(data), strict=True):
            if frame["type"] == "snapshot":
                naive = {"b": {}, "a": {}}
            for side, levels in naive.items():
                levels |= {Decimal(price): Decimal(size) for price, size in frame["data"][side]}
                naive[side] = {price: size for price, size in levels.items() if size}
            assert (len(book.bids), len(book.asks)) == (200, 200)
            assert book.state == "synced"
            assert book.bids == tuple(sorted(naive["b"].items(), reverse=True))
            assert book.asks == tuple(sorted(naive["a"].items()))
            assert book.bids[0][0] < book.asks[0][0]
            deltas += frame["type"] == "delta"
    assert deltas > 150


def test_fact_a_deleted_level_is_spelled_zero(frames: Path) -> None:
    sizes = [s for _, es in all_of(frames, "orderbook") for e in es for _, s in (*e.bids, *e.asks)]
    gone = [size for size in sizes if size == 0]
    assert gone
    assert {str(size) for size in gone} == {"0"}


def test_fact_depth_1_repeats_itself_with_the_same_update_id(frames: Path) -> None:
    first = [e for _, es in all_of(frames, "orderbook_level1") for e in es][:30]
    assert all(isinstance(book, BookSnapshot) for book in first)
    repeats = [b for a, b in pairwise(first) if a.update_id == b.update_id]
    assert repeats
    for before, after in pairwise(first):
        if before.update_id == after.update_id:
            assert (before.bids, before.asks) == (after.bids, after.asks)
            assert after.sequence >= before.sequence


def test_fact_frames_say_when_they_were_matched(frames: Path) -> None:
    for frame, events in all_of(frames, "capture_linear", "capture_spot"):
        if frame["topic"].startswith("orderbook"):
            assert events[0].meta.matched_ms <= events[0].meta.sent_ms


def test_fact_bid_and_ask_change_with_their_sizes(frames: Path) -> None:
    for _, events in all_of(frames, "tickers", "capture_linear"):
        for update in events:
            if isinstance(update, TickerUpdate) and update.meta.kind == "delta":
                assert ("bid_price" in update.changed) == ("bid_size" in update.changed)
                assert ("ask_price" in update.changed) == ("ask_size" in update.changed)


def test_fact_spot_tickers_are_snapshots_without_bid_and_ask(frames: Path) -> None:
    spot = [e for _, es in all_of(frames, "capture_spot") for e in es]
    spot = [e for e in spot if isinstance(e, TickerUpdate)]
    assert spot
    for update in spot:
        assert update.meta.kind == "snapshot"
        assert not {"bid_price", "ask_price"} & update.changed


def test_fact_one_side_is_half_of_the_open_interest(frames: Path) -> None:
    both = [e for _, es in all_of(frames, "tickers") for e in es]
    both = [e for e in both if isinstance(e, TickerUpdate) and e.single_open_interest is not None]
    assert both
    for update in both:
        assert update.open_interest is not None
        assert update.single_open_interest is not None
        both_sides = 2 * update.single_open_interest
        rounding = Decimal(1).scaleb(int(both_sides.as_tuple().exponent))
        assert abs(update.open_interest - both_sides) <= rounding


def test_fact_prelisting_keys_are_empty(frames: Path) -> None:
    full = [e for _, es in all_of(frames, "capture_linear") for e in es]
    full = [e for e in full if isinstance(e, TickerUpdate) and "pre_quantity" in e.changed]
    assert full
    assert all(e.pre_quantity is e.pre_open_price is e.pre_listing_phase is None for e in full)


# Private frames are samples of the manual: what they show is little, and stands here.


# Any: events of whichever stream
def private(frames: Path, name: str) -> list[Any]:
    return [event for _, events in all_of(frames, name) for event in events]


def test_fact_private_frames_name_no_kind_and_the_time_they_were_made(frames: Path) -> None:
    for name in ("position", "execution", "execution_fast", "order", "wallet"):
        for frame, events in all_of(frames, name):
            assert not {"type", "ts", "cts"} & frame.keys()
            assert {e.meta.sent_ms for e in events} == {frame["creationTime"]}
            assert {(e.meta.kind, e.meta.matched_ms) for e in events} == {("snapshot", None)}


def test_fact_a_flat_position_has_no_side_and_what_is_not_set_is_0(frames: Path) -> None:
    positions = private(frames, "position")
    assert {bool(position.side) for position in positions} == {True, False}
    for position in positions:
        assert (position.side is None) == (position.size == 0)
        assert position.take_profit is position.stop_loss is position.trailing_stop is None
    for frame, _ in all_of(frames, "position"):
        assert {frame["data"][0][key] for key in ("takeProfit", "trailingStop")} == {"0"}


def test_fact_an_execution_and_the_position_it_made_share_the_sequence(frames: Path) -> None:
    trades = {(t.symbol, t.sequence) for t in private(frames, "execution")}
    positions = {(p.symbol, p.sequence) for p in private(frames, "position") if p.side}
    assert ("XRPUSDT", 4688002127) in trades & positions


def test_fact_executions_of_orders_that_are_no_stops_say_unknown(frames: Path) -> None:
    for frame, [trade] in all_of(frames, "execution"):
        assert frame["data"][0]["stopOrderType"] == "UNKNOWN"
        assert (trade.stop_order_type, trade.type) == (None, "Trade")


def test_fact_value_and_fee_follow_from_price_and_quantity(frames: Path) -> None:
    """Of linear: one old sample gives 0 for the value."""
    for trade in private(frames, "execution"):
        value = trade.price * trade.quantity
        assert trade.value in (value, 0)
        assert trade.fee == value * trade.fee_rate


def test_fact_options_leave_open_what_is_left_of_an_order(frames: Path) -> None:
    for order in private(frames, "order"):
        assert order.leaves_quantity is order.leaves_value is order.trigger_direction is None
        assert (order.filled_quantity, order.status, order.reject_reason) == (1, "Filled", None)


def test_fact_equity_is_the_balance_with_profit_where_there_are_no_options(frames: Path) -> None:
    balances = [b for b in private(frames, "wallet") if type(b).__name__ == "Balance"]
    plain = [b for b in balances if b.coin in ("USDT", "BTC")]
    assert len(plain) > 10
    for balance in plain:
        assert balance.equity == balance.wallet_balance + balance.unrealised_pnl


def test_fact_margin_balance_is_the_wallet_balance_with_unrealised_profit(frames: Path) -> None:
    accounts = [a for a in private(frames, "wallet") if type(a).__name__ == "Account"]
    assert accounts
    for account in accounts:
        sum_of_both = account.wallet_balance + account.unrealised_pnl
        assert abs(account.margin_balance - sum_of_both) < Decimal("0.0001")
