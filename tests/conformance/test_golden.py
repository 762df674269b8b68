"""Each golden frame gives exactly its events, on both decoding paths."""

from __future__ import annotations

import json
import pickle
from decimal import Decimal

import msgspec
import pytest

from rxbybit.errors import DecodeError
from rxbybit.schema.decoder import TopicDecoder
from tests.conformance.golden import AS_SENT, CASES, EVENTS, frames
from tests.conformance.keys import unknown_keys


@pytest.fixture(params=["msgspec", "marshmallow"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("RXBYBIT_DECODER", request.param)
    return request.param


def _fail(error: DecodeError) -> None:
    pytest.fail(f"{error}")


def test_every_frame_has_its_events() -> None:
    assert {name: len(frames(name)) for name in AS_SENT} == {n: len(e) for n, e in EVENTS.items()}


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize(("name", "index"), CASES)
def test_events(name: str, index: int) -> None:
    data, expected = frames(name)[index], EVENTS[name][index]
    frame = json.loads(data)
    decoder = TopicDecoder(AS_SENT[name], "v5", frame["topic"], report=_fail)
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
        assert event.meta.sent_ms == frame.get("ts", frame.get("creationTime"))
        assert event.meta.matched_ms == frame.get("cts")
        assert (event.meta.received_ns, event.meta.connection) == (17, 3)
        assert (event.meta.backfilled, event.meta.gap) == (False, None)


IDENTITY = {"insurance": "coin", "balances": "coin", "account": "account_type"}


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize(("name", "index"), CASES)
def test_they_behave_as_if_written_by_hand(name: str, index: int) -> None:
    data, expected = frames(name)[index], EVENTS[name][index]
    decoder = TopicDecoder(AS_SENT[name], "v5", json.loads(data)["topic"], report=_fail)
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
    data = frames("trades")[0]
    decoder = TopicDecoder(AS_SENT["trades"], "v5", "publicTrade.BTCUSD", report=_fail)
    match decoder.decode(data, 17, 3)[0]:
        case EVENTS_TRADE(symbol="BTCUSD", price=price):
            assert price == Decimal("64210.50")
        case _:
            pytest.fail("no match")


EVENTS_TRADE = type(EVENTS["trades"][0][0])


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize(("name", "index"), CASES)
def test_floats(name: str, index: int) -> None:
    data, expected = frames(name)[index], EVENTS[name][index]
    topic = json.loads(data)["topic"]
    decoder = TopicDecoder(AS_SENT[name], "v5", topic, numbers=float, report=_fail)
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


@pytest.mark.parametrize(("name", "index"), CASES)
def test_no_key_is_unknown(name: str, index: int) -> None:
    frame = json.loads(frames(name)[index])
    wire = AS_SENT[name].wire("v5").at(frame["topic"])
    assert wire is not None
    assert unknown_keys(wire, frame) == set()


def test_an_unknown_key_is_noticed() -> None:
    frame = json.loads(frames("klines")[0])
    wire = AS_SENT["klines"].wire("v5")
    frame["surprise"] = 1
    frame["data"][1]["vwap"] = "1"
    assert unknown_keys(wire, frame) == {"surprise", "vwap"}
