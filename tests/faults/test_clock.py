"""This machine's clock is wrong: what is signed is signed by the exchange's."""

from __future__ import annotations

import sys
import time

import pytest

from rxbybit.sim import ApiKey, serve_in_thread
from rxbybit.sim.floor import steady_clock
from rxbybit.sim.market import Market
from tests import canary
from tests.child import Child
from tests.faults.network import tool

SKEWS_S = [-30, 30]


@pytest.mark.parametrize("skew_s", SKEWS_S)
def test_a_clock_that_is_wrong_does_not_keep_anybody_out(skew_s: int) -> None:
    """Both the message that signs in and the request for the wallet are taken at once."""
    clock = steady_clock()
    market = Market(seed=3, start_ms=clock())
    account = ApiKey(key=canary.KEY, secret=canary.SECRET, balances={"BTC": 5})
    command = [tool("faketime"), "-f", f"{skew_s:+d}s", sys.executable, "-m", "tests.faults.skewed"]
    # the clock that only counts on is left alone, as a wrong date leaves it alone
    env = {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}
    with (
        serve_in_thread(market=market, clock=clock, on_time=True, accounts=(account,)) as served,
        Child([*command, served.url], env=env) as child,
    ):
        status, lines, errors = child.end()
        now_ms = time.time_ns() // 1_000_000
        asked = [request.op for request in served.requests if request.op == "auth"]
        calls = [call.path for call in served.run(lambda: list(served.exchange.calls))]
    assert (status, errors) == (0, "")
    assert asked == ["auth"]
    assert calls == ["/v5/market/time", "/v5/account/wallet-balance"]
    *steps, last = lines
    # it may tell of the end as well
    assert steps[:3] == ["Connecting", "Connected", "Subscribed"]
    shown_ms, balance = last.split()
    assert balance == "5"
    assert abs(int(shown_ms) - now_ms - skew_s * 1000) < 20_000  # or nothing was tested
