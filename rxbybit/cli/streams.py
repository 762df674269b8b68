"""A command for each stream, made from one table."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Annotated, Any, NamedTuple, cast

import typer
from reactivex import operators as ops

from rxbybit.cli.client import client_of
from rxbybit.cli.duration import seconds_of
from rxbybit.cli.ending import ending
from rxbybit.client import Bybit
from rxbybit.config import Category
from rxbybit.errors import ConfigurationError
from rxbybit.instrument import Instrument
from rxbybit.stream import Stream
from rxbybit.symbols import read_symbols

__all__ = ["COMMANDS", "CategoryOption", "EnvironmentOption", "ForOption", "WireOption", "add_to"]

EnvironmentOption = Annotated[
    str | None,
    typer.Option(
        "--environment",
        metavar="NAME",
        help="mainnet, testnet, demo, sim, or a base URL; else RXBYBIT_ENVIRONMENT, else mainnet.",
    ),
]
WireOption = Annotated[
    str | None,
    typer.Option("--wire", metavar="WIRE", help="v5 or legacy; else RXBYBIT_WIRE, else v5."),
]
CategoryOption = Annotated[
    str | None,
    typer.Option(
        "--category",
        metavar="CATEGORY",
        help="inverse, linear, spot or option; else read from the symbol, without one inverse.",
    ),
]
_FilterOption = Annotated[
    str | None,
    typer.Option(
        "--category",
        metavar="CATEGORY",
        help="Only of inverse, linear, spot or option; else of all. The symbol says none.",
    ),
]
ForOption = Annotated[
    str | None,
    typer.Option("--for", metavar="TIME", help="How long, such as 10s; else until Ctrl-C."),
]
_JsonOption = Annotated[bool, typer.Option("--json", help="A JSON object a line.")]
_MetaOption = Annotated[
    bool, typer.Option("--meta", help="With --json: add where each event comes from.")
]


# Any: what typer reads of an annotation, and what it gives back for it
def _parameter(name: str, annotation: Any, default: object = None) -> Parameter:
    return Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=annotation)


_COMMON = (
    _parameter("json", _JsonOption, default=False),
    _parameter("meta", _MetaOption, default=False),
    _parameter("length", ForOption),
    _parameter("environment", EnvironmentOption),
    _parameter("wire", WireOption),
)
_CATEGORY = _parameter("category", CategoryOption)
_FILTER = _parameter("category", _FilterOption)
_INTERVAL = _parameter(
    "interval",
    Annotated[str, typer.Option("--interval", metavar="INTERVAL", help="1m to 12h, 1d, 1w, 1M.")],
    default="1m",
)
_CLOSED = _parameter(
    "closed",
    Annotated[bool, typer.Option("--closed", help="Each candle once, at its end.")],
    default=False,
)
_HISTORY = _parameter(
    "history",
    Annotated[int, typer.Option("--history", metavar="COUNT", help="So many closed ones first.")],
    default=0,
)
_DEPTH = _parameter(
    "depth",
    Annotated[
        int | None,
        typer.Option(
            "--depth",
            metavar="LEVELS",
            help="1, 25, 50, 200, 1000; options: 25, 100; legacy: 25, 200.",
        ),
    ],
)
_SNAPSHOT = _parameter(
    "snapshot",
    Annotated[
        bool,
        typer.Option("--snapshot/--no-snapshot", help="Begin with what there is, or with news."),
    ],
    default=True,
)
_FUNDING = _parameter(
    "funding",
    Annotated[bool, typer.Option("--funding", help="With what is paid and received for funding.")],
    default=False,
)


def instruments_named(client: Bybit, *names: str) -> Stream[Instrument]:
    """The instruments with these names, or all of the client's category.

    Errors: ``ConfigurationError`` for names of several categories.
    """
    categories: set[Category] = {category for category, _ in read_symbols(names, client.category)}
    if len(categories) > 1:
        raise ConfigurationError("instruments: names of one category at a time")
    every = client.instruments(*categories)
    return every.pipe(ops.filter(lambda one: one.symbol in names)) if names else every


class StreamCommand(NamedTuple):
    """A stream on the command line: a line here is a command there."""

    name: str
    help: str
    factory: Callable[..., Stream[Any]]
    """The method of ``Bybit``; it is called with the names, and the options by their name."""
    options: tuple[Parameter, ...] = ()
    """What it takes besides the options that all have."""
    of: str | None = "SYMBOL"
    """What its names are; ``None`` when it takes none."""
    private: bool = False
    """Whether it is of an account."""
    category: Parameter | None = _CATEGORY
    """Its option for the category, of the client."""


COMMANDS = (
    StreamCommand("trades", "Show every trade.", Bybit.trades),
    StreamCommand("tickers", "Show all that is known of a market, at each change.", Bybit.tickers),
    StreamCommand("ticker-updates", "Show tickers as they are sent.", Bybit.ticker_updates),
    StreamCommand(
        "klines", "Show candles as they grow.", Bybit.klines, (_INTERVAL, _CLOSED, _HISTORY)
    ),
    StreamCommand("book", "Show whole order books, at each change.", Bybit.order_book, (_DEPTH,)),
    StreamCommand(
        "book-updates",
        "Show order books as they are sent: snapshots and deltas.",
        Bybit.order_book_updates,
        (_DEPTH,),
    ),
    StreamCommand(
        "instruments", "Show what can be traded, then what changes of it.", instruments_named
    ),
    StreamCommand("liquidations", "Show what is liquidated.", Bybit.liquidations),
    StreamCommand(
        "insurance", "Show the insurance pools as they change.", Bybit.insurance, of="COIN"
    ),
    StreamCommand(
        "orders",
        "Show the account's open orders, then what changes.",
        Bybit.orders,
        (_SNAPSHOT,),
        private=True,
        category=_FILTER,
    ),
    StreamCommand(
        "stop-orders",
        "Show the account's stop orders, then what changes.",
        Bybit.stop_orders,
        (_SNAPSHOT,),
        private=True,
        category=_FILTER,
    ),
    StreamCommand(
        "positions",
        "Show the account's positions, then what changes.",
        Bybit.positions,
        (_SNAPSHOT,),
        private=True,
        category=_FILTER,
    ),
    StreamCommand(
        "user-trades",
        "Show the account's fills.",
        Bybit.user_trades,
        (_FUNDING,),
        private=True,
        category=_FILTER,
    ),
    StreamCommand(
        "balances",
        "Show what the account has of each coin.",
        Bybit.balances,
        (_SNAPSHOT,),
        of="COIN",
        private=True,
        category=None,
    ),
    StreamCommand(
        "account",
        "Show the account as a whole: totals and margins.",
        Bybit.account,
        (_SNAPSHOT,),
        of=None,
        private=True,
        category=None,
    ),
)


def add_to(app: typer.Typer) -> None:
    """Add the commands of the table to ``app``."""
    for command in COMMANDS:
        app.command(command.name, help=command.help)(_function(command))


def _function(command: StreamCommand) -> Callable[..., None]:
    def call(**given: object) -> None:
        with ending():
            _run(command, given)

    parameters = [*_names(command), *command.options, *_COMMON]
    if command.category is not None:
        parameters.append(command.category)
    call.__signature__ = Signature(parameters)  # pyright: ignore[reportFunctionMemberAccess]
    return call


def _names(command: StreamCommand) -> list[Parameter]:
    if command.of is None:
        return []
    rest = "all of them" if command.private else "every one of the category"
    told = f"One or several; no {command.of.lower()}: {rest}."
    kind = Annotated[list[str] | None, typer.Argument(metavar=command.of, help=told)]
    return [_parameter("names", kind)]


def _run(command: StreamCommand, given: dict[str, object]) -> None:
    # rich costs a tenth of a second, which nobody who asks for --help waits for
    from rxbybit.cli.follow import event_writer, follow, json_writer

    names = cast("list[str]", given.get("names") or [])
    length = cast("str | None", given["length"])
    seconds = None if length is None else seconds_of(length)
    client = client_of(
        cast("str | None", given["environment"]),
        cast("str | None", given["wire"]),
        cast("str | None", given.get("category")),
        private=command.private,
    )
    options = {option.name: given[option.name] for option in command.options}
    stream = command.factory(client, *names, **options)
    write = json_writer(meta=bool(given["meta"])) if given["json"] else event_writer()
    follow(client, stream, write, seconds, named=bool(names))
