"""``rxbybit decode`` as a process: what it writes where, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.child import ROOT, Child

DECODE = (sys.executable, "-m", "rxbybit", "decode")
TRADE = (
    b'{"topic":"publicTrade.BTCUSD","type":"snapshot","ts":1790000000500,"data":[{"T":1790000000400,'
    b'"s":"BTCUSD","S":"Buy","v":"1500","p":"65012.50","L":"PlusTick",'
    b'"i":"11111111-2222-4333-8444-555555555555","BT":false,"RPI":false,"seq":77}]}'
)
EVENT = {
    "event": "Trade",
    "symbol": "BTCUSD",
    "id": "11111111-2222-4333-8444-555555555555",
    "side": "Buy",
    "price": "65012.50",
    "size": "1500",
    "tick_direction": "PlusTick",
    "time_ms": 1790000000400,
    "sequence": 77,
    "is_block": False,
    "is_rpi": False,
}
DELTA = (
    b'{"topic":"tickers.BTCUSD","type":"delta","data":{"symbol":"BTCUSD","bid1Price":"65012.00",'
    b'"bid1Size":"900"},"cs":78,"ts":1790000000600}'
)
ACK = b'{"success":true,"ret_msg":"","conn_id":"c","req_id":"1","op":"subscribe"}'


def decode(text: bytes, *options: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*DECODE, *options], input=text, capture_output=True, cwd=ROOT, timeout=90, check=False
    )


def rows(ran: subprocess.CompletedProcess[bytes]) -> list[dict[str, object]]:
    return [json.loads(line) for line in ran.stdout.splitlines()]


def test_each_event_is_a_line_of_json_and_the_closing_line_counts() -> None:
    ran = decode(b"\n".join([ACK, TRADE, b"", b'{"topic":"greeks","data":[]}', DELTA]))
    assert rows(ran) == [
        EVENT,
        {
            "event": "TickerUpdate",
            "symbol": "BTCUSD",
            "bid_price": "65012.00",
            "bid_size": "900",
            "changed": ["bid_price", "bid_size"],
        },
    ]
    assert ran.stderr.decode().splitlines() == [
        "4 frames: 2 events, 1 control frames, 1 of topics not offered (greeks), 0 undecodable"
    ]
    assert ran.returncode == 0


def test_meta_is_added_when_it_is_asked_for() -> None:
    (row,) = rows(decode(TRADE, "--meta"))
    meta = row.pop("meta")
    assert row == EVENT
    assert isinstance(meta, dict)
    assert meta["topic"] == "publicTrade.BTCUSD"
    assert meta["sent_ms"] == 1790000000500


def test_a_bad_line_is_named_costs_only_itself_and_makes_the_status_1() -> None:
    ran = decode(b"\n".join([TRADE, b"no frame", TRADE]))
    assert rows(ran) == [EVENT, EVENT]
    named, closing = ran.stderr.decode().splitlines()
    assert named.startswith("line 2: no frame: ")
    assert closing.endswith(" 1 undecodable")
    assert ran.returncode == 1


def test_no_input_is_no_error() -> None:
    ran = decode(b"")
    assert (ran.returncode, ran.stdout) == (0, b"")
    assert ran.stderr.startswith(b"0 frames: 0 events")


def test_an_event_is_written_before_the_next_line_comes_and_ctrl_c_is_silent() -> None:
    buffered = {"PYTHONUNBUFFERED": ""}
    with Child(DECODE, feed=TRADE + b"\n", keep_open=True, env=buffered) as child:
        assert json.loads(child.line()) == EVENT
        child.interrupt()
        status, rest, errors = child.end()
    assert (status, rest) == (130, [])
    assert errors.splitlines() == [
        "1 frames: 1 events, 0 control frames, 0 of topics not offered, 0 undecodable"
    ]


def test_a_reader_that_leaves_ends_it_quietly(tmp_path: Path) -> None:
    frames = tmp_path / "frames.jsonl"
    frames.write_bytes((TRADE + b"\n") * 5000)
    pipe = f"{' '.join(DECODE)} < {frames} | head -n 1 >/dev/null"
    script = f"unset PYTHONUNBUFFERED; {pipe}; echo ${{PIPESTATUS[0]}}"
    ran = subprocess.run(
        ["bash", "-c", script], capture_output=True, cwd=ROOT, timeout=90, check=False
    )
    assert (ran.stdout, ran.stderr) == (b"141\n", b"")


def test_wrong_options_are_named_with_status_2() -> None:
    ran = decode(b"", "--wrong")
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert b"--wrong" in ran.stderr


def test_without_the_extra_there_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise ModuleNotFoundError(name='typer')\n")
    ran = subprocess.run(
        DECODE, input=TRADE, capture_output=True, cwd=ROOT, timeout=90, check=False,
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
    )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (1, b"")
    assert ran.stderr.decode().splitlines() == [
        "rxbybit: the command line needs typer and rich: pip install 'rxbybit[cli]'"
    ]


def test_each_line_of_the_exchange_decodes_or_is_counted(frames: Path) -> None:
    files = [p for p in sorted((frames / "v5").glob("*.jsonl")) if not p.name.startswith("rest_")]
    lines = [line for path in files for line in path.read_bytes().splitlines() if line.strip()]
    ran = decode(b"\n".join(lines))
    (closing,) = ran.stderr.decode().splitlines()
    assert ran.returncode == 0
    assert closing.startswith(f"{len(lines)} frames: {len(rows(ran))} events, ")
    assert closing.endswith(" 0 undecodable")


def test_each_legacy_line_of_the_exchange_decodes_or_is_counted(frames: Path) -> None:
    names = [p for p in sorted((frames / "legacy").glob("*.jsonl")) if p.stem != "rest_public"]
    lines = [line for p in names for line in p.read_bytes().splitlines() if p.stem != "data_parts"]
    for options in ((), ("--wire", "legacy")):
        ran = decode(b"\n".join(lines), *options)
        (closing,) = ran.stderr.decode().splitlines()
        assert ran.returncode == 0
        assert closing == (
            f"{len(lines)} frames: {len(rows(ran))} events, 16 control frames,"
            " 0 of topics not offered, 0 undecodable"
        )


def test_a_wire_that_does_not_exist_is_named() -> None:
    ran = decode(b"", "--wire", "fix")
    assert (ran.returncode, ran.stderr) == (2, b"rxbybit: wire 'fix': use v5, legacy\n")
