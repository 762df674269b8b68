"""The front door: what `rxbybit` offers, that it is complete, and that it is documented."""

from __future__ import annotations

import inspect
import pickle
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest

import rxbybit
from rxbybit import operators
from rxbybit.errors import RxBybitError
from rxbybit.events import Event, Status

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "api.md"
README = Path(__file__).parents[1] / "README.md"
FACTORIES = [
    "account",
    "balances",
    "instruments",
    "insurance",
    "klines",
    "liquidations",
    "order_book",
    "order_book_updates",
    "orders",
    "positions",
    "status",
    "stop_orders",
    "ticker_updates",
    "tickers",
    "trades",
    "user_trades",
]


GROUPS = {
    "Streams": FACTORIES,
    "The client": [
        "Bybit",
        "use",
        "Simulator",
        "counters",
        "Counters",
        "TopicCounters",
        "Latency",
        "Environment",
        "Credentials",
        "Backoff",
        "Category",
        "Runtime",
        "Hooks",
        "LoggingHooks",
    ],
    "What a factory gives": ["Stream", "lift"],
    "Events": [
        "Trade",
        "Ticker",
        "TickerUpdate",
        "Kline",
        "BookSnapshot",
        "BookDelta",
        "OrderBook",
        "BookState",
        "Liquidation",
        "Insurance",
        "Instrument",
        "Account",
        "Balance",
        "Position",
        "Order",
        "StopOrder",
        "UserTrade",
        "ExtraFee",
        "Event",
        "Meta",
        "Side",
        "TickDirection",
        "ContractType",
        "InstrumentStatus",
        "OrderStatus",
        "OrderType",
        "TimeInForce",
        "StopOrderType",
        "TriggerBy",
        "SelfMatch",
        "CreateType",
        "CancelType",
        "ExecutionType",
        "PositionStatus",
    ],
    "Statuses": [
        "Status",
        "Connecting",
        "Connected",
        "Subscribed",
        "Disconnected",
        "Reconnecting",
        "Gap",
        "Rejected",
        "Stale",
        "RequestFailed",
        "Resynced",
        "DecodeFailed",
        "Dropped",
    ],
    "Errors": [
        "RxBybitError",
        "ConfigurationError",
        "ConnectionFailed",
        "HandshakeRejected",
        "HeartbeatLost",
        "RetryBudgetExhausted",
        "ProtocolError",
        "SubscriptionRejected",
        "AuthenticationFailed",
        "RequestRefused",
        "DecodeError",
        "SlowConsumer",
        "ClosedError",
        "RuntimeMisuse",
    ],
}
INTERNAL = {"BookText", "Interim", "OrderItem"}
"""What frames of books and orders decode to; a subscriber gets what is made of it, such as an
``OrderBook`` or an ``Order``."""
HEAD = """\
# Every public name

What `from rxbybit import ...` offers, with the first lines of its docstring;
`help(rxbybit.trades)` shows the rest. The functions under *Streams* are methods of `Bybit` too.
"""


def page() -> str:
    """The page of all public names, made of docstrings."""
    parts = [HEAD]
    for title, names in GROUPS.items():
        rows = "\n".join(map(row, names))
        parts.append(f"\n## {title}\n\n| name | what it is |\n| --- | --- |\n{rows}\n")
    return "".join(parts)


def row(name: str) -> str:
    thing = getattr(rxbybit, name)
    if name == "Category":
        return f"| `Category` | One of {', '.join(f'`{value!r}`' for value in get_args(thing))}. |"
    shown = name
    if inspect.isfunction(thing):
        bare = [p.replace(annotation=p.empty) for p in inspect.signature(thing).parameters.values()]
        shown += str(inspect.Signature(bare))
    said = " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())
    said = re.sub(r":\w+:(`[^`]+`)", r"\1", said).replace("``", "`")
    return f"| `{shown}` | {said} |"


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
    # the simulator is loaded on first use
    assert public - {"annotations", "of_default"} == set(rxbybit.__all__) - {"Simulator"}


@pytest.mark.parametrize("root", [RxBybitError, Status, Event])
def test_every_error_status_and_event_is_exported(root: type) -> None:
    named = {kind.__name__ for kind in descendants(root)} | {root.__name__}
    doors = {*rxbybit.__all__, *operators.__all__}  # an operator's event comes with it
    assert named - doors - INTERNAL == set()


@pytest.mark.parametrize("name", FACTORIES)
def test_a_factory_is_a_function_and_a_method_of_the_client(name: str) -> None:
    function, method = getattr(rxbybit, name), getattr(rxbybit.Bybit, name)
    assert function.__doc__ == method.__doc__
    _, *parameters = inspect.signature(method).parameters.values()
    assert list(inspect.signature(function).parameters.values()) == parameters


def test_the_page_of_public_names_is_complete_and_fresh() -> None:
    assert sorted(name for names in GROUPS.values() for name in names) == list(rxbybit.__all__)
    assert PAGE.read_text(encoding="utf-8") == page(), "write it: python -m tests.test_exports"


def test_functions_of_the_module_are_named_as_they_are_imported() -> None:
    for name in (*FACTORIES, "counters", "use", "lift"):
        function = getattr(rxbybit, name)
        assert function.__name__ == function.__qualname__ == name
        assert pickle.loads(pickle.dumps(function)) is function


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


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
