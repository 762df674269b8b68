"""A venue with an exchange of its own: invented prices, nothing leaves this machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Literal, Self, TypedDict, Unpack

from rxbybit.client import Bybit
from rxbybit.config import Backoff, Category, Environment
from rxbybit.credentials import Credentials
from rxbybit.errors import ClosedError
from rxbybit.hooks import Hooks
from rxbybit.resolver import no_thread
from rxbybit.runtime import Runtime
from rxbybit.settings import Gaps
from rxbybit.sim import (
    ApiKey,
    Connect,
    Fault,
    Faults,
    Link,
    Request,
    ServedExchange,
    serve_in_thread,
)
from rxbybit.sim.market import Instrument, Market
from rxbybit.sim.market.catalogue import Script
from rxbybit.sim.thread import Ended
from rxbybit.whereabouts import demo_credentials

__all__ = ["Simulator"]


class _Options(TypedDict, total=False):
    """What else a :class:`Bybit` takes."""

    wire: Literal["v5", "legacy"] | None
    category: Category | None
    credentials: Credentials | None
    gaps: Gaps
    linger: float
    heartbeat: float
    backoff: Backoff | None
    stale: float
    numbers: type[Decimal | float]
    strict: bool
    listings: float
    runtime: Runtime | None
    keep_alive: bool
    hooks: Hooks | None


class Simulator(Bybit):
    """An embedded exchange with a living market, and a client of it: every stream is a method.

    The exchange is a real server on loopback. It starts with the first subscription, at
    ``with``, or when it is asked for its ``environment``, and ends with :meth:`close`. ``seed``
    fixes what happens on the market; ``start_ms`` is its time when it starts (milliseconds
    since 1970; ``None``: now), ``speed`` how much faster than ours its clock goes. ``faults``
    go wrong from the start, see :mod:`rxbybit.sim`. ``instruments`` are traded instead of the
    usual ones, ``script`` lists and delists later. ``accounts`` can trade on the market, besides
    the one of ``rxbybit.sim.DEMO_KEY``, which is always there and with ``demo`` trades by itself.
    ``port=0`` takes a free one. All other options are those of :class:`Bybit`.

    ::

        with Simulator(seed=7) as simulator:
            print(simulator.trades("BTCUSD").pipe(ops.take(3), ops.to_list()).run())

    Errors: ``OSError`` at the start when the port cannot be had; ``ClosedError`` for a start
    after :meth:`close`; ``ValueError`` for a market or a fault that cannot be; otherwise as
    :class:`Bybit`.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        start_ms: int | None = None,
        speed: float = 1.0,
        faults: Faults | tuple[Fault, ...] = (),
        instruments: tuple[Instrument, ...] | None = None,
        script: Script | None = None,
        accounts: tuple[ApiKey, ...] = (),
        demo: bool = False,
        port: int = 0,
        **options: Unpack[_Options],
    ) -> None:
        super().__init__("sim", **options)
        begins_ms = time.time_ns() // 1_000_000 if start_ms is None else start_ms
        market = Market(seed=seed, start_ms=begins_ms, instruments=instruments, script=script)
        self._served = serve_in_thread(
            market=market,
            speed=speed,
            on_time=start_ms is None,
            port=port,
            seed=seed,
            faults=faults,
            accounts=accounts,
            demo=demo,
        )
        self._where = _Own(self._served)

    def __enter__(self) -> Self:
        self._where.now()
        return self

    async def __aenter__(self) -> Self:
        self._where.now()
        return self

    @property
    def environment(self) -> Environment:
        """Where it is, for other clients: ``Bybit(simulator.environment)``."""
        return self._where.now()

    @property
    def faults(self) -> Faults:
        """What is still to go wrong; it may be added to at any time, from any thread."""
        return self._served.faults

    @property
    def links(self) -> tuple[Link, ...]:
        """The connections that the exchange has now, oldest first."""
        return self._served.links

    @property
    def connects(self) -> list[Connect]:
        """The attempts to connect that it has seen, the last 10,000."""
        return self._served.connects

    @property
    def requests(self) -> list[Request]:
        """The messages of clients that it has read, the last 10,000."""
        return self._served.requests

    @property
    def subscriptions(self) -> Mapping[str, int]:
        """How many connections are subscribed to a topic."""
        return self._served.subscriptions

    async def aclose(self) -> None:
        """Close, and wait until client and exchange are gone."""
        await super().aclose()
        await asyncio.wrap_future(self._served.retire())


class _Own:
    """Where an exchange of one's own is; it starts when somebody wants to know."""

    def __init__(self, served: ServedExchange) -> None:
        self._served = served

    def check(self, need: Callable[[Environment], object]) -> None:
        """It has everything."""

    def credentials(self) -> Credentials:
        return demo_credentials()

    def now(self) -> Environment:
        try:
            return self._served.start().environment
        except Ended:
            raise ClosedError from None
        except RuntimeError as error:
            raise no_thread(error) from None

    def close(self) -> None:
        self._served.retire()
