"""Each golden frame gives exactly its events, on both decoding paths."""

from __future__ import annotations

import json
import pickle
from decimal import Decimal
from types import ModuleType
from typing import Any

import msgspec
import pytest

from rxbybit.errors import DecodeError
from rxbybit.events import Event
from rxbybit.schema.decoder import TopicDecoder
from tests.conformance import golden, golden_legacy
from tests.conformance.keys import unknown_keys

WIRES = {"v5": golden, "legacy": golden_legacy}
CASES = [(wire, *case) for wire, module in WIRES.items() for case in module.CASES]


@pytest.fixture(params=["msgspec", "marshmallow"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("RXBYBIT_DECODER", request.param)
    return request.param


def _fail(error: DecodeError) -> None:
    pytest.fail(f"{error}")


def of(wire: str, name: str, index: int) -> tuple[bytes, tuple[Event, ...]]:
    return WIRES[wire].frames(name)[index], WIRES[wire].EVENTS[name][index]


def decoder_of(wire: str, name: str, topic: str, numbers: type = Decimal) -> TopicDecoder:
    return TopicDecoder(WIRES[wire].AS_SENT[name], wire, topic, numbers=numbers, report=_fail)


@pytest.mark.parametrize("module", WIRES.values(), ids=WIRES)
def test_every_frame_has_its_events(module: ModuleType) -> None:
    held = {name: len(module.frames(name)) for name in module.AS_SENT}
    assert held == {name: len(events) for name, events in module.EVENTS.items()}


# Any: JSON
def sent_ms(wire: str, name: str, index: int, frame: dict[str, Any]) -> int | None:
    if wire == "v5":
        return frame.get("ts", frame.get("creationTime"))
    known = golden_legacy.SENT_MS.get(name)
    return None if known is None else known[index]


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize(("wire", "name", "index"), CASES)
def test_events(wire: str, name: str, index: int) -> None:
    data, expected = of(wire, name, index)
    frame = json.loads(data)
    decoder = decoder_of(wire, name, frame["topic"])
    events = decoder.decode(data, 17, 3)
    assert tuple(events) == expected
    for event, known in zip(events, expected, strict=True):
        assert type(event) is type(known)
        assert repr(event) == repr(known) or name == "tickers"  # a frozenset has no order
        assert event.to_json() == known.to_json()
        assert hash(event) == hash(known)
        assert event.meta is events[0].meta
        assert event.meta.topic == frame["topic"]
        assert event.meta.kind == frame.get("type", "snapshot")
        assert event.meta.sent_ms == sent_ms(wire, name, index, frame)
        assert event.meta.matched_ms == frame.get("cts")
        assert (event.meta.received_ns, event.meta.connection) == (17, 3)
        assert (event.meta.backfilled, event.meta.gap) == (False, None)


IDENTITY = {"insurance": "coin", "balances": "coin", "account": "account_type"}


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize(("wire", "name", "index"), CASES)
def test_they_behave_as_if_written_by_hand(wire: str, name: str, index: int) -> None:
    data, expected = of(wire, name, index)
    decoder = decoder_of(wire, name, json.loads(data)["topic"])
    for event, known in zip(decoder.decode(data, 17, 3), expected, strict=True):
        copied = pickle.loads(pickle.dumps(event))
        assert (copied, copied.meta) == (event, event.meta)
        assert type(copied) is type(event)
        attribute = IDENTITY.get(name, "symbol")
        changed = msgspec.structs.replace(event, **{attribute: "Z"})
        assert changed == msgspec.structs.replace(known, **{attribute: "Z"})
        assert changed != known
        assert changed.meta is event.meta
        assert msgspec.json.decode(event.to_json())["event"] == type(known).__name__
        assert msgspec.structs.asdict(event) == {
            **msgspec.structs.asdict(known),
            "meta": event.meta,
        }
        with pytest.raises(AttributeError):
            event.meta = known.meta  # type: ignore[misc]


@pytest.mark.usefixtures("path")
def test_matching() -> None:
    data = golden.frames("trades")[0]
    decoder = decoder_of("v5", "trades", "publicTrade.BTCUSD")
    match decoder.decode(data, 17, 3)[0]:
        case EVENTS_TRADE(symbol="BTCUSD", price=price):
            assert price == Decimal("64210.50")
        case _:
            pytest.fail("no match")


EVENTS_TRADE = type(golden.EVENTS["trades"][0][0])


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize(("wire", "name", "index"), CASES)
def test_floats(wire: str, name: str, index: int) -> None:
    data, expected = of(wire, name, index)
    decoder = decoder_of(wire, name, json.loads(data)["topic"], float)
    for event, known in zip(decoder.decode(data, 17, 3), expected, strict=True):
        assert type(event) is type(known)
        for attribute in known.__struct_fields__:
            value, exact = getattr(event, attribute), getattr(known, attribute)
            if isinstance(exact, Decimal):
                assert type(value) is float
                assert value == float(exact)
            elif isinstance(exact, tuple) and attribute == "extra_fees":
                assert [fee.amount for fee in value] == [float(fee.amount) for fee in exact]
                assert all(type(fee.amount) is float for fee in value)
            elif isinstance(exact, tuple) and attribute == "fees":
                assert value == tuple((coin, float(amount)) for coin, amount in exact)
                assert all(type(amount) is float for _, amount in value)
            elif attribute in ("bids", "asks"):
                assert value == tuple((float(p), float(s)) for p, s in exact)
                assert all(type(number) is float for level in value for number in level)
            elif attribute != "meta":
                assert value == exact


@pytest.mark.parametrize(("wire", "name", "index"), CASES)
def test_no_key_is_unknown(wire: str, name: str, index: int) -> None:
    frame = json.loads(of(wire, name, index)[0])
    known = WIRES[wire].AS_SENT[name].wire(wire).at(frame["topic"])
    assert known is not None
    assert unknown_keys(known, frame) == set()


def test_an_unknown_key_is_noticed() -> None:
    frame = json.loads(golden.frames("klines")[0])
    wire = golden.AS_SENT["klines"].wire("v5")
    frame["surprise"] = 1
    frame["data"][1]["vwap"] = "1"
    assert unknown_keys(wire, frame) == {"surprise", "vwap"}
