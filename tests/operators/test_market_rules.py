"""What every operator of a market keeps to, whatever it works out."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import reactivex
from reactivex import Observable
from reactivex import operators as ops
from reactivex.disposable import Disposable
from reactivex.subject import Subject
from reactivex.testing import TestScheduler

from rxbybit import ConfigurationError
from rxbybit.runtime import Runtime
from tests.fakes import Feed, virtually
from tests.operators.market import MARKET, OVER_BOOKS, events_for

each = pytest.mark.parametrize("name", MARKET)


def heard(source: Observable[Any], **options: Any) -> tuple[list[Any], list[Exception], list[str]]:
    events, errors, ends = [], [], []
    source.subscribe(events.append, errors.append, lambda: ends.append("end"), **options)
    return events, errors, ends


@each
def test_it_works_on_an_observable_of_somebody_else(name: str) -> None:
    events, errors, ends = heard(reactivex.of(*events_for(name)).pipe(MARKET[name]()))
    assert events
    assert errors == []
    assert ends == ["end"]


@each
def test_two_subscribers_share_nothing(name: str) -> None:
    source: Subject[Any] = Subject()
    made = source.pipe(MARKET[name]())
    first, *_ = heard(made)
    source.on_next(events_for(name)[0])
    second, *_ = heard(made)
    for event in events_for(name):
        source.on_next(event)
    alone, *_ = heard(reactivex.of(*events_for(name)).pipe(MARKET[name]()))
    whole, *_ = heard(reactivex.of(events_for(name)[0], *events_for(name)).pipe(MARKET[name]()))
    assert second == alone
    assert first == whole


@each
def test_subscribing_again_begins_anew(name: str) -> None:
    events = events_for(name)
    source = reactivex.concat(reactivex.of(*events[:3]), reactivex.throw(OSError("lost")))
    alone, *_ = heard(reactivex.of(*events[:3]).pipe(MARKET[name]()))
    again, errors, _ = heard(source.pipe(MARKET[name](), ops.retry(3)))
    assert again == alone * 3
    assert [str(error) for error in errors] == ["lost"]


@each
def test_it_passes_on_the_scheduler(name: str) -> None:
    given: list[Any] = []

    def subscribe(observer: Any, scheduler: Any = None) -> Disposable:
        given.append(scheduler)
        return Disposable()

    scheduler = TestScheduler()
    Observable(subscribe).pipe(MARKET[name]()).subscribe(scheduler=scheduler)
    assert given == [scheduler]


@each
def test_it_ends_for_good_inside_on_next(name: str) -> None:
    source: Subject[Any] = Subject()
    scheduler = TestScheduler()
    seen: list[Any] = []

    def once(event: object) -> None:
        seen.append(event)
        subscription.dispose()

    subscription = source.pipe(MARKET[name]()).subscribe(once, scheduler=scheduler)
    for event in events_for(name) * 2:
        source.on_next(event)
    subscription.dispose()
    assert len(seen) == 1
    assert source.observers == []
    scheduler.advance_to(3_600)
    assert len(seen) == 1


@each
def test_what_it_cannot_take_is_one_clear_error_after_it_has_let_go(name: str) -> None:
    source: Subject[Any] = Subject()
    errors: list[Exception] = []
    held: list[int] = []

    def on_error(error: Exception) -> None:
        held.append(len(source.observers))
        errors.append(error)

    source.pipe(MARKET[name]()).subscribe(lambda _: None, on_error, scheduler=TestScheduler())
    wrong = events_for("vwap" if name in OVER_BOOKS else "spread")[0]
    source.on_next(wrong)
    source.on_next(wrong)
    (error,) = errors
    assert isinstance(error, ConfigurationError)
    operator = name.partition(" ")[0]
    what = {"ema": "candles, bars, trades or values"}.get(operator, "trades, events with symbol")
    assert str(error).startswith(f"{operator}() expects ")
    assert ("order books" if name in OVER_BOOKS else what) in str(error)
    assert f", and got a {type(wrong).__name__} (" in str(error)
    assert isinstance(error.__cause__, AttributeError | TypeError)
    assert held == [0]


@each
def test_an_error_of_the_source_passes_and_nothing_before_it(name: str) -> None:
    events, errors, ends = heard(
        reactivex.concat(reactivex.of(events_for(name)[0]), reactivex.throw(OSError("lost"))).pipe(
            MARKET[name](), ops.ignore_elements()
        )
    )
    assert events == []
    assert [str(error) for error in errors] == ["lost"]
    assert ends == []


@each
def test_on_a_stream_it_is_gone_with_the_last_dispose(name: str) -> None:
    async def main() -> None:
        feed = Feed()
        loop = asyncio.get_running_loop()
        seen: list[Any] = []
        runtime = Runtime.current()
        before = len(loop._scheduled)  # type: ignore[attr-defined]
        subscription = feed.stream().pipe(MARKET[name]()).subscribe(seen.append)
        feed.send(*events_for(name))
        assert seen
        subscription.dispose()
        subscription.dispose()
        assert feed.disposed == 1
        assert feed.runtimes == [runtime]
        alive = [h for h in loop._scheduled if not h.cancelled()]  # type: ignore[attr-defined]
        assert len(alive) == before
        count = len(seen)
        await asyncio.sleep(3_600)
        assert len(seen) == count

    virtually(main())


@each
def test_a_subscriber_that_raises_leaves_the_others_whole(name: str) -> None:
    async def main() -> None:
        feed = Feed()
        made = feed.stream().pipe(MARKET[name]())
        errors: list[Exception] = []
        seen: list[Any] = []

        def raising(_: object) -> None:
            raise LookupError("mine")

        made.subscribe(raising, errors.append)
        made.subscribe(seen.append)
        feed.send(*events_for(name))
        alone, *_ = heard(reactivex.of(*events_for(name)).pipe(MARKET[name]()))
        assert seen == alone
        assert [str(error) for error in errors] == ["mine"]
        assert feed.disposed == 1

    virtually(main())
