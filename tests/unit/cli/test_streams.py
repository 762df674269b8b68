"""The commands of the streams: what their options say, and what they refuse."""

from __future__ import annotations

import sys
from datetime import datetime, timezone
from importlib import metadata

import pytest

from rxbybit import (
    Connected,
    Connecting,
    Disconnected,
    Gap,
    Reconnecting,
    Rejected,
    RequestFailed,
    Resynced,
    Stale,
    Status,
)
from rxbybit.cli.client import CommandHooks
from rxbybit.cli.commands import run
from rxbybit.cli.follow import Trouble
from rxbybit.cli.streams import COMMANDS

AT = datetime(2026, 1, 5, 12, 0, 40, tzinfo=timezone.utc)
WRONG = [
    (["instruments", "BTCUSD", "BTCUSDT"], "rxbybit: instruments: names of one category at a time"),
    (["trades", "btcusd"], "rxbybit: symbol 'btcusd': symbols are upper case, 'BTCUSD'"),
    (["trades", "BTCUSD", "--wire", "v4"], "rxbybit: wire='v4': use 'v5' or 'legacy'"),
    (["trades", "BTCUSD", "--category", "x"], "rxbybit: category 'x': use one of inverse, linear"),
    (["trades", "BTCUSD", "--environment", "x"], "rxbybit: environment: 'x' is no environment"),
    (["klines", "BTCUSD", "--interval", "7m"], "rxbybit: interval '7m': use one of 1m"),
    (["book", "BTCUSD", "--depth", "7"], "rxbybit: depth 7: inverse has 1, 25, 50"),
    (["book-updates", "BTCUSD", "--depth", "7"], "rxbybit: depth 7: inverse has 1, 25, 50"),
    (["trades", "BTCUSD", "--for", "soon"], "rxbybit: 'soon' is no length of time"),
    (["insurance", "USDT", "--category", "inverse"], "rxbybit: insurance: USDT is linear"),
]


def ran(monkeypatch: pytest.MonkeyPatch, *words: str) -> object:
    """The status that the command line ends with."""
    monkeypatch.setattr(sys, "argv", ["rxbybit", *words])
    with pytest.raises(SystemExit) as ended:
        run()
    return ended.value.code


@pytest.mark.parametrize(("words", "said"), WRONG, ids=lambda v: v[-1] if type(v) is list else "")
def test_what_cannot_be_is_one_line_and_status_2(
    words: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("RXBYBIT_ENVIRONMENT", raising=False)
    assert ran(monkeypatch, *words) == 2
    out, errors = capsys.readouterr()
    assert out == ""
    assert errors.startswith(said)
    assert errors.count("\n") == 1


def test_a_wrong_variable_is_one_line_and_status_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RXBYBIT_ENVIRONMENT", "nowhere")
    assert ran(monkeypatch, "trades", "BTCUSD") == 2
    errors = capsys.readouterr().err
    assert errors.startswith("rxbybit: RXBYBIT_ENVIRONMENT: 'nowhere' is no environment")
    assert errors.count("\n") == 1


def test_help_names_every_stream(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran(monkeypatch, "--help") == 0
    out = capsys.readouterr().out
    assert [c.name for c in COMMANDS if f"  {c.name} " not in out] == []


def test_the_summaries_in_the_help_are_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert ran(monkeypatch, "--help") == 0
    commands = capsys.readouterr().out.partition("Commands:")[2].splitlines()
    assert [line for line in commands if line.endswith("...")] == []


def test_it_says_its_version(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"rxbybit {metadata.version('rxbybit')}\n"


LOST = Disconnected(time=AT, connection=1, reason="gone")
BACK = Connected(time=AT, connection=1, url="ws://x")
REFUSED = Rejected(time=AT, connection=1, topic="t", message="no")
QUIET = Connecting(time=AT, connection=1, url="ws://x")
UNASKED = RequestFailed(time=AT, url="http://x", reason="gone", attempt=1, delay_s=1)
AGAIN = Reconnecting(time=AT, connection=1, attempt=1, delay_s=1)
WHOLE = Resynced(time=AT, connection=1, topic="t", reason="update 7 came after 5")
SILENT = Stale(time=AT, connection=1, topic="t")
HOLE = Gap(time=AT, connection=1, topic="t", after_ms=None, before_ms=None)


@pytest.mark.parametrize(
    ("named", "told", "heard"),
    [
        # The first connection is what everybody expects; one that comes back is news.
        (True, [QUIET, BACK], []),
        (True, [BACK, LOST, AGAIN, QUIET, BACK, HOLE, BACK], [LOST, AGAIN, BACK, HOLE]),
        (True, [LOST, Connected(time=AT, connection=2, url="ws://y")], [LOST]),
        (True, [REFUSED], []),
        (True, [UNASKED], [UNASKED]),
        (True, [WHOLE], [WHOLE]),
        (True, [SILENT], [SILENT]),
        (False, [REFUSED], [REFUSED]),
    ],
)
def test_only_trouble_and_its_end_are_told(
    named: bool, told: list[Status], heard: list[Status]
) -> None:
    trouble = Trouble(named=named)
    assert [status for status in told if trouble.concerns(status)] == heard


def test_a_slow_reader_is_no_warning(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    hooks = CommandHooks()
    hooks.slow_callback("publicTrade.BTCUSD", 0.5)
    hooks.unreachable("ws://x", "connection refused")
    hooks.reached("ws://x", 2.0)
    assert (capsys.readouterr().err, caplog.records) == ("", [])
    hooks.unreachable("ws://x", "the host name is not known")
    assert capsys.readouterr().err.startswith("rxbybit: without a network, 'rxbybit demo' shows")
