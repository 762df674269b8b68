"""The commands and their options; those of the streams stand in a table beside this."""

from __future__ import annotations

import sys
from typing import Annotated, NoReturn

import typer

from rxbybit.cli.decode import LineDecoder
from rxbybit.cli.duration import seconds_of
from rxbybit.cli.ending import ending
from rxbybit.cli.streams import ForOption, add_to

__all__ = ["run"]

app = typer.Typer(
    name="rxbybit",
    help="Bybit's public websocket streams.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    # Local variables in a traceback could show what must not be shown.
    pretty_exceptions_enable=False,
)


def run() -> NoReturn:
    """Run the command that ``sys.argv`` names, and end the process with its status."""
    with ending():
        app(prog_name="rxbybit")
    sys.exit(0)


@app.command()
def decode(
    meta: Annotated[bool, typer.Option("--meta", help="Add where each event comes from.")] = False,
) -> None:
    """Read raw frames, one a line, and write their events as JSON, one a line.

    What cannot be decoded goes to standard error with the number of its line, and makes the
    status 1. A closing line there counts frames, events, control frames, and frames of topics
    that rxbybit does not offer.
    """
    with ending():
        decoder = LineDecoder(lambda text: print(text, file=sys.stderr))
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


@app.command()
def demo(length: ForOption = None) -> None:
    """Show live lines of invented prices, served by an exchange on this machine.

    A recording is served by a real websocket server on loopback and streamed through the
    library: trades, best bid and ask, candles, and what happens to the connection.
    """
    with ending():
        from rxbybit.cli.demo import play

        play(None if length is None else seconds_of(length))


add_to(app)
