"""The market as a whole: its script, its determinism, what it offers and refuses."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from rxbybit.config import CATEGORIES, Category
from rxbybit.sim.market import (
    Delisting,
    Listing,
    Market,
    Temper,
    default_instruments,
    default_script,
)
from rxbybit.sim.market.options import option_chain
from tests.sim.market.journal import START_MS, of, small, snapshot_of


def wire(pushes) -> list[str]:
    return [
        f"{push.ms} {push.category} {json.dumps(push.content, separators=(',', ':'))}"
        for push in pushes
    ]


def everything(market: Market) -> list[tuple[Category, str]]:
    wanted: list[tuple[Category, str]] = []
    for c in CATEGORIES:
        for topic in sorted(market.topics(c)):
            wanted.append((c, topic))  # noqa: PERF401 - what the type checker follows
    for category, topic in wanted:
        market.want(category, topic)
    return wanted


def test_the_same_seed_gives_the_same_bytes() -> None:
    runs = []
    for seed, step in ((1, 300_000), (1, 7_001), (2, 300_000)):
        market = Market(seed=seed, start_ms=START_MS)
        wanted = everything(market)
        lines = wire([])
        for now in (*range(START_MS, START_MS + 60_000, step), START_MS + 60_000):
            lines += wire(market.advance(now))
        lines += [json.dumps(market.snapshot(c, topic)) for c, topic in wanted]
        runs.append(lines)
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]
    assert len(runs[0]) > 1_000
    assert all(
        line.split(" ", 2)[2].startswith(('{"topic":', '{"type":', '{"id":'))
        for line in runs[0][:500]
    )


def test_what_is_wanted_changes_nothing_in_what_happens() -> None:
    whole, single = Market(seed=1, start_ms=START_MS), Market(seed=1, start_ms=START_MS)
    everything(whole)
    pushes = list(whole.advance(START_MS + 60_000))
    for topic in ("publicTrade.ETHUSD", "orderbook.50.ETHUSD", "tickers.ETHUSD"):
        single.want("inverse", topic)
    alone = list(single.advance(START_MS + 60_000))
    kept = [p for p in pushes if p.topic in {push.topic for push in alone}]
    assert len({push.topic for push in alone}) == 3
    assert wire(kept) == wire(alone)


def test_time_goes_up_in_the_frames_and_stands_still_where_nobody_reads() -> None:
    market = Market(seed=1, start_ms=START_MS)
    everything(market)
    passing = market.advance(START_MS + 20_000)
    first = next(passing)
    assert market.now_ms == first.ms < START_MS + 20_000
    pushes = [first, *passing]
    assert market.now_ms == START_MS + 20_000
    assert all(one.ms <= other.ms for one, other in pairwise(pushes))
    assert all(push.topic == push.content["topic"] for push in pushes)
    assert not list(market.advance(START_MS))
    assert market.now_ms == START_MS + 20_000


def test_the_sequence_is_shared_by_trades_and_books() -> None:
    market = Market(seed=1, start_ms=START_MS)
    market.want("inverse", "publicTrade.BTCUSD")
    market.want("inverse", "orderbook.50.BTCUSD")
    last = 0
    for push in market.advance(START_MS + 60_000):
        data = push.content["data"]
        for seq in [data["seq"]] if isinstance(data, dict) else [item["seq"] for item in data]:
            assert seq >= last
            last = seq


def test_the_default_market() -> None:
    market = Market(start_ms=START_MS)
    names = {c: [item["symbol"] for item in market.instruments(c)] for c in CATEGORIES}
    assert names == {
        "option": [one.symbol for one in option_chain(START_MS)],
        "inverse": ["BTCUSD", "ETHUSD", "BTCUSDH26"],
        "linear": ["BTCUSDT", "DUSTUSDT"],
        "spot": ["BTCUSDT"],
    }
    (dated,) = [i for i in market.instruments("inverse") if i["symbol"] == "BTCUSDH26"]
    assert (dated["contractType"], dated["deliveryTime"]) == ("InverseFutures", "1774598400000")
    assert dated["fundingInterval"] == 0
    (linear, _) = market.instruments("linear")
    assert linear["priceFilter"]["tickSize"] == "0.50"
    assert linear["lotSizeFilter"]["qtyStep"] == "0.001"
    assert (linear["fundingInterval"], linear["settleCoin"]) == (480, "USDT")
    (spot,) = market.instruments("spot")
    assert spot["lotSizeFilter"]["basePrecision"] == "0.000001"
    assert spot["lotSizeFilter"]["quotePrecision"] == "0.0000001"
    assert spot["priceFilter"]["tickSize"] == "0.5"
    assert market.instruments("spot", "PreLaunch") == []
    assert len(market.topics("option")) == 25
    assert "allLiquidation.BTCUSDT" in market.topics("linear") - market.topics("spot")
    assert {"insurance.USDT", "insurance.USDC"} <= market.topics("linear")
    assert len(market.topics("spot")) == 19


@pytest.mark.parametrize(
    ("start", "symbol", "delivery"),
    [
        ("2026-02-26", "BTCUSDH26", "2026-03-27"),
        ("2026-02-28", "BTCUSDM26", "2026-06-26"),
        ("2026-11-29", "BTCUSDH27", "2027-03-26"),
        ("2026-12-30", "BTCUSDH27", "2027-03-26"),
    ],
)
def test_the_quarterly_is_at_least_four_weeks_off(start, symbol, delivery) -> None:
    from datetime import UTC, datetime

    def ms(text, hour=0) -> int:
        moment = datetime.fromisoformat(text).replace(tzinfo=UTC, hour=hour)
        return int(moment.timestamp() * 1000)

    dated = default_instruments(ms(start))[2]
    assert (dated.symbol, dated.delivery_ms) == (symbol, ms(delivery, 8))


def test_a_listing_and_a_delisting_at_their_times() -> None:
    slow = small(symbol="ETHUSD", base="ETH")
    script = (
        Delisting(after_ms=30_005, category="inverse", symbol="BTCUSD"),
        Listing(after_ms=10_000, instrument=slow),
    )
    market = Market(seed=1, start_ms=START_MS, instruments=(small(),), script=script)
    market.want("inverse", "insurance.inverse")
    for topic in market.topics("inverse"):
        market.want("inverse", topic)
    with pytest.raises(ValueError, match=r"no topic 'publicTrade.ETHUSD' on the inverse socket"):
        market.want("inverse", "publicTrade.ETHUSD")
    before = list(market.advance(START_MS + 9_999))
    assert {push.topic.rpartition(".")[2] for push in before} == {"BTCUSD"}
    list(market.advance(START_MS + 10_000))
    assert "publicTrade.ETHUSD" in market.topics("inverse")
    market.want("inverse", "publicTrade.ETHUSD")
    pools = snapshot_of(market, "inverse", "insurance.inverse")["data"]
    assert [pool["symbols"] for pool in pools] == ["BTCUSD", "ETHUSD"]
    assert [pool["coin"] for pool in pools] == ["BTC", "ETH"]
    both = list(market.advance(START_MS + 30_004))
    assert of(both, "publicTrade.ETHUSD")
    assert [i["symbol"] for i in market.instruments("inverse")] == ["BTCUSD", "ETHUSD"]
    last = snapshot_of(market, "inverse", "orderbook.50.BTCUSD")["data"]
    after = list(market.advance(START_MS + 120_000))
    assert [i["symbol"] for i in market.instruments("inverse")] == ["ETHUSD"]
    assert [i["symbol"] for i in market.instruments("inverse", "Closed")] == ["BTCUSD"]
    assert not any(topic.endswith("BTCUSD") for topic in market.topics("inverse"))
    (ends,) = of(after, "orderbook.50.BTCUSD")
    assert {size for side in "ba" for _, size in ends.content["data"][side]} == {"0"}
    assert len(ends.content["data"]["b"]) >= len(last["b"]) - 5
    assert ends.ms == START_MS + 30_020
    late = {push.topic for push in after if push.ms > START_MS + 31_000}
    assert late - {"insurance.inverse"} == {"publicTrade.ETHUSD"}
    market.forget("inverse", "publicTrade.BTCUSD")


def test_an_illiquid_symbol_trades_seldom_and_a_lively_one_often() -> None:
    market = Market(seed=1, start_ms=START_MS)
    counts = {}
    list(market.advance(START_MS + 1_200_000))
    for (_, symbol), pit in market.pits.items():
        counts[symbol] = max(pit.tape.count, counts.get(symbol, 0))
    assert counts["DUSTUSDT"] < 200
    assert 1_200 < counts["BTCUSD"] < 6_000
    assert counts["NOVAUSDT"] > 0
    (delisting,) = [e for e in default_script(START_MS) if isinstance(e, Delisting)]
    assert (delisting.symbol, delisting.after_ms) == ("DUSTUSDT", 72_000_000)


def test_pools_are_silent_when_forgotten_and_where_there_is_none() -> None:
    market = Market(seed=1, start_ms=START_MS, instruments=(small(),))
    market.want("linear", "insurance.USDC")
    assert market.snapshot("linear", "insurance.USDC") is None
    market.want("inverse", "insurance.inverse")
    market.forget("inverse", "insurance.inverse")
    assert market.snapshot("inverse", "insurance.inverse") is None
    assert not list(market.advance(START_MS + 60_000))


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"start_ms": 1_700_000_000}, "milliseconds"),
        ({"instruments": (small(), small())}, "inverse BTCUSD is listed twice"),
        (
            {"script": (Delisting(after_ms=5, category="spot", symbol="X"),)},
            "spot X is delisted, but not listed then",
        ),
        (
            {"instruments": (), "script": (Listing(after_ms=9, instrument=small()),) * 2},
            "listed twice",
        ),
    ],
)
def test_what_cannot_be_is_refused(arguments, what) -> None:
    with pytest.raises(ValueError, match=what):
        Market(**({"start_ms": START_MS} | arguments))


@pytest.mark.parametrize(
    ("category", "topic"),
    [
        ("linear", "insurance.inverse"),
        ("spot", "allLiquidation.BTCUSDT"),
        ("spot", "publicTrade.BTCUSD"),
        ("inverse", "orderbook.25.BTCUSD"),
        ("inverse", "nothing"),
    ],
)
def test_a_topic_that_there_is_not_is_refused(category, topic) -> None:
    market = Market(start_ms=START_MS)
    with pytest.raises(ValueError, match=f"no topic '{topic}'"):
        market.want(category, topic)
    assert market.snapshot(category, topic) is None
    assert topic not in market.topics(category)


def test_too_many_decimals_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 8 decimals"):
        small(price_scale=6, size_scale=3, temper=Temper())
