"""Events and statuses: what they show, when they are equal, and what survives a copy."""

from __future__ import annotations

import copy
import json
import pickle
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from unittest import mock

import msgspec
import pytest

import rxbybit
from rxbybit import (
    Account,
    Balance,
    BookDelta,
    BookSnapshot,
    Connected,
    Connecting,
    ContractType,
    DecodeFailed,
    Disconnected,
    Dropped,
    Event,
    ExtraFee,
    Gap,
    Instrument,
    InstrumentStatus,
    Insurance,
    Kline,
    Liquidation,
    Meta,
    Order,
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
    TickDirection,
    Ticker,
    TickerUpdate,
    Trade,
    UserTrade,
)
from rxbybit.events import utc

NOW = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=timezone.utc)
NOW_MS = 1_767_323_045_678
GAP = Gap(time=NOW, connection=2, topic="t", after_ms=1, before_ms=9)
META = Meta("t", "delta", 5, 4, 6_000_000, 2, False, GAP)
ONE = Decimal("1.50")


def trade(**changes: Any) -> Trade:
    facts = {"symbol": "BTCUSD", "id": "a", "side": Side.BUY, "price": ONE, "size": Decimal(7)}
    return Trade(**{**facts, "time_ms": NOW_MS, "meta": META, **changes})


EVENTS: Sequence[Event] = [
    trade(),
    trade(tick_direction=TickDirection.PLUS, sequence=4, is_block=True, is_rpi=False),
    Ticker(
        symbol="A", last_price=ONE, delivery_ms=NOW_MS, changed=frozenset({"b", "a"}), meta=META
    ),
    TickerUpdate(symbol="A", last_price=ONE, changed=frozenset({"last_price"})),
    Kline(
        symbol="A",
        interval="1m",
        start_ms=NOW_MS,
        end_ms=NOW_MS + 59_999,
        open=ONE,
        high=ONE,
        low=ONE,
        close=ONE,
        volume=ONE,
        turnover=ONE,
        closed=False,
    ),
    BookSnapshot(symbol="A", depth=50, bids=((ONE, ONE),), asks=(), update_id=1, sequence=2),
    BookDelta(symbol="A", depth=50, bids=(), asks=((ONE, Decimal(0)),), meta=META),
    Liquidation(symbol="A", side=Side.SELL, price=ONE, size=ONE, time_ms=NOW_MS),
    Insurance(coin="BTC", symbols=("A", "B"), balance=ONE, time_ms=NOW_MS),
    Instrument(
        category="inverse",
        symbol="A",
        contract_type=ContractType.INVERSE_FUTURES,
        status=InstrumentStatus.TRADING,
        base_coin="A",
        quote_coin="USD",
        tick_size=ONE,
        quantity_step=ONE,
        min_quantity=ONE,
        max_quantity=ONE,
        delivery_ms=NOW_MS,
    ),
    Balance(coin="BTC", equity=ONE, meta=META),
    Account(account_type="UNIFIED", equity=ONE),
    Position(category="inverse", symbol="A", size=ONE, updated_ms=NOW_MS),
    Order(category="inverse", symbol="A", order_id="a", status=OrderStatus.NEW, quantity=ONE),
    StopOrder(
        category="inverse",
        symbol="A",
        order_id="a",
        status=OrderStatus.UNTRIGGERED,
        quantity=ONE,
        stop_order_type=StopOrderType.STOP,
        created_ms=NOW_MS,
    ),
    UserTrade(
        category="inverse",
        symbol="A",
        trade_id="a",
        price=ONE,
        quantity=ONE,
        extra_fees=(ExtraFee(coin="A", type="GST", amount=ONE),),
        time_ms=NOW_MS,
    ),
]
STATUSES: Sequence[Status] = [
    Connecting(time=NOW, url="ws://h", connection=1),
    Connected(time=NOW, url="ws://h", connection=1),
    Subscribed(time=NOW, topics=("a", "b"), connection=1),
    Disconnected(time=NOW, reason="gone", connection=1),
    Reconnecting(time=NOW, attempt=2, delay_s=0.25, connection=1),
    GAP,
    Stale(time=NOW, topic="t", connection=1),
    Resynced(time=NOW, topic="t", reason="update 7 came after 5"),
    RequestFailed(time=NOW, url="http://h/p", reason="no answer", attempt=2, delay_s=0.5),
    Rejected(time=NOW, topic="a", message="no", connection=1),
    DecodeFailed(time=NOW, topic="a", raw="{", messages={"data": {0: ["wrong"]}}),
    Dropped(time=NOW, count=3),
]
VALUES = [*EVENTS, *STATUSES]


def name_of(value: object) -> str:
    return type(value).__name__


def kinds(root: type) -> Iterator[type]:
    """Every public kind below ``root``."""
    for name in rxbybit.__all__:
        kind = getattr(rxbybit, name)
        if isinstance(kind, type) and issubclass(kind, root) and kind is not root:
            yield kind


def test_there_is_a_sample_of_every_kind() -> None:
    assert {type(event) for event in EVENTS} == set(kinds(Event))
    assert {type(status) for status in STATUSES} == set(kinds(Status))


# what they show


def test_the_repr_shows_times_as_iso_and_leaves_out_what_is_not_there() -> None:
    assert repr(trade()) == (
        "Trade(symbol='BTCUSD', id='a', side=Buy, price=1.50, size=7,"
        " time=2026-01-02T03:04:05.678Z, is_block=False)"
    )
    delivery = Ticker(symbol="A", delivery_ms=0, changed=frozenset({"delivery_ms"}))
    assert repr(delivery) == (
        "Ticker(symbol='A', delivery=1970-01-01T00:00:00.000Z, changed=frozenset({'delivery_ms'}))"
    )


def test_the_repr_of_a_status_begins_with_its_time_and_ends_with_its_link() -> None:
    assert repr(GAP) == (
        "Gap(time=2026-01-02T03:04:05.678Z, topic='t', after_ms=1, before_ms=9, filled=0,"
        " lost=None, connection=2)"
    )


@pytest.mark.parametrize("kind", [*kinds(Event), Meta])
def test_every_time_in_milliseconds_has_its_datetime(kind: type[Event]) -> None:
    for name in kind.__struct_fields__:
        if name.endswith("_ms"):
            assert isinstance(getattr(kind, name.removesuffix("_ms")), utc)


def test_a_datetime_is_aware_and_utc() -> None:
    moment = trade().time
    assert moment == NOW.replace(microsecond=678_000)
    assert moment.utcoffset() == timedelta(0)
    assert (META.sent, META.matched) == (
        datetime(1970, 1, 1, 0, 0, 0, 5000, tzinfo=timezone.utc),
        datetime(1970, 1, 1, 0, 0, 0, 4000, tzinfo=timezone.utc),
    )
    assert Meta().sent is None
    last = datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=timezone.utc)
    assert trade(time_ms=253_402_300_799_999).time == last


# equality


def test_events_are_equal_when_all_but_meta_is() -> None:
    assert trade() == trade(meta=Meta())
    assert hash(trade()) == hash(trade(meta=Meta()))
    assert not (trade() != trade(meta=Meta()))  # noqa: SIM202 - != is a method of its own
    assert trade() != trade(id="b")
    assert not (trade() == trade(id="b"))  # noqa: SIM201
    assert trade() == mock.ANY  # what it cannot compare with may compare with it
    assert trade(price=Decimal("1.5")) == trade()
    assert trade() != 5
    full = {"symbol": "A", "last_price": ONE}
    ticker, update = Ticker(**full), TickerUpdate(**full)  # type: ignore[arg-type]
    assert ticker != update
    assert not (ticker == update)  # noqa: SIM201
    assert hash(ticker) != hash(update)
    assert len({trade(), trade(meta=Meta()), trade(id="b")}) == 2


@pytest.mark.parametrize("value", VALUES, ids=name_of)
def test_each_hashes_and_differs_by_every_attribute(value: Any) -> None:
    assert hash(value) == hash(copy.deepcopy(value))
    for name in value.__struct_fields__:
        other = msgspec.structs.replace(value, **{name: object()})
        assert (other == value) == (isinstance(value, Event) and name == "meta"), name


@pytest.mark.parametrize("value", VALUES, ids=name_of)
def test_none_can_be_changed(value: Any) -> None:
    for name in value.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(value, name, None)


# copies


@pytest.mark.parametrize("value", [*VALUES, META], ids=name_of)
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_each_survives_a_pickle(value: Any, protocol: int) -> None:
    again = pickle.loads(pickle.dumps(value, protocol))
    assert type(again) is type(value)
    assert again == value
    assert getattr(again, "meta", None) == getattr(value, "meta", None)


@pytest.mark.parametrize("value", VALUES, ids=name_of)
@pytest.mark.parametrize("copier", [copy.copy, copy.deepcopy])
def test_each_survives_a_copy(value: Any, copier: Any) -> None:
    again = copier(value)
    assert type(again) is type(value)
    assert (again, getattr(again, "meta", 0)) == (value, getattr(value, "meta", 0))


def test_one_is_made_of_another() -> None:
    changed = msgspec.structs.replace(trade(), price=Decimal(9))
    assert (changed.price, changed.size, changed.meta) == (9, 7, META)
    if sys.version_info >= (3, 13):
        assert copy.replace(trade(), price=Decimal(9)) == changed


def test_each_matches_by_its_attributes() -> None:
    event: Event = trade()
    match event:
        case Trade(side=Side.SELL):
            found = "sell"
        case Trade(symbol="BTCUSD", side="Buy", price=price):
            found = price
        case _:
            found = None
    assert found == ONE


@pytest.mark.parametrize("kind", [*kinds(Event), *kinds(Status)])
def test_each_takes_keywords_only(kind: Any) -> None:
    with pytest.raises(TypeError, match="positional"):
        kind("BTCUSD")


# JSON


def test_json_has_decimals_as_text_and_milliseconds_as_integers() -> None:
    assert trade(sequence=4).to_json() == (
        b'{"event":"Trade","symbol":"BTCUSD","id":"a","side":"Buy","price":"1.50","size":"7",'
        b'"time_ms":1767323045678,"sequence":4,"is_block":false}'
    )


def test_json_has_meta_when_it_is_asked_for() -> None:
    assert json.loads(trade().to_json(meta=True))["meta"] == {
        "topic": "t",
        "kind": "delta",
        "sent_ms": 5,
        "matched_ms": 4,
        "received_ns": 6_000_000,
        "connection": 2,
        "backfilled": False,
        "gap": {
            "time": "2026-01-02T03:04:05.678901Z",
            "connection": 2,
            "topic": "t",
            "after_ms": 1,
            "before_ms": 9,
            "filled": 0,
        },
    }
    assert json.loads(trade(meta=Meta()).to_json(meta=True))["meta"] == {
        "topic": "",
        "kind": "snapshot",
        "received_ns": 0,
        "backfilled": False,
    }


def test_json_sorts_sets_and_nests_levels() -> None:
    changed = frozenset(Ticker.__struct_fields__)
    ticker = json.loads(Ticker(symbol="A", changed=changed).to_json())
    assert ticker == {"event": "Ticker", "symbol": "A", "changed": sorted(changed)}
    book = json.loads(EVENTS[5].to_json())
    assert (book["bids"], book["asks"]) == ([["1.50", "1.50"]], [])


@pytest.mark.parametrize("value", VALUES, ids=name_of)
def test_json_names_its_kind_first_and_holds_no_none(value: Any) -> None:
    text = value.to_json()
    row = json.loads(text)
    assert next(iter(row)) == "event"
    assert row.pop("event") == type(value).__name__
    there = {n for n in value.__struct_fields__ if getattr(value, n) is not None} - {"meta"}
    assert set(row) == there
    assert None not in row.values()
    assert b"\n" not in text


def test_json_of_statuses() -> None:
    rows = {name_of(status): json.loads(status.to_json()) for status in STATUSES}
    begin = {"time": "2026-01-02T03:04:05.678901Z", "connection": 1}
    assert rows["Subscribed"] == {"event": "Subscribed", **begin, "topics": ["a", "b"]}
    assert rows["Reconnecting"] == {
        "event": "Reconnecting",
        **begin,
        "attempt": 2,
        "delay_s": 0.25,
    }
    assert rows["DecodeFailed"]["messages"] == {"data": {"0": ["wrong"]}}


# open enums


def test_an_unknown_value_of_the_wire_passes_through() -> None:
    odd = Side("Borrow")
    assert (odd, str(odd), odd.value, odd.known) == ("Borrow", "Borrow", "Borrow", False)
    assert odd == Side("Borrow")
    assert hash(odd) == hash("Borrow")
    assert Side("Borrow") not in list(Side)
    assert Side("Buy") is Side.BUY
    assert Side.BUY.known
    again = pickle.loads(pickle.dumps(odd))
    assert (again, type(again), again.known) == (odd, Side, False)
    assert pickle.loads(pickle.dumps(Side.BUY)) is Side.BUY
    assert copy.deepcopy(odd) == odd
    assert json.loads(trade(side=odd).to_json())["side"] == "Borrow"
    assert msgspec.json.decode(b'"Borrow"', type=Side) == odd


@pytest.mark.parametrize("wrong", ["", None, 1, b"Buy"])
def test_what_is_no_value_is_none(wrong: Any) -> None:
    with pytest.raises(ValueError, match="not a valid Side"):
        Side(wrong)


def test_the_name_of_a_member_is_no_value() -> None:
    assert not Side("BUY").known
