"""Each test begins with an empty ledger of connects: they share a process and its limit."""

from __future__ import annotations

import pytest

from rxbybit.limits import ConnectLedger


@pytest.fixture(autouse=True)
def ledger(monkeypatch: pytest.MonkeyPatch) -> ConnectLedger:
    """What the clients of this test book their connects in."""
    fresh = ConnectLedger(limit=5_000)
    monkeypatch.setattr("rxbybit.options.CONNECTS", fresh)
    return fresh
