"""The machine that keeps a book: snapshots and deltas in, an ``OrderBook`` after each.

A book is ``synced`` while every update since its snapshot was taken in. An update that is missing,
a bid that is not below every ask, a price in two spellings: then it is ``resyncing`` until the
next snapshot, shows what was known last, and a new snapshot is asked for. (V5 manual,
"Orderbook": ``u`` rises by 1 from frame to frame; 1 marks a restart of the exchange's service;
``seq`` is the later, the higher. Legacy manual, "Orderbook", and captures: no update has a number,
and each side of the window holds as many levels after each delta as before.)
"""

from __future__ import annotations

import sys
from sys import getrefcount

from rxbybit.book import OrderBook
from rxbybit.content import BookState, Content
from rxbybit.events import Event
from rxbybit.ladder import Ladder, TextLevel, Unfit
from rxbybit.schema.spec import NO_SNAPSHOT, Renewal

__all__ = ["BookKeeper", "BookText", "NoRenewal"]


class BookText(Event, frozen=True, kw_only=True):
    """A snapshot or a delta of a book, with its levels as they were sent."""

    symbol: str
    depth: int
    bids: tuple[TextLevel, ...]
    asks: tuple[TextLevel, ...]
    update_id: int | None = None
    sequence: int | None = None


class NoRenewal:
    """For books of frames that come from somewhere: there is nobody to ask."""

    def ask(self, why: str) -> None:
        """Wait for the next snapshot."""

    def late(self) -> bool:
        """Nothing is too late for who only waits."""
        return False

    def done(self) -> None:
        """It has come."""


class BookKeeper:
    """Keeps the book of one topic.

    ``renewal`` is asked when a new snapshot is needed; ``numbers`` is what levels are read as,
    ``Decimal`` or ``float``.
    """

    __slots__ = ("_asked", "_book", "_content", "_new", "_numbers", "_renewal")

    def __init__(self, renewal: Renewal, numbers: type) -> None:
        self._renewal = renewal
        self._asked = False
        self._numbers = numbers
        self._content: Content | None = None
        self._book: OrderBook | None = None
        self._new = False

    @property
    def book(self) -> OrderBook | None:
        """The book as it is known; ``None`` before the first snapshot."""
        return self._book

    @property
    def news(self) -> OrderBook | None:
        """The book, if what came last said anything new."""
        return self._book if self._new else None

    def apply(self, frame: BookText) -> None:
        """Take in the next frame of the topic."""
        self._new = False
        content = self._content
        if frame.meta.kind == "snapshot":
            self._begin(frame)
        elif content is not None and content.state is _SYNCED:
            last, this = content.update_id, frame.update_id
            if last is None or this is None:
                self._unnumbered(content, frame)
            elif this == last + 1:
                self._change(content, frame)
            elif this > last or this == 1 or (frame.sequence or 0) > (content.sequence or 0):
                # a lower id of a later time: the snapshot of a restart was lost
                self.spoil(f"update {this} came after {last}")
        elif self._renewal.late():
            self.spoil(NO_SNAPSHOT)

    def reset(self) -> None:
        """The link is gone: what comes next is a snapshot."""
        self._new = self._asked = False
        content = self._content
        if content is not None and content.state is _SYNCED:
            self._own(content).state = BookState.RESYNCING
            self._new = True

    def spoil(self, why: str) -> bool:
        """An update is missing, for the reason given: ask for a snapshot."""
        self.reset()
        self._asked = True
        self._renewal.ask(why)
        return True

    def _begin(self, frame: BookText) -> None:
        try:
            bids, asks = Ladder(frame.bids), Ladder(frame.asks)
        except Unfit as error:
            self.spoil(f"a snapshot with {error}")
            return
        if bids.highest >= asks.lowest:
            self.spoil("a crossed snapshot")
            return
        old = self._content
        if old is not None and old.state is _SYNCED and old.update_id is not None:
            same = old.update_id == frame.update_id
            if same and bids == old.bid_side and asks == old.ask_side:
                return  # said once more
        content = Content(frame.symbol, frame.depth, self._numbers)
        content.bid_side, content.ask_side = bids, asks
        self._content, self._book = content, OrderBook.showing(content)
        self._take_over(content, frame)
        if self._asked:
            self._asked = False
            self._renewal.done()

    def _unnumbered(self, content: Content, frame: BookText) -> None:
        """Take in a delta of the legacy wire, which does not show what is missing.

        A sequence that falls is that of an older delta. A side that was full stays full, as a level
        comes for each that leaves the window: another count tells that one is missing.
        """
        if (frame.sequence or 0) < (content.sequence or 0):
            return
        depth = content.depth
        for side, changes in ((content.bid_side, frame.bids), (content.ask_side, frame.asks)):
            count = len(side) + side.growth(changes)
            if count > depth or len(side) == depth != count:
                self.spoil(f"a delta left {count} of {depth} levels a side")
                return
        self._change(content, frame)

    def _change(self, content: Content, frame: BookText) -> None:
        content = self._own(content)
        bids, asks = content.bid_side, content.ask_side
        bids_before: list[str | None] = []
        asks_before: list[str | None] = []
        try:
            bids_before = bids.apply(frame.bids)
            asks_before = asks.apply(frame.asks)
            if bids.highest >= asks.lowest:
                raise Unfit("crosses the book")
        except Unfit as error:
            bids.undo(frame.bids, bids_before)
            asks.undo(frame.asks, asks_before)
            number = "a delta" if frame.update_id is None else f"update {frame.update_id}"
            self.spoil(f"{number} {error}")
        else:
            if frame.bids:
                content.bids = None
            if frame.asks:
                content.asks = None
            self._take_over(content, frame)

    def _take_over(self, content: Content, frame: BookText) -> None:
        meta = frame.meta
        content.update_id, content.sequence = frame.update_id, frame.sequence
        content.time_ms, content.meta = meta.matched_ms or meta.sent_ms, meta
        self._new = True

    def _own(self, content: Content) -> Content:
        """The content to change: who holds the book keeps it as it is."""
        if self.holders() > _ALONE:
            content = self._content = content.copy()
            self._book = OrderBook.showing(content)
        return content

    def holders(self) -> int:
        """How many references to the book there are, ours and that of this call included."""
        return getrefcount(self._book)


def _alone() -> int:
    """What ``holders`` says of a book that nobody else holds; -1 where nobody can tell."""
    gil = getattr(sys, "_is_gil_enabled", None)
    if gil is not None and not gil():
        return -1
    keeper = BookKeeper(NoRenewal(), object)
    keeper.apply(BookText(symbol="", depth=1, bids=(), asks=()))
    return keeper.holders()


_SYNCED = BookState.SYNCED  # to look a member of an enum up takes as long as a call
_ALONE = _alone()
