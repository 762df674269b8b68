"""Events of the benchmark's market for operators, and what an operator costs an event."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from reactivex import Observable, abc
from reactivex.disposable import Disposable

from rxbybit import operators as rxo
from rxbybit.errors import DecodeError
from rxbybit.schema.decoder import TopicDecoder
from rxbybit.streams import KLINES, ORDER_BOOK_UPDATES, TICKER_UPDATES, TRADES
from tests.perf.script import Script

# Any: operators take and give events of every kind
Operator = Callable[[Observable[Any]], Observable[Any]]
Event = tuple[int, Any]
"""Its place among all, and what came."""
SYMBOLS = 3
PATIENCE_S = 10.0
STREAMS = {
    "publicTrade": ("trades", TRADES),
    "orderbook": ("updates", ORDER_BOOK_UPDATES),
    "tickers": ("ticker updates", TICKER_UPDATES),
    "kline": ("candles", KLINES),
}


class Case(NamedTuple):
    """An operator on events of a kind; ``beside`` them another source may send."""

    name: str
    events: str
    operator: Callable[[Observable[Any]], Operator]
    """Makes it, of the other source."""
    beside: str | None = None
    later: bool = False
    """Whether it gives a value for each event after the call that brings the event."""


class Spent(NamedTuple):
    """CPU microseconds an event."""

    with_it: float
    without: float


def events_of(count: int) -> dict[str, list[Event]]:
    """``count`` events of each kind at most, over three symbols, as their streams give them."""
    script = Script("linear", SYMBOLS, count * 3)
    frames = [*script.snapshots.items()]
    topics = [script.topics[at] for at in script.topic_at]
    frames += zip(topics, script.messages, strict=True)
    found: dict[str, list[Event]] = {name: [] for name, _ in STREAMS.values()}
    decoders = {}
    for topic in script.topics:
        name, spec = STREAMS[topic.split(".")[0]]
        decoders[topic] = found[name], TopicDecoder(spec, "v5", topic, report=_fail).decode
    for place, (topic, data) in enumerate(frames):
        into, decode = decoders[topic]
        into += [(place, event) for event in decode(data, place, 1)]
    _, first = found["candles"][0]
    found["candles"] = [(at, _candle(first, at)) for at in range(count)]
    found["books"] = _made(found["updates"], rxo.to_book())
    found["tickers"] = _made(found["ticker updates"], rxo.merge_ticker())
    return {name: events[:count] for name, events in found.items()}


async def spent_us(case: Case, events: dict[str, list[Event]]) -> Spent:
    """What the events of a case take, with its operator and without; both sources' count."""
    sent = [(place, 0, event) for place, event in events[case.events]]
    if case.beside is not None:
        sent += [(place, 1, event) for place, event in events[case.beside]]
        sent.sort(key=lambda one: one[:2])
    bare = case._replace(operator=lambda _: lambda source: source, later=False)
    return Spent(await _spent(case, sent), await _spent(bare, sent))


async def _spent(case: Case, sent: list[tuple[int, int, Any]]) -> float:
    source, other = _Source(), _Source()
    got, errors = 0, list[Exception]()

    def count(_: object) -> None:
        nonlocal got
        got += 1

    nobody = other.subscribe(lambda _: None)  # so that both sources cost the same without it
    subscription = source.pipe(case.operator(other)).subscribe(count, errors.append)
    sends = source.send, other.send
    deadline = time.monotonic() + PATIENCE_S
    began = time.process_time()
    for _, which, event in sent:
        sends[which](event)
    while case.later and got < len(sent) and not errors and time.monotonic() < deadline:
        await asyncio.sleep(0)
    spent = time.process_time() - began
    subscription.dispose()
    nobody.dispose()
    if errors or (case.later and got < len(sent)):
        raise RuntimeError(f"{case.name}: {got} of {len(sent)} came, {errors}")
    return spent / len(sent) * 1e6


class _Source(Observable[Any]):
    """Hands over what it is given, and nothing else."""

    def __init__(self) -> None:
        super().__init__(self._attach)
        self._observers: tuple[abc.ObserverBase[Any], ...] = ()

    def _attach(
        self, observer: abc.ObserverBase[Any], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        self._observers += (observer,)
        return Disposable(self._detach)

    def _detach(self) -> None:
        self._observers = ()

    def send(self, event: Any) -> None:
        for observer in self._observers:
            observer.on_next(event)


def _made(events: list[Event], operator: Operator) -> list[Event]:
    """What an operator makes of events, each at the place of its event."""
    source, made, at = _Source(), list[Event](), 0
    with source.pipe(operator).subscribe(lambda value: made.append((at, value)), _raise):
        for at, event in events:  # noqa: B007 - the function above reads it
            source.send(event)
    return made


def _candle(first: Any, at: int) -> Any:
    """One of four updates of a minute, of which the last closes it."""
    start_ms = first.start_ms + at // 4 * 60_000
    return first.__replace__(start_ms=start_ms, closed=at % 4 == 3)


def _fail(error: DecodeError) -> None:
    raise error


def _raise(error: Exception) -> None:
    raise error
