"""The pytest plugin: fixtures for tests of strategies, and an end for what they leak.

Installed with the package (entry point ``pytest11``). A subscription that a test leaks does not
hang the run: when the session ends the plugin disposes what still lives on the background
runtime, and says how many subscriptions that were.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

# Imported where they are used: who never asks for a fixture does not pay for the library.
if TYPE_CHECKING:
    from rxbybit.client import Bybit
    from rxbybit.simulator import Simulator

__all__ = ["no_leaks", "simulator", "venue"]

LEAVES_S = 1.0
"""How long what was disposed of at the end of a test has to be gone."""

_disposed = pytest.StashKey[int]()


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """An embedded exchange with a living market, running; it ends with the test.

    ::

        def test_my_strategy(simulator):
            signals = my_strategy(simulator).pipe(ops.take(3), ops.to_list()).run()
            assert len(signals) == 3

    ``simulator.faults.add(...)`` makes something go wrong; ``links``, ``requests`` and
    ``subscriptions`` are what the exchange has seen. Seed 0; for another one, or a faster
    clock, enter a ``Simulator`` yourself. See :class:`rxbybit.Simulator`.
    """
    from rxbybit.simulator import Simulator

    with Simulator() as running:
        yield running


@pytest.fixture
def venue(simulator: Simulator) -> Iterator[Bybit]:
    """A client of the exchange of ``simulator``, closed with the test.

    It is the :class:`rxbybit.Bybit` that a program uses, but quick to connect again, so that a
    test with faults does not wait for it.
    """
    from rxbybit.client import Bybit
    from rxbybit.config import Backoff

    with Bybit(simulator.environment, backoff=Backoff(first=0.01, cap=0.1)) as client:
        yield client


@pytest.fixture
def no_leaks() -> Iterator[None]:
    """Fail a test that leaves a subscription, a connection or an exchange of its own behind.

    What the test has disposed of gets a second to be gone. Put it before fixtures whose end it
    should see: ``def test(no_leaks, simulator, venue)``.
    """
    from rxbybit.leftovers import Leftovers

    before = Leftovers()
    yield
    left = before.after(LEAVES_S)
    if left:
        pytest.fail(f"the test left behind: {', '.join(left)}", pytrace=False)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Dispose of every background subscription."""
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
