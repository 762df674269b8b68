"""``map_async``: whoever cancels a task of it, nobody waits for ever, and no exit is noisy."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import pytest
from reactivex import operators as ops

from rxbybit import operators as rxo
from rxbybit.errors import RxBybitError
from tests.fakes import Feed, Topic, virtually
from tests.operators.flow import Heard, Source

TOLD_S = 1.0
"""How long it looks whether the loop goes on."""


class Desk:
    """Its coroutines take 9 s, and their tasks can be had."""

    def __init__(self) -> None:
        self.tasks: dict[Any, asyncio.Task[Any]] = {}
        self.over: list[Any] = []

    async def work(self, value: Any) -> Any:
        task = self.tasks[value] = running()
        try:
            await asyncio.sleep(9)
        finally:
            self.over.append((value, task.cancelling()))
        return value


def running() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task


def tasks() -> int:
    return len(asyncio.all_tasks()) - 1


def told(error: Exception | None) -> bool:
    return type(error) is RxBybitError and error.permanent and "was cancelled" in str(error)


@pytest.mark.parametrize("wait", ["await", "async for"])
def test_who_waits_for_the_stream_is_told(wait: str) -> None:
    async def main() -> None:
        desk, feed = Desk(), Feed()
        stream = feed.stream().pipe(rxo.map_async(desk.work))

        async def consume() -> None:
            if wait == "await":
                await stream
            async for _ in stream:
                pass

        consumer = asyncio.ensure_future(consume())
        await asyncio.sleep(1)
        feed.send(1, 2)
        await asyncio.sleep(1)
        desk.tasks[1].cancel()
        with pytest.raises(RxBybitError, match="was cancelled") as raised:
            await asyncio.wait_for(consumer, 1.5)
        assert told(raised.value)
        assert list(desk.tasks) == [1]
        assert feed.disposed == 1
        assert tasks() == 0

    virtually(main())


def test_on_the_background_runtime_who_blocks_is_told() -> None:
    async def fn(value: int) -> int:
        if value == 2:
            running().cancel()  # by itself
        await asyncio.sleep(0)
        return value

    got: list[int] = []
    stream = (
        Topic()
        .stream()
        .pipe(ops.map(lambda event: event[1]), rxo.map_async(fn), ops.do_action(got.append))
    )
    with pytest.raises(RxBybitError) as raised:
        stream.run()
    assert told(raised.value)
    assert got == [0, 1]


def test_it_has_its_turn_and_nothing_begins_meanwhile() -> None:
    async def main() -> None:
        desk, source = Desk(), Source()
        heard = Heard(source.pipe(rxo.map_async(desk.work, 3)))
        source.send(1, 2, 3, 4)
        await asyncio.sleep(1)
        desk.tasks[2].cancel()
        await asyncio.sleep(1)
        assert desk.over == [(2, 1), (3, 1)]
        assert source.observers == []
        await asyncio.sleep(7.5)
        assert heard.values == [1]
        assert not heard.ended
        await asyncio.sleep(TOLD_S)
        assert told(heard.error)
        assert list(desk.tasks) == [1, 2, 3]
        assert tasks() == 0

    virtually(main())


def test_disposed_of_before_it_is_told_it_is_not() -> None:
    async def main() -> None:
        desk, source = Desk(), Source()
        heard = Heard(source.pipe(rxo.map_async(desk.work)))
        source.send(1)
        await asyncio.sleep(1)
        desk.tasks[1].cancel()
        await asyncio.sleep(TOLD_S / 2)
        heard.subscription.dispose()
        timers: Any = vars(asyncio.get_running_loop())["_scheduled"]
        assert [t for t in timers if "map_async" in repr(t) and not t.cancelled()] == []
        await asyncio.sleep(99)
        assert not heard.ended

    virtually(main())


def test_a_task_that_will_not_end_delays_it_for_a_while_only() -> None:
    async def never() -> None:
        try:
            await asyncio.sleep(99)
        except asyncio.CancelledError:
            await asyncio.sleep(99)

    async def main() -> None:
        desk, source = Desk(), Source()
        heard = Heard(source.pipe(rxo.map_async(desk.work)))
        source.send(1)
        held = asyncio.ensure_future(never())
        await asyncio.sleep(1)
        held.cancel()
        desk.tasks[1].cancel()
        await asyncio.sleep(5)
        assert not heard.ended
        await asyncio.sleep(6)
        assert told(heard.error)
        await held

    virtually(main())


def test_what_was_cancelled_inside_may_be_tried_again() -> None:
    async def main() -> None:
        pool = [asyncio.get_running_loop().create_future() for _ in range(2)]

        async def fn(value: int) -> int:
            return value + await pool.pop(0)

        feed, errors = Feed(), []
        mapped = feed.stream().pipe(rxo.map_async(fn), rxo.retry_backoff())
        mapped.subscribe(on_error=errors.append)
        feed.send(1)
        pool[0].cancel()
        await asyncio.sleep(9)
        assert errors == []
        assert len(feed.observers) == 2  # subscribed again

    virtually(main())


def test_what_tasks_raise_that_are_not_heard_any_more_the_loop_is_told() -> None:
    async def main() -> None:
        lost: list[Exception] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, c: lost.append(c["exception"]))

        async def fn(value: int) -> int:
            try:
                await asyncio.sleep(value)
            except asyncio.CancelledError:
                raise OSError(value) from None
            raise LookupError(value)

        for done in (lambda h: h.subscription.dispose(), lambda h: h):
            source = Source()
            heard = Heard(source.pipe(rxo.map_async(fn, 4)))
            source.send(3, 2, 4, 5)
            await asyncio.sleep(2.5)
            done(heard)
            await asyncio.sleep(9)
            del source, heard, done
            gc.collect()
        # 2 has failed before its turn: whoever cancels a task has asyncio forget that
        assert sorted(map(str, lost)) == ["3", "4", "4", "5", "5"]

    virtually(main())


class Odd(BaseException):
    """No ``Exception``."""


def test_whatever_a_coroutine_raises_is_told() -> None:
    async def fn(value: int) -> int:
        if value == 1:
            raise Odd
        return value

    async def main() -> None:
        source = Source()
        heard = Heard(source.pipe(rxo.map_async(fn)))
        source.send(0, 1, 2)
        await asyncio.sleep(1)
        assert heard.values == [0]
        assert str(heard.error) == "map_async: a coroutine raised Odd()"
        assert isinstance(heard.error, RxBybitError)
        assert isinstance(heard.error.__cause__, Odd)

    virtually(main())


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_loop_ends_it_once(kind: type[BaseException]) -> None:
    async def fn(_: object) -> None:
        raise kind

    async def other() -> None:
        try:
            await asyncio.sleep(99)
        finally:
            await asyncio.sleep(1)
            cleaned.append(1)

    async def main() -> None:
        held = asyncio.ensure_future(other())
        feed = Feed()
        feed.stream().pipe(rxo.map_async(fn)).subscribe(on_error=errors.append)
        await asyncio.sleep(0)
        feed.send(1, 2)
        await held

    errors: list[Exception] = []
    cleaned: list[int] = []
    with pytest.raises(kind):
        virtually(main())
    assert cleaned == [1]
    assert errors == []


async def tidy(seconds: float) -> None:
    try:
        await asyncio.sleep(99)
    finally:
        await asyncio.wait_for(asyncio.ensure_future(asyncio.sleep(seconds)), 99)


async def stubborn(value: int) -> int:
    try:
        await asyncio.sleep(99)
    except asyncio.CancelledError:
        await asyncio.sleep(0)
    return value


def over_in(seconds: float) -> Callable[[], None]:
    """Cleans up for so long after it was cancelled, in a task that nobody cancels."""
    held: list[object] = []

    def begin() -> None:
        held.append(asyncio.ensure_future(tidy(seconds)))

    return begin


@pytest.mark.parametrize("limit", [1, 2])
@pytest.mark.parametrize("others", [lambda: None, over_in(0), over_in(0.5), over_in(5)])
@pytest.mark.parametrize("kind", ["stream", "observable", "consumer", "stubborn"])
def test_the_end_of_asyncio_run_is_silent(
    kind: str, others: Callable[[], None], limit: int, caplog: pytest.LogCaptureFixture
) -> None:
    errors: list[Exception] = []
    began: list[int] = []

    async def fn(value: int) -> int:
        began.append(value)
        return await (stubborn(value) if kind == "stubborn" else Desk().work(value))

    async def main() -> object:
        feed, source = Feed(), Source()
        mapped = (source if kind == "observable" else feed.stream()).pipe(rxo.map_async(fn, limit))
        held: object = None
        if kind == "consumer":
            held = asyncio.ensure_future(waits(mapped))
            await asyncio.sleep(0)
        else:
            mapped.subscribe(on_error=errors.append)
        others()
        (source if kind == "observable" else feed).send(1, 2, 3, 4)
        await asyncio.sleep(1)
        return held

    virtually(main())
    assert began == list(range(1, limit + 1)) or kind == "stubborn"
    assert errors == []
    assert caplog.records == []


async def waits(stream: Any) -> None:
    await stream
