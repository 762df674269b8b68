"""What comes in by HTTP, before anything is served: upgrades, and the faults that meet requests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from rxbybit.sim.endpoints import PATHS, Endpoint
from rxbybit.sim.faults import Faults, Redirect, Refuse, RestDown, Stall
from rxbybit.sim.rest.server import Handler
from rxbybit.sim.seen import Connect, shown

__all__ = ["Door"]

_ENDPOINTS: dict[str, Endpoint] = {path: endpoint for endpoint, path in PATHS.items()}
Serve = Callable[[web.Request, Endpoint, web.WebSocketResponse], Awaitable[None]]


class Door:
    """Upgrades what may come in and hands it to ``serve``; ``connects`` takes down who came."""

    def __init__(self, faults: Faults, connects: list[Connect], serve: Serve) -> None:
        self._faults = faults
        self._connects = connects
        self._serve = serve
        self._closing = asyncio.Event()
        self._kept: set[asyncio.Transport] = set()

    @property
    def is_shut(self) -> bool:
        """Nobody comes in any more."""
        return self._closing.is_set()

    def shut(self) -> None:
        """Let nobody in any more, and answer those who still wait."""
        self._closing.set()

    async def upgrade(self, request: web.Request) -> web.StreamResponse:
        """The handler of the websockets."""
        if request.transport is not None:
            self._kept.discard(request.transport)
        category = _ENDPOINTS[request.path]
        here = (None, category)
        if refuse := self._faults.strike(Refuse, lambda fault: fault.category in here):
            self._note(request, category, refuse.status)
            return _refusal(refuse)
        if redirect := self._faults.strike(Redirect, lambda fault: fault.category in here):
            self._note(request, category, 302)
            return web.Response(status=302, headers={"Location": redirect.location})
        if self._faults.strike(Stall, lambda fault: fault.category in here):
            self._note(request, category, None)
            await self._closing.wait()
            return web.Response(status=503)
        websocket = web.WebSocketResponse(timeout=0.5, autoping=False)
        try:
            await websocket.prepare(request)
        except ConnectionResetError:  # who asked has left meanwhile, and reads no answer
            self._note(request, category, None)
            return web.Response(status=503)
        self._note(request, category, 101)
        await self._serve(request, category, websocket)
        return websocket

    async def rest(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """What lets REST be down, around every handler."""
        if request.method in ("GET", "POST") and _is_rest(request.path):
            self._keep(request.transport)
            down = self._faults.strike(RestDown, lambda fault: fault.path in (None, request.path))
            if down is not None:
                return _refusal(down)
        return await handler(request)

    def hang_up(self) -> None:
        """End what was left open after REST requests: a websocket could be opened on it."""
        for transport in self._kept:
            transport.close()
        self._kept.clear()

    def _keep(self, transport: asyncio.Transport | None) -> None:
        self._kept = {one for one in self._kept if not one.is_closing()}
        if transport is not None:
            self._kept.add(transport)

    def _note(self, request: web.Request, category: Endpoint, status: int | None) -> None:
        self._connects.append(
            Connect(
                category=category,
                time=time.monotonic(),
                status=status,
                headers=shown(request.headers),
            )
        )


def _is_rest(path: str) -> bool:
    return path.startswith("/v5/") and not path.startswith(("/v5/public/", "/v5/private"))


def _refusal(fault: Refuse | RestDown) -> web.Response:
    wait = {} if fault.retry_after_s is None else {"Retry-After": f"{fault.retry_after_s}"}
    return web.Response(status=fault.status, headers=wait)
