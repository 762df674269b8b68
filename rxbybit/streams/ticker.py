"""Tickers: merged, and as they are sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from rxbybit.config import Category
from rxbybit.events import TickDirection
from rxbybit.schema import fields, legacy
from rxbybit.schema.envelope import LegacyKindEnvelope
from rxbybit.schema.fields import WireSchema
from rxbybit.schema.optional import optional_number
from rxbybit.schema.spec import Otherwise, Place, Renewal, StreamSpec, Wire
from rxbybit.stream import Stream
from rxbybit.ticker import Ticker, TickerState, TickerUpdate
from rxbybit.venue import Opens

__all__ = [
    "TICKERS",
    "TICKER_UPDATES",
    "TickerLegacy",
    "TickerOptionV5",
    "TickerV5",
    "ticker_updates",
    "tickers",
]


class TickerV5(WireSchema):
    """Of inverse, linear and spot; any key may be absent (unchanged) or empty (no value now).

    Source: https://bybit-exchange.github.io/docs/v5/websocket/public/ticker. ``basis`` and,
    until 2023, ``predictedFundingRate`` are sent but not in its table.
    """

    symbol = fields.String(required=True)
    tick_direction = fields.Choice(TickDirection, data_key="tickDirection", empty=True)
    change_24h = optional_number("price24hPcnt")
    last_price = optional_number("lastPrice")
    prev_price_24h = optional_number("prevPrice24h")
    high_24h = optional_number("highPrice24h")
    low_24h = optional_number("lowPrice24h")
    prev_price_1h = optional_number("prevPrice1h")
    mark_price = optional_number("markPrice")
    index_price = optional_number("indexPrice")
    open_interest = optional_number("openInterest")
    open_interest_value = optional_number("openInterestValue")
    turnover_24h = optional_number("turnover24h")
    volume_24h = optional_number("volume24h")
    funding_interval_hours = fields.Whole(data_key="fundingIntervalHour", empty=True)
    funding_cap = optional_number("fundingCap")
    single_open_interest = optional_number("singleOpenInterest")
    single_open_interest_value = optional_number("singleOpenInterestValue")
    delivery_ms = fields.Moment(data_key="deliveryTime", empty=True)
    basis_rate = optional_number("basisRate")
    delivery_fee_rate = optional_number("deliveryFeeRate")
    predicted_delivery_price = optional_number("predictedDeliveryPrice")
    basis = optional_number("basis")
    basis_rate_year = optional_number("basisRateYear")
    next_funding_ms = fields.Moment(data_key="nextFundingTime", empty=True)
    funding_rate = optional_number("fundingRate")
    predicted_funding_rate = optional_number("predictedFundingRate")
    bid_price = optional_number("bid1Price")
    bid_size = optional_number("bid1Size")
    ask_price = optional_number("ask1Price")
    ask_size = optional_number("ask1Size")
    pre_open_price = optional_number("preOpenPrice")
    pre_quantity = optional_number("preQty")
    pre_listing_phase = fields.String(data_key="curPreListingPhase", empty=True)
    usd_index_price = optional_number("usdIndexPrice")


class TickerOptionV5(WireSchema):
    """Of options, which have names of their own for the same things.

    Source: https://bybit-exchange.github.io/docs/v5/websocket/public/ticker.
    """

    symbol = fields.String(required=True)
    bid_price = optional_number("bidPrice")
    bid_size = optional_number("bidSize")
    bid_volatility = optional_number("bidIv")
    ask_price = optional_number("askPrice")
    ask_size = optional_number("askSize")
    ask_volatility = optional_number("askIv")
    last_price = optional_number("lastPrice")
    high_24h = optional_number("highPrice24h")
    low_24h = optional_number("lowPrice24h")
    mark_price = optional_number("markPrice")
    index_price = optional_number("indexPrice")
    mark_volatility = optional_number("markPriceIv")
    underlying_price = optional_number("underlyingPrice")
    open_interest = optional_number("openInterest")
    turnover_24h = optional_number("turnover24h")
    volume_24h = optional_number("volume24h")
    total_volume = optional_number("totalVolume")
    total_turnover = optional_number("totalTurnover")
    delta = optional_number("delta")
    gamma = optional_number("gamma")
    vega = optional_number("vega")
    theta = optional_number("theta")
    predicted_delivery_price = optional_number("predictedDeliveryPrice")
    change_24h = optional_number("change24h")


def _scaled(places: int, key: str) -> legacy.Scaled:
    return legacy.Scaled(places, data_key=key, empty=True)


_PRICES = (
    *("last_price", "bid1_price", "ask1_price", "prev_price_24h", "prev_price_1h"),
    *("high_price_24h", "low_price_24h", "mark_price", "index_price", "expect_price"),
)
_VOLUMES = ("open_interest", "total_volume", "volume_24h")
_OTHERWISE = (
    *(Otherwise(key, f"{key}_e4", legacy.Scaled(4)) for key in _PRICES),
    *(Otherwise(key, f"{key}_e8", legacy.Scaled(8)) for key in _VOLUMES),
)


class TickerLegacy(WireSchema):
    """Of inverse perpetuals, dated inverse futures, and linear; any key may be absent (unchanged).

    Prices are texts since September 2021, before then integers of another name. Source: legacy
    manual, websocket pages of inverse perpetual, inverse futures and linear perpetual,
    "Instrument Info"; captures of all three.
    """

    symbol = fields.String(required=True)
    last_price = optional_number("last_price")
    bid_price = optional_number("bid1_price")
    ask_price = optional_number("ask1_price")
    tick_direction = fields.Choice(TickDirection, data_key="last_tick_direction", empty=True)
    prev_price_24h = optional_number("prev_price_24h")
    change_24h = _scaled(6, "price_24h_pcnt_e6")
    high_24h = optional_number("high_price_24h")
    low_24h = optional_number("low_price_24h")
    prev_price_1h = optional_number("prev_price_1h")
    change_1h = _scaled(6, "price_1h_pcnt_e6")
    mark_price = optional_number("mark_price")
    index_price = optional_number("index_price")
    open_interest = optional_number("open_interest")
    open_interest_value = _scaled(8, "open_value_e8")
    total_turnover = _scaled(8, "total_turnover_e8")
    turnover_24h = _scaled(8, "turnover_24h_e8")
    total_volume = optional_number("total_volume")
    volume_24h = optional_number("volume_24h")
    funding_rate = _scaled(6, "funding_rate_e6")
    predicted_funding_rate = _scaled(6, "predicted_funding_rate_e6")
    next_funding_ms = fields.Moment(data_key="next_funding_time", empty=True)
    funding_interval_hours = fields.Whole(data_key="funding_rate_interval", empty=True)
    delivery_ms = legacy.Nanoseconds(data_key="settle_time_e9", nothing=0)
    delivery_fee_rate = _scaled(8, "settle_fee_rate_e8")
    basis = _scaled(8, "fair_basis_e8")
    basis_rate = _scaled(8, "fair_basis_rate_e8")
    basis_rate_year = _scaled(8, "basis_in_year_e8")
    predicted_delivery_price = optional_number("expect_price")

    ignored: ClassVar[Mapping[str, str]] = {
        **{way.other: f"counts where {way.key} is missing" for way in _OTHERWISE},
        "id": "number of the instrument: its symbol tells it",
        "cross_seq": "may be older than that of the envelope: the order is that of frames",
        "created_at": "of the instrument: none of the market",
        "created_at_e9": "as created_at",
        "updated_at": "in whole seconds: the envelope has it finer",
        "updated_at_e9": "as updated_at",
        "countdown_hour": "follows from next_funding_time",
        "count_down_hour": "as countdown_hour, of linear",
        "time_to_settle": "follows from settle_time_e9",
        **dict.fromkeys(
            (
                *("symbol_name", "symbol_year", "contract_type", "coin", "quote_symbol", "mode"),
                *("is_up_borrowable", "import_time_e9", "start_trading_time_e9"),
                *("contract_status", "system_subsidy_e8", "delisting_status"),
            ),
            "of the instrument: none of the market",
        ),
    }


_OPTION = re.compile(r".*-[CP](-USDT)?")


def _option(symbol: str) -> str:
    if _OPTION.fullmatch(symbol) is None:
        raise ValueError(f"no option: {symbol}")
    return symbol


def _as_is(symbol: object, category: Category) -> str:
    return str(symbol)


_CATEGORIES: tuple[Category, ...] = ("inverse", "linear", "spot", "option")
_V5 = Wire(
    "tickers.{symbol}",
    TickerV5,
    changed=True,
    snapshot_first=True,
    goes_stale=True,
    also=(
        Wire(
            "tickers.{symbol}",
            TickerOptionV5,
            places={"symbol": Place(write=_as_is, read=_option)},
            changed=True,
            snapshot_first=True,
            goes_stale=True,
        ),
    ),
)


_LEGACY = Wire(
    "instrument_info.100ms.{symbol}",
    TickerLegacy,
    changed=True,
    snapshot_first=True,
    goes_stale=True,
    delta_in="update",
    envelope=LegacyKindEnvelope,
    otherwise=_OTHERWISE,
    categories=("inverse",),
)


def _state(renewal: Renewal, numbers: type) -> TickerState:
    return TickerState()


def _merged(state: TickerState, event: TickerUpdate) -> Ticker | None:
    return state.ticker


def _held(state: TickerState) -> Sequence[Ticker]:
    return () if state.ticker is None else (state.ticker,)


def _full(state: TickerState) -> Sequence[TickerUpdate]:
    update = state.full_update()
    return () if update is None else (update,)


TICKERS = StreamSpec(
    "tickers",
    Ticker,
    decoded=TickerUpdate,
    v5=_V5,
    legacy=_LEGACY,
    categories=_CATEGORIES,
    state=_state,
    emit=_merged,
    late=_held,
)
TICKER_UPDATES = StreamSpec(
    "ticker_updates",
    TickerUpdate,
    v5=_V5,
    legacy=_LEGACY,
    categories=_CATEGORIES,
    state=_state,
    late=_full,
)


def tickers(
    self: Opens, *symbols: str | Iterable[str], category: Category | None = None
) -> Stream[Ticker]:
    """The whole ticker after each update (100 ms; spot 50 ms); a late subscriber gets it at once.

    ``symbols``: one, several, or an iterable of them; none at all for every instrument of the
    category that trades, which follows listings and delistings (see ``Bybit(listings=)``).
    ``category``: read from the symbol when not given, inverse without one; spot must be said.
    Errors: ``ConfigurationError`` at the call for arguments that cannot be;
    ``SubscriptionRejected`` on the stream for a symbol that was named and the exchange does not
    know; one that was not named is left out, and ``status()`` says ``Rejected``.

    ::

        tickers("BTCUSD").subscribe(lambda ticker: print(ticker.bid_price, ticker.ask_price))
    """
    return self.open(TICKERS, symbols, category=category)


def ticker_updates(
    self: Opens, *symbols: str | Iterable[str], category: Category | None = None
) -> Stream[TickerUpdate]:
    """Each update of a ticker as it was sent; ``changed`` names what it says.

    Inverse and linear send a snapshot, then what changed; spot and option only snapshots. For
    a late subscriber it begins with one full update.
    Arguments and errors: see :func:`tickers`.

    ::

        ticker_updates("BTCUSD").subscribe(lambda update: print(sorted(update.changed)))
    """
    return self.open(TICKER_UPDATES, symbols, category=category)
