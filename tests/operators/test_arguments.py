"""What no operator can do anything with, each refuses when it is built, in one clear line."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from math import inf, nan
from typing import Any

import pytest
import reactivex
from reactivex import Observable

from rxbybit import operators as rxo
from rxbybit.config import Backoff
from rxbybit.errors import ConfigurationError
from rxbybit.operators.arguments import MOST_S
from tests.fakes import Feed, virtually
from tests.operators.flow import Clock, Heard, Source, tick
from tests.operators.market import trade


class Mute:
    """Has no text of its own, as an int of too many digits has none."""

    def __repr__(self) -> str:
        raise LookupError


class Chatty:
    def __repr__(self) -> str:
        return "one line\nand another\r\n" * 99


async def later(value: object) -> object:
    return value


def price(one: Any) -> Any:
    return float(one.price)


SOURCE = Source()
ODD: dict[str, Any] = {
    "None": None,
    "True": True,
    "x": "x",
    "no text": "",
    "bytes": b"1m",
    "5": 5,
    "1.5": 1.5,
    "0": 0,
    "-1": -1,
    "nan": nan,
    "inf": inf,
    "-inf": -inf,
    "1e300": 1e300,
    "huge": 10**5_000,
    "-huge": -(10**5_000),
    "long": "9" * 5_000 + "s",
    "many": "9" * 5_000 + " trades",
    "weeks": "600000w",
    "list": [],
    "object": object(),
    "mute": Mute(),
    "chatty": Chatty(),
    "class": object,
    "function": later,
    "Observable": SOURCE,
    "clock": Clock(),
    "Backoff": Backoff(),
    "endless Backoff": Backoff(cap=1e300),
}
"""What somebody may write by mistake."""

NUMBER, TIME, CALLED, CLOCK = ["5"], ["5", "1.5"], ["class", "function"], ["None", "clock"]
TAKEN: dict[str, dict[str, list[str]]] = {
    "bars": {
        "size": [],
        "fill": ["True"],
        "partial": ["True"],
        "continuous": ["True", "None"],
        "inverse": ["True"],
        "scheduler": CLOCK,
    },
    "closed": {},
    "conflate": {"key": [*CALLED, "None"], "every": TIME, "scheduler": CLOCK},
    "detect_gaps": {},
    "ema": {"n": NUMBER, "key": [*CALLED, "None"]},
    "imbalance": {"levels": NUMBER},
    "map_async": {
        "fn": CALLED,
        "max_in_flight": NUMBER,
        "buffer": NUMBER,
        "overflow": [],
        "on_drop": [*CALLED, "None"],
    },
    "merge_ticker": {},
    "microprice": {},
    "on_slow": {
        "capacity": NUMBER,
        "overflow": [],
        "scheduler": ["clock"],
        "on_drop": [*CALLED, "None"],
    },
    "order_flow": {"window": []},
    "pause_when": {"status": ["Observable"], "on_drop": [*CALLED, "None"]},
    "per_symbol": {
        "fn": CALLED,
        "max_symbols": NUMBER,
        "idle": [*TIME, "None"],
        "scheduler": CLOCK,
    },
    "retry_backoff": {
        "backoff": ["None", "Backoff"],
        "first": TIME,
        "cap": TIME,
        "budget": [*NUMBER, "None"],
        "scheduler": CLOCK,
    },
    "spread": {},
    "to_book": {},
    "vwap": {"window": [], "inverse": ["True"]},
    "with_book": {
        "book": ["Observable"],
        "wait": [*TIME, "0"],
        "history": [*TIME, "0"],
        "scheduler": CLOCK,
    },
    "with_latest": {"ticker": ["Observable"]},
}
"""Of each parameter of each operator, the odd values that are right all the same."""

RIGHT: dict[str, dict[str, Any]] = {
    "bars": {"size": "1m"},
    "ema": {"n": 3},
    "map_async": {"fn": later},
    "on_slow": {"capacity": 1, "scheduler": Clock()},
    "order_flow": {"window": "1m"},
    "pause_when": {"status": SOURCE},
    "per_symbol": {"fn": lambda one: one},
    "vwap": {"window": "1m"},
    "with_book": {"book": SOURCE},
    "with_latest": {"ticker": SOURCE},
}
"""What has no value of its own."""

EACH = [(name, parameter) for name, of in TAKEN.items() for parameter in of]


def test_the_table_has_every_parameter_of_every_operator() -> None:
    operators = {name: getattr(rxo, name) for name in rxo.__all__}
    assert {name: list(of) for name, of in TAKEN.items()} == {
        name: list(inspect.signature(operator).parameters)
        for name, operator in operators.items()
        if inspect.isfunction(operator)
    }


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(("name", "parameter"), EACH)
def test_it_takes_what_it_says_and_refuses_the_rest(name: str, parameter: str, odd: str) -> None:
    operator: Callable[..., Any] = getattr(rxo, name)
    given = {**RIGHT.get(name, {}), parameter: ODD[odd]}
    if odd in TAKEN[name][parameter]:
        assert isinstance(SOURCE.pipe(operator(**given)), Observable)
        return
    with pytest.raises(ConfigurationError) as raised:
        operator(**given)
    text = str(raised.value)
    assert text.startswith((f"{name}: {parameter}=", f"{name}: {parameter}."))
    assert text.isprintable()  # one line
    assert len(text) < 300
    assert raised.value.__context__ is None or raised.value.__suppress_context__


CALLABLE = ["conflate", "map_async", "per_symbol"]
COUNTED = ["bars", "ema", "imbalance", "order_flow", "retry_backoff", "vwap"]


@pytest.mark.parametrize("name", CALLABLE + COUNTED)
def test_an_operator_that_is_not_called_says_so(name: str) -> None:
    for source in (Feed().stream(), reactivex.of(1)):
        with pytest.raises(ConfigurationError, match=rf"{name}: .*pipe takes rxo\.{name}\("):
            source.pipe(getattr(rxo, name))


LONGEST: dict[str, Callable[[], Any]] = {
    "conflate": lambda: rxo.conflate(every=MOST_S),
    "per_symbol": lambda: rxo.per_symbol(lambda one: one, idle=MOST_S),
    "retry_backoff": lambda: rxo.retry_backoff(first=MOST_S, cap=MOST_S),
    "with_book": lambda: rxo.with_book(SOURCE, MOST_S, history=MOST_S),
    "bars": lambda: rxo.bars("366d"),
    "vwap": lambda: rxo.vwap("366d"),
    "order_flow": lambda: rxo.order_flow("9999999999 trades"),
}


@pytest.mark.parametrize("name", LONGEST)
def test_the_longest_that_it_takes_works(name: str) -> None:
    async def main() -> None:
        feed, errors = Feed(), []
        feed.stream().pipe(LONGEST[name]()).subscribe(on_error=errors.append)
        feed.send(trade(1), trade(2))
        assert errors == []

    virtually(main())
    source = Source()
    heard = Heard(source.pipe(LONGEST[name]()), Clock())
    source.send(trade(1), trade(2))
    assert heard.error is None


def test_numbers_of_a_backoff_that_is_given() -> None:
    with pytest.raises(ConfigurationError, match=r"^retry_backoff: backoff\.first=1e\+300: s"):
        rxo.retry_backoff(Backoff(first=1e300))
    with pytest.raises(ConfigurationError, match=r"^retry_backoff: backoff\.cap=1e\+300: s"):
        rxo.retry_backoff(Backoff(cap=1e300))


def test_numbers_that_no_machine_counts_to() -> None:
    with pytest.raises(
        ConfigurationError, match=r"^ema: n=.*: a whole number, at most 9223372036854775807$"
    ):
        rxo.ema(2**63)
    source = Source()
    heard = Heard(source.pipe(rxo.ema(2**63 - 1, price)))
    source.send(trade(1), trade(2))  # a float cannot be divided by any int
    assert (heard.error, len(heard.values)) == (None, 2)


def test_what_a_forgotten_key_would_have_been() -> None:
    source = Source()
    heard = Heard(source.pipe(rxo.conflate(lambda one: one.symbol)), Clock())
    source.send(tick("B", 1), tick("E", 2))
    assert len(heard.values) == 2
