"""rxbybit as its user has it: four streams a symbol, plain subscribers, one call a trade.

Books come as they are sent, or as ``order_book`` keeps them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal

from rxbybit import Bybit, OrderBook, Trade
from tests.perf.beside import beside
from tests.perf.probe import Options, Probe, run_client
from tests.perf.script import symbols_of


async def read(options: Options, probe: Probe) -> None:
    """Subscribe to everything and wait until the process ends."""
    trade, other = probe.trade, probe.other

    def on_trade(event: Trade) -> None:
        trade(event.id)

    def on_other(event: object) -> None:
        other()

    def holder() -> Callable[[OrderBook], None]:
        last: OrderBook | None = None

        def on_book(book: OrderBook) -> None:
            nonlocal last  # as long as it is held, the next update has to make a copy
            last = book
            other()

        return on_book

    def on_error(error: Exception) -> None:
        probe.fail(repr(error))

    url = f"http://127.0.0.1:{options.port}"
    numbers = float if options.numbers == "float" else Decimal
    async with Bybit(url, category=options.category, numbers=numbers) as client:
        for _ in range(options.subscribers):
            for symbol in symbols_of(options.category, options.symbols):
                client.trades(symbol).subscribe(on_trade, on_error)
                if options.books == "updates":
                    client.order_book_updates(symbol, depth=50).subscribe(on_other, on_error)
                else:
                    books = client.order_book(symbol, depth=50)
                    books.subscribe(on_other if options.books == "kept" else holder(), on_error)
                client.ticker_updates(symbol).subscribe(on_other, on_error)
                client.klines(symbol, interval="1m").subscribe(on_other, on_error)
        async with beside(
            options.beside, client.trades(symbols_of(options.category, options.symbols))
        ):
            await asyncio.Event().wait()


if __name__ == "__main__":
    run_client(read, deliveries="trades")
