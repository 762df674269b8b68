"""What every operator that makes at most one event of each event keeps to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal as D
from typing import Any

import pytest
from reactivex import Observable
from reactivex import operators as ops
from reactivex.testing import TestScheduler

from rxbybit import operators as rxo
from rxbybit.errors import ConfigurationError
from rxbybit.events import Meta
from rxbybit.stream import Stream
from rxbybit.streams.kline import Kline
from rxbybit.ticker import TickerUpdate
from tests.fakes import Feed
from tests.operators.probe import Ear, Probe
from tests.virtual import run


def candle(start_ms: int) -> Kline:
    prices = dict.fromkeys(("open", "high", "low", "close", "volume", "turnover"), D(1))
    end_ms = start_ms + 59_999
    return Kline(
        symbol="BTCUSD", interval="1m", start_ms=start_ms, end_ms=end_ms, closed=True, **prices
    )


def update(n: int, kind: str = "snapshot") -> TickerUpdate:
    changed = frozenset({"last_price"})
    return TickerUpdate(symbol="BTCUSD", last_price=D(n), changed=changed, meta=Meta("t", kind))


# Any: events of each operator
OPERATORS: dict[str, tuple[Callable[[], Callable[[Observable[Any]], Observable[Any]]], Any]] = {
    "closed": (rxo.closed, candle),
    "merge_ticker": (rxo.merge_ticker, update),
}


@pytest.fixture(params=OPERATORS)
def given(request: pytest.FixtureRequest) -> Any:
    operator, make = OPERATORS[request.param]
    return request.param, operator(), make


# Any: events of each operator; the last one is passed by who has heard the first, or else only
SECOND: dict[str, tuple[Any, bool]] = {
    "closed": (candle(1), False),
    "merge_ticker": (update(2, "delta"), True),
}


def test_subscribers_share_nothing_and_a_new_one_begins_anew(given: Any) -> None:
    name, operator, make = given
    then, to_who_knows = SECOND[name]
    source = Probe()
    made = source.pipe(operator)
    assert source.heard == 0
    one, two = Ear(made), Ear(made)
    source.send(make(1))
    one.subscription.dispose()
    again = Ear(made)
    source.send(then)
    heard = [len(ear.events) for ear in (one, two, again)]
    assert heard == [1, 1 + to_who_knows, 1 - to_who_knows]


def test_the_scheduler_is_passed_on(given: Any) -> None:
    _, operator, _ = given
    source, clock = Probe(), TestScheduler()
    Ear(source.pipe(operator), clock)
    assert source.schedulers == [clock]


def test_disposing_ends_it_at_any_moment(given: Any) -> None:
    _, operator, make = given
    source = Probe()
    ear = Ear(source.pipe(operator))
    ear.then = lambda event: ear.subscription.dispose()
    source.send(make(1), make(2))
    ear.subscription.dispose()
    assert (len(ear.events), source.heard, source.disposed, ear.ended) == (1, 0, 1, "")


@pytest.mark.parametrize("ending", ["completed", "OSError"])
def test_the_end_passes_and_who_subscribes_in_it_begins_anew(given: Any, ending: str) -> None:
    _, operator, make = given
    source = Probe()
    made = source.pipe(operator)
    again: list[Ear] = []
    ear = Ear(made.pipe(ops.do_action(on_error=lambda _: again.append(Ear(made)))))
    source.send(make(1))
    if ending == "completed":
        source.complete()
    else:
        source.fail(OSError())
        source.send(make(1))
        assert [len(late.events) for late in again] == [1]
    assert (ear.ended, len(ear.events)) == (ending, 1)


@pytest.mark.parametrize("thing", [object(), None, 5, {"symbol": "BTCUSD"}])
def test_what_is_foreign_is_one_clear_error(given: Any, thing: object) -> None:
    name, operator, make = given
    source = Probe(make(1), thing, make(2))
    ear = Ear(source.pipe(operator))
    assert (ear.ended, len(ear.events), source.heard) == ("ConfigurationError", 1, 0)
    assert isinstance(ear.errors[0], ConfigurationError)
    said = rf"{name}() expects "
    assert str(ear.errors[0]).startswith(said)
    assert f", and got a {type(thing).__name__}" in str(ear.errors[0])


def test_what_the_observer_raises_goes_up_and_nothing_is_corrupt(given: Any) -> None:
    _, operator, make = given
    source = Probe()
    ear = Ear(source.pipe(operator))

    def refuse(event: object) -> None:
        ear.then = lambda event: None
        raise KeyError(event)

    ear.then = refuse
    with pytest.raises(KeyError):
        source.send(make(1))
    source.send(make(2))
    assert (len(ear.events), ear.ended) == (2, "")


def test_on_a_stream(given: Any) -> None:
    _, operator, make = given

    async def main() -> None:
        feed = Feed()
        made = feed.stream().pipe(operator)
        assert isinstance(made, Stream)
        ear = Ear(made)
        feed.send(make(1))
        assert len(ear.events) == 1
        ear.subscription.dispose()
        await asyncio.sleep(0)
        assert feed.disposed == 1

    run(main())
