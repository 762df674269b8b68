"""Every path over a real socket, by a client that is not rxbybit."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
import yarl

from rxbybit.sim import Exchange
from rxbybit.sim.market import Market, many_instruments
from rxbybit.sim.rest import PATHS, Quota, answer
from tests.sim.market.journal import START_MS
from tests.sim.peer import run
from tests.sim.rest.asking import lively

QUERIES = {
    "time": "",
    "instruments-info": "category=linear",
    "recent-trade": "category=linear&symbol=BTCUSD",
    "kline": "symbol=BTCUSD&interval=1",
    "tickers": "category=linear",
    "orderbook": "category=linear&symbol=BTCUSD",
    "insurance": "coin=USDT",
    "price-limit": "symbol=BTCUSD",
}


class Asker:
    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session

    async def get(self, name: str, query: str = "") -> tuple[int, str, str]:
        """Status, type and text; the query goes out as it is written."""
        url = yarl.URL(f"{self._url}/v5/market/{name}?{query}", encoded=True)
        async with self._session.get(url) as response:
            return response.status, response.content_type, await response.text()

    async def result(self, name: str, query: str = "") -> dict:
        status, kind, text = await self.get(name, query)
        assert (status, kind) == (200, "application/json")
        body = json.loads(text)
        assert body["retCode"] == 0, body
        return body["result"]


@asynccontextmanager
async def asking(market: Market | None, **options) -> AsyncIterator[tuple[Asker, Exchange]]:
    async with (
        Exchange(market=market, clock=lambda: 0, **options) as exchange,
        aiohttp.ClientSession() as session,
    ):
        yield Asker(exchange.url, session), exchange


def test_there_is_a_query_for_every_path() -> None:
    assert {f"/v5/market/{name}" for name in QUERIES} == set(PATHS)


@pytest.mark.parametrize("name", QUERIES)
def test_a_path(name) -> None:
    market = lively()
    query = dict(part.split("=") for part in QUERIES[name].split("&") if part)
    expected = answer(market, f"/v5/market/{name}", query, market.now_ms * 10**6)
    assert expected.body["retCode"] == 0
    assert expected.body["result"].get("list") != []

    async def main() -> None:
        async with asking(market) as (asker, exchange):
            status, kind, text = await asker.get(name, QUERIES[name])
            assert (status, kind) == (200, "application/json")
            assert text == json.dumps(expected.body, separators=(",", ":"))
            (call,) = exchange.calls
            assert (call.method, call.path, call.query, call.status) == (
                "GET",
                f"/v5/market/{name}",
                QUERIES[name],
                200,
            )

    run(main())


def test_the_pages_of_many_instruments_with_the_cursor_as_it_comes() -> None:
    market = Market(start_ms=START_MS, instruments=many_instruments("linear", 25))

    async def main() -> None:
        async with asking(market) as (asker, exchange):
            symbols, cursor = [], ""
            while True:
                query = f"category=linear&limit=10&cursor={cursor}"
                result = await asker.result("instruments-info", query)
                symbols += [item["symbol"] for item in result["list"]]
                cursor = result["nextPageCursor"]
                if not cursor:
                    break
                assert "%3D" in cursor
            assert symbols == [one.symbol for one in many_instruments("linear", 25)]
            assert len(exchange.calls) == 3
            assert exchange.calls[1].query.endswith("cursor=first%3DXAAAUSDT%26last%3DXAAJUSDT")

    run(main())


def test_a_refusal_of_a_parameter_has_the_status_200() -> None:
    async def main() -> None:
        async with asking(lively(ran_ms=0)) as (asker, exchange):
            status, kind, text = await asker.get("orderbook", "category=moon")
            assert (status, kind) == (200, "application/json")
            body = json.loads(text)
            assert body["retCode"] == 10001
            assert "category=moon: use one of" in body["retMsg"]
            assert [call.status for call in exchange.calls] == [200]

    run(main())


def test_an_unknown_path_and_another_method() -> None:
    async def main() -> None:
        async with (
            Exchange(market=lively(ran_ms=0), clock=lambda: 0) as exchange,
            aiohttp.ClientSession() as session,
        ):
            async with session.get(f"{exchange.url}/v5/market/nothing") as response:
                assert response.status == 404
            async with session.post(f"{exchange.url}/v5/market/time") as response:
                assert response.status == 405
            assert [(c.method, c.status) for c in exchange.calls] == [("GET", 404), ("POST", 405)]

    run(main())


def test_beyond_the_quota_403_and_then_again() -> None:
    now = [100.0]
    quota = Quota(3, window_s=5.0, rest_s=60.0, clock=lambda: now[0])

    async def main() -> None:
        async with asking(lively(ran_ms=0), quota=quota) as (asker, exchange):
            found = [await asker.get(name) for name in ("time", "nothing", "insurance", "time")]
            assert [status for status, _, _ in found] == [200, 404, 200, 403]
            assert found[-1][1:] == ("text/plain", "access too frequent")
            now[0] += 59.9
            assert (await asker.get("time"))[0] == 403
            now[0] += 0.2
            assert (await asker.get("time"))[0] == 200
            assert [call.status for call in exchange.calls] == [200, 404, 200, 403, 403, 200]

    run(main())


def test_a_websocket_is_no_request() -> None:
    async def main() -> None:
        async with (
            Exchange({}, quota=Quota(1)) as exchange,
            aiohttp.ClientSession() as session,
        ):
            for _ in range(3):
                url = exchange.environment.public["linear"]
                async with session.ws_connect(url) as websocket:
                    await websocket.close()
            assert exchange.calls == []

    run(main())


def test_without_a_market_nothing_is_listed_and_the_clock_is_the_machine_s() -> None:
    async def main() -> None:
        async with asking(None) as (asker, _):
            before = time.time_ns()
            clock = await asker.result("time")
            assert before <= int(clock["timeNano"]) <= time.time_ns()
            assert clock["timeSecond"] == clock["timeNano"][:-9]
            for name, query in (
                ("instruments-info", "category=linear"),
                ("tickers", "category=spot"),
                ("insurance", ""),
            ):
                assert (await asker.result(name, query))["list"] == []
            _, _, text = await asker.get("kline", "symbol=BTCUSDT&interval=1")
            assert json.loads(text)["retMsg"].endswith("symbol=BTCUSDT does not trade on linear")

    run(main())


def test_the_clock_is_the_market_s() -> None:
    market = lively()

    async def main() -> None:
        async with asking(market) as (asker, _):
            clock = await asker.result("time")
            assert clock == {
                "timeSecond": str(market.now_ms // 1_000),
                "timeNano": str(market.now_ms * 1_000_000),
            }

    run(main())
