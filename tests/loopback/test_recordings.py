"""What the exchange recorded comes out as typed events, one by one, over a real socket.

Each value is compared with the raw frame, read here with ``json`` and ``Decimal`` alone.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from reactivex import abc

from rxbybit import BookDelta, BookSnapshot, Bybit, Event, Gap, Kline, Ticker, TickerUpdate, Trade
from rxbybit.config import Backoff, Category
from rxbybit.sim import Cut, Fault, Recording, serve_in_thread

FILES: list[tuple[str, Category, int]] = [
    ("capture_linear", "linear", 100),
    ("capture_spot", "spot", 53),
    ("orderbook", "linear", 118),
    ("tickers", "linear", 90),
    ("kline", "linear", 35),
    ("public_trade", "linear", 57),
]
Number = Callable[[str], Decimal | float]
Row = tuple[type[Event], dict[str, Any]]
NUMBERS: dict[str, Any] = {"Decimal": Decimal, "float": float}

TRADE = {"T": "time_ms", "s": "symbol", "S": "side", "v": "size", "p": "price", "i": "id"}
TRADE |= {"L": "tick_direction", "BT": "is_block", "RPI": "is_rpi", "seq": "sequence"}
KLINE = {"start": "start_ms", "end": "end_ms", "confirm": "closed", "timestamp": "time_ms"}
KLINE |= {name: name for name in ("open", "high", "low", "close", "volume", "turnover")}
TICKER = {
    "symbol": "symbol",
    "tickDirection": "tick_direction",
    "price24hPcnt": "change_24h",
    "lastPrice": "last_price",
    "prevPrice24h": "prev_price_24h",
    "highPrice24h": "high_24h",
    "lowPrice24h": "low_24h",
    "prevPrice1h": "prev_price_1h",
    "markPrice": "mark_price",
    "indexPrice": "index_price",
    "openInterest": "open_interest",
    "basis": "basis",
    "openInterestValue": "open_interest_value",
    "turnover24h": "turnover_24h",
    "volume24h": "volume_24h",
    "fundingIntervalHour": "funding_interval_hours",
    "fundingCap": "funding_cap",
    "singleOpenInterest": "single_open_interest",
    "singleOpenInterestValue": "single_open_interest_value",
    "deliveryTime": "delivery_ms",
    "basisRate": "basis_rate",
    "deliveryFeeRate": "delivery_fee_rate",
    "predictedDeliveryPrice": "predicted_delivery_price",
    "basisRateYear": "basis_rate_year",
    "nextFundingTime": "next_funding_ms",
    "fundingRate": "funding_rate",
    "predictedFundingRate": "predicted_funding_rate",
    "usdIndexPrice": "usd_index_price",
    "bid1Price": "bid_price",
    "bid1Size": "bid_size",
    "ask1Price": "ask_price",
    "ask1Size": "ask_size",
    "preOpenPrice": "pre_open_price",
    "preQty": "pre_quantity",
    "curPreListingPhase": "pre_listing_phase",
}
OPTION = {
    **TICKER,
    "bidPrice": "bid_price",
    "bidSize": "bid_size",
    "bidIv": "bid_volatility",
    "askPrice": "ask_price",
    "askSize": "ask_size",
    "askIv": "ask_volatility",
    "markPriceIv": "mark_volatility",
    "underlyingPrice": "underlying_price",
    "totalVolume": "total_volume",
    "totalTurnover": "total_turnover",
    "delta": "delta",
    "gamma": "gamma",
    "vega": "vega",
    "theta": "theta",
    "change24h": "change_24h",
}
TEXTS = {"symbol", "id", "side", "tick_direction", "pre_listing_phase", "interval"}
UNKEPT = {"interval"}  # of a candle: the topic says it


def lines_of(frames: Path, name: str) -> list[bytes]:
    raw = (frames / "v5" / f"{name}.jsonl").read_bytes().splitlines()
    if name == "public_trade":
        raw.pop()  # the frame before it once more: no trade comes twice
    return [line for line in raw if "topic" in json.loads(line)]


def expected(lines: list[bytes], number: Number) -> Iterator[tuple[str, Row]]:
    """Topic, class and every attribute of each event, in order."""
    for line in lines:
        frame = json.loads(line)
        items = frame["data"] if isinstance(frame["data"], list) else [frame["data"]]
        for item in items:
            kind, values = _row(frame["topic"].split("."), frame["type"], item, number)
            values["meta"] = (frame["topic"], frame["type"], frame["ts"], frame.get("cts"))
            yield frame["topic"], (kind, values)


def _row(topic: list[str], kind: str, item: dict[str, Any], number: Number) -> Row:
    family, symbol = topic[0], topic[-1]
    if family == "orderbook":
        values: dict[str, Any] = {"symbol": item["s"], "depth": int(topic[1])}
        for key, side in (("b", "bids"), ("a", "asks")):
            values[side] = tuple((number(price), number(size)) for price, size in item[key])
        values |= {"update_id": item["u"], "sequence": item["seq"]}
        return (BookSnapshot if kind == "snapshot" else BookDelta), values
    if family == "publicTrade":
        return Trade, _read(item, TRADE, number)
    if family == "kline":
        own = {"symbol": symbol, "interval": {"1": "1m", "5": "5m"}[topic[1]]}
        rest = {key: value for key, value in item.items() if key not in UNKEPT}
        return Kline, own | _read(rest, KLINE, number)
    values = _read(item, OPTION if symbol.endswith(("-C", "-P")) else TICKER, number)
    return TickerUpdate, {**values, "changed": frozenset(values) - {"symbol"}}


def _read(item: dict[str, Any], names: dict[str, str], number: Number) -> dict[str, Any]:
    return {names[key]: _value(names[key], value, number) for key, value in item.items()}


def _value(name: str, value: Any, number: Number) -> object:
    if value == "":
        return None
    if name in TEXTS or not isinstance(value, str):
        return value
    if name.endswith("_ms") or name == "funding_interval_hours":
        return moment(value) if "T" in value else int(value)
    return number(value)


def moment(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def row_of(event: Event) -> Row:
    """The same of an event, with every attribute that it has."""
    meta = event.meta
    values = {name: getattr(event, name) for name in event.__struct_fields__}
    return type(event), values | {"meta": (meta.topic, meta.kind, meta.sent_ms, meta.matched_ms)}


def whole(row: Row) -> Row:
    """``row`` with what was not said: ``None``, but for one attribute."""
    kind, values = row
    unsaid: dict[str, Any] = dict.fromkeys(kind.__struct_fields__)
    return kind, unsaid | ({"is_block": False} if kind is Trade else {}) | values


def assert_same(got: Sequence[Event], wanted: list[Row], numbers: type) -> None:
    for event, row in zip(got, wanted, strict=True):
        assert row_of(event) == whole(row)
        values: list[Any] = list(row_of(event)[1].values())
        for levels in (getattr(event, "bids", ()), getattr(event, "asks", ())):
            values += [number for level in levels for number in level]
        assert {type(v) for v in values if isinstance(v, Decimal | float)} <= {numbers}


def streams_of(client: Bybit, topics: list[str], category: Category) -> list[Any]:
    made: list[Any] = []
    for topic in topics:
        family, *middle, symbol = topic.split(".")
        if family == "orderbook":
            depth = int(middle[0])
            made.append(client.order_book_updates(symbol, depth=depth, category=category))
        elif family == "kline":
            made.append(client.klines(symbol, interval=middle[0], category=category))
        elif family == "publicTrade":
            made.append(client.trades(symbol, category=category))
        else:
            made.append(client.ticker_updates(symbol, category=category))
    return made


def play(
    lines: list[bytes],
    category: Category,
    done: Callable[[list[Any]], bool],
    *,
    faults: tuple[Fault, ...] = (),
    numbers: Any = Decimal,
    merged: bool = False,
    data_first: bool = False,
    **options: Any,
) -> tuple[list[Any], list[Gap]]:
    """What all streams of these frames give, in one list, and the gaps in it."""
    topics = list(dict.fromkeys(json.loads(line)["topic"] for line in lines))
    recording = Recording(lines, hold_until=topics, **options)
    got: list[Any] = []
    gaps: list[Gap] = []

    async def main() -> None:
        async with Bybit(
            served.url, numbers=numbers, gaps="mark", backoff=Backoff(first=0.01)
        ) as client:
            client.status().subscribe(lambda s: gaps.append(s) if isinstance(s, Gap) else None)
            client.status().subscribe(lambda s: got.append(s) if isinstance(s, Gap) else None)
            streams = streams_of(client, topics, category)
            if merged:
                symbols = [topic.partition(".")[2] for topic in topics]
                streams = [client.tickers(symbol, category=category) for symbol in symbols]
            live: list[abc.DisposableBase] = [stream.subscribe(got.append) for stream in streams]
            async with asyncio.timeout(60):
                while not done([event for event in got if not isinstance(event, Gap)]):
                    await asyncio.sleep(0.005)
            await asyncio.sleep(0.02)  # one too many would come now
            for subscription in live:
                subscription.dispose()

    with serve_in_thread({category: recording}, faults=faults, data_first=data_first) as served:
        asyncio.run(main())
    return got, gaps


@pytest.fixture(params=["msgspec", "marshmallow"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("RXBYBIT_DECODER", request.param)
    return request.param


@pytest.mark.parametrize("numbers", NUMBERS)
@pytest.mark.parametrize(("name", "category", "count"), FILES)
def test_every_frame_of_a_recording_arrives_as_it_was_sent(
    frames: Path, path: str, name: str, category: Category, count: int, numbers: str
) -> None:
    lines, number = lines_of(frames, name), NUMBERS[numbers]
    wanted = [row for _, row in expected(lines, number)]
    assert len(wanted) == count
    got, gaps = play(
        lines, category, lambda got: len(got) >= count, numbers=number, data_first=True
    )
    assert gaps == []
    assert_same(got, wanted, number)
    assert {event.meta.connection for event in got} == {1}
    assert all(event.meta.gap is None and not event.meta.backfilled for event in got)


@pytest.mark.parametrize("name", ["tickers", "capture_linear"])
def test_merged_tickers_are_the_sum_of_what_was_sent(frames: Path, path: str, name: str) -> None:
    lines = [line for line in lines_of(frames, name) if b'"topic":"tickers.' in line]
    got, _ = play(lines, "linear", lambda got: len(got) >= len(lines), merged=True)
    sums: dict[str, dict[str, Any]] = {}
    for event, (topic, (_, values)) in zip(got, expected(lines, Decimal), strict=True):
        kept = sums[topic] if event.meta.kind == "delta" else {}
        sums[topic] = kept | values
        assert row_of(event) == whole((Ticker, sums[topic]))


def linear_of_2026(line: bytes) -> bool:
    frame = json.loads(line)
    return frame["ts"] > 1_786_310_000_000 and len(frame["data"][0]["i"]) == len(str(UUID(int=0)))


@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize("after", [1, 7, 14])
def test_what_a_cut_may_have_cost_is_declared(frames: Path, how: Any, after: int) -> None:
    """The second link goes on where the first ended: with FIN nothing is lost, all is declared."""
    # put together from many places: what one market sent in one hour
    lines = [line for line in lines_of(frames, "public_trade") if linear_of_2026(line)]
    lines.sort(key=lambda line: json.loads(line)["ts"])
    wanted = list(expected(lines, Decimal))
    sizes = [len(json.loads(line)["data"]) for line in lines]
    before = sum(sizes[:after])
    got, gaps = play(
        lines,
        "linear",
        lambda got: bool(got) and got[-1].id == wanted[-1][1][1]["id"],
        faults=(Cut(how=how, after=after),),
        resume="continue",
    )
    trades = [event for event in got if isinstance(event, Trade)]
    if how == "fin":
        assert_same(trades, [row for _, row in wanted], Decimal)
    resumed = trades[-(len(wanted) - before) :]
    assert_same(resumed, [row for _, row in wanted[before:]], Decimal)
    assert {event.meta.connection for event in trades} <= {1}  # a link keeps its number
    # one declaration a topic, before its next event, and on that event itself
    later = dict.fromkeys(topic for topic, _ in wanted[before:])  # each was live
    assert [gap.topic for gap in gaps] == list(later)
    for gap in gaps:
        first = next(event for event in resumed if event.meta.topic == gap.topic)
        assert first.meta.gap is gap
        assert got.index(gap) < got.index(first)
        assert gap.before_ms == first.time_ms
        heard = [event for event in trades[: -len(resumed)] if event.meta.topic == gap.topic]
        assert gap.after_ms == (heard[-1].time_ms if heard else None)
        assert (gap.filled, gap.lost) == (0, None)
    marked = [event for event in trades if event.meta.gap is not None]
    assert len(marked) == len(gaps)


def test_a_book_and_a_ticker_begin_anew_with_a_snapshot_after_a_cut(frames: Path) -> None:
    lines = [line for line in lines_of(frames, "capture_linear") if b"kline" not in line]
    wanted = list(expected(lines, Decimal))
    cut = 60
    topics = {topic for topic, _ in wanted}
    behind = {topic for topic, _ in wanted[cut:]}
    states = {topic for topic in topics if not topic.startswith("publicTrade")}
    begun = {topic for topic, _ in wanted[:cut]} & states
    got, gaps = play(
        lines,
        "linear",
        lambda got: len(got) >= len(wanted) + len(begun),
        faults=(Cut(after=cut),),
        resume="continue",
        snapshots=True,
    )
    events = [event for event in got if not isinstance(event, Gap)]
    assert_same(events[:cut], [row for _, row in wanted[:cut]], Decimal)
    anew, rest = events[cut : cut + len(begun)], events[cut + len(begun) :]
    assert {event.meta.topic for event in anew} == begun
    assert {event.meta.kind for event in anew} == {"snapshot"}
    assert all(event.meta.gap is not None for event in anew)
    assert_same(rest, [row for _, row in wanted[cut:]], Decimal)
    assert {gap.topic for gap in gaps} == begun | (behind - states)
    assert len(gaps) == len({gap.topic for gap in gaps})
