"""The commands and their options; those of the streams stand in a table beside this."""

from __future__ import annotations

import os
import sys
from importlib import metadata
from typing import Annotated, NoReturn

import typer

from rxbybit.cli.client import client_of
from rxbybit.cli.decode import LineDecoder
from rxbybit.cli.duration import seconds_of
from rxbybit.cli.ending import ending
from rxbybit.cli.finding import Finding
from rxbybit.cli.streams import CategoryOption, EnvironmentOption, ForOption, WireOption, add_to
from rxbybit.config import VARIABLE

__all__ = ["run"]

app = typer.Typer(
    name="rxbybit",
    help="Bybit's websocket streams.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    # Local variables in a traceback could show what must not be shown.
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        print(f"rxbybit {metadata.version('rxbybit')}")
        raise typer.Exit


def run() -> NoReturn:
    """Run the command that ``sys.argv`` names, and end the process with its status."""
    with ending():
        app(prog_name="rxbybit")
    sys.exit(0)


@app.callback()
def rxbybit(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Show it, and end.")
    ] = False,
) -> None:
    """Bybit's websocket streams."""


@app.command(short_help="Turn raw frames, one a line, into JSON.")
def decode(
    meta: Annotated[bool, typer.Option("--meta", help="Add where each event comes from.")] = False,
    wire: Annotated[
        str | None,
        typer.Option(
            "--wire", metavar="WIRE", help="v5 or legacy; left out, each frame is looked at."
        ),
    ] = None,
) -> None:
    """Read raw frames, one a line, and write their events as JSON, one a line.

    What cannot be decoded goes to standard error with the number of its line, and makes the
    status 1. A closing line there counts frames, events, control frames, and frames of topics
    that rxbybit does not offer.
    """
    with ending():
        decoder = LineDecoder(lambda text: print(text, file=sys.stderr), wire)
        out = sys.stdout.buffer
        try:
            for events in decoder.lines(sys.stdin.buffer):
                if events:
                    out.writelines(event.to_json(meta=meta) + b"\n" for event in events)
                    out.flush()
        except KeyboardInterrupt:
            print(decoder.tally, file=sys.stderr)
            raise
        print(decoder.tally, file=sys.stderr)
        if decoder.tally.undecodable:
            raise typer.Exit(1)


@app.command(short_help="Show a live market of invented prices, on this machine.")
def demo(length: ForOption = None) -> None:
    """Show a live market of invented prices, served by an exchange on this machine.

    A real websocket server on loopback is streamed through the library: book, trades, candles,
    ticker, an account that trades by itself, and what happens to the connection, which is cut on
    purpose after 15 seconds. Without a terminal it prints lines.
    """
    with ending():
        from rxbybit.cli.demo import play

        play(None if length is None else seconds_of(length))


@app.command(
    short_help="Serve an invented market to programs on this machine.",
    add_help_option=False,  # --help is one of the options that are handed on
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
)
def sim(context: typer.Context) -> None:
    """Serve an invented market to other programs on this machine, until Ctrl-C.

    The first line is the URL, for their RXBYBIT_ENVIRONMENT. See rxbybit sim --help.
    """
    with ending():
        from rxbybit.sim.__main__ import main

        raise typer.Exit(main(context.args, prog="rxbybit sim"))


@app.command(short_help="Show markets live: book, candles, trades, links.")
def watch(
    symbols: Annotated[list[str], typer.Argument(metavar="SYMBOL")],
    candles: Annotated[
        str,
        typer.Option(
            "--candles", metavar="INTERVAL", help="1s to 99s, made of trades, or 1m to 12h, 1d."
        ),
    ] = "5s",
    length: ForOption = None,
    environment: EnvironmentOption = None,
    wire: WireOption = None,
    category: CategoryOption = None,
    account: Annotated[
        bool,
        typer.Option("--account", help="And the account's position, orders and fills in them."),
    ] = False,
) -> None:
    """Show markets live: book, trades, candles, ticker, and what happens to the connection.

    Keys: q quits, the arrows change the market where not all fit. Without a terminal it prints
    lines.
    """
    with ending():
        from rxbybit.cli.watching import show

        seconds = None if length is None else seconds_of(length)
        client = client_of(environment, wire, category, private=account)
        source = environment or os.environ.get(VARIABLE) or "mainnet"
        show(client, symbols, source=source, candles=candles, seconds=seconds, account=account)


@app.command(short_help="Find out why nothing comes.")
def doctor(
    environment: EnvironmentOption = None,
    proxy: Annotated[
        str | None, typer.Option(metavar="URL", help="The HTTP proxy to go through.")
    ] = None,
    timeout: Annotated[
        str, typer.Option(metavar="TIME", help="How long a check may take, 10s at most.")
    ] = "10s",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Check what a stream needs, and say in one line each what is wrong and what to do.

    Versions, decoder, variables and proxy; each websocket host of the environment, its REST
    host, the clock, and whether the exchange takes the key. The status is 1 when something failed.
    """
    with ending():
        from rxbybit.cli.doctor import examine

        shown = Finding.json if as_json else Finding.line
        if not examine(environment, proxy, seconds_of(timeout), lambda found: print(shown(found))):
            raise typer.Exit(1)


add_to(app)
