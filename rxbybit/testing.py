"""The pytest plugin: a subscription that a test leaks does not hang the run.

Installed with the package (entry point ``pytest11``). When the session ends it disposes what
still lives on the background runtime, and says how many subscriptions that were.
"""

from __future__ import annotations

import sys

import pytest

__all__: list[str] = []

_disposed = pytest.StashKey[int]()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Dispose of every background subscription."""
    # Who never used the library in this session does not pay for its import either.
    runtime = sys.modules.get("rxbybit.runtime")
    if runtime is not None:
        session.config.stash[_disposed] = runtime.shutdown_background()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say how many there were."""
    count = config.stash.get(_disposed, 0)
    if count:
        subscriptions = "subscription" if count == 1 else "subscriptions"
        terminalreporter.write_line(
            f"rxbybit: {count} background {subscriptions} leaked, disposed at the end", yellow=True
        )
