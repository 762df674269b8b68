"""The front door: what `rxbybit` offers, that it is complete, and that it is documented."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import rxbybit
from rxbybit.errors import RxBybitError
from rxbybit.events import Event, Status

README = Path(__file__).parents[2] / "README.md"
FACTORIES = [
    "insurance",
    "klines",
    "liquidations",
    "order_book_updates",
    "status",
    "ticker_updates",
    "tickers",
    "trades",
]


def descendants(kind: type) -> Iterator[type]:
    for child in kind.__subclasses__():
        # The wire twins of events, made while decoding, stand in no module.
        written = vars(sys.modules[child.__module__]).get(child.__name__) is child
        if written and child.__module__.startswith("rxbybit.") and child.__name__[0] != "_":
            yield child
        yield from descendants(child)


def test_all_is_sorted_and_every_name_is_there() -> None:
    assert sorted(set(rxbybit.__all__)) == list(rxbybit.__all__)
    assert [name for name in rxbybit.__all__ if not hasattr(rxbybit, name)] == []


def test_nothing_else_stands_at_the_door() -> None:
    public = {
        name
        for name, value in vars(rxbybit).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert public - {"annotations", "of_default"} == set(rxbybit.__all__)


@pytest.mark.parametrize("root", [RxBybitError, Status, Event])
def test_every_error_status_and_event_is_exported(root: type) -> None:
    named = {kind.__name__ for kind in descendants(root)} | {root.__name__}
    assert named - set(rxbybit.__all__) == set()


@pytest.mark.parametrize("name", FACTORIES)
def test_a_factory_is_a_function_and_a_method_of_the_client(name: str) -> None:
    function, method = getattr(rxbybit, name), getattr(rxbybit.Bybit, name)
    assert function.__doc__ == method.__doc__
    _, *parameters = inspect.signature(method).parameters.values()
    assert list(inspect.signature(function).parameters.values()) == parameters


def test_the_readme_names_every_factory() -> None:
    text = README.read_text(encoding="utf-8")
    assert [name for name in FACTORIES if f"`{name}(" not in text] == []


@pytest.mark.parametrize("name", rxbybit.__all__)
def test_what_is_public_is_documented(name: str) -> None:
    thing = getattr(rxbybit, name)
    if not (inspect.isclass(thing) or inspect.isfunction(thing)):
        return
    assert inspect.getdoc(thing), name
    if inspect.isclass(thing) and thing.__module__.startswith("rxbybit"):
        bare = [
            attribute
            for attribute, value in vars(thing).items()
            if not attribute.startswith("_")
            and (inspect.isfunction(value) or isinstance(value, property))
            and not inspect.getdoc(getattr(thing, attribute))
            # What implements the protocol is documented by it.
            and not (thing is rxbybit.LoggingHooks and hasattr(rxbybit.Hooks, attribute))
        ]
        assert bare == []
