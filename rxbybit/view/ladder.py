"""The levels of a book, for the view alone: checked by update ids and by nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal

from rxbybit.book import BookDelta, BookSnapshot, Level

__all__ = ["Ladder", "LadderState"]

LadderState = Literal["waiting", "synced", "resyncing"]
_Side = dict[Decimal, Decimal]


@dataclass(slots=True)
class Ladder:
    """Snapshots and deltas of one topic, added up.

    ``waiting`` for the first snapshot, ``synced`` while no update is missing, ``resyncing``
    from a missing one to the next snapshot: what is held then is what was known last.
    """

    state: LadderState = "waiting"
    connection: int | None = None
    """The link that it came by."""
    _update_id: int | None = None
    _bids: _Side = field(default_factory=dict[Decimal, Decimal])
    _asks: _Side = field(default_factory=dict[Decimal, Decimal])

    def apply(self, event: BookSnapshot | BookDelta) -> None:
        """Take in the next update."""
        if isinstance(event, BookSnapshot):
            self.state = "synced"
            self._bids, self._asks = dict(event.bids), dict(event.asks)
        elif self.state != "synced" or self._repeats(event):
            return
        elif self._misses(event):
            self.state = "resyncing"
            return
        else:
            _change(self._bids, event.bids)
            _change(self._asks, event.asks)
        self.connection, self._update_id = event.meta.connection, event.update_id

    def lose(self) -> None:
        """The link is gone: what comes next is a snapshot."""
        if self.state == "synced":
            self.state = "resyncing"

    def best(self, levels: int) -> tuple[list[Level], list[Level]]:
        """Bids and asks, best first, so many a side at most."""
        bids = sorted(self._bids.items(), reverse=True)
        return bids[:levels], sorted(self._asks.items())[:levels]

    def copied(self) -> Ladder:
        """A ladder of its own that holds the same."""
        return replace(self, _bids=dict(self._bids), _asks=dict(self._asks))

    def _repeats(self, event: BookDelta) -> bool:
        return (
            self._update_id is not None
            and event.update_id is not None
            and event.update_id <= self._update_id
        )

    def _misses(self, event: BookDelta) -> bool:
        return (
            self._update_id is not None
            and event.update_id is not None
            and event.update_id != self._update_id + 1
        )


def _change(side: _Side, levels: tuple[Level, ...]) -> None:
    for price, size in levels:
        if size:
            side[price] = size
        else:
            side.pop(price, None)
