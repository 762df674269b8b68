"""``rxbybit doctor`` as a process: what it writes, and how it ends."""

from __future__ import annotations

import json
import re
import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from rxbybit.sim import (
    DEMO_KEY,
    DEMO_SECRET,
    Market,
    Recording,
    ServedExchange,
    serve_in_thread,
)
from tests.child import Child
from tests.loopback.rawserver import Peer, RawServer

DOCTOR = (sys.executable, "-m", "rxbybit", "doctor")
NONE = {"BYBIT_API_KEY": "", "BYBIT_API_SECRET": ""}
LINE = re.compile(r"(ok  |warn|fail) [a-zA-Z ]{17} \S.*")


@pytest.fixture(scope="module")
def exchange() -> Iterator[ServedExchange]:
    recordings: Any = dict.fromkeys(("inverse", "linear", "spot", "option"), Recording([]))
    with serve_in_thread(recordings) as served:
        yield served


def test_all_is_well_with_status_0(exchange: ServedExchange) -> None:
    with Child((*DOCTOR, "--environment", exchange.url), env=NONE) as child:
        status, lines, errors = child.end()
    assert (status, errors) == (0, ""), lines
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    assert {"ok   websocket linear", "ok   clock"} <= {line[:21].strip() for line in lines}


def test_the_environment_is_that_of_the_variable(exchange: ServedExchange) -> None:
    with Child((*DOCTOR, "--json"), env={"RXBYBIT_ENVIRONMENT": exchange.url, **NONE}) as child:
        status, lines, errors = child.end()
    assert (status, errors) == (0, "")
    rows = [json.loads(line) for line in lines]
    assert {"websocket linear", "REST", "clock"} <= {row["check"] for row in rows}
    assert [row for row in rows if row["status"] not in ("ok", "warn")] == []


def test_the_embedded_exchange_runs_for_it() -> None:
    with Child((*DOCTOR, "--environment=sim")) as child:
        status, lines, errors = child.end()
    assert (status, errors) == (0, ""), lines
    hosts = {line.split()[3] for line in lines if line.startswith("ok   websocket ")}
    assert len(hosts) == 4
    assert all(host.startswith("ws://127.0.0.1:") for host in hosts)


def test_what_fails_makes_the_status_1() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = (*DOCTOR, f"--environment=http://127.0.0.1:{port}")
    with Child(command, env=NONE) as child:
        status, lines, errors = child.end()
    assert (status, errors) == (1, "")
    assert sum(line.startswith("fail ") for line in lines) == 5


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--environment=moon", "environment: 'moon' is no environment"),
        ("--proxy=here", "proxy: use the URL of an HTTP proxy"),
        ("--timeout=11s", "--timeout: a check takes 10s at most"),
        ("--timeout=soon", "'soon' is no length of time"),
    ],
)
def test_a_wrong_option_is_named_with_status_2(option: str, said: str) -> None:
    with Child((*DOCTOR, option)) as child:
        status, lines, errors = child.end()
    assert (status, lines) == (2, [])
    assert said in errors
    assert errors.count("\n") == 1


def test_ctrl_c_ends_it_at_once_with_130() -> None:
    with (
        RawServer(Peer.hold) as server,
        Child((*DOCTOR, f"--environment=http://127.0.0.1:{server.port}")) as child,
    ):
        lines = child.lines_until("proxy")
        child.interrupt()
        status, _, errors = child.end()
    assert all(line.startswith(("ok", "warn")) for line in lines)
    assert (status, errors) == (130, "")


@pytest.fixture(scope="module")
def market() -> Iterator[ServedExchange]:
    with serve_in_thread(market=Market(start_ms=1_790_000_000_000)) as served:
        yield served


def of_key(url: str, key: str, secret: str) -> tuple[int, str]:
    env = {"BYBIT_API_KEY": key, "BYBIT_API_SECRET": secret}
    with Child((*DOCTOR, "--environment", url), env=env) as child:
        status, lines, errors = child.end()
    assert errors == ""
    assert secret not in "\n".join(lines)
    assert key not in "\n".join(lines)
    (line,) = (line for line in lines if line[5:9] == "key ")
    return status, line


def test_a_key_that_the_exchange_takes_is_told_by_its_first_characters(
    market: ServedExchange,
) -> None:
    status, line = of_key(market.url, DEMO_KEY, DEMO_SECRET)
    assert status == 0
    assert line.split(maxsplit=2)[2] == (
        f"{market.url}: Credentials.hmac('SIMD...', <secret>) is taken"
    )
    assert line.startswith("ok ")


@pytest.mark.parametrize(
    ("key", "secret", "said"),
    [
        ("unknown-key-of-nobody", DEMO_SECRET, "(code 10003): is it a key of this environment?"),
        (DEMO_KEY, "wrong-secret-of-nobody", "(code 10004): is the secret that of this key"),
    ],
)
def test_a_key_that_it_refuses_is_one_line_and_status_1(
    key: str, secret: str, said: str, market: ServedExchange
) -> None:
    status, line = of_key(market.url, key, secret)
    assert status == 1
    assert line.startswith("fail key ")
    assert " is refused: " in line
    assert said in line


def test_an_exchange_without_accounts_does_not_know_the_key(exchange: ServedExchange) -> None:
    status, line = of_key(exchange.url, DEMO_KEY, DEMO_SECRET)
    assert status == 1
    assert line.startswith("fail key ")


def test_without_a_key_nothing_is_said_of_one(exchange: ServedExchange) -> None:
    with Child((*DOCTOR, "--environment", exchange.url), env=NONE) as child:
        _, lines, _ = child.end()
    assert [line for line in lines if line[5:9] == "key "] == []


def test_the_key_of_sim_is_its_own() -> None:
    env = {"BYBIT_API_KEY": "another-key-of-mainnet", "BYBIT_API_SECRET": "another-secret-0"}
    with Child((*DOCTOR, "--environment", "sim"), env=env) as child:
        status, lines, _ = child.end()
    assert status == 0
    assert [line.split()[-2:] for line in lines if line[5:9] == "key "] == [["is", "taken"]]
