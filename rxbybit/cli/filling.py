"""Whether what an outage leaves out can be fetched, and how far back that goes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import msgspec
from msgspec import Struct

from rxbybit.cli.finding import Finding
from rxbybit.cli.reach import Way
from rxbybit.config import Category, Environment
from rxbybit.errors import ConnectionFailed

__all__ = ["check_gaps"]

_PATH = "/v5/market/recent-trade"
_QUERIES: Mapping[Category, tuple[str, int]] = {
    "inverse": ("BTCUSD", 1000),
    "linear": ("BTCUSDT", 1000),
    "spot": ("BTCUSDT", 60),
}
_TOLD = "outages are told, and not filled"


class _Row(Struct, frozen=True):
    time: str


class _List(Struct, frozen=True):
    rows: list[_Row] = msgspec.field(name="list")


class _Answer(Struct, frozen=True):
    code: int = msgspec.field(name="retCode")
    time_ms: int = msgspec.field(name="time")
    result: _List


async def check_gaps(way: Way, environment: Environment) -> tuple[Finding, ...]:
    """Ask for the last trades of a symbol, as is done after an outage."""
    places = [(c, *query) for c, query in _QUERIES.items() if c in environment.public]
    if not places:
        return ()
    category, symbol, most = places[0]
    if environment.rest is None:
        return (_warn(f"the environment has no REST: {_TOLD}"),)
    url = f"{environment.rest}{_PATH}?category={category}&symbol={symbol}&limit={most}"
    try:
        async with asyncio.timeout(way.timeout_s):
            answer = await way.transport.get(url)
    except (ConnectionFailed, TimeoutError):
        return (_warn(f"trades cannot be fetched, as REST does not answer: {_TOLD}"),)
    if answer.status != 200:
        return (_warn(f"trades cannot be fetched (HTTP {answer.status}): {_TOLD}"),)
    try:
        said = msgspec.json.decode(answer.body, type=_Answer)
        times = [int(row.time) for row in said.result.rows]
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError):
        return (_warn(f"trades cannot be fetched, the list is none of an exchange: {_TOLD}"),)
    if said.code != 0:
        return (_warn(f"the list of trades is refused (code {said.code}): {_TOLD}"),)
    if not times:
        return (Finding("gaps", "ok", f"trades can be fetched; there are none of {symbol} yet"),)
    back = timedelta(seconds=max(0, said.time_ms - min(times)) // 1000)
    listed = f"the last {len(times):,} trades of {symbol} go back {back}"
    return (Finding("gaps", "ok", f"{listed}: what a shorter outage leaves out is fetched"),)


def _warn(text: str) -> Finding:
    return Finding("gaps", "warn", text)
