"""``map_async``: in order, bounded, and nothing of it runs once it has ended."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
import reactivex
from hypothesis import given
from hypothesis import strategies as st
from reactivex import operators as ops

from rxbybit import operators as rxo
from rxbybit.errors import ConfigurationError, RuntimeMisuse, RxBybitError, SlowConsumer
from rxbybit.operators.waiting import Overflow
from rxbybit.runtime import Runtime
from tests.fakes import Feed, Topic, until, until_async, virtually
from tests.operators.flow import Clock, Heard, Source, at_once


class Desk:
    """Coroutines that take as long as the test says; what began, ended and was cancelled."""

    def __init__(self) -> None:
        self.began: list[Any] = []
        self.cancelled: list[Any] = []
        self.gates: dict[Any, asyncio.Future[Any]] = {}

    async def work(self, value: Any) -> Any:
        self.began.append(value)
        gate = self.gates[value] = asyncio.get_running_loop().create_future()
        try:
            return await gate
        except asyncio.CancelledError:
            self.cancelled.append(value)
            raise

    async def done(self, value: Any, result: Any = None) -> None:
        """Let one end, with a result or an error, and everything that follows happen."""
        gate = self.gates[value]
        if isinstance(result, Exception):
            gate.set_exception(result)
        else:
            gate.set_result(result or f"{value} done")
        await settled()


def raises(_: object) -> None:
    raise ZeroDivisionError


async def settled() -> None:
    for _ in range(9):
        await asyncio.sleep(0)


def tasks() -> int:
    return len(asyncio.all_tasks()) - 1


def test_the_diagram() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        feed, got = Feed(), []

        async def fn(value: str) -> str:
            await asyncio.sleep(4)
            return value.upper()

        feed.stream().pipe(rxo.map_async(fn)).subscribe(
            lambda v: got.append((v, loop.time())), on_completed=lambda: got.append("|")
        )
        start = loop.time()
        for at, value in [(2, "a"), (4, "b"), (6, "c")]:
            await asyncio.sleep(start + at - loop.time())
            feed.send(value)
        await asyncio.sleep(start + 16 - loop.time())
        feed.observers[0].on_completed()
        assert [(v, round(t - start, 3)) for v, t in got[:3]] == [("A", 6), ("B", 10), ("C", 14)]
        assert got[3:] == ["|"]

    virtually(main())


def test_results_come_in_the_order_of_the_values_and_so_many_run_at_a_time() -> None:
    async def main() -> None:
        desk, source = Desk(), Source()
        heard = Heard(source.pipe(rxo.map_async(desk.work, 2)))
        source.send(1, 2, 3, 4)
        await settled()
        assert desk.began == [1, 2]
        await desk.done(2)
        assert heard.values == []
        assert desk.began == [1, 2]  # it is held for its turn, and counts
        await desk.done(1)
        assert heard.values == ["1 done", "2 done"]
        assert desk.began == [1, 2, 3, 4]
        source.complete()
        await desk.done(4)
        assert not heard.completed
        await desk.done(3)
        assert heard.values[2:] == ["3 done", "4 done"]
        assert heard.completed
        assert tasks() == 0

    virtually(main())


@pytest.mark.parametrize("end", ["complete", "fail"])
def test_what_waits_is_done_before_the_end_of_the_source(end: str) -> None:
    async def main() -> None:
        desk, source = Desk(), Source()
        heard = Heard(source.pipe(rxo.map_async(desk.work)))
        source.send(1, 2)
        source.complete() if end == "complete" else source.fail(OSError())
        await settled()
        await desk.done(1)
        assert not heard.ended
        await desk.done(2)
        assert heard.values == ["1 done", "2 done"]
        assert heard.completed if end == "complete" else isinstance(heard.error, OSError)

    virtually(main())


def test_an_empty_source_ends_at_once() -> None:
    source = Source()
    heard = Heard(source.pipe(rxo.map_async(Desk().work)))
    source.complete()
    assert heard.completed


def test_an_error_has_its_turn_and_cancels_the_others() -> None:
    async def main() -> None:
        desk, source = Desk(), Source()
        heard = Heard(source.pipe(rxo.map_async(desk.work, 3)))
        source.send(1, 2, 3, 4)
        await settled()
        await desk.done(2, error := OSError())
        assert not heard.ended
        await desk.done(1)
        assert heard.values == ["1 done"]
        assert heard.error is error
        await settled()
        assert desk.cancelled == [3]
        assert 4 not in desk.began or 4 in desk.cancelled
        assert source.observers == []
        assert tasks() == 0

    virtually(main())


def test_dispose_cancels_and_forgets_also_inside_a_call() -> None:
    async def main() -> None:
        desk, source = Desk(), Source()
        heard = Heard(source.pipe(rxo.map_async(desk.work, 2)))
        source.send(1, 2, 3)
        await settled()
        heard.subscription.dispose()
        heard.subscription.dispose()
        await settled()
        assert desk.cancelled == [1, 2]
        assert desk.began == [1, 2]
        assert tasks() == 0
        assert source.observers == []

        heard = Heard(source.pipe(rxo.map_async(desk.work, 2)), until=lambda _: True)
        source.send(5, 6, 7)
        await settled()
        await desk.done(6)
        await desk.done(5)
        assert heard.values == ["5 done"]
        assert tasks() == 0
        assert source.observers == []

    virtually(main())


def test_dispose_from_another_thread_cancels_on_the_loop() -> None:
    async def main() -> None:
        desk, source = Desk(), Source()
        heard = Heard(source.pipe(rxo.map_async(desk.work)))
        source.send(1)
        await settled()
        other = threading.Thread(target=heard.subscription.dispose)
        other.start()
        await until_async(lambda: desk.cancelled == [1])
        other.join()
        assert tasks() == 0

    asyncio.run(main(), debug=True)  # the loop raises where another thread touches it


def test_dispose_after_the_loop_has_closed() -> None:
    desk, source = Desk(), Source()
    loop = asyncio.new_event_loop()

    async def begin() -> Heard:
        heard = Heard(source.pipe(rxo.map_async(desk.work)))
        source.send(1)
        return heard

    heard = loop.run_until_complete(begin())
    loop.run_until_complete(settled())
    task: Any = asyncio.all_tasks(loop).pop()
    task._log_destroy_pending = False  # it is this test that left it behind
    loop.close()
    heard.subscription.dispose()
    assert source.observers == []


def test_the_end_of_asyncio_run_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    desk, errors = Desk(), []

    async def main() -> None:
        feed = Feed()
        feed.stream().pipe(rxo.map_async(desk.work, 2)).subscribe(on_error=errors.append)
        feed.send(1, 2)
        await settled()

    asyncio.run(main())
    assert desk.cancelled in ([1, 2], [2, 1])
    assert errors == []
    assert caplog.records == []


def test_a_coroutine_that_waits_for_what_is_cancelled_ends_it_with_an_error() -> None:
    async def main() -> None:
        desk, source = Desk(), Source()
        heard = Heard(source.pipe(rxo.map_async(desk.work)))
        source.send(1)
        await settled()
        desk.gates[1].cancel()
        await settled()
        assert type(heard.error) is RxBybitError

    virtually(main())


@pytest.mark.parametrize(
    ("overflow", "done", "dropped"),
    [("drop_oldest", [1, 5, 6], 3), ("drop_newest", [1, 2, 3], 3), ("latest", [1, 6], 4)],
)
def test_what_a_full_buffer_keeps(overflow: Overflow, done: list[int], dropped: int) -> None:
    async def main() -> None:
        desk, source, said = Desk(), Source(), []
        mapped = source.pipe(
            rxo.map_async(desk.work, buffer=2, overflow=overflow, on_drop=said.append)
        )
        heard = Heard(mapped.pipe(ops.do_action(said.append)))
        source.send(1, 2, 3, 4, 5, 6)
        source.complete()
        await settled()
        for value in done:
            await desk.done(value)
        assert heard.values == [f"{value} done" for value in done]
        assert heard.completed
        assert desk.began == done
        assert said == [dropped, *heard.values]

    virtually(main())


def test_drops_are_told_once_a_second_and_before_the_last_result() -> None:
    async def main() -> None:
        desk, source, said = Desk(), Source(), []
        mapped = source.pipe(rxo.map_async(desk.work, overflow="latest", on_drop=said.append))
        mapped.subscribe(said.append)
        source.send("a", "b", "c")
        await settled()
        await desk.done("a")
        assert said == [1, "a done"]
        source.send("d", "e")
        await desk.done("c")
        assert said[2:] == ["c done"]
        await asyncio.sleep(1)
        source.send("f")
        await desk.done("e")
        assert said[3:] == [1, "e done"]
        source.send("g", "h")
        source.complete()
        await desk.done("f")
        await desk.done("h")
        assert said[5:] == ["f done", 1, "h done"]

    virtually(main())


def test_what_on_drop_raises_ends_it() -> None:
    async def main() -> None:
        desk, source = Desk(), Source()
        mapped = rxo.map_async(desk.work, overflow="latest", on_drop=lambda n: 1 / (n - 1))
        heard = Heard(source.pipe(mapped))
        source.send(1, 2, 3)
        await settled()
        await desk.done(1)
        assert isinstance(heard.error, ZeroDivisionError)
        assert heard.values == []
        await settled()
        assert tasks() == 0

    virtually(main())


def test_error_is_the_usual_policy() -> None:
    async def main() -> None:
        desk, source = Desk(), Source()
        heard = Heard(source.pipe(rxo.map_async(desk.work, buffer=2)))
        source.send(1, 2, 3, 4)
        assert isinstance(heard.error, SlowConsumer)
        assert heard.error.lag == 3
        assert source.observers == []
        await settled()
        assert tasks() == 0

        heard = Heard(at_once(1, 2, 3, 4, 5, 6).pipe(rxo.map_async(desk.work, buffer=2)))
        await settled()
        assert isinstance(heard.error, SlowConsumer)
        assert tasks() == 0

    virtually(main())


def test_a_function_that_raises_or_is_no_coroutine_function_ends_it_in_its_turn() -> None:
    async def main() -> None:
        desk = Desk()

        def fn(value: Any) -> Any:
            if value == "raises":
                raise OSError
            return desk.work(value) if value != "plain" else value

        for wrong, kind in [("raises", OSError), ("plain", ConfigurationError)]:
            for limit in (1, 2):  # in the call of the source, and when it has waited
                source = Source()
                heard = Heard(source.pipe(rxo.map_async(fn, limit)))
                source.send(1, wrong, 3)
                await settled()
                assert not heard.ended
                assert bool(source.observers) == (limit == 1)
                await desk.done(1)
                assert heard.values == ["1 done"]
                assert isinstance(heard.error, kind)
                assert source.observers == []
                assert tasks() == 0
                heard = Heard(at_once(1, wrong, 3).pipe(rxo.map_async(fn, limit)))
                await settled()
                await desk.done(1)
                assert heard.values == ["1 done"]
                assert isinstance(heard.error, kind)
        assert 3 not in desk.began

    virtually(main())


def test_without_a_running_loop_it_says_so() -> None:
    source = Source()
    heard = Heard(source.pipe(rxo.map_async(Desk().work)))
    source.send(1)
    assert isinstance(heard.error, RuntimeMisuse)
    assert "Stream" in str(heard.error)
    assert source.observers == []


def test_an_observer_that_raises_ends_its_subscription() -> None:
    async def main() -> None:
        told: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, c: told.append(c["exception"]))
        desk, source = Desk(), Source()
        source.pipe(rxo.map_async(desk.work)).subscribe(raises)
        source.send(1, 2)
        await settled()
        await desk.done(1)
        assert [type(error) for error in told] == [ZeroDivisionError]
        assert source.observers == []
        await settled()
        assert tasks() == 0

    virtually(main())


def test_what_comes_inside_the_call_does_not_overtake_what_waits() -> None:
    async def main() -> None:
        source, got = Source(), []

        async def fn(value: int) -> int:
            return value

        def on_next(value: int) -> None:
            got.append(value)
            if value == 1:
                source.send(4)

        source.pipe(rxo.map_async(fn)).subscribe(on_next)
        source.send(1, 2, 3)
        await settled()
        await settled()
        assert got == [1, 2, 3, 4]

    virtually(main())


def test_subscribers_share_nothing_and_the_scheduler_is_forwarded() -> None:
    async def main() -> None:
        clock, desk, source = Clock(), Desk(), Source()
        mapped = source.pipe(rxo.map_async(desk.work))
        first = Heard(mapped, clock)
        source.send(1)
        second = Heard(mapped, clock)
        source.send(2)
        await settled()
        assert desk.began == [1, 2]
        await desk.done(2)
        assert (first.values, second.values) == ([], ["2 done"])
        assert source.schedulers == [clock, clock]

    virtually(main())


@pytest.mark.parametrize("given", [{"max_in_flight": 0}, {"buffer": 0}, {"buffer": True}])
def test_impossible_bounds_fail_when_it_is_built(given: Any) -> None:
    with pytest.raises(ConfigurationError, match="at least 1"):
        rxo.map_async(Desk().work, **given)
    policy: Any = "drop"
    with pytest.raises(ConfigurationError, match="drop_oldest"):
        rxo.map_async(Desk().work, overflow=policy)


def test_on_the_background_runtime() -> None:
    topic, got, names = Topic(), [], set()

    async def fn(event: tuple[int, int]) -> int:
        names.add(threading.current_thread().name)
        await asyncio.sleep(0.001)
        return event[1]

    stream = topic.stream().pipe(rxo.map_async(fn, 4), ops.take(20))
    stream.subscribe(got.append)
    until(lambda: len(got) == 20)
    assert got == list(range(20))
    assert names == {"rxbybit-loop"}
    until(lambda: topic.closed == 1)
    background = Runtime.current()
    until(lambda: not asyncio.all_tasks(background.loop))
    until(lambda: background.idle(0))


def test_run_waits_for_it() -> None:
    async def fn(value: int) -> int:
        await asyncio.sleep(0.001)
        return -value

    feed = Topic(count=5).stream().pipe(ops.map(lambda event: event[1]), rxo.map_async(fn))
    assert feed.run() == -4


@given(st.lists(st.integers(0, 5), max_size=12), st.integers(1, 4))
def test_any_durations_give_the_same_results_in_order(durations: list[int], limit: int) -> None:
    async def main() -> None:
        running = most = 0

        async def fn(item: tuple[int, int]) -> int:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(item[1])
            running -= 1
            return item[0]

        heard = Heard(reactivex.of(*enumerate(durations)).pipe(rxo.map_async(fn, limit)))
        await asyncio.sleep(100)
        assert heard.values == list(range(len(durations)))
        assert heard.completed
        assert most <= limit
        assert most == min(limit, len(durations)) or not all(durations)

    virtually(main())
