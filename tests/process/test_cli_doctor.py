"""``rxbybit doctor`` as a process: what it writes, and how it ends."""

from __future__ import annotations

import json
import re
import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from rxbybit.sim import Recording, ServedExchange, serve_in_thread
from tests.child import Child
from tests.loopback.rawserver import Peer, RawServer

DOCTOR = (sys.executable, "-m", "rxbybit", "doctor")
LINE = re.compile(r"(ok  |warn|fail) [a-zA-Z ]{17} \S.*")


@pytest.fixture(scope="module")
def exchange() -> Iterator[ServedExchange]:
    recordings: Any = dict.fromkeys(("inverse", "linear", "spot", "option"), Recording([]))
    with serve_in_thread(recordings) as served:
        yield served


def test_all_is_well_with_status_0(exchange: ServedExchange) -> None:
    with Child((*DOCTOR, "--environment", exchange.url)) as child:
        status, lines, errors = child.end()
    assert (status, errors) == (0, ""), lines
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    assert {"ok   websocket linear", "ok   clock"} <= {line[:21].strip() for line in lines}


def test_the_environment_is_that_of_the_variable(exchange: ServedExchange) -> None:
    with Child((*DOCTOR, "--json"), env={"RXBYBIT_ENVIRONMENT": exchange.url}) as child:
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
    with Child((*DOCTOR, f"--environment=http://127.0.0.1:{port}")) as child:
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
