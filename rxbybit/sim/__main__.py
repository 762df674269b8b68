"""``python -m rxbybit.sim``: serve a market, or recordings, until Ctrl-C.

The first line is the URL.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from typing import NoReturn, cast, get_args

from rxbybit.sim.endpoints import PUBLIC_ENDPOINTS, PublicEndpoint
from rxbybit.sim.exchange import Exchange
from rxbybit.sim.faults import Faults
from rxbybit.sim.floor import steady_clock
from rxbybit.sim.market import Market
from rxbybit.sim.recording import Pace, Recording


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # One line: who wants to see every option asks for --help.
        self.exit(2, f"{self.prog}: {message}\n")


def main(argv: Sequence[str] | None = None, *, prog: str = "python -m rxbybit.sim") -> int:
    """Serve what ``argv`` says; gives the exit status (130 after Ctrl-C).

    ``prog`` is how the command is called.
    """
    parser = _parser(prog)
    chosen = parser.parse_args(argv)
    try:
        asyncio.run(_serve(_exchange(chosen)))
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        words = error.strerror or str(error)
        parser.error(words if error.filename is None else f"{error.filename}: {words}")
    except ValueError as error:
        parser.error(str(error))
    return 0


async def _serve(exchange: Exchange) -> None:
    async with exchange:
        print(exchange.url, flush=True)
        await asyncio.Event().wait()


def _exchange(chosen: argparse.Namespace) -> Exchange:
    clock = steady_clock()
    return Exchange(
        _recordings(chosen),
        market=Market(seed=chosen.seed, start_ms=clock()),
        speed=chosen.speed,
        clock=clock,
        on_time=True,
        host=chosen.host,
        port=chosen.port,
        seed=chosen.seed,
        demo=bool(chosen.demo),
        faults=() if chosen.faults is None else Faults.read(chosen.faults),
    )


def _recordings(chosen: argparse.Namespace) -> dict[PublicEndpoint, Recording]:
    pace, loop = cast("Pace", chosen.pace), bool(chosen.loop)
    named = cast("list[str]", chosen.recording)
    recordings: dict[PublicEndpoint, Recording] = {}
    for text in named:
        category, equals, path = text.partition("=")
        if not (equals and path) or category not in PUBLIC_ENDPOINTS:
            raise ValueError(f"--recording {text}: use {'|'.join(PUBLIC_ENDPOINTS)}=FILE")
        if category in recordings:
            raise ValueError(f"--recording {text}: there is one for {category} already")
        recordings[category] = Recording.read(
            path, pace=pace, speed=chosen.speed, loop=loop, snapshots=bool(chosen.snapshots)
        )
    return recordings


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = _Parser(
        prog=prog,
        description="Serve an invented market as Bybit's V5 interface does, on this machine:"
        " every category, every price made here. A category with a recording plays that.",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the market (default: 0)")
    parser.add_argument(
        "--speed",
        type=float,
        default=1.0,
        help="so many times as fast, the market and the pace ts (default: 1)",
    )
    parser.add_argument("--demo", action="store_true", help="let the demo account trade by itself")
    parser.add_argument("--faults", metavar="FILE", help="what goes wrong: a list of faults, JSON")
    parser.add_argument(
        "--recording",
        action="append",
        default=[],
        metavar="CATEGORY=FILE",
        help=f"one frame a line; CATEGORY is one of {', '.join(PUBLIC_ENDPOINTS)}; may be repeated",
    )
    parser.add_argument("--pace", choices=get_args(Pace), default="ts")
    parser.add_argument("--loop", action="store_true", help="begin again at the end")
    parser.add_argument(
        "--snapshots",
        action="store_true",
        help="begin a late subscription to a book or ticker with a snapshot made here",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes a free one")
    return parser


if __name__ == "__main__":
    sys.exit(main())
