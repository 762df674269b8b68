"""Every operator of reactivex that knows time ticks on the stream's own loop, without a thread.

The list is not written by hand alone: it must name every operator whose signature takes a
scheduler. What is timed by inner observables (``timeout_with_mapper``) stands in it as well.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import reactivex
from reactivex import Observable, compose
from reactivex import operators as ops
from reactivex.scheduler import TimeoutScheduler

from tests.fakes import Topic, until_async

Operator = Callable[[Observable[Any]], Observable[Any]]


def soon(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def timer(*_: object) -> Observable[Any]:
    return reactivex.timer(0.004)


def ticks(*_: object) -> Observable[Any]:
    return reactivex.interval(0.004)


def flat(window: Operator) -> Operator:
    """The items of windows, groups or joins."""
    return compose(window, ops.flat_map(lambda inner: inner.pipe(ops.buffer_with_time(0.004))))


def careless(source: Observable[Any]) -> Observable[Any]:
    """An operator as users write them: it forgets to pass on the scheduler."""
    return Observable(lambda observer, scheduler=None: source.subscribe(observer))


TAKES_A_SCHEDULER: dict[str, Callable[[], Operator]] = {
    "buffer_with_time": lambda: ops.buffer_with_time(0.01),
    "buffer_with_time_or_count": lambda: ops.buffer_with_time_or_count(0.01, 1000),
    "debounce": lambda: ops.debounce(0.0005),
    "delay": lambda: ops.delay(0.01),
    "delay_subscription": lambda: ops.delay_subscription(0.01),
    "replay": lambda: compose(ops.replay(window=1.0), ops.ref_count()),
    "sample": lambda: ops.sample(0.01),
    "skip_last_with_time": lambda: ops.skip_last_with_time(0.01),
    "skip_until_with_time": lambda: ops.skip_until_with_time(soon(0.02)),
    "skip_with_time": lambda: ops.skip_with_time(0.01),
    "take_last_with_time": lambda: compose(ops.take(5), ops.take_last_with_time(1.0)),
    "take_until_with_time": lambda: ops.take_until_with_time(soon(60.0)),
    "take_with_time": lambda: ops.take_with_time(60.0),
    "throttle_first": lambda: ops.throttle_first(0.01),
    "throttle_with_timeout": lambda: ops.throttle_with_timeout(0.0005),
    "time_interval": lambda: ops.time_interval(),
    "timeout": lambda: compose(ops.skip_while(lambda _: True), ops.timeout(0.01, ticks())),
    "timestamp": lambda: ops.timestamp(),
    "to_marbles": lambda: compose(ops.take(3), ops.to_marbles()),
    "window_with_time": lambda: flat(ops.window_with_time(0.01)),
    "window_with_time_or_count": lambda: flat(ops.window_with_time_or_count(0.01, 1000)),
}

GIVEN_ITS_OWN_THREAD = {"observe_on", "subscribe_on"}
"""A scheduler is their one argument: nothing to default."""

TIMED_BY_INNER_OBSERVABLES: dict[str, Callable[[], Operator]] = {
    "amb": lambda: ops.amb(reactivex.timer(5.0)),
    "buffer": lambda: ops.buffer(ticks()),
    "buffer_toggle": lambda: ops.buffer_toggle(ticks(), timer),
    "buffer_when": lambda: ops.buffer_when(timer),
    "catch": lambda: compose(ops.map(lambda _: 1 / 0), ops.catch(ticks())),
    "combine_latest": lambda: ops.combine_latest(ticks()),
    "concat": lambda: compose(ops.take(1), ops.concat(ticks())),
    "delay_with_mapper": lambda: ops.delay_with_mapper(timer(), timer),
    "exclusive": lambda: compose(ops.map(timer), ops.exclusive()),
    "expand": lambda: compose(ops.take(1), ops.expand(timer)),
    "flat_map": lambda: ops.flat_map(timer),
    "flat_map_latest": lambda: ops.flat_map_latest(lambda _: reactivex.timer(0.0005)),
    "group_by": lambda: flat(ops.group_by(lambda event: event[1] % 2)),
    "group_by_until": lambda: flat(ops.group_by_until(lambda _: 1, None, timer)),
    "group_join": lambda: ops.group_join(ticks(), timer, timer),
    "join": lambda: ops.join(ticks(), timer, timer),
    "merge": lambda: ops.merge(ticks()),
    "on_error_resume_next": lambda: compose(ops.take(1), ops.on_error_resume_next(ticks())),
    "repeat": lambda: compose(ops.take(2), ops.delay(0.001), ops.repeat(5)),
    "retry": lambda: ops.retry(2),
    "skip_until": lambda: ops.skip_until(timer()),
    "start_with": lambda: ops.start_with((0, 0)),
    "take_until": lambda: ops.take_until(reactivex.timer(60.0)),
    "throttle_with_mapper": lambda: ops.throttle_with_mapper(lambda _: reactivex.timer(0.0005)),
    "timeout_with_mapper": lambda: ops.timeout_with_mapper(
        reactivex.timer(0.0), lambda _: reactivex.never(), ticks()
    ),
    "window": lambda: flat(ops.window(ticks())),
    "window_toggle": lambda: flat(ops.window_toggle(ticks(), timer)),
    "window_when": lambda: flat(ops.window_when(timer)),
    "with_latest_from": lambda: ops.with_latest_from(ticks()),
    "zip": lambda: ops.zip(ticks()),
}

FOLLOWED_BY: dict[str, list[Operator]] = {
    "nothing": [],
    "timestamp": [ops.timestamp()],
    "careless": [careless],
}


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every thread that was started, and every use of reactivex's timer threads."""
    started: list[str] = []
    start = threading.Thread.start

    def noticed(self: threading.Thread) -> None:
        started.append(self.name)
        start(self)

    def timed(*_: object, **__: object) -> Any:
        started.append("TimeoutScheduler")
        raise AssertionError("a timer thread was asked for")

    monkeypatch.setattr(threading.Thread, "start", noticed)
    monkeypatch.setattr(TimeoutScheduler, "schedule_relative", timed)
    return started


@pytest.mark.parametrize("then", FOLLOWED_BY)
@pytest.mark.parametrize("name", [*TAKES_A_SCHEDULER, *TIMED_BY_INNER_OBSERVABLES])
def test_it_ticks_on_the_loop_of_the_stream(name: str, then: str, started: list[str]) -> None:
    make = TAKES_A_SCHEDULER.get(name) or TIMED_BY_INNER_OBSERVABLES[name]

    async def main() -> None:
        topic = Topic()
        where: set[str] = set()
        heard = asyncio.Event()
        errors: list[Exception] = []

        def note(_: object) -> None:
            where.add(threading.current_thread().name)
            heard.set()

        stream = topic.stream().pipe(make(), *FOLLOWED_BY[then])
        subscription = stream.subscribe(note, errors.append)
        await asyncio.wait_for(heard.wait(), 30)
        subscription.dispose()
        assert where == {"MainThread"}
        assert errors == []
        await until_async(lambda: topic.opened == topic.closed)

    asyncio.run(main())
    assert started == []


def test_the_list_names_every_operator_that_takes_a_scheduler() -> None:
    takes = {
        name
        for name, operator in inspect.getmembers(ops, inspect.isfunction)
        if not name.startswith("_") and "scheduler" in inspect.signature(operator).parameters
    }
    # Named by its other name in the list above.
    assert takes | {"throttle_with_timeout"} == {*TAKES_A_SCHEDULER, *GIVEN_ITS_OWN_THREAD}
