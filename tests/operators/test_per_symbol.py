"""``per_symbol``: an operator a symbol, forgotten in time, and one stream of what they say."""

from __future__ import annotations

import asyncio
import gc
import weakref
from decimal import Decimal
from typing import Any

import pytest
import reactivex
from hypothesis import given
from hypothesis import strategies as st
from reactivex import Observable
from reactivex import operators as ops
from reactivex.disposable import CompositeDisposable, Disposable
from reactivex.testing.marbles import marbles_testing

from rxbybit import operators as rxo
from rxbybit.errors import ConfigurationError
from tests.fakes import Feed, virtually
from tests.operators.flow import Clock, Heard, Operator, Source, tick


def prices(observable: Observable[Any]) -> Observable[Any]:
    return observable.pipe(ops.map(lambda t: (t.symbol, int(t.price))))


def running_sum(observable: Observable[Any]) -> Observable[Any]:
    return observable.pipe(ops.scan(lambda total, t: (t.symbol, total[1] + int(t.price)), ("", 0)))


def last(observable: Observable[Any]) -> Observable[Any]:
    """Speaks when its source ends."""
    return prices(observable).pipe(ops.last())


def test_the_diagram() -> None:
    b, e, c, f, d = (tick(symbol, n) for n, symbol in enumerate("BEBEB"))
    sent: Any = {"b": b, "e": e, "c": c, "f": f, "d": d}
    said: Any = {"C": (b, c), "F": (e, f), "D": (c, d)}
    with marbles_testing() as (start, _, hot, exp):
        source = hot("-b-e-c-f-d-|", sent, None)
        assert start(source.pipe(rxo.per_symbol(ops.pairwise()))) == exp("-----C-F-D-|", said, None)


def test_each_symbol_has_its_own_and_each_subscriber_too() -> None:
    source = Source()
    summed = source.pipe(rxo.per_symbol(running_sum))
    first = Heard(summed)
    source.send(tick("B", 1), tick("E", 10), tick("B", 2))
    second = Heard(summed)
    source.send(tick("B", 4), tick("E", 20))
    assert first.values == [("B", 1), ("E", 10), ("B", 3), ("B", 7), ("E", 30)]
    assert second.values == [("B", 4), ("E", 20)]


def test_the_function_may_listen_several_times() -> None:
    source = Source()
    heard = Heard(
        source.pipe(rxo.per_symbol(lambda one: reactivex.zip(prices(one), one.pipe(ops.skip(1)))))
    )
    source.send(tick("B", 1), tick("E", 1), tick("B", 2))
    assert [(before, after.price) for before, after in heard.values] == [(("B", 1), 2)]


def test_one_of_several_listeners_may_leave() -> None:
    source = Source()
    heard = Heard(
        source.pipe(rxo.per_symbol(lambda one: prices(one).pipe(ops.merge(one.pipe(ops.take(1))))))
    )
    source.send(tick("B", 1), tick("B", 2))
    assert heard.values == [("B", 1), tick("B", 1), ("B", 2)]


def test_the_end_of_the_source_ends_each_and_waits_for_the_last_word() -> None:
    clock, source = Clock(), Source()
    late = rxo.per_symbol(lambda one: last(one).pipe(ops.delay(1.0)))
    heard = Heard(source.pipe(late), clock)
    source.send(tick("B", 1), tick("E", 2), tick("B", 3))
    source.complete()
    assert heard.values == []
    assert not heard.ended
    clock.advance_by(2.0)
    assert heard.values == [("E", 2), ("B", 3)]  # heard last, ended last
    assert heard.completed


def test_an_empty_source_completes() -> None:
    source = Source()
    heard = Heard(source.pipe(rxo.per_symbol(prices)))
    source.complete()
    assert heard.completed


def test_a_result_that_ends_early_drops_the_rest_of_its_symbol() -> None:
    source = Source()
    heard = Heard(source.pipe(rxo.per_symbol(lambda one: prices(one).pipe(ops.take(1)))))
    source.send(tick("B", 1), tick("B", 2), tick("E", 3), tick("B", 4))
    assert heard.values == [("B", 1), ("E", 3)]
    source.complete()
    assert heard.completed


@pytest.mark.parametrize("end", ["source", "symbol", "fn"])
def test_one_error_ends_all(end: str) -> None:
    clock, source = Clock(), Source()

    def fn(one: Observable[Any]) -> Observable[Any]:
        return one.pipe(ops.map(lambda t: 1 / int(t.price)), ops.delay(0.0), last_word)

    disposed: list[str] = []
    last_word: Operator = ops.finally_action(lambda: disposed.append("one"))
    called = 0

    def fails_third(one: Observable[Any]) -> Observable[Any]:
        nonlocal called
        called += 1
        if called == 3:
            raise OSError
        return fn(one)

    heard = Heard(source.pipe(rxo.per_symbol(fails_third)), clock)
    source.send(tick("B", 1), tick("E", 1))
    if end == "source":
        source.fail(OSError())
    elif end == "symbol":
        source.send(tick("E", 0))
        clock.advance_by(1.0)
    else:
        source.send(tick("X", 1))
    kind = ZeroDivisionError if end == "symbol" else OSError
    assert isinstance(heard.error, kind)
    assert source.observers == []
    assert disposed == ["one", "one"]
    assert clock.armed == 0


def test_an_error_that_is_caught_inside_ends_nothing() -> None:
    source = Source()
    fragile = rxo.per_symbol(
        lambda one: one.pipe(ops.map(lambda t: 1 / int(t.price)), ops.catch(reactivex.never()))
    )
    heard = Heard(source.pipe(fragile))
    source.send(tick("B", 0), tick("E", 1), tick("B", 1))
    assert heard.values == [1]


def test_the_symbol_not_heard_for_longest_is_forgotten_and_has_the_last_word() -> None:
    source, disposed = Source(), []
    fn: Operator = lambda one: last(one).pipe(  # noqa: E731
        ops.finally_action(lambda: disposed.append(1))
    )
    heard = Heard(source.pipe(rxo.per_symbol(fn, max_symbols=2)))
    source.send(tick("A", 1), tick("B", 2), tick("A", 3))
    assert heard.values == []
    source.send(tick("C", 4))
    assert heard.values == [("B", 2)]
    assert disposed == [1]
    source.send(tick("B", 5))
    assert heard.values == [("B", 2), ("A", 3)]
    source.complete()
    assert heard.values[2:] == [("C", 4), ("B", 5)]
    assert heard.completed


def test_what_is_forgotten_is_disposed_and_holds_no_memory() -> None:
    class Held:
        pass

    source, refs, open_ = Source(), [], set()

    def fn(one: Observable[Any]) -> Observable[Any]:
        held = Held()
        refs.append(weakref.ref(held))

        def subscribe(observer: Any, scheduler: Any = None) -> Any:
            open_.add(id(held))
            inner = one.subscribe(lambda t: observer.on_next(held and t.symbol))
            return CompositeDisposable(inner, Disposable(lambda: open_.discard(id(held))))

        return Observable(subscribe)  # it never ends by itself

    heard = Heard(source.pipe(rxo.per_symbol(fn, max_symbols=3)))
    source.send(*(tick(f"S{n}") for n in range(100)))
    gc.collect()
    assert len(open_) == 3
    assert sum(ref() is not None for ref in refs) <= 3
    heard.subscription.dispose()
    assert open_ == set()


def test_the_end_does_not_wait_for_what_is_forgotten() -> None:
    source = Source()
    fn: Operator = lambda one: prices(one).pipe(ops.merge(endless.pop()))  # noqa: E731
    endless = [reactivex.empty(), reactivex.never()]
    heard = Heard(source.pipe(rxo.per_symbol(fn, max_symbols=1)))
    source.send(tick("A", 1), tick("B", 2))
    source.complete()
    assert heard.completed


def test_idle_symbols_are_forgotten_after_one_to_two_of_their_times() -> None:
    clock, source = Clock(), Source()
    heard = Heard(source.pipe(rxo.per_symbol(last, idle=10)), clock)
    clock.advance_to(1.0)
    source.send(tick("A", 1), tick("B", 1))
    for at in (9.0, 18.0, 27.0, 36.0):
        clock.advance_to(at)
        source.send(tick("B", int(at)))
    assert heard.at == [(20, ("A", 1))]
    clock.advance_to(100.0)
    assert heard.at[1:] == [(50, ("B", 36))]
    source.send(tick("A", 7))
    source.complete()
    assert heard.at[2:] == [(100, ("A", 7))]
    assert clock.armed == 0


def test_dispose_ends_all_of_them_also_inside_a_call() -> None:
    clock, source = Clock(), Source()
    delayed = rxo.per_symbol(lambda one: prices(one).pipe(ops.delay(1.0)), idle=5)
    heard = Heard(source.pipe(delayed), clock)
    source.send(tick("A"), tick("B"))
    heard.subscription.dispose()
    heard.subscription.dispose()
    assert clock.armed == 0
    assert source.observers == []
    assert heard.values == []

    called: list[object] = []
    fn: Operator = lambda one: (called.append(one), last(one))[1]  # noqa: E731
    heard = Heard(source.pipe(rxo.per_symbol(fn, max_symbols=1)), until=lambda _: True)
    source.send(tick("A", 1), tick("B", 2), tick("C", 3))  # by what the forgotten one says
    assert heard.values == [("A", 1)]
    assert len(called) == 1
    assert source.observers == []


def test_the_scheduler_goes_to_the_source_and_to_each_symbol() -> None:
    clock, own, source, seen = Clock(), Clock(), Source(), []

    def fn(one: Observable[Any]) -> Observable[Any]:
        def subscribe(observer: Any, scheduler: Any = None) -> Any:
            seen.append(scheduler)
            return one.subscribe(observer, scheduler=scheduler)

        return Observable(subscribe)

    heard = Heard(source.pipe(rxo.per_symbol(fn, idle=1, scheduler=own)), clock)
    source.send(tick("A"), tick("B"))
    assert source.schedulers == [clock]
    assert seen == [clock, clock]
    assert (clock.armed, own.armed) == (0, 1)
    heard.subscription.dispose()
    assert own.armed == 0


def test_what_it_cannot_take_is_named() -> None:
    heard = Heard(reactivex.of(1).pipe(rxo.per_symbol(prices)))  # pyright: ignore[reportArgumentType]
    assert isinstance(heard.error, ConfigurationError)
    assert "got a int" in str(heard.error)
    source = Source()
    heard = Heard(source.pipe(rxo.per_symbol(lambda one: 7)))  # pyright: ignore[reportArgumentType]
    source.send(tick("A"))
    assert isinstance(heard.error, ConfigurationError)
    assert "no Observable" in str(heard.error)
    heard = Heard(source.pipe(rxo.per_symbol(lambda one: 10**5_000)))  # pyright: ignore[reportArgumentType]
    source.send(tick("A"))
    assert str(heard.error) == "per_symbol: fn gave <int>, which is no Observable"
    heard = Heard(source.pipe(rxo.per_symbol(prices, idle=1)))
    assert isinstance(heard.error, ConfigurationError)
    assert "scheduler=" in str(heard.error)


@pytest.mark.parametrize(
    "given",
    [{"max_symbols": 0}, {"max_symbols": None}, {"max_symbols": True}, {"idle": 0}, {"idle": "1s"}],
)
def test_impossible_bounds_fail_when_it_is_built(given: Any) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(given))):
        rxo.per_symbol(prices, **given)


def test_timers_inside_tick_on_the_loop_of_the_stream() -> None:
    async def main() -> None:
        feed, got = Feed(), []
        buffered = rxo.per_symbol(lambda one: one.pipe(ops.buffer_with_time(1.0)), idle=100)
        subscription = feed.stream().pipe(buffered).subscribe(got.append)
        feed.send(tick("A", 1), tick("B", 2), tick("A", 3))
        await asyncio.sleep(1.5)
        assert [[int(t.price) for t in batch] for batch in got] == [[1, 3], [2]]
        subscription.dispose()
        assert feed.disposed == 1

    virtually(main())


@given(st.lists(st.tuples(st.sampled_from("ABCDE"), st.integers(1, 9))))
def test_it_is_a_group_by_that_merges(sent: list[tuple[str, int]]) -> None:
    ticks = [tick(symbol, price) for symbol, price in sent]
    ours = Heard(reactivex.of(*ticks).pipe(rxo.per_symbol(running_sum)))
    theirs = Heard(
        reactivex.of(*ticks).pipe(ops.group_by(lambda t: t.symbol), ops.flat_map(running_sum))
    )
    assert ours.values == theirs.values
    assert ours.completed
    assert sum((t.price for t in ticks), Decimal(0)) == sum(price for _, price in sent)
