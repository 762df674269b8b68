"""Trades, tickers, books, pools and price limits: each against what the websocket says."""

from __future__ import annotations

from decimal import Decimal

import pytest

from rxbybit.sim.market import Delisting, Market
from tests.sim.market.journal import START_MS, of, small, snapshot_of
from tests.sim.rest.asking import CALM, DAY, MINUTE, ask, lively, refusal

DATED = {"contract": "InverseFutures", "delivery_ms": START_MS + 80 * DAY, "premium": 0.01}


@pytest.mark.parametrize("category", ["inverse", "linear", "spot"])
def test_trades_are_those_of_the_topic_the_newest_first(category) -> None:
    market = lively(category, ran_ms=0)
    assert ask(market, "recent-trade", category=category, symbol="BTCUSD")["list"] == []
    market.want(category, "publicTrade.BTCUSD")
    told = [
        {
            "execId": item["i"],
            "symbol": item["s"],
            "price": item["p"],
            "size": item["v"],
            "side": item["S"],
            "time": str(item["T"]),
            "isBlockTrade": item["BT"],
            "isRPITrade": item["RPI"],
            "seq": str(item["seq"]),
        }
        for push in market.advance(market.now_ms + 10 * MINUTE)
        for item in push.content["data"]
    ]
    most = 60 if category == "spot" else 1_000
    assert len(told) > 100

    def asked(**query) -> list[dict[str, object]]:
        result = ask(market, "recent-trade", category=category, symbol="BTCUSD", **query)
        assert result["category"] == category
        return result["list"]

    assert asked() == told[: -min(most, 500) - 1 : -1]
    assert asked(limit=most) == told[: -most - 1 : -1]
    assert asked(limit=3) == told[:-4:-1]
    text = refusal(market, "recent-trade", category=category, symbol="BTCUSD", limit=most + 1)
    assert text == f"params error: limit={most + 1}: use 1 to {most}"


def test_a_thousand_trades_are_held() -> None:
    market = Market(seed=1, start_ms=START_MS, instruments=(small(),))
    list(market.advance(START_MS + 10 * MINUTE))
    tape = market.pits["inverse", "BTCUSD"].tape
    assert tape.count > 1_500
    query = {"category": "inverse", "symbol": "BTCUSD"}
    items = ask(market, "recent-trade", **query, limit=1_000)["list"]
    assert [item["execId"] for item in items] == [
        tape.ident(number) for number in range(tape.count, tape.count - 1_000, -1)
    ]
    assert len(ask(market, "recent-trade", **query)["list"]) == 500


@pytest.mark.parametrize("kind", ["perpetual", "dated", "linear", "spot"])
def test_the_ticker_is_what_the_topic_says(kind) -> None:
    category = kind if kind in ("linear", "spot") else "inverse"
    one = small(category, temper=CALM, **(DATED if kind == "dated" else {}))
    market = Market(seed=4, start_ms=START_MS, instruments=(one,))
    market.want(category, "tickers.BTCUSD")
    list(market.advance(START_MS + 3 * MINUTE))
    told = snapshot_of(market, category, "tickers.BTCUSD")["data"]
    (item,) = ask(market, "tickers", category=category, symbol="BTCUSD")["list"]
    names = {"deliveryTime": str(START_MS + 80 * DAY) if kind == "dated" else "0"}
    said = {key for key in told if not key.startswith("single") and key != "tickDirection"}
    assert {key: item[key] for key in said} == {k: told[k] for k in said} | {
        key: value for key, value in names.items() if key in said
    }
    if category != "spot":
        assert item["deliveryTime"] == names["deliveryTime"]
    else:
        book = ask(market, "orderbook", category="spot", symbol="BTCUSD")
        assert [[item["bid1Price"], item["bid1Size"]]] == book["b"]
        assert [[item["ask1Price"], item["ask1Size"]]] == book["a"]
    unused = {key for key in item if key not in said and key not in ("deliveryTime",)}
    if kind != "spot":
        assert {item[key] for key in unused} == {""}


def test_tickers_of_a_whole_category() -> None:
    market = Market(start_ms=START_MS)
    result = ask(market, "tickers", category="inverse")
    assert result["category"] == "inverse"
    assert [item["symbol"] for item in result["list"]] == ["BTCUSD", "ETHUSD", "BTCUSDH26"]
    text = refusal(market, "tickers", category="option")
    assert text == "params error: symbol or baseCoin is missing"
    text = refusal(market, "tickers", category="spot", symbol="ETHUSDT")
    assert text == "params error: symbol=ETHUSDT does not trade on spot"


def test_the_day_of_a_ticker_is_a_day_of_candles() -> None:
    market = lively(ran_ms=20 * MINUTE)
    (item,) = ask(market, "tickers", category="linear")["list"]
    begins = (market.now_ms // MINUTE - 1_439) * MINUTE
    query = {"symbol": "BTCUSD", "interval": "1", "limit": 1_000}
    rows = ask(market, "kline", **query)["list"]
    rows += ask(market, "kline", **query, start=begins, end=int(rows[-1][0]) - 1)["list"]
    assert len(rows) == 1_440
    assert Decimal(item["volume24h"]) == sum(Decimal(row[5]) for row in rows)
    assert Decimal(item["turnover24h"]) == sum(Decimal(row[6]) for row in rows)
    assert Decimal(item["highPrice24h"]) == max(Decimal(row[2]) for row in rows)
    assert Decimal(item["lowPrice24h"]) == min(Decimal(row[3]) for row in rows)
    assert Decimal(item["prevPrice24h"]) == Decimal(rows[-1][1])
    assert Decimal(item["prevPrice1h"]) == Decimal(rows[59][1])
    assert Decimal(item["lastPrice"]) == Decimal(rows[0][4])


@pytest.mark.parametrize("category", ["inverse", "linear", "spot"])
def test_the_book_is_the_thousand_level_topic(category) -> None:
    market = lively(category)
    market.want(category, "orderbook.1000.BTCUSD")
    for _ in range(20):
        list(market.advance(market.now_ms + 130))
        frame = snapshot_of(market, category, "orderbook.1000.BTCUSD")
        for limit in (1, 7, 1_000):
            query = {"category": category, "symbol": "BTCUSD", "limit": limit}
            book = ask(market, "orderbook", **query)
            assert book == frame["data"] | {
                "a": frame["data"]["a"][:limit],
                "b": frame["data"]["b"][:limit],
                "ts": market.now_ms,
                "cts": frame["cts"],
            }


def test_levels_without_a_limit() -> None:
    market = Market(start_ms=START_MS)
    for category, symbol, levels in (("linear", "BTCUSDT", 25), ("spot", "BTCUSDT", 1)):
        book = ask(market, "orderbook", category=category, symbol=symbol)
        assert len(book["b"]) == len(book["a"]) == levels


def test_a_book_nobody_follows_has_numbers_that_rise_with_it() -> None:
    market = lively(ran_ms=0)
    seen: dict[int, tuple[int, object]] = {}
    for _ in range(60):
        book = ask(market, "orderbook", category="linear", symbol="BTCUSD", limit=1_000)
        content = (book["seq"], str((book["a"], book["b"])))
        assert seen.setdefault(book["u"], content) == content
        assert book["cts"] <= book["ts"] == market.now_ms
        best = market.pits["linear", "BTCUSD"].book
        assert Decimal(book["b"][0][0]) == Decimal(best.best_bid or 0) / 2
        list(market.advance(market.now_ms + 700))
    assert list(seen) == sorted(seen)
    assert 10 < len(seen) < 60
    market.want("linear", "orderbook.1000.BTCUSD")
    frame = snapshot_of(market, "linear", "orderbook.1000.BTCUSD")
    assert frame["data"]["u"] > max(seen)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"category": "linear"}, "symbol is missing"),
        ({"category": "linear", "symbol": "BTCUSD", "limit": 1_001}, "limit=1001: use 1 to 1000"),
        ({"category": "option", "symbol": "X", "limit": 26}, "limit=26: use 1 to 25"),
        ({"category": "spot", "symbol": "BTCUSD"}, "symbol=BTCUSD does not trade on spot"),
    ],
)
def test_refusals_of_the_book(query, text) -> None:
    assert refusal(lively(ran_ms=0), "orderbook", **query) == f"params error: {text}"


def test_what_was_delisted_has_no_book() -> None:
    script = (Delisting(after_ms=10, category="inverse", symbol="BTCUSD"),)
    market = Market(start_ms=START_MS, instruments=(small(),), script=script)
    list(market.advance(START_MS + 20))
    for name in ("orderbook", "recent-trade", "tickers", "price-limit"):
        text = refusal(market, name, category="inverse", symbol="BTCUSD")
        assert text == "params error: symbol=BTCUSD does not trade on inverse"


def test_pools() -> None:
    instruments = (
        small(),
        small("linear"),
        small("spot"),
        small(symbol="ETHUSD", base="ETH"),
    )
    market = Market(seed=1, start_ms=START_MS, instruments=instruments)
    market.want("inverse", "insurance.inverse")
    market.want("linear", "insurance.USDT")
    pushes = list(market.advance(START_MS + 30 * MINUTE))
    assert of(pushes, "insurance.inverse")
    told = [
        (pool["coin"], pool["symbols"], pool["balance"])
        for category, topic in (("inverse", "insurance.inverse"), ("linear", "insurance.USDT"))
        for pool in snapshot_of(market, category, topic)["data"]
    ]
    result = ask(market, "insurance")
    assert result["updatedTime"] == str(market.now_ms)
    listed = [(pool["coin"], pool["symbols"], pool["balance"]) for pool in result["list"]]
    assert sorted(listed) == sorted(told)
    values = {pool["symbols"] + pool["coin"]: pool for pool in result["list"]}
    assert values["BTCUSDUSDT"]["value"] == values["BTCUSDUSDT"]["balance"]
    (ticker,) = ask(market, "tickers", category="inverse", symbol="BTCUSD")["list"]
    pool = values["BTCUSDBTC"]
    index = Decimal(ticker["indexPrice"])
    assert abs(Decimal(pool["value"]) / Decimal(pool["balance"]) - index) < Decimal("0.01")
    only = ask(market, "insurance", coin="ETH")["list"]
    assert [pool["symbols"] for pool in only] == ["ETHUSD"]
    assert ask(market, "insurance", coin="XRP")["list"] == []


@pytest.mark.parametrize(("category", "ratio"), [("linear", "0.01"), ("spot", "0.005")])
def test_price_limits_are_around_the_mark(category, ratio) -> None:
    market = lively(category)
    (item,) = ask(market, "instruments-info", category=category)["list"]
    assert item["riskParameters"]["priceLimitRatioX"] == ratio
    limits = ask(market, "price-limit", category=category, symbol="BTCUSD")
    pit = market.pits[category, "BTCUSD"]
    mark = Decimal(pit.marks.texts(0)["markPrice"])
    tick = Decimal("0.5")
    assert limits["symbol"] == "BTCUSD"
    assert limits["ts"] == str(market.now_ms)
    highest, lowest = Decimal(limits["buyLmt"]), Decimal(limits["sellLmt"])
    assert highest % tick == lowest % tick == 0
    assert highest <= mark * (1 + Decimal(ratio)) < highest + tick
    assert lowest - tick < mark * (1 - Decimal(ratio)) <= lowest
    text = refusal(market, "price-limit", category="option", symbol="BTCUSD")
    assert text == "params error: category=option: use one of linear, inverse, spot"
