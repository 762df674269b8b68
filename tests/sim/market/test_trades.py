"""The tape against the orders: each match once, in order, with its sequence and direction."""

from __future__ import annotations

import re

import pytest

from tests.sim.market.journal import START_MS, small, watched_market

SCALES = {"inverse": (50, 2, 1, 0), "linear": (50, 2, 1, 3), "spot": (5, 1, 1, 6)}


def text(units: int, scale: int) -> str:
    return f"{units / 10**scale:.{scale}f}"


@pytest.mark.parametrize("category", ["inverse", "linear", "spot"])
def test_trade_frames_are_the_matches(monkeypatch, category) -> None:
    one = small(category)
    market, seen = watched_market(monkeypatch, seed=3, start_ms=START_MS, instruments=(one,))
    market.want(category, "publicTrade.BTCUSD")
    (watched,) = seen.values()
    assert not watched.trades
    pushes = list(market.advance(START_MS + 60_000))
    assert {(push.category, push.topic) for push in pushes} == {(category, "publicTrade.BTCUSD")}
    items = []
    for push in pushes:
        assert push.content["ts"] == push.ms
        assert push.content["type"] == "snapshot"
        assert {item["T"] for item in push.content["data"]} == {push.ms}
        items += push.content["data"]
    assert len(items) == len(watched.trades) > 100
    tick, price_scale, lot, size_scale = SCALES[category]
    direction, last = "ZeroPlusTick", market.pits[category, "BTCUSD"].candles.day.opening()
    for item, (ms, side, price, lots, deed) in zip(items, watched.trades, strict=True):
        if price != last:
            direction = "PlusTick" if price > last else "MinusTick"
        elif direction in ("PlusTick", "MinusTick"):
            direction = "Zero" + direction
        last = price
        assert item["T"] == ms
        assert item["S"] == side
        assert item["p"] == text(price * tick, price_scale)
        assert item["v"] == text(lots * lot, size_scale)
        assert item["seq"] == START_MS + deed
        assert item.get("L") == (None if category == "spot" else direction)
        assert item["BT"] is item["RPI"] is False
        assert item["s"] == "BTCUSD"
    idents = [item["i"] for item in items]
    assert len(set(idents)) == len(idents)
    shape = r"\d{19}" if category == "spot" else r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    assert all(re.fullmatch(shape, ident) for ident in idents)
    if category == "spot":
        assert idents == sorted(idents)


def test_recent_trades_are_the_same_ones(monkeypatch) -> None:
    market, _ = watched_market(monkeypatch, seed=3, start_ms=START_MS, instruments=(small(),))
    market.want("inverse", "publicTrade.BTCUSD")
    pushes = list(market.advance(START_MS + 20_000))
    tape = market.pits["inverse", "BTCUSD"].tape
    items = [item for push in pushes for item in push.content["data"]]
    assert tape.last_ms == items[-1]["T"]
    assert [tape.rest_item(printed) for printed in tape.recent] == [
        {
            "execId": item["i"],
            "symbol": "BTCUSD",
            "price": item["p"],
            "size": item["v"],
            "side": item["S"],
            "time": str(item["T"]),
            "isBlockTrade": False,
            "isRPITrade": False,
            "seq": str(item["seq"]),
        }
        for item in items
    ]


def test_the_book_is_never_crossed_and_follows_the_fair_value(monkeypatch) -> None:
    market, seen = watched_market(monkeypatch, seed=5, start_ms=START_MS, instruments=(small(),))
    (watched,) = seen.values()
    pit = market.pits["inverse", "BTCUSD"]
    away = []
    for second in range(1, 121):
        assert not list(market.advance(START_MS + second * 1_000))
        bids, asks = watched.book.levels("Buy"), watched.book.levels("Sell")
        assert bids
        assert asks
        assert bids[0][0] < asks[0][0]
        away.append(abs((bids[0][0] + asks[0][0]) / 2 - pit.crowd.fair))
    assert sorted(away)[60] < 10
