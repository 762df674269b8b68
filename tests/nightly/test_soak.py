"""A few seconds of the soak, with one seed."""

from __future__ import annotations

import pytest

from rxbybit.limits import ConnectLedger
from tests.nightly.soak import PROCESS, soak

pytestmark = pytest.mark.skipif(not PROCESS.exists(), reason="no /proc to weigh a process by")


def test_a_few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rxbybit.options.CONNECTS", ConnectLedger(limit=10**9))
    told: list[str] = []
    made = soak(5.0, 1, every_s=1.0, tell=told.append)
    assert told, "nothing was weighed"
    assert made.heard
    assert made.books.seen
    assert made.cuts
