"""Stream: threads, sharing, errors, disposing, and what pipe makes of it."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import reactivex
from reactivex import ConnectableObservable, Observable, abc
from reactivex import operators as ops
from reactivex.disposable import Disposable, SerialDisposable
from reactivex.scheduler import VirtualTimeScheduler

from rxbybit.errors import ClosedError, RuntimeMisuse, RxBybitError
from rxbybit.runtime import Runtime
from rxbybit.stream import Stream, lift
from tests.fakes import Client, Feed, Topic, until, until_async, virtually


def nothing(_: object) -> None:
    pass


class Unhandled(list[Exception]):
    """What reached the running loop's exception handler."""

    def __init__(self) -> None:
        super().__init__()
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: self.append(context["exception"]))


def divide(_: object) -> None:
    _ = 1 / 0


def refuse(event: object) -> None:
    pytest.fail(f"heard {event!r}")


def my_thread() -> str:
    return threading.current_thread().name


# -- sharing, counting, ends ------------------------------------------------------------------


def test_subscribers_share_and_the_last_dispose_closes() -> None:
    async def main() -> None:
        topic = Topic()
        stream = topic.stream()
        assert topic.opened == 0
        one: list[Any] = []
        two: list[Any] = []
        first, second = stream.subscribe(one.append), stream.subscribe(two.append)
        await asyncio.sleep(0.03)
        assert topic.opened == 1
        assert one
        assert two
        first.dispose()
        first.dispose()
        assert topic.closed == 0
        count = len(one)
        await asyncio.sleep(0.01)
        assert len(one) == count
        second.dispose()
        assert topic.closed == 1
        third = stream.subscribe(one.append)
        await asyncio.sleep(0.01)
        assert topic.opened == 2
        third.dispose()
        assert topic.closed == 2
        runtime = Runtime.current()
        assert runtime.idle(0)
        assert not runtime._closers.keys() - topic.fans.keys()

    virtually(main())


def test_disposing_inside_on_next() -> None:
    async def main() -> None:
        topic = Topic()
        one: list[Any] = []
        two: list[Any] = []
        handle = SerialDisposable()

        def once(event: object) -> None:
            one.append(event)
            handle.dispose()

        handle.disposable = topic.stream().subscribe(once)
        topic.stream().pipe(ops.take(2)).subscribe(two.append)
        await asyncio.sleep(0.03)
        assert (len(one), len(two)) == (1, 2)
        assert topic.opened == topic.closed == 1
        assert Runtime.current().idle(0)

    virtually(main())


def test_disposing_before_it_is_connected() -> None:
    feed = Feed()
    block = threading.Event()
    runtime = Runtime.current()

    def hold_up() -> None:
        block.wait(30)

    runtime.call(hold_up)
    subscription = feed.stream().subscribe(nothing)
    subscription.dispose()
    assert not runtime.idle(0)
    block.set()
    until(lambda: runtime.idle(0))
    assert feed.observers == []


def test_disposing_inside_the_connect_also_disposes_the_source() -> None:
    async def main() -> None:
        handle = SerialDisposable()
        disposed: list[str] = []

        def source(_: Runtime, observer: abc.ObserverBase[int]) -> abc.DisposableBase:
            observer.on_next(1)
            return Disposable(lambda: disposed.append("source"))

        # The first event comes before subscribe has returned anything to dispose of.
        late = Stream(source).pipe(ops.take(1))
        late.subscribe(nothing)
        assert disposed == ["source"]
        handle.disposable = Stream(source).subscribe(lambda _: handle.dispose())
        assert disposed == ["source", "source"]

    virtually(main())


def test_a_source_that_ends_inside_the_connect_is_disposed_as_well() -> None:
    async def main() -> None:
        feed = Feed()

        def source(runtime: Runtime, observer: abc.ObserverBase[Any]) -> abc.DisposableBase:
            observer.on_completed()
            return feed.source(runtime, observer)

        Stream(source).subscribe(nothing)
        assert feed.disposed == 1
        assert Runtime.current().idle(0)

    virtually(main())


def test_dispose_from_another_thread_mutes_at_once_and_tears_down_on_the_loop() -> None:
    async def main() -> None:
        feed = Feed()
        seen: list[int] = []
        subscription = feed.stream().subscribe(seen.append)
        feed.send(1)
        thread = threading.Thread(target=subscription.dispose)
        thread.start()
        thread.join(30)  # while this loop is blocked
        feed.send(2)
        assert seen == [1]
        assert feed.disposed == 0
        await asyncio.sleep(0.01)
        assert feed.disposed == 1
        subscription.dispose()
        await asyncio.sleep(0.01)
        assert feed.disposed == 1

    asyncio.run(main())


@pytest.mark.parametrize("end", ["on_completed", "on_error", "dispose"])
def test_nothing_comes_after_the_end(end: str) -> None:
    async def main() -> None:
        feed = Feed()
        seen: list[Any] = []
        subscription = feed.stream().subscribe(
            seen.append, seen.append, lambda: seen.append("completed")
        )
        (observer,) = feed.observers
        observer.on_next(1)
        error = ValueError("end")
        if end == "on_error":
            observer.on_error(error)
        elif end == "on_completed":
            observer.on_completed()
        else:
            subscription.dispose()
        observer.on_next(2)
        observer.on_completed()
        observer.on_error(ValueError("late"))
        expected = {"on_completed": ["completed"], "on_error": [error], "dispose": []}
        assert seen == [1, *expected[end]]
        assert feed.disposed == 1
        assert Runtime.current().idle(0)

    virtually(main())


def test_an_ended_stream_is_free_to_be_collected() -> None:
    async def main() -> None:
        feed = Feed()

        class Listener:
            def hear(self, _: object) -> None: ...

        listener = Listener()
        gone = weakref.ref(listener)
        subscription = feed.stream().subscribe(listener.hear)
        subscription.dispose()
        feed.observers.clear()
        del listener, subscription
        gc.collect()
        assert gone() is None

    virtually(main())


# -- errors -----------------------------------------------------------------------------------


def test_an_error_reaches_everybody_and_a_later_subscriber_connects_anew() -> None:
    async def main() -> None:
        topic = Topic(fails_at=2)
        stream = topic.stream()
        errors: list[Exception] = []
        stream.subscribe(nothing, errors.append)
        stream.subscribe(nothing, errors.append)
        await asyncio.sleep(0.03)
        assert repr(errors) == "[ConnectionError(1), ConnectionError(1)]"
        stream.subscribe(nothing, errors.append)
        await asyncio.sleep(0.03)
        assert repr(errors[2:]) == "[ConnectionError(2)]"
        assert topic.closed == 2

    virtually(main())


def test_two_that_retry_share_each_new_connection() -> None:
    async def main() -> None:
        topic = Topic(fails_at=2)
        seen: list[Any] = []
        errors: list[Exception] = []
        for _ in range(2):
            topic.stream().pipe(ops.retry(3)).subscribe(seen.append, errors.append)
        await asyncio.sleep(0.1)
        assert (topic.opened, len(seen), len(errors)) == (3, 12, 2)

    virtually(main())


def test_everything_is_torn_down_before_on_error_is_called() -> None:
    async def main() -> None:
        feed = Feed()
        states: list[tuple[int, bool]] = []
        runtime = Runtime.current()

        def fail(_: Exception) -> None:
            states.append((feed.disposed, runtime.idle(0)))

        feed.stream().subscribe(nothing, fail)
        feed.observers[0].on_error(ValueError())
        feed.stream().subscribe(nothing, None, lambda: fail(ValueError()))
        feed.observers[1].on_completed()
        # Still held: whoever subscribes again inside the call must not be too late for a script.
        assert states == [(1, False), (2, False)]
        assert runtime.idle(0)

    virtually(main())


def test_a_raising_subscriber_ends_alone() -> None:
    async def main() -> None:
        unhandled = Unhandled()
        topic = Topic(fails_at=5)
        good: list[Any] = []
        errors: list[Exception] = []
        own: list[Exception] = []
        stream = topic.stream()
        stream.subscribe(divide)
        stream.subscribe(divide, own.append)
        stream.subscribe(good.append, errors.append)
        stream.pipe(ops.retry()).subscribe(divide, own.append)
        await asyncio.sleep(0.05)
        assert (len(good), len(errors)) == (5, 1)
        assert [type(error) for error in own] == [ZeroDivisionError] * 2
        assert [type(error) for error in unhandled] == [ZeroDivisionError]
        assert topic.opened == 1
        assert Runtime.current().idle(0)

    virtually(main())


def test_a_subscriber_that_raises_no_exception_ends_alone_as_well() -> None:
    async def main() -> None:
        unhandled = Unhandled()
        feed = Feed()
        good: list[Any] = []
        own: list[Exception] = []
        cancelled = asyncio.get_running_loop().create_future()
        cancelled.cancel()

        def ask(*_: object) -> None:
            cancelled.result()

        stream = feed.stream()
        stream.subscribe(ask, own.append)
        stream.pipe(ops.map(ask)).subscribe(nothing, own.append)
        stream.subscribe(ask)
        stream.subscribe(good.append, ask)
        stream.subscribe(nothing, nothing, ask)
        feed.send(1, 2)
        assert good == [1, 2]
        assert feed.disposed == 3
        feed.observers[3].on_error(ValueError("source"))
        feed.observers[4].on_completed()
        Stream(lambda _, __: Disposable(ask)).subscribe(nothing).dispose()
        Stream(lambda _, __: ask()).subscribe(nothing, own.append)  # type: ignore[arg-type]
        for error in (*own, unhandled[0]):
            assert isinstance(error, RxBybitError)
            assert isinstance(error.__cause__, asyncio.CancelledError)
            assert "CancelledError" in str(error)
        assert len(own) == 3
        assert [type(error) for error in unhandled[1:]] == [asyncio.CancelledError] * 3
        assert Runtime.current().idle(0)

    virtually(main())


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_program_passes(end: type[BaseException]) -> None:
    async def main() -> None:
        feed = Feed()
        errors: list[Exception] = []

        def ends(*_: object) -> None:
            raise end

        feed.stream().subscribe(ends, errors.append)
        feed.stream().subscribe(nothing, ends)
        feed.stream().subscribe(nothing, nothing, ends)
        with pytest.raises(end):
            feed.observers[0].on_next(1)
        with pytest.raises(end):
            feed.observers[1].on_error(ValueError("source"))
        with pytest.raises(end):
            feed.observers[2].on_completed()
        with pytest.raises(end):
            Stream(lambda _, __: Disposable(ends)).subscribe(nothing).dispose()
        with pytest.raises(end):
            Stream(lambda _, __: ends()).subscribe(nothing, errors.append)  # type: ignore[arg-type]
        assert errors == []

    virtually(main())


def test_what_nobody_handles_goes_to_the_loop() -> None:
    async def main() -> None:
        unhandled = Unhandled()
        feed = Feed()
        errors = [ValueError(n) for n in range(4)]

        def raising(error: Exception) -> Any:
            def raises(*_: object) -> None:
                raise error

            return raises

        feed.stream().subscribe(nothing)
        feed.observers[0].on_error(errors[0])
        feed.stream().subscribe(nothing, raising(errors[1]))
        feed.observers[1].on_error(ValueError("source"))
        feed.stream().subscribe(nothing, nothing, raising(errors[2]))
        feed.observers[2].on_completed()
        handle = SerialDisposable()

        def dispose_and_raise(_: object) -> None:
            handle.dispose()
            raise errors[3]

        handle.disposable = feed.stream().subscribe(dispose_and_raise, refuse)
        feed.observers[3].on_next(1)
        assert unhandled == errors
        assert Runtime.current().idle(0)

    virtually(main())


def test_a_source_that_raises_is_an_error_of_that_subscription() -> None:
    async def main() -> None:
        def source(_: Runtime, __: object) -> abc.DisposableBase:
            raise ValueError("source")

        errors: list[Exception] = []
        Stream(source).subscribe(nothing, errors.append)
        assert repr(errors) == "[ValueError('source')]"
        assert Runtime.current().idle(0)

    virtually(main())


def test_a_dispose_that_raises_is_reported_and_ends_nothing_else() -> None:
    async def main() -> None:
        unhandled = Unhandled()
        error = ValueError("dispose")

        def raises() -> None:
            raise error

        def source(_: Runtime, __: object) -> abc.DisposableBase:
            return Disposable(raises)

        Stream(source).subscribe(nothing).dispose()
        assert unhandled == [error]
        assert Runtime.current().idle(0)

    virtually(main())


# -- threads and loops ------------------------------------------------------------------------


def test_without_a_loop_all_happens_on_the_background_thread() -> None:
    topic = Topic()
    seen: list[tuple[str, int]] = []
    buffers = topic.stream().pipe(ops.buffer_with_time(0.02))
    first = buffers.subscribe(lambda b: seen.append((my_thread(), len(b))))
    second = topic.stream().subscribe()
    until(lambda: len(seen) > 1)
    assert {name for name, _ in seen} == {"rxbybit-loop"}
    assert topic.opened == 1
    first.dispose()
    count = len(seen)
    second.dispose()
    until(lambda: topic.closed == 1)
    assert len(seen) == count


def test_inside_asyncio_all_happens_on_its_loop() -> None:
    async def main() -> None:
        topic = Topic()
        seen: set[str] = set()
        subscription = (
            topic.stream().buffer_with_time(0.01).subscribe(lambda _: seen.add(my_thread()))
        )
        await until_async(lambda: seen)
        subscription.dispose()
        assert seen == {"MainThread"}
        assert topic.closed == topic.opened == 1

    asyncio.run(main())


def test_two_runtimes_do_not_mix() -> None:
    topic = Topic()
    outside: set[str] = set()
    inside: set[str] = set()
    stream = topic.stream()
    subscription = stream.subscribe(lambda _: outside.add(my_thread()))
    until(lambda: outside)

    async def main() -> None:
        own = stream.subscribe(lambda _: inside.add(my_thread()))
        await until_async(lambda: inside)
        own.dispose()

    asyncio.run(main())
    subscription.dispose()
    until(lambda: topic.closed == 2)
    assert (outside, inside, topic.opened) == ({"rxbybit-loop"}, {"MainThread"}, 2)


def test_merged_streams_of_a_plain_thread_share_the_background() -> None:
    seen: set[str] = set()
    merged = reactivex.merge(Topic().stream(), Topic().stream())
    subscription = merged.subscribe(lambda _: seen.add(my_thread()))
    until(lambda: seen)
    subscription.dispose()
    assert seen == {"rxbybit-loop"}


def test_the_end_of_asyncio_run_disposes_in_silence() -> None:
    topic = Topic()
    ends: list[object] = []

    async def main() -> Runtime:
        topic.stream().subscribe(nothing, ends.append, lambda: ends.append("completed"))
        topic.stream().pipe(ops.buffer_with_time(0.1)).subscribe(nothing, ends.append)
        await asyncio.sleep(0.01)
        return Runtime.current()

    runtime = asyncio.run(main())
    assert topic.opened == topic.closed == 1
    assert ends == []
    assert runtime.idle(0)


def test_subscribing_on_an_ended_runtime_does_nothing() -> None:
    async def main() -> Runtime:
        return Runtime.current()

    runtime = asyncio.run(main())

    async def other() -> None:
        ended = Runtime.current()
        ended._end()
        feed = Feed()
        feed.stream(origin=Client(runtime=ended)).subscribe(nothing, refuse)
        assert feed.observers == []
        assert ended.idle(0)

    asyncio.run(other())
    assert runtime.stopped


def test_an_operator_on_a_foreign_thread_stays_on_the_runtime_that_subscribed() -> None:
    async def main() -> None:
        topic = Topic()
        seen: set[str] = set()
        feed = Feed()

        def elsewhere(source: Observable[Any]) -> Observable[Any]:
            def subscribe(
                observer: abc.ObserverBase[Any], scheduler: abc.SchedulerBase | None = None
            ) -> abc.DisposableBase:
                inner = SerialDisposable()

                def work() -> None:
                    inner.disposable = source.subscribe(observer, scheduler=scheduler)

                threading.Thread(target=work, name="foreign").start()
                return inner

            return Observable(subscribe)

        stream = topic.stream().pipe(elsewhere, ops.map(lambda event: event))
        subscription = stream.subscribe(lambda _: seen.add(my_thread()))
        await until_async(lambda: seen)
        subscription.dispose()
        await until_async(lambda: topic.closed == 1)
        assert seen == {"MainThread"}
        assert feed.runtimes == []
        assert "rxbybit-loop" not in {t.name for t in threading.enumerate()}

    asyncio.run(main())


def test_a_client_may_name_the_runtime() -> None:
    background = Runtime.current()
    feed = Feed()

    async def main() -> None:
        client = Client(runtime=background)
        seen: list[str] = []
        stream = feed.stream(origin=client).pipe(ops.map(lambda event: event))
        stream.subscribe(lambda _: seen.append(my_thread()))
        until(lambda: feed.observers)
        background.call(lambda: feed.send(1))
        until(lambda: seen)
        assert seen == ["rxbybit-loop"]

    asyncio.run(main())
    assert feed.runtimes == [background]


@pytest.mark.timeout(180)
def test_many_threads_subscribing_and_disposing_leave_nothing() -> None:
    topic = Topic()
    stream = topic.stream().pipe(ops.buffer_with_time(0.001))
    runtime = Runtime.current()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)

    def work() -> None:
        for n in range(200):
            subscription = stream.subscribe()
            if n % 3 == 0:
                time.sleep(0)  # let the loop connect some of them
            subscription.dispose()

    try:
        workers = [threading.Thread(target=work) for _ in range(8)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(100)
        until(lambda: runtime.idle(0), within_s=60)
    finally:
        sys.setswitchinterval(interval)
    assert topic.opened == topic.closed
    assert not topic.fans
    assert not runtime._closers
    left: list[object] = []
    runtime.call(lambda: left.extend(h for h in runtime.loop._scheduled if not h.cancelled()))  # type: ignore[attr-defined]
    runtime.call(lambda: left.append("asked"))
    until(lambda: left)
    assert left == ["asked"]


# -- what a client says -----------------------------------------------------------------------


def test_keep_alive_false_holds_nothing() -> None:
    async def main() -> None:
        feed = Feed()
        runtime = Runtime.current()
        quiet = feed.stream(origin=Client(keep_alive=False))
        quiet.pipe(ops.map(lambda event: event)).subscribe(nothing)
        assert runtime.idle(0)
        feed.stream(origin=Client()).subscribe(nothing)
        assert runtime.subscriptions == 1

    virtually(main())


def test_what_a_user_subscribed_is_counted_and_not_what_operators_did() -> None:
    async def main() -> None:
        runtime = Runtime.current()
        feed = Feed()
        feed.stream().pipe(ops.map(lambda x: x), ops.merge(feed.stream())).subscribe(nothing)
        await asyncio.sleep(1)
        assert len(feed.observers) == 2
        assert runtime.subscriptions == 1

    virtually(main())


def test_a_closed_client_mutes_its_subscribers_and_refuses_new_ones() -> None:
    async def main() -> None:
        feed = Feed()
        client = Client()
        seen: list[Any] = []
        stream = feed.stream(origin=client).pipe(ops.start_with(0), ops.buffer_with_time(1.0))
        stream.subscribe(seen.append, seen.append, lambda: seen.append("completed"))
        feed.stream(origin=client).subscribe(seen.append, seen.append)
        await asyncio.sleep(1.5)
        assert seen == [[0]]
        client.close(ClosedError())
        assert feed.disposed == 2
        assert Runtime.current().idle(0)
        await asyncio.sleep(3)
        assert seen == [[0]]
        for closed in (stream, feed.stream(origin=client)):
            with pytest.raises(ClosedError):
                closed.subscribe(seen.append)

    virtually(main())


def test_an_ended_subscription_is_taken_back_from_client_and_runtime() -> None:
    async def main() -> None:
        client = Client()
        Feed().stream(origin=client).subscribe(nothing).dispose()
        assert not client.closing
        assert not Runtime.current()._closers

    virtually(main())


def test_a_client_that_closes_while_it_is_subscribed() -> None:
    class Closing(Client):
        def when_closed(self, callback: Callable[[], None]) -> Callable[[], None]:
            callback()
            return super().when_closed(callback)

    async def main() -> None:
        feed = Feed()
        client = Closing()
        feed.stream(origin=client).subscribe(refuse, refuse)
        assert not client.closing
        assert not Runtime.current()._closers
        assert not feed.observers
        assert Runtime.current().idle(0)
        with pytest.raises(ClosedError):
            await feed.stream(origin=client)

    virtually(main())


# -- pipe -------------------------------------------------------------------------------------


def test_an_observer_object_may_listen() -> None:
    async def main() -> None:
        class Listener:
            def __init__(self) -> None:
                self.heard: list[Any] = []

            def on_next(self, value: object) -> None:
                self.heard.append(value)

            def on_error(self, error: Exception) -> None:
                self.heard.append(error)

            def on_completed(self) -> None:
                self.heard.append("completed")

        feed = Feed()
        one, two = Listener(), Listener()
        error = ValueError()
        feed.stream().subscribe(one)  # type: ignore[arg-type]
        feed.stream().subscribe(two)  # type: ignore[arg-type]
        feed.send(1)
        feed.observers[0].on_completed()
        feed.observers[1].on_error(error)
        assert one.heard == [1, "completed"]
        assert two.heard == [1, error]

    virtually(main())


def test_pipe_and_every_fluent_method_give_a_stream() -> None:
    stream = Feed().stream()
    assert stream.pipe() is stream
    assert type(stream.pipe(ops.map(str))) is not Observable
    derived = [
        stream.pipe(ops.map(str), ops.filter(bool)),
        stream.map(str),
        stream.filter(bool).take(1).skip(1),
        stream.buffer_with_time(1),
        stream.with_latest_from(stream),
        stream.share(),
        stream.pairwise().scan(lambda a, _: a, 0),
        stream[1:5],
    ]
    assert all(isinstance(each, Stream) for each in derived)


def test_what_is_no_plain_observable_passes_pipe_unchanged() -> None:
    stream = Feed().stream()
    connectable = stream.pipe(ops.map(str), ops.publish())
    assert isinstance(connectable, ConnectableObservable)
    assert stream.pipe(lambda _: 7) == 7
    assert stream.pipe(lambda source: source) is stream
    assert isinstance(stream.pipe(ops.publish(), ops.ref_count()), Stream)


def test_subscribers_of_a_piped_stream_share_no_state() -> None:
    async def main() -> None:
        feed = Feed()
        counted = feed.stream().pipe(ops.scan(lambda n, _: n + 1, 0))
        one: list[int] = []
        two: list[int] = []
        counted.subscribe(one.append)
        feed.send("a")
        counted.subscribe(two.append)
        feed.send("b")
        assert (one, two) == ([1, 2], [1])

    virtually(main())


def test_the_scheduler_of_the_user_wins() -> None:
    async def main() -> None:
        for at_subscribe in (True, False):
            feed = Feed()
            clock = VirtualTimeScheduler()
            seen: list[Any] = []
            own = None if at_subscribe else clock
            stream = feed.stream().pipe(ops.buffer_with_time(1.0, scheduler=own))
            stream.subscribe(seen.append, scheduler=clock if at_subscribe else None)
            feed.send(1)
            await asyncio.sleep(5)
            assert seen == []
            clock.advance_to(1.5)
            assert seen == [[1]]

    virtually(main())


def test_lift_gives_a_clock_back() -> None:
    async def main() -> None:
        topic = Topic()
        stream = topic.stream()
        assert lift(stream) is stream
        merged = lift(reactivex.merge(stream, topic.stream()))
        client = Client(keep_alive=False)
        seen: set[str] = set()
        merged.pipe(ops.buffer_with_time(0.01)).subscribe(lambda _: seen.add(my_thread()))
        lift(reactivex.never(), origin=client).subscribe(nothing)
        assert Runtime.current().subscriptions == 1
        assert len(client.closing) == 1
        await until_async(lambda: seen)
        assert seen == {"MainThread"}

    asyncio.run(main())


# -- the clients behind a lift ----------------------------------------------------------------


def test_a_lifted_stream_ends_with_the_last_client_in_it() -> None:
    async def main() -> None:
        one, two = Client(), Client()
        feed = Feed()
        seen: list[Any] = []
        streams = [feed.stream(origin=client).pipe(ops.map(str)) for client in (one, two, two)]
        merged = lift(lift(reactivex.merge(*streams)).pipe(ops.map(str)))
        merged.subscribe(seen.append, seen.append, lambda: seen.append("completed"))
        await asyncio.sleep(1)
        feed.send(1)
        one.close(ClosedError())
        feed.send(2)
        assert seen == ["1", "1", "1", "2", "2"]
        assert not Runtime.current().idle(0)
        two.close(ClosedError())
        assert Runtime.current().idle(0)
        assert not Runtime.current()._closers
        assert feed.disposed == 3
        assert len(seen) == 5

    virtually(main())


@pytest.mark.parametrize("how", ["await", "iterate", "run"])
def test_who_waits_on_a_lifted_stream_hears_of_the_last_close(how: str) -> None:
    one, two = Client(), Client()
    feed = Feed()
    merged = lift(reactivex.merge(feed.stream(origin=one), feed.stream(origin=two)))
    ends: list[Any] = []

    async def wait() -> None:
        try:
            if how == "await":
                await merged
            else:
                await anext(merged.iterate())
        except ClosedError as error:
            ends.append(error)

    def work() -> None:
        if how != "run":
            asyncio.run(wait())
            return
        try:
            merged.run()
        except ClosedError as error:
            ends.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    until(lambda: len(feed.observers) == 2)
    one.close(ClosedError())
    assert not ends
    two.close(ClosedError())
    thread.join(30)
    assert [str(end) for end in ends] == ["the client is closed"]
    until(lambda: feed.disposed == 2)
    with pytest.raises(ClosedError):
        merged.run()


def test_a_lifted_stream_that_a_close_did_not_mute_goes_on() -> None:
    async def main() -> None:
        one, two = Client(), Client()
        feed = Feed()
        seen: list[Any] = []

        def then(_: object) -> Stream[Any]:
            one.close(ClosedError())
            return feed.stream(origin=two)

        first = feed.stream(origin=one).pipe(ops.take(1))
        lift(reactivex.concat(first, reactivex.defer(then))).subscribe(seen.append)
        await asyncio.sleep(1)
        feed.send(1)
        await asyncio.sleep(1)
        assert one.closed
        feed.send(2)
        assert seen == [1, 2]
        two.close(ClosedError())
        assert Runtime.current().idle(0)

    virtually(main())


def test_a_close_that_comes_too_late_for_a_completed_stream_mutes_nothing() -> None:
    """The client closes on another thread: it has listed whom to tell before the completion."""

    async def main() -> None:
        client = Client()
        feed = Feed()
        lifted = lift(reactivex.concat(feed.stream(origin=client), reactivex.never()))
        lifted.subscribe(nothing)
        await asyncio.sleep(1)
        told = list(client.closing.values())
        feed.observers[0].on_completed()
        for tell in told:
            tell()
        assert not Runtime.current().idle(0)

    virtually(main())


def test_an_ended_lifted_stream_is_taken_back_from_its_clients() -> None:
    async def main() -> None:
        client = Client()
        feed = Feed()
        merged = lift(reactivex.merge(feed.stream(origin=client), feed.stream(origin=client)))
        subscription = merged.subscribe(nothing)
        await asyncio.sleep(1)
        assert len(client.closing) == 3  # each inner one's, and once for all of them
        subscription.dispose()
        assert not client.closing
        assert not Runtime.current()._closers

    virtually(main())


def test_a_lifted_stream_inside_that_of_a_client_is_given_back_with_its_own_clients() -> None:
    async def main() -> None:
        outer, inner = Client(keep_alive=False), Client()
        feed = Feed()
        lifted = lift(reactivex.merge(feed.stream(origin=inner), feed.stream(origin=inner)))
        feed.stream(origin=outer).pipe(ops.merge(lifted)).subscribe(nothing)
        await asyncio.sleep(1)
        assert not Runtime.current().idle(0)
        inner.close(ClosedError())
        assert Runtime.current().idle(0)
        assert len(outer.closing) == 1 + 1  # the source's and the merged one's

    virtually(main())


def test_the_clock_of_a_lifted_stream_is_that_of_its_runtime() -> None:
    async def main() -> None:
        clocks: list[Any] = []

        def subscribe(observer: object, scheduler: Any = None) -> Disposable:
            clocks.append(scheduler)
            return Disposable()

        lift(Observable(subscribe)).subscribe(nothing)
        await asyncio.sleep(3)
        assert clocks[0].now == Runtime.current().scheduler.now
        assert clocks[0].runtime is Runtime.current()

    virtually(main())


def test_a_for_loop_that_forgot_its_async_is_told_so() -> None:
    with pytest.raises(RuntimeMisuse, match="async for"):
        list(Topic().stream())
