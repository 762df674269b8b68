"""Order books: as they are sent, a snapshot and then what changed, and what that adds up to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rxbybit.book import BookDelta, BookSnapshot, OrderBook
from rxbybit.bookkeeping import BookKeeper, BookText
from rxbybit.config import Category
from rxbybit.errors import ConfigurationError
from rxbybit.schema import fields, flat
from rxbybit.schema.envelope import LegacyKindEnvelope
from rxbybit.schema.fields import WireSchema
from rxbybit.schema.spec import Place, StreamSpec, Wire
from rxbybit.stream import Stream
from rxbybit.venue import Opens

__all__ = [
    "ORDER_BOOK",
    "ORDER_BOOK_25",
    "ORDER_BOOK_UPDATES",
    "BookTextV5",
    "BookV5",
    "order_book",
    "order_book_updates",
]


class BookV5(WireSchema):
    """Source: https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook."""

    symbol = fields.String(required=True, data_key="s")
    bids = fields.Levels(required=True, data_key="b")
    asks = fields.Levels(required=True, data_key="a")
    update_id = fields.Integer(required=True, data_key="u")
    sequence = fields.Integer(required=True, data_key="seq")


class BookTextV5(WireSchema):
    """The same with levels as they are spelled, for the book that is kept."""

    symbol = fields.String(required=True, data_key="s")
    bids = fields.TextLevels(required=True, data_key="b")
    asks = fields.TextLevels(required=True, data_key="a")
    update_id = fields.Integer(required=True, data_key="u")
    sequence = fields.Integer(required=True, data_key="seq")


# V5 has no 25 levels but for options: a view of 25 is cut out of the book of 50
_CODES: dict[int, str] = {1: "1", 25: "50", 50: "50", 200: "200", 1000: "1000"}
_OPTION_CODES: dict[int, str] = {25: "25", 100: "100"}
_NUMBER = re.compile(r"[1-9][0-9]{0,5}")


def _code(depth: object, category: Category) -> str:
    codes, usual = (_OPTION_CODES, 25) if category == "option" else (_CODES, 50)
    wanted = usual if depth is None else depth
    if isinstance(wanted, int) and not isinstance(wanted, bool) and wanted in codes:
        return codes[wanted]
    legal = ", ".join(map(str, codes))
    raise ConfigurationError(f"depth {depth!r}: {category} has {legal}")


def _depth(code: str) -> int:
    # 500 was a depth until 2025, and old recordings hold others
    if _NUMBER.fullmatch(code) is None:
        raise ValueError(f"no depth: {code}")
    return int(code)


_LEGACY_CODES: dict[int, str] = {25: "L2_25", 200: "_200.100ms"}


def _legacy_code(depth: object, category: Category) -> str:
    wanted = 25 if depth is None else depth
    if isinstance(wanted, int) and not isinstance(wanted, bool) and wanted in _LEGACY_CODES:
        return _LEGACY_CODES[wanted]
    legal = ", ".join(map(str, _LEGACY_CODES))
    raise ConfigurationError(f"depth {depth!r}: the legacy wire has {legal}")


def _legacy_depth(code: str) -> int:
    return next(depth for depth, known in _LEGACY_CODES.items() if known == code)


def _legacy(snapshot: type[WireSchema], delta: type[WireSchema]) -> Wire:
    """Source: legacy manual, inverse and linear perpetual websocket, "Orderbook"; captures."""
    codes = "|".join(map(re.escape, _LEGACY_CODES.values()))
    return Wire(
        "orderBook{depth}.{symbol}",
        snapshot=snapshot,
        delta=delta,
        from_topic=("depth", "symbol"),
        places={"depth": Place(write=_legacy_code, read=_legacy_depth, pattern=codes)},
        snapshot_first=True,
        goes_stale=True,
        envelope=LegacyKindEnvelope,
        from_envelope=("sequence",),
        categories=("inverse",),
    )


def _wire(schema: type[WireSchema]) -> Wire:
    return Wire(
        "orderbook.{depth}.{symbol}",
        schema,
        from_topic=("depth",),
        places={"depth": Place(write=_code, read=_depth)},
        snapshot_first=True,
        goes_stale=True,
    )


def _news(keeper: BookKeeper, frame: BookText) -> OrderBook | None:
    return keeper.news


def _news_25(keeper: BookKeeper, frame: BookText) -> OrderBook | None:
    return _limited(keeper.news)


def _limited(book: OrderBook | None) -> OrderBook | None:
    return None if book is None else book.limited(25)


def _given(book: OrderBook | None) -> Sequence[OrderBook]:
    return () if book is None else (book,)


_CATEGORIES: tuple[Category, ...] = ("inverse", "linear", "spot", "option")
_TEXT = _wire(BookTextV5)
_LEGACY_TEXT = _legacy(flat.FlatTextSnapshot, flat.FlatTextDelta)
ORDER_BOOK_UPDATES: StreamSpec[BookSnapshot | BookDelta] = StreamSpec(
    "order_book_updates",
    BookSnapshot,
    delta_event=BookDelta,
    v5=_wire(BookV5),
    legacy=_legacy(flat.FlatSnapshot, flat.FlatDelta),
    categories=_CATEGORIES,
    renew=True,
)
ORDER_BOOK = StreamSpec(
    "order_book",
    OrderBook,
    decoded=BookText,
    v5=_TEXT,
    legacy=_LEGACY_TEXT,
    categories=_CATEGORIES,
    state=BookKeeper,
    emit=_news,
    late=lambda keeper: _given(keeper.book),
    lapse=lambda keeper: keeper.news,
)
ORDER_BOOK_25 = StreamSpec(
    "order_book",
    OrderBook,
    decoded=BookText,
    v5=_TEXT,
    legacy=_LEGACY_TEXT,
    categories=_CATEGORIES,
    state=BookKeeper,
    emit=_news_25,
    late=lambda keeper: _given(_limited(keeper.book)),
    lapse=lambda keeper: _limited(keeper.news),
)


def order_book(
    self: Opens,
    *symbols: str | Iterable[str],
    depth: int | None = None,
    category: Category | None = None,
) -> Stream[OrderBook]:
    """The whole book after each update, kept and checked; a late subscriber gets it at once.

    ``symbols``, ``depth``, ``category`` and errors: see :func:`order_book_updates`; 25 levels of
    inverse, linear and spot are those of the book of 50, cut when they are read. A book is
    immutable: keep it, compare it. While ``book.state`` is ``"synced"``, every update since its
    snapshot was taken in. When one is missing, the book would cross, a price comes in two
    spellings, an update cannot be read or the link is lost, the last content is sent once more
    as ``"resyncing"``; the topic is subscribed anew, which ``status()`` tells as ``Resynced``, and
    the next book is ``"synced"`` again. When nothing has come for a while (``Bybit(stale=)``) it
    is ``"stale"`` in the same way, after a status ``Stale``.
    The repetitions of a quiet book of depth 1 are left out.
    The legacy wire does not show that an update is missing but by the number of levels: what is
    ``"synced"`` there has full sides, where they were full, and does not cross.
    Source: V5 manual, "Orderbook"; legacy manual, "Orderbook".

    ::

        order_book("BTCUSD").subscribe(lambda book: print(book.best_bid, book.best_ask, book.state))
    """
    spec = ORDER_BOOK_25 if depth == 25 else ORDER_BOOK
    return self.open(spec, symbols, category=category, depth=depth)


def order_book_updates(
    self: Opens,
    *symbols: str | Iterable[str],
    depth: int | None = None,
    category: Category | None = None,
) -> Stream[BookSnapshot | BookDelta]:
    """A book as it is sent: a snapshot first, then deltas, and a snapshot after each reconnect.

    ``symbols``: one, several, or an iterable of them; none at all for every instrument of the
    category that trades, which follows listings and delistings (see ``Bybit(listings=)``).
    ``depth``: 1, 25, 50, 200 or 1000 levels a side, of options 25 or 100; ``None`` is 50, of
    options 25. 1 sends snapshots only; 25 gives the frames of the book of 50. On the legacy wire
    25, also for ``None``, or 200, which are sent as such. ``category``: read from the symbol when
    not given, inverse without one; spot must be said.
    Errors: ``ConfigurationError`` at the call for arguments that cannot be;
    ``SubscriptionRejected`` on the stream for a symbol that was named and the exchange does not
    know; one that was not named is left out, and ``status()`` says ``Rejected``.

    ::

        order_book_updates("BTCUSD", depth=50).subscribe(lambda book: print(book.bids[:1]))
    """
    return self.open(ORDER_BOOK_UPDATES, symbols, category=category, depth=depth)
