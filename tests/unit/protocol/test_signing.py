"""What is signed and what is sent: the check values of both wires' documents, then any values."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from rxbybit import Credentials
from rxbybit.protocol.signing import auth_frame, auth_text, rest_headers, rest_text

PEM = rsa.generate_private_key(65537, 2048).private_bytes(
    Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
)
HMAC, RSA = Credentials.hmac("test-key", "test-secret"), Credentials.rsa("test-key", PEM)
SIGNED = "f072aab6fa18cd774da998325df6cfc87c3ccf10d5722e6b43b570c5feaf6172"
EXPIRES_MS = 1662350400000
QUERY = "category=inverse&symbol=BTCUSD"

times = st.integers(0, 2**53)
keys = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1)


def test_the_auth_message_of_v5() -> None:
    assert auth_frame(HMAC, EXPIRES_MS, "7") == (
        f'{{"req_id":"7","op":"auth","args":["test-key",1662350400000,"{SIGNED}"]}}'
    )


def test_the_auth_message_of_legacy() -> None:
    assert auth_frame(HMAC, EXPIRES_MS) == (
        f'{{"op":"auth","args":["test-key",1662350400000,"{SIGNED}"]}}'
    )


def test_the_headers_of_a_rest_request() -> None:
    assert rest_text("test-key", QUERY, 1658384314791, 5000) == (
        "1658384314791test-key5000category=inverse&symbol=BTCUSD"
    )
    assert rest_headers(HMAC, QUERY, timestamp_ms=1658384314791) == {
        "X-BAPI-API-KEY": "test-key",
        "X-BAPI-TIMESTAMP": "1658384314791",
        "X-BAPI-RECV-WINDOW": "5000",
        "X-BAPI-SIGN": "26268d5066cb8272170938766bbcabc29b386eef7d17bd50dc46b35de9eb80e9",
    }


@pytest.mark.parametrize("payload", ["", "cursor=132766%3A2%2C", '{"symbol":"BTCUSD","note":"é"}'])
@pytest.mark.parametrize("credentials", [HMAC, RSA])
def test_what_is_signed_is_what_is_sent(credentials: Credentials, payload: str) -> None:
    headers = rest_headers(credentials, payload, timestamp_ms=5, recv_window_ms=20_000)
    assert headers["X-BAPI-RECV-WINDOW"] == "20000"
    assert headers["X-BAPI-SIGN"] == credentials.sign(f"5test-key20000{payload}")


def test_an_rsa_key_signs_the_same_text() -> None:
    args = json.loads(auth_frame(RSA, EXPIRES_MS))["args"]
    assert args == ["test-key", EXPIRES_MS, RSA.sign("GET/realtime1662350400000")]


@given(keys, times, st.none() | st.text(max_size=8))
def test_the_auth_message_is_json_of_one_shape(key: str, expires: int, request: str | None) -> None:
    credentials = Credentials.hmac(key, "s")
    message = json.loads(auth_frame(credentials, expires, request))
    assert message.pop("req_id", None) == request
    assert message == {"op": "auth", "args": [key, expires, credentials.sign(auth_text(expires))]}
    assert type(message["args"][1]) is int
    assert len(bytes.fromhex(message["args"][2])) == 32


@given(st.dictionaries(keys, st.text(st.characters(codec="utf-8"))), times, st.integers(1, 60_000))
def test_headers_are_ascii_of_one_line(query: dict[str, str], now: int, window: int) -> None:
    payload = urlencode(query)
    headers = rest_headers(HMAC, payload, timestamp_ms=now, recv_window_ms=window)
    assert all(value.isascii() and value.isprintable() for value in headers.values())
    signed = rest_text(
        headers["X-BAPI-API-KEY"],
        payload,
        int(headers["X-BAPI-TIMESTAMP"]),
        int(headers["X-BAPI-RECV-WINDOW"]),
    )
    assert headers["X-BAPI-SIGN"] == HMAC.sign(signed)


@pytest.mark.parametrize("moment", [1.5, 1e12, "1662350400000", None])
def test_a_time_that_is_no_integer_is_not_signed(moment: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        auth_text(moment)  # pyright: ignore[reportArgumentType]
