"""Options: what they are worth, what their topics say, and what REST says of them."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from rxbybit.sim.market import Market
from rxbybit.sim.market.index import Index
from rxbybit.sim.market.options import OptionContract, OptionPrice, option_chain
from tests.sim.market.journal import START_MS, of, snapshot_of
from tests.sim.rest.asking import MINUTE, ask, refusal
from tests.sim.rest.test_raw import ours, raw, shape

CALL, PUT = option_chain(START_MS)[:2]


def chain() -> Market:
    return Market(seed=5, start_ms=START_MS, instruments=option_chain(START_MS))


def worth_of(option: OptionContract, price: float, ms: int = START_MS):
    return OptionPrice(option, Index("seed", price), lambda: ms).worth()


def test_two_expiries_on_fridays_two_strikes_calls_and_puts() -> None:
    options = option_chain(START_MS)
    assert [one.symbol for one in options[:4]] == [
        "BTC-16JAN26-62000-C-USDT",
        "BTC-16JAN26-62000-P-USDT",
        "BTC-16JAN26-68000-C-USDT",
        "BTC-16JAN26-68000-P-USDT",
    ]
    for one in options:
        expiry = datetime.fromtimestamp((one.delivery_ms or 0) / 1000, tz=UTC)
        assert (expiry.weekday(), expiry.hour) == (4, 8)
        day = one.symbol.split("-")[1].removesuffix("26").title()
        assert f"{expiry.day}{expiry:%b}" == day
    assert {one.symbol.split("-")[1] for one in options} == {"16JAN26", "13FEB26"}


@pytest.mark.parametrize("price", [50_000.0, 62_000.0, 65_000.0, 80_000.0])
def test_what_they_are_worth(price) -> None:
    call, put = worth_of(CALL, price), worth_of(PUT, price)
    assert call.price - put.price == pytest.approx(price - CALL.strike)
    assert call.price > max(price - CALL.strike, 0)
    assert call.delta - put.delta == pytest.approx(1)
    assert (call.gamma, call.vega, call.theta) == (put.gamma, put.vega, put.theta)
    assert call.gamma > 0 > call.theta
    assert call.vega > 0
    later = worth_of(CALL, price, START_MS + 86_400_000)
    assert later.price - call.price == pytest.approx(call.theta, rel=0.2)
    assert call.implied(call.price) == call.volatility
    assert call.implied(call.price + call.vega) == pytest.approx(call.volatility + 0.01)
    assert call.implied(-1e9) == 0
    expired = worth_of(CALL, price, (CALL.delivery_ms or 0) + 10**9)
    assert expired.price == pytest.approx(max(price - CALL.strike, 0), abs=60)


def test_the_topics() -> None:
    market = chain()
    topics = market.topics("option")
    assert {topic for topic in topics if topic.startswith("publicTrade")} == {"publicTrade.BTC"}
    kinds = Counter(topic.removesuffix(f".{CALL.symbol}") for topic in topics)
    assert {kind for kind in kinds if "BTC" not in kind} == {
        "tickers",
        "orderbook.25",
        "orderbook.100",
    }
    for unknown in ("publicTrade.ETH", f"publicTrade.{CALL.symbol}", f"kline.1.{CALL.symbol}"):
        with pytest.raises(ValueError, match="no topic"):
            market.want("option", unknown)
    assert market.pools() == []


def test_the_trades_of_a_coin_are_one_topic() -> None:
    market = chain()
    market.want("option", "publicTrade.BTC")
    pushes = list(market.advance(START_MS + 12 * MINUTE))
    assert {(push.category, push.topic) for push in pushes} == {("option", "publicTrade.BTC")}
    items = [item for push in pushes for item in push.content["data"]]
    assert {item["s"] for item in items} == {one.symbol for one in option_chain(START_MS)}
    for push in pushes:
        assert list(push.content) == ["id", "topic", "ts", "data", "type"]
        assert push.content["ts"] == push.ms
    assert len({push.content["id"] for push in pushes}) == len(pushes)
    for item in items:
        assert Decimal(item["p"]) % 5 == 0
        assert abs(Decimal(item["p"]) - Decimal(item["mP"])) < 500
        assert Decimal("0.2") < Decimal(item["iv"]) < Decimal("0.9")
        assert Decimal(60_000) < Decimal(item["iP"]) < Decimal(70_000)
    assert market.snapshot("option", "publicTrade.BTC") is None
    market.forget("option", "publicTrade.BTC")
    assert not list(market.advance(START_MS + 16 * MINUTE))

    def of_rest(**query) -> list[tuple[str, str]]:
        listed = ask(market, "recent-trade", category="option", limit=1_000, **query)["list"]
        times = [int(item["time"]) for item in listed]
        assert times == sorted(times, reverse=True)
        return [(item["symbol"], item["execId"]) for item in listed]

    every = of_rest()
    assert len(every) < 1_000
    assert {(item["s"], item["i"]) for item in items} <= set(every)
    assert len(set(every)) == sum(pit.tape.count for pit in market.pits.values())
    assert of_rest(baseCoin="ETH") == []
    calls, puts = of_rest(optionType="Call"), of_rest(optionType="Put")
    assert sorted(calls + puts) == sorted(every)
    assert {symbol.split("-")[3] for symbol, _ in calls} == {"C"}
    assert of_rest(symbol=CALL.symbol) == [one for one in every if one[0] == CALL.symbol]
    text = refusal(market, "recent-trade", category="option", optionType="put")
    assert text == "params error: optionType=put: use one of Call, Put"


def test_the_ticker_says_the_same_on_both_wires() -> None:
    market = chain()
    topic = f"tickers.{CALL.symbol}"
    market.want("option", topic)
    pushes = list(market.advance(START_MS + 5 * MINUTE))
    assert len(pushes) > 100
    assert {push.content["type"] for push in pushes} == {"snapshot"}
    told = snapshot_of(market, "option", topic)["data"]
    (item,) = ask(market, "tickers", category="option", symbol=CALL.symbol)["list"]
    named = {key.replace("bid1", "bid").replace("ask1", "ask"): item[key] for key in item}
    named["markPriceIv"] = named.pop("markIv")
    assert named == told
    pit = market.pits["option", CALL.symbol]
    book = ask(market, "orderbook", category="option", symbol=CALL.symbol)
    assert [told["bidPrice"], told["bidSize"]] == book["b"][0]
    assert [told["askPrice"], told["askSize"]] == book["a"][0]
    assert Decimal(told["totalVolume"]) == sum(Decimal(p.lots) for p in pit.tape.recent) / 100
    assert Decimal(told["bidIv"]) <= Decimal(told["askIv"])
    near = ask(market, "tickers", category="option", baseCoin="BTC", expDate="16JAN26")["list"]
    assert [item["symbol"] for item in near] == [one.symbol for one in option_chain(START_MS)[:4]]
    assert len(ask(market, "tickers", category="option", baseCoin="BTC")["list"]) == 8
    assert ask(market, "tickers", category="option", baseCoin="ETH")["list"] == []


@pytest.mark.parametrize("depth", [25, 100])
def test_the_books_have_consecutive_numbers(depth) -> None:
    market = chain()
    topic = f"orderbook.{depth}.{PUT.symbol}"
    market.want("option", topic)
    first = snapshot_of(market, "option", topic)
    pushes = of(list(market.advance(START_MS + 10 * MINUTE)), topic)
    numbers = [first["data"]["u"], *(push.content["data"]["u"] for push in pushes)]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert len(numbers) > 20
    assert list(first) == ["id", "topic", "ts", "type", "data", "cts"]
    assert len({push.content["id"] for push in pushes}) == len(pushes)
    last = snapshot_of(market, "option", topic)["data"]
    book = ask(market, "orderbook", category="option", symbol=PUT.symbol, limit=25)
    if depth == 100:
        assert (book["u"], book["seq"]) == (last["u"], last["seq"])
    assert (book["b"], book["a"]) == (last["b"][:25], last["a"][:25])


def test_a_late_listing_is_heard_in_the_topic_of_its_coin() -> None:
    from rxbybit.sim.market import Listing

    script = (Listing(after_ms=1_000, instrument=PUT),)
    market = Market(seed=5, start_ms=START_MS, instruments=(CALL,), script=script)
    market.want("option", "publicTrade.BTC")
    pushes = list(market.advance(START_MS + 10 * MINUTE))
    heard = {item["s"] for push in pushes for item in push.content["data"]}
    assert heard == {CALL.symbol, PUT.symbol}


def test_the_shapes_are_those_of_the_exchange(frames) -> None:
    market = chain()
    topic = f"tickers.{CALL.symbol}"
    market.want("option", topic)
    (theirs,) = [
        frame
        for frame in map(json.loads, (frames / "v5" / "tickers.jsonl").read_bytes().splitlines())
        if frame["topic"].count("-") == 3
    ]
    assert shape(snapshot_of(market, "option", topic)) == shape(theirs)
    (theirs,) = raw(frames, "tickers", "option")
    assert shape(ours(market, "tickers", category="option", baseCoin="BTC")) == shape(theirs)
    (usual,) = [
        body
        for body in raw(frames, "instruments_info", "option")
        if "displayName" in body["result"]["list"][0]
    ]
    mine = ours(market, "instruments-info", category="option", symbol=PUT.symbol)
    assert shape(mine) == shape(usual)
    (item,) = mine["result"]["list"]
    assert (item["displayName"], item["optionsType"]) == ("BTCUSDT-16JAN26-62000-P", "Put")
