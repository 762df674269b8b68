"""Order books: as the exchange sends them, and as they stand after each update."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from itertools import islice
from sys import maxsize
from typing import Any

from rxbybit.content import BookState, Content, Level, is_quantity, numbers_of, written
from rxbybit.errors import ConfigurationError
from rxbybit.events import Event, Meta, Side, json_of, shown, utc
from rxbybit.ladder import Ladder, TextLevel

__all__ = ["BookDelta", "BookSnapshot", "BookState", "Level", "OrderBook"]


class BookSnapshot(Event, frozen=True, kw_only=True):
    """A whole book; it replaces whatever was known before."""

    symbol: str
    depth: int
    """Levels a side that the topic shows; the book may have fewer."""
    bids: tuple[Level, ...]
    """Best first: prices fall."""
    asks: tuple[Level, ...]
    """Best first: prices rise."""
    update_id: int | None = None
    """Number of the update in this topic; 1 after a restart of the exchange's service."""
    sequence: int | None = None
    """Cross sequence: compares with that of trades and of books of another depth."""


class BookDelta(Event, frozen=True, kw_only=True):
    """The levels of a book that changed; size 0 deletes a level."""

    symbol: str
    depth: int
    """Levels a side that the topic shows."""
    bids: tuple[Level, ...]
    """Changed bids, prices falling."""
    asks: tuple[Level, ...]
    """Changed asks, prices rising."""
    update_id: int | None = None
    """Number of the update in this topic: one more than that of the frame before."""
    sequence: int | None = None
    """Cross sequence: compares with that of trades and of books of another depth."""


class OrderBook:
    """A book as it stood after an update; it never changes, so keep it, compare it, hash it.

    Levels are kept as text and become numbers when they are read: ``best_bid`` and what is made
    of the best prices cost little, ``bids`` and ``asks`` of a deep book more, once. Prices are in
    the quote currency, sizes in contracts of 1 USD (inverse) or in base coin (linear, spot,
    option).
    """

    __slots__ = ("_content", "_limit", "_whole")

    def __init__(
        self,
        *,
        symbol: str,
        depth: int,
        bids: Iterable[Level],
        asks: Iterable[Level],
        update_id: int | None = None,
        sequence: int | None = None,
        time_ms: int | None = None,
        state: str = BookState.SYNCED,
        meta: Meta | None = None,
    ) -> None:
        """Errors: ``ValueError`` for a size that is no number above 0, and for a price that is no
        finite number or given twice.
        """
        sides = tuple(bids), tuple(asks)
        content = Content(symbol, depth, numbers_of(*sides) or Decimal)
        content.bid_side, content.ask_side = (Ladder(written(side)) for side in sides)
        content.update_id, content.sequence, content.time_ms = update_id, sequence, time_ms
        content.state, content.meta = BookState(state), meta or Meta()
        self._content = content
        self._limit: int | None = None
        self._whole: OrderBook | None = None

    @classmethod
    def showing(cls, content: Content, limit: int | None = None) -> OrderBook:
        """The book that shows ``content``, ``limit`` levels a side at most."""
        made = cls.__new__(cls)
        made._content, made._limit, made._whole = content, limit, None
        return made

    @property
    def symbol(self) -> str:
        """As the exchange writes it."""
        return self._content.symbol

    @property
    def depth(self) -> int:
        """Levels a side that the book shows at most."""
        return self._content.depth if self._limit is None else self._limit

    @property
    def update_id(self) -> int | None:
        """Number of the last update in this topic."""
        return self._content.update_id

    @property
    def sequence(self) -> int | None:
        """Cross sequence: compares with that of trades and of books of another depth."""
        return self._content.sequence

    @property
    def time_ms(self) -> int | None:
        """When the matching engine made the last update, in milliseconds; if that is not known,
        when the exchange sent it.
        """
        return self._content.time_ms

    time = utc[datetime | None]("time_ms")

    @property
    def state(self) -> BookState:
        """Whether the book can be trusted: ``synced``, ``resyncing`` or ``stale``."""
        return self._content.state

    @property
    def meta(self) -> Meta:
        """Where the last update comes from."""
        return self._content.meta

    @property
    def bids(self) -> tuple[Level, ...]:
        """Best first: prices fall."""
        content = self._content
        if content.bids is None:
            content.bids = tuple(self._read(content.bid_side.falling()))
        return content.bids[: self._limit]

    @property
    def asks(self) -> tuple[Level, ...]:
        """Best first: prices rise."""
        content = self._content
        if content.asks is None:
            content.asks = tuple(self._read(content.ask_side.rising()))
        return content.asks[: self._limit]

    @property
    def best_bid(self) -> Level | None:
        """Price and size; ``None`` when there are no bids."""
        return self._level(self._content.bid_side.last)

    @property
    def best_ask(self) -> Level | None:
        """Price and size; ``None`` when there are no asks."""
        return self._level(self._content.ask_side.first)

    @property
    def mid(self) -> Decimal | None:
        """Half way between the best bid and the best ask; ``None`` when a side is empty."""
        bid, ask = self.best_bid, self.best_ask
        return None if bid is None or ask is None else (bid[0] + ask[0]) / 2

    @property
    def spread(self) -> Decimal | None:
        """Best ask less best bid; ``None`` when a side is empty."""
        bid, ask = self.best_bid, self.best_ask
        return None if bid is None or ask is None else ask[0] - bid[0]

    @property
    def microprice(self) -> Decimal | None:
        """(bid x ask size + ask x bid size) / (bid size + ask size), of the best bid and ask:
        nearer to the side that has less. ``None`` when a side is empty.
        """
        best_bid, best_ask = self.best_bid, self.best_ask
        if best_bid is None or best_ask is None:
            return None
        (bid, bid_size), (ask, ask_size) = best_bid, best_ask
        return (bid * ask_size + ask * bid_size) / (bid_size + ask_size)

    def imbalance(self, levels: int = 1) -> Decimal | None:
        """(bid - ask) / (bid + ask), of the sizes of so many levels a side: 1 when there are
        bids only, -1 when there are asks only; ``None`` when there is neither.

        Errors: ``ConfigurationError`` for what is no whole number of levels, 1 or more.
        """
        bids, asks = self._top(levels)
        sizes = [size for _, size in bids], [size for _, size in asks]
        if not (bids or asks):
            return None
        bid, ask = (sum(side[1:], side[0]) if side else None for side in sizes)
        if bid is None or ask is None:
            one = self._content.number("1")
            return -one if bid is None else one
        return (bid - ask) / (bid + ask)

    def fill_price(self, side: str, quantity: Decimal, *, inverse: bool = False) -> Decimal | None:
        """The average price at which ``quantity`` would be filled at once; ``None`` where the
        book is too thin.

        ``side``: ``"Buy"`` takes asks, ``"Sell"`` takes bids. ``quantity``: in the unit of the
        sizes. ``inverse``: for inverse contracts, whose sizes are USD: the average is what was
        paid in USD over what it is in coin.
        Errors: ``ConfigurationError`` for another side, or a quantity that is no number above 0.
        """
        if side not in (Side.BUY, Side.SELL) or not is_quantity(quantity):
            raise ConfigurationError("fill_price: side Buy or Sell, and a quantity above 0")
        wanted = left = self._content.number(str(quantity))  # as levels are: of text, thus exact
        paid = None
        for price, size in self.asks if side == Side.BUY else self.bids:
            if paid is None and size >= wanted:
                return price  # as it is: to divide and to divide again would round it
            taken = min(left, size)
            part = taken / price if inverse else taken * price
            paid = part if paid is None else paid + part
            left -= taken
            if not left:
                return wanted / paid if inverse else paid / wanted
        return None

    def cumulative(self, levels: int) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """Bids and asks, best first, each price with the size from the best one up to it.

        Errors: ``ConfigurationError`` for what is no whole number of levels, 1 or more.
        """
        bids, asks = self._top(levels)
        return tuple(_summed(bids)), tuple(_summed(asks))

    def limited(self, depth: int) -> OrderBook:
        """The same book, ``depth`` levels a side at most.

        Errors: ``ConfigurationError`` for what is no whole number of levels, 1 or more.
        """
        if type(depth) is not int or depth < 1:
            raise ConfigurationError(f"{depth!r} levels a side: a whole number, 1 or more")
        made = OrderBook.showing(self._content, min(depth, self.depth))
        made._whole = self  # so that it counts as held
        return made

    def to_json(self, *, meta: bool = False) -> bytes:
        """One JSON object: ``event`` first, decimals as text, no keys for ``None``."""
        return json_of(self, (*_CONTENT, "meta") if meta else _CONTENT)

    def _top(self, levels: int) -> tuple[list[Level], list[Level]]:
        if type(levels) is not int or levels < 1:
            raise ConfigurationError(f"{levels!r} levels: a whole number, 1 or more")
        count = min(levels, self._limit or maxsize)
        content = self._content
        bids = islice(self._read(content.bid_side.falling()), count)
        return list(bids), list(islice(self._read(content.ask_side.rising()), count))

    def _level(self, level: TextLevel | None) -> Level | None:
        return None if level is None else next(self._read((level,)))

    def _read(self, levels: Iterable[TextLevel]) -> Iterator[Level]:
        number = self._content.number
        return ((number(price), number(size)) for price, size in levels)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, OrderBook):
            return NotImplemented
        return self is other or _values(self) == _values(other)

    def __hash__(self) -> int:
        return hash((OrderBook, *_values(self)))

    def __repr__(self) -> str:
        parts = [shown(self, name) for name in _CONTENT if name not in ("bids", "asks")]
        for name, side in (("bids", self.bids), ("asks", self.asks)):
            parts.append(f"{name}={len(side)}" + (f" from {side[0][0]}" if side else ""))
        return f"OrderBook({', '.join(filter(None, parts))})"

    def __replace__(self, **changes: Any) -> OrderBook:  # Any: of whatever attribute
        return OrderBook(**{name: getattr(self, name) for name in (*_CONTENT, "meta")} | changes)

    def __reduce__(self) -> tuple[Callable[..., OrderBook], tuple[dict[str, object]]]:
        return _restored, ({name: getattr(self, name) for name in (*_CONTENT, "meta")},)


_CONTENT = ("symbol", "depth", "bids", "asks", "update_id", "sequence", "time_ms", "state")


def _values(book: OrderBook) -> list[object]:
    return [getattr(book, name) for name in _CONTENT]


def _restored(values: dict[str, Any]) -> OrderBook:  # Any: of whatever attribute
    return OrderBook(**values)


def _summed(levels: list[Level]) -> Iterator[Level]:
    sum_of = None
    for price, size in levels:
        sum_of = size if sum_of is None else sum_of + size
        yield price, sum_of
