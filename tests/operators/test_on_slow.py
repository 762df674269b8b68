"""``on_slow``: a hand-over that never blocks, drops by policy, counts, and loses nothing else."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from reactivex import operators as ops
from reactivex.scheduler import EventLoopScheduler, ImmediateScheduler, ThreadPoolScheduler

from rxbybit import operators as rxo
from rxbybit.errors import ConfigurationError, SlowConsumer
from rxbybit.operators.waiting import Overflow
from tests.fakes import Feed, until, until_async
from tests.operators.flow import GAP, Clock, Heard, Source, Tick, at_once, tick


@pytest.fixture
def worker() -> Iterator[EventLoopScheduler]:
    scheduler = EventLoopScheduler()
    yield scheduler
    scheduler.dispose()


@pytest.fixture
def impatient() -> Iterator[None]:
    """Let threads take turns as often as they can: races show."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def fail_at(value: int, bad: int) -> None:
    if value == bad:
        raise ValueError(f"at {bad}")


def test_the_diagram(worker: EventLoopScheduler) -> None:
    source, got = Source(), []
    turn = threading.Semaphore(0)

    def slow(value: str) -> None:
        got.append(value)
        assert turn.acquire(timeout=30)

    source.pipe(rxo.on_slow(2, scheduler=worker)).subscribe(slow)
    source.send("a")
    until(lambda: got == ["a"])
    source.send("b", "c")
    turn.release()
    until(lambda: got == ["a", "b"])
    source.send("d", "e")
    turn.release(3)
    until(lambda: got == ["a", "b", "d", "e"])


@pytest.mark.parametrize(
    ("overflow", "kept", "dropped"),
    [("drop_oldest", [4, 5, 6], 3), ("drop_newest", [1, 2, 3], 3), ("latest", [6], 5)],
)
def test_what_a_full_queue_keeps(overflow: Overflow, kept: list[int], dropped: int) -> None:
    clock, worker, source, drops = Clock(), Clock(), Source(), []
    slow = source.pipe(rxo.on_slow(3, overflow, scheduler=worker, on_drop=drops.append))
    heard = Heard(slow, clock)
    source.send(1, 2, 3, 4, 5, 6)
    assert heard.values == []
    assert worker.armed == 1  # one worker
    worker.advance_by(1.0)
    assert heard.values == kept
    assert drops == [dropped]
    source.complete()
    worker.advance_by(1.0)
    assert heard.completed
    assert drops == [dropped]
    assert source.schedulers == [clock]


def test_error_forgets_what_waits_and_ends_both_sides() -> None:
    worker, source = Clock(), Source()
    heard = Heard(source.pipe(rxo.on_slow(2, "error", scheduler=worker)))
    source.send(1, 2, 3, 4)
    assert source.observers == []
    worker.advance_by(1.0)
    assert heard.values == []
    assert isinstance(heard.error, SlowConsumer)
    assert heard.error.lag == 3


def test_what_comes_after_the_error_is_not_handed_over() -> None:
    worker = Clock()
    heard = Heard(at_once(1, 2, 3, 4, 5).pipe(rxo.on_slow(2, "error", scheduler=worker)))
    worker.advance_by(1.0)
    assert heard.values == []
    assert isinstance(heard.error, SlowConsumer)


@pytest.mark.parametrize("end", ["complete", "fail"])
def test_what_waits_comes_before_the_end_of_the_source(end: str) -> None:
    worker, source = Clock(), Source()
    heard = Heard(source.pipe(rxo.on_slow(9, scheduler=worker)))
    source.send(1, 2)
    source.complete() if end == "complete" else source.fail(OSError())
    assert not heard.ended
    worker.advance_by(1.0)
    assert heard.values == [1, 2]
    assert heard.completed if end == "complete" else isinstance(heard.error, OSError)


def test_an_empty_source_ends_on_the_worker() -> None:
    worker, source = Clock(), Source()
    heard = Heard(source.pipe(rxo.on_slow(9, scheduler=worker)))
    source.complete()
    assert not heard.ended
    worker.advance_by(1.0)
    assert heard.completed


def test_drops_are_told_before_the_next_value_once_a_second_and_at_the_end() -> None:
    worker, source = Clock(), Source()
    said: list[object] = []
    slow = source.pipe(
        rxo.on_slow(1, scheduler=worker, on_drop=lambda n: said.append(f"{n} dropped"))
    )
    slow.subscribe(said.append, on_completed=lambda: said.append("end"))
    source.send(1, 2, 3)
    worker.advance_to(0.25)
    assert said == ["2 dropped", 3]
    source.send(4, 5)
    worker.advance_to(0.5)
    source.send(6, 7)
    worker.advance_to(1.0)
    assert said[2:] == [5, 7]
    source.send(8)
    worker.advance_to(1.5)
    assert said[4:] == ["2 dropped", 8]
    source.send(9, 10)
    worker.advance_to(1.75)
    source.complete()
    worker.advance_to(2.0)
    assert said[6:] == [10, "1 dropped", "end"]


def test_a_clock_that_is_set_back_does_not_silence_the_drops() -> None:
    clock = iter([100.0, 5.0, 5.5])

    class Worker(Clock):
        @property
        def now(self) -> Any:
            return self.to_datetime(next(clock))

        def schedule(self, action: Any, state: Any = None) -> Any:
            actions.append(action)

    actions: list[Any] = []
    source, drops = Source(), []
    source.pipe(rxo.on_slow(1, scheduler=Worker(), on_drop=drops.append)).subscribe()
    for _ in range(3):
        source.send(1, 2)
        actions.pop()(None)
    assert drops == [1, 1]


def test_the_worker_lets_others_have_their_turn() -> None:
    worker, source, got = Clock(), Source(), []

    def on_next(value: int) -> None:
        got.append(value)
        if value < 5:
            source.send(value + 1)

    source.pipe(rxo.on_slow(9, scheduler=worker)).subscribe(on_next)
    source.send(1)
    worker.schedule(lambda *_: got.append("other"))
    worker.advance_by(1.0)
    assert got == [1, "other", 2, 3, 4, 5]


def test_dispose_stops_it_also_inside_a_call() -> None:
    worker, source, drops = Clock(), Source(), []
    heard = Heard(source.pipe(rxo.on_slow(1, scheduler=worker, on_drop=drops.append)))
    source.send(1, 2)
    heard.subscription.dispose()
    heard.subscription.dispose()
    assert source.observers == []
    worker.advance_by(1.0)
    assert heard.values == drops == []

    heard = Heard(source.pipe(rxo.on_slow(9, scheduler=worker)), until=lambda value: value == 2)
    source.send(1, 2, 3)
    worker.advance_by(1.0)
    source.send(4)
    worker.advance_by(1.0)
    assert heard.values == [1, 2]
    assert source.observers == []


def test_dispose_inside_on_drop() -> None:
    worker, source, got = Clock(), Source(), []
    slow = source.pipe(rxo.on_slow(1, scheduler=worker, on_drop=lambda _: inside.dispose()))
    inside = slow.subscribe(got.append)
    source.send(1, 2)
    worker.advance_by(1.0)
    assert got == []


def test_an_observer_that_raises_ends_its_subscription() -> None:
    worker, source, got = Clock(), Source(), []

    def on_next(value: int) -> None:
        got.append(value)
        raise ValueError

    source.pipe(rxo.on_slow(9, scheduler=worker)).subscribe(on_next)
    source.send(1, 2)
    with pytest.raises(ValueError):  # noqa: PT011 - made above
        worker.advance_by(1.0)
    assert source.observers == []


def test_a_scheduler_that_works_at_once_lets_what_the_observer_raises_go_up() -> None:
    source, errors = Source(), []
    slow = source.pipe(rxo.on_slow(9, scheduler=ImmediateScheduler()))
    slow.subscribe(lambda value: fail_at(value, 0), errors.append)
    source.send(1)
    with pytest.raises(ValueError, match="at 0"):
        source.send(0)
    assert errors == []
    assert source.observers == []


def test_a_scheduler_that_takes_no_work_ends_the_stream() -> None:
    pool, source = ThreadPoolScheduler(1), Source()
    heard = Heard(source.pipe(rxo.on_slow(9, scheduler=pool)))
    pool.executor.shutdown()
    source.send(1, 2)
    assert isinstance(heard.error, RuntimeError)
    assert source.observers == []


def test_what_on_drop_raises_ends_the_stream() -> None:
    worker, source = Clock(), Source()
    heard = Heard(source.pipe(rxo.on_slow(1, scheduler=worker, on_drop=lambda n: 1 / (n - 1))))
    source.send(1, 2)
    worker.advance_by(1.0)
    assert isinstance(heard.error, ZeroDivisionError)
    assert heard.values == []
    assert source.observers == []


@pytest.mark.parametrize(
    ("overflow", "prices", "marked"),
    [("drop_oldest", [3, 4], 3), ("drop_newest", [1, 2, 5], 5), ("latest", [4], 4)],
)
def test_the_next_event_that_is_kept_tells_of_a_hole(
    overflow: Overflow, prices: list[int], marked: int
) -> None:
    worker, source = Clock(), Source()
    heard = Heard(source.pipe(rxo.on_slow(2, overflow, scheduler=worker)))
    hole = 3 if overflow == "drop_newest" else 2
    source.send(*(tick("B", n, GAP if n == hole else None) for n in (1, 2, 3, 4)))
    worker.advance_by(1.0)
    if overflow == "drop_newest":
        source.send(tick("B", 5))
        worker.advance_by(1.0)
    assert [t.price for t in heard.values] == prices
    assert [t.price for t in heard.values if t.meta.gap is GAP] == [marked]


@given(
    st.lists(st.one_of(st.just("work"), st.tuples(st.sampled_from("BE"), st.booleans()))),
    st.integers(1, 4),
    st.sampled_from(["drop_oldest", "drop_newest", "latest"]),
)
def test_each_hole_is_told_by_the_next_event_of_its_topic(
    script: list[Any], capacity: int, policy: Overflow
) -> None:
    """And by no other: what is heard of a topic is what was sent of it, with the last hole of
    those that lie between two of its events.
    """
    worker, source, sent = Clock(), Source(), dict[str, list[Tick]](B=[], E=[])
    heard = Heard(source.pipe(rxo.on_slow(capacity, policy, scheduler=worker)))
    for step in script:
        if step == "work":
            worker.advance_by(1.0)
            continue
        symbol, after_hole = step
        number = len(sent[symbol])
        event = tick(symbol, number, replace(GAP, after_ms=number) if after_hole else None)
        sent[symbol].append(event)
        source.send(event)
    worker.advance_by(1.0)
    for symbol, events in sent.items():
        before = 0
        for one in (value for value in heard.values if value.symbol == symbol):
            place = int(one.price)
            gaps = [event.meta.gap for event in events[before : place + 1] if event.meta.gap]
            assert one.meta.gap == (gaps[-1] if gaps else None)
            before = place + 1


@pytest.mark.parametrize("capacity", [0, -1, 1.5, True, "9", None])
def test_an_impossible_capacity_fails_when_it_is_built(capacity: Any) -> None:
    with pytest.raises(ConfigurationError, match="at least 1"):
        rxo.on_slow(capacity, scheduler=Clock())


def test_an_unknown_policy_or_no_scheduler_fails_when_it_is_built() -> None:
    policy: Any = "drop"
    nothing: Any = None
    with pytest.raises(ConfigurationError, match="drop_oldest, drop_newest, latest"):
        rxo.on_slow(1, policy, scheduler=Clock())
    with pytest.raises(ConfigurationError, match="EventLoopScheduler"):
        rxo.on_slow(1, scheduler=nothing)


@given(
    st.lists(st.one_of(st.just("work"), st.integers(1, 9))),
    st.integers(1, 4),
    st.sampled_from(["drop_oldest", "drop_newest", "latest"]),
)
def test_it_is_what_a_naive_model_says(script: list[Any], capacity: int, policy: Overflow) -> None:
    worker, source, drops = Clock(), Source(), []
    slow = source.pipe(rxo.on_slow(capacity, policy, scheduler=worker, on_drop=drops.append))
    heard = Heard(slow)
    expected: list[int] = []
    queue: list[int] = []
    sent = 0
    for step in script:
        if step == "work":
            worker.advance_by(1.0)
            expected += queue
            queue = []
            continue
        for _ in range(step):
            sent += 1
            source.send(sent)
            queue.append(sent)
        if policy == "latest":
            queue = queue[-1:]
        else:
            queue = queue[-capacity:] if policy == "drop_oldest" else queue[:capacity]
    source.complete()
    worker.advance_by(1.0)
    assert heard.values == expected + queue
    assert heard.completed
    assert sum(drops) == sent - len(heard.values)


# On threads


def test_a_slow_subscriber_delays_no_stream(worker: EventLoopScheduler) -> None:
    async def main() -> None:
        feed, quick, slow, drops = Feed(), [], [], []
        gate = threading.Event()
        threads: set[str] = set()

        def hold(value: int) -> None:
            threads.add(threading.current_thread().name)
            gate.wait(30)
            slow.append(value)

        stream = feed.stream()
        stream.subscribe(quick.append)
        subscription = stream.pipe(
            rxo.on_slow(2, scheduler=worker, on_drop=drops.append)
        ).subscribe(hold)
        feed.send(0)
        await until_async(lambda: threads)  # it holds the first one
        feed.send(*range(1, 9))
        assert quick == list(range(9))
        gate.set()
        await until_async(lambda: len(slow) == 3)
        assert slow == [0, 7, 8]
        assert drops == [6]
        assert threads.isdisjoint({"MainThread"})
        subscription.dispose()
        await until_async(lambda: feed.disposed == 1)

    asyncio.run(main())


def test_dispose_from_another_thread_lets_only_the_running_call_end(
    worker: EventLoopScheduler,
) -> None:
    source, got = Source(), []
    began, gate = threading.Event(), threading.Event()

    def hold(value: int) -> None:
        got.append(value)
        began.set()
        gate.wait(30)

    subscription = source.pipe(rxo.on_slow(9, scheduler=worker)).subscribe(hold)
    source.send(1, 2, 3)
    assert began.wait(30)
    subscription.dispose()
    assert source.observers == []
    gate.set()
    done = threading.Event()
    worker.schedule(lambda *_: done.set())  # after whatever the worker had to do
    assert done.wait(30)
    assert got == [1]


def test_take_behind_it_ends_a_script_of_the_background_runtime(
    worker: EventLoopScheduler,
) -> None:
    feed = Feed()
    got: list[int] = []
    stream = feed.stream().pipe(rxo.on_slow(99, scheduler=worker), ops.take(3))
    stream.subscribe(got.append)
    until(lambda: feed.observers)
    runtime = feed.runtimes[0]
    runtime.post(lambda: feed.send(1, 2, 3, 4, 5))
    until(lambda: feed.disposed == 1)
    until(lambda: runtime.idle(0))
    assert got == [1, 2, 3]


def test_nothing_is_left_lying_when_both_sides_meet(
    impatient: None, worker: EventLoopScheduler
) -> None:
    """The producer sends when the worker is about to find nothing more to do.

    Without the lock the worker is not begun for a value now and then, which is then never taken.
    """
    source, taken = Source(), threading.Semaphore(0)
    source.pipe(rxo.on_slow(4, scheduler=worker)).subscribe(lambda _: taken.release())
    for value in range(10_000):
        source.send(value)
        assert taken.acquire(timeout=30), f"value {value} was never handed over"


@pytest.mark.parametrize("policy", ["drop_oldest", "drop_newest", "latest"])
def test_every_value_is_taken_or_counted_and_none_twice(impatient: None, policy: Overflow) -> None:
    with ThreadPoolExecutor(2) as executor:
        pool = ThreadPoolScheduler(1)
        pool.executor.shutdown()
        pool.executor = executor
        source, got, drops = Source(), [], []
        running = threading.Lock()
        ended = threading.Event()

        def on_next(value: int) -> None:
            assert running.acquire(blocking=False), "two calls at a time"
            got.append(value)
            running.release()

        source.pipe(rxo.on_slow(3, policy, scheduler=pool, on_drop=drops.append)).subscribe(
            on_next, on_completed=ended.set
        )
        for value in range(20_000):
            source.send(value)
        source.complete()
        assert ended.wait(30)
        assert got == sorted(set(got))
        assert len(got) + sum(drops) == 20_000
