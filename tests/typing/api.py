"""What users write, for the type checker only: it is checked under pyright strict, never run."""

from __future__ import annotations

from datetime import timedelta
from typing import assert_type

import reactivex
from reactivex import ConnectableObservable, Observable, abc
from reactivex import operators as ops
from reactivex.disposable import Disposable
from reactivex.scheduler import ImmediateScheduler

from rxbybit.iteration import Iteration
from rxbybit.runtime import Runtime
from rxbybit.stream import Stream, lift


class Tick:
    """Stands for an event."""

    price: float
    symbol: str


def source(runtime: Runtime, observer: abc.ObserverBase[Tick]) -> abc.DisposableBase:
    """A source of a stream."""
    return Disposable()


def price(tick: Tick) -> float:
    """A mapper with types."""
    return tick.price


stream = Stream(source)
assert_type(stream, Stream[Tick])
observable: Observable[Tick] = stream

# Subscribing.
assert_type(stream.subscribe(), abc.DisposableBase)
assert_type(stream.subscribe(print), abc.DisposableBase)
stream.subscribe(lambda tick: print(tick.price), lambda error: print(error), lambda: print())
stream.subscribe(print, scheduler=ImmediateScheduler())

# pipe gives a stream again, of what the last operator makes.
assert_type(stream.pipe(), Stream[Tick])
assert_type(stream.pipe(ops.map(price)), Stream[float])
assert_type(stream.pipe(ops.buffer_with_time(1)), Stream[list[Tick]])
assert_type(stream.pipe(ops.map(price), ops.buffer_with_count(3)), Stream[list[float]])
assert_type(
    stream.pipe(ops.map(price), ops.pairwise(), ops.buffer_with_time(timedelta(seconds=1))),
    Stream[list[tuple[float, float]]],
)
four = stream.pipe(ops.map(price), ops.take(9), ops.skip(1), ops.to_list())
assert_type(four, Stream[list[float]])
assert_type(
    stream.pipe(ops.map(price), ops.take(9), ops.skip(1), ops.map(str), ops.to_set()),
    Stream[set[str]],
)
assert_type(
    stream.pipe(ops.map(price), ops.take(9), ops.skip(1), ops.skip(1), ops.map(str), ops.to_set()),
    Stream[set[str]],
)
assert_type(
    stream.pipe(
        ops.map(price),
        ops.take(9),
        ops.skip(1),
        ops.skip(1),
        ops.skip(1),
        ops.map(str),
        ops.to_set(),
    ),
    Stream[set[str]],
)


def count(observable: Observable[Tick]) -> int:
    """What is no operator comes out as is."""
    return 1 if observable else 0


assert_type(stream.pipe(count), int)

# The fluent methods.
assert_type(stream.map(price), Stream[float])
assert_type(stream.map(lambda tick: tick.symbol), Stream[str])
assert_type(stream.filter(lambda tick: tick.price > 1).take(3).skip(1), Stream[Tick])
assert_type(stream.take_while(lambda tick: tick.price > 1, inclusive=True), Stream[Tick])
assert_type(stream.distinct_until_changed(lambda tick: tick.price), Stream[Tick])
assert_type(stream.map(price).scan(lambda total, one: total + one, 0.0), Stream[float])
assert_type(stream.buffer_with_time(1.0), Stream[list[Tick]])
assert_type(stream.buffer_with_count(10), Stream[list[Tick]])
assert_type(stream.throttle_first(1.0).debounce(0.5).sample(timedelta(seconds=1)), Stream[Tick])
assert_type(stream.pairwise(), Stream[tuple[Tick, Tick]])
assert_type(stream.do_action(print), Stream[Tick])
assert_type(stream.merge(stream.map(price)), Stream[Tick | float])

# Leaving Rx.
assert_type(stream.run(), Tick)
assert_type(stream.iterate(buffer=10, overflow="latest"), Iteration[Tick])


async def reads() -> None:
    """Asynchronous iteration and await."""
    async for tick in stream:
        assert_type(tick, Tick)
    async for tick in stream.iterate(overflow="drop_oldest"):
        assert_type(tick, Tick)
    assert_type(await stream, Tick)
    assert_type(await stream.map(price).take(1), float)


# What lost its clock takes it back.
merged: Observable[Tick] = reactivex.merge(stream, stream)
assert_type(lift(merged), Stream[Tick])
assert_type(lift(stream), Stream[Tick])

# What is connectable stays so.
assert_type(stream.pipe(ops.publish()), ConnectableObservable[Tick])
assert_type(stream.pipe(ops.map(price), ops.publish()), ConnectableObservable[float])
