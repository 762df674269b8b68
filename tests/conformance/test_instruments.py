"""Lists of instruments: our own bodies give their events, recorded ones have no unknown key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest

from rxbybit.config import Category
from rxbybit.instrument import ContractType, Instrument, InstrumentStatus
from rxbybit.rest.instruments import flat, instruments, schema_of
from rxbybit.transport import Answer
from tests.unit.rest.desk import Desk
from tests.virtual import run

GOLDEN = Path(__file__).parent / "frames" / "v5" / "rest" / "instruments.jsonl"
BTCUSD = Instrument(
    category="inverse",
    symbol="BTCUSD",
    symbol_id=1,
    contract_type=ContractType.INVERSE_PERPETUAL,
    status=InstrumentStatus.TRADING,
    base_coin="BTC",
    quote_coin="USD",
    settle_coin="BTC",
    tick_size=D("0.50"),
    min_price=D("0.50"),
    max_price=D("1999999.00"),
    price_scale=2,
    quantity_step=D(1),
    min_quantity=D(1),
    max_quantity=D(25000000),
    max_market_quantity=D(5000000),
    max_post_only_quantity=D(25000000),
    min_leverage=D(1),
    max_leverage=D("100.00"),
    leverage_step=D("0.01"),
    funding_interval_minutes=480,
    max_funding_rate=D("0.00375"),
    min_funding_rate=D("-0.00375"),
    price_limit_ratio_x=D("0.01"),
    price_limit_ratio_y=D("0.02"),
    launch_ms=1542000000000,
    unified_margin=True,
    copy_trading="none",
    forbids_withdrawal=False,
    is_pre_listing=False,
)
LISTS: list[tuple[Category, list[Instrument]]] = [
    (
        "inverse",
        [
            BTCUSD,
            Instrument(
                **{n: getattr(BTCUSD, n) for n in BTCUSD.__struct_fields__}
                | {
                    "symbol": "BTCUSDZ26",
                    "symbol_id": 7,
                    "contract_type": ContractType.INVERSE_FUTURES,
                    "launch_ms": 1766736000000,
                    "delivery_ms": 1798185600000,
                    "delivery_fee_rate": D("0.0005"),
                    "funding_interval_minutes": 0,
                }
            ),
        ],
    ),
    (
        "linear",
        [
            Instrument(
                **{n: getattr(BTCUSD, n) for n in BTCUSD.__struct_fields__}
                | {
                    "category": "linear",
                    "symbol": "NEWUSDT",
                    "symbol_id": None,
                    "contract_type": ContractType.LINEAR_PERPETUAL,
                    "status": InstrumentStatus.PRE_LAUNCH,
                    "base_coin": "NEW",
                    "quote_coin": "USDT",
                    "settle_coin": "USDT",
                    "symbol_type": "innovation",
                    "is_pre_listing": True,
                    "auction_phase": "CallAuction",
                }
            )
        ],
    ),
    (
        "option",
        [
            Instrument(
                category="option",
                symbol="BTC-27NOV26-100000-C",
                option_type="Call",
                status=InstrumentStatus.TRADING,
                base_coin="BTC",
                quote_coin="USD",
                settle_coin="USDC",
                display_name="BTCUSDC-27NOV26-100000-C",
                tick_size=D(5),
                min_price=D(5),
                max_price=D(1110000),
                quantity_step=D("0.01"),
                min_quantity=D("0.01"),
                max_quantity=D(500),
                launch_ms=1782000000000,
                delivery_ms=1795766400000,
                delivery_fee_rate=D("0.00015"),
            )
        ],
    ),
    (
        "spot",
        [
            Instrument(
                category="spot",
                symbol="BTCUSDT",
                symbol_id=9,
                status=InstrumentStatus.TRADING,
                base_coin="BTC",
                quote_coin="USDT",
                tick_size=D("0.1"),
                quantity_step=D("0.000001"),
                quote_step=D("0.0000001"),
                min_quantity=D("0.000011"),
                max_quantity=D(83),
                max_limit_quantity=D(83),
                max_market_quantity=D("41.5"),
                max_post_only_quantity=D(60000),
                min_notional=D(5),
                max_notional=D(8000000),
                price_limit_ratio_x=D("0.005"),
                price_limit_ratio_y=D("0.01"),
                is_innovation=False,
                is_special_treatment=True,
                margin_trading="utaOnly",
                token_multiplier=D(1),
            )
        ],
    ),
]


def bodies() -> list[bytes]:
    return GOLDEN.read_bytes().splitlines()


def listed(body: bytes, category: Category) -> tuple[list[Instrument], Desk]:
    """What is made of one body as the only page there is."""

    async def main() -> tuple[list[Instrument], Desk]:
        desk = Desk()
        answer = {**json.loads(body)}
        answer["result"]["nextPageCursor"] = ""
        desk.always = lambda url: Answer(200, {}, json.dumps(answer).encode())
        return await instruments(desk.api(), category), desk

    return run(main())


def unknown_keys(item: object, category: Category) -> set[str]:
    schema = schema_of(category)
    mapped = {field.data_key or name for name, field in schema().declared.items()}
    assert not mapped & set(schema.ignored)
    assert all(schema.ignored.values())
    keys = flat(item)
    assert isinstance(keys, dict)
    return set(keys) - mapped - set(schema.ignored)


@pytest.mark.parametrize("index", range(len(LISTS)))
def test_golden_bodies(index: int) -> None:
    category, expected = LISTS[index]
    found, desk = listed(bodies()[index], category)
    assert found == expected
    assert [repr(i) for i in found] == [repr(i) for i in expected]
    assert desk.statuses == []
    for instrument in found:
        assert instrument.meta.sent_ms == 1784000000123
        assert instrument.meta.topic == "/v5/market/instruments-info"
        assert instrument.meta.received_ns > 0


@pytest.mark.parametrize("index", range(len(LISTS)))
def test_golden_bodies_have_no_unknown_key(index: int) -> None:
    category, _ = LISTS[index]
    for item in json.loads(bodies()[index])["result"]["list"]:
        assert unknown_keys(item, category) == set()


def test_an_unknown_key_is_noticed() -> None:
    item = json.loads(bodies()[0])["result"]["list"][0]
    item["surprise"] = 1
    item["priceFilter"]["maxTick"] = "1"
    assert unknown_keys(item, "inverse") == {"surprise", "priceFilter.maxTick"}


def recorded(frames: Path) -> Iterator[tuple[Category, bytes]]:
    for body in (frames / "v5" / "rest_instruments_info.jsonl").read_bytes().splitlines():
        result = json.loads(body)["result"]
        first = result["list"][0]
        contract = "inverse" if first.get("contractType", "").startswith("Inverse") else "linear"
        yield result.get("category", contract), body


def test_recorded_bodies(frames: Path) -> None:
    seen = 0
    for category, body in recorded(frames):
        items = json.loads(body)["result"]["list"]
        assert [unknown_keys(item, category) for item in items] == [set()] * len(items)
        found, desk = listed(body, category)
        assert desk.statuses == []
        assert [i.symbol for i in found] == [item["symbol"] for item in items]
        for item, instrument in zip(items, found, strict=True):
            assert f"{instrument.tick_size:f}" == item["priceFilter"]["tickSize"]
            assert instrument.status.known
            assert instrument.contract_type is None or instrument.contract_type.known
            steps: dict[str, Any] = item["lotSizeFilter"]
            assert str(instrument.quantity_step) == steps.get("qtyStep", steps.get("basePrecision"))
            assert str(instrument.max_quantity) == steps["maxOrderQty"]
            assert instrument.delivery_ms != 0
            assert instrument.launch_ms != 0
            seen += 1
    assert seen == 15


def test_every_attribute_is_given_by_some_category() -> None:
    given = {n for c in ("inverse", "option", "spot") for n in schema_of(c)().declared}
    assert set(Instrument.__struct_fields__) - given == {"meta", "category"}
