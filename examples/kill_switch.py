"""Cancels every order when too much is lost, or when the link is away for too long."""

import asyncio
import os
from decimal import Decimal

import aiohttp
import reactivex
from reactivex import operators as ops

from rxbybit import Bybit, Connected, Credentials, Disconnected, lift

REST = os.environ.get("RXBYBIT_ENVIRONMENT", "https://api.bybit.com")  # the host of your account
ME = Credentials.hmac(os.environ["BYBIT_API_KEY"], os.environ["BYBIT_API_SECRET"])
LIMIT, SILENCE_S = Decimal("-0.00001"), 2.0  # BTC, with fees; seconds


async def cancel_all(why: str) -> None:
    body = '{"category":"inverse","symbol":"BTCUSD"}'
    async with aiohttp.ClientSession(REST, headers={"Content-Type": "application/json"}) as http:
        now_ms = (await (await http.get("/v5/market/time")).json())["time"]
        signed = {"X-BAPI-API-KEY": ME.key, "X-BAPI-SIGN": ME.sign(f"{now_ms}{ME.key}5000{body}")}
        when = {"X-BAPI-TIMESTAMP": f"{now_ms}", "X-BAPI-RECV-WINDOW": "5000"}
        answer = await http.post("/v5/order/cancel-all", data=body, headers={**signed, **when})
        print(why, "-> cancel all:", (await answer.json())["retMsg"])


async def main() -> None:
    async with Bybit(credentials=ME) as bybit:
        links = bybit.status().pipe(ops.filter(lambda s: isinstance(s, Connected | Disconnected)))
        steady = links.pipe(ops.distinct_until_changed(type), ops.debounce(SILENCE_S))
        away = steady.pipe(ops.filter(lambda status: isinstance(status, Disconnected)))
        fills = bybit.user_trades("BTCUSD")
        gain = fills.pipe(ops.scan(lambda a, t: a + (t.realised_pnl or 0) - (t.fee or 0), 0))
        lost = gain.pipe(ops.filter(lambda total: total < LIMIT))
        await cancel_all(f"{await lift(reactivex.merge(away, lost)).pipe(ops.take(1))}")


asyncio.run(main())
