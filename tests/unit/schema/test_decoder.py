"""TopicDecoder: what it makes of bad input, and which path it takes."""

from __future__ import annotations

import inspect
import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from rxbybit.errors import ConfigurationError, DecodeError
from rxbybit.events import Side
from rxbybit.schema import compile as compiling
from rxbybit.schema import decoder as decoding
from rxbybit.schema import levels as book_levels
from rxbybit.schema import written
from rxbybit.schema.decoder import TopicDecoder
from rxbybit.schema.load import Loader
from rxbybit.streams.orderbook import ORDER_BOOK
from rxbybit.streams.ticker import TICKER_UPDATES
from rxbybit.streams.trade import TRADES
from rxbybit.streams.wallet import ACCOUNT
from tests.conformance.golden import AS_SENT, EVENTS, frames
from tests.unit.schema.specs import INNER, ODD, SPARSE

TOPIC = "publicTrade.BTCUSD"


@pytest.fixture(params=["msgspec", "marshmallow"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("RXBYBIT_DECODER", request.param)
    return request.param


@pytest.fixture
def no_marshmallow(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(self: Loader, data: bytes, received_ns: int, connection: int | None) -> None:
        pytest.fail(f"went through marshmallow: {data!r}")

    monkeypatch.setattr(Loader, "load", load)


class Trades:
    """A decoder of trades with what it reported."""

    def __init__(self) -> None:
        self.reports: list[DecodeError] = []
        self._decoder = TopicDecoder(TRADES, "v5", TOPIC, report=self.reports.append)

    def decode(self, data: bytes) -> list[Any]:  # Any: trades, as a rule
        return list(self._decoder.decode(data, 1, 2))


def trade(**changes: Any) -> dict[str, Any]:  # Any: JSON
    item = {"T": 5, "s": "BTCUSD", "S": "Buy", "v": "1", "p": "2", "i": "id"} | changes
    return {key: value for key, value in item.items() if value is not ...}


def framed(*items: object, **changes: object) -> bytes:
    return json.dumps({"type": "snapshot", "ts": 6, "data": items} | changes).encode()


@pytest.mark.usefixtures("path")
def test_a_bad_item_costs_that_item() -> None:
    trades = Trades()
    data = framed(trade(i="a"), trade(p="no"), trade(i="b"), trade(T=..., v=None), trade(i="c"))
    events = trades.decode(data)
    assert [event.id for event in events] == ["a", "b", "c"]
    assert len({id(event.meta) for event in events}) == 1
    assert [report.messages for report in trades.reports] == [
        {"data": {1: {"p": ["Not a valid number."]}}},
        {"data": {3: {"T": ["Missing data for required field."], "v": ["Field may not be null."]}}},
    ]
    assert all(report.topic == TOPIC for report in trades.reports)
    assert all(report.raw == data.decode() for report in trades.reports)


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("item", [7, "x", None, [], [1]])
def test_an_item_that_is_no_object(item: object) -> None:
    trades = Trades()
    assert len(trades.decode(framed(trade(), item))) == 1
    assert [r.messages for r in trades.reports] == [
        {"data": {1: {"_schema": ["Invalid input type."]}}}
    ]


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", ["Not JSON: Expecting value: line 1 column 1 (char 0)."]),
        (b"{", "Not JSON"),
        (framed(trade())[:-1], "Not JSON"),
        (framed(trade()) + b"x", "Not JSON"),
        (b'{"type":"snapshot","ts":NaN,"data":[]}', "NaN"),
        (b'\xff{"type":"snapshot"}', ["Not UTF-8: invalid start byte at byte 0."]),
        (framed(trade()).decode().encode("utf-16"), "Not UTF-8"),
        (b"\xef\xbb\xbf" + framed(trade()), "Not JSON"),
        (b"[" * 200_000, "too deep"),
        (b'{"data":' * 100_000, "too deep"),
        (b"17", {"_schema": ["Invalid input type."]}),
        (b"[]", {"_schema": ["Invalid input type."]}),
        (b"null", {"_schema": ["Invalid input type."]}),
        (framed(data=7), {"data": ["Not a list."]}),
        (framed(data=None), {"data": ["Field may not be null."]}),
        (framed(type="update"), {"type": ["Must be one of: snapshot, delta."]}),
        (framed(ts="6"), {"ts": ["Not a valid time in milliseconds."]}),
        (framed(cts=-1), {"cts": ["Not a valid time in milliseconds."]}),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_broken_frame_is_one_report(data: bytes, said: object) -> None:
    trades = Trades()
    assert list(trades.decode(data)) == []
    [report] = trades.reports
    assert report.messages == said or (isinstance(said, str) and said in str(report.messages))


@pytest.mark.usefixtures("path")
def test_what_is_kept_of_the_text() -> None:
    trades = Trades()
    trades.decode(b"\xf0\x9f\x98\x80" * 5000)
    trades.decode(b"ab\xffcd")
    assert [report.raw for report in trades.reports] == ["\U0001f600" * 2048, "ab\ufffdcd"]


@pytest.mark.usefixtures("path")
def test_a_lone_item_will_do_for_a_list() -> None:
    trades = Trades()
    assert [event.id for event in trades.decode(framed(data=trade()))] == ["id"]
    trades.decode(framed(data=trade(p="no")))
    assert [r.messages for r in trades.reports] == [{"data": {0: {"p": ["Not a valid number."]}}}]


@pytest.mark.usefixtures("path")
def test_items_in_the_lists_of_items_fail_alone() -> None:
    reports: list[DecodeError] = []
    decoder = TopicDecoder(INNER, "v5", "inner.X", report=reports.append)
    good, bad = '{"t":"a"}', '{"t":5}'
    held = [f'"held":[{good},{bad},{good}]', '"hold":[]', '"held":7', f'"held":[{good}]']
    items = ",".join(f"{{{text}}}" for text in held)
    events = decoder.decode(f'{{"creationTime":5,"data":[{items},7]}}'.encode(), 1, 2)
    assert [getattr(event, "text", None) for event in events] == ["a"] * 3
    assert [report.messages for report in reports] == [
        {"data": {0: {"held": {1: {"t": ["Not a valid string."]}}}}},
        {"data": {1: {"held": ["Missing data for required field."]}}},
        {"data": {2: {"held": ["Not a list."]}}},
        {"data": {4: {"_schema": ["Invalid input type."]}}},
    ]


@pytest.mark.usefixtures("path")
def test_a_frame_without_a_kind_is_a_snapshot() -> None:
    reports: list[DecodeError] = []
    decoder = TopicDecoder(INNER, "v5", "inner.X", report=reports.append)
    data = b'{"creationTime":7,"type":"delta","ts":1,"cts":2,"data":[{"held":[{"t":"a"}]}]}'
    [event] = decoder.decode(data, 1, 2)
    meta = event.meta
    assert (meta.kind, meta.sent_ms, meta.matched_ms) == ("snapshot", 7, None)
    assert list(decoder.decode(b'{"type":"snapshot","ts":1,"data":[]}', 1, 2)) == []
    assert [r.messages for r in reports] == [{"creationTime": ["Missing data for required field."]}]


@pytest.mark.usefixtures("path")
def test_messages_of_a_single_object() -> None:
    reports: list[DecodeError] = []
    decoder = TopicDecoder(TICKER_UPDATES, "v5", "tickers.BTCUSD", report=reports.append)
    data = framed(data={"symbol": "BTCUSD", "lastPrice": "x", "markPrice": "NaN"})
    assert list(decoder.decode(data, 1, 2)) == []
    wrong = ["Not a valid number."]
    assert reports[0].messages == {"data": {"lastPrice": wrong, "markPrice": wrong}}


@pytest.mark.usefixtures("path")
def test_unknown_values_of_enums_pass() -> None:
    trades = Trades()
    [event] = trades.decode(framed(trade(S="Hold", L="SidewaysTick", surprise=[1])))
    assert (event.side, event.tick_direction) == ("Hold", "SidewaysTick")
    assert type(event.side) is Side
    assert not event.side.known


@pytest.mark.usefixtures("no_marshmallow")
@pytest.mark.parametrize("name", sorted(AS_SENT.keys() - {"liquidations"}))
def test_good_frames_do_not_go_through_marshmallow(name: str) -> None:
    for data, expected in zip(frames(name), EVENTS[name], strict=True):
        topic = json.loads(data)["topic"]
        for numbers in (Decimal, float):
            decoder = TopicDecoder(AS_SENT[name], "v5", topic, numbers=numbers, report=_fail)
            assert len(decoder.decode(data, 1, 2)) == len(expected)


@pytest.mark.usefixtures("no_marshmallow")
@pytest.mark.parametrize("levels", [[], [["0", "0.001"]], [["1.50", "0"], ["10", "20"]]])
@pytest.mark.parametrize("more", [{}, {"more": [1]}, {"more": "["}])
def test_levels_in_plain_digits_do_not_go_through_marshmallow(
    levels: list[list[str]], more: dict[str, object]
) -> None:
    decoder = TopicDecoder(ORDER_BOOK, "v5", "orderbook.50.BTCUSDT", report=_fail)
    data = {"s": "BTCUSDT", "b": levels, "a": [["3", "4"]], "u": 1, "seq": 2}
    frame = {"type": "delta", "ts": 5, "data": data} | more
    event: Any = decoder.decode(msgspec.json.encode(frame), 1, 2)[0]  # Any: a BookText
    assert (event.bids, event.asks) == (list(map(tuple, levels)), [("3", "4")])


@pytest.mark.parametrize("size", ["-1", "-0.5", "-1e-400"])
def test_a_size_below_zero_is_told_and_makes_no_kept_book(size: str) -> None:
    levels = [["2.5", "1"], ["1.5", size], ["0.5", "-0"]]
    data = {"s": "BTCUSDT", "b": levels, "a": [], "u": 1, "seq": 2}
    said: list[DecodeError] = []
    decoder = TopicDecoder(ORDER_BOOK, "v5", "orderbook.50.BTCUSDT", report=said.append)
    frame = {"type": "delta", "ts": 5, "data": data}
    assert decoder.decode(msgspec.json.encode(frame), 1, 2) == ()
    wrong = {"data": {"b": {1: ["Not a size from 0 on."]}}}
    assert [error.messages for error in said] == [wrong]


@pytest.mark.usefixtures("no_marshmallow")
def test_levels_as_exchanges_send_them_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_levels, "_level", lambda _: pytest.fail("one by one"))
    for data in frames("order_book_updates"):
        topic = json.loads(data)["topic"]
        decoder = TopicDecoder(ORDER_BOOK, "v5", topic, report=_fail)
        assert len(decoder.decode(data, 1, 2)) == 1


@pytest.mark.usefixtures("no_marshmallow")
def test_empty_values_do_not_go_through_marshmallow() -> None:
    nones = ("number", "text", "side", "spelled", "moment", "digit", "amounts", "parts")
    for numbers in (Decimal, float):
        decoder = TopicDecoder(ODD, "v5", "odd.X", numbers=numbers, report=_fail)
        for name in nones:
            data = f'{{"type":"delta","ts":5,"data":[{{"t":"x","{name}_or_none":""}}]}}'.encode()
            event: Any = decoder.decode(data, 1, 2)[0]  # Any: an Odd
            attribute = "moment_or_none_ms" if name == "moment" else f"{name}_or_none"
            assert (event.text, getattr(event, attribute)) == ("x", None)


@pytest.mark.usefixtures("no_marshmallow")
def test_a_symbol_with_an_n_does_not_go_through_marshmallow() -> None:
    decoder = TopicDecoder(TRADES, "v5", "publicTrade.NANINFUSDT", report=_fail)
    assert len(decoder.decode(framed(trade(s="NANINFUSDT", i="nan")), 1, 2)) == 1


@pytest.mark.usefixtures("path")
def test_nothing_empty_is_made_up_of_broken_json() -> None:
    reports: list[DecodeError] = []
    decoder = TopicDecoder(ODD, "v5", "odd.X", report=reports.append)
    data = b'{"type":"delta","ts":5,"data":[{"number_or_none":"","t":"x:"","}]}'
    assert list(decoder.decode(data, 1, 2)) == []
    assert "Not JSON" in str(reports[0].messages)


def test_the_environment_turns_the_compiled_path_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RXBYBIT_DECODER", "marshmallow")
    monkeypatch.setattr(decoding, "compile_frames", lambda *_: pytest.fail("compiled"))
    assert len(Trades().decode(framed(trade()))) == 1
    monkeypatch.setenv("RXBYBIT_DECODER", "orjson")
    with pytest.raises(ConfigurationError, match="use msgspec or marshmallow"):
        Trades()


def test_arguments_that_cannot_be() -> None:
    with pytest.raises(ConfigurationError, match="numbers: Decimal or float"):
        TopicDecoder(TRADES, "v5", TOPIC, numbers=int, report=_fail)
    with pytest.raises(ConfigurationError, match=r"'tickers\.BTCUSD' is no topic of it"):
        TopicDecoder(TRADES, "v5", "tickers.BTCUSD", report=_fail)
    with pytest.raises(ConfigurationError, match="no wire 'legacy'; there is v5"):
        TopicDecoder(ACCOUNT, "legacy", "wallet", report=_fail)


@pytest.mark.parametrize("name", ["trades", "order_book_updates", "user_trades", "balances"])
def test_where_adoption_is_refused_events_are_copied(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "adopts", lambda *_: False)
    compiling.compile_frames.cache_clear()
    try:
        for data, expected in zip(frames(name), EVENTS[name], strict=True):
            frame = json.loads(data)
            decoder = TopicDecoder(AS_SENT[name], "v5", frame["topic"], report=_fail)
            events = decoder.decode(data, 1, 2)
            assert tuple(events) == expected
            assert [type(e) for e in events] == [type(e) for e in expected]
            sent_ms = frame.get("ts", frame.get("creationTime"))
            assert {event.meta.sent_ms for event in events} == {sent_ms} or not expected
    finally:
        compiling.compile_frames.cache_clear()


def remembered(decode: Any) -> dict[int, frozenset[str]]:
    """What a written decoder remembers of the attributes that its frames gave."""
    held = inspect.getclosurevars(decode).globals["changed0"]
    assert isinstance(held, written.Changed)
    return held


@pytest.mark.usefixtures("no_marshmallow")
def test_only_frames_with_an_empty_value_go_to_the_second_decoder() -> None:
    compiling.compile_frames.cache_clear()
    decoder = TopicDecoder(SPARSE, "v5", "sparse.X", report=_fail)
    second = inspect.getclosurevars(decoder.decode).nonlocals["slow"]
    full = {"t": "x", "side": "Buy", "number_or_none": "0", "spelled": "7", "new": {"x": [1]}}
    event: Any = decoder.decode(framed(data=full), 1, 2)[0]  # Any: a Sparse, here and below
    assert event.changed == {"side", "number_or_none", "spelled"}
    assert (list(remembered(decoder.decode).values()), remembered(second)) == ([event.changed], {})
    event = decoder.decode(b'{"type":"delta","ts":5,"data":{"t":"x","number_or_none":""}}', 1, 2)[0]
    assert (event.changed, event.number_or_none) == ({"number_or_none"}, None)
    assert list(remembered(second).values()) == [event.changed]
    assert len(remembered(decoder.decode)) == 1


def test_what_is_remembered_of_attributes_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(written, "_HELD", 4)
    held = written.Changed("abcde")
    assert held[0] == frozenset()
    assert held[0b10101] == {"a", "c", "e"}
    for given in range(32):
        assert held[given] == {"abcde"[place] for place in range(5) if given >> place & 1}
        assert 0 < len(held) <= 4
        assert held[given] is held[given]


def _fail(error: DecodeError) -> None:
    pytest.fail(f"{error}")
