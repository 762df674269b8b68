"""The legacy wire's control frames: written from the manual's page, and every recorded one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rxbybit import Credentials
from rxbybit.protocol.base import Authenticated, Malformed, Pong, Reply, Unknown, WireProtocol
from rxbybit.protocol.legacy import Legacy
from rxbybit.protocol.subscriptions import Subscriptions
from tests import canary

WIRE = Legacy()
KEY, SIGNATURE = canary.KEY, "f072aab6fa18cd774da998325df6cfc87c3ccf10d5722e6b43b570c5feaf6172"
HIDDEN = "<not shown: it may hold a key or a signature>"


def read(request: object, **fields: object) -> object:
    return WIRE.read(json.dumps({**fields, "request": request}).encode())


def test_it_is_a_wire() -> None:
    wire: WireProtocol = WIRE
    assert wire.name == "legacy"


@pytest.mark.parametrize("link", [{"conn_id": "x"}, {}])
def test_the_pong(link: dict[str, str]) -> None:
    asked = {"op": "ping", "args": None}
    assert read(asked, success=True, ret_msg="pong", **link) == Pong()
    assert not isinstance(read(asked, success=False, ret_msg="pong", **link), Pong)
    assert not isinstance(read({"op": "subscribe"}, success=True, ret_msg="pong"), Pong)


@pytest.mark.parametrize("link", [{"conn_id": "x"}, {}])
@pytest.mark.parametrize("operation", ["subscribe", "unsubscribe"])
def test_an_acknowledgement_repeats_its_request(operation: str, link: dict[str, str]) -> None:
    asked = {"op": operation, "args": ["trade.*", "klineV2.1.BTCUSD|ETHUSD"]}
    assert read(asked, success=True, ret_msg="", **link) == Reply(
        operation=operation,
        request=None,
        topics=("trade.*", "klineV2.1.BTCUSD|ETHUSD"),
        success=True,
    )


@pytest.mark.parametrize(
    ("message", "reason", "refused", "accepted"),
    [
        ("error:handler not found,topic:trade.NO", "handler not found", ["trade.NO"], ()),
        ("error:topic:order needs auth first", "needs auth first", ["order"], ()),
        ("error:already subscribed,topic:order", "already subscribed", [], ("order",)),
        ("error:invalid op", "invalid op", [], ()),
        ("", "no reason given", [], ()),
    ],
)
def test_refusals(message: str, reason: str, refused: list[str], accepted: tuple[str, ...]) -> None:
    reply = read({"op": "subscribe", "args": ["order", "x"]}, success=False, ret_msg=message)
    assert isinstance(reply, Reply)
    assert (reply.operation, reply.topics, reply.success) == ("subscribe", ("order", "x"), False)
    assert (reply.message, reply.accepted) == (reason, accepted)
    assert dict(reply.refused) == dict.fromkeys(refused, reason)


@pytest.mark.parametrize("request_", [None, [], "subscribe", {"op": 5, "args": 7}, {}])
def test_an_answer_that_repeats_nothing_names_no_request(request_: object) -> None:
    reply = read(request_, success=True, ret_msg=5)
    assert reply == Reply(operation=None, request=None, success=True)


AUTH = {"op": "auth", "args": [KEY, "1662350400000", SIGNATURE]}


@pytest.mark.parametrize(
    ("success", "said", "message"),
    [
        (True, "", ""),
        (True, f"welcome {KEY}", ""),
        (False, "error:request expired", "request expired"),
        (False, "error:invalid op", "invalid op"),
        (False, f"{KEY} {SIGNATURE} at 1662350400000 is not valid", "... ... at ... is not valid"),
        (False, f"no{KEY[:7]}{KEY[7:]}here", "no...here"),
        (False, None, "no reason given"),
    ],
)
def test_an_answer_to_an_auth_message(success: bool, said: object, message: str) -> None:
    assert read(AUTH, success=success, ret_msg=said) == Authenticated(success, message)


def test_a_short_key_is_not_in_the_answer_either() -> None:
    asked = {"op": "auth", "args": ["k3y", 5, "s1g"]}
    answer = read(asked, success=False, ret_msg="error:no k3y, no s1g")
    assert answer == Authenticated(False, "no ..., no ...")


@pytest.mark.parametrize("success", [None, "yes", 1])
def test_an_answer_to_an_auth_message_that_says_nothing(success: object) -> None:
    control = read(AUTH, success=success, ret_msg=KEY)
    why = "an answer to an auth message that says neither yes nor no"
    assert control == Malformed(HIDDEN, why)


ANSWER = json.dumps({"success": False, "ret_msg": "error:request expired", "request": AUTH})


@given(
    st.lists(
        st.tuples(st.integers(0, len(ANSWER)), st.binary(max_size=2), st.integers(0, 2)), max_size=3
    )
)
@example([(0, b"x", 0)])
@example([(ANSWER.index("request"), b"x", 1)])
@example([(ANSWER.index('"auth'), b"x", 1)])
@example([(ANSWER.index("auth"), b"x", 1), (ANSWER.index(SIGNATURE) + 32, b'"', 1)])
def test_a_damaged_answer_to_an_auth_message_shows_nothing(
    edits: list[tuple[int, bytes, int]],
) -> None:
    frame = ANSWER.encode()
    for at, put, cut in edits:
        frame = frame[:at] + put + frame[at + cut :]
    control = repr(WIRE.read(frame))
    assert KEY[:8] not in control or isinstance(WIRE.read(frame), Reply)
    assert SIGNATURE[:16] not in control or isinstance(WIRE.read(frame), Reply)


@pytest.mark.parametrize("frame", [b"", b"{", b"no json", b"\xff\xfe", b"[1]", b"1", b"[" * 9999])
def test_what_is_no_json_object_is_malformed(frame: bytes) -> None:
    control = WIRE.read(frame)
    assert isinstance(control, Malformed)
    assert "no JSON" in control.why
    assert len(control.text) <= 2048


def test_what_is_neither() -> None:
    assert WIRE.read(b'{"op":"info"}') == Unknown('{"op":"info"}')
    why = "neither data nor an answer to a request"
    assert WIRE.read(b'{"ret_msg":"","request":{"op":"ping"}}') == Malformed(
        '{"ret_msg":"","request":{"op":"ping"}}', why
    )
    assert WIRE.read(b'{"topic":5}') == Malformed('{"topic":5}', "its topic is no text")


@pytest.mark.parametrize(
    "frame",
    [
        b'{"a":' + b"[" * 20_000,
        b'{"success":true,"ret_msg":' + b"[" * 990 + b"]" * 990 + b"}",
        b'{"success":true,"request":{"op":"auth","args":5}}',
        b'{"success":false,"request":{"op":"auth","args":[[],null,{}]}}',
        b'{"success":false,"ret_msg":{},"request":{"op":"subscribe","args":[[],null,{}]}}',
    ],
)
def test_nothing_that_is_said_can_raise(frame: bytes) -> None:
    assert WIRE.topic_of(frame) is None
    WIRE.read(frame)


def test_the_topic_wherever_it_stands() -> None:
    assert WIRE.topic_of(b'{"topic":"trade.BTCUSD","data":[]}') == "trade.BTCUSD"
    assert WIRE.topic_of(b'{"data":[{"topic":"no"}],"topic":"order"}') == "order"
    assert WIRE.topic_of(b'{"success":true}') is None


def test_requests_are_spelled_as_the_manual_spells_them() -> None:
    assert WIRE.request("subscribe", ("a", "b"), "7") == '{"op":"subscribe","args":["a","b"]}'
    assert WIRE.request("unsubscribe", ("a",), "8") == '{"op":"unsubscribe","args":["a"]}'
    assert WIRE.ping("p") == '{"op":"ping"}'


def test_the_auth_message_is_spelled_as_the_manual_spells_it_and_not_shown() -> None:
    frame = WIRE.auth(Credentials.hmac("test-key", "test-secret"), 1662350400000, "7")
    assert frame == f'{{"op":"auth","args":["test-key",1662350400000,"{SIGNATURE}"]}}'
    assert repr(frame) == "<auth frame>"


@pytest.mark.parametrize(
    ("topic", "wildcard"),
    [
        ("trade.BTCUSD", "trade.*"),
        ("instrument_info.100ms.BTCUSDM22", "instrument_info.100ms.*"),
        ("klineV2.D.ETHUSD", "klineV2.D.*"),
        ("orderBookL2_25.BTCUSD", "orderBookL2_25.*"),
        ("orderBook_200.100ms.BTCUSD", "orderBook_200.100ms.*"),
        ("liquidation.BTCUSD", "liquidation.*"),
        ("insurance.BTC", "insurance.*"),
        ("trade.*", None),
        *((topic, None) for topic in ("position", "order", "stop_order", "execution", "wallet")),
    ],
)
def test_what_covers_a_topic(topic: str, wildcard: str | None) -> None:
    assert WIRE.covering(topic) == wildcard


def test_the_answers_of_a_capture_find_their_requests_after_the_data_has_begun(
    frames: Path,
) -> None:
    asked = Subscriptions(WIRE)
    heads, symbols = ("trade", "orderBookL2_25"), ("EOSUSD", "BTCUSD")
    topics = [f"{head}.{symbol}" for head in heads for symbol in symbols]
    for topic in topics:
        asked.want(topic)
        (request,) = asked.requests(0.0)
        assert json.loads(WIRE.request("subscribe", request.topics, request.id))["args"] == [topic]
    by_data: list[str] = []
    by_answer: list[str] = []
    for line in (frames / "legacy" / "capture_inverse.jsonl").read_bytes().splitlines():
        topic = WIRE.topic_of(line)
        if topic is None:
            reply = WIRE.read(line)
            assert isinstance(reply, Reply)
            by_answer += asked.reply(reply).live
        elif asked.data(topic):
            by_data.append(topic)
    assert sorted(by_data + by_answer) == sorted(topics)
    assert by_data, "some data came before the answer to its request"
    assert asked.waiting_since(0.0) is None


def test_every_recorded_control_frame_is_understood(frames: Path) -> None:
    lines = (frames / "legacy" / "control.jsonl").read_bytes().splitlines()
    captured = (frames / "legacy" / "capture_inverse.jsonl").read_bytes().splitlines()
    lines += [line for line in captured if WIRE.topic_of(line) is None]
    assert len(lines) == 16
    for line in lines:
        assert WIRE.topic_of(line) is None
        control, fields = WIRE.read(line), json.loads(line)
        match fields["request"]["op"]:
            case "ping":
                assert control == Pong()
            case "auth":
                assert isinstance(control, Authenticated)
                assert not control.success
                assert control.message in ("request expired", "invalid op")
            case operation:
                assert isinstance(control, Reply)
                assert (control.operation, control.success) == (operation, fields["success"])
                assert list(control.topics or ()) == fields["request"]["args"]
