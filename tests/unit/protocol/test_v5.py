"""The V5 wire's control frames: written from the manual's page, and every recorded one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rxbybit import Credentials
from rxbybit.protocol.base import Authenticated, Malformed, Pong, Reply, Unknown
from rxbybit.protocol.v5 import V5

WIRE = V5()

NOT_FOUND = "error:handler not found,topic:orderbook.50.NOPE"
PARTIAL = (
    "Batch subscription partially succeeded and partially failed.Successful subscriptions are as"
    " follows:[order wallet]. Subscription to the following topics failed because the topic does"
    " not exist or there is a subscription conflict:[ticket, order.spot]."
)


def read(**fields: object) -> object:
    return WIRE.read(json.dumps(fields).encode())


@pytest.mark.parametrize(
    "fields",
    [
        {"success": True, "ret_msg": "pong", "conn_id": "x", "op": "ping"},  # spot
        {"success": True, "ret_msg": "pong", "conn_id": "x", "req_id": "1", "op": "ping"},
        {"args": ["1700000000000"], "op": "pong"},  # option, spread
        {"req_id": "1", "op": "pong", "args": ["1700000000000"], "conn_id": "x"},  # private
    ],
)
def test_the_four_pongs(fields: dict[str, object]) -> None:
    assert read(**fields) == Pong()


def test_an_acknowledgement_with_and_without_an_id() -> None:
    reply = read(success=True, ret_msg="", conn_id="x", req_id="7", op="subscribe")
    assert reply == Reply(operation="subscribe", request="7", success=True)
    for fields in ({"req_id": ""}, {}):
        reply = read(success=True, ret_msg="subscribe", op="subscribe", **fields)
        assert isinstance(reply, Reply)
        assert reply.request is None
        assert reply.success


@pytest.mark.parametrize(
    ("fields", "success", "message"),
    [
        ({"success": True, "ret_msg": "", "conn_id": "x-p"}, True, ""),
        ({"success": True, "ret_msg": "Kq7Zx2w9VbTn4mLs"}, True, ""),
        ({"success": False, "ret_msg": "Params Error", "conn_id": "x"}, False, "Params Error"),
        ({"success": False, "ret_msg": "API key is invalid."}, False, "API key is invalid"),
        ({"success": False, "retMsg": "Invalid apikey", "retCode": 10003}, False, "Invalid apikey"),
        ({"success": False}, False, "no reason given"),
        ({"success": False, "ret_msg": "no key Kq7Zx2w9VbTn4mLs"}, False, "no key ..."),
        ({"success": False, "ret_msg": f"sign {'ab' * 32}, 1662350400000"}, False, "sign ..., ..."),
        ({"success": False, "ret_msg": "a b " * 99}, False, ("a b " * 99)[:200]),
    ],
)
@pytest.mark.parametrize("named", [{}, {"req_id": "7"}])
def test_the_answers_to_an_auth_message(
    fields: dict[str, object], success: bool, message: str, named: dict[str, str]
) -> None:
    assert read(op="auth", **fields, **named) == Authenticated(success, message)


def test_the_old_answer_of_the_option_socket() -> None:
    assert read(type="AUTH_RESP", success=True) == Authenticated(success=True)
    assert read(type="AUTH_RESP", success=False, ret_msg="no") == Authenticated(False, "no")


@pytest.mark.parametrize(
    "frame",
    [
        b'{"op":"auth","args":["Kq7Zx2w9VbTn4mLs",1,"ab"]}',
        b'{"op":"auth","args":["Kq7Zx2w9VbTn4mLs",1,"ab"',
        b'{"op":"auxh","args":["K",1,"' + b"0a" * 32 + b'"',
        b'{"op":"auxh","args":["K",1,"' + b"0a/+" * 60 + b'=="]}',
        b'{"topic":5,"op":"auth"}',
        b'["auth","Kq7Zx2w9VbTn4mLs"]',
    ],
)
def test_what_may_hold_a_key_or_a_signature_is_not_shown(frame: bytes) -> None:
    control = WIRE.read(frame)
    assert isinstance(control, Unknown | Malformed)
    assert control.text == "<not shown: it may hold a key or a signature>"


def test_a_refusal_names_its_topic() -> None:
    reply = read(success=False, ret_msg=NOT_FOUND, req_id="7", op="subscribe")
    assert isinstance(reply, Reply)
    assert dict(reply.refused) == {"orderbook.50.NOPE": "handler not found"}
    assert (reply.success, reply.accepted, reply.message) == (False, (), "handler not found")


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (NOT_FOUND, "handler not found"),
        ("error:handler not found,topic: a", "handler not found"),
        ("Invalid symbol :[tickers.X]", "Invalid symbol"),
        (PARTIAL, "the topic does not exist or there is a subscription conflict"),
        ("Request not authorized", "Request not authorized"),
        ("Params: args [a], b.", "Params: args, b"),
        ("error:topic:a", "no reason given"),
        ("", "no reason given"),
    ],
)
def test_the_reason_of_a_refusal_names_no_topic(message: str, reason: str) -> None:
    reply = read(success=False, ret_msg=message, req_id="7", op="subscribe")
    assert isinstance(reply, Reply)
    assert reply.message == reason
    assert set(reply.refused.values()) <= {reason}


def test_the_spot_refusal_names_its_topics() -> None:
    reply = read(success=False, ret_msg="Invalid symbol :[tickers.A, tickers.B]", op="subscribe")
    assert isinstance(reply, Reply)
    assert reply.refused == dict.fromkeys(("tickers.A", "tickers.B"), "Invalid symbol")


def test_already_subscribed_counts_as_accepted() -> None:
    message = "error:already subscribed,topic:tickers.BTCUSD"
    reply = read(success=False, ret_msg=message, req_id="7", op="subscribe")
    assert isinstance(reply, Reply)
    assert reply.accepted == ("tickers.BTCUSD",)
    assert not reply.refused


def test_the_private_refusal_names_both_kinds() -> None:
    reply = read(success=False, ret_msg=PARTIAL, req_id="7", op="subscribe")
    assert isinstance(reply, Reply)
    assert reply.accepted == ("order", "wallet")
    assert set(reply.refused) == {"ticket", "order.spot"}


def test_a_refusal_without_a_topic() -> None:
    reply = read(success=False, ret_msg="args size >10", conn_id="x", op="subscribe")
    assert isinstance(reply, Reply)
    assert (reply.request, reply.accepted, dict(reply.refused)) == (None, (), {})


def test_the_option_lists() -> None:
    reply = read(
        success=True,
        conn_id="x",
        data={"failTopics": ["tickers.NOPE"], "successTopics": ["tickers.BTC-1JAN27-1-C"]},
        type="COMMAND_RESP",
    )
    assert isinstance(reply, Reply)
    assert reply.operation is None
    assert reply.accepted == ("tickers.BTC-1JAN27-1-C",)
    assert list(reply.refused) == ["tickers.NOPE"]


@pytest.mark.parametrize("frame", [b"", b"{", b"no json", b"\xff\xfe", b"[1]", b"1", b"[" * 9999])
def test_what_is_no_json_object_is_malformed(frame: bytes) -> None:
    control = WIRE.read(frame)
    assert isinstance(control, Malformed)
    assert "no JSON" in control.why
    assert len(control.text) <= 2048


def test_an_operation_of_another_socket_is_unknown() -> None:
    frame = b'{"op":"order.create","retCode":0}'
    assert WIRE.read(frame) == Unknown(frame.decode())


@pytest.mark.parametrize(
    "frame", [b"{}", b'{"op":1}', b'{"success":"yes"}', b'{"retCode":0,"result":{}}']
)
def test_an_object_that_says_nothing_is_malformed(frame: bytes) -> None:
    why = "neither data nor an answer to a request"
    assert WIRE.read(frame) == Malformed(frame.decode(), why)


DEEP = 20_000


@pytest.mark.parametrize(
    "frame",
    [
        b'{"a":' + b"[" * DEEP,
        b'{"a":' + b"[" * DEEP + b"]" * DEEP + b"}",
        b'{"success":true,"ret_msg":' + b"[" * 990 + b"]" * 990 + b"}",
        b'{"success":true,"op":[],"req_id":{},"data":{"successTopics":[[1]],"failTopics":5}}',
        b'{"success":false,"ret_msg":5,"req_id":7,"data":[]}',
    ],
)
def test_nothing_that_is_said_can_raise(frame: bytes) -> None:
    assert WIRE.topic_of(frame) is None
    control = WIRE.read(frame)
    if isinstance(control, Reply):
        assert (control.request, control.accepted) == (None, ())
        assert control.message == ("" if control.success else "no reason given")


@pytest.mark.parametrize("topic", [b"5", b"null", b"[]", b'"\\ud800"'])
def test_a_topic_that_is_no_text_is_malformed(topic: bytes) -> None:
    frame = b'{"topic":' + topic + b',"data":[]}'
    assert WIRE.topic_of(frame) is None
    control = WIRE.read(frame)
    why = "no strict JSON" if topic.startswith(b'"') else "its topic is no text"
    assert control == Malformed(frame.decode(), why)


def test_the_topic_wherever_it_stands() -> None:
    assert WIRE.topic_of(b'{"topic":"tickers.A","data":{}}') == "tickers.A"
    assert WIRE.topic_of(b'{"id":"x","data":[{"topic":"no"}],"topic":"tickers.A"}') == "tickers.A"


@pytest.mark.parametrize("frame", [b"", b"{}", b'{"topic":1}', b'{"topic":"a"', b"\xff", b"[]"])
def test_no_topic(frame: bytes) -> None:
    assert WIRE.topic_of(frame) is None


def test_requests_are_spelled_as_the_manual_spells_them() -> None:
    assert json.loads(WIRE.request("subscribe", ("a", "b"), "7")) == {
        "req_id": "7",
        "op": "subscribe",
        "args": ["a", "b"],
    }
    assert json.loads(WIRE.ping("p")) == {"req_id": "p", "op": "ping"}


def test_the_auth_message_is_spelled_as_the_manual_spells_it_and_not_shown() -> None:
    frame = WIRE.auth(Credentials.hmac("test-key", "test-secret"), 1662350400000, "7")
    assert json.loads(frame) == {
        "req_id": "7",
        "op": "auth",
        "args": [
            "test-key",
            1662350400000,
            "f072aab6fa18cd774da998325df6cfc87c3ccf10d5722e6b43b570c5feaf6172",
        ],
    }
    assert repr(frame) == "<auth frame>"


def test_every_recorded_control_frame_is_understood(frames: Path) -> None:
    files = ("control.jsonl", "control_reported.jsonl", "control_synthetic.jsonl")
    lines = [line for name in files for line in (frames / "v5" / name).read_bytes().splitlines()]
    assert len(lines) == 42
    for line in lines:
        assert WIRE.topic_of(line) is None
        control, fields = WIRE.read(line), json.loads(line)
        if "retCode" in fields and "success" not in fields:
            assert isinstance(control, Unknown)  # order entry: not a socket of ours
        elif "pong" in (fields.get("op"), fields.get("ret_msg")):
            assert control == Pong()
        elif "auth" in (fields.get("op"), fields.get("type", "").lower()[:4]):
            assert isinstance(control, Authenticated)
            assert control.success is fields["success"]
        else:
            assert isinstance(control, Reply)
            assert control.success is fields["success"]
            assert control.request == (fields.get("req_id") or None)


def test_every_recorded_refusal_names_what_it_refuses(frames: Path) -> None:
    expected = {
        "e1": {"orderbook.50.NOPEUSDT"},
        "dcp.future": {"dcp.future"},
        "Tg7vi8n1": {"ticketInfo"},
    }
    seen: dict[str, set[str]] = {}
    for line in (frames / "v5" / "control_reported.jsonl").read_bytes().splitlines():
        control = WIRE.read(line)
        if isinstance(control, Reply) and control.request and not control.success:
            seen[control.request] = set(control.refused) or set(control.accepted)
    found = {key: seen.get(key) for key in expected if key in seen}
    assert found == {key: value for key, value in expected.items() if key in seen}
    assert "e1" in seen
    assert seen["e6"] == {"orderbook.1.ETHUSDT"}
