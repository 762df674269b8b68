"""The list of instruments of a category, with all its pages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import ClassVar, cast

from marshmallow.exceptions import ValidationError
from msgspec import Struct

from rxbybit.config import Category
from rxbybit.errors import RequestRefused
from rxbybit.events import Meta
from rxbybit.instrument import ContractType, Instrument, InstrumentStatus
from rxbybit.rest.api import Query, RestApi
from rxbybit.schema import fields
from rxbybit.schema.fields import WireSchema
from rxbybit.schema.load import loader_of

__all__ = ["Look", "flat", "instruments", "look", "schema_of"]

PATH = "/v5/market/instruments-info"
BASE_COINS = ("BTC", "ETH", "SOL", "XRP", "DOGE", "MNT")
"""Coins with options: what the plain query covers the manual does not say."""
AT_ONCE = 25
"""How many items are read before other things of the loop have their turn: one takes 0.3 ms."""
NO_SUCH_PARAMETER = 10001

_PLAN = "how a pre-listing goes on; auction_phase says where it is"


class Flag(fields.WireField[bool]):
    """``"0"`` or ``"1"``."""

    complaint = "Not a flag."
    gives = bool

    def read(self, value: object) -> bool:
        if value in ("0", "1"):
            return value == "1"
        raise ValueError


class _Listed(WireSchema):
    """What all categories have; keys of objects within objects are written with a dot.

    Source: https://bybit-exchange.github.io/docs/v5/market/instrument.
    """

    symbol = fields.String(required=True)
    symbol_id = fields.Integer(data_key="symbolId", empty=True)
    status = fields.Choice(InstrumentStatus, required=True)
    base_coin = fields.String(required=True, data_key="baseCoin")
    quote_coin = fields.String(required=True, data_key="quoteCoin")
    symbol_type = fields.String(data_key="symbolType", empty=True)
    display_name = fields.String(data_key="displayName", empty=True)
    tick_size = fields.Decimal(required=True, data_key="priceFilter.tickSize")
    min_quantity = fields.Decimal(required=True, data_key="lotSizeFilter.minOrderQty")
    max_quantity = fields.Decimal(required=True, data_key="lotSizeFilter.maxOrderQty")
    price_limit_ratio_x = fields.Decimal(data_key="riskParameters.priceLimitRatioX", empty=True)
    price_limit_ratio_y = fields.Decimal(data_key="riskParameters.priceLimitRatioY", empty=True)


class _Dated(_Listed):
    settle_coin = fields.String(required=True, data_key="settleCoin")
    launch_ms = fields.Moment(data_key="launchTime", empty=True)
    delivery_ms = fields.Moment(data_key="deliveryTime", empty=True)
    delivery_fee_rate = fields.Decimal(data_key="deliveryFeeRate", empty=True)
    min_price = fields.Decimal(data_key="priceFilter.minPrice", empty=True)
    max_price = fields.Decimal(data_key="priceFilter.maxPrice", empty=True)
    quantity_step = fields.Decimal(required=True, data_key="lotSizeFilter.qtyStep")


class ContractV5(_Dated):
    """Of inverse and linear."""

    contract_type = fields.Choice(ContractType, required=True, data_key="contractType")
    price_scale = fields.Whole(data_key="priceScale", empty=True)
    min_leverage = fields.Decimal(data_key="leverageFilter.minLeverage", empty=True)
    max_leverage = fields.Decimal(data_key="leverageFilter.maxLeverage", empty=True)
    leverage_step = fields.Decimal(data_key="leverageFilter.leverageStep", empty=True)
    max_market_quantity = fields.Decimal(data_key="lotSizeFilter.maxMktOrderQty", empty=True)
    max_post_only_quantity = fields.Decimal(
        data_key="lotSizeFilter.postOnlyMaxOrderQty", empty=True
    )
    min_notional = fields.Decimal(data_key="lotSizeFilter.minNotionalValue", empty=True)
    unified_margin = fields.Boolean(data_key="unifiedMarginTrade", empty=True)
    funding_interval_minutes = fields.Integer(data_key="fundingInterval", empty=True)
    copy_trading = fields.String(data_key="copyTrading", empty=True)
    max_funding_rate = fields.Decimal(data_key="upperFundingRate", empty=True)
    min_funding_rate = fields.Decimal(data_key="lowerFundingRate", empty=True)
    forbids_withdrawal = fields.Boolean(data_key="forbidUplWithdrawal", empty=True)
    is_pre_listing = fields.Boolean(data_key="isPreListing", empty=True)
    auction_phase = fields.String(data_key="preListingInfo.curAuctionPhase", empty=True)

    ignored: ClassVar[Mapping[str, str]] = {
        "preListingInfo": "null where there is none",
        "preListingInfo.phases": _PLAN,
        "preListingInfo.auctionFeeInfo.auctionFeeRate": _PLAN,
        "preListingInfo.auctionFeeInfo.takerFeeRate": _PLAN,
        "preListingInfo.auctionFeeInfo.makerFeeRate": _PLAN,
    }


class OptionV5(_Dated):
    """Of options."""

    option_type = fields.String(required=True, data_key="optionsType")


class SpotV5(_Listed):
    """Of spot."""

    quantity_step = fields.Decimal(required=True, data_key="lotSizeFilter.basePrecision")
    quote_step = fields.Decimal(data_key="lotSizeFilter.quotePrecision", empty=True)
    min_notional = fields.Decimal(data_key="lotSizeFilter.minOrderAmt", empty=True)
    max_notional = fields.Decimal(data_key="lotSizeFilter.maxOrderAmt", empty=True)
    max_limit_quantity = fields.Decimal(data_key="lotSizeFilter.maxLimitOrderQty", empty=True)
    max_market_quantity = fields.Decimal(data_key="lotSizeFilter.maxMarketOrderQty", empty=True)
    max_post_only_quantity = fields.Decimal(
        data_key="lotSizeFilter.postOnlyMaxLimitOrderSize", empty=True
    )
    is_innovation = Flag(data_key="innovation", empty=True)
    is_special_treatment = Flag(data_key="stTag", empty=True)
    margin_trading = fields.String(data_key="marginTrading", empty=True)
    token_multiplier = fields.Decimal(data_key="xstockMultiplier", empty=True)


class Look(Struct, frozen=True):
    """One look at a list: what it holds by symbol, and the symbols of what does not decode."""

    instruments: Mapping[str, Instrument]
    unread: frozenset[str]
    meta: Meta
    """Of the last answer."""


async def instruments(api: RestApi, category: Category) -> list[Instrument]:
    """Every instrument of ``category`` that trades, perpetual and dated, of all pages.

    Errors: those of :meth:`RestApi.ask`. An item that does not decode is reported and left out.
    """
    return list((await look(api, category)).instruments.values())


async def look(api: RestApi, category: Category) -> Look:
    """The list of ``category`` as it is now. Errors: those of :meth:`RestApi.ask`."""
    found: dict[str, Instrument] = {}
    unread: set[str] = set()
    meta = Meta()
    for query in _queries(category):
        try:
            replies = await api.pages(PATH, query)
        except RequestRefused as error:
            if "baseCoin" in query and error.code == NO_SUCH_PARAMETER:
                continue  # a coin of our list that has no options (any more)
            raise
        for reply in replies:
            meta = Meta(topic=reply.path, sent_ms=reply.time_ms, received_ns=reply.received_ns)
            for index, item in enumerate(reply.rows):
                if index % AT_ONCE == 0:
                    await asyncio.sleep(0)
                try:
                    instrument = _read(api, category, meta, item)
                except ValidationError as error:
                    api.undecodable(PATH, item, error)
                    unread |= _symbol(item)
                else:
                    found.setdefault(instrument.symbol, instrument)
    return Look(found, frozenset(unread - found.keys()), meta)


def schema_of(category: Category) -> type[WireSchema]:
    """How the list of ``category`` spells its items."""
    return {"option": OptionV5, "spot": SpotV5}.get(category, ContractV5)


def flat(item: object, levels: int = 3) -> object:
    """``item`` without objects in objects: ``{"a": {"b": 1}}`` is ``{"a.b": 1}``."""
    if not isinstance(item, dict):
        return item
    keys: dict[str, object] = {}
    for key, value in cast("dict[str, object]", item).items():
        if isinstance(value, dict) and levels > 1:
            inner = cast("dict[str, object]", flat(cast("object", value), levels - 1))
            keys |= {f"{key}.{name}": held for name, held in inner.items()}
        else:
            keys[key] = value
    return keys


def _queries(category: Category) -> list[Query]:
    if category == "spot":  # has no pages
        return [{"category": category}]
    every = {"category": category, "limit": "1000"}
    of_coins = BASE_COINS if category == "option" else ()
    return [every, *({**every, "baseCoin": coin} for coin in of_coins)]


def _read(api: RestApi, category: Category, meta: Meta, item: object) -> Instrument:
    loader = loader_of(schema_of(category), api.numbers)
    # Any mapping will do for marshmallow, and it says so of anything else
    values = cast("dict[str, object]", loader.load(cast("dict[str, object]", flat(item))))
    for name in ("launch_ms", "delivery_ms"):
        values[name] = values.get(name) or None  # 0 is how the list says never
    make = cast("Callable[..., Instrument]", Instrument)
    return make(category=category, meta=meta, **values)


def _symbol(item: object) -> set[str]:
    symbol = cast("dict[str, object]", item).get("symbol") if isinstance(item, dict) else None
    return {symbol} if isinstance(symbol, str) else set()
