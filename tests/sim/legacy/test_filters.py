"""What the ``args`` of a subscription mean, as the page has them."""

from __future__ import annotations

import pytest

from rxbybit.sim.legacy.filters import KINDS, BadFilterError, covers, plain_filters

KNOWN = ["trade.BTCUSD", "trade.ETHUSD", "orderBook_200.100ms.BTCUSD", "klineV2.1.BTCUSD"]
KNOWN += ["insurance.BTC", "candle.1.BTCUSDT"]


@pytest.mark.parametrize(
    ("arg", "plain"),
    [
        ("trade.BTCUSD", ["trade.BTCUSD"]),
        ("trade.BTCUSD|ETHUSD", ["trade.BTCUSD", "trade.ETHUSD"]),
        ("trade.*", ["trade.*"]),
        ("trade", ["trade.*"]),
        ("trade.BTCUSD|*", ["trade.BTCUSD", "trade.*"]),
        ("orderBook_200.100ms.BTCUSD", ["orderBook_200.100ms.BTCUSD"]),
        ("orderBook_200.100ms", ["orderBook_200.100ms.*"]),
        ("instrument_info.100ms.*", ["instrument_info.100ms.*"]),
        ("klineV2.1.*", ["klineV2.1.*"]),
        ("klineV2.M", ["klineV2.M.*"]),
        ("insurance.BTC", ["insurance.BTC"]),
        ("liquidation", ["liquidation.*"]),
        ("stop_order", ["stop_order"]),
        ("candle.1.*", ["candle.1.*"]),
    ],
)
def test_plain(arg: str, plain: list[str]) -> None:
    assert plain_filters(arg, KNOWN) == plain


@pytest.mark.parametrize(
    ("arg", "named"),
    [
        ("trade.NOPE", "trade.NOPE"),
        ("trade.BTCUSD|NOPE", "trade.NOPE"),
        ("trade.", "trade."),
        ("trade.btcusd", "trade.btcusd"),
        ("insurance.BTCUSD", "insurance.BTCUSD"),
        ("klineV2.7.BTCUSD", "klineV2.7.BTCUSD"),
        ("instrument_info.BTCUSD", "instrument_info.BTCUSD"),
        ("publicTrade.BTCUSD", "publicTrade.BTCUSD"),
        ("order.BTCUSD", "order.BTCUSD"),
        ("order.*", "order.*"),
        ("*", "*"),
        ("", ""),
    ],
)
def test_refused(arg: str, named: str) -> None:
    with pytest.raises(BadFilterError) as refused:
        plain_filters(arg, KNOWN)
    assert str(refused.value) == named


def test_every_kind_has_a_wildcard_though_nothing_is_there() -> None:
    for kind in KINDS:
        assert plain_filters(f"{kind}.*", ()) == plain_filters(kind, ()) == [f"{kind}.*"]


def test_what_a_filter_covers() -> None:
    assert covers("trade.BTCUSD", "trade.BTCUSD")
    assert covers("trade.*", "trade.BTCUSD")
    assert covers("klineV2.1.*", "klineV2.1.BTCUSD")
    assert not covers("klineV2.1.*", "klineV2.15.BTCUSD")
    assert not covers("trade.BTCUSD", "trade.*")
    assert not covers("trade.BTCUSD", "trade.ETHUSD")
    assert covers("order", "order")
