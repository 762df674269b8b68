"""What no operator can do anything with: one clear error on the stream, and nothing raised."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal as D
from typing import Any, NamedTuple

import pytest

from rxbybit import operators as rxo
from rxbybit.errors import ConfigurationError
from rxbybit.events import Meta
from rxbybit.ticker import Ticker, TickerUpdate
from tests.operators.market import START_MS, FakeBook, Foreign, Operator, trade
from tests.operators.probe import Ear, Probe
from tests.operators.test_closed import candle
from tests.operators.test_to_book import delta, snapshot
from tests.operators.test_with_book import book

INF, NAN, LIST = float("inf"), float("nan"), list[str]()


class Raises:
    """Its ``symbol`` cannot be read."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    @property
    def symbol(self) -> str:
        raise self.error


def update(**changes: Any) -> Any:
    given = TickerUpdate(symbol="A", last_price=D(1), changed=frozenset({"last_price"}))
    return given.__replace__(**changes)


class Case(NamedTuple):
    """An operator, what it takes well, and what it cannot take."""

    operator: Callable[[], Operator]
    good: Any
    bad: Any


def of(operator: Callable[[], Operator], good: Any, *bad: Any) -> list[Case]:
    return [Case(operator, good, one) for one in bad]


CLOSED = candle(1)
LEVELS = ((D("99.5"), D(1)),)
FOREIGN = Foreign("BTCUSD", START_MS, D(1), D(1))
CASES = [
    *of(
        rxo.closed,
        CLOSED,
        *(CLOSED.__replace__(start_ms=start_ms) for start_ms in (None, "2", NAN)),
        CLOSED.__replace__(symbol=LIST),
        CLOSED.__replace__(meta=None),
    ),
    *of(
        rxo.detect_gaps,
        CLOSED,
        *(CLOSED.__replace__(start_ms=start_ms) for start_ms in (None, "2", NAN)),
        CLOSED.__replace__(symbol=LIST),
        snapshot().__replace__(meta=None),
    ),
    *of(rxo.detect_gaps, snapshot(), delta(6).__replace__(update_id="6")),
    *of(
        rxo.to_book,
        snapshot(),
        delta(6, [("99.5", "1")]),
        delta(6, [(D("99.5"),)]),
        delta(6, [5]),
        delta(6, [(D("99.5"), True)]),
        delta(6, asks=[(D("99.5"), "1")]),
        delta(6).__replace__(bids=None),
        delta(6).__replace__(meta=None),
        delta(6).__replace__(symbol=LIST),
        delta(6).__replace__(update_id="6"),
        snapshot(7, [("99.5", "1")]),
    ),
    *of(
        rxo.merge_ticker,
        update(),
        update(symbol=LIST),
        update(meta=None),
        update(changed=None, meta=Meta("t", "delta")),
    ),
    *of(
        lambda: rxo.bars("1s"),
        FOREIGN,
        *(FOREIGN._replace(time_ms=n) for n in (NAN, INF, None, "1", 10**17)),
    ),
    *of(lambda: rxo.bars("1s"), FOREIGN, FOREIGN._replace(symbol=LIST)),  # type: ignore[arg-type]
    *of(lambda: rxo.spread(), FakeBook(), FakeBook()._replace(time_ms=None)),
    *of(
        lambda: rxo.per_symbol(lambda one: one),
        FOREIGN,
        FOREIGN._replace(symbol=LIST),  # type: ignore[arg-type]
        *(Raises(error) for error in (AttributeError(), TypeError(), ValueError())),
    ),
]


def name_of(case: Case) -> str:
    return case.operator().__qualname__.partition(".")[0]


def sent(source: Probe, *events: Any) -> Ear:
    """The events, sent; gives another ear of the source."""
    other = Ear(source)
    source.send(*events)
    return other


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_a_bad_event_is_one_clear_error_and_others_hear_it(case: Case) -> None:
    source = Probe()
    ear = Ear(source.pipe(case.operator()))
    other = sent(source, case.good, case.bad, case.good)
    assert ear.ended == "ConfigurationError"
    assert "expects " in str(ear.errors[0])
    assert f"got a {type(case.bad).__name__} (" in str(ear.errors[0])
    assert (other.events[1] is case.bad, len(other.events)) == (True, 3)
    assert source.heard == 1


NO_NUMBERS = [True, "100.5", None, NAN, INF, -INF, D("NaN"), D("sNaN"), D("-Infinity"), 1j]


WANT_NUMBERS: list[tuple[Callable[[], Operator], str]] = [
    *((lambda: rxo.vwap("1m"), name) for name in ("price", "size")),
    *((lambda: rxo.vwap("2 trades", inverse=True), name) for name in ("price", "size")),
    (lambda: rxo.order_flow("1m"), "size"),
    *((lambda: rxo.bars("1m", partial=True), name) for name in ("price", "size")),
    *((lambda: rxo.bars("2 trades"), name) for name in ("price", "size")),
]


@pytest.mark.parametrize("number", NO_NUMBERS)
@pytest.mark.parametrize("good", [Foreign("X", 1, 100, 1), Foreign("X", 1, 100.0, 1.0)])
@pytest.mark.parametrize(("operator", "name"), WANT_NUMBERS)
def test_what_is_no_finite_number_is_refused_at_once(
    operator: Callable[[], Operator], name: str, good: Foreign, number: Any
) -> None:
    source = Probe()
    ear = Ear(source.pipe(operator()))
    source.send(good)
    before = len(ear.events)
    source.send(good._replace(**{name: number}))
    assert (ear.ended, len(ear.events)) == ("ConfigurationError", before)
    said = str(ear.errors[0])
    assert "expects trades, events with symbol, time_ms, " in said
    assert f", and got a Foreign ({number!r} is no " in said


@pytest.mark.parametrize("number", [NAN, INF, D("NaN"), D("-Infinity"), "100.5", 1j])
@pytest.mark.parametrize(
    ("operator", "good", "name"),
    [
        (rxo.spread, FakeBook(), "spread"),
        (rxo.microprice, FakeBook(), "microprice"),
        (rxo.imbalance, FakeBook(), "balance"),
        (lambda: rxo.ema(3), FOREIGN._replace(price=2.0), "price"),
    ],
)
def test_nor_is_it_the_value_of_anything(
    operator: Callable[[], Operator], good: Any, name: str, number: Any
) -> None:
    bad = good._replace(**{name: number})
    for before in (0, 1):
        source = Probe()
        ear = Ear(source.pipe(operator()))
        source.send(*[good] * before, bad)
        assert (ear.ended, len(ear.events)) == ("ConfigurationError", before)


@pytest.mark.parametrize("operator", [rxo.vwap, rxo.order_flow])
@pytest.mark.parametrize("time_ms", [NAN, INF, "5", None, 10**17, -(10**17)])
def test_a_window_wants_a_time(operator: Any, time_ms: Any) -> None:
    source = Probe()
    ear = Ear(source.pipe(operator("1m")))
    source.send(FOREIGN, FOREIGN._replace(time_ms=time_ms))
    assert (ear.ended, len(ear.events)) == ("ConfigurationError", 1)


@pytest.mark.parametrize("operator", [lambda: rxo.per_symbol(lambda one: one), rxo.closed])
def test_what_an_event_itself_raises_ends_the_stream(operator: Callable[[], Operator]) -> None:
    source = Probe()
    ear = Ear(source.pipe(operator()))
    other = sent(source, Raises(LookupError("broken")))
    assert (ear.ended, len(other.events), source.heard) == ("LookupError", 1, 1)


@pytest.mark.parametrize(
    "bad",
    [
        book(12, time_ms="1"),  # type: ignore[arg-type]
        book("12", 1012),  # type: ignore[arg-type]
        book(12, symbol=LIST),  # type: ignore[arg-type]
    ],
)
@pytest.mark.parametrize("trades_wait", [True, False])
def test_a_book_that_cannot_be_joined(bad: Any, trades_wait: bool) -> None:
    books, trades = Probe(), Probe()
    ear = Ear(trades.pipe(rxo.with_book(books)))
    books.send(book(10))
    if trades_wait:
        trades.send(trade(0))
    other = sent(books, bad)
    assert ear.ended == "ConfigurationError"
    assert str(ear.errors[0]).startswith("with_book(book) expects OrderBook as its book")
    assert (len(other.events), books.heard, trades.heard) == (1, 1, 0)


@pytest.mark.parametrize("wait", [0, 0.1])
@pytest.mark.parametrize(
    "changes",
    [
        {"time_ms": None},
        {"time_ms": "1"},
        {"time_ms": NAN},
        {"sequence": "12"},
        {"symbol": LIST},
    ],
)
def test_a_trade_that_cannot_be_joined(changes: dict[str, Any], wait: float) -> None:
    books, trades = Probe(), Probe()
    ear = Ear(trades.pipe(rxo.with_book(books, wait)))
    books.send(book(10), book(11))
    other = sent(trades, trade(0).__replace__(**changes))
    assert ear.ended == "ConfigurationError"
    assert str(ear.errors[0]).startswith("with_book(book) expects trades")
    assert (len(other.events), books.heard, trades.heard) == (1, 0, 1)


@pytest.mark.parametrize("of_ticker", [True, False])
def test_what_cannot_be_joined_with_a_ticker(of_ticker: bool) -> None:
    tickers, trades = Probe(), Probe()
    ear = Ear(trades.pipe(rxo.with_latest(tickers)))
    bad = Ticker(symbol=LIST) if of_ticker else trade(0, symbol=LIST)  # type: ignore[arg-type]
    side = tickers if of_ticker else trades
    other = sent(side, bad)
    assert ear.ended == "ConfigurationError"
    assert str(ear.errors[0]).startswith("with_latest(ticker) expects ")
    assert (len(other.events), tickers.heard + trades.heard) == (1, 1)


@pytest.mark.parametrize(
    "error", [TypeError("mine"), ValueError("mine"), ConfigurationError("mine")]
)
@pytest.mark.parametrize(
    ("operator", "good"),
    [
        (rxo.closed, CLOSED),
        (rxo.detect_gaps, CLOSED),
        (rxo.to_book, snapshot()),
        (rxo.merge_ticker, update()),
        (lambda: rxo.with_book(_once(book(1)), 0), trade(0)),
        (lambda: rxo.with_latest(_once(Ticker(symbol="BTCUSD"))), trade(0)),
    ],
)
def test_what_the_observer_raises_is_not_the_events_fault(
    operator: Callable[[], Operator], good: Any, error: Exception
) -> None:
    source = Probe()

    def refuse(_: object) -> None:
        raise error

    ear = Ear(source.pipe(operator()), then=refuse)
    with pytest.raises(type(error), match="mine"):
        source.send(good)
    assert (ear.ended, len(ear.events)) == ("", 1)


def _once(event: Any) -> Probe:
    return Probe(event)
