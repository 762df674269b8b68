"""Each control frame against the protocol page, and against captured and reported frames."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from rxbybit.config import Category
from rxbybit.sim.control import Answer, Standing, answer, read_command, socket_of

NOW_MS = 1_672_916_271_846
KNOWN = ("tickers.A", "publicTrade.A", "publicTrade.B", "tickers.BTC-6JAN23-18000-C")


def say(
    category: Category, request: object, held: Iterable[str] = (), known: Iterable[str] = KNOWN
) -> Answer:
    text = request if isinstance(request, str) else json.dumps(request)
    standing = Standing(conn_id="id", known=set(known), subscribed=tuple(held))
    return answer(socket_of(category), standing, read_command(text), NOW_MS)


def sub(*topics: str, **more: object) -> dict[str, object]:
    return {"op": "subscribe", "args": topics, **more}


def wire(said: Answer) -> str:
    return json.dumps(said.reply, separators=(",", ":"))


FUTURES = '{"success":%s,"ret_msg":"%s","conn_id":"id","req_id":"%s","op":"%s"}'
SPOT = '{"success":%s,"ret_msg":"%s","conn_id":"id","op":"%s"}'
SPOT_ID = '{"success":%s,"ret_msg":"%s","conn_id":"id","req_id":"%s","op":"%s"}'


@pytest.mark.parametrize("category", ["linear", "inverse"])
@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"op": "ping"}, FUTURES % ("true", "pong", "", "ping")),
        ({"op": "ping", "req_id": "p1"}, FUTURES % ("true", "pong", "p1", "ping")),
        (sub("tickers.A"), FUTURES % ("true", "", "", "subscribe")),
        (sub("tickers.A", req_id="r"), FUTURES % ("true", "", "r", "subscribe")),
        (
            {"op": "unsubscribe", "args": ["tickers.A"], "req_id": "u"},
            FUTURES % ("true", "", "u", "unsubscribe"),
        ),
        (
            {"op": "unsubscribe", "args": ["x"]},
            FUTURES % ("false", "error:handler not found,topic:x", "", "unsubscribe"),
        ),
        (
            sub("tickers.A", "tickers.a", req_id="r"),
            FUTURES % ("false", "error:handler not found,topic:tickers.a", "r", "subscribe"),
        ),
        (
            sub("tickers.A", "publicTrade.B", req_id="r"),
            FUTURES % ("false", "error:already subscribed,topic:publicTrade.B", "r", "subscribe"),
        ),
        (
            sub("tickers.A", "tickers.A"),
            FUTURES % ("false", "error:already subscribed,topic:tickers.A", "", "subscribe"),
        ),
        ({"op": "auth", "req_id": "q"}, FUTURES % ("false", "error:invalid op", "q", "auth")),
        ({}, FUTURES % ("false", "error:invalid op", "", "")),
    ],
)
def test_futures(category: Category, request_: object, expected: str) -> None:
    assert wire(say(category, request_, held=["publicTrade.B"])) == expected


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"op": "ping"}, SPOT % ("true", "pong", "ping")),
        ({"op": "ping", "req_id": "p"}, SPOT_ID % ("true", "pong", "p", "ping")),
        (sub("tickers.A"), SPOT % ("true", "subscribe", "subscribe")),
        (sub("tickers.A", req_id="r"), SPOT_ID % ("true", "subscribe", "r", "subscribe")),
        (
            sub("tickers.A", "tickers.X"),
            SPOT_ID % ("false", "Invalid symbol :[tickers.X]", "", "subscribe"),
        ),
        (sub(*map(str, range(11))), SPOT % ("false", "args size >10", "subscribe")),
        (
            sub("publicTrade.B"),
            SPOT % ("false", "error:already subscribed,topic:publicTrade.B", "subscribe"),
        ),
        (
            {"op": "unsubscribe", "args": ["tickers.A"]},
            SPOT % ("true", "unsubscribe", "unsubscribe"),
        ),
    ],
)
def test_spot(request_: object, expected: str) -> None:
    assert wire(say("spot", request_, held=["publicTrade.B"])) == expected


def option(success: bool, bad: list[str], good: list[str]) -> str:
    lists = {"failTopics": bad, "successTopics": good}
    content = {"success": success, "conn_id": "id", "data": lists, "type": "COMMAND_RESP"}
    return json.dumps(content, separators=(",", ":"))


OPTION = "tickers.BTC-6JAN23-18000-C"


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"op": "ping", "req_id": "p"}, f'{{"args":["{NOW_MS}"],"op":"pong"}}'),
        (sub(OPTION, req_id="r"), option(True, [], [OPTION])),
        (sub("tickers.X", OPTION), option(True, ["tickers.X"], [OPTION])),
        (sub("tickers.X"), option(False, ["tickers.X"], [])),
        (sub("publicTrade.B"), option(False, ["publicTrade.B"], [])),
        (
            sub("orderbook.1.BTC-6JAN23-18000-C", "kline.1.BTC-6JAN23-18000-C"),
            option(True, [], ["orderbook.1.BTC-6JAN23-18000-C", "kline.1.BTC-6JAN23-18000-C"]),
        ),
        (sub("orderbook.1.X", "orderbook.1"), option(False, ["orderbook.1.X", "orderbook.1"], [])),
        ({"op": "unsubscribe", "args": [OPTION]}, option(True, [], [OPTION])),
    ],
)
def test_option(request_: object, expected: str) -> None:
    assert wire(say("option", request_, held=["publicTrade.B"])) == expected


def test_spot_takes_ten_topics_a_request() -> None:
    topics = [f"tickers.{number}" for number in range(10)]
    assert say("spot", sub(*topics), known=topics).add == tuple(topics)


@pytest.mark.parametrize("category", ["linear", "inverse", "spot"])
def test_one_bad_topic_voids_the_request(category: Category) -> None:
    assert say(category, sub("tickers.A", "publicTrade.A")).add == ("tickers.A", "publicTrade.A")
    assert say(category, sub("tickers.A", "nope")).add == ()
    assert say(category, sub("tickers.A", "publicTrade.A"), held=["publicTrade.A"]).add == ()


def test_option_takes_the_good_ones() -> None:
    assert say("option", sub("tickers.A", "nope", "publicTrade.A")).add == (
        "tickers.A",
        "publicTrade.A",
    )


@pytest.mark.parametrize("category", ["linear", "inverse", "spot", "option"])
def test_unsubscribe_removes(category: Category) -> None:
    said = say(category, {"op": "unsubscribe", "args": ["tickers.A"]}, held=["tickers.A"])
    assert (said.add, said.remove) == ((), ("tickers.A",))


def test_a_refused_unsubscribe_removes_nothing() -> None:
    assert say("linear", {"op": "unsubscribe", "args": ["tickers.A", "x"]}).remove == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "[1]",
        '{"op":1}',
        '{"op":"ping","req_id":1}',
        '{"op":"subscribe","args":"a"}',
        '{"op":"subscribe","args":["a",1]}',
        "[" * 100_000,
        "\ufffd",
    ],
)
def test_text_that_cannot_be_read(text: str) -> None:
    said = say("linear", text)
    assert list(said.reply) == ["success", "ret_msg", "conn_id", "req_id", "op"]
    assert str(said.reply["ret_msg"]).startswith("Failed to decode incoming data:")
    assert said.add == ()


def filling(characters: int) -> list[str]:
    """Topics whose JSON text has exactly so many characters."""
    topics = [f"t{i:016d}" for i in range((characters - 2) // 20)]
    missing = characters - len(json.dumps(topics, separators=(",", ":")))
    topics[-1] += "x" * missing
    return topics


@pytest.mark.parametrize("category", ["linear", "inverse", "spot"])
def test_the_arguments_of_a_link_have_21_000_characters(category: Category) -> None:
    full, over = filling(21_000), filling(21_001)
    known = [*full, *over]
    assert len(json.dumps(full, separators=(",", ":"))) == 21_000
    assert say(category, sub(full[-1]), held=full[:-1], known=known).add == (full[-1],)
    said = say(category, sub(over[-1]), held=over[:-1], known=known)
    assert (said.add, said.reply["success"]) == ((), False)


def test_option_takes_what_fits() -> None:
    full, over = filling(21_000), filling(21_001)
    assert say("option", sub(*full), known=full).add == tuple(full)
    assert say("option", sub(*over), known=over).add == tuple(over[:-1])
    assert say("option", sub(full[-1]), held=full[:-1], known=full).add == (full[-1],)
    assert say("option", sub(over[-1]), held=over[:-1], known=over).add == ()
    many = [f"{i}" for i in range(2_001)]
    assert say("option", sub(*many), known=many).add == tuple(many[:-1])


def captured(frames: Path, name: str) -> list[dict]:
    return [json.loads(line) for line in (frames / "v5" / name).read_text().splitlines()]


def test_the_shapes_are_those_of_captured_frames(frames: Path) -> None:
    seen = captured(frames, "control.jsonl")
    linear_ack, spot_ack, spot_pong, linear_pong = seen[0], seen[1], seen[5], seen[6]
    option_pong, spot_ack_id, option_ack = seen[7], seen[10], seen[12]
    refused_private = seen[26]
    reported = captured(frames, "control_reported.jsonl")
    a = ["tickers.A"]
    pairs: list[tuple[dict, Answer]] = [
        (linear_ack, say("linear", sub(*a))),
        (spot_ack, say("spot", sub(*a))),
        (spot_ack_id, say("spot", sub(*a, req_id="10001"))),
        (spot_pong, say("spot", {"op": "ping"})),
        (linear_pong, say("inverse", {"op": "ping"})),
        (option_pong, say("option", {"op": "ping"})),
        (option_ack, say("option", sub("tickers.A"))),
        (refused_private, say("linear", sub("dcp.future", req_id="dcp.future"))),
        (reported[0], say("linear", sub(*a, req_id="probe-pp"))),
        (reported[1], say("linear", {"op": "ping", "req_id": "ping-pp"})),
        (reported[2], say("linear", sub("orderbook.50.NOPEUSDT", req_id="e1"))),
        (
            reported[3],
            say(
                "linear",
                sub("orderbook.1.ETHUSDT", req_id="e6"),
                held=["orderbook.1.ETHUSDT"],
                known=["orderbook.1.ETHUSDT"],
            ),
        ),
        (reported[4], say("linear", {"op": "unsubscribe", "args": a})),
        (reported[5], say("spot", sub("orderbook.50.NOTREALUSDT"))),
        (reported[6], say("spot", sub(*map(str, range(11))))),
        (reported[7], say("option", sub("tickers.A"))),
    ]
    for real, ours in pairs:
        assert list(ours.reply) == list(real)
        same = [key for key in real if key in ("success", "ret_msg", "req_id", "op", "type")]
        assert [ours.reply[key] for key in same] == [real[key] for key in same]
    assert list(seen[12]["data"]) == list(say("option", sub("tickers.A")).reply["data"])  # type: ignore[call-overload]
