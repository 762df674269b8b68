"""Lines of raw frames become events, one by one; what does not is named and counted."""

from __future__ import annotations

import pytest

from rxbybit.cli.decode import LineDecoder
from rxbybit.errors import ConfigurationError
from rxbybit.events import Event
from tests.conformance import golden, golden_legacy
from tests.conformance.golden import frames

TRADE = (
    b'{"topic":"publicTrade.BTCUSD","type":"snapshot","ts":1790000000500,"data":[{"T":1790000000400,'
    b'"s":"BTCUSD","S":"Buy","v":"1500","p":"65012.50","L":"PlusTick",'
    b'"i":"11111111-2222-4333-8444-555555555555","BT":false,"RPI":false,"seq":77}]}'
)
ITEM = TRADE[TRADE.index(b"[") + 1 : TRADE.rindex(b"]")]
DELTA = (
    b'{"topic":"tickers.BTCUSD","type":"delta","data":{"symbol":"BTCUSD","bid1Price":"65012.00",'
    b'"bid1Size":"900"},"cs":78,"ts":1790000000600}'
)
ACK = b'{"success":true,"ret_msg":"","conn_id":"c","req_id":"1","op":"subscribe"}'
PONG = b'{"args":["1672916271846"],"op":"pong"}'
OPTION_ACK = b'{"success":true,"conn_id":"c","data":{"failTopics":[]},"type":"COMMAND_RESP"}'


class Decoded:
    def __init__(self, *lines: bytes, wire: str | None = None) -> None:
        self.said: list[str] = []
        decoder = LineDecoder(self.said.append, wire)
        self.events: list[list[Event]] = [list(events) for events in decoder.lines(lines)]
        self.names = [[type(event).__name__ for event in events] for events in self.events]
        self.tally = decoder.tally


def test_a_frame_of_several_items_gives_an_event_each() -> None:
    got = Decoded(TRADE, TRADE.replace(ITEM, b",".join([ITEM] * 3)))
    assert got.names == [["Trade"], ["Trade"] * 3]
    assert str(got.tally) == (
        "2 frames: 4 events, 0 control frames, 0 of topics not offered, 0 undecodable"
    )
    assert got.said == []


@pytest.mark.parametrize("line", [b"{}", b'{"retCode":0,"result":{}}'])
def test_an_object_that_is_no_frame_is_an_error(line: bytes) -> None:
    got = Decoded(line, TRADE)
    assert (got.tally.control, got.tally.undecodable, got.tally.events) == (0, 1, 1)
    assert got.said == ["line 1: no frame: neither data nor an answer to a request"]


@pytest.mark.parametrize("line", [ACK, PONG, OPTION_ACK, b'{"success":false}', b'{"op":"ping"}'])
def test_answers_are_counted_as_control(line: bytes) -> None:
    got = Decoded(line, TRADE)
    assert (got.tally.frames, got.tally.control, got.tally.events) == (2, 1, 1)
    assert got.said == []


def test_topics_that_are_not_offered_are_counted_by_family() -> None:
    got = Decoded(
        b'{"topic":"strategy","data":[]}',
        b'{"topic":"greeks","data":[]}',
        b'{"topic":"priceLimit.BTCUSD","data":{}}',
        b'{"topic":"priceLimit.ETHUSD","data":{}}',
    )
    assert got.names == [[], [], [], []]
    assert str(got.tally) == (
        "4 frames: 0 events, 0 control frames,"
        " 4 of topics not offered (greeks, priceLimit, strategy), 0 undecodable"
    )


def test_private_frames_give_one_event_an_item() -> None:
    got = Decoded(*frames("order_items"), *frames("user_trades"), *frames("positions"))
    assert got.names == [
        ["Order", "StopOrder"],
        ["Order"],
        ["StopOrder"],
        *(["UserTrade"] * 2, ["UserTrade"], ["UserTrade"], ["UserTrade"], ["UserTrade"]),
        *(["UserTrade"], ["Position"], ["Position"] * 2, ["Position"]),
    ]
    assert b'"type":"Funding"' in got.events[4][0].to_json()
    assert (got.tally.events, got.tally.undecodable, got.said) == (15, 0, [])


def test_a_wallet_gives_the_account_and_each_coin() -> None:
    got = Decoded(*frames("balances"))
    assert got.names == [
        ["Account", "Balance", "Balance"],
        ["Account", "Account", "Balance", "Balance"],
        ["Account"],
    ]
    assert got.events[0][0].meta.sent_ms == 1790000000125


def test_what_is_wrong_with_a_frame_of_two_streams_is_said_once() -> None:
    frame = frames("balances")[0]
    got = Decoded(
        frame[:-1],
        frame.replace(b'"totalEquity":"', b'"totalEquity":"x'),
        frame.replace(b'"equity":"', b'"equity":"x'),
        frame,
    )
    assert got.names == [[], ["Balance"] * 2, ["Account"], ["Account", "Balance", "Balance"]]
    assert [said[:7] for said in got.said] == ["line 1:", "line 2:", "line 3:", "line 3:"]
    assert (got.tally.frames, got.tally.undecodable) == (4, 3)


def test_blank_lines_are_nothing_but_have_a_number() -> None:
    got = Decoded(b"\n", b"  \r\n", b"x\n")
    assert got.tally.frames == 1
    assert got.said[0].startswith("line 3: ")


@pytest.mark.parametrize(
    "line",
    [
        b"no frame",
        b"[1]",
        b'"text"',
        b"7",
        b'{"topic":5}',
        b'{"topic":null}',
        b'{"topic":"tickers.BTCUSD","data":' + b"[" * 100_000,
        b'{"data":' + b"[" * 100_000,
        b'{"topic":"tickers.B',
        b"\xff\xfe",
        b'{"topic":"\xff"}',
        b'{"topic":"publicTrade.BTCUSD","type":"snapshot","ts":1,"data":[]',
        TRADE.replace(b'"65012.50"', b'"much"'),
        TRADE.replace(b'"data"', b'"date"'),
        TRADE.replace(b"PlusTick", b"Plus\xff"),
    ],
)
def test_a_bad_line_is_named_and_costs_only_itself(line: bytes) -> None:
    got = Decoded(TRADE, line, TRADE)
    assert [name for names in got.names for name in names] == ["Trade", "Trade"]
    (said,) = got.said
    assert said.startswith("line 2: ")
    assert (got.tally.frames, got.tally.control, got.tally.not_offered) == (3, 0, {})
    assert (got.tally.events, got.tally.undecodable) == (2, 1)


def test_a_bad_item_costs_that_item_and_the_reason_is_marshmallows() -> None:
    bad = ITEM.replace(b'"1500"', b'"-"')
    got = Decoded(TRADE.replace(ITEM, b",".join([ITEM, bad, bad, ITEM])))
    assert got.names == [["Trade", "Trade"]]
    assert [said[: said.index(": {")] for said in got.said] == ["line 1: publicTrade.BTCUSD"] * 2
    assert all("Not a valid number." in said for said in got.said)
    assert got.tally.undecodable == 1, "frames are counted, not items"


def test_a_topic_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def counting(topic: str, wire_name: str) -> tuple[()]:
        asked.append(f"{wire_name} {topic}")
        return ()

    monkeypatch.setattr("rxbybit.cli.decode.find_specs", counting)
    got = Decoded(TRADE, DELTA, TRADE)
    assert asked == [
        *("legacy publicTrade.BTCUSD", "v5 publicTrade.BTCUSD"),
        *("legacy tickers.BTCUSD", "v5 tickers.BTCUSD"),
    ]
    assert got.tally.not_offered == {"publicTrade": 2, "tickers": 1}


def test_no_line_depends_on_another() -> None:
    got = Decoded(DELTA)
    assert got.names == [["TickerUpdate"]]


def test_what_a_frame_says_cannot_move_the_cursor() -> None:
    topic = rb"publicTrade.B\u001b[2J\u000a\u009b"
    got = Decoded(TRADE.replace(b"publicTrade.BTCUSD", topic).replace(b'"p":', b'"q":'))
    (said,) = got.said
    assert said.isprintable()
    assert r"\x1b[2J\n\x9b" in said


NAMES = {"positions", "user_trades", "order_items", "balances", "liquidations", "insurance"}
"""Streams that have topics which are the same on both wires."""


@pytest.mark.parametrize("name", golden_legacy.EVENTS)
def test_legacy_frames_are_known_by_themselves(name: str) -> None:
    lines = golden_legacy.frames(name)
    others = golden.frames(name) if name in NAMES else []
    mixed = [line for pair in zip(lines, others, strict=False) for line in pair] or lines
    got = Decoded(*lines)
    assert [len(events) for events in got.events] == [
        len(events) for events in golden_legacy.EVENTS[name]
    ]
    assert got.said == Decoded(*mixed).said == []
    assert Decoded(*lines, wire="legacy").events == got.events


def test_frames_of_both_wires_that_share_a_topic() -> None:
    legacy, v5 = golden_legacy.frames("balances")[0], golden.frames("balances")[0]
    got = Decoded(legacy, v5, legacy)
    assert [set(names) for names in got.names] == [{"Balance"}, {"Account", "Balance"}, {"Balance"}]
    assert got.said == []
    order = golden_legacy.frames("order_items")
    assert Decoded(order[0], order[2]).names == [["Order"] * 2, ["StopOrder"]]


def test_a_wire_that_is_named_is_the_only_one() -> None:
    legacy = golden_legacy.frames("balances")[0]
    assert Decoded(legacy, wire="v5").tally.undecodable == 1
    assert Decoded(TRADE, wire="legacy").tally.not_offered == {"publicTrade": 1}
    with pytest.raises(ConfigurationError, match="wire 'fix': use v5, legacy"):
        LineDecoder(print, "fix")


def test_an_answer_to_a_legacy_auth_message_is_control_and_shown_nowhere() -> None:
    answer = (
        b'{"success":false,"ret_msg":"error:request expired","request":{"op":"auth","args":'
        b'["Kq7Zx2w9VbTn4mLs","1662350400000","' + b"0a" * 32 + b'"]}}'
    )
    for wire in (None, "legacy"):
        got = Decoded(answer, answer[:-1], answer.replace(b"success", b"outcome"), wire=wire)
        assert got.tally.control == 1
        assert "Kq7Z" not in str(got.said)
