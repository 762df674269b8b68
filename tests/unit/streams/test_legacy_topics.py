"""The topics of the legacy wire: of one symbol, of all, and what it does not have."""

from __future__ import annotations

from typing import Any

import pytest

from rxbybit.config import Category
from rxbybit.errors import ConfigurationError
from rxbybit.protocol.legacy import Legacy
from rxbybit.schema.spec import StreamSpec
from rxbybit.streams import SPECS, find_specs
from rxbybit.streams.insurance import INSURANCE
from rxbybit.streams.kline import CLOSED_KLINES, KLINES
from rxbybit.streams.liquidation import LIQUIDATIONS
from rxbybit.streams.order import ORDER_ITEMS, ORDERS, STOP_ORDERS
from rxbybit.streams.orderbook import ORDER_BOOK, ORDER_BOOK_25, ORDER_BOOK_UPDATES
from rxbybit.streams.position import POSITIONS
from rxbybit.streams.ticker import TICKER_UPDATES, TICKERS
from rxbybit.streams.trade import TRADES
from rxbybit.streams.user_trade import USER_TRADES
from rxbybit.streams.wallet import ACCOUNT, BALANCES

Topics = list[tuple[StreamSpec[Any], dict[str, Any], str]]
PUBLIC: Topics = [
    (TRADES, {}, "trade.{}"),
    (TICKERS, {}, "instrument_info.100ms.{}"),
    (TICKER_UPDATES, {}, "instrument_info.100ms.{}"),
    (KLINES, {"interval": "1m"}, "klineV2.1.{}"),
    (KLINES, {"interval": "12h"}, "klineV2.720.{}"),
    (CLOSED_KLINES, {"interval": "1M"}, "klineV2.M.{}"),
    (LIQUIDATIONS, {}, "liquidation.{}"),
    (INSURANCE, {}, "insurance.{}"),
    *(
        (spec, {"depth": depth}, topic)
        for spec in (ORDER_BOOK, ORDER_BOOK_25, ORDER_BOOK_UPDATES)
        for depth, topic in (
            (None, "orderBookL2_25.{}"),
            (25, "orderBookL2_25.{}"),
            (200, "orderBook_200.100ms.{}"),
        )
    ),
]
PRIVATE: list[tuple[StreamSpec[Any], str]] = [
    (POSITIONS, "position"),
    (USER_TRADES, "execution"),
    (ORDERS, "order"),
    (ORDER_ITEMS, "order"),
    (STOP_ORDERS, "stop_order"),
    (BALANCES, "wallet"),
]


@pytest.mark.parametrize("symbol", ["BTCUSD", "BTCUSDZ22", "*"])
@pytest.mark.parametrize(("spec", "params", "topic"), PUBLIC)
def test_public_topics(
    spec: StreamSpec[Any], params: dict[str, Any], topic: str, symbol: str
) -> None:
    made = spec.topic("legacy", "inverse", symbol, **params)
    assert made == topic.format(symbol)
    assert Legacy().covering(made) == (None if symbol == "*" else topic.format("*"))
    assert spec.wire("legacy").at(made) is not None


@pytest.mark.parametrize(("spec", "topic"), PRIVATE)
def test_private_topics(spec: StreamSpec[Any], topic: str) -> None:
    assert spec.topic("legacy", "inverse", "") == topic
    assert Legacy().covering(topic) is None


def test_only_the_account_has_none() -> None:
    assert [spec for spec in SPECS if spec.legacy is None] == [ACCOUNT]
    with pytest.raises(ConfigurationError, match="account: no wire 'legacy'; there is v5"):
        ACCOUNT.topic("legacy", "inverse", "")


@pytest.mark.parametrize("category", ["linear", "spot", "option"])
@pytest.mark.parametrize(
    "spec", [*dict.fromkeys(spec for spec, *_ in PUBLIC), *(spec for spec, _ in PRIVATE)]
)
def test_another_category_than_inverse_is_refused(
    spec: StreamSpec[Any], category: Category
) -> None:
    with pytest.raises(ConfigurationError, match="there is inverse"):
        spec.topic("legacy", category, "BTCUSDT")
    if category in spec.categories:
        wire = f"{spec.name}: the wire 'legacy' has no {category}; there is inverse$"
        with pytest.raises(ConfigurationError, match=wire):
            spec.topic("legacy", category, "BTCUSDT")


@pytest.mark.parametrize("depth", [1, 50, 100, 1000, 0, "25", True, 25.0, "L2_25"])
@pytest.mark.parametrize("spec", [ORDER_BOOK, ORDER_BOOK_25, ORDER_BOOK_UPDATES])
def test_another_depth_than_25_or_200_is_refused(spec: StreamSpec[Any], depth: object) -> None:
    with pytest.raises(ConfigurationError, match=f"depth {depth!r}: the legacy wire has 25, 200"):
        spec.topic("legacy", "inverse", "BTCUSD", depth=depth)


@pytest.mark.parametrize(
    ("topic", "specs"),
    [
        ("trade.BTCUSD", (TRADES,)),
        ("trade.*", (TRADES,)),
        ("instrument_info.100ms.BTCUSDT", (TICKER_UPDATES,)),
        ("klineV2.1.BTCUSD", (KLINES,)),
        ("candle.1.BTCUSDT", (KLINES,)),
        ("orderBookL2_25.BTCUSD", (ORDER_BOOK_UPDATES,)),
        ("orderBook_200.100ms.BTCUSD", (ORDER_BOOK_UPDATES,)),
        ("liquidation.BTCUSD", (LIQUIDATIONS,)),
        ("insurance.BTC", (INSURANCE,)),
        ("position", (POSITIONS,)),
        ("execution", (USER_TRADES,)),
        ("order", (ORDER_ITEMS,)),
        ("stop_order", (ORDER_ITEMS,)),
        ("wallet", (BALANCES,)),
        *(
            (topic, ())
            for topic in (
                *("trade", "publicTrade.BTCUSD", "klineV2.2.BTCUSD", "kline.BTCUSD.1m"),
                *("orderBookL2_50.BTCUSD", "orderBook_200.BTCUSD", "orderbook.50.BTCUSD"),
                *("orderBook_200.100ms", "orderBookL2_25.100ms.BTCUSD", "position.inverse"),
                *("instrument_info.BTCUSD", "trade.A.B", "orderBook_200x100ms.BTCUSD"),
            )
        ),
    ],
)
def test_which_topics_are_whose(topic: str, specs: tuple[StreamSpec[Any], ...]) -> None:
    assert find_specs(topic, "legacy") == specs
