"""Environments, proxies and patience: what is taken, and what an error names."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest

from rxbybit import Backoff, ConfigurationError, Environment
from rxbybit.config import CATEGORIES, environment_of, proxy_of


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RXBYBIT_ENVIRONMENT", raising=False)


@pytest.mark.parametrize(
    ("name", "linear", "private", "rest"),
    [
        (
            "mainnet",
            "wss://stream.bybit.com/v5/public/linear",
            "wss://stream.bybit.com/v5/private",
            "https://api.bybit.com",
        ),
        (
            "testnet",
            "wss://stream-testnet.bybit.com/v5/public/linear",
            "wss://stream-testnet.bybit.com/v5/private",
            "https://api-testnet.bybit.com",
        ),
        (
            "demo",
            "wss://stream.bybit.com/v5/public/linear",
            "wss://stream-demo.bybit.com/v5/private",
            "https://api-demo.bybit.com",
        ),
    ],
)
def test_a_name_is_a_set_of_urls(name: str, linear: str, private: str, rest: str) -> None:
    found = environment_of(name)
    assert (found.name, found.public["linear"], found.private, found.rest) == (
        name,
        linear,
        private,
        rest,
    )
    assert tuple(found.public) == CATEGORIES
    assert all(url == linear.replace("linear", category) for category, url in found.public.items())
    assert found.legacy == linear.replace("v5/public/linear", "realtime")


@pytest.mark.parametrize(
    ("url", "stream", "rest"),
    [
        ("http://127.0.0.1:8765", "ws://127.0.0.1:8765", "http://127.0.0.1:8765"),
        ("http://127.0.0.1:8765/", "ws://127.0.0.1:8765", "http://127.0.0.1:8765"),
        ("https://gate.example", "wss://gate.example", "https://gate.example"),
        ("HTTP://[::1]:80", "ws://[::1]:80", "http://[::1]:80"),
    ],
)
def test_a_base_url_serves_everything(url: str, stream: str, rest: str) -> None:
    found = environment_of(url)
    assert found.public == {c: f"{stream}/v5/public/{c}" for c in CATEGORIES}
    assert found.private == f"{stream}/v5/private"
    assert found.legacy == f"{stream}/realtime"
    assert found.rest == rest


def test_an_environment_is_itself() -> None:
    own = Environment(name="gate", public={"spot": "ws://gate/spot"})
    assert environment_of(own) is own
    assert (own.private, own.legacy, own.rest) == (None, None, None)


WRONG = [
    "",
    "mainet",
    "Sim",
    "MAINNET",
    "127.0.0.1:8765",
    "http://",
    "http://:80",
    "http://h:0",
    "http://h:99999",
    "http://h:port",
    "http://[::1",
    " http://h",
    "http://h\n",
    "http://h h",
]


@pytest.mark.parametrize("wrong", WRONG)
def test_another_environment_is_told_the_legal_ones(wrong: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        environment_of(wrong)
    text = str(caught.value)
    assert text.startswith(f"environment: {wrong!r}")
    for legal in ("mainnet", "testnet", "demo", "http://127.0.0.1:8765"):
        assert legal in text


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("http://h/v5/public/linear", "http://h"),
        ("https://h:8443/bybit/", "https://h:8443"),
        ("http://h?x=1", "http://h"),
        ("http://h/?", "http://h"),
        ("http://h#x", "http://h"),
        ("ws://127.0.0.1:8765", "http://127.0.0.1:8765"),
        ("wss://stream.bybit.com/v5/public/linear", "https://stream.bybit.com"),
    ],
)
def test_a_base_url_is_a_scheme_and_a_host(wrong: str, right: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        environment_of(wrong)
    assert str(caught.value) == (
        f"environment: give the scheme and the host alone, {right!r} and not {wrong!r}; hosts that"
        " serve other paths take an Environment"
    )


@pytest.mark.parametrize("wrong", [5, b"mainnet", ["mainnet"], object, True])
def test_what_is_no_text_is_no_environment(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"use mainnet, testnet, demo"):
        environment_of(wrong)


@pytest.mark.parametrize("wrong", ["http://user:secret@h", "http://:secret@h", "ws://u:secret@h"])
def test_a_password_is_refused_and_never_shown(wrong: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        environment_of(wrong)
    assert "secret" not in repr(caught.value)
    assert "password" in str(caught.value)


def test_nothing_reads_the_variable_and_then_is_mainnet(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment_of(None).name == "mainnet"
    monkeypatch.setenv("RXBYBIT_ENVIRONMENT", "")
    assert environment_of(None).name == "mainnet"
    monkeypatch.setenv("RXBYBIT_ENVIRONMENT", "testnet")
    assert environment_of(None).name == "testnet"
    assert environment_of("demo").name == "demo"
    monkeypatch.setenv("RXBYBIT_ENVIRONMENT", "http://127.0.0.1:1")
    assert environment_of(None).public["spot"] == "ws://127.0.0.1:1/v5/public/spot"


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RXBYBIT_ENVIRONMENT", "moon")
    with pytest.raises(ConfigurationError, match=r"^RXBYBIT_ENVIRONMENT: 'moon'.*mainnet"):
        environment_of(None)


@pytest.mark.parametrize(
    ("public", "said"),
    [
        ({"futures": "ws://h"}, "no category 'futures'; use inverse, linear, spot, option"),
        ({"spot": "http://h"}, "'spot'.*ws:// or wss://"),
        ({"spot": "h"}, "'spot'.*ws:// or wss://"),
        ({"spot": None}, "'spot'.*ws:// or wss://"),
        ({"spot": "wss://u:secret@h"}, "'spot'.*without password"),
    ],
)
def test_an_environment_with_wrong_urls(public: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        Environment(name="x", public=public)
    assert "secret" not in repr(caught.value)


@pytest.mark.parametrize("url", [None, "http://10.0.0.1:3128", "https://u:p@proxy.example"])
def test_a_proxy_is_an_http_url(url: str | None) -> None:
    assert proxy_of(url) == url


@pytest.mark.parametrize("wrong", ["", "10.0.0.1:3128", "socks5://u:secret@h", 3128, "http://"])
def test_another_proxy_is_refused_without_showing_it(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"http://10\.0\.0\.1:3128") as caught:
        proxy_of(wrong)
    assert "secret" not in repr(caught.value)


def test_the_bound_grows_to_its_cap() -> None:
    assert [Backoff().bound(n) for n in (1, 2, 3, 7, 8, 10_000)] == [0.5, 1, 2, 30, 30, 30]
    assert [Backoff(first=2, cap=5).bound(n) for n in (1, 2, 3)] == [2, 4, 5]
    assert Backoff(first=9, cap=1).bound(1) == 1
    assert Backoff(budget=1).budget == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"first": 0}, "first=0: seconds, more than 0"),
        ({"first": -1}, "first=-1"),
        ({"first": math.inf}, "first=inf"),
        ({"first": "1"}, "first='1'"),
        ({"first": True}, "first=True"),
        ({"cap": 0}, "cap=0: seconds, more than 0"),
        ({"cap": math.nan}, "cap=nan"),
        ({"cap": None}, "cap=None"),
        ({"budget": 0}, "budget=0: at least 1, or None"),
        ({"budget": 1.5}, "budget=1.5"),
        ({"budget": True}, "budget=True"),
    ],
)
def test_an_impossible_backoff_is_told_what_is_legal(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        Backoff(**wrong)
