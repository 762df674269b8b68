"""Every symbol of a large exchange, over real sockets: 600 on spot, 900 linear ones."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from math import inf

from rxbybit import Bybit, Simulator
from rxbybit.sim.market import many_instruments
from tests.promises.world import Before, Ear, until

SPOT, LINEAR = many_instruments("spot", 600), many_instruments("linear", 900)


def test_1500_symbols_of_an_exchange_keep_its_limits_and_come_through() -> None:
    async def main(exchange: Simulator) -> None:
        before = Before()
        # a machine that is too slow for such a market makes its topics no dead ones
        async with Bybit(exchange.environment, stale=inf) as client:
            spot = Ear(client.tickers(category="spot"))
            linear = Ear(client.order_book_updates(category="linear"))
            candles = Ear(client.klines(category="linear"))
            ears = (spot, linear, candles)
            await until(lambda: len(exchange.subscriptions) == 600 + 900 + 900)
            await until(lambda: len({event.symbol for event in spot.heard}) == 600)
            await until(lambda: len({event.symbol for event in linear.heard}) == 900)
            await until(lambda: len({event.symbol for event in candles.heard}) == 900)
            asked = Counter(t for r in exchange.requests if r.op == "subscribe" for t in r.args)
            assert set(asked.values()) == {1}
            assert max(len(request.args) for request in exchange.requests) == 10
            sizes = [
                len(json.dumps(link.subscriptions, separators=(",", ":")))
                for link in exchange.links
            ]
            assert max(sizes) <= 21_000
            assert len(exchange.connects) == len(sizes) <= 5
            assert [ear.errors for ear in ears] == [[], [], []]
            for ear in ears:
                ear.leave()
            await until(lambda: not exchange.links)
        port = int(exchange.environment.public["spot"].split(":")[2].partition("/")[0])
        await before.again(port)

    with Simulator(instruments=SPOT + LINEAR) as exchange:
        asyncio.run(main(exchange))


def test_a_symbol_is_heard_from_its_listing_on() -> None:
    """The script of the market lists NOVAUSDT after ten minutes."""

    async def main(exchange: Simulator) -> None:
        async with Bybit(exchange.environment, listings=0.2) as client:
            ear = Ear(client.tickers(category="linear"))
            await until(lambda: "tickers.DUSTUSDT" in exchange.subscriptions)
            await until(lambda: "tickers.NOVAUSDT" in exchange.subscriptions)
            await until(lambda: "NOVAUSDT" in {ticker.symbol for ticker in ear.heard})
            assert ear.errors == []

    with Simulator(speed=600) as exchange:
        asyncio.run(main(exchange))
