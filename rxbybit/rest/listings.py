"""Instruments as a stream: the list, looked at again and again, and what has changed in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, NoReturn, Protocol

from msgspec.structs import replace
from reactivex import abc
from reactivex.disposable import Disposable

from rxbybit.config import Category
from rxbybit.events import Meta
from rxbybit.instrument import Instrument, InstrumentStatus
from rxbybit.pool import Pool
from rxbybit.rest.api import RestApi
from rxbybit.rest.instruments import Look, look
from rxbybit.stream import Stream
from rxbybit.symbols import checked_category

__all__ = ["Asks", "follow", "instruments", "watch"]

OnList = Callable[[Mapping[str, Instrument], Meta], None]
"""Hears the whole list, by symbol, and which answer said so."""
Work = Callable[[RestApi, Callable[[Sequence[Instrument]], None]], Coroutine[Any, Any, None]]
# Any: what a coroutine yields to the loop and is sent by it


class Asks(Protocol):
    """A venue that has instruments."""

    @property
    def category(self) -> Category | None:
        """The category of a call that names none."""
        ...

    @property
    def listings(self) -> float:
        """Seconds between two looks at a list."""
        ...

    def ask(self, work: Work) -> Stream[Instrument]:
        """The stream of what ``work`` sends, which is begun for each subscriber."""
        ...


def instruments(self: Asks, category: Category | None = None) -> Stream[Instrument]:
    """Every instrument of a category that trades, then each one again when it has changed.

    ``category``: ``"inverse"``, ``"linear"``, ``"spot"`` or ``"option"``; the client's when none
    is given, else inverse. First comes the whole list, perpetual and dated contracts of all
    pages, one event an instrument. It is looked at again every ``Bybit(listings=60.0)`` seconds:
    an instrument that is new, or has another tick size, limit or status, comes (again); one that
    is delisted comes once more, with the status ``Closed``, as the exchange lists what trades
    only.
    Events: :class:`Instrument`; ``meta.sent_ms`` is when the exchange said so.
    Errors: ``ConfigurationError`` at the call for an unknown category, or an environment without
    REST. A list that cannot be had is asked for again, and ``status()`` says ``RequestFailed``;
    only what cannot heal ends the stream: ``RequestRefused``, ``ConnectionFailed`` (a certificate),
    ``RetryBudgetExhausted``.
    Source: V5 manual, "Get Instruments Info".

    ::

        instruments("inverse").subscribe(lambda i: print(i.symbol, i.tick_size))
    """
    category = self.category if category is None else category
    wanted: Category = "inverse" if category is None else checked_category(category)
    every_s = self.listings

    async def work(api: RestApi, send: Callable[[Sequence[Instrument]], None]) -> None:
        told: dict[str, Instrument] = {}

        def on_list(listed: Mapping[str, Instrument], meta: Meta) -> None:
            news = _news(told, listed, meta)
            told.clear()
            told.update(listed)
            send(news)

        await watch(api, wanted, every_s, on_list)

    return self.ask(work)


def follow(
    pool: Pool, api: RestApi, category: Category, every_s: float
) -> Callable[[Callable[[Sequence[str]], None], Callable[[Exception], None]], abc.DisposableBase]:
    """What tells of every symbol of ``category`` that trades, each time in full.

    The function that this gives takes ``on_symbols`` and ``on_error``, begins, and gives what ends
    it.
    """

    def begin(
        on_symbols: Callable[[Sequence[str]], None], on_error: Callable[[Exception], None]
    ) -> abc.DisposableBase:
        def on_list(listed: Mapping[str, Instrument], meta: Meta) -> None:
            on_symbols([s for s, i in listed.items() if i.status is InstrumentStatus.TRADING])

        return Disposable(pool.errand(watch(api, category, every_s, on_list), on_error))

    return begin


async def watch(api: RestApi, category: Category, every_s: float, on_list: OnList) -> NoReturn:
    """Tell ``on_list`` what is listed, now and every ``every_s`` seconds, until cancelled.

    What is missing for the first time is looked for once more at once: the pages of a list that
    changes while it is read may leave something out.
    Errors: those of :meth:`RestApi.ask`.
    """
    known: dict[str, Instrument] = {}
    while True:
        seen = await look(api, category)
        if missing := known.keys() - seen.instruments.keys() - seen.unread:
            seen = _both(seen, await look(api, category), missing)
        known = {s: i for s, i in known.items() if s in seen.unread} | dict(seen.instruments)
        on_list(known, seen.meta)
        await asyncio.sleep(every_s)


def _both(first: Look, second: Look, missing: set[str]) -> Look:
    """The later of two looks, with what only the earlier one had.

    Of those that the earlier one missed it is the later one that counts.
    """
    found = {**first.instruments, **second.instruments}
    unread = (first.unread | (second.unread & missing)) - found.keys()
    return Look(found, frozenset(unread), second.meta)


def _news(
    told: Mapping[str, Instrument], listed: Mapping[str, Instrument], meta: Meta
) -> list[Instrument]:
    news = [instrument for symbol, instrument in listed.items() if told.get(symbol) != instrument]
    gone = [instrument for symbol, instrument in told.items() if symbol not in listed]
    return news + [replace(i, status=InstrumentStatus.CLOSED, meta=meta) for i in gone]
