"""A client in front of the numbered exchange, what its streams hear, and what status says."""

from __future__ import annotations

import asyncio
import re
from itertools import groupby, pairwise
from typing import Any

from rxbybit import (
    Backoff,
    Bybit,
    Connected,
    Connecting,
    Disconnected,
    Gap,
    Reconnecting,
    Status,
    Subscribed,
    Trade,
)
from rxbybit.config import Environment
from tests.faults.chaos import Chaos, Door
from tests.faults.exchange import SIBLING, START_MS, SYMBOL, Apart
from tests.faults.names import Names
from tests.promises.world import Ear, until

__all__ = ["PATH", "QUICK", "Hearing", "World"]

PATH = "/v5/public/inverse"
QUICK = Backoff(first=0.01, cap=0.05)
STEPS = (Connecting, Connected, Subscribed, Disconnected, Reconnecting)


class Hearing(Ear):
    """Hears numbered trades."""

    def __init__(self, world: World, symbol: str) -> None:
        self._world = world
        self.untold: list[Trade] = []
        """Trades whose hole status had not told of before they came."""
        super().__init__(world.client.trades(symbol))
        self._watching = world.client.trades(symbol).subscribe(self._watch, lambda _: None)

    def leave(self) -> None:
        super().leave()
        self._watching.dispose()

    @property
    def last(self) -> int:
        """The number of the trade that came last."""
        return int(self.heard[-1].id) if self.heard else 0

    @property
    def gaps(self) -> list[Gap]:
        """What trades were marked with."""
        return [trade.meta.gap for trade in self.heard if trade.meta.gap is not None]

    def assert_equal_or_declared(self) -> None:
        """What was sent came once and in order; what is missing lies in a hole that was told."""
        assert self.untold == []
        for trade in self.heard:
            assert trade.time_ms == START_MS + int(trade.id)
        for before, after in pairwise(self.heard):
            missing = int(after.id) - int(before.id) - 1
            assert missing >= 0
            if missing:
                gap = after.meta.gap
                assert gap is not None, f"{missing} trades are missing before {after.id}"
                assert gap.lost != 0
                assert gap.after_ms is not None
                assert gap.after_ms <= before.time_ms
                assert gap.before_ms is not None
                assert gap.before_ms <= after.time_ms

    def assert_equal(self) -> None:
        """Nothing is missing, and nothing is said to be."""
        self.assert_equal_or_declared()
        assert self.gaps == []
        numbers = [int(trade.id) for trade in self.heard]
        assert numbers == list(range(numbers[0], numbers[-1] + 1))

    def _watch(self, trade: Trade) -> None:
        if trade.meta.gap is not None and trade.meta.gap not in self._world.of(Gap):
            self.untold.append(trade)


class World:
    """The client: its trades and tickers go to ``address``, a host and port, its sibling beside."""

    def __init__(
        self,
        address: str,
        beside: Environment,
        *,
        chaos: Chaos | None = None,
        apart: tuple[Apart, ...] = (),
        names: Names | None = None,
        secure: bool = False,
        **options: Any,
    ) -> None:
        self.chaos = chaos
        self.apart = apart
        """Exchanges in processes of their own: that at ``address``, and those that wait."""
        self._names = names
        self.port = int(address.rpartition(":")[2])
        self.url = f"{'wss' if secure else 'ws'}://{address}{PATH}"
        environment = Environment(
            name="faulty",
            public={"inverse": self.url, "linear": beside.public["linear"]},
            rest=beside.rest,
        )
        self.client = Bybit(environment, **{"backoff": QUICK, **options})
        self.statuses: list[Status] = []
        self.client.status().subscribe(self.statuses.append)
        self.ears: list[Ear] = []
        self.struck = 0
        """How many statuses there were when the fault struck."""

    @property
    def names(self) -> Names:
        assert self._names is not None
        return self._names

    def hear(self) -> None:
        """Let the streams of the link begin that has the fault."""
        self.trades = Hearing(self, SYMBOL)
        self.ears = [self.trades, Ear(self.client.tickers(SYMBOL))]

    def hear_beside(self) -> None:
        """Let the stream of another link begin."""
        self.sibling = Hearing(self, SIBLING)

    def leave(self) -> None:
        """Dispose of all that hears."""
        for ear in (*self.ears, getattr(self, "sibling", None)):
            if ear is not None:
                ear.leave()

    def of(self, kind: type[Any]) -> list[Any]:
        return [status for status in self.statuses if isinstance(status, kind)]

    @property
    def steps(self) -> str:
        """The names of what status has said of the link since the fault struck.

        Topics are subscribed ten at a time, which counts as one step.
        """
        numbers = {s.connection for s in self.of(Connecting) if s.url == self.url}
        names = [type(s).__name__ for s in self._since if s.connection in numbers]
        return " ".join(name for name, _ in groupby(names))

    @property
    def reasons(self) -> list[str]:
        """Why the link was lost, or could not be had, since the fault struck."""
        return [s.reason for s in self._since if isinstance(s, Disconnected)]

    @property
    def delays(self) -> list[float]:
        return [s.delay_s for s in self._since if isinstance(s, Reconnecting)]

    @property
    def _since(self) -> list[Status]:
        return [s for s in self.statuses[self.struck :] if isinstance(s, STEPS)]

    def went(self, pattern: str) -> bool:
        """Whether the steps are these, of which ``pattern`` is a regular expression."""
        return re.fullmatch(pattern, self.steps) is not None

    async def lost(self, times: int = 1) -> None:
        """Wait until so many connections were lost, or could not be had, since the fault struck."""
        await until(lambda: self.steps.count("Disconnected") >= times)

    def knock(self, *doors: Door) -> None:
        """The next connections meet these."""
        assert self.chaos is not None
        self.chaos.doors.extend(doors)


async def nap() -> None:
    """Let what was disposed of begin to end."""
    await asyncio.sleep(0.02)
