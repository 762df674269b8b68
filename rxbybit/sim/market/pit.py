"""One instrument with all that belongs to it: its book, its crowd, its trades, its topics."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from rxbybit.sim.market.candle import INTERVALS, MINUTE_MS
from rxbybit.sim.market.candles import Candles, KlineFeed
from rxbybit.sim.market.crowd import Crowd
from rxbybit.sim.market.depth import BestFeed, BookClock, BookState, DepthFeed, depths_of
from rxbybit.sim.market.feeds import Cause, Closes, Content, Feed, Phase, Restarts, Schedule
from rxbybit.sim.market.index import INDEX_MS, Priced
from rxbybit.sim.market.instruments import Instrument
from rxbybit.sim.market.liquidations import LiquidationFeed, Pool, Positions
from rxbybit.sim.market.marks import Marks
from rxbybit.sim.market.matching import Book, Fill, Side
from rxbybit.sim.market.option_feeds import OptionTape, OptionTickerFeed, option_texts
from rxbybit.sim.market.options import OptionContract, OptionPrice
from rxbybit.sim.market.tape import Tape
from rxbybit.sim.market.ticker import SpotTickerFeed, TickerFeed

__all__ = ["Pit", "Watcher", "kinds_of"]

_RANKS = 100
"""More than twice the topics of one instrument."""


def kinds_of(instrument: Instrument) -> tuple[str, ...]:
    """What stands before the symbol in each topic that the instrument has."""
    kinds = ["publicTrade", "tickers"]
    kinds += [f"orderbook.{depth}" for depth in depths_of(instrument)]
    if instrument.category == "option":
        return tuple(kinds)
    kinds += [f"kline.{interval}" for interval in INTERVALS]
    if instrument.category != "spot":
        kinds.append("allLiquidation")
    return tuple(kinds)


class Watcher(Protocol):
    """Who has orders in a book besides the crowd, as the pit sees it."""

    def traded(self, pit: Pit, side: Side, fills: list[Fill]) -> None:
        """A taker of ``side`` has traded, and it is on the tape already."""
        ...

    def settled(self, pit: Pit, ms: int) -> None:
        """Something has happened, and is over: new orders may come in."""
        ...


class Pit:
    """Where one instrument is traded, from its listing at ``ms`` on.

    ``number`` orders what it does among what other pits do in the same millisecond.
    """

    def __init__(
        self,
        instrument: Instrument,
        *,
        seed: str,
        index: Priced,
        ms: int,
        number: int,
        schedule: Schedule,
    ) -> None:
        self.instrument = instrument
        self.book = Book()
        self.book.seq = ms
        self.clock = BookClock(instrument, ms)
        self.crowd = Crowd(instrument, self.book, f"{seed}/crowd", self._traded)
        self.crowd.open(index.price)
        opening = max(int(self.crowd.fair), 1)
        if isinstance(instrument, OptionContract) and isinstance(index, OptionPrice):
            self.tape = OptionTape(instrument, index, f"{seed}/tape", opening)
        else:
            self.tape = Tape(instrument, f"{seed}/tape", opening)
        self.candles = Candles(instrument, ms, opening, f"{seed}/past")
        self.marks = Marks(instrument, index, ms)
        self.pool = Pool(instrument)
        self.closed = False
        self.watcher: Watcher | None = None
        self._positions = Positions(f"{seed}/positions")
        self._index = index
        self._ms = self._seq = ms
        self.number = number
        self.schedule = schedule
        self._kinds = {kind: place for place, kind in enumerate(kinds_of(instrument))}
        self._feeds: dict[str, Feed] = {}
        self._flushes: dict[str, Callable[[int], list[Content]]] = {}
        self._heard: dict[Cause, list[tuple[str, Feed]]] = {cause: [] for cause in Cause}
        self._due: set[str] = set()
        self._said: dict[str, int] = {}
        self._trades_wanted = self._forced = False
        self.on_credit = instrument.category in ("inverse", "linear")
        schedule(ms + self.crowd.pause_ms(), Phase.TURN, number, self._wake)
        schedule(ms + INDEX_MS, Phase.MARKS, number, self._index_moved)
        schedule(ms // MINUTE_MS * MINUTE_MS + MINUTE_MS, Phase.MINUTE, number, self._minute_begun)

    @property
    def status(self) -> str:
        """How an instruments-info answer calls its state."""
        return "Closed" if self.closed else "Trading"

    def levels(self, depth: int) -> BookState:
        """The best ``depth`` levels, as the deepest topic has them where somebody wants it."""
        feed = self._feeds.get(f"orderbook.{max(self.clock.numbers)}")
        if isinstance(feed, DepthFeed):
            return feed.state(depth)
        return self.clock.state(self.book, depth)

    def option_ticker(self) -> dict[str, str]:
        """What the ticker of an option says now; empty for anything else."""
        if not isinstance(self.tape, OptionTape):
            return {}
        return option_texts(self.book, self.tape, self.candles.day, self.marks)

    def want(self, kind: str, ms: int) -> None:
        """Build the frames of a topic from now on."""
        if kind == "publicTrade":
            self._trades_wanted = True
        elif kind not in self._feeds:
            self.attach(kind, self._feed(kind, ms), ms)

    def attach(self, kind: str, feed: Feed, ms: int) -> None:
        """Ask ``feed`` for frames from now on, until ``kind`` is forgotten.

        A kind that is not of V5 has its turn behind those that are, in the order of coming.
        """
        self._kinds.setdefault(kind, len(self._kinds))
        self._feeds[kind] = feed
        self._flushes[kind] = partial(self._flush, kind)
        self._sort_feeds()
        self._expect_quiet(kind, feed, ms)

    def forget(self, kind: str) -> None:
        """Build them no more."""
        if kind == "publicTrade":
            self._trades_wanted = False
        feed = self._feeds.pop(kind, None)
        self._sort_feeds()
        if isinstance(feed, Closes):
            feed.close()

    def snapshot(self, kind: str, ms: int) -> Content | None:
        """What a subscriber of a topic gets first, if it has such a thing."""
        feed = self._feeds.get(kind)
        return None if feed is None else feed.snapshot(ms)

    def restart(self, ms: int) -> list[Content]:
        """The numbers of the books begin at 1 again: a snapshot of each that is wanted."""
        self.clock.restart()
        return [feed.restart(ms) for feed in self._feeds.values() if isinstance(feed, Restarts)]

    def close(self, ms: int) -> list[Content]:
        """Cancel every order; the frames that say so are the last."""
        self.closed = True
        self._ms = ms
        for number in list(self.book.orders):
            self.book.cancel(number)
        return self.settle(ms)

    def place(self, ms: int, side: Side, price: int, lots: int) -> int:
        """Take in a limit order from outside of the crowd; gives its number."""
        self._ms = ms
        number, fills = self.book.place(side, price, lots)
        self._traded(side, fills)
        return number

    def _index_moved(self, ms: int) -> list[Content]:
        """The index has moved: so has the mark price, and some positions end by force."""
        if self.closed:
            return []
        self.schedule(ms + INDEX_MS, Phase.MARKS, self.number, self._index_moved)
        self._ms = ms
        self.marks.move()
        self._stir(ms, Cause.MARK)
        for position in self._positions.due(self.marks.mark / self.instrument.tick):
            closing: Side = "Sell" if position.side == "Buy" else "Buy"
            self._forced = True
            fills = self.crowd.market(closing, position.lots)
            self._forced = False
            if fills:
                self.pool.settle(position, fills)
                for feed in self._feeds.values():
                    if isinstance(feed, LiquidationFeed):
                        feed.liquidated(ms, position, sum(fill.lots for fill in fills))
                self._stir(ms, Cause.FORCE)
        return self.settle(ms)

    def _minute_begun(self, ms: int) -> list[Content]:
        """A minute has begun: candles close, the day slides, funding comes nearer."""
        if self.closed:
            return []
        self.schedule(ms + MINUTE_MS, Phase.MINUTE, self.number, self._minute_begun)
        closed = self.candles.roll(ms)
        self.marks.minute(ms, self.tape.last)
        for feed in self._feeds.values():
            if isinstance(feed, KlineFeed) and feed.interval in closed:
                feed.close_candle(closed[feed.interval])
        self._stir(ms, Cause.MINUTE)
        return self.settle(ms)

    def _wake(self, ms: int) -> list[Content]:
        if self.closed:
            return []
        self._ms = ms
        self.crowd.turn(self._index.price)
        self.schedule(ms + self.crowd.pause_ms(), Phase.TURN, self.number, self._wake)
        return self.settle(ms)

    def _traded(self, side: Side, fills: list[Fill]) -> None:
        if not fills:
            return
        self.tape.write(self._ms, side, fills, self.book.seq)
        for price, lots, _ in fills:
            self.candles.trade(self._ms, price, lots)
            if self.on_credit and not self._forced:
                self._positions.traded(side, price, lots)
            self.marks.traded(self.tape.count, lots)
        if self.watcher is not None:
            self.watcher.traded(self, side, fills)

    def settle(self, ms: int) -> list[Content]:
        """What follows from what has just happened: trades at once, other frames in time."""
        if self.watcher is not None:
            self.watcher.settled(self, ms)
        if self.book.seq != self._seq:
            self._seq = self.book.seq
            self.clock.ms = ms
            self._stir(ms, Cause.BOOK)
        if not self.tape.fresh:
            return []
        self._stir(ms, Cause.TRADE)
        frames = [self.tape.frame(ms)] if self._trades_wanted else []
        self.tape.clear()
        return frames

    def _sort_feeds(self) -> None:
        feeds = self._feeds.items()
        self._heard = {c: [pair for pair in feeds if c in pair[1].causes] for c in Cause}

    def _stir(self, ms: int, cause: Cause) -> None:
        """See to it that the topics that hear of this are asked at their next time."""
        for kind, feed in self._heard[cause]:
            if kind not in self._due:
                self._due.add(kind)
                due = -(-ms // feed.every_ms) * feed.every_ms
                self.schedule(due, Phase.FRAMES, self._rank(kind), self._flushes[kind])

    def _flush(self, kind: str, ms: int) -> list[Content]:
        self._due.discard(kind)
        feed = self._feeds.get(kind)
        frames = feed.flush(ms) if feed else []
        if frames:
            self._said[kind] = ms
        return frames

    def _expect_quiet(self, kind: str, feed: Feed, ms: int) -> None:
        quiet_ms = feed.quiet_ms
        if quiet_ms is None:
            return
        self._said[kind] = ms

        def ask(now: int) -> list[Content]:
            if self.closed or self._feeds.get(kind) is not feed:
                return []
            due = self._said[kind] + quiet_ms
            frames: list[Content] = []
            if due <= now:
                self._said[kind], due = now, now + quiet_ms
                frames = feed.repeat(now)
            self.schedule(due, Phase.FRAMES, self._rank(kind) + 1, ask)
            return frames

        self.schedule(ms + quiet_ms, Phase.FRAMES, self._rank(kind) + 1, ask)

    def _rank(self, kind: str) -> int:
        return self.number * _RANKS + 2 * self._kinds[kind]

    def _feed(self, kind: str, ms: int) -> Feed:
        one, book = self.instrument, self.book
        family, _, argument = kind.partition(".")
        if family == "kline":
            return KlineFeed(one, self.candles, argument)
        if family == "allLiquidation":
            return LiquidationFeed(one)
        if family == "tickers":
            day, marks = self.candles.day, self.marks
            if isinstance(self.tape, OptionTape):
                return OptionTickerFeed(book, self.tape, day, marks)
            if one.category == "spot":
                return SpotTickerFeed(one, book, self.tape, day, marks)
            return TickerFeed(one, book, self.tape, day, marks, ms)
        if argument == "1":
            return BestFeed(one, book, self.clock)
        return DepthFeed(one, book, self.clock, int(argument))
