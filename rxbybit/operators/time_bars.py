"""Bars of time: the machine behind ``bars("1m")``, which is told of trades and of the time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from rxbybit.events import Gap, Meta
from rxbybit.operators.bar import Bar, Growing
from rxbybit.operators.kept import Kept
from rxbybit.operators.valued import Traded

__all__ = ["TimeBars"]

GRACE_MS = 1_000
"""How long after its end the clock gives a bar: so long its last trades may take."""
_MONDAY_MS = 4 * 86_400_000
"""Bars are aligned on this one of 1970, so that those of a week begin where candles do."""


class _Line:
    """The bars of one symbol."""

    def __init__(self) -> None:
        self.open: Growing | None = None
        """The one that trades are counted into."""
        self.given: Growing | None = None
        """The last one with trades that was given; it is opened again for a late trade."""
        self.next_ms = 0
        """Where the one after the last that was given begins, an empty one included."""
        self.reached_ms = 0
        """As far as bars were ever given; ``next_ms`` goes back when one is opened again."""
        self.late = False
        """Whether the open one was over when it was opened, so that it has to come."""
        self.gap: Gap | None = None
        """The hole that ends where the open one begins."""
        self.due_ms: int | None = None
        """When the clock gives the next one."""


class TimeBars:
    """Counts trades into bars of ``length_ms``, and says which are over.

    All state changes are made when a method returns; what it returns is only to be handed on.
    """

    def __init__(
        self, length_ms: int, *, fill: bool, partial: bool, continuous: bool, inverse: bool
    ) -> None:
        self._length_ms = length_ms
        self._fill = fill
        self._partial = partial
        self._continuous = continuous
        self._inverse = inverse
        self._lines = Kept[str, _Line](lambda _: _Line())
        self.due_ms: int | None = None
        """The clock gives nothing before that."""

    def add(self, trade: Traded, now_ms: int) -> Iterable[Bar]:
        """Count a trade in; gives the bars that are over by it, or come again."""
        line = self._lines.of(trade.symbol)
        start_ms = self._start_of(trade.time_ms)
        if line.given is not None:
            start_ms = max(start_ms, line.given.start_ms)
        now = line.open
        if now is not None and start_ms == now.start_ms:
            now.add(trade)
            return ()
        if now is not None and start_ms < now.start_ms:
            return self._again(line, now, self._open(line, trade, start_ms))
        line.gap = _gap_of(trade)
        over = self._close(line, start_ms, gap=line.gap)
        line.open = self._open(line, trade, start_ms)
        until_ms = start_ms + self._length_ms
        line.late = start_ms < line.reached_ms or until_ms <= now_ms
        line.due_ms = due_ms = max(until_ms, now_ms) + GRACE_MS
        self.due_ms = due_ms if self.due_ms is None else min(self.due_ms, due_ms)
        return over

    def tick(self, now_ms: int) -> Iterable[Bar]:
        """It is ``now_ms``; gives what the clock gives by then."""
        due_ms = self.due_ms
        if due_ms is None or now_ms < due_ms:
            return ()
        until_ms = self._start_of(now_ms - GRACE_MS)
        over = [
            self._close(line, until_ms)
            for line in self._lines
            if line.due_ms is not None and line.due_ms <= now_ms
        ]
        dues = (line.due_ms for line in self._lines if line.due_ms is not None)
        self.due_ms = min(dues, default=None)
        return chain.from_iterable(over)

    def end(self) -> Iterable[Bar]:
        """There are no more trades; gives what was over when it opened, or with ``partial`` all."""
        over = [
            self._close(line, line.reached_ms)
            for line in self._lines
            if line.open is not None and (line.late or self._partial)
        ]
        return chain.from_iterable(over)

    def _start_of(self, time_ms: int) -> int:
        length_ms = self._length_ms
        return (time_ms - _MONDAY_MS) // length_ms * length_ms + _MONDAY_MS

    def _end_of(self, start_ms: int) -> int:
        return start_ms + self._length_ms - 1

    def _open(self, line: _Line, trade: Traded, start_ms: int) -> Growing:
        """The bar that begins at ``start_ms``, with a trade in it."""
        given = line.given
        if given is not None and given.start_ms == start_ms:
            given.add(trade)
            return given
        opening = given.close if given is not None and self._continuous else None
        return Growing(trade, start_ms, opening, inverse=self._inverse)

    def _again(self, line: _Line, now: Growing, late: Growing) -> Iterable[Bar]:
        """Give a bar that a late trade has come for, and the empty ones from there to the open
        one, which opens where they close.
        """
        line.given = late
        late.gap = late.gap or line.gap
        if self._continuous:
            now.opening = late.close
        over: Iterable[Bar] = (late.bar(self._end_of(late.start_ms)),)
        if self._fill:
            starts = range(late.start_ms + self._length_ms, now.start_ms, self._length_ms)
            over = chain(over, self._empty(late.bar(0), starts, line.gap))
        return over

    def _close(self, line: _Line, until_ms: int, gap: Gap | None = None) -> Iterable[Bar]:
        """Give the open bar and the empty ones after it, up to the one that begins at
        ``until_ms``; what opens next must follow. A ``gap`` may lie in all of them.
        """
        over: Iterable[Bar] = ()
        done, line.open = line.open, None
        if done is not None:
            done.gap = done.gap or gap
            over = (done.bar(self._end_of(done.start_ms)),)
            line.given = done
            line.next_ms = done.start_ms + self._length_ms
        line.due_ms = None
        if self._fill and line.given is not None:
            starts = range(line.next_ms, until_ms, self._length_ms)
            over = chain(over, self._empty(line.given.bar(0), starts, gap))
            line.next_ms = until_ms
            line.due_ms = line.next_ms + self._length_ms + GRACE_MS
        line.reached_ms = max(line.reached_ms, line.next_ms)
        return over

    def _empty(self, before: Bar, starts: range, gap: Gap | None) -> Iterator[Bar]:
        """One after the other, as they may be many."""
        price = before.close
        for start_ms in starts:
            yield Bar(
                symbol=before.symbol,
                start_ms=start_ms,
                end_ms=self._end_of(start_ms),
                open=price,
                high=price,
                low=price,
                close=price,
                volume=type(before.volume)(0),
                count=0,
                vwap=None,
                meta=Meta(gap=gap),
            )


def _gap_of(trade: Traded) -> Gap | None:
    meta: object = getattr(trade, "meta", None)
    return meta.gap if isinstance(meta, Meta) else None
