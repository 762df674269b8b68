"""The merged ticker at each frame, against trades, candles and book of that moment."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from rxbybit.sim.market import Temper
from tests.sim.market.journal import START_MS, small, snapshot_of, watched_market
from tests.sim.market.test_candles import rebuilt

TOPIC = "tickers.BTCUSD"
MINUTE = 60_000
DATED = {"contract": "InverseFutures", "delivery_ms": START_MS + 80 * 86_400_000, "premium": 0.01}
LAZY = Temper(rate=1.5, spread=2, reach=90, patience=60, lots=500)


def check_day(category, state, watched, opening, ms) -> None:
    candles = list(rebuilt(category, watched.trades, opening, 1, ms).values())
    last = candles[-1][3]
    assert Decimal(state["lastPrice"]) == last
    assert Decimal(state["highPrice24h"]) == max(candle[1] for candle in candles)
    assert Decimal(state["lowPrice24h"]) == min(candle[2] for candle in candles)
    assert Decimal(state["volume24h"]) == sum(candle[4] for candle in candles)
    assert Decimal(state["turnover24h"]) == sum(candle[5] for candle in candles)
    assert Decimal(state["prevPrice24h"]) == opening
    change = Decimal(state["price24hPcnt"])
    assert abs(change - (last - opening) / opening) <= Decimal("0.0000005")


@pytest.mark.parametrize("kind", ["perpetual", "dated", "linear"])
def test_snapshot_and_deltas_say_what_is_so(monkeypatch, kind) -> None:
    category = "linear" if kind == "linear" else "inverse"
    one = small(category, temper=LAZY, **(DATED if kind == "dated" else {}))
    market, seen = watched_market(monkeypatch, seed=4, start_ms=START_MS, instruments=(one,))
    (watched,) = seen.values()
    market.want(category, TOPIC)
    first = snapshot_of(market, category, TOPIC)
    state = dict(first["data"])
    opening = Decimal(state["lastPrice"])
    assert first["type"] == "snapshot"
    keys = list(state)
    said, mark = set(), Decimal(0)
    lot = Decimal("0.001") if category == "linear" else Decimal(1)
    for push in market.advance(START_MS + 5 * MINUTE):
        content, data = push.content, push.content["data"]
        assert content["type"] == "delta"
        assert content["ts"] == push.ms
        assert push.ms % 100 == 0
        assert content["cs"] == START_MS + watched.deeds
        order = sorted(keys, key=lambda key: key.startswith("singleOpenInterest"))
        assert list(data) == [key for key in order if key in data]
        assert data["symbol"] == "BTCUSD"
        assert len(data) > 1
        for side in ("bid1", "ask1"):
            assert (f"{side}Price" in data) == (f"{side}Size" in data)
        changed = {key for key in data if state[key] != data[key]}
        assert changed | {key for key in data if key[4:] in ("Price", "Size")} >= set(data) - {
            "symbol"
        }
        said |= changed
        state |= data
        check_day(category, state, watched, opening, push.ms)
        for name, side in (("bid1", "Buy"), ("ask1", "Sell")):
            (price, lots), *_ = watched.book.levels(side)
            assert Decimal(state[f"{name}Price"]) == price * Decimal("0.5")
            assert Decimal(state[f"{name}Size"]) == lots * lot
        mark, interest = Decimal(state["markPrice"]), Decimal(state["openInterest"])
        worth = interest / mark if category == "inverse" else interest * mark
        assert abs(Decimal(state["openInterestValue"]) - worth) <= Decimal("0.01")
        assert Decimal(state["singleOpenInterest"]) * 2 == interest
        assert abs(Decimal(state["singleOpenInterestValue"]) * 2 - worth) <= Decimal("0.02")
        late = snapshot_of(market, category, TOPIC)
        assert late["data"] == state
        assert list(late["data"]) == keys
    expected = {"lastPrice", "markPrice", "indexPrice", "volume24h", "turnover24h", "bid1Price"}
    assert said >= expected | {"tickDirection", "price24hPcnt", "openInterest", "highPrice24h"}
    if kind == "dated":
        assert state["nextFundingTime"] == state["fundingRate"] == ""
        delivery = datetime.fromtimestamp(DATED["delivery_ms"] / 1000, tz=UTC)
        assert state["deliveryTime"] == delivery.isoformat().replace("+00:00", "Z")
        basis = mark - Decimal(state["indexPrice"])
        assert Decimal(state["basis"]) == basis
        ratio = basis / Decimal(state["indexPrice"])
        assert abs(Decimal(state["basisRate"]) - ratio) <= Decimal("0.00000001")
        assert Decimal("4.4") < Decimal(state["basisRateYear"]) / ratio < Decimal("4.7")
        assert 0.005 < ratio < 0.02


def test_hours_pass_and_funding_is_paid(monkeypatch) -> None:
    calm = Temper(rate=0.05, spread=2, reach=90, patience=20, lots=500)
    one = small(temper=calm)
    market, _ = watched_market(monkeypatch, seed=6, start_ms=START_MS, instruments=(one,))
    market.want("inverse", TOPIC)
    state = dict(snapshot_of(market, "inverse", TOPIC)["data"])
    assert state["fundingIntervalHour"] == "8"
    funded, before = [], state
    for push in market.advance(START_MS + 25 * 60 * MINUTE):
        if "nextFundingTime" in push.content["data"]:
            funded.append((push.ms, state["nextFundingTime"], state["fundingRate"]))
        before, state = state, state | push.content["data"]
        assert abs(Decimal(state["fundingRate"])) <= Decimal(state["fundingCap"])
    eight = 8 * 60 * MINUTE
    assert [ms for ms, _, _ in funded] == [START_MS + n * eight for n in (1, 2, 3)]
    assert [int(due) for _, due, _ in funded] == [ms for ms, _, _ in funded]
    paid = market.pits["inverse", "BTCUSD"].marks.paid
    assert [(ms, Decimal(rate)) for ms, _, rate in funded] == [
        (ms, rate * Decimal("0.00000001")) for ms, rate in paid
    ]
    assert before["prevPrice1h"] != before["prevPrice24h"]


def test_spot_says_all_each_time(monkeypatch) -> None:
    one = small("spot", temper=LAZY)
    market, seen = watched_market(monkeypatch, seed=4, start_ms=START_MS, instruments=(one,))
    (watched,) = seen.values()
    market.want("spot", TOPIC)
    first = snapshot_of(market, "spot", TOPIC)
    opening = Decimal(first["data"]["lastPrice"])
    last = first
    for push in market.advance(START_MS + 2 * MINUTE):
        content = push.content
        assert list(content) == list(first)
        assert list(content["data"]) == list(first["data"])
        assert content["type"] == "snapshot"
        assert content["ts"] == push.ms
        assert push.ms % 50 == 0
        assert content["data"] != last["data"]
        assert content["cs"] == START_MS + watched.deeds
        check_day("spot", content["data"], watched, opening, push.ms)
        last = content
    index = market.pits["spot", "BTCUSD"].marks.index
    assert Decimal(last["data"]["usdIndexPrice"]) == index / Decimal(10)
    assert snapshot_of(market, "spot", TOPIC)["data"] == last["data"]


def test_a_side_without_orders_has_no_price(monkeypatch) -> None:
    market, _ = watched_market(monkeypatch, seed=4, start_ms=START_MS, instruments=(small(),))
    market.want("inverse", TOPIC)
    pit = market.pits["inverse", "BTCUSD"]
    pit.close(START_MS)
    (push,) = market.advance(START_MS + 100)
    data = push.content["data"]
    assert data["bid1Price"] == data["bid1Size"] == data["ask1Price"] == data["ask1Size"] == ""
