"""LoopScheduler: any thread may schedule and cancel, the loop's thread does the work."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta

import pytest
from reactivex import abc
from reactivex.disposable import Disposable

from rxbybit import scheduler as module
from rxbybit.scheduler import LoopScheduler
from tests.fakes import VirtualLoop, virtually


class Log:
    """Scheduled work that notes the loop's time and its thread."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.scheduler = LoopScheduler(self.loop)
        self.times: list[float] = []
        self.states: list[object] = []
        self.threads: set[str] = set()

    def __call__(self, scheduler: abc.SchedulerBase, state: object = None) -> None:
        assert scheduler is self.scheduler
        self.times.append(self.loop.time())
        self.states.append(state)
        self.threads.add(threading.current_thread().name)


def from_thread(fn: object) -> None:
    """Call ``fn`` on another thread and wait for its return."""
    thread = threading.Thread(target=fn, name="elsewhere")  # type: ignore[arg-type]
    thread.start()
    thread.join(30)
    assert not thread.is_alive()


def test_runs_in_the_order_of_time_with_its_state() -> None:
    async def main() -> None:
        log = Log()
        log.scheduler.schedule_relative(2.0, log, "late")
        log.scheduler.schedule_relative(timedelta(seconds=1), log, "early")
        log.scheduler.schedule(log, "now")
        log.scheduler.schedule_relative(-3.0, log, "past")
        assert log.states == []  # never inside the call
        await asyncio.sleep(3)
        assert log.states == ["now", "past", "early", "late"]
        assert log.times == [0.0, 0.0, 1.0, 2.0]

    virtually(main())


def test_now_and_absolute_times_follow_the_clock_of_the_loop() -> None:
    async def main() -> None:
        log = Log()
        start = log.scheduler.now
        assert start.tzinfo is not None
        log.scheduler.schedule_absolute(start + timedelta(seconds=5), log)
        log.scheduler.schedule_absolute((start + timedelta(seconds=7)).timestamp(), log)
        log.scheduler.schedule_absolute(start - timedelta(days=1), log)
        await asyncio.sleep(10)
        assert log.scheduler.now - start == timedelta(seconds=10)
        assert log.times == pytest.approx([0.0, 5.0, 7.0], abs=0.001)

    virtually(main())


def test_now_is_the_wall_clock_and_follows_it_when_it_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> None:
        scheduler = LoopScheduler(asyncio.get_running_loop())
        assert abs(scheduler.now - datetime.now(UTC)) < timedelta(seconds=30)
        passed = [scheduler._clock()]
        monkeypatch.setattr(scheduler, "_clock", lambda: passed[0])  # this test takes no time
        scheduler._anchor()
        wall = scheduler.now.timestamp()
        monkeypatch.setattr(module.time, "time", lambda: wall + 0.9)
        before = scheduler.now
        assert scheduler.now == before  # a small step changes nothing
        ahead = datetime.now(UTC) + timedelta(hours=1)

        class Ahead(datetime):
            @classmethod
            def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
                return ahead

        monkeypatch.setattr(module.time, "time", lambda: wall + 3600.0)
        monkeypatch.setattr(module, "datetime", Ahead)
        assert scheduler.now == ahead
        passed[0] += 0.25
        assert scheduler.now - ahead == timedelta(seconds=0.25)

    asyncio.run(main())


def test_cancelled_work_does_not_run() -> None:
    async def main() -> None:
        log = Log()
        for delay_s in (0.0, 1.0):
            work = log.scheduler.schedule_relative(delay_s, log)
            work.dispose()
            work.dispose()
        await asyncio.sleep(2)
        assert log.times == []

    virtually(main())


def test_cancelling_leaves_no_timer() -> None:
    async def main() -> None:
        log = Log()
        before = len(log.loop._scheduled)  # type: ignore[attr-defined]
        work = log.scheduler.schedule_relative(1000.0, log)
        handles = log.loop._scheduled[:]  # type: ignore[attr-defined]
        assert len(handles) == before + 1
        work.dispose()
        assert all(handle.cancelled() for handle in handles)

    virtually(main())


def test_disposing_also_disposes_what_the_action_returned() -> None:
    async def main() -> None:
        scheduler = LoopScheduler(asyncio.get_running_loop())
        ended: list[str] = []
        later = scheduler.schedule(lambda *_: Disposable(lambda: ended.append("later")))
        await asyncio.sleep(1)
        assert ended == []
        later.dispose()
        assert ended == ["later"]

        def cancels_itself(*_: object) -> abc.DisposableBase:
            inside.dispose()
            return Disposable(lambda: ended.append("inside"))

        inside = scheduler.schedule(cancels_itself)
        await asyncio.sleep(1)
        assert ended == ["later", "inside"]

    virtually(main())


def test_schedules_and_cancels_from_another_thread() -> None:
    async def main() -> None:
        log = Log()
        done = asyncio.Event()

        def elsewhere() -> None:
            log.scheduler.schedule(log, "kept")
            gone = log.scheduler.schedule(log, "gone")
            gone.dispose()
            log.scheduler.schedule_relative(0.01, lambda *_: done.set())

        # The loop is blocked meanwhile: nothing of this may wait for it.
        from_thread(elsewhere)
        await asyncio.wait_for(done.wait(), 30)
        assert log.states == ["kept"]
        assert log.threads == {"MainThread"}

        work = log.scheduler.schedule_relative(1000.0, log)
        handle = log.loop._scheduled[-1]  # type: ignore[attr-defined]
        from_thread(work.dispose)
        await asyncio.sleep(0.01)
        assert handle.cancelled()

        def changes_its_mind() -> None:
            log.scheduler.schedule_relative(1000.0, log).dispose()

        from_thread(changes_its_mind)
        works: list[abc.DisposableBase] = []
        from_thread(lambda: works.append(log.scheduler.schedule_relative(1000.0, log)))
        works[0].dispose()  # here, before the loop has heard of it
        await asyncio.sleep(0.01)
        assert all(handle.cancelled() for handle in log.loop._scheduled)  # type: ignore[attr-defined]

    asyncio.run(main())


def test_an_action_that_raises_goes_to_the_loop() -> None:
    async def main() -> None:
        heard: list[object] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: heard.append(context["exception"]))
        error = ValueError("action")

        def raises(*_: object) -> None:
            raise error

        LoopScheduler(loop).schedule(raises)
        await asyncio.sleep(0.01)
        assert heard == [error]

    virtually(main())


def test_a_closed_loop_takes_no_work_and_says_nothing() -> None:
    loop = VirtualLoop()
    scheduler = LoopScheduler(loop)
    work = scheduler.schedule_relative(1.0, lambda *_: None)
    loop.close()
    work.dispose()
    scheduler.schedule(lambda *_: None).dispose()


def test_what_is_wrong_with_a_live_loop_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = VirtualLoop()

    def refuses(*_: object) -> None:
        raise RuntimeError("something else")

    monkeypatch.setattr(loop, "call_soon_threadsafe", refuses)
    with pytest.raises(RuntimeError, match="something else"):
        LoopScheduler(loop).post(lambda: None)
    loop.close()


def test_periodic_work_ticks_until_it_is_cancelled() -> None:
    async def main() -> None:
        log = Log()

        def count(state: int | None) -> int:
            log(log.scheduler, state)
            return (state or 0) + 1

        work = log.scheduler.schedule_periodic(1.0, count, 10)
        await asyncio.sleep(3.5)
        work.dispose()
        await asyncio.sleep(3)
        assert log.states == [10, 11, 12]
        assert log.times == pytest.approx([1.0, 2.0, 3.0])

    virtually(main())
