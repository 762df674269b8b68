"""``retry_backoff``: again after an error, ever more slowly, and never where it cannot help."""

from __future__ import annotations

import random
import sys
from typing import Any

import pytest
import reactivex
from reactivex import Observable
from reactivex import operators as ops

from rxbybit import operators as rxo
from rxbybit.config import Backoff
from rxbybit.errors import (
    ClosedError,
    ConfigurationError,
    RetryBudgetExhausted,
    SubscriptionRejected,
)
from tests.fakes import Client, Feed, Topic, until_async, virtually
from tests.operators.flow import Clock, Heard, Source


@pytest.fixture(autouse=True)
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The longest waits that were asked for; each is drawn whole."""
    bounds: list[float] = []

    def uniform(low: float, high: float) -> float:
        assert low == 0
        bounds.append(high)
        return high

    monkeypatch.setattr(random, "uniform", uniform)
    return bounds


def test_the_diagram() -> None:
    clock, source = Clock(), Source()
    heard = Heard(source.pipe(rxo.retry_backoff(first=2)), clock)
    source.send("a", "b")
    source.fail(OSError())
    assert source.observers == []
    clock.advance_to(1.75)
    assert source.observers == []
    clock.advance_to(2.0)
    source.send("c")
    source.fail(OSError())
    clock.advance_to(5.75)
    assert source.observers == []
    clock.advance_to(6.0)
    source.send("d", "e")
    source.complete()
    assert heard.values == list("abcde")
    assert heard.completed
    assert clock.armed == 0
    assert source.schedulers == [clock] * 3


def test_the_bound_of_the_waits_doubles_up_to_the_cap(drawn: list[float]) -> None:
    clock, source = Clock(), Source()
    heard = Heard(source.pipe(rxo.retry_backoff(first=0.5, cap=3)), clock)
    for _ in range(6):
        source.fail(OSError())
        clock.advance_by(3.0)
    assert drawn == [0.5, 1, 2, 3, 3, 3]
    assert not heard.ended


def test_health_is_the_cap_since_the_first_value(drawn: list[float]) -> None:
    clock, source = Clock(), Source()
    Heard(source.pipe(rxo.retry_backoff(Backoff(first=1, cap=8))), clock)
    for seconds in (0.0, 7.75, 8.0, 100.0):
        source.send("a")
        clock.advance_by(seconds)
        source.send("b")
        source.fail(OSError())
        clock.advance_by(8.0)
    assert drawn == [1, 2, 1, 1]
    clock.advance_by(100.0)  # but it says nothing
    source.fail(OSError())
    assert drawn[4:] == [2]
    assert clock.armed == 1  # the pause alone


def test_the_budget_is_of_failed_attempts_in_a_row(drawn: list[float]) -> None:
    clock, source = Clock(), Source()
    heard = Heard(source.pipe(rxo.retry_backoff(first=1, cap=4, budget=2)), clock)
    source.fail(OSError("one"))
    clock.advance_by(4.0)
    source.send("a")
    clock.advance_by(5.0)
    source.fail(OSError("two"))  # after health: none in a row
    clock.advance_by(4.0)
    source.fail(OSError("three"))
    clock.advance_by(4.0)
    source.fail(last := OSError("four"))
    assert isinstance(heard.error, RetryBudgetExhausted)
    assert heard.error.attempts == 2
    assert heard.error.permanent
    assert heard.error.__cause__ is last
    assert "four" in str(heard.error)
    assert clock.armed == 0


def test_a_permanent_error_is_passed_on_at_once() -> None:
    clock, source = Clock(), Source()
    heard = Heard(source.pipe(rxo.retry_backoff()), clock)
    source.send("a")
    source.fail(error := SubscriptionRejected("publicTrade.X", "unknown"))
    assert heard.error is error
    assert clock.armed == 0
    assert len(source.schedulers) == 1


def test_a_source_that_fails_at_once_neither_spins_nor_fills_the_stack() -> None:
    clock, tries = Clock(), []

    def failing(_: object, __: object = None) -> Any:
        tries.append(clock.seconds)
        raise OSError

    heard = Heard(Observable(failing).pipe(rxo.retry_backoff(first=1, cap=1)), clock)
    assert tries == [0]
    clock.advance_to(float(2 * sys.getrecursionlimit()))
    assert tries == list(range(2 * sys.getrecursionlimit() + 1))
    heard.subscription.dispose()
    assert clock.armed == 0

    thrown = Heard(reactivex.throw(OSError()).pipe(rxo.retry_backoff(budget=3)), clock)
    clock.advance_by(60.0)
    assert isinstance(thrown.error, RetryBudgetExhausted)


def test_dispose_ends_the_pause_and_is_allowed_inside_a_call() -> None:
    clock, source = Clock(), Source()
    heard = Heard(source.pipe(rxo.retry_backoff()), clock)
    source.fail(OSError())
    heard.subscription.dispose()
    heard.subscription.dispose()
    assert clock.armed == 0
    clock.advance_by(60.0)
    assert len(source.schedulers) == 1

    Heard(source.pipe(rxo.retry_backoff()), clock, until=lambda _: True)
    source.send(1)
    assert source.observers == []
    assert clock.armed == 0


def test_dispose_while_it_subscribes() -> None:
    clock, feed = Clock(), Source()
    got: list[int] = []
    at_once = feed.pipe(ops.start_with(1), rxo.retry_backoff(), ops.take(1))
    at_once.subscribe(got.append, scheduler=clock)
    clock.advance_by(9.0)
    assert got == [1]
    assert feed.observers == []
    assert clock.armed == 0


def test_subscribers_share_nothing(drawn: list[float]) -> None:
    clock, source = Clock(), Source()
    retried = source.pipe(rxo.retry_backoff(first=1))
    Heard(retried, clock)
    source.fail(OSError())
    Heard(retried, clock)
    source.fail(OSError())
    assert drawn == [1, 1]


def test_its_own_scheduler_wins() -> None:
    clock, own, source = Clock(), Clock(), Source()
    Heard(source.pipe(rxo.retry_backoff(first=1, scheduler=own)), clock)
    source.fail(OSError())
    clock.advance_by(9.0)
    assert source.observers == []
    own.advance_by(9.0)
    assert source.schedulers == [clock, clock]


def test_without_a_clock_it_says_so_and_subscribes_to_nothing() -> None:
    source = Source()
    heard = Heard(source.pipe(rxo.retry_backoff()))
    assert isinstance(heard.error, ConfigurationError)
    assert source.schedulers == []


def test_the_error_of_a_subscriber_that_handles_none_goes_up() -> None:
    source = Source()
    clock = Clock()
    source.pipe(rxo.retry_backoff(budget=1)).subscribe(scheduler=clock)
    with pytest.raises(RetryBudgetExhausted):
        source.fail(OSError())

    def failing(_: object, __: object = None) -> Any:
        raise OSError

    with pytest.raises(RetryBudgetExhausted):
        Observable(failing).pipe(rxo.retry_backoff(budget=1)).subscribe(scheduler=clock)


@pytest.mark.parametrize(
    ("given", "legal"),
    [
        ({"first": 0}, "more than 0"),
        ({"cap": "1s"}, "more than 0"),
        ({"budget": 0}, "at least 1"),
        ({"backoff": 0.5}, "Backoff"),
        ({"backoff": Backoff(), "first": 1}, "not both"),
    ],
)
def test_impossible_numbers_fail_when_it_is_built(given: Any, legal: str) -> None:
    with pytest.raises(ConfigurationError, match=legal):
        rxo.retry_backoff(**given)


def test_a_stream_is_opened_anew_on_its_own_clock() -> None:
    async def main() -> None:
        topic = Topic(every_s=1, fails_at=2)
        got: list[tuple[int, int]] = []
        subscription = topic.stream().pipe(rxo.retry_backoff()).subscribe(got.append)
        await until_async(lambda: topic.opened == 3)
        assert got == [(1, 0), (1, 1), (2, 0), (2, 1)]
        subscription.dispose()
        await until_async(lambda: topic.closed == 3)

    virtually(main())


def test_a_client_that_is_closed_meanwhile_ends_it() -> None:
    async def main() -> None:
        feed, client, errors = Feed(), Client(), []
        retried = rxo.retry_backoff(scheduler=clock)(feed.stream(origin=client))
        retried.subscribe(on_error=errors.append)
        feed.observers[0].on_error(OSError())
        client.close(ClosedError())
        clock.advance_by(60.0)
        assert isinstance(errors[0], ClosedError)

    clock = Clock()
    virtually(main())
