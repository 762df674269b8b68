"""What the doctor says of the machine alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

import pytest

from rxbybit import direct
from rxbybit.cli import installed
from rxbybit.cli.finding import Finding


def machine(environ: Mapping[str, str], *, proxy: bool = False) -> dict[str, list[Finding]]:
    async def main() -> list[Finding]:
        return list(installed.check_machine(environ, proxy=proxy))

    found: dict[str, list[Finding]] = {}
    for finding in asyncio.run(main()):
        found.setdefault(finding.check, []).append(finding)
    return found


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RXBYBIT_DECODER", raising=False)


def test_a_plain_machine_is_well() -> None:
    found = machine({})
    assert {f.status for fs in found.values() for f in fs} == {"ok"}
    (versions,) = found["versions"]
    assert [name for name in installed.PACKAGES if f" {name} " not in versions.text] == []
    assert found["decoder"][0].text == "compiled (msgspec)"
    assert found["variables"][0].text == "none of rxbybit is set"
    assert found["proxy"][0].text == "none"


def test_secrets_are_not_shown() -> None:
    environ = {
        "BYBIT_API_KEY": "abcdefghijkl",
        "BYBIT_API_SECRET": "mnopqrst",
        "RXBYBIT_SECRET": "uvwxyz",
        "HTTPS_PROXY": "http://somebody:hidden@proxy",
    }
    found = machine(environ)
    told = " ".join(f.line() for fs in found.values() for f in fs)
    assert "BYBIT_API_KEY=abcd..., BYBIT_API_SECRET is set" in told
    assert [s for s in ("abcde", "mnop", "uvwxyz", "hidden") if s in told] == []


@pytest.mark.parametrize("key", ["a", "abcd", "abcdefg"])
def test_of_a_key_too_short_to_be_one_nothing_is_shown(key: str) -> None:
    (found,) = machine({"BYBIT_API_KEY": key, "BYBIT_API_SECRET": "s"})["variables"]
    assert found.text == "BYBIT_API_KEY is set, BYBIT_API_SECRET is set"


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"BYBIT_API_KEY": "abcdefghijkl"}, "BYBIT_API_SECRET is not: set both, or neither"),
        ({"BYBIT_API_KEY": "abcd efgh", "BYBIT_API_SECRET": "s"}, "has white space in it"),
    ],
)
def test_credentials_that_cannot_be_are_a_warning(environ: dict[str, str], said: str) -> None:
    _, wrong = machine(environ)["variables"]
    assert (wrong.status, said in wrong.text) == ("warn", True)


def test_variables_are_shown_and_what_is_none_is_a_warning() -> None:
    environ = {"RXBYBIT_ENVIRONMENT": "testnet", "RXBYBIT_ENVIROMENT": "x", "RXBYBIT_FRAMES": "y"}
    known, unknown = machine(environ)["variables"]
    assert (known.status, known.text) == ("ok", "RXBYBIT_ENVIRONMENT=testnet")
    assert unknown.status == "warn"
    assert unknown.text.startswith("RXBYBIT_ENVIROMENT is none of rxbybit's")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["HTTPS_PROXY"], "none: HTTPS_PROXY is set but not used"),
        (["https_proxy", "HTTP_PROXY"], "none: HTTP_PROXY and https_proxy are set but not used"),
    ],
)
def test_proxy_variables_are_not_used_and_said_to_be_not(names: list[str], said: str) -> None:
    (found,) = machine(dict.fromkeys(names, "http://p"))["proxy"]
    assert (found.status, found.text.startswith(said)) == ("ok", True)
    assert "pass --proxy URL" in found.text


@pytest.mark.parametrize(
    ("value", "status", "said"),
    [
        ("marshmallow", "warn", "30 times slower, as RXBYBIT_DECODER says: unset it"),
        ("orjson", "fail", "RXBYBIT_DECODER='orjson': use msgspec or marshmallow"),
    ],
)
def test_the_decoder_of_the_variable(
    monkeypatch: pytest.MonkeyPatch, value: str, status: str, said: str
) -> None:
    monkeypatch.setenv("RXBYBIT_DECODER", value)
    (found,) = machine({"RXBYBIT_DECODER": value})["decoder"]
    assert (found.status, said in found.text) == (status, True)


def test_a_family_that_is_not_compiled_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rxbybit.schema.decoder.compile_frames", lambda *_: None)
    (found,) = machine({})["decoder"]
    assert found.status == "warn"
    assert "for publicTrade.BTCUSD, tickers.BTCUSD" in found.text


def test_direct_reading_that_is_off_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct, "works", lambda: False)
    (found,) = machine({})["direct reading"]
    assert (found.status, found.text[:3]) == ("warn", "off")


def test_uvloop_need_not_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed.util, "find_spec", lambda name: None)
    (found,) = machine({})["uvloop"]
    assert (found.status, found.text[:13]) == ("ok", "not installed")


def test_a_finding_is_a_line_or_an_object() -> None:
    found = Finding("websocket linear", "ok", "wss://h  43 ms", ms=43.1)
    assert found.line() == "ok   websocket linear  wss://h  43 ms"
    row = {"check": "websocket linear", "status": "ok", "text": "wss://h  43 ms", "ms": 43.1}
    assert json.loads(found.json()) == row
    assert "ms" not in json.loads(Finding("proxy", "ok", "none").json())
