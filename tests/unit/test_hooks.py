"""Hooks: what logging says by default."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timezone

import pytest

from rxbybit import Connected, Hooks, LoggingHooks
from rxbybit.failures import NO_NETWORK
from rxbybit.hooks import GuardedHooks

NOW = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=timezone.utc)
URL = "wss://stream.bybit.com/v5/public/linear"


@pytest.fixture(autouse=True)
def everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="rxbybit")


def test_logging_is_a_kind_of_hooks() -> None:
    hooks: Hooks = LoggingHooks()
    own = {name for name in vars(Hooks) if not name.startswith("_")}
    assert own == {
        *("status", "slow_callback", "unreachable", "reached", "own_clock", "unhandled_frame")
    }
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


def test_who_cannot_be_reached_is_one_line_with_the_url_and_the_reason(
    caplog: pytest.LogCaptureFixture,
) -> None:
    LoggingHooks().unreachable(URL, "connection refused")
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == f"cannot reach {URL}: connection refused; trying again"


@pytest.mark.parametrize("reason", sorted(NO_NETWORK))
def test_without_a_network_the_way_out_is_named(
    caplog: pytest.LogCaptureFixture, reason: str
) -> None:
    LoggingHooks().unreachable(URL, reason)
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"cannot reach {URL}: {reason}; trying again. ")
    assert "'rxbybit demo'" in line
    assert "\n" not in line


def test_who_is_reached_again_is_told_as_loud(caplog: pytest.LogCaptureFixture) -> None:
    LoggingHooks().reached(URL, 12.4)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == f"{URL} is reached again after 12 s"


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


def test_a_hook_that_raises_is_told_of_and_disturbs_nobody() -> None:
    class Broken:
        def __getattr__(self, name: str) -> object:
            def hook(*args: object) -> None:
                raise KeyError(name)

            return hook

    told: list[Exception] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, what: told.append(what["exception"]))
        hooks = GuardedHooks(Broken())  # type: ignore[arg-type]
        hooks.status(Connected(time=NOW, url=URL))
        hooks.slow_callback("t", 1.0)
        hooks.unreachable(URL, "no")
        hooks.reached(URL, 2.0)
        hooks.unhandled_frame(URL, "{}")

    asyncio.run(main())
    assert [error.args[0] for error in told] == [
        *("status", "slow_callback", "unreachable", "reached", "unhandled_frame")
    ]


def test_guarded_hooks_pass_everything_on() -> None:
    calls: list[object] = []

    class Listening:
        def __getattr__(self, name: str) -> object:
            return lambda *args: calls.append((name, *args))

    hooks: Hooks = GuardedHooks(Listening())  # type: ignore[arg-type]
    status = Connected(time=NOW, url=URL)
    hooks.status(status)
    hooks.slow_callback("t", 1.0)
    hooks.unreachable(URL, "no")
    hooks.reached(URL, 2.0)
    hooks.unhandled_frame(URL, "{}")
    assert calls == [
        ("status", status),
        ("slow_callback", "t", 1.0),
        ("unreachable", URL, "no"),
        ("reached", URL, 2.0),
        ("unhandled_frame", URL, "{}"),
    ]
