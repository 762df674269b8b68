"""Specs and wires: what they refuse at import, and the topics they make."""

from __future__ import annotations

from decimal import Decimal

import pytest

from rxbybit.config import Category
from rxbybit.errors import ConfigurationError
from rxbybit.events import Event, Side, TickDirection
from rxbybit.schema import fields
from rxbybit.schema.fields import WireSchema
from rxbybit.schema.spec import Place, StreamSpec, Wire


class Thing(Event, frozen=True, kw_only=True):
    symbol: str
    price: Decimal
    side: Side | None = None
    depth: int = 0
    changed: frozenset[str] = frozenset()


class Good(WireSchema):
    symbol = fields.String(required=True)
    price = fields.Decimal(required=True)
    side = fields.Choice(Side, empty=True)


def spec(schema: type[WireSchema], **wire: object) -> StreamSpec[Thing]:
    return StreamSpec(
        "things",
        Thing,
        v5=Wire("thing.{symbol}", schema, **wire),  # type: ignore[arg-type]
        categories=("linear", "spot"),
    )


def test_a_good_one() -> None:
    assert repr(spec(Good)) == "<StreamSpec things>"


class Unknown(Good):
    volume = fields.Decimal()


class Meta(Good):
    meta = fields.String()


class NotRequired(WireSchema):
    symbol = fields.String(required=True)
    price = fields.Decimal()


class Missing(WireSchema):
    symbol = fields.String(required=True)


class WrongType(WireSchema):
    symbol = fields.String(required=True)
    price = fields.Integer(required=True)


class WrongEnum(Good):
    side = fields.Choice(TickDirection)


class EmptyWhereNoneIsNot(WireSchema):
    symbol = fields.String(required=True)
    price = fields.Decimal(required=True, empty=True)


class NothingWhereNoneIsNot(WireSchema):
    symbol = fields.String(required=True)
    price = fields.Decimal(required=True, nothing=0)


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (Unknown, "Thing has no attribute 'volume'"),
        (Meta, "Thing has no attribute 'meta'"),
        (NotRequired, "nothing always gives Thing.price"),
        (Missing, "nothing always gives Thing.price"),
        (WrongType, "WrongType.price does not give"),
        (WrongEnum, "WrongEnum.side does not give"),
        (EmptyWhereNoneIsNot, "EmptyWhereNoneIsNot.price does not give"),
        (NothingWhereNoneIsNot, "NothingWhereNoneIsNot.price does not give"),
    ],
)
def test_a_schema_that_does_not_fit(schema: type[WireSchema], said: str) -> None:
    with pytest.raises(TypeError, match=said):
        spec(schema)
    with pytest.raises(TypeError, match=said):
        spec(Good, also=(Wire("old.{symbol}", schema),))


def test_what_the_topic_gives() -> None:
    class NoSymbol(WireSchema):
        price = fields.Decimal(required=True)

    with pytest.raises(TypeError, match=r"nothing always gives Thing\.symbol"):
        spec(NoSymbol)
    spec(NoSymbol, from_topic=("symbol",))
    with pytest.raises(TypeError, match="has no attribute 'interval'"):
        spec(Good, from_topic=("interval",))
    with pytest.raises(TypeError, match=r"gives \['symbol'\] already"):
        spec(Good, from_topic=("symbol",))


def test_what_the_envelope_and_the_symbol_give() -> None:
    for given in ({"from_envelope": ("depth",)}, {"of_symbol": {"depth": len}}):
        spec(Good, **given)
    for given in ({"from_envelope": ("interval",)}, {"of_symbol": {"interval": len}}):
        with pytest.raises(TypeError, match="has no attribute 'interval'"):
            spec(Good, **given)
    for given in ({"from_envelope": ("price",)}, {"of_symbol": {"price": len}}):
        with pytest.raises(TypeError, match=r"gives \['price'\] already"):
            spec(Good, **given)

    class NoSymbol(WireSchema):
        price = fields.Decimal(required=True)

    with pytest.raises(TypeError, match="needs the symbol of each item"):
        spec(NoSymbol, from_topic=("symbol",), of_symbol={"depth": len})


def test_both_schemas_of_a_pair_must_fit() -> None:
    with pytest.raises(TypeError, match="Missing"):
        StreamSpec(
            "things",
            Thing,
            v5=Wire("thing.{symbol}", snapshot=Good, delta=Missing),
            categories=("linear",),
        )


def test_wires_that_cannot_be() -> None:
    for schemas in ({}, {"snapshot": Good}, {"schema": Good, "snapshot": Good, "delta": Good}):
        with pytest.raises(TypeError, match="give schema, or both"):
            Wire("thing.{symbol}", **schemas)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="inside goes with many"):
        Wire("thing.{symbol}", Good, inside="coin")
    with pytest.raises(TypeError, match="goes_stale goes with snapshot_first"):
        Wire("thing.{symbol}", Good, goes_stale=True)
    with pytest.raises(TypeError, match="delta_in goes with one item"):
        Wire("thing.{symbol}", Good, many=True, delta_in="update")
    for more in ({"many": True}, {"from_topic": ("symbol",)}):
        with pytest.raises(TypeError, match="changed goes with one item"):
            Wire("thing.{symbol}", Good, changed=True, **more)  # type: ignore[arg-type]


def test_which_schema_and_event_a_kind_has() -> None:
    class Other(Thing, frozen=True, kw_only=True):
        pass

    class Less(Good):
        pass

    pair = StreamSpec(
        "things",
        Thing,
        delta_event=Other,
        v5=Wire("thing.{symbol}", snapshot=Good, delta=Less),
        categories=("linear",),
    )
    wire = pair.wire("v5")
    assert (wire.schema_of("snapshot"), wire.schema_of("delta")) == (Good, Less)
    assert (pair.event_of("snapshot"), pair.event_of("delta")) == (Thing, Other)
    assert spec(Good).event_of("delta") is Thing


def _write(value: object, category: Category) -> str:
    if value != 5:
        raise ConfigurationError(f"depth {value!r}: 5")
    return f"5{category[0]}"


def _read(code: str) -> object:
    return int(code.rstrip("ls"))


DEEP = spec(
    Good,
    places={"depth": Place(write=_write, read=_read)},
    from_topic=("depth",),
)
DEEP_WIRE = Wire("thing.{depth}.{symbol}", Good, places=DEEP.wire("v5").places)


def test_topics_are_read() -> None:
    assert DEEP_WIRE.read("thing.5l.BTC-1JAN27-5-C") == {"depth": 5, "symbol": "BTC-1JAN27-5-C"}
    for other in ("thing.x.BTC", "thing.5", "thing.5.A.B", "xthing.5.A", "thingx5xA", "thing.5."):
        assert DEEP_WIRE.read(other) is None


def test_topics_are_written() -> None:
    deep = StreamSpec("things", Thing, v5=DEEP_WIRE, categories=("linear", "spot"))
    assert deep.topic("v5", "linear", "BTCUSDT", depth=5) == "thing.5l.BTCUSDT"
    assert deep.topic("v5", "spot", "BTCUSDT", depth=5) == "thing.5s.BTCUSDT"
    for wrong in ({}, {"depth": 6}):
        with pytest.raises(ConfigurationError, match=": 5"):
            deep.topic("v5", "linear", "BTCUSDT", **wrong)
    with pytest.raises(ConfigurationError, match="things: no parameter interval"):
        deep.topic("v5", "linear", "BTCUSDT", depth=5, interval="1m")
    with pytest.raises(ConfigurationError, match="inverse has none; there is linear, spot"):
        deep.topic("v5", "inverse", "BTCUSD", depth=5)
    with pytest.raises(ConfigurationError, match="no wire 'legacy'; there is v5"):
        deep.topic("legacy", "linear", "BTCUSDT", depth=5)


def test_other_spellings_are_found_by_their_topics() -> None:
    old = Wire("old.{symbol}", Good)
    wire = Wire("new.{symbol}", Good, also=(old,))
    assert wire.at("old.X") is old
    assert wire.at("new.X") is wire
    assert wire.at("newer.X") is None
