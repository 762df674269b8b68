"""Private streams of two accounts beside each other, and through a proxy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from decimal import Decimal
from urllib.parse import urlsplit

import aiohttp

from rxbybit import Backoff, Bybit, Credentials
from rxbybit.sim import ApiKey, Exchange
from rxbybit.sim.market import Market
from tests import canary
from tests.promises.world import Ear, until
from tests.sim.accounts.asking import Client

QUICK = Backoff(first=0.01, cap=0.05)
START_MS = 1_767_225_600_000
MINE = ApiKey(key=canary.KEY, secret=canary.SECRET, balances={"BTC": 5})
OTHER = ApiKey(key="another", secret="whatever", balances={"BTC": 7})


def bybit_of(exchange: Exchange, account: ApiKey, proxy: str | None = None) -> Bybit:
    credentials = Credentials.hmac(account.key, account.secret)
    return Bybit(exchange.environment, credentials=credentials, backoff=QUICK, proxy=proxy)


async def order(exchange: Exchange, session: aiohttp.ClientSession, account: ApiKey) -> str:
    """Rest an order of ``account`` in the book; gives its id."""
    body = {"category": "inverse", "symbol": "BTCUSD", "side": "Buy", "qty": "100"}
    body |= {"orderType": "Limit", "price": "30000"}
    client = Client(exchange, session, account.key, account.secret)
    _, answer = await client.post("/v5/order/create", body)
    return answer["result"]["orderId"]


def test_two_accounts_on_one_loop_hear_each_its_own() -> None:
    async def main() -> None:
        market = Market(seed=3, start_ms=START_MS)
        async with (
            Exchange(market=market, accounts=(MINE, OTHER)) as exchange,
            aiohttp.ClientSession() as session,
            bybit_of(exchange, MINE) as mine,
            bybit_of(exchange, OTHER) as other,
        ):
            coins = [Ear(client.balances("BTC")) for client in (mine, other)]
            orders = [Ear(client.orders()) for client in (mine, other)]
            await until(lambda: all(ear.heard for ear in coins))
            assert [ear.heard[0].wallet_balance for ear in coins] == [Decimal(5), Decimal(7)]
            ids = [await order(exchange, session, account) for account in (MINE, OTHER)]
            await until(lambda: all(ear.heard for ear in orders))
            for link in exchange.links:
                link.cut()
            ids += [await order(exchange, session, account) for account in (MINE, OTHER)]
            await until(lambda: all(len(ear.heard) == 2 for ear in orders))
            assert [o.order_id for ear in orders for o in ear.heard] == [*ids[::2], *ids[1::2]]
            assert not any(ear.errors for ear in (*coins, *orders))

    asyncio.run(main())


@asynccontextmanager
async def plain_proxy() -> AsyncIterator[tuple[str, list[bytes]]]:
    """A proxy for hosts without TLS; gives its URL and the requests that came."""
    asked: list[bytes] = []
    visits: set[asyncio.Task[object]] = set()

    async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with closing(target):
            while part := await source.read(65_536):
                target.write(part)

    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        visits.add(task)
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head)
        to = urlsplit(head.split()[1].decode())
        answers, onward = await asyncio.open_connection(to.hostname, to.port)
        onward.write(head)
        await asyncio.gather(copy(reader, onward), copy(answers, writer), return_exceptions=True)
        await asyncio.gather(onward.wait_closed(), writer.wait_closed(), return_exceptions=True)

    server = await asyncio.start_server(visit, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
        await asyncio.gather(*visits)


def test_a_proxy_takes_the_private_streams_and_what_is_read_for_them() -> None:
    async def main() -> None:
        market = Market(seed=3, start_ms=START_MS)
        async with (
            Exchange(market=market, accounts=(MINE,)) as exchange,
            aiohttp.ClientSession() as session,
            plain_proxy() as (url, asked),
        ):
            resting = await order(exchange, session, MINE)
            before = len(exchange.connects)
            async with bybit_of(exchange, MINE, proxy=url) as client:
                orders = Ear(client.orders())
                await until(lambda: orders.heard)
                live = await order(exchange, session, MINE)
                await until(lambda: len(orders.heard) == 2)
                assert [o.order_id for o in orders.heard] == [resting, live]
                assert [o.meta.backfilled for o in orders.heard] == [True, False]
            assert len(exchange.connects) == before + 1
            paths = {urlsplit(head.split()[1].decode()).path for head in asked}
            assert {"/v5/private", "/v5/market/time"} <= paths
            assert not [head for head in asked if canary.SECRET.encode() in head]
            await until(lambda: not exchange.links)

    asyncio.run(main())
