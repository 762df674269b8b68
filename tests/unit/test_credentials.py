"""Credentials: what can be one, what each signs, and what an error says of one that cannot be."""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import pickle
import sys
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from rxbybit import ConfigurationError, Credentials
from rxbybit.credentials import credentials_in

PRIVATE = rsa.generate_private_key(65537, 2048)
NO_RSA = "holds no RSA private key: give the whole text of its file"
# The prefix of a SHA-256 in a signature: RFC 8017, section 9.2, note 1.
DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
possible = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1)
visible = possible.filter(lambda text: not text.startswith("-----BEGIN"))


def pem_of(key: Any, how: PrivateFormat = PrivateFormat.PKCS8, passphrase: bytes = b"") -> str:
    closed = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, how, closed).decode()


PEM = pem_of(PRIVATE)
PUBLIC_PEM = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def refusal(make: Callable[[], object]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        make()
    assert caught.value.permanent
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_secret_signs_the_check_value_of_the_manual() -> None:
    credentials = Credentials.hmac("test-key", "test-secret")
    expected = "f072aab6fa18cd774da998325df6cfc87c3ccf10d5722e6b43b570c5feaf6172"
    assert credentials.sign("GET/realtime1662350400000") == expected
    assert credentials.sign("GET/realtime1662350400000") == expected  # using it uses nothing up
    assert credentials.key == "test-key"


@given(visible, visible, st.lists(st.text(st.characters(codec="utf-8")), max_size=3))
def test_each_signature_is_the_hmac_of_its_text(key: str, secret: str, texts: list[str]) -> None:
    credentials = Credentials.hmac(key, secret)
    for text in texts:
        expected = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        assert credentials.sign(text) == expected


@pytest.mark.parametrize(
    "pem",
    [
        PEM,
        PEM.encode(),
        f"\n {PEM}\n\n",
        PEM.replace("\n", "\r\n"),
        pem_of(PRIVATE, PrivateFormat.TraditionalOpenSSL),
    ],
)
def test_a_pem_signs_by_rsa_with_sha256(pem: str | bytes) -> None:
    signature = base64.b64decode(Credentials.rsa("test-key", pem).sign("GET/réaltime"))
    numbers = PRIVATE.public_key().public_numbers()
    opened = pow(int.from_bytes(signature), numbers.e, numbers.n).to_bytes(256)
    digest = DIGEST_INFO + hashlib.sha256("GET/réaltime".encode()).digest()
    assert opened == b"\x00\x01" + b"\xff" * (253 - len(digest)) + b"\x00" + digest


@given(possible, visible)
def test_four_characters_of_the_key_are_shown(key: str, secret: str) -> None:
    credentials = Credentials.hmac(key, secret)
    shown = f"Credentials.hmac('{key[:4]}...', <secret>)"
    assert {repr(credentials), str(credentials), f"{credentials}"} == {shown}


def test_the_repr_names_the_kind() -> None:
    assert repr(Credentials.rsa("AbCdEfGh", PEM)) == "Credentials.rsa('AbCd...', <secret>)"


def test_they_are_equal_to_themselves_alone() -> None:
    one, other = (Credentials.hmac("key", "secret") for _ in range(2))
    assert [one] == [one]
    assert one != other
    assert copy.copy(one) is one
    assert copy.deepcopy({"of": one})["of"] is one


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_they_are_not_pickled(protocol: int) -> None:
    with pytest.raises(TypeError, match="Credentials are not pickled"):
        pickle.dumps(Credentials.hmac("key", "secret"), protocol)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "is empty"),
        (" \t", "is empty"),
        ("ab cd", "has white space in it or around it"),
        ("abcd\n", "has white space in it or around it"),
        ("\u00a0abcd", "has white space in it or around it"),
        ("abcdé", "has a character that is not printable ASCII"),
        ("ab\x00cd", "has a character that is not printable ASCII"),
        ("ab\ud800", "has a character that is not printable ASCII"),
        (None, "is no text"),
        (b"abcd", "is no text"),
        (7, "is no text"),
    ],
)
def test_what_can_be_no_key_and_no_secret(value: Any, said: str) -> None:
    assert refusal(lambda: Credentials.hmac(value, "s")).startswith(
        f"Credentials.hmac: the key {said}"
    )
    assert refusal(lambda: Credentials.hmac("k", value)).startswith(
        f"Credentials.hmac: the secret {said}"
    )
    assert refusal(lambda: Credentials.rsa(value, PEM)).startswith(
        f"Credentials.rsa: the key {said}"
    )


def test_a_pem_is_no_secret() -> None:
    assert "use Credentials.rsa(key, pem)" in refusal(lambda: Credentials.hmac("k", PEM))


@pytest.mark.parametrize(
    ("pem", "said"),
    [
        ("", NO_RSA),
        ("bybit.pem", NO_RSA),
        (PUBLIC_PEM, NO_RSA),
        (PEM[:300], NO_RSA),
        (PEM.replace("MII", "MIJ"), NO_RSA),
        (PEM + "é", NO_RSA),
        (b"\xff" + PEM.encode(), NO_RSA),
        ("-----BEGIN \ud800", NO_RSA),
        (pem_of(ec.generate_private_key(ec.SECP256R1())), NO_RSA),
        (pem_of(PRIVATE, passphrase=b"sesame"), "is encrypted: give the private key without"),
        (pem_of(PRIVATE, PrivateFormat.TraditionalOpenSSL, b"sesame"), "is encrypted"),
        (None, "is no text"),
        (7, "is no text"),
    ],
)
def test_what_can_be_no_pem(pem: Any, said: str) -> None:
    assert refusal(lambda: Credentials.rsa("k", pem)).startswith(f"Credentials.rsa: the PEM {said}")


def test_without_the_extra_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "cryptography"]:
        monkeypatch.setitem(sys.modules, name, None)
    said = refusal(lambda: Credentials.rsa("k", PEM))
    assert said == "an RSA key needs cryptography: pip install 'rxbybit[rsa]'"


def test_whoever_calls_the_class_is_told_what_to_call() -> None:
    kind: Any = Credentials
    for make in (kind, lambda: kind("k", "s"), lambda: kind(key="k", secret="s")):
        assert refusal(make).startswith("use Credentials.hmac(key, secret), or Credentials.rsa(")


@pytest.mark.parametrize("environ", [{}, {"BYBIT_API_KEY": "", "BYBIT_API_SECRET": ""}])
def test_without_both_variables_there_are_none(environ: dict[str, str]) -> None:
    assert credentials_in(environ) is None


def test_the_variables_hold_a_secret_or_a_pem() -> None:
    by_secret = credentials_in({"BYBIT_API_KEY": "test-key", "BYBIT_API_SECRET": "test-secret"})
    by_pem = credentials_in({"BYBIT_API_KEY": "test-key", "BYBIT_API_SECRET": PEM})
    assert by_secret is not None
    assert by_pem is not None
    assert by_secret.sign("x") == Credentials.hmac("test-key", "test-secret").sign("x")
    assert by_pem.sign("x") == Credentials.rsa("test-key", PEM).sign("x")
    assert by_secret.key == by_pem.key == "test-key"


@pytest.mark.parametrize(
    ("key", "secret", "said"),
    [
        ("k", None, "BYBIT_API_KEY is set, but BYBIT_API_SECRET is not"),
        ("k", "", "BYBIT_API_KEY is set, but BYBIT_API_SECRET is not"),
        (None, "s", "BYBIT_API_SECRET is set, but BYBIT_API_KEY is not"),
        (" ", "s", "BYBIT_API_KEY is empty"),
        ("k", "s\n", "BYBIT_API_SECRET has white space"),
        ("k", PEM[:300], f"BYBIT_API_SECRET {NO_RSA}"),
    ],
)
def test_variables_that_cannot_be_are_named(key: str | None, secret: str | None, said: str) -> None:
    given = {"BYBIT_API_KEY": key, "BYBIT_API_SECRET": secret}
    environ = {name: value for name, value in given.items() if value is not None}
    assert refusal(lambda: credentials_in(environ)).startswith(said)
