"""``rxbybit demo`` as a process: live lines, and how it ends."""

from __future__ import annotations

import re
import subprocess
import sys
import time

import pytest

from tests.child import ROOT, Child

DEMO = (sys.executable, "-m", "rxbybit", "demo")
KINDS = "trade |quote |candle|status|note  |order |stop  |fill  |held  "
LINE = re.compile(rf"\d\d:\d\d:\d\d\.\d{{3}}  ({KINDS})  \S+ +\S.*")


def test_it_prints_live_lines_until_ctrl_c() -> None:
    with Child(DEMO) as child:
        head = child.line()
        lines = child.lines_until(
            "connecting to",
            "connected to",
            "subscribed to",
            "  trade ",
            "  quote ",
            "  candle ",
            "ETHUSD",
            "  order   BTCUSD ",
            "  order   BTCUSDT ",
            "  fill    BTCUSD",
            "  held    BTCUSD",
        )
        child.interrupt()
        status, rest, errors = child.end()
    assert re.fullmatch(r"Invented prices, served on http://127\.0\.0\.1:\d+\..*", head)
    assert [line for line in lines + rest if not LINE.fullmatch(line)] == []
    assert (status, errors) == (130, "")


def test_quotes_are_never_crossed_name_both_sides_and_come_once_a_second() -> None:
    seen: dict[str, int] = {"BTCUSD": 0, "BTCUSDT": 0, "ETHUSD": 0}
    began = time.monotonic()
    with Child(DEMO) as child:
        while min(seen.values()) < 3:
            line = child.line()
            if "  quote " not in line:
                continue
            found = re.search(
                r"quote +(\S+) +bid +(\d+\.?\d*) x [\d.]+ +ask +(\d+\.?\d*) x [\d.]+", line
            )
            assert found, line
            assert float(found[2]) < float(found[3])
            seen[found[1]] += 1
            # of a market that changes twice as often
            assert time.monotonic() - began >= seen[found[1]] * 1.0


def test_the_connection_is_cut_on_purpose_and_heals() -> None:
    script = "from rxbybit.cli.demo import play; play(None, cut_s=6)"
    with Child((sys.executable, "-c", script)) as child:
        child.lines_until("  trade ")
        child.lines_until("the demo cuts the connection on purpose now")
        child.lines_until("  status  link 1 disconnected: ")
        child.lines_until("the exchange of the demo takes connections again")
        child.lines_until("  status  link 1 connected to ", "  trade ")
        child.interrupt()
        _, _, errors = child.end()
    assert errors.splitlines()[-1] == "KeyboardInterrupt"  # of the script, which is no command
    assert "cannot reach" not in errors


def test_for_ends_it_in_time_with_status_0() -> None:
    began = time.monotonic()
    with Child((*DEMO, "--for", "2s")) as child:
        child.line()
        status, lines, errors = child.end()
    assert (status, errors) == (0, "")
    assert lines
    assert time.monotonic() - began >= 2.0  # and not 2 ms, or 2 minutes, for which none waits


@pytest.mark.parametrize("length", ["0s", "soon", "-1s"])
def test_a_length_that_cannot_be_is_named_with_status_2(length: str) -> None:
    with Child((*DEMO, f"--for={length}")) as child:
        status, lines, errors = child.end()
    assert (status, lines) == (2, [])
    assert errors == f"rxbybit: '{length}' is no length of time: use 10s, 500ms, 1.5m or 2h\n"


def test_a_reader_that_leaves_ends_it_quietly() -> None:
    script = (
        f"unset PYTHONUNBUFFERED; {' '.join(DEMO)} | head -n 3 >/dev/null; echo ${{PIPESTATUS[0]}}"
    )
    ran = subprocess.run(
        ["bash", "-c", script], capture_output=True, cwd=ROOT, timeout=90, check=False
    )
    assert (ran.stdout, ran.stderr) == (b"141\n", b"")
