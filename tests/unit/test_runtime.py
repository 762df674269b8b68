"""Runtime: one per loop, how it is chosen, what keeps it alive and how it ends."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
import time
import weakref

import pytest

from rxbybit import runtime as module
from rxbybit.runtime import Runtime, shutdown_background
from tests.fakes import threads, until, virtually


def test_each_loop_has_its_own_and_keeps_it() -> None:
    async def main() -> Runtime:
        runtime = Runtime.current()
        await asyncio.sleep(0)
        assert Runtime.current() is runtime is Runtime.of(runtime.loop)
        assert runtime.loop is asyncio.get_running_loop()
        assert runtime.scheduler.runtime is runtime
        assert runtime.on_thread
        return runtime

    first, second = asyncio.run(main()), asyncio.run(main())
    assert first is not second
    assert not first.on_thread


def test_without_a_loop_there_is_one_background_runtime() -> None:
    runtime = Runtime.current()
    assert Runtime.current() is runtime
    assert {"rxbybit-loop", "rxbybit-resolver"} <= threads()
    assert not runtime.on_thread
    seen: list[object] = []
    runtime.call(lambda: seen.append((Runtime.current(), threading.current_thread().name)))
    until(lambda: seen)
    assert seen == [(runtime, "rxbybit-loop")]
    assert all(t.daemon for t in threading.enumerate() if t.name.startswith("rxbybit"))


def test_many_threads_get_the_same_background_runtime() -> None:
    found: list[Runtime] = []
    start = threading.Barrier(8)

    def ask() -> None:
        start.wait(30)
        found.append(Runtime.current())

    askers = [threading.Thread(target=ask) for _ in range(8)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join(30)
    assert len(found) == 8
    assert len(set(map(id, found))) == 1


def test_call_runs_here_and_now_or_is_posted() -> None:
    async def main() -> None:
        runtime = Runtime.current()
        seen: list[str] = []
        runtime.call(lambda: seen.append("now"))
        assert seen == ["now"]
        runtime.post(lambda: seen.append("posted"))
        assert seen == ["now"]
        thread = threading.Thread(
            target=runtime.call, args=(lambda: seen.append(threading.current_thread().name),)
        )
        thread.start()
        thread.join(30)  # returns though the loop is blocked
        assert seen == ["now"]
        await asyncio.sleep(0.01)
        assert seen == ["now", "posted", "MainThread"]

    asyncio.run(main())


def test_calls_on_a_closed_loop_are_dropped() -> None:
    async def main() -> Runtime:
        return Runtime.current()

    runtime = asyncio.run(main())
    runtime.call(lambda: pytest.fail("called"))
    runtime.post(lambda: pytest.fail("called"))


def test_it_is_idle_when_every_hold_is_given_back() -> None:
    runtime = Runtime.current()
    assert runtime.idle(0)
    first, second = runtime.hold(subscription=True), runtime.hold()
    assert runtime.subscriptions == 1
    assert not runtime.idle(0)
    first()
    first()
    assert runtime.subscriptions == 0
    assert not runtime.idle(0)
    second()
    assert runtime.idle(0)


def test_it_has_failed_when_the_last_subscription_did() -> None:
    runtime = Runtime.current()
    assert not runtime.failed
    first, second = runtime.hold(subscription=True), runtime.hold(subscription=True)
    first(failed=True)
    assert runtime.failed
    second()
    first(failed=True)  # it has been given back
    runtime.hold()(failed=True)  # no subscription
    assert not runtime.failed


def test_the_end_of_asyncio_run_calls_back_last_to_first() -> None:
    seen: list[object] = []

    async def main() -> Runtime:
        runtime = Runtime.current()
        runtime.loop.set_exception_handler(
            lambda _, context: seen.append(str(context["exception"]))
        )
        runtime.on_close(lambda: seen.append("first"))

        def raises() -> None:
            raise ValueError("closing")

        runtime.on_close(raises)
        runtime.on_close(lambda: seen.append(("second", runtime.on_thread, runtime.stopped)))
        remove = runtime.on_close(lambda: seen.append("removed"))
        remove()
        remove()
        assert not runtime.stopped
        return runtime

    runtime = asyncio.run(main())
    assert seen == [("second", True, True), "closing", "first"]
    assert runtime.stopped
    assert runtime.loop not in module._loops


def test_who_asks_after_the_end_is_called_at_once() -> None:
    async def main() -> None:
        runtime = Runtime.current()
        seen: list[str] = []
        runtime._end()
        runtime.on_close(lambda: seen.append("late"))()
        assert seen == ["late"]

    asyncio.run(main())


def test_the_end_waits_for_what_still_closes_but_not_for_ever() -> None:
    def run(closes_after_s: float) -> float:
        async def main() -> asyncio.AbstractEventLoop:
            runtime = Runtime.current()
            release = runtime.hold()
            runtime.on_close(lambda: runtime.loop.call_later(closes_after_s, release) and None)
            return runtime.loop

        return virtually(main()).time()

    assert run(0.3) == pytest.approx(0.3, abs=0.05)
    assert run(50.0) == pytest.approx(1.0, abs=0.05)


def test_nothing_keeps_a_finished_loop() -> None:
    async def main() -> tuple[weakref.ref[Runtime], weakref.ref[asyncio.AbstractEventLoop]]:
        runtime = Runtime.current()
        return weakref.ref(runtime), weakref.ref(runtime.loop)

    runtime, loop = asyncio.run(main())
    gc.collect()
    assert runtime() is None
    assert loop() is None


def test_a_loop_that_is_just_closed_is_forgotten_in_silence(
    capfd: pytest.CaptureFixture[str],
) -> None:
    async def main() -> None:
        Runtime.current()

    loop = asyncio.new_event_loop()
    loop.run_until_complete(main())
    loop.close()
    asyncio.run(main())
    assert loop not in module._loops
    gc.collect()
    assert capfd.readouterr() == ("", "")


def test_the_runtime_of_a_loop_on_another_thread_ends_with_it() -> None:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=lambda: asyncio.Runner(loop_factory=lambda: loop).run(wait()))
    end = asyncio.Event()

    async def wait() -> None:
        await end.wait()
        await loop.shutdown_asyncgens()

    thread.start()
    runtime = Runtime.of(loop)
    ended = threading.Event()
    runtime.on_close(ended.set)
    runtime.call(end.set)
    assert ended.wait(30)
    thread.join(30)
    loop.close()


def test_shutting_the_background_down_calls_back_and_ends_its_threads() -> None:
    runtime = Runtime.current()
    seen: list[str] = []
    runtime.on_close(lambda: seen.append(threading.current_thread().name))
    release = runtime.hold(subscription=True)
    runtime.on_close(release)
    assert shutdown_background() == 1
    assert seen == ["rxbybit-loop"]
    until(lambda: not {"rxbybit-loop", "rxbybit-resolver"} & threads())
    assert runtime.stopped
    assert runtime.loop.is_closed()
    assert shutdown_background() == 0
    assert Runtime.current() is not runtime


def test_shutting_down_does_not_wait_for_a_blocked_callback() -> None:
    runtime = Runtime.current()
    go = threading.Event()
    runtime.hold()

    def hang() -> None:
        go.wait(90)

    runtime.call(hang)
    start = time.monotonic()
    shutdown_background()
    assert time.monotonic() - start < 30
    go.set()


def test_tasks_left_on_the_background_loop_are_cancelled() -> None:
    runtime = Runtime.current()
    seen: list[str] = []

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("cancelled")

    kept: list[object] = []
    runtime.call(lambda: kept.append(runtime.loop.create_task(forever())))
    until(lambda: kept)
    shutdown_background()
    until(runtime.loop.is_closed)
    assert seen == ["cancelled"]


def test_sys_exit_in_a_callback_ends_the_thread_and_sets_everybody_free() -> None:
    runtime = Runtime.current()
    seen: list[str] = []
    runtime.on_close(lambda: seen.append("closed"))
    runtime.hold(subscription=True)

    def leave() -> None:
        raise SystemExit(3)

    runtime.call(leave)
    assert runtime.idle(30)
    assert runtime.subscriptions == 0
    assert seen == ["closed"]
    assert Runtime.current() is not runtime


def test_name_look_ups_go_to_the_runtimes_own_resolver() -> None:
    found = asyncio.run_coroutine_threadsafe(
        (runtime := Runtime.current()).resolve("127.0.0.1", 80), runtime.loop
    ).result(30)
    assert found[0][4] == ("127.0.0.1", 80)


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_child_of_fork_starts_anew() -> None:
    runtime = Runtime.current()
    runtime.hold()
    child = os.fork()
    if child == 0:
        signal.alarm(40)
        fresh = Runtime.current()
        alive = threading.Event()
        fresh.call(alive.set)
        os._exit(0 if fresh is not runtime and alive.wait(30) else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert Runtime.current() is runtime


def test_what_cancelled_tasks_leave_to_be_closed_is_closed() -> None:
    runtime = Runtime.current()
    seen: list[str] = []

    async def close() -> None:
        for _ in range(10):
            await asyncio.sleep(0.001)
        seen.append("closed")

    def begin() -> None:
        task = runtime.loop.create_task(asyncio.Event().wait())
        task.add_done_callback(lambda _: kept.append(runtime.loop.create_task(close())))
        kept.append(task)

    kept: list[object] = []
    runtime.call(begin)
    until(lambda: kept)
    shutdown_background()
    until(runtime.loop.is_closed)
    assert seen == ["closed"]
