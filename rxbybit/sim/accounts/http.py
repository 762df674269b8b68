"""The private paths over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import cast

from aiohttp import web

from rxbybit.sim.accounts.desk import Desk
from rxbybit.sim.accounts.entry import ENTRIES, enter
from rxbybit.sim.accounts.lists import READS, read
from rxbybit.sim.accounts.signed import MISSING, Times, account_of
from rxbybit.sim.market.feeds import Content, Push
from rxbybit.sim.rest.answering import envelope
from rxbybit.sim.rest.refused import Refused

__all__ = ["add_private_rest"]


def add_private_rest(
    routes: web.UrlDispatcher,
    desk: Desk,
    *,
    times: Callable[[], Times],
    tell: Callable[[list[Push]], None],
) -> None:
    """Let ``routes`` take orders to ``desk``, and answer what an account reads of itself.

    ``tell`` is given what the public hears at once of an order that has come in.
    """

    def judged(act: Callable[[], Content]) -> web.Response:
        status = 200
        try:
            result = act()
        except Refused as refused:
            status = 401 if refused.code in MISSING else 200
            body = envelope(refused.code, refused.text, {}, desk.market.now_ms)
        else:
            body = envelope(0, "OK", result, desk.market.now_ms)
        text = json.dumps(body, separators=(",", ":"))
        return web.Response(status=status, text=text, content_type="application/json")

    async def get(request: web.Request) -> web.Response:
        words = request.rel_url.raw_query_string

        def act() -> Content:
            account = account_of(desk.accounts, request.headers, words, times())
            query = {name: request.query[name] for name in request.query}
            return read(desk.market, account, request.path, query)

        return judged(act)

    async def post(request: web.Request) -> web.Response:
        words = (await request.read()).decode(errors="replace")

        def act() -> Content:
            account = account_of(desk.accounts, request.headers, words, times())
            done = enter(desk, account, request.path, _object(words))
            tell(done.pushes)
            return done.result

        return judged(act)

    for path in READS:
        routes.add_get(path, get)
    for path in ENTRIES:
        routes.add_post(path, post)


def _object(words: str) -> dict[str, object]:
    try:
        content: object = json.loads(words)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise Refused("params error: the body is a JSON object")
    return cast("dict[str, object]", content)
