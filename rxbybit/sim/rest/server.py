"""The answers over HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from rxbybit.sim.market.market import Market
from rxbybit.sim.rest.answering import PATHS, answer
from rxbybit.sim.rest.quota import Quota
from rxbybit.sim.seen import Call

__all__ = ["Around", "Handler", "add_rest"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Around = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]
"""Answers a request by a handler, and does something before or after it."""


def add_rest(
    routes: web.UrlDispatcher,
    market: Market | None = None,
    *,
    quota: Quota | None = None,
    on_call: Callable[[Call], None] | None = None,
) -> Around:
    """Let ``routes`` answer requests about ``market``, by the market's clock.

    Gives what is to stand around every handler, whatever it answers.

    Without a market nothing is listed, and the clock is the machine's. ``quota`` (by default that
    of the exchange) counts every request but the upgrades of websockets: beyond it the answer is
    403. ``on_call`` is told of each of these requests once it is answered.
    """
    limit = quota or Quota()
    shown = market or Market(start_ms=time.time_ns() // 1_000_000, instruments=())

    def now_ns() -> int:
        return time.time_ns() if market is None else market.now_ms * 1_000_000

    async def handle(request: web.Request) -> web.Response:
        # Of a parameter that is there twice, the first counts.
        query = {name: request.query[name] for name in request.query}
        given = answer(shown, request.path, query, now_ns())
        text = json.dumps(given.body, separators=(",", ":"))
        return web.Response(status=given.status, text=text, content_type="application/json")

    async def limited(request: web.Request, handler: Handler) -> web.StreamResponse:
        if limit.allows():
            return await handler(request)
        return web.Response(status=403, text="access too frequent")

    async def counted(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await handler(request)
        status: int | None = None
        try:
            response = await limited(request, handler)
            status = response.status
            return response
        except web.HTTPException as refused:
            status = refused.status
            raise
        finally:
            if on_call is not None:
                on_call(_call(request, status))

    for path in PATHS:
        routes.add_get(path, handle)
    return counted


def _call(request: web.Request, status: int | None) -> Call:
    return Call(
        method=request.method,
        path=request.path,
        query=request.rel_url.raw_query_string,
        status=status,
        time=time.monotonic(),
    )
