"""The machine that adds updates of tickers up."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal as D
from typing import Any

import hypothesis.strategies as st
from hypothesis import given

from rxbybit.events import Meta
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


def test_what_is_known_compares_whatever_was_said_last() -> None:
    one, other = TickerState(), TickerState()
    assert one.content() is None
    one.apply(update("snapshot", last_price=D(1), bid_price=D(2)))
    other.apply(update("snapshot", last_price=D(3), bid_price=D(2)))
    assert one.content() != other.content()
    other.apply(update("delta", last_price=D(1)))
    assert one.content() == other.content()
    assert not one.spoil("no data", silent=True)
    assert one.content() == other.content()


def test_nothing_before_a_snapshot() -> None:
    state = TickerState()
    assert state.ticker is state.full_update() is None
    state.apply(update("delta", last_price=D(1)))
    assert state.ticker is state.full_update() is None
    state.apply(update("snapshot", bid_price=D(2)))
    state.reset()
    assert state.ticker is state.full_update() is None
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


values = st.one_of(st.none(), st.integers(1, 9).map(D))
keys = st.sampled_from(["last_price", "bid_price", "mark_price"])
steps = st.tuples(st.sampled_from(["snapshot", *["delta"] * 9]), st.dictionaries(keys, values))


@given(
    st.lists(steps, max_size=20),
    st.sets(st.integers(0, 20)),
)
def test_it_adds_up_whenever_it_is_asked(
    first: list[tuple[str, dict[str, Any]]],
    asked: set[int],
) -> None:
    state, naive = TickerState(), None
    known: frozenset[str] = frozenset()
    for number, (kind, found) in enumerate([*first, *first]):
        event = update(kind, **found)
        state.apply(event)
        if kind == "snapshot":
            naive, known = dict(found), event.changed
        elif naive is not None:
            naive |= found
            known |= event.changed
        if number in asked or number >= len(first):
            assert (state.ticker is None) is (naive is None)
            if naive is not None:
                expected = Ticker(symbol="BTCUSD", changed=event.changed, **naive)
                assert state.ticker is not None
                assert state.ticker == expected
                assert state.ticker.meta is event.meta
                full = state.full_update()
                assert full == TickerUpdate(symbol="BTCUSD", changed=known, **naive)
    assert len(state._since) <= 5  # no more is held than there are attributes


def test_times() -> None:
    ticker = Ticker(symbol="X", delivery_ms=1000, next_funding_ms=None)
    assert ticker.delivery == datetime(1970, 1, 1, 0, 0, 1, tzinfo=timezone.utc)
    assert ticker.next_funding is None
    assert "delivery=1970-01-01T00:00:01.000Z" in repr(ticker)
