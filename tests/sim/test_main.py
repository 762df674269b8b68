"""``python -m rxbybit.sim`` in a process of its own."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from rxbybit.sim import Market
from rxbybit.sim.__main__ import _exchange, _parser, _recordings, main
from tests.sim.peer import PATIENCE_S, Peer, connected, frame, run

# A shell that runs the tests in the background has SIGINT ignored for their children.
HEARS_CTRL_C = "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
MODULE = "runpy.run_module('rxbybit.sim', run_name='__main__', alter_sys=True)"
COMMAND = [sys.executable, "-c", f"{HEARS_CTRL_C}; {MODULE}"]


def test_serves_until_ctrl_c(tmp_path: Path) -> None:
    frames = [frame("a", n=i) for i in range(3)]
    path = tmp_path / "frames.jsonl"
    path.write_text("\n".join(frames))
    options = ["--recording", f"linear={path}", "--pace", "at_once", "--loop"]
    with subprocess.Popen(
        [*COMMAND, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            url = process.stdout.readline().strip()
            with urllib.request.urlopen(f"{url}/v5/market/time", timeout=PATIENCE_S) as response:
                assert json.load(response)["retMsg"] == "OK"
            assert run(first_frames(url)) == frames * 2
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE_S) == 130
            assert (process.stdout.read(), process.stderr.read()) == ("", "")
        finally:
            process.kill()


async def first_frames(url: str) -> list[str]:
    import aiohttp

    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{url}/v5/public/linear") as websocket,
    ):
        peer = Peer(websocket)
        await peer.subscribe("a")
        return await peer.texts(6)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--recording", "nothing.jsonl"], "inverse|linear|spot|option|legacy=FILE"),
        (["--recording", "futures=x"], "inverse|linear|spot|option|legacy=FILE"),
        (["--recording", "linear="], "inverse|linear|spot|option|legacy=FILE"),
        (["--recording", "linear=/no/such/file"], "sim: /no/such/file: No such file"),
        (["--recording", f"spot={__file__}"], "frame 1 is no JSON"),
        (["--speed", "0"], "speed"),
        (["--pace", "fast"], "invalid choice"),
        (["--seed", "x"], "invalid int"),
        (["--faults", "/no/such/file"], "sim: /no/such/file: No such file"),
        (["--faults", __file__], "is no JSON"),
    ],
)
def test_wrong_arguments(options: list[str], says: str, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(options)
    assert exit_.value.code == 2
    assert says in capsys.readouterr().err


def test_a_port_that_is_taken_is_told_without_a_number(capsys: pytest.CaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SystemExit) as exit_:
        main(["--port", str(taken.getsockname()[1])])
    assert exit_.value.code == 2
    errors = capsys.readouterr().err
    assert "address already in use" in errors
    assert "Errno" not in errors


def test_one_recording_a_category(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path = tmp_path / "frames.jsonl"
    path.write_text(frame("a"))
    with pytest.raises(SystemExit):
        main(["--recording", f"spot={path}", "--recording", f"spot={path}"])
    assert "one for spot already" in capsys.readouterr().err


@pytest.mark.parametrize("wanted", [False, True])
def test_snapshots_for_who_comes_late(tmp_path: Path, wanted: bool) -> None:
    path = tmp_path / "frames.jsonl"
    path.write_text(frame("a"))
    options = ["--recording", f"spot={path}", *(["--snapshots"] if wanted else [])]
    served = _recordings(_parser("sim").parse_args(options))
    assert served["spot"].snapshots is wanted


def test_the_market_is_there_without_a_recording(tmp_path: Path) -> None:
    (faults := tmp_path / "faults.json").write_text('[{"fault": "cut", "after": 40}]')
    (path := tmp_path / "frames.jsonl").write_text(frame("a"))
    options = ["--seed", "3", "--speed", "50", "--faults", str(faults)]
    exchange = _exchange(_parser("sim").parse_args([*options, "--recording", f"linear={path}"]))
    live = exchange.market
    assert live is not None
    same = Market(seed=3, start_ms=live.now_ms)
    for market in (live, same):
        market.want("inverse", "orderbook.50.BTCUSD")
    topic = "orderbook.50.BTCUSD"
    assert live.snapshot("inverse", topic) == same.snapshot("inverse", topic)
    began_ms = time.time_ns() // 1_000_000

    async def main() -> list[dict[str, Any]]:
        async with exchange, connected(exchange, "inverse") as peer:
            await peer.subscribe("orderbook.50.BTCUSD")
            heard, _ = await peer.rest()
            async with connected(exchange, "linear") as other:
                await other.subscribe("a")
                assert await other.text() == frame("a")
        return [json.loads(one) for one in heard]

    heard = run(main())
    assert len(heard) == 40
    assert abs(heard[0]["ts"] - began_ms) < 60_000
    assert heard[-1]["ts"] - heard[0]["ts"] >= 39 * 20


def test_what_is_wrong_is_one_line(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        main(["--seed", "x"], prog="rxbybit sim")
    said = capsys.readouterr().err
    assert said.startswith("rxbybit sim: argument --seed: invalid int value")
    assert said.count("\n") == 1
