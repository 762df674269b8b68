"""The library on a market of invented prices, all of it on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable

import reactivex
from reactivex import operators as ops

from rxbybit.cli.client import client_of
from rxbybit.cli.watching import show
from rxbybit.config import Backoff
from rxbybit.sim import Market, ServedExchange, serve_in_thread
from rxbybit.stream import Stream, lift
from rxbybit.view.screen import can_draw
from rxbybit.whereabouts import demo_credentials

__all__ = ["demo_exchange", "outage", "play"]

SYMBOLS = ("BTCUSD", "BTCUSDT", "ETHUSD")
CUT_S = 15.0
"""When the connection is cut, in seconds."""
AWAY_S = 2.0
"""For how long the exchange refuses connections then."""


def demo_exchange() -> ServedExchange:
    """The exchange of the demo, to be entered with ``with``: a market that begins now.

    Its demo account trades by itself.
    """
    market = Market(start_ms=time.time_ns() // 1_000_000)
    return serve_in_thread(market=market, on_time=True, demo=True)


def play(seconds: float | None, *, cut_s: float = CUT_S) -> None:
    """Show the market, and an account that trades on it, for so many seconds.

    ``None``: until Ctrl-C.
    After ``cut_s`` seconds the exchange cuts every connection, and takes none for a while.
    Errors: ``BrokenPipeError`` when the reader of standard output has left.
    """
    drawn = can_draw()
    with demo_exchange() as served:
        if not drawn:
            print(f"Invented prices, served on {served.url}. Ctrl-C ends this.", flush=True)
        # Impatient, so that the outage is over soon after the exchange is back.
        client = client_of(
            served.url, "v5", credentials=demo_credentials(), backoff=Backoff(first=0.5, cap=1.0)
        )
        show(
            client,
            SYMBOLS,
            source=f"invented prices on {served.url}",
            candles="5s" if drawn else "1m",
            seconds=seconds,
            notes=outage(served, cut_s),
            account=True,
        )


def outage(served: ServedExchange, after_s: float, away_s: float = AWAY_S) -> Stream[str]:
    """Cuts the connections after so many seconds, and says so; each subscription does it once.

    For ``away_s`` seconds the exchange then refuses connections.
    """

    def begin() -> None:
        served.call(served.exchange.stop_listening())
        served.run(lambda: [link.cut("rst") for link in served.exchange.links])

    def end() -> None:
        served.call(served.exchange.listen())

    return lift(
        reactivex.concat(
            _then(after_s, begin, "the demo cuts the connection on purpose now"),
            _then(away_s, end, "the exchange of the demo takes connections again"),
        )
    )


def _then(seconds: float, act: Callable[[], None], words: str) -> reactivex.Observable[str]:
    return reactivex.just(words).pipe(ops.delay(seconds), ops.do_action(lambda _: act()))
