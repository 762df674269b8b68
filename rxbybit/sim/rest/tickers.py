"""``GET /v5/market/tickers`` (V5 manual, "Get Tickers")."""

from __future__ import annotations

from rxbybit.sim.market.feeds import Content
from rxbybit.sim.market.market import Market
from rxbybit.sim.market.pit import Pit
from rxbybit.sim.market.ticker import day_texts
from rxbybit.sim.rest.query import Query, category_of, pit_of
from rxbybit.sim.rest.refused import Refused

__all__ = ["tickers"]

_CONTRACT = (
    "symbol",
    "lastPrice",
    "indexPrice",
    "markPrice",
    "prevPrice24h",
    "price24hPcnt",
    "highPrice24h",
    "lowPrice24h",
    "prevPrice1h",
    "openInterest",
    "openInterestValue",
    "turnover24h",
    "volume24h",
    "fundingRate",
    "nextFundingTime",
    "predictedDeliveryPrice",
    "basisRate",
    "deliveryFeeRate",
    "deliveryTime",
    "ask1Size",
    "bid1Price",
    "ask1Price",
    "bid1Size",
    "basis",
    "preOpenPrice",
    "preQty",
    "curPreListingPhase",
    "fundingIntervalHour",
    "basisRateYear",
    "fundingCap",
)
_SPOT = (
    "symbol",
    "bid1Price",
    "bid1Size",
    "ask1Price",
    "ask1Size",
    "lastPrice",
    "prevPrice24h",
    "price24hPcnt",
    "highPrice24h",
    "lowPrice24h",
    "turnover24h",
    "volume24h",
    "usdIndexPrice",
)
_OPTION = (
    "symbol",
    "bid1Price",
    "bid1Size",
    "bid1Iv",
    "ask1Price",
    "ask1Size",
    "ask1Iv",
    "lastPrice",
    "highPrice24h",
    "lowPrice24h",
    "markPrice",
    "indexPrice",
    "markIv",
    "underlyingPrice",
    "openInterest",
    "turnover24h",
    "volume24h",
    "totalVolume",
    "totalTurnover",
    "delta",
    "gamma",
    "vega",
    "theta",
    "predictedDeliveryPrice",
    "change24h",
)
_OTHERWISE = {
    "bid1Price": "bidPrice",
    "bid1Size": "bidSize",
    "bid1Iv": "bidIv",
    "ask1Price": "askPrice",
    "ask1Size": "askSize",
    "ask1Iv": "askIv",
    "markIv": "markPriceIv",
}
"""What the topic calls it otherwise."""


def tickers(market: Market, query: Query) -> Content:
    """The whole ticker of one symbol, or of everything in the category."""
    category = category_of(query)
    if query.get("symbol"):
        pits = [pit_of(market, category, query)]
    elif category == "option" and not query.get("baseCoin"):
        raise Refused("params error: symbol or baseCoin is missing")
    else:
        pits = [pit for (where, _), pit in market.pits.items() if where == category]
    if category == "option":
        coin, expiry = query.get("baseCoin"), query.get("expDate")
        pits = [
            pit
            for pit in pits
            if (not coin or pit.instrument.base == coin)
            and (not expiry or pit.instrument.symbol.split("-")[1] == expiry)
        ]
        return {"category": category, "list": [_option_item(pit) for pit in pits]}
    return {"category": category, "list": [_item(pit, market.now_ms) for pit in pits]}


def _option_item(pit: Pit) -> Content:
    texts = pit.option_ticker()
    texts["symbol"] = pit.instrument.symbol
    return {key: texts[_OTHERWISE.get(key, key)] for key in _OPTION}


def _item(pit: Pit, ms: int) -> Content:
    one, book = pit.instrument, pit.book
    texts = pit.marks.texts(ms) | day_texts(one, pit.candles.day, pit.tape.last)
    texts["symbol"] = one.symbol
    for side, top in (("bid1", book.bids.top(1)), ("ask1", book.asks.top(1))):
        for price, lots in top:
            texts[f"{side}Price"], texts[f"{side}Size"] = one.price(price), one.size(lots)
    if one.category == "spot":
        texts["usdIndexPrice"] = texts["indexPrice"]
        return {key: texts.get(key, "") for key in _SPOT}
    texts["deliveryTime"] = str(one.delivery_ms or 0)
    if one.perpetual:
        texts["fundingIntervalHour"] = str(one.funding_minutes // 60)
        texts["fundingCap"] = "0.005"
    else:
        texts["deliveryFeeRate"] = "0.0005"
        texts["predictedDeliveryPrice"] = one.price(0)
    return {key: texts.get(key, "") for key in _CONTRACT}
