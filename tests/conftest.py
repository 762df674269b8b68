"""What every test may use: raw frames, Hypothesis profiles, the watch for credentials."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from rxbybit import options
from rxbybit.runtime import shutdown_background
from tests import canary
from tests.effort import examples

# The clock of a busy machine is no property of the code, so no profile has a deadline.
settings.register_profile("dev", deadline=None, max_examples=examples(100))
settings.register_profile(
    "ci",
    deadline=None,
    max_examples=examples(100),
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


def pytest_configure(config: pytest.Config) -> None:
    """Watch for credentials: see :mod:`tests.canary`."""
    config.pluginmanager.register(canary, "canary")


@pytest.fixture(scope="session")
def frames() -> Path:
    """The folder of raw frames of the exchange that ``RXBYBIT_FRAMES`` names, else a skip."""
    named = os.environ.get("RXBYBIT_FRAMES")
    if not named:
        pytest.skip("RXBYBIT_FRAMES names no folder of raw frames")
    folder = Path(named)
    if not folder.is_dir():
        pytest.fail(f"RXBYBIT_FRAMES: {folder} is no folder")
    return folder


@pytest.fixture(autouse=True)
def chance(request: pytest.FixtureRequest) -> None:
    """Pauses of random length are the same in every run of a test: what fails once fails again."""
    random.seed(request.node.name)


@pytest.fixture(autouse=True)
def numbering(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first link that a test opens is number 1."""
    monkeypatch.setattr(options, "LINKS", count(1))


@pytest.fixture(autouse=True)
def no_background() -> Iterator[None]:
    """End the background runtime with the test that used it: the next must not see its threads."""
    yield
    shutdown_background()


@pytest.fixture
def no_exchange() -> None:
    """Begin when the exchanges of the tests before have ended: one that retires takes a moment."""
    deadline = time.monotonic() + 30
    while any(thread.name == "rxbybit-sim" for thread in threading.enumerate()):
        assert time.monotonic() < deadline, "an exchange of another test does not end"
        time.sleep(0.005)
