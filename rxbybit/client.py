"""The live exchange as a venue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from decimal import Decimal
from ssl import SSLContext
from types import TracebackType
from typing import Literal, Self

from reactivex import abc

from rxbybit.config import Backoff, Category, Environment
from rxbybit.counting import Counters
from rxbybit.credentials import Credentials
from rxbybit.errors import ClosedError, RuntimeMisuse
from rxbybit.events import Dropped, Status
from rxbybit.hooks import Hooks
from rxbybit.opening import Opening
from rxbybit.options import check_options, pool_settings, wire_of
from rxbybit.origin import ClientOrigin
from rxbybit.rest import listings
from rxbybit.runtime import Runtime
from rxbybit.settings import Gaps
from rxbybit.stream import Stream
from rxbybit.streams import (
    insurance,
    kline,
    liquidation,
    order,
    orderbook,
    position,
    ticker,
    trade,
    user_trade,
    wallet,
)
from rxbybit.whereabouts import Named

__all__ = ["Bybit"]


class Bybit(Opening):
    """The exchange: every stream is a method, and nothing happens before a subscription.

    ``environment`` is ``"mainnet"``, ``"testnet"``, ``"demo"``, ``"sim"`` (the embedded exchange
    of this process, with invented prices), an ``Environment``, or a base URL such as
    ``"http://127.0.0.1:8765"`` that serves everything under one host; left out, the variable
    ``RXBYBIT_ENVIRONMENT`` is read at the first subscription, else it is mainnet.
    ``wire`` is ``"v5"``, or ``"legacy"``, the withdrawn inverse API, for gateways, recordings and
    the embedded exchange; left out, the variable ``RXBYBIT_WIRE`` counts, else it is V5.
    ``category`` is taken where a call names none, before a symbol is read for it.
    ``credentials`` say who asks for private streams; left out, ``BYBIT_API_KEY`` and
    ``BYBIT_API_SECRET`` are read at the first call of one. ``gaps`` says what is done about what
    an outage left out: ``"fill"`` fetches trades, candles and executions over REST and tells what
    is missing all the same, ``"mark"`` only tells (and so does the legacy wire). ``linger`` is
    how many seconds a topic outlives its last subscriber, ``heartbeat`` how many lie between two
    pings: a dead peer is noticed within 1.5 of them. ``backoff`` says how long to wait before
    the next attempt to connect. ``stale`` is how many seconds a book or a ticker may be without
    data before it is subscribed anew, ``float("inf")`` for never.
    ``proxy`` is the URL of an HTTP proxy, ``ssl`` a context for TLS.
    ``numbers`` is ``Decimal``, or ``float`` for those who need the speed. ``strict`` ends a
    stream with ``DecodeError`` at the first message that does not decode. ``listings`` is how many
    seconds lie between two looks at the list of instruments. ``runtime`` is taken instead of the
    running loop's. With ``keep_alive=False`` a subscription does not keep a script running that
    has come to its end. ``hooks`` hear what happens inside, instead of logging.

    ::

        with Bybit(heartbeat=10) as bybit:
            print(bybit.trades("BTCUSD").pipe(ops.take(10)).run())

    Errors: ``ConfigurationError`` for an argument that cannot work, here or at the call of a
    stream, and at the first subscription for a wrong ``RXBYBIT_ENVIRONMENT``; ``ClosedError``
    for a subscription once it is closed; ``RuntimeMisuse`` for one in a process that was forked
    from the one that made the client.
    """

    def __init__(
        self,
        environment: str | Environment | None = None,
        *,
        wire: Literal["v5", "legacy"] | None = None,
        category: Category | None = None,
        credentials: Credentials | None = None,
        gaps: Gaps = "fill",
        linger: float = 0.0,
        heartbeat: float = 20.0,
        backoff: Backoff | None = None,
        stale: float = 10.0,
        proxy: str | None = None,
        ssl: SSLContext | None = None,
        numbers: type[Decimal | float] = Decimal,
        strict: bool = False,
        listings: float = 60.0,
        runtime: Runtime | None = None,
        keep_alive: bool = True,
        hooks: Hooks | None = None,
    ) -> None:
        check_options(
            linger, heartbeat, listings, stale, numbers, backoff, ssl, runtime, credentials, gaps
        )
        settings = pool_settings(
            linger=linger,
            heartbeat=heartbeat,
            backoff=backoff,
            stale=stale,
            proxy=proxy,
            ssl=ssl,
            numbers=numbers,
            strict=strict,
            hooks=hooks,
            wire=wire_of(wire),
            gaps=gaps,
        )
        origin = ClientOrigin(
            keep_alive, runtime, self._check_usable, self._dropped, self._when_closed
        )
        super().__init__(Named(environment), settings, origin, category, listings, credentials)
        self._quiet_origin = replace(self._origin, keep_alive=False)
        self._closed = False
        self._on_closed: set[Callable[[], None]] = set()

    trades = trade.trades
    tickers = ticker.tickers
    ticker_updates = ticker.ticker_updates
    klines = kline.klines
    order_book = orderbook.order_book
    order_book_updates = orderbook.order_book_updates
    liquidations = liquidation.liquidations
    insurance = insurance.insurance
    balances = wallet.balances
    account = wallet.account
    positions = position.positions
    orders = order.orders
    stop_orders = order.stop_orders
    user_trades = user_trade.user_trades
    instruments = listings.instruments

    def status(self) -> Stream[Status]:
        """What happens to this client's links on the subscribing runtime, from now on.

        Subscribing opens nothing and keeps no script alive. Events: ``Connecting``,
        ``Connected``, ``Subscribed``, ``Disconnected``, ``Reconnecting``, ``Gap``,
        ``Rejected``, ``Stale``, ``Resynced``, ``RequestFailed``, ``DecodeFailed``, ``Dropped``.
        Errors: ``ClosedError`` at the subscription when the client is closed.

        ::

            status().subscribe(print)
            trades("BTCUSD").subscribe(lambda trade: None)
        """

        def source(runtime: Runtime, observer: abc.ObserverBase[Status]) -> abc.DisposableBase:
            return self._pools.at(runtime).listen(observer)

        return Stream(source, origin=self._quiet_origin)

    def counters(self) -> Counters:
        """What this client has counted until now, on every runtime that it was used on.

        A snapshot, also of a closed client; from any thread, at any time, and nothing waits for
        it. Unlike :meth:`status`, which belongs to the runtime that subscribes, it is the sum.

        ::

            trades("BTCUSD").pipe(ops.take(1)).run()
            print(counters())
        """
        return self._pools.counters()

    def close(self) -> None:
        """End every link; plain subscribers are muted, and nothing can be subscribed any more.

        Returns at once: :meth:`aclose` also waits. Allowed from any thread, any number of times.
        """
        self._closed = True
        self._pools.close()
        for callback in list(self._on_closed):
            callback()
        self._where.close()  # last: what is just being subscribed is muted before it misses it

    async def aclose(self) -> None:
        """Close, and wait until the last socket is gone."""
        self.close()
        await self._pools.closed()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    def _check_usable(self) -> None:
        if self._closed:
            raise ClosedError
        if self._pools.forked:
            raise RuntimeMisuse(
                "this client was made before a fork, and its threads stayed behind: make a new"
                " Bybit() in the child process"
            )
        self._where.now()

    def _dropped(self, count: int) -> None:
        now = datetime.now(timezone.utc)
        self._pools.at(Runtime.current()).status(Dropped(time=now, count=count))

    def _when_closed(self, callback: Callable[[], None]) -> Callable[[], None]:
        self._on_closed.add(callback)
        if self._closed:
            callback()
        return lambda: self._on_closed.discard(callback)
