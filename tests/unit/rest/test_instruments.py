"""Reading the list of instruments: queries, pages, what does not decode."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rxbybit.config import Category
from rxbybit.errors import RequestRefused
from rxbybit.events import DecodeFailed
from rxbybit.rest.instruments import AT_ONCE, BASE_COINS, instruments, look
from rxbybit.transport import Answer
from tests.unit.rest.desk import Desk, good, query_of
from tests.virtual import run


def contract(symbol: str, **changes: Any) -> dict[str, Any]:
    """An item of the list of inverse or linear, with what must be there."""
    return {
        "symbol": symbol,
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "baseCoin": "BTC",
        "quoteCoin": "USDT",
        "settleCoin": "USDT",
        "priceFilter": {"tickSize": "0.1"},
        "lotSizeFilter": {"minOrderQty": "1", "maxOrderQty": "10", "qtyStep": "1"},
        **changes,
    }


def option(symbol: str) -> dict[str, Any]:
    return {**contract(symbol), "optionsType": "Call"}


@pytest.mark.parametrize(
    ("category", "expected"),
    [
        ("inverse", [{"category": "inverse", "limit": "1000"}]),
        ("linear", [{"category": "linear", "limit": "1000"}]),
        ("spot", [{"category": "spot"}]),
        (
            "option",
            [
                {"category": "option", "limit": "1000"},
                *({"category": "option", "limit": "1000", "baseCoin": c} for c in BASE_COINS),
            ],
        ),
    ],
)
def test_what_is_asked(category: Category, expected: list[dict[str, str]]) -> None:
    async def main() -> None:
        desk = Desk()
        desk.always = lambda url: good()
        assert await instruments(desk.api(), category) == []
        assert [query_of(url) for url in desk.urls] == expected

    run(main())


def test_every_page_is_read() -> None:
    async def main() -> None:
        pages = [[f"S{n}{i}" for i in range(n)] for n in (3, 1, 4)]
        desk = Desk(
            good({"list": [contract(s) for s in pages[0]], "nextPageCursor": "1"}),
            good({"list": [contract(s) for s in pages[1]], "nextPageCursor": "2"}),
            good({"list": [contract(s) for s in pages[2]], "nextPageCursor": ""}),
        )
        found = await instruments(desk.api(), "linear")
        assert [i.symbol for i in found] == [s for page in pages for s in page]

    run(main())


def test_options_of_all_coins_are_merged() -> None:
    of_coin = {
        None: ["BTC-1-C", "ETH-1-C"],
        "BTC": ["BTC-1-C", "BTC-2-C"],
        "SOL": ["SOL-1-C"],
    }

    def answer(url: str) -> Any:
        coin = query_of(url).get("baseCoin")
        if coin == "MNT":
            return good({}, retCode=10001, retMsg="no such coin")
        return good({"list": [option(s) for s in of_coin.get(coin, [])]})

    async def main() -> None:
        desk = Desk()
        desk.always = answer
        found = await instruments(desk.api(), "option")
        assert [i.symbol for i in found] == ["BTC-1-C", "ETH-1-C", "BTC-2-C", "SOL-1-C"]
        assert desk.statuses == []

    run(main())


@pytest.mark.parametrize(("coin", "code"), [("BTC", 10005), (None, 10001)])
def test_a_refusal_that_is_not_about_a_coin_ends_it(coin: str | None, code: int) -> None:
    async def main() -> None:
        desk = Desk()
        desk.always = lambda url: (
            good({}, retCode=code, retMsg="no") if query_of(url).get("baseCoin") == coin else good()
        )
        with pytest.raises(RequestRefused):
            await instruments(desk.api(), "option")

    run(main())


@pytest.mark.parametrize(
    "broken",
    [
        contract("BAD", priceFilter={}),
        contract("BAD", priceFilter={"tickSize": "NaN"}),
        contract("BAD", status=""),
        contract("BAD", launchTime="soon"),
        contract("BAD", innovation="?", priceFilter=None),
    ],
)
def test_an_item_that_does_not_decode_costs_itself(broken: Any) -> None:
    async def main() -> None:
        desk = Desk(good({"list": [contract("A"), broken, 5, contract("B")]}))
        seen = await look(desk.api(), "linear")
        assert list(seen.instruments) == ["A", "B"]
        assert seen.unread == {"BAD"}
        first, second = desk.statuses
        assert isinstance(first, DecodeFailed)
        assert isinstance(second, DecodeFailed)
        assert "BAD" in first.raw
        assert first.topic == "/v5/market/instruments-info"

    run(main())


def test_a_long_list_lets_others_have_their_turn() -> None:
    async def main() -> None:
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        async def get(
            url: str, headers: object = None
        ) -> Answer:  # at once: virtual time stands still while others run
            return good({"list": [contract(f"S{n}") for n in range(AT_ONCE * 20)]})

        desk = Desk()
        desk.get = get
        beside = asyncio.create_task(other())
        assert len(await instruments(desk.api(), "linear")) == AT_ONCE * 20
        assert turns >= 19
        beside.cancel()

    run(main())


def test_numbers_are_what_the_client_wants() -> None:
    async def main() -> None:
        desk = Desk(good({"list": [contract("A")]}))
        (found,) = await instruments(desk.api(numbers=float), "linear")
        assert type(found.tick_size) is float

    run(main())
