"""The other end of the benchmark: counting, timing, comparing."""

from __future__ import annotations

import json
import os
import time
from array import array

import msgspec
import pytest

from tests.perf import feed, probe, run
from tests.perf.market import trade_id
from tests.perf.script import Script

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The exit statuses that a probe has ended the process with."""
    statuses: list[int] = []
    monkeypatch.setattr(os, "_exit", statuses.append)
    return statuses


def probe_of(mode: str, subscribers: int = 1) -> probe.Probe:
    counts = {"messages": 4, "trade_messages": 3, "trades": 3, "others": 1}
    options = {"port": 1, "mode": mode, "subscribers": subscribers, **counts}
    return probe.Probe(msgspec.convert(options, probe.Options), 3)


def id_of(mark: str, stamp: int = 0) -> str:
    return trade_id(mark, stamp, 1)


def test_a_probe_reports_once_everything_was_delivered(
    ended: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    counter = probe_of("flood", subscribers=2)
    counter.other()
    for id_ in (id_of("T"), id_of("O"), id_of("O"), *[id_of("T")] * 4):
        counter.trade(id_)
    began = time.monotonic_ns() - 1_000_000_000_000
    counter.other()
    counter.trade(id_of("E", began))
    counter.trade(id_of("E", began))
    assert not ended
    counter.other()
    deadline = time.monotonic() + 60
    while not ended and time.monotonic() < deadline:
        time.sleep(0.001)
    assert ended == [0]
    result = json.loads(capsys.readouterr().out)
    assert result["delivered"] == [6, 2]
    assert 0.0035 < result["messages_per_s"] <= 0.004  # 4 in 1,000 s, and what this test took
    assert result["rss_mib"] > 5


def test_a_probe_fails_when_something_is_missing_or_came_twice(
    ended: list[int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "PATIENCE_S", 0.05)
    counter = probe_of("flood")
    counter.trade(id_of("O"))  # the counting begins here
    counter.other()
    for id_ in (*[id_of("T")] * 3, id_of("E")):
        counter.trade(id_)
    deadline = time.monotonic() + 60
    while not ended and time.monotonic() < deadline:
        time.sleep(0.001)
    assert ended[0] == 1
    assert json.loads(capsys.readouterr().out)["delivered"] == [4, 1]


def test_delays_are_taken_from_stamped_trades_without_the_first_fifth(
    ended: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    counter = probe_of("paced")
    counter.trade(id_of("O"))
    counter.trade(id_of("T", time.monotonic_ns() - 50_000_000))
    counter.trade(id_of("T"))
    counter.other()
    counter.trade(id_of("E", time.monotonic_ns()))
    assert ended == [0]
    assert 50_000 <= json.loads(capsys.readouterr().out)["p50_us"] < 60_000_000


def test_a_percentile_is_one_of_the_values() -> None:
    values = array("q", range(100))
    assert [probe.percentile(values, share) for share in (0, 0.5, 0.99, 1)] == [0, 50, 99, 99]


def test_a_table_gives_medians_and_ratios_of_the_same_round() -> None:
    rows: list[run.Result] = []
    for number, (lean, ours) in enumerate(((100, 50), (200, 150), (400, 800))):
        for client, rate in (("leanest", lean), ("rxbybit", ours)):
            figures = {"messages_per_s": rate, "cpu_us": 2.0, "rss_mib": 30.0}
            of_feed = {"feed": {"cpu_us": 0.2, "late_us": 0}}
            rows.append(
                {"client": client, "setting": "flood", "round": number, **figures, **of_feed}
            )
    rows.append({"client": "rxbybit", "setting": "flood", "round": 3, "error": "no"})
    lines = list(run.table(rows, "flood"))
    assert lines[2].split()[:3] == ["leanest", "200", "1.00"]
    assert lines[3].split()[:4] == ["rxbybit", "150", "0.75", "(0.50-2.00)"]


@pytest.mark.parametrize(
    "client",
    ["leanest", "ours", "ours --books=kept", "ours --books=held", "ours --beside=disturbed"],
)
@pytest.mark.parametrize("mode", ["flood", "paced"])
def test_a_client_is_measured_from_end_to_end(client: str, mode: str) -> None:
    server = run.Feed(None)
    try:
        plan: run.Result = {"mode": mode, "messages": 400, "rate": 4_000.0, "symbols": 4}
        plan |= {"category": "linear", "settle_s": 0.2}
        result = run.measure(
            server, plan, run.module(client.split(maxsplit=1)[0]) + client.split()[1:], None
        )
    finally:
        server.close()
    assert "error" not in result, result
    script = Script("linear", 4, 400)
    outline = feed.outline(script, 400)
    trades = outline.trade_messages if client == "leanest" else outline.trades
    assert result["delivered"] == [trades, outline.others]
    if mode == "paced":
        stamped = outline.trade_messages - 1
        assert result["samples"] == stamped - stamped // 5
        assert 0 < float(str(result["p50_us"])) <= float(str(result["p99_us"]))
