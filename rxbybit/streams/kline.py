"""Candles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from decimal import Decimal
from typing import ClassVar, cast

from rxbybit.candle import ClosedKlines
from rxbybit.config import Category, check_truth
from rxbybit.errors import ConfigurationError
from rxbybit.events import Event, utc
from rxbybit.schema import fields, legacy
from rxbybit.schema.envelope import LegacyTimeEnvelope
from rxbybit.schema.fields import WireSchema
from rxbybit.schema.history import Given, History
from rxbybit.schema.spec import Place, Renewal, StreamSpec, Wire
from rxbybit.stream import Stream
from rxbybit.venue import Opens

__all__ = [
    "CLOSED_KLINES",
    "KLINES",
    "Kline",
    "KlineLegacy",
    "KlineRow",
    "KlineV5",
    "end_of",
    "klines",
]

_CODES = {
    "1m": "1",
    "3m": "3",
    "5m": "5",
    "15m": "15",
    "30m": "30",
    "1h": "60",
    "2h": "120",
    "4h": "240",
    "6h": "360",
    "12h": "720",
    "1d": "D",
    "1w": "W",
    "1M": "M",
}
_MINUTE = 60_000
_DAY = 1440 * _MINUTE
_LENGTHS = {
    **{name: int(code) * _MINUTE for name, code in _CODES.items() if code.isdecimal()},
    "1d": _DAY,
    "1w": 7 * _DAY,
}
_INTERVALS = {code: interval for interval, code in _CODES.items()}


class Kline(Event, frozen=True, kw_only=True):
    """A candle, as far as it is known; its last state has ``closed``."""

    symbol: str
    interval: str
    """``"1m"`` to ``"12h"``, ``"1d"``, ``"1w"`` or ``"1M"``."""
    start_ms: int
    """When it opens, in milliseconds."""
    end_ms: int
    """The last millisecond inside."""
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    """As the other prices in the quote currency; the last price while it is not closed."""
    volume: Decimal
    """In contracts of 1 USD (inverse) or in the base coin (linear, spot)."""
    turnover: Decimal
    """In the base coin (inverse) or in the quote currency (linear, spot)."""
    closed: bool
    """Whether it is over and will not change."""
    time_ms: int | None = None
    """Time of the last trade in it, in milliseconds."""

    start = utc[datetime]("start_ms")
    end = utc[datetime]("end_ms")
    time = utc[datetime | None]("time_ms")


class KlineV5(WireSchema):
    """Source: https://bybit-exchange.github.io/docs/v5/websocket/public/kline."""

    start_ms = fields.Milliseconds(required=True, data_key="start")
    end_ms = fields.Milliseconds(required=True, data_key="end")
    open = fields.Decimal(required=True)
    close = fields.Decimal(required=True)
    high = fields.Decimal(required=True)
    low = fields.Decimal(required=True)
    volume = fields.Decimal(required=True)
    turnover = fields.Decimal(required=True)
    closed = fields.Boolean(required=True, data_key="confirm")
    time_ms = fields.Milliseconds(required=True, data_key="timestamp")

    ignored: ClassVar[Mapping[str, str]] = {"interval": "the topic says it, with the symbol"}


class KlineLegacy(WireSchema):
    """Of inverse and linear.

    Source: legacy manual, inverse and linear perpetual websocket, "Kline"; captures, which show
    that ``timestamp`` is in microseconds.
    """

    start_ms = legacy.Seconds(required=True, data_key="start")
    end_ms = legacy.End(required=True, data_key="end")
    open = fields.Decimal(required=True)
    close = fields.Decimal(required=True)
    high = fields.Decimal(required=True)
    low = fields.Decimal(required=True)
    volume = fields.Decimal(required=True)
    turnover = fields.Decimal(required=True)
    closed = fields.Boolean(required=True, data_key="confirm")
    time_ms = legacy.Microseconds(required=True, data_key="timestamp")

    ignored: ClassVar[Mapping[str, str]] = {
        "cross_seq": "number of an event of the matching engine: nothing that V5 sends compares",
        "period": "of linear: the topic says it",
    }


class KlineRow(WireSchema):
    """Source: https://bybit-exchange.github.io/docs/v5/market/kline."""

    start_ms = fields.Moment(required=True, data_key="start")
    open = fields.Decimal(required=True)
    high = fields.Decimal(required=True)
    low = fields.Decimal(required=True)
    close = fields.Decimal(required=True)
    volume = fields.Decimal(required=True)
    turnover = fields.Decimal(required=True)


def _code(interval: object, category: Category) -> str:
    if isinstance(interval, str):
        code = _CODES.get(interval, interval)
        if code in _INTERVALS:
            return code
    legal = ", ".join(f"{name} ({code})" for name, code in _CODES.items())
    raise ConfigurationError(f"interval {interval!r}: use one of {legal}")


def _interval(code: str) -> str:
    if code not in _INTERVALS:
        raise ValueError(f"no interval: {code}")
    return _INTERVALS[code]


def end_of(start_ms: int, interval: str) -> int:
    """The last millisecond of the candle that begins at ``start_ms``; a month is one of UTC."""
    if interval != "1M":
        return start_ms + _LENGTHS[interval] - 1
    start = datetime.fromtimestamp(start_ms / 1000, timezone.utc)
    year, month = (start.year + 1, 1) if start.month == 12 else (start.year, start.month + 1)
    return int(datetime(year, month, 1, tzinfo=timezone.utc).timestamp()) * 1000 - 1


def _query(category: Category, given: Given) -> dict[str, str]:
    symbol, interval = str(given["symbol"]), _code(given["interval"], category)
    return {"category": category, "symbol": symbol, "interval": interval}


def _past(row: Mapping[str, object], given: Given) -> Kline:
    end_ms = end_of(cast("int", row["start_ms"]), str(given["interval"]))
    return cast("Callable[..., Kline]", Kline)(**row, **given, end_ms=end_ms, closed=True)


def _begins(event: Kline) -> int:
    return event.start_ms


def _ends(event: Kline) -> int:
    return event.end_ms


def _over(event: Kline) -> bool:
    return event.closed


def _state(renewal: Renewal, numbers: type) -> ClosedKlines:
    return ClosedKlines()


_CATEGORIES: tuple[Category, ...] = ("inverse", "linear", "spot")
_V5 = Wire(
    "kline.{interval}.{symbol}",
    KlineV5,
    many=True,
    from_topic=("interval", "symbol"),
    places={"interval": Place(write=_code, read=_interval)},
)
_LINEAR = Wire(
    "candle.{interval}.{symbol}",  # of the sibling that the legacy wire had for linear
    KlineLegacy,
    many=True,
    from_topic=("interval", "symbol"),
    places={"interval": Place(write=_code, read=_interval)},
    envelope=LegacyTimeEnvelope,
    categories=("inverse",),
)
_LEGACY = replace(_LINEAR, template="klineV2.{interval}.{symbol}", also=(_LINEAR,))
_HISTORY = History(
    path="/v5/market/kline",
    query=_query,
    page=1000,
    columns=("start", "open", "high", "low", "close", "volume", "turnover"),
    schema=KlineRow,
    event=_past,
    begins=_begins,
    ends=_ends,
    over=_over,
)
KLINES = StreamSpec(
    "klines", Kline, v5=_V5, legacy=_LEGACY, categories=_CATEGORIES, history=_HISTORY
)
CLOSED_KLINES = StreamSpec(
    "klines",
    Kline,
    v5=_V5,
    legacy=_LEGACY,
    categories=_CATEGORIES,
    state=_state,
    emit=ClosedKlines.news,
    history=_HISTORY,
)


def klines(
    self: Opens,
    *symbols: str | Iterable[str],
    interval: str = "1m",
    closed: bool = False,
    history: int = 0,
    category: Category | None = None,
) -> Stream[Kline]:
    """Candles, as they grow (each second or so), or with ``closed`` each one once, at its end.

    ``symbols``: one, several, or an iterable of them; none at all for every instrument of the
    category that trades, which follows listings and delistings (see ``Bybit(listings=)``).
    ``interval``: ``"1m" "3m" "5m" "15m" "30m" "1h" "2h" "4h" "6h" "12h" "1d" "1w" "1M"`` or the
    wire's code. ``category``: read from the symbol when not given, inverse without one; spot
    must be said, options have none.

    ``history``: so many closed candles of each symbol first, 10,000 at most, fewer where the
    exchange has no more; oldest first, with ``meta.backfilled``, and ``time_ms`` is ``None``.
    They are asked for over REST once the live candles come, which are held meanwhile: then
    follows what came, of a candle that grew its newest state only. Between the last candle of
    the history and the first live one none is missing and none comes twice. While REST fails it
    is asked again, ``status()`` says ``RequestFailed``, and nothing comes; the newest 1,000
    candles are held.

    Errors: ``ConfigurationError`` at the call for arguments that cannot be;
    ``SubscriptionRejected`` on the stream for a symbol that was named and the exchange does not
    know; ``RequestRefused``, ``ConnectionFailed`` or ``RetryBudgetExhausted`` when the history
    cannot be had at all: whoever can do without asks again with ``history=0``. A symbol that was
    not named is left out when it is refused, and ``status()`` says ``Rejected``.

    ::

        klines("BTCUSD", interval="1m", closed=True).subscribe(print)
    """
    check_truth("closed", closed)
    spec = CLOSED_KLINES if closed else KLINES
    return self.open(spec, symbols, category=category, history=history, interval=interval)
