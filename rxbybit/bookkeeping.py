"""The machine that keeps a book: snapshots and deltas in, an ``OrderBook`` after each.

A book is ``synced`` while every update since its snapshot was taken in. An update that is missing,
a bid that is not below every ask, a price in two spellings: then it is ``resyncing`` until the
next snapshot, shows what was known last, and a new snapshot is asked for; it is ``stale`` where
nothing has come for too long. (V5 manual,
"Orderbook": ``u`` rises by 1 from frame to frame; 1 marks a restart of the exchange's service;
``seq`` is the later, the higher, and a delta whose ``seq`` falls means nothing. Legacy manual,
"Orderbook", and captures: no update has a number, and each side of the window holds as many levels
after each delta as before.)
"""

from __future__ import annotations

import sys
from collections.abc import Hashable
from sys import getrefcount

from rxbybit.book import OrderBook
from rxbybit.content import BookState, Content
from rxbybit.ladder import Ladder, TextLevel, Unfit
from rxbybit.schema.spec import NO_SNAPSHOT, Interim, Renewal

__all__ = ["BookKeeper", "BookText", "NoRenewal"]


class BookText(Interim, frozen=True, kw_only=True):
    """A snapshot or a delta of a book, with its levels as they were sent."""

    symbol: str  # in the order of the wire, which msgspec reads quickest
    bids: list[TextLevel]
    asks: list[TextLevel]
    update_id: int | None = None
    sequence: int | None = None
    depth: int


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

    __slots__ = ("_asked", "_content", "_next", "_numbers", "_renewal", "book", "news")

    _next: int
    """The id of the update that follows what is known; negative where that had none."""

    def __init__(self, renewal: Renewal, numbers: type) -> None:
        self._renewal = renewal
        self._asked = False
        self._numbers = numbers
        self._content: Content | None = None
        self.book: OrderBook | None = None
        """The book as it is known; ``None`` before the first snapshot."""
        self.news: OrderBook | None = None
        """The book, if what came last said anything new."""

    def read_as(self, numbers: type) -> None:
        """Levels are read as these from now on; there are none yet."""
        self._numbers = numbers
        if self._content is not None:
            self._content.number = numbers

    def apply(self, frame: BookText, wrong: ValueError | None = None) -> None:
        """Take in the next frame of the topic; ``wrong`` says why its levels, which are left out
        then, can be none.
        """
        self.news = None
        content, meta = self._content, frame.meta
        if meta.kind == "snapshot":
            content = self._begun(frame, wrong)
        elif content is None or content.state is not _SYNCED:
            if self._renewal.late():
                self.spoil(NO_SNAPSHOT)
            return
        elif (
            frame.update_id == self._next and (frame.sequence or 0) >= (content.sequence or 0)
        ) or self._follows(content, frame):
            if getrefcount(self.book) > _ALONE:
                content = self._copied(content)
            bids, asks = frame.bids, frame.asks
            try:
                content.bid_side.change(bids, content.ask_side, asks)
            except Unfit as error:
                wrong = error
            if wrong is not None:
                number = "a delta" if frame.update_id is None else f"update {frame.update_id}"
                self.spoil(f"{number} {wrong}")
                return
            if bids:
                content.bids = None
            if asks:
                content.asks = None
        else:
            return
        if content is not None:
            this = content.update_id = frame.update_id
            self._next = -1 if this is None else this + 1
            content.sequence = frame.sequence
            content.time_ms, content.meta = meta.matched_ms or meta.sent_ms, meta
            self.news = self.book
            if self._asked:
                self._asked = False
                self._renewal.done()

    def reset(self) -> None:
        """The link is gone: what comes next is a snapshot."""
        self._doubt(BookState.RESYNCING)

    def spoil(self, why: str, *, silent: bool = False) -> bool:
        """An update is missing, or (``silent``) none has come for too long: ask for a snapshot."""
        self._doubt(BookState.STALE if silent else BookState.RESYNCING)
        self._asked = True
        self._renewal.ask(why)
        return True

    def content(self) -> Hashable:
        """What the book shows, whatever its state, by a number for each side; ``None`` before the
        first snapshot.
        """
        content = self._content
        return None if content is None else (content.bid_side.mark(), content.ask_side.mark())

    def _doubt(self, state: BookState) -> None:
        """The book cannot be trusted from now on. Of one in doubt, only that it is stale is new."""
        self.news, self._asked = None, False
        content = self._content
        if content is None or content.state is state:
            return
        if content.state is _SYNCED or state is BookState.STALE:
            if getrefcount(self.book) > _ALONE:
                content = self._copied(content)
            content.state = state
            self.news = self.book

    def _begun(self, frame: BookText, wrong: ValueError | None) -> Content | None:
        """What a snapshot shows, if it can be and is anything new."""
        bids = asks = Ladder()
        try:
            bids, asks = Ladder(frame.bids), Ladder(frame.asks)
        except Unfit as error:
            wrong = error
        if wrong is not None:
            self.spoil(f"a snapshot with {wrong}")
            return None
        if not bids.below(asks):
            self.spoil("a crossed snapshot")
            return None
        old = self._content
        if old is not None and old.state is _SYNCED and old.update_id is not None:
            same = old.update_id == frame.update_id
            if same and bids == old.bid_side and asks == old.ask_side:
                return None  # said once more
        content = Content(frame.symbol, frame.depth, self._numbers)
        content.bid_side, content.ask_side = bids, asks
        self._content, self.book = content, OrderBook.showing(content)
        return content

    def _follows(self, content: Content, frame: BookText) -> bool:
        """Whether a delta without the next id follows; one of a later time spoils the book. With
        the next id it does if it has no sequence: one that falls is of before a restart.
        """
        last, this = content.update_id, frame.update_id
        if last is None or this is None:
            return self._fits(content, frame)
        if this == self._next:
            return frame.sequence is None
        if this > last or this == 1 or (frame.sequence or 0) > (content.sequence or 0):
            # a lower id of a later time: the snapshot of a restart was lost
            self.spoil(f"update {this} came after {last}")
        return False

    def _fits(self, content: Content, frame: BookText) -> bool:
        """Whether a delta of the legacy wire, which does not show what is missing, can follow.

        A sequence that falls is that of an older delta. A side that was full stays full, as a level
        comes for each that leaves the window: another count tells that one is missing.
        """
        last, this = content.sequence, frame.sequence
        if last is not None and this is not None and this < last:
            return False
        depth = content.depth
        for side, changes in ((content.bid_side, frame.bids), (content.ask_side, frame.asks)):
            count = len(side) + side.growth(changes)
            if count > depth or len(side) == depth != count:
                self.spoil(f"a delta left {count} of {depth} levels a side")
                return False
        return True

    def _copied(self, content: Content) -> Content:
        """The content to change: who holds the book keeps it as it is."""
        content = self._content = content.copy()
        self.book = OrderBook.showing(content)
        return content

    @classmethod
    def alone(cls) -> int:
        """How many references to a book there are, ours and that of the call included, when nobody
        else holds it; -1 where nobody can tell.
        """
        gil = getattr(sys, "_is_gil_enabled", None)
        if gil is not None and not gil():
            return -1
        keeper = cls(NoRenewal(), object)
        keeper.apply(BookText(symbol="", depth=1, bids=[], asks=[]))
        keeper.news = None
        return getrefcount(keeper.book)


_SYNCED = BookState.SYNCED  # to look a member of an enum up takes as long as a call
_ALONE = BookKeeper.alone()
