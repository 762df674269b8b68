"""Merged tickers: the same as ``tickers(...)`` on the same frames."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timezone
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given
from reactivex.testing import ReactiveTest, TestScheduler

from rxbybit import operators as rxo
from rxbybit.bookkeeping import NoRenewal
from rxbybit.events import Gap, Meta
from rxbybit.hub import Hub
from rxbybit.schema.decoder import TopicDecoder
from rxbybit.streams.ticker import TICKER_UPDATES, TICKERS
from rxbybit.ticker import Ticker, TickerUpdate
from tests.conformance import golden
from tests.operators.probe import Ear, Probe
from tests.unit.test_hub import Ear as Hearer

on_next = ReactiveTest.on_next


def update(
    kind: str = "delta",
    symbol: str = "BTCUSD",
    connection: int | None = 1,
    gap: Gap | None = None,
    **values: Any,  # Any: of every kind
) -> TickerUpdate:
    meta = Meta(f"tickers.{symbol}", kind, connection=connection, gap=gap)
    return TickerUpdate(symbol=symbol, changed=frozenset(values), meta=meta, **values)


def ticker(symbol: str = "BTCUSD", changed: Iterable[str] = (), **values: Any) -> Ticker:
    return Ticker(symbol=symbol, changed=frozenset(changed), **values)


def merged(*updates: Any) -> list[Any]:
    source = Probe()
    ear = Ear(source.pipe(rxo.merge_ticker()))
    source.send(*updates)
    assert ear.ended == ""
    return ear.events


def test_in_marbles() -> None:
    scheduler = TestScheduler()
    source = scheduler.create_hot_observable(
        on_next(210, update(last_price=D(9))),
        on_next(220, update("snapshot", last_price=D(1), bid_price=D(2))),
        on_next(230, update(last_price=D(3))),
        on_next(240, update(bid_price=None)),
        on_next(250, update("snapshot", ask_price=D(4))),
        ReactiveTest.on_completed(260),
    )
    heard = scheduler.start(lambda: source.pipe(rxo.merge_ticker()))
    assert heard.messages == [
        on_next(220, ticker(changed=("last_price", "bid_price"), last_price=D(1), bid_price=D(2))),
        on_next(230, ticker(changed=("last_price",), last_price=D(3), bid_price=D(2))),
        on_next(240, ticker(changed=("bid_price",), last_price=D(3))),
        on_next(250, ticker(changed=("ask_price",), ask_price=D(4))),
        ReactiveTest.on_completed(260),
    ]


def test_what_it_makes_is_a_ticker_with_the_meta_of_its_update() -> None:
    sent = [update("snapshot", last_price=D(1)), update(last_price=D(2))]
    made = merged(*sent)
    assert [type(one) for one in made] == [Ticker, Ticker]
    assert [one.meta for one in made] == [one.meta for one in sent]
    assert type(sent[0]) is TickerUpdate


def test_each_symbol_adds_up_by_itself() -> None:
    made = merged(
        update("snapshot", "A", last_price=D(1)),
        update("delta", "B", last_price=D(2)),
        update("snapshot", "B", bid_price=D(3)),
        update("delta", "A", bid_price=D(4)),
    )
    assert made == [
        ticker("A", ("last_price",), last_price=D(1)),
        ticker("B", ("bid_price",), bid_price=D(3)),
        ticker("A", ("bid_price",), last_price=D(1), bid_price=D(4)),
    ]


def test_linear_and_spot_of_one_name_do_not_mix() -> None:
    """Their topics and symbols are the same; the links that bring them are not."""
    made = merged(
        update("snapshot", "BTCUSDT", 1, mark_price=D(1)),
        update("snapshot", "BTCUSDT", 2, usd_index_price=D(2)),
        update("delta", "BTCUSDT", 1, last_price=D(3)),
    )
    assert made[2] == ticker("BTCUSDT", ("last_price",), mark_price=D(1), last_price=D(3))


def test_nothing_survives_a_hole() -> None:
    now = datetime.now(timezone.utc)
    hole = Gap(time=now, topic="tickers.BTCUSD", after_ms=1, before_ms=2)
    made = merged(
        update("snapshot", last_price=D(1), funding_rate=D(2)),
        update("snapshot", "ETHUSD", last_price=D(1)),
        update(bid_price=D(3), gap=hole),
        update(bid_price=D(4)),
        update("delta", "ETHUSD", bid_price=D(3)),
        update("snapshot", last_price=D(5)),
        update(last_price=D(6)),
    )
    assert made[1:] == [
        ticker("ETHUSD", ("last_price",), last_price=D(1)),
        ticker("ETHUSD", ("bid_price",), last_price=D(1), bid_price=D(3)),
        ticker(changed=("last_price",), last_price=D(5)),
        ticker(changed=("last_price",), last_price=D(6)),
    ]
    assert [one.meta.gap for one in made] == [None, None, None, hole, None]
    kept = merged(update("snapshot", last_price=D(1)), update("snapshot", bid_price=D(2), gap=hole))
    assert [one.meta.gap for one in kept] == [None, hole]


def test_of_two_holes_the_newer_one_is_told() -> None:
    now = datetime.now(timezone.utc)
    holes = [Gap(time=now, topic="t", after_ms=at, before_ms=at + 1) for at in (1, 3)]
    lost = [update(last_price=D(1), gap=hole) for hole in holes]
    first, last = update("snapshot", last_price=D(1)), update("snapshot", last_price=D(5))
    made = merged(first, *lost, last, update(last_price=D(6)))
    assert [one.meta.gap for one in made] == [None, holes[1], None]
    made = merged(first, lost[0], update("snapshot", last_price=D(5), gap=holes[1]))
    assert [one.meta.gap for one in made] == [None, holes[1]]


NOW = datetime.now(timezone.utc)


def hub_of(topic: str) -> Hub:
    decoder = TopicDecoder(TICKERS, "v5", topic, report=lambda problem: pytest.fail(str(problem)))
    return Hub(
        decoder.decode,
        snapshot_first=True,
        on_gap=lambda after_ms, before_ms, filled=0, lost=None: Gap(
            time=NOW,
            topic=topic,
            after_ms=after_ms,
            before_ms=before_ms,
            filled=filled,
            lost=lost,
        ),
        on_empty=lambda: None,
        renewal=NoRenewal(),
        numbers=D,
    )


def told_apart(
    frames: list[bytes], drop: frozenset[int] = frozenset()
) -> tuple[list[Any], list[Any]]:
    """What ``tickers(...)`` gives of these frames, and what the operator makes of the updates.

    The link is lost before each frame in ``drop``.
    """
    direct: list[Any] = []
    operated: list[Any] = []
    by_topic: dict[str, list[tuple[int, bytes]]] = {}
    for number, data in enumerate(frames):
        by_topic.setdefault(json.loads(data)["topic"], []).append((number, data))
    for topic, sent in by_topic.items():
        hub = hub_of(topic)
        whole, updates = Hearer(), Hearer()
        hub.attach(TICKERS, whole)
        hub.attach(TICKER_UPDATES, updates)
        for number, data in sent:
            if number in drop:
                hub.lost(was_live=True)
            hub.feed(data, number, 7)
        direct += whole.heard
        operated += merged(*updates.heard)
    return direct, operated


def same(frames: list[bytes], drop: frozenset[int] = frozenset()) -> int:
    direct, operated = told_apart(frames, drop)
    assert operated == direct
    assert [one.meta for one in operated] == [one.meta for one in direct]
    return len(direct)


def test_it_equals_tickers_on_the_golden_frames() -> None:
    assert same(golden.frames("tickers")) >= 5


def recorded(frames: Path) -> list[bytes]:
    lines = [
        line
        for name in ("tickers", "capture_linear", "capture_spot")
        for line in (frames / "v5" / f"{name}.jsonl").read_bytes().splitlines()
    ]
    return [line for line in lines if json.loads(line).get("topic", "").startswith("tickers.")]


def test_it_equals_tickers_on_the_recorded_frames(frames: Path) -> None:
    sent = recorded(frames)
    whole = same(sent)
    assert whole > 90
    # the links fail now and then: what follows until the next snapshot is passed by neither
    assert 0 < same(sent, frozenset(range(20, len(sent), 25))) < whole


keys = st.sampled_from(["last_price", "bid_price", "mark_price"])
values = st.one_of(st.none(), st.integers(1, 9).map(D))
steps = st.tuples(
    st.sampled_from(["snapshot", "delta", "delta", "delta"]),
    st.sampled_from(["A", "B"]),
    st.dictionaries(keys, values, min_size=1),
)


@given(st.lists(steps, max_size=30))
def test_it_adds_up(sent: list[tuple[str, str, dict[str, Any]]]) -> None:
    known: dict[str, dict[str, Any]] = {}
    expected: list[Ticker] = []
    for kind, symbol, found in sent:
        if kind == "snapshot":
            known[symbol] = dict(found)
        elif symbol in known:
            known[symbol] |= found
        else:
            continue
        expected.append(ticker(symbol, found, **known[symbol]))
    assert merged(*(update(kind, symbol, **found) for kind, symbol, found in sent)) == expected
