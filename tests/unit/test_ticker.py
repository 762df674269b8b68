"""The machine that adds updates of tickers up."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal as D
from typing import Any

from rxbybit.events import Gap, Meta
from rxbybit.ticker import Ticker, TickerState, TickerUpdate


def update(kind: str, *, meta: Meta | None = None, **attributes: Any) -> TickerUpdate:  # Any: all
    return TickerUpdate(
        symbol="BTCUSD",
        changed=frozenset(attributes),
        meta=meta or Meta("tickers.BTCUSD", kind, 5),
        **attributes,
    )


def test_a_snapshot_then_what_changed() -> None:
    state = TickerState()
    state.apply(update("snapshot", last_price=D(1), bid_price=D(2), funding_rate=D(3)))
    first = state.ticker
    delta = update("delta", last_price=D(4), funding_rate=None)
    state.apply(delta)
    assert state.ticker == Ticker(
        symbol="BTCUSD",
        last_price=D(4),
        bid_price=D(2),
        funding_rate=None,
        changed=frozenset({"last_price", "funding_rate"}),
    )
    assert type(state.ticker) is Ticker
    assert state.ticker.meta is delta.meta
    assert first == Ticker(
        symbol="BTCUSD",
        last_price=D(1),
        bid_price=D(2),
        funding_rate=D(3),
        changed=frozenset({"last_price", "bid_price", "funding_rate"}),
    )


def test_updates_are_left_as_they_were() -> None:
    state = TickerState()
    snapshot = update("snapshot", last_price=D(1))
    state.apply(snapshot)
    state.apply(update("delta", last_price=D(2)))
    assert snapshot == update("snapshot", last_price=D(1))
    assert type(snapshot) is TickerUpdate


def test_a_snapshot_replaces_all() -> None:
    state = TickerState()
    state.apply(update("snapshot", last_price=D(1), bid_price=D(2)))
    state.apply(update("snapshot", last_price=D(3)))
    assert state.ticker is not None
    assert (state.ticker.last_price, state.ticker.bid_price) == (D(3), None)
    full = state.full_update()
    assert full is not None
    assert full.changed == {"last_price"}


def test_nothing_before_a_snapshot() -> None:
    state = TickerState()
    assert state.held() is state.full_update() is None
    state.apply(update("delta", last_price=D(1)))
    assert state.ticker is state.held() is state.full_update() is None
    state.apply(update("snapshot", bid_price=D(2)))
    state.reset()
    assert state.held() is state.full_update() is None
    state.apply(update("delta", last_price=D(1)))
    assert state.ticker is None


def test_the_full_update_says_all_that_is_known() -> None:
    state = TickerState()
    state.apply(update("snapshot", last_price=D(1), bid_price=None))
    state.apply(update("delta", last_price=D(2), ask_price=D(3)))
    full = state.full_update()
    assert full == TickerUpdate(
        symbol="BTCUSD",
        last_price=D(2),
        ask_price=D(3),
        changed=frozenset({"last_price", "bid_price", "ask_price"}),
    )
    assert type(full) is TickerUpdate
    assert full.meta == Meta("tickers.BTCUSD", "snapshot", 5)
    again = TickerState()
    again.apply(full)
    assert again.ticker is not None
    assert again.ticker.ask_price == D(3)
    assert type(state.ticker) is Ticker


def test_who_comes_later_missed_nothing() -> None:
    gap = Gap(time=datetime(2026, 1, 1, tzinfo=timezone.utc), topic="t", after_ms=1, before_ms=2)
    state = TickerState()
    state.apply(update("snapshot", meta=Meta("t", "snapshot", 5, gap=gap), last_price=D(1)))
    assert state.ticker is not None
    assert state.ticker.meta.gap is gap
    held, full = state.held(), state.full_update()
    assert held is not None
    assert full is not None
    assert held == state.ticker
    assert held.meta.gap is full.meta.gap is None
    state.apply(update("delta", last_price=D(2)))
    assert state.held() is state.ticker


def test_times() -> None:
    ticker = Ticker(symbol="X", delivery_ms=1000, next_funding_ms=None)
    assert ticker.delivery == datetime(1970, 1, 1, 0, 0, 1, tzinfo=timezone.utc)
    assert ticker.next_funding is None
    assert "delivery=1970-01-01T00:00:01.000Z" in repr(ticker)
