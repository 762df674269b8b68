"""A Bybit of one's own: a server on loopback that speaks the V5 wire, and the one before."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Self

from aiohttp import web

from rxbybit.config import CATEGORIES, Category, Environment
from rxbybit.sim.accounts import Account, ApiKey
from rxbybit.sim.accounts.half import PrivateHalf
from rxbybit.sim.door import Door
from rxbybit.sim.endpoints import PATHS, PUBLIC_ENDPOINTS, Endpoint, PublicEndpoint
from rxbybit.sim.faults import Fault, Faults
from rxbybit.sim.floor import Floor, steady_clock
from rxbybit.sim.link import Link
from rxbybit.sim.market import Market
from rxbybit.sim.outlet import Outlet
from rxbybit.sim.pulse import Pulse
from rxbybit.sim.recording import Recording
from rxbybit.sim.rest import Quota, add_rest
from rxbybit.sim.seen import Call, Connect, Request, Seen
from rxbybit.sim.sockets import Sockets

__all__ = ["Exchange", "Recordings"]

_NONE: Mapping[Category, Recording] = MappingProxyType({})
Recordings = Mapping[Category, Recording] | Mapping[PublicEndpoint, Recording]


class Exchange:
    """An embedded exchange that serves recordings and a market, websocket and REST on one port.

    ``recordings`` has a :class:`Recording` a category, and one under ``"legacy"`` for the socket
    of the withdrawn wire; any other has the topics of ``market``, and without one refuses every
    topic. The market begins at its own time when the exchange starts, and moves by ``clock``
    (milliseconds since 1970; the computer's when ``None``), ``speed`` times as fast. With
    ``on_time`` it first makes up for what the clock is ahead of it: a market that was made for now
    is not late by the time that it took to make. ``port=0`` takes a free one. ``seed`` fixes the
    connection ids. ``faults`` are scripted from the start. With ``data_first`` the acknowledgement
    of a subscription follows the first data of it, as the linear socket of the exchange does it.
    REST requests are answered from ``market``; ``quota`` is how many of them in how much time.
    ``accounts`` can trade on it, and so can the one of ``DEMO_KEY``, which is always there; with
    ``demo`` that one trades by itself. Both wires tell of them.

    It is an asynchronous context manager::

        async with Exchange(market=Market(seed=7, start_ms=1_767_571_200_000)) as exchange:
            print(exchange.url)

    A link of the market that reads too slowly is reset once 4 MiB wait for it.

    Everything but ``url`` and ``environment`` belongs to the thread of its loop.

    Not modelled: the limits on connects, and the cut of idle connections.
    Errors: ``ValueError`` for accounts without a market, and for a key that is there twice.
    """

    def __init__(
        self,
        recordings: Recordings = _NONE,
        *,
        market: Market | None = None,
        speed: float = 1.0,
        clock: Callable[[], int] | None = None,
        on_time: bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
        seed: int = 0,
        faults: Faults | tuple[Fault, ...] = (),
        data_first: bool = False,
        quota: Quota | None = None,
        accounts: tuple[ApiKey, ...] = (),
        demo: bool = False,
    ) -> None:
        self.faults = Faults.of(faults)
        self.requests: list[Request] = Seen()
        """Messages of clients, in the order they were read: the last 10,000."""
        self.connects: list[Connect] = Seen()
        """Attempts to open a websocket, in the order they came: the last 10,000."""
        self.market = market
        """What trades behind the categories without a recording."""
        self._clock = clock or steady_clock()
        self._floor: Floor | None = None
        self._private: PrivateHalf | None = None
        if market is not None:
            self._floor = Floor(market, clock=self._clock, speed=speed, on_time=on_time)
            self._private = PrivateHalf(self._floor, self.faults, accounts, seed=seed, demo=demo)
        elif accounts or demo:
            raise ValueError("accounts trade on a market: Exchange(market=...)")
        self._pulse = Pulse(self._beat, lambda: self._floor is None and not self.faults.timed)
        played: dict[str, Recording] = dict(recordings.items())
        behind = self._floor, self._private, self.faults
        self._sockets = Sockets(played, *behind, clock=self._clock, seed=seed)
        self.calls: list[Call] = Seen()
        """REST requests, in the order they were answered: the last 10,000."""
        self._quota = quota
        self._host = host
        self._port = port
        self._data_first = data_first
        self._links: list[Link] = []
        self._accepted = 0
        self._door = Door(self.faults, self.connects, self._serve)
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def start(self) -> None:
        """Listen. Errors: ``OSError`` when the port cannot be had."""
        routes = web.UrlDispatcher()
        for endpoint in PUBLIC_ENDPOINTS:
            routes.add_get(PATHS[endpoint], self._door.upgrade)
        if self._private is not None:
            self._private.add_to(routes, self._door.upgrade)
        counted = add_rest(routes, self.market, quota=self._quota, on_call=self.calls.append)

        async def answer(request: web.Request) -> web.StreamResponse:
            """No middleware does this: aiohttp keeps what those are around, for ever."""
            found = await routes.resolve(request)
            # what fails is seen and counted too
            return await counted(request, lambda asked: self._door.rest(asked, found.handler))

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        try:
            await self.listen()
        except OSError:
            await self._runner.cleanup()
            raise
        if self._floor is not None:
            self._floor.start()
        self.faults.start(self._clock, self._pulse.wake)
        self._pulse.start()

    async def aclose(self) -> None:
        """End every link and stop listening; nothing of the exchange remains.

        Errors: what the market died of, if it did.
        """
        self._door.shut()
        for link in self.links:
            link.abort()
        if self._runner is not None:
            await _ended(self._runner)
        self.faults.stop()
        await self._pulse.aclose()

    async def listen(self) -> None:
        """Take connections (again), on the same port as before."""
        if self._runner is not None and self._site is None:
            site = web.TCPSite(self._runner, self._host, self._port, reuse_address=True)
            await site.start()
            self._site = site
            self._port = self._runner.addresses[0][1]

    async def stop_listening(self) -> None:
        """Refuse new connections as a closed port does; links go on."""
        if self._site is not None:
            await self._site.stop()
            self._site = None
        self._door.hang_up()

    @property
    def url(self) -> str:
        """The base URL, for ``RXBYBIT_ENVIRONMENT`` or ``Bybit(environment=...)``."""
        return f"http://{self._address}"

    @property
    def environment(self) -> Environment:
        """The URLs of this exchange."""
        sockets = {one: f"ws://{self._address}{path}" for one, path in PATHS.items()}
        return Environment(
            name=self.url,
            public=MappingProxyType({category: sockets[category] for category in CATEGORIES}),
            private=None if self._private is None else sockets["private"],
            legacy=sockets["legacy"],
            rest=self.url,
        )

    @property
    def links(self) -> tuple[Link, ...]:
        """The live links, oldest first."""
        return tuple(link for link in self._links if not link.closed)

    @property
    def subscriptions(self) -> Mapping[str, int]:
        """How many live links are subscribed to a topic; topics without any are left out."""
        return Counter(topic for link in self.links for topic in link.subscriptions)

    def open_account(self, key: ApiKey) -> Account:
        """Let another account trade, now or before the start.

        Errors: ``ValueError`` for a key that there is, and for an exchange without a market.
        """
        if self._private is None:
            raise ValueError("accounts trade on a market: Exchange(market=...)")
        return self._private.open_account(key)

    async def send(
        self, topic: str, frame: bytes | str, *, category: Endpoint | None = None
    ) -> int:
        """Push a frame to every link subscribed to ``topic``; gives how many these were."""
        links = [
            link for link in self.links if link.hears(topic) and category in (None, link.category)
        ]
        await asyncio.gather(*(link.send_data(topic, frame) for link in links))
        return len(links)

    def restart(self, category: PublicEndpoint | None = None) -> None:
        """Let the market's books begin anew (:class:`Restart`), those of one category or all."""
        self._sockets.restart(category)

    async def release_acks(self) -> None:
        """Send every acknowledgement that was withheld, on the links that still live."""
        for link in self.links:
            await link.release_acks()

    async def until(self, condition: Callable[[], bool], *, timeout_s: float = 30.0) -> None:
        """Wait until ``condition()`` is true. Errors: ``TimeoutError`` after ``timeout_s``."""
        async with asyncio.timeout(timeout_s):
            while not condition():  # noqa: ASYNC110 - nothing announces what a caller waits for
                await asyncio.sleep(0.002)

    @property
    def lag_ms(self) -> int:
        """How far the market is behind its clock, in its own milliseconds; a step is normal."""
        return 0 if self._floor is None else self._floor.due_ms - self._floor.market.now_ms

    @property
    def _address(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{host}:{self._port}"

    async def _beat(self) -> None:
        if self._floor is not None:
            await self._floor.catch_up()
        for link in self.links:
            link.strike()

    async def _serve(
        self, request: web.Request, category: Endpoint, websocket: web.WebSocketResponse
    ) -> None:
        transport = request.transport
        if transport is None or self._door.is_shut:
            return
        self._accepted += 1
        served = self._sockets.serve(category, request.query)
        link = Link(
            number=self._accepted,
            category=category,
            conn_id=served.conn_id,
            outlet=Outlet(websocket, transport),
            speech=served.speech,
            source=served.source,
            faults=self.faults,
            clock=self._clock,
            data_first=self._data_first and category != "private",
            on_request=self.requests.append,
        )
        self._links.append(link)
        try:
            await link.run(websocket.receive)
        finally:
            self._links.remove(link)


async def _ended(runner: web.AppRunner) -> None:
    """Stop, and wait for nobody who does not read what he was answered."""
    server = runner.server
    assert server is not None
    taken = [one.transport for one in server.connections]
    await runner.cleanup()
    for transport in taken:
        if transport is not None:
            transport.abort()
    await asyncio.sleep(0)  # in which they are closed
