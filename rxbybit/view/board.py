"""The model of the view: all that it shows, folded from events; no terminal, no clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from rxbybit.book import BookState, OrderBook
from rxbybit.events import (
    Connected,
    Connecting,
    DecodeFailed,
    Disconnected,
    Dropped,
    Event,
    Gap,
    Reconnecting,
    RequestFailed,
    Status,
    Subscribed,
)
from rxbybit.order import Order, StopOrder
from rxbybit.streams.kline import Kline
from rxbybit.streams.position import Position
from rxbybit.streams.trade import Trade
from rxbybit.streams.user_trade import UserTrade
from rxbybit.ticker import Ticker
from rxbybit.view.candles import Candles
from rxbybit.view.holding import Holding
from rxbybit.view.words import clock, printable, status_words

__all__ = ["Board", "Counts", "Entry", "Link", "Market", "Mood"]

Mood = Literal["good", "bad", "note"]
TAPE = 200
LOG = 50
RATE_S = 5
"""Over how many seconds the rate is a mean."""


@dataclass(slots=True)
class Market:
    """What is known of one symbol."""

    symbol: str
    ticker: Ticker | None = None
    book: OrderBook | None = None
    candles: Candles = field(default_factory=Candles)
    trades: deque[Trade] = field(default_factory=lambda: deque[Trade](maxlen=TAPE))
    """Newest first."""
    own: Holding | None = None
    """What the account has of it; ``None`` where no account is shown."""

    def copied(self) -> Market:
        """A market of its own that holds the same."""
        return replace(
            self,
            candles=self.candles.copied(),
            trades=self.trades.copy(),
            own=None if self.own is None else self.own.copied(),
        )


@dataclass(frozen=True, slots=True)
class Link:
    """How a connection is."""

    mood: Mood
    words: str
    lost: datetime | None = None
    """Since when it has been away."""
    reason: str = ""
    """Why the last attempt to have it back has failed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the log."""

    at: str
    words: str
    mood: Mood
    gaps: int = 0
    """How many gaps in a row it tells of."""
    fetched: tuple[int, int] = (0, 0)
    """In how many topics in a row a gap was filled, and by how many events."""
    trying: int | None = None
    """The link that it says is being tried again: only the last attempt is worth a line."""
    asking: str | None = None
    """What REST is asked again for, as it says: likewise."""


@dataclass(slots=True)
class Counts:
    """What has happened so far."""

    events: int = 0
    reconnects: int = 0
    gaps: int = 0
    undecodable: int = 0
    dropped: int = 0


@dataclass(slots=True)
class Board:
    """Everything that is shown. ``apply`` and ``note`` belong to one thread; who draws on
    another one takes a copy there.
    """

    markets: dict[str, Market]
    source: str = ""
    """Where the events come from."""
    chart: str = "5s"
    """The length of a candle."""
    makes_candles: bool = True
    """Whether they are made of trades: the exchange has none that are shorter than a minute."""
    exchange_ms: int | None = None
    """When the exchange sent what came last: the clock of all that is shown."""
    links: dict[int | None, Link] = field(default_factory=dict[int | None, Link])
    log: deque[Entry] = field(default_factory=lambda: deque[Entry](maxlen=LOG))
    """Newest last."""
    counts: Counts = field(default_factory=Counts)
    _seconds: deque[tuple[int, int]] = field(default_factory=deque[tuple[int, int]])
    """Events by the second they came in."""

    @property
    def shows_account(self) -> bool:
        """Whether it shows what an account has."""
        return any(market.own is not None for market in self.markets.values())

    @classmethod
    def of(
        cls,
        symbols: Sequence[str],
        *,
        source: str = "",
        chart: str = "5s",
        chart_ms: int | None = 5000,
        account: bool = False,
    ) -> Board:
        """An empty board of these symbols.

        Its candles are made of trades, ``chart_ms`` long; with ``None`` those of the exchange.
        ``account``: it also shows what an account has of them.
        """
        markets = {
            symbol: Market(
                symbol,
                candles=Candles(length_ms=chart_ms or 0),
                own=Holding() if account else None,
            )
            for symbol in symbols
        }
        return cls(markets, source=source, chart=chart, makes_candles=chart_ms is not None)

    def apply(self, event: Event | OrderBook | Status, now_s: float) -> None:
        """Take in what happened; ``now_s`` is a clock that never goes back, in seconds."""
        if isinstance(event, Status):
            self._hear(event)
            return
        self._count(int(now_s))
        # A book in doubt was not sent now: it is what was known last.
        if not isinstance(event, OrderBook) or event.state == BookState.SYNCED:
            self.exchange_ms = event.meta.sent_ms or self.exchange_ms
        market = self.markets.get(getattr(event, "symbol", ""))
        match event:
            case _ if market is None:
                pass
            case Trade():
                market.trades.appendleft(event)
                if self.makes_candles:
                    market.candles.add_trade(event)
            case Ticker():
                market.ticker = event
            case Kline() if not self.makes_candles:
                market.candles.add_kline(event)
            case OrderBook():
                market.book = event
            case Order() | StopOrder() | Position() | UserTrade() if market.own is not None:
                market.own.apply(event)
            case _:
                pass

    def note(self, at: datetime, text: str) -> None:
        """Add a line to the log."""
        self.log.append(Entry(clock(at)[:8], printable(text), "note"))

    def rate(self, now_s: float) -> float:
        """Events a second, over the last few whole seconds."""
        now = int(now_s)
        recent = [(s, n) for s, n in self._seconds if now - RATE_S <= s < now]
        return sum(n for _, n in recent) / (now - recent[0][0]) if recent else 0.0

    def copied(self) -> Board:
        """A board of its own that shows the same."""
        return replace(
            self,
            markets={symbol: market.copied() for symbol, market in self.markets.items()},
            links=dict(self.links),
            log=self.log.copy(),
            counts=replace(self.counts),
            _seconds=self._seconds.copy(),
        )

    def _count(self, second: int) -> None:
        self.counts.events += 1
        counted = 0
        if self._seconds and self._seconds[-1][0] == second:
            counted = self._seconds.pop()[1]
        self._seconds.append((second, counted + 1))
        while self._seconds[0][0] < second - RATE_S:
            self._seconds.popleft()

    def _hear(self, status: Status) -> None:
        match status:
            case Connecting() | Subscribed():
                self._set(status.connection, "note", status_words(status))
                return
            case Connected() | Disconnected() | Reconnecting():
                entry = self._linked(status)
            case Gap():
                entry = self._gap(status)
            case RequestFailed(url=url):
                others = [entry for entry in self.log if entry.asking != url]
                self.log = deque(others, maxlen=LOG)
                entry = replace(_entry(status), asking=url)
            case DecodeFailed():
                self.counts.undecodable += 1
                entry = _entry(status)
            case Dropped(count=count):
                self.counts.dropped += count
                entry = _entry(status)
            case _:
                entry = _entry(status)
        self.log.append(entry)

    def _gap(self, gap: Gap) -> Entry:
        last = self.log[-1] if self.log else None
        if gap.lost == 0:
            if last is None or not last.fetched[0]:
                return replace(_entry(gap), fetched=(1, gap.filled))
            topics, events = last.fetched[0] + 1, last.fetched[1] + gap.filled
            words = f"{events} events of {topics} topics were fetched, none is missing"
            return replace(self.log.pop(), fetched=(topics, events), words=words)
        self.counts.gaps += 1
        if last is None or not last.gaps:
            return replace(_entry(gap), gaps=1)
        words = f"gaps in {last.gaps + 1} topics"
        return replace(self.log.pop(), gaps=last.gaps + 1, words=words)

    def _linked(self, status: Connected | Disconnected | Reconnecting) -> Entry:
        number, words = status.connection, status_words(status)
        before = self.links.get(number)
        lost = None if before is None else before.lost
        entry = _entry(status)
        match status:
            case Connected():
                self.links[number] = Link("good", _short(words))
                if lost is None:
                    return replace(entry, mood="good")
                self.counts.reconnects += 1
                after_s = max(0.0, (status.time - lost).total_seconds())
                return replace(
                    entry, mood="good", words=f"{_short(words)} again after {after_s:.1f} s"
                )
            case Disconnected(reason=reason):
                self.links[number] = Link(
                    "bad", _short(words), lost or status.time, "" if lost is None else reason
                )
                if lost is None:
                    return entry
            case Reconnecting():
                self._set(number, "bad", words)
                if before is not None and before.reason:
                    entry = replace(entry, words=f"{words}: {printable(before.reason)}")
        if number is not None:
            others = [entry for entry in self.log if entry.trying != number]
            self.log = deque(others, maxlen=LOG)
        return replace(entry, trying=number)

    def _set(self, number: int | None, mood: Mood, words: str) -> None:
        before = self.links.get(number) or Link("note", "")
        if mood != "note" or before.mood != "good":
            lost = before.lost is not None
            self.links[number] = replace(before, mood="bad" if lost else mood, words=_short(words))


def _entry(status: Status) -> Entry:
    return Entry(clock(status.time)[:8], status_words(status), "bad")


def _short(words: str) -> str:
    return words.partition(": ")[0].partition(" to ")[0]
