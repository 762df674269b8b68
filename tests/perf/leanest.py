"""The ceiling: aiohttp bytes, msgspec structs with Decimals and enums, one function call.

The leanest typed reader that the library's transport allows: no Rx, no fan-out, no book, no
check of any order, no reconnect. One call a message, not a trade.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from enum import Enum

import aiohttp
from msgspec import Struct
from msgspec.json import Decoder

from tests.perf.probe import Options, Probe, run_client
from tests.perf.script import topics_of

TOPIC_AT = len('{"topic":"')
TOPICS_A_REQUEST = 10


class Side(Enum):
    BUY = "Buy"
    SELL = "Sell"


class Tick(Enum):
    PLUS = "PlusTick"
    ZERO_PLUS = "ZeroPlusTick"
    MINUS = "MinusTick"
    ZERO_MINUS = "ZeroMinusTick"


class Row(Struct, frozen=True, gc=False):
    """Immutable, and invisible to the garbage collector: the cheapest struct there is."""


class Trade(
    Row,
    frozen=True,
    gc=False,
    rename={
        "time_ms": "T",
        "symbol": "s",
        "side": "S",
        "size": "v",
        "price": "p",
        "tick": "L",
        "id": "i",
        "is_block": "BT",
        "is_rpi": "RPI",
        "sequence": "seq",
    },
):
    time_ms: int
    symbol: str
    side: Side
    size: Decimal
    price: Decimal
    tick: Tick
    id: str
    is_block: bool
    is_rpi: bool
    sequence: int


Level = tuple[Decimal, Decimal]


class Book(
    Row,
    frozen=True,
    gc=False,
    rename={"symbol": "s", "bids": "b", "asks": "a", "update_id": "u", "sequence": "seq"},
):
    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    update_id: int
    sequence: int


class Ticker(Row, frozen=True, gc=False, rename="camel"):
    symbol: str
    tick_direction: Tick | None = None
    price24h_pcnt: Decimal | None = None
    last_price: Decimal | None = None
    prev_price24h: Decimal | None = None
    high_price24h: Decimal | None = None
    low_price24h: Decimal | None = None
    prev_price1h: Decimal | None = None
    mark_price: Decimal | None = None
    index_price: Decimal | None = None
    open_interest: Decimal | None = None
    open_interest_value: Decimal | None = None
    turnover24h: Decimal | None = None
    volume24h: Decimal | None = None
    next_funding_time: str | None = None
    funding_rate: Decimal | None = None
    funding_interval_hour: str | None = None
    funding_cap: Decimal | None = None
    bid1_price: Decimal | None = None
    bid1_size: Decimal | None = None
    ask1_price: Decimal | None = None
    ask1_size: Decimal | None = None
    pre_open_price: str | None = None
    pre_qty: str | None = None
    cur_pre_listing_phase: str | None = None


class Candle(Row, frozen=True, gc=False):
    start: int
    end: int
    interval: str
    open: Decimal
    close: Decimal
    high: Decimal
    low: Decimal
    volume: Decimal
    turnover: Decimal
    confirm: bool
    timestamp: int


class Message(Row, frozen=True, gc=False):
    topic: str
    type: str
    ts: int


class Trades(Message, frozen=True, gc=False):
    data: tuple[Trade, ...]


class BookUpdate(Message, frozen=True, gc=False):
    data: Book
    cts: int


class TickerUpdate(Message, frozen=True, gc=False):
    data: Ticker
    cs: int


class Candles(Message, frozen=True, gc=False):
    data: tuple[Candle, ...]


MESSAGES: dict[str, type[Message]] = {
    "publicTrade": Trades,
    "orderbook": BookUpdate,
    "tickers": TickerUpdate,
    "kline": Candles,
}
DECODERS = {kind: Decoder(type_) for kind, type_ in MESSAGES.items()}


def topic_of(data: bytes) -> bytes:
    """The topic of a data message; something else of any other."""
    return data[TOPIC_AT : data.index(b'"', TOPIC_AT)]


async def read(options: Options, probe: Probe) -> None:
    """Subscribe to everything and read until the process ends."""
    trade, other = probe.trade, probe.other

    def on_trades(message: Trades) -> None:
        trade(message.data[-1].id)

    def on_other(message: Message) -> None:
        other()

    topics = topics_of(options.category, options.symbols)
    routes: dict[bytes, tuple[Callable[[bytes], Message], Callable[..., None]]] = {}
    for topic in topics:
        kind = topic.split(".")[0]
        deliver = on_trades if kind == "publicTrade" else on_other
        routes[topic.encode()] = (DECODERS[kind].decode, deliver)
    url = f"ws://127.0.0.1:{options.port}/v5/public/{options.category}"
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, decode_text=False) as socket,
    ):
        for start in range(0, len(topics), TOPICS_A_REQUEST):
            args = topics[start : start + TOPICS_A_REQUEST]
            request = {"op": "subscribe", "req_id": str(start), "args": args}
            await socket.send_str(json.dumps(request))
        receive, find = socket.receive, routes.get
        while True:
            # the end of the socket is no bytes, and ends this process with a traceback
            data: bytes = (await receive()).data
            route = find(topic_of(data))
            if route is not None:
                decode, deliver = route
                deliver(decode(data))


if __name__ == "__main__":
    run_client(read, deliveries="trade_messages")
