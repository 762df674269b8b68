"""Both decoding paths give the same, whatever a frame holds."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rxbybit.bookkeeping import BookText
from rxbybit.schema.compile import compile_frames
from rxbybit.schema.decoder import TopicDecoder
from rxbybit.streams import ORDER_BOOK
from tests.conformance import golden, golden_legacy
from tests.effort import examples
from tests.unit.schema.specs import (
    ELSEWHERE,
    INNER,
    NAMED,
    ODD,
    SPARSE,
    TIMED,
    Mapping,
    Odd,
    OddWire,
    Sparse,
    TextsWire,
    outcome,
)

T = TypeVar("T")

# JSON texts, as they stand in a frame
ODD_VALUES = [
    *("null", '""', '"1"', "1", "1.0", "1.5", '"1.5"', '"abc"', "-1", '"-1"', '"+1"'),
    *('"NaN"', '"nan"', '"-NaN"', '"sNaN"', '"NaN12"', '"\\u004eaN"', '" NaN"'),
    *('"Infinity"', '"-Infinity"', '"inf"', '"INF"', '"+inf"', '"\\u0069nf"'),
    *("true", "false", '"true"', '"null"', "[]", "{}", "[[]]", '" 1 "', '"1e3"', "1e2"),
    *('"１"', "1e400", '"1e400"', '"1e-400"', "-0", "-0.0", '"-0"', "0.10", '"0.10"'),
    *("123456789012345678901234567890", '"123456789012345678901234567890"'),
    *("9223372036854775808", "18446744073709551616", '"1_000"', '"__1"', '"0x10"'),
    *('"1e999999999999999999999"', "1e999999999999999999999", "1" + "0" * 5000),
    *('"Buy"', '"Sell"', '"buy"', '"Hold"', '"None"', '"\\u0042uy"', '"\\ud800"'),
    *('"a\\u0000b"', "0", '"0"', '"00012"', '"yes"', '"on"', '"A,B"', '","', '"A, B,"'),
    *('"😀"', '"\\ud83d\\ude00"', "253402300799999", "253402300800000"),
    *('"253402300799999"', '"253402300800000"', '"2026-12-25"', '"2026-12-25T08:00:00Z"'),
    *('"2026-12-25T08:00:00.25Z"', '"2026-13-25T08:00:00Z"', '"1969-12-31T23:59:59Z"'),
    *('"2026-12-25T08:00:00+01:00"', '"2026-12-25T08:00:00z"'),
    *('[["1","2"]]', '[["1","2"],["3","0"]]', "[[1,2]]", '[["1"]]', '[["1","2","3"]]'),
    *('[{"a":1}]', '[["1","NaN"]]', '[["inf","1"]]', '[["1","1e400"]]', '[["1",""]]'),
    *('[["1",null]]', '[[" 1 ","1"]]', '[["1_0","1"]]', "[[true,1]]", '["1","2"]'),
    *('[["\\u006ean","1"]]', '[["0x1","1"]]', '[["1e2","-0"]]', '[["-0.5","-0"]]'),
    *('[["INF","1"]]', '[["\\u002d0","1"]]', '[["1","1e-400"]]', '[["9007199254740993","1"]]'),
    '[["0.1","123456789.123456789"],["1e-7","1E+7"]]',
    *('[["1","0.000"]]', '[["1","+1"]]', '[["1",".5"]]', '[["1.","1."]]', '[["1","0."]]'),
    *('[["1","_-1"]]', '[["1","1.2.3"]]', '[["1","."]]', '[["1","00"],["2","010"]]'),
    *(f'[["{"1" * 40}.{"2" * 40}","3"]]', f'[["{"1" * 41}","3"]]', f'[["{"1" * 400}","3"]]'),
    *('{"A":"1"}', '{"A":1,"B":"0.10"}', '{"A":"NaN"}', '{"A":""}', '{"A":null}', '{"":"1"}'),
    *('{"A":"1","A":"2"}', '{"A":"1e400"}', '{"\\ud800":"1"}', '{"A":[]}', '{"A":"\xff"}'),
    *('[{"n":"x"}]', '[{"n":"x","amount":""}]', '[{"n":"x","amount":"NaN"}]', '[{"n":""}]'),
    *('[{"n":"x","amount":"0.10","more":1},{"n":"y","amount":null}]', '[{"amount":"1"}]'),
    *("1662350400120999", '"1662350400120999"', "1662350400", "-52517", '"-52517"', '"+5"'),
    *('"2"', "2", "0.0", '"0.00"', '"01"', '"-0.00"', "[null]", "[7]", '["x"]'),
]
FIELDS = {field.data_key or name for name, field in OddWire().declared.items()}
TEXTS = {field.data_key or name for name, field in TextsWire().declared.items()}


WIRES = {"v5": golden, "legacy": golden_legacy}
CASES = [(wire, *case) for wire, module in WIRES.items() for case in module.CASES]
SLOW = {"tickers", "order_book_updates"}
"""Streams that decode through marshmallow on the legacy wire."""


def both(run: Callable[[], T]) -> tuple[T, T]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RXBYBIT_DECODER", "msgspec")
        fast = run()
        patch.setenv("RXBYBIT_DECODER", "marshmallow")
        return fast, run()


def test_everything_here_is_compiled() -> None:
    for numbers in (Decimal, float):
        assert compile_frames(ODD.wire("v5"), Odd, Odd, numbers) is not None
        assert compile_frames(SPARSE.wire("v5"), Sparse, Sparse, numbers) is not None
        assert compile_frames(INNER.wire("v5"), Odd, Odd, numbers) is not None
        assert compile_frames(NAMED.wire("v5"), Odd, Odd, numbers) is not None
        assert compile_frames(TIMED.wire("v5"), Odd, Odd, numbers) is not None
        assert compile_frames(ELSEWHERE.wire("v5"), Mapping, Mapping, numbers) is not None
        for spec in (*golden.AS_SENT.values(), ORDER_BOOK):
            events = spec.event_of("snapshot"), spec.event_of("delta")
            for wire in (spec.wire("v5"), *spec.wire("v5").also):
                assert compile_frames(wire, *events, numbers, wire.from_topic) is not None
        for name, spec in golden_legacy.AS_SENT.items():
            events = spec.event_of("snapshot"), spec.event_of("delta")
            for wire in (spec.wire("legacy"), *spec.wire("legacy").also):
                made = compile_frames(wire, *events, numbers, wire.from_topic)
                assert (made is None) == (name in SLOW), name


def test_what_is_compiled_reads_what_the_legacy_wire_sends() -> None:
    """All but older forms, which have a key for another, and a lone object for a list."""
    older = [("trades", 1), ("insurance", 1), ("positions", 1), ("order_items", 1)]
    older.append(("order_items", 4))
    left: list[tuple[str, int]] = []
    for name, index in golden_legacy.CASES:
        if name in SLOW:
            continue
        spec, data = golden_legacy.AS_SENT[name], golden_legacy.frames(name)[index]
        topic = json.loads(data)["topic"]
        wire = spec.wire("legacy").at(topic)
        assert wire is not None
        places = wire.read(topic)
        assert places is not None
        given = tuple(places[place] for place in wire.from_topic)
        event = spec.event_of("snapshot")
        bind = compile_frames(wire, event, event, Decimal, given)
        assert bind is not None
        events = bind(topic, lambda *_: ())(data, 1, 1)
        if not events:
            left.append((name, index))
    assert left == older


@pytest.mark.parametrize("numbers", [Decimal, float])
@pytest.mark.parametrize("value", ODD_VALUES, ids=lambda text: text[:24])
def test_odd_values(value: str, numbers: type) -> None:
    for key in FIELDS:
        # what is empty is looked for without its spaces
        for spaced in (f'"{key}":{value}', f'"{key}" : {value}')[: 1 + (value == '""')]:
            data = f'{{"type":"delta","ts":5,"data":[{{{spaced}}}]}}'.encode()
            fast, slow = both(lambda data=data: outcome(ODD, data, numbers))
            assert fast == slow
    for key in TEXTS:
        for spaced in (f'"{key}":{value}', f'"{key}" : {value}'):
            data = f'{{"type":"delta","ts":5,"data":{{"t":"x",{spaced}}}}}'.encode()
            fast, slow = both(lambda data=data: outcome(SPARSE, data, numbers))
            assert fast == slow


# what could stand for a price or a size, as it stands in a frame
ODD_TEXTS = [
    *("", "0", "00", "0.", ".0", "0.0", "0.000", "-0", "+0", "0e5", ".", "..", "0..0", "0.0.1"),
    *("1", "1.", ".5", "1.5", "1.50", "01", "010", "0.05", "00.5", "1.2.3", "1..2", "1.2.", "10"),
    *("-1", "+1", " 1", "1 ", "1 2", "1_0", "1e3", "1E3", "0x1", "1,5", "1;5", "1/5", "abc"),
    *("NaN", "nan", "Infinity", "inf", "1e400", "1e-400", "１", "٣.٥", "²", "\\u0031", "1\\u0030"),
    *("\\u0000", "1\\n", '\\"', "[", "]", "[]", '\\",\\"1', "\\/", "1\\u002e5", "\\ud800"),
    *("1" * 40, "1" * 41, "1" * 81, "1" * 400, "0." + "0" * 40 + "1", "0." + "0" * 41 + "1"),
    *("1" * 40 + "." + "1" * 40, "1." + "1" * 41, "9" * 308, "9" * 309, "0." + "0" * 400 + "1"),
]


@pytest.mark.parametrize("text", ODD_TEXTS, ids=lambda text: text[:24])
@pytest.mark.parametrize(
    "frame",
    [
        '{"type":"delta","ts":5,"data":{"s":"X","b":%s,"a":[["7","8"]],"u":1,"seq":2}}',
        '{"type":"delta","ts":5,"data":{"s":"X","b":[["7","8"]],"a":%s,"u":1,"seq":2},"cts":4}',
        '{"type":"delta","ts":5,"data":{"s":"[]","b":[],"a":%s,"u":1,"seq":2},"more":[1]}',
        '{"type":"delta","ts":5,"data":{"b":[["7","8"]],"s":"X","b":%s,"a":[],"u":1,"seq":2}}',
        '{"type":"delta","ts":5,"data":{"b":%s,"s":"X","b":[["7","8"]],"a":[],"u":1,"seq":2}}',
        '{"type":"delta","ts":5,"data":{"s":"X","b":[],"a":[],"u":1,"seq":2,"b":%s}}',
        '{"type":"delta","ts":5,"x":%s,"data":{"s":"X","b":[["1","2"]],"a":[],"u":1,"seq":2}}',
    ],
)
def test_levels_that_stay_texts(frame: str, text: str) -> None:
    """Wherever they stand, and whatever lists there are beside them."""
    pairs = [f'["{text}","1"]', f'["1","{text}"]', f'["{text}","{text}"]', f'["9.5","{text}"]']
    cases = [
        levels
        for pair in pairs
        for levels in (f"[{pair}]", f'[["5","6"],{pair}]', f'[ {pair},["5","6"]]', pair)
    ]
    for levels in cases:
        for dot in ("", ".5"):  # where all other prices have one, another way is taken
            others = re.sub(r'\["([1-8])"', rf'["\1{dot}"', frame % levels)
            data = others.encode()
            case = "v5", "kept", "orderbook.50.X", data, Decimal
            fast, slow = both(lambda case=case: decoding(*case))
            if slow[2] or "ud800" not in text:  # that one passes where nobody reads it
                assert fast == slow, data


@pytest.mark.parametrize("value", ODD_VALUES, ids=lambda text: text[:24])
@pytest.mark.parametrize("key", ["type", "ts", "cts", "data"])
def test_odd_envelopes(key: str, value: str) -> None:
    envelope = {"type": '"snapshot"', "ts": "5", "cts": "6", "data": "[]"} | {key: value}
    data = ("{" + ",".join(f'"{k}":{v}' for k, v in envelope.items()) + "}").encode()
    fast, slow = both(lambda: outcome(ODD, data))
    assert fast == slow
    fast, slow = both(lambda: outcome(SPARSE, data.replace(b'"data":[]', b'"data":{"t":"x"}')))
    assert fast == slow


@pytest.mark.parametrize("value", ODD_VALUES, ids=lambda text: text[:24])
def test_odd_names_that_must_be_there(value: str) -> None:
    item = f'{{"must_be_named":{value}}}'
    fast, slow = both(lambda: outcome(NAMED, f'{{"type":"delta","ts":5,"data":[{item}]}}'.encode()))
    assert fast == slow


@pytest.mark.parametrize("value", ODD_VALUES, ids=lambda text: text[:24])
def test_odd_legacy_envelopes(value: str) -> None:
    for frame in (
        f'"timestamp_e6":{value},"data":[{{"t":"x"}}]',
        f'"timestamp_e6":1662350400120999,"data":{value}',
        f'"timestamp_e6":1662350400120999,"data":[{{"t":"x"}},{value}]',
        f'"data":[{{"t":"x"}}],"rxbybit sent":{value}',
    ):
        fast, slow = both(lambda frame=frame: outcome(TIMED, f"{{{frame}}}".encode()))
        assert fast == slow, frame
        bare = frame.replace('"timestamp_e6":1662350400120999,', "")
        fast, slow = both(lambda bare=bare: outcome(ELSEWHERE, f"{{{bare}}}".encode()))
        assert fast == slow, bare


@pytest.mark.parametrize("value", ODD_VALUES, ids=lambda text: text[:24])
@pytest.mark.parametrize(
    "key", ["time", "seconds", "price", "price_e4", "old", "older", "\\u0070rice_e4", "symbol"]
)
def test_odd_values_that_stand_elsewhere(key: str, value: str) -> None:
    for whole in ('"symbol":"ABC"', '"symbol":"ABC","time":5', '"symbol":"ABC","seconds":5'):
        data = f'{{"data":[{{{whole},"{key}":{value}}},{{"symbol":"D","time":6}}]}}'.encode()
        fast, slow = both(lambda data=data: outcome(ELSEWHERE, data))
        assert fast == slow, data


def test_what_is_found_elsewhere() -> None:
    def found(item: str) -> dict[str, str]:
        events, reports = outcome(ELSEWHERE, f'{{"data":[{{"symbol":"ABC",{item}}}]}}'.encode())
        assert reports == []
        names = ("length", "time", "price", "old")
        return {n: str(shown[1]) for n, shown in events if n in names and isinstance(shown, tuple)}

    for none in ("", ',"older":null'):
        some = found(f'"time":5,"price_e4":15000{none.replace("null", "7")}')
        old = "7" if none else "None"
        assert some == {"length": "3", "time": "5", "price": "Decimal('1.5000')", "old": old}
    assert found('"seconds":5,"price":"","price_e4":5')["time"] == "5000"
    assert found('"seconds":5,"price":"","price_e4":5')["price"] == "None", "it is there, and empty"
    assert found('"time":5,"\\u0070rice_e4":20000')["price"] == "Decimal('2.0000')"


@pytest.mark.parametrize("value", ODD_VALUES, ids=lambda text: text[:24])
def test_odd_private_envelopes(value: str) -> None:
    item = '{"held":[{"t":"x"}]}'
    for frame in (
        f'"creationTime":{value},"data":[{item}]',
        f'"creationTime":5,"data":{value}',
        f'"creationTime":5,"data":[{item},{value}]',
        f'"creationTime":5,"data":[{{"held":{value}}},{item}]',
        f'"creationTime":5,"data":[{{"held":[{{"t":"y"}},{value}]}},{item}]',
        f'"creationTime":5,"data":[{item}],"type":{value},"ts":{value},"cts":{value}',
        f'"creationTime":5,"data":[{item}],"rxbybit kind":{value},"rxbybit matched":{value}',
    ):
        fast, slow = both(lambda frame=frame: outcome(INNER, f"{{{frame}}}".encode()))
        assert fast == slow, frame


def test_the_table_tells_good_from_bad() -> None:
    """What the odd values come out as, on the path that counts."""
    good = {
        "number": ['"1.5"', "1.5", '"1e400"', '"0.10"', '" 1 "'],
        "whole": ["1", "-1", "-0"],
        "at": ["0", "253402300799999"],
        "moment": ['"0"', '"2026-12-25T08:00:00.25Z"', "253402300799999"],
        "spelled": ['"-1"', '"00012"', "1"],
        "flag": ["true", "false"],
        "side": ['"Buy"', '"Hold"', '"\\u0042uy"'],
        "t": ['"abc"', '"a\\u0000b"', '"😀"'],
        "names": ['""', '","', '"A,B"'],
        "levels": ["[]", '[["1","2"]]', "[[1,2]]"],
        "spelled_levels": ["[]", '[["1","2"]]', "[[1,2]]", '[["1e2","-0"]]', '[[" 1 ","1"]]'],
        "number_or_none": ["null", '""', '"1"'],
        "digit": ['"0"', '"1"', "0", "1"],
        "digit_or_none": ["null", '""', '"1"'],
        "amounts": ["{}", '{"A":"1"}', '{"A":1,"B":"0.10"}'],
        "amounts_or_none": ["null", '""', '{"A":"1"}'],
        "parts": ["[]", '[{"n":"x"}]', '[{"n":"x","amount":""}]'],
        "parts_or_none": ["null", '""', "[]"],
        "number_unless_zero": ['"1.5"', '"0.00"', "0"],
        "whole_unless_zero": ['"0"', "0", '""', "1"],
        "text_unless_abc": ['"abc"', '"NaN"'],
        "side_unless_hold": ['"Buy"', '"Hold"', '"buy"'],
    }
    bad = {
        "number": ["null", '""', '"NaN"', '"\\u004eaN"', '"-Infinity"', '"abc"', "true", "[]"],
        "whole": ["1.0", "1e2", '"1"', "true", "null"],
        "at": ["-1", "253402300800000", '"0"'],
        "moment": ['"2026-13-25T08:00:00Z"', '"1969-12-31T23:59:59Z"', '"1e3"', '""'],
        "spelled": ['"1_000"', '"１"', '"+1"', '" 1 "', '"1.5"', "1.0"],
        "flag": ["0", "1", '"true"', "null"],
        "side": ['""', "1", "null"],
        "t": ['""', "1", '"\\ud800"', "null"],
        "levels": ['[["1"]]', '[["1","2","3"]]', '[["1","NaN"]]', '[["1",""]]', "{}"],
        "spelled_levels": ['[["1"]]', '[["1","NaN"]]', '[["1",""]]', "{}", '[["1","1e400"]]'],
        "number_or_none": ['"NaN"', "false"],
        "digit": ['"2"', "2", '"01"', "true", '""', "null", "0.0"],
        "amounts": ["null", '""', "[]", '{"A":"NaN"}', '{"A":""}', '{"":"1"}', '{"A":null}'],
        "amounts_or_none": ['"x"', "[]"],
        "parts": ["null", '""', "{}", '[{"amount":"1"}]', '[{"n":"x","amount":"NaN"}]', "[7]"],
        "number_unless_zero": ["null", '""', '"NaN"'],
    }
    for expected, table in ((True, good), (False, bad)):
        for key, values in table.items():
            for value in values:
                data = f'{{"type":"delta","ts":5,"data":[{{"{key}":{value}}}]}}'.encode()
                events, reports = outcome(ODD, data)
                assert (bool(events), not reports) == (expected, expected), (key, value)


class Raw:
    """A piece of JSON text that goes into a frame as it is."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def written(value: object) -> str:
    match value:
        case Raw():
            return value.text
        case dict():
            return "{" + ",".join(f"{json.dumps(k)}:{written(v)}" for k, v in value.items()) + "}"
        case list():
            return "[" + ",".join(map(written, value)) + "]"
        case _:
            return json.dumps(value)


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:  # Any: JSON
    yield at
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from places(item, (*at, index))


RENAMED = ["x", "", "u", "symbol", "rxbybit meta", "S", "rxbybit sent", "timestamp_e6"]
RENAMED += ["update_time", "isolated", "walletBalance", "stop_order_id", "timestamp", "order_id"]
# An unknown key's number may be skipped by one path and refused by the other.
READABLE = [value for value in ODD_VALUES if "1e9999" not in value and "ud800" not in value]


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, str, str, bytes]:
    """A golden frame with some of its values replaced, dropped, doubled or renamed."""
    wire, name, index = draw(st.sampled_from(CASES))
    frame = json.loads(WIRES[wire].frames(name)[index])
    topic = frame["topic"]
    if name == "order_book_updates" and draw(st.booleans()):
        name = "kept"
    for _ in range(draw(st.integers(1, 3))):
        known = sorted(places(frame), key=repr)[1:]
        if not known:  # everything was dropped
            break
        where = draw(st.sampled_from(known))
        holder: Any = frame
        for step in where[:-1]:
            holder = holder[step]
        if isinstance(holder, Raw) or not where:
            continue
        match draw(st.sampled_from(["replace", "drop", "rename", "swap", "double"])):
            case "replace":
                holder[where[-1]] = Raw(draw(st.sampled_from(READABLE)))
            case "drop":
                del holder[where[-1]]
            case "rename" if isinstance(holder, dict):
                key = draw(st.sampled_from(RENAMED))
                holder[key] = holder.pop(where[-1])
            case "double" if isinstance(holder, list):
                holder.append(holder[where[-1]])
            case _:
                holder[where[-1]] = frame.get("type")
    return wire, name, topic, written(frame).encode()


# Any: compared only
def decoding(wire: str, name: str, topic: str, data: bytes, numbers: type) -> Any:
    reports: list[Any] = []
    spec = ORDER_BOOK if name == "kept" else WIRES[wire].AS_SENT[name]
    decoder = TopicDecoder(spec, wire, topic, numbers=numbers, report=reports.append)
    events = decoder.decode(data, 1, 2)
    # of what no user sees the class may be derived from the one that is said
    own = [type(e).__bases__[0] if type(e).__bases__ == (BookText,) else type(e) for e in events]
    shown = [
        [kind, *((n, type(getattr(e, n)), getattr(e, n)) for n in kind.__struct_fields__)]
        for kind, e in zip(own, events, strict=True)
    ]
    return shown, [str(event.meta) for event in events], [(r.messages, r.raw) for r in reports]


def test_what_stands_for_nothing() -> None:
    def attribute(key: str, value: str) -> str:
        events, _ = outcome(ODD, f'{{"type":"delta","ts":5,"data":[{{"{key}":{value}}}]}}'.encode())
        [(_, shown)] = [pair for pair in events if pair[0] == key]
        assert isinstance(shown, tuple)
        return str(shown[1])

    for key, nothing in {
        "number_unless_zero": ["0", '"0"', '"0.00"', '"-0.00"'],
        "whole_unless_zero": ["0", '"0"', '""', "null"],
        "text_unless_abc": ['"abc"'],
        "side_unless_hold": ['"Hold"'],
        "amounts_or_none": ["null", '""'],
        "parts_or_none": ["null", '""'],
    }.items():
        assert [attribute(key, value) for value in nothing] == ["None"] * len(nothing)
    assert attribute("whole_unless_zero", '"1"') == "1"
    assert attribute("digit", '"0"') == "False"
    assert attribute("number_unless_zero", '"0.01"') == "Decimal('0.01')"


@settings(max_examples=examples(300), suppress_health_check=[HealthCheck.too_slow])
@given(mutated(), st.sampled_from([Decimal, float]))
def test_mutated_golden_frames(case: tuple[str, str, str, bytes], numbers: type) -> None:
    fast, slow = both(lambda: decoding(*case, numbers))
    assert fast == slow


@settings(max_examples=examples(300), suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(CASES),
    st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=3), st.integers(0, 3)), max_size=4),
)
@example(("v5", "tickers", 0), [(0.5, b"", 3)])
def test_mutated_bytes(case: tuple[str, str, int], edits: list[tuple[float, bytes, int]]) -> None:
    """What marshmallow takes, both take alike; what is no JSON may pass where nobody reads it."""
    wire, name, index = case
    data = WIRES[wire].frames(name)[index]
    topic = json.loads(data)["topic"]
    for where, put, cut in edits:
        at = int(where * len(data))
        data = data[:at] + put + data[at + cut :]
    fast, slow = both(lambda: decoding(wire, name, topic, data, Decimal))
    broken = [report for report in slow[2] if isinstance(report[0], list)]
    if not broken:
        assert fast == slow
