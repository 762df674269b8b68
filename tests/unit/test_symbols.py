"""Reading the category from a symbol, and lists of symbols."""

from __future__ import annotations

from typing import Any

import pytest

from rxbybit.errors import ConfigurationError
from rxbybit.symbols import category_of, checked_category, read_symbols


@pytest.mark.parametrize(
    ("symbol", "category"),
    [
        ("BTCUSD", "inverse"),
        ("BTCUSDZ26", "inverse"),
        ("BTCUSDH23", "inverse"),
        ("BTCUSDT", "linear"),
        ("1000PEPEUSDT", "linear"),
        ("BTCPERP", "linear"),
        ("BTCUSDT-14AUG26", "linear"),
        ("BTC-24MAR23", "linear"),
        ("BTC-6JAN23", "linear"),
        ("BTC-27NOV26-100000-C", "option"),
        ("ETH-28FEB25-2800-P", "option"),
        ("XRP-28FEB25-2.5-P-USDT", "option"),
        ("BTC-13FEB25-89000-P-USDT", "option"),
    ],
)
def test_the_spelling_names_the_category(symbol: str, category: str) -> None:
    assert category_of(symbol) == category


@pytest.mark.parametrize("symbol", ["BTC", "USD", "ETHBTC", "BTCUSDX26", "BTC-USDT"])
def test_what_names_no_category_says_what_is_legal(symbol: str) -> None:
    with pytest.raises(ConfigurationError, match=r"names no category.*spot"):
        category_of(symbol)


@pytest.mark.parametrize("symbol", ["", "*", "BTC USD", "BTC/USDT"])
def test_what_no_category_has_is_not_sent_to_another_one(symbol: str) -> None:
    with pytest.raises(ConfigurationError, match=r"a symbol is upper-case letters.*BTCUSD") as told:
        category_of(symbol)
    assert "spot" not in str(told.value)


def test_lower_case_is_told_its_upper_case() -> None:
    with pytest.raises(ConfigurationError, match="'BTCUSD'"):
        category_of("btcusd")


@pytest.mark.parametrize(
    "symbol", ["BTC USD", "btcusd", "", "BTCUSD*", "trade.BTCUSD|X", 'A"B', "-A"]
)
def test_a_wrong_shape_is_refused_whatever_the_category(symbol: str) -> None:
    with pytest.raises(ConfigurationError, match="upper-case"):
        read_symbols((symbol,), "spot")


def test_a_given_category_wins_over_the_spelling() -> None:
    assert read_symbols(("BTCUSDT", "ETHBTC"), "spot") == [("spot", "BTCUSDT"), ("spot", "ETHBTC")]


def test_one_several_and_iterables_each_once_in_order() -> None:
    found = read_symbols(("BTCUSD", iter(["ETHUSDT", "BTCUSD"]), {"XRPUSD": 1}), None)
    assert found == [("inverse", "BTCUSD"), ("linear", "ETHUSDT"), ("inverse", "XRPUSD")]


def test_no_symbol_gives_none() -> None:
    assert read_symbols((), None) == []


@pytest.mark.parametrize("wrong", [[], (), iter(())])
def test_an_empty_iterable_is_a_mistake(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="at least one"):
        read_symbols((wrong,), None)


@pytest.mark.parametrize("wrong", [None, 1, [1], [None], b"BTCUSD"])
def test_what_is_no_text_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="a symbol is text"):
        read_symbols((wrong,), None)


def test_an_unknown_category_names_the_known() -> None:
    with pytest.raises(ConfigurationError, match="inverse, linear, spot, option"):
        checked_category("futures")
    with pytest.raises(ConfigurationError, match="'futures'"):
        read_symbols(("BTCUSD",), "futures")  # type: ignore[arg-type]
