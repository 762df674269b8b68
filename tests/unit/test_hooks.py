"""Hooks: what logging says by default."""

from __future__ import annotations

import logging
from datetime import datetime, timezone

import pytest

from rxbybit import Connected, Hooks, LoggingHooks

NOW = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=timezone.utc)
URL = "wss://stream.bybit.com/v5/public/linear"


@pytest.fixture(autouse=True)
def everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="rxbybit")


def test_logging_is_a_kind_of_hooks() -> None:
    hooks: Hooks = LoggingHooks()
    own = {name for name in vars(Hooks) if not name.startswith("_")}
    assert own == {"status", "slow_callback", "unreachable", "unhandled_frame"}
    assert all(callable(getattr(hooks, name)) for name in own)


def test_a_status_is_logged_for_debugging_with_itself_attached(
    caplog: pytest.LogCaptureFixture,
) -> None:
    status = Connected(time=NOW, url=URL, connection=1)
    LoggingHooks().status(status)
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("rxbybit", logging.DEBUG)
    assert record.getMessage() == repr(status)
    assert vars(record)["rxbybit_status"] is status


def test_who_cannot_be_reached_is_one_line_with_the_host_and_the_way_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    LoggingHooks().unreachable(URL, "Name or service not known")
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    line = record.getMessage()
    assert "\n" not in line
    for part in ("stream.bybit.com", "Name or service not known", "rxbybit demo"):
        assert part in line


def test_a_slow_callback_is_a_warning_in_milliseconds(caplog: pytest.LogCaptureFixture) -> None:
    LoggingHooks().slow_callback("publicTrade.BTCUSD", 0.2345)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    expected = "subscribers of publicTrade.BTCUSD held the event loop for 234 ms"
    assert record.getMessage() == expected


def test_an_unhandled_frame_is_logged_for_debugging(caplog: pytest.LogCaptureFixture) -> None:
    LoggingHooks().unhandled_frame(URL, '{"op":"hello"}')
    (record,) = caplog.records
    assert record.levelno == logging.DEBUG
    assert URL in record.getMessage()
    assert '{"op":"hello"}' in record.getMessage()


def test_another_logger_is_taken(
    caplog: pytest.LogCaptureFixture,
) -> None:
    LoggingHooks(logging.getLogger("mine")).slow_callback("t", 1.0)
    assert [record.name for record in caplog.records] == ["mine"]
