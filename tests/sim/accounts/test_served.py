"""Accounts of an exchange that somebody else serves: a thread, the simulator, the command."""

from __future__ import annotations

import json

import aiohttp
import pytest

from rxbybit import Simulator
from rxbybit.config import Environment
from rxbybit.sim import ApiKey
from rxbybit.sim.__main__ import _exchange, _parser
from tests.sim.accounts.asking import auth
from tests.sim.peer import Peer, run

MINE = ApiKey(key="mine", secret="secret of mine")


async def heard(environment: Environment) -> set[str]:
    """What the demo account is told, once it has traded."""
    assert environment.private is not None
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(environment.private) as mine,
        session.ws_connect(environment.private) as of_demo,
    ):
        async with session.get(f"{environment.rest}/v5/market/time") as response:
            now_ms = (await response.json())["time"]
        answer = await Peer(mine).ask(**auth(now_ms, key="mine", secret="secret of mine"))
        assert answer["success"]
        peer = Peer(of_demo)
        assert (await peer.ask(**auth(now_ms)))["success"]
        await peer.subscribe("order", "execution", "position", "wallet")
        topics: set[str] = set()
        while "wallet" not in topics:
            topics.add(json.loads(await peer.text())["topic"])
        return topics


def test_the_simulator_takes_accounts_and_lets_the_demo_account_trade() -> None:
    with Simulator(accounts=(MINE,), demo=True, speed=20) as simulator:
        assert run(heard(simulator.environment)) == {"order", "execution", "position", "wallet"}
        assert "secret" not in repr(simulator.requests)


def test_a_key_twice_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="mine"):
        Simulator(accounts=(MINE, MINE))


@pytest.mark.parametrize("options", [[], ["--demo"]])
def test_the_option_of_the_command(options: list[str]) -> None:
    exchange = _exchange(_parser("x").parse_args(options))
    assert exchange.market is not None
    assert exchange._private is not None
    (account,) = exchange._private.desk.accounts.values()
    list(exchange.market.advance(exchange.market.now_ms + 60_000))
    assert bool(account.executions) is bool(options)
