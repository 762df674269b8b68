"""``python -m rxbybit.sim``: serve recordings until Ctrl-C; the first line is the URL."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from typing import cast, get_args

from rxbybit.config import CATEGORIES, Category
from rxbybit.sim.exchange import Exchange
from rxbybit.sim.recording import Pace, Recording


def main(argv: Sequence[str] | None = None) -> int:
    """Serve what ``argv`` says; gives the exit status (130 after Ctrl-C)."""
    parser = _parser()
    chosen = parser.parse_args(argv)
    try:
        recordings = _recordings(chosen)
        asyncio.run(_serve(recordings, chosen.host, chosen.port))
    except KeyboardInterrupt:
        return 130
    except (OSError, ValueError) as error:
        parser.error(str(error))
    return 0


async def _serve(recordings: dict[Category, Recording], host: str, port: int) -> None:
    async with Exchange(recordings, host=host, port=port) as exchange:
        print(exchange.url, flush=True)
        await asyncio.Event().wait()


def _recordings(chosen: argparse.Namespace) -> dict[Category, Recording]:
    pace, loop = cast("Pace", chosen.pace), bool(chosen.loop)
    named = cast("list[str]", chosen.recording)
    if not named:
        return {"inverse": Recording.demo(pace=pace, speed=chosen.speed, loop=loop)}
    recordings: dict[Category, Recording] = {}
    for text in named:
        category, equals, path = text.partition("=")
        if not (equals and path) or category not in CATEGORIES:
            raise ValueError(f"--recording {text}: use {'|'.join(CATEGORIES)}=FILE")
        if category in recordings:
            raise ValueError(f"--recording {text}: there is one for {category} already")
        recordings[category] = Recording.read(
            path, pace=pace, speed=chosen.speed, loop=loop, snapshots=bool(chosen.snapshots)
        )
    return recordings


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m rxbybit.sim",
        description="Serve recorded frames as Bybit's public V5 websockets do, on this machine."
        " Without --recording, a small invented market of BTCUSD and ETHUSD (inverse).",
    )
    parser.add_argument(
        "--recording",
        action="append",
        default=[],
        metavar="CATEGORY=FILE",
        help=f"one frame a line; CATEGORY is one of {', '.join(CATEGORIES)}; may be repeated",
    )
    parser.add_argument("--pace", choices=get_args(Pace), default="ts")
    parser.add_argument("--speed", type=float, default=1.0, help="of the pace ts (default: 1)")
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
