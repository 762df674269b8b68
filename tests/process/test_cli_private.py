"""The commands of an account as processes: what they write, and what they keep to themselves."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator

import pytest
from reactivex import operators as ops

from rxbybit import Bybit, Credentials, Event
from rxbybit.cli.streams import COMMANDS, StreamCommand
from rxbybit.sim import DEMO_KEY, DEMO_SECRET, Market, ServedExchange, serve_in_thread
from rxbybit.view.lines import line_of
from tests.child import Child
from tests.sim.accounts.asking import Client, by_rest

RXBYBIT = (sys.executable, "-m", "rxbybit")
START_MS = 1_790_000_000_000
SNAPSHOTS = [c for c in COMMANDS if c.private and c.name != "user-trades"]
KEYS = {"BYBIT_API_KEY": DEMO_KEY, "BYBIT_API_SECRET": DEMO_SECRET}
NO_KEYS = {"BYBIT_API_KEY": "", "BYBIT_API_SECRET": "", "RXBYBIT_WIRE": ""}
STOP = {"side": "Sell", "orderType": "Market", "qty": "100", "triggerPrice": "60000.00"}


async def trade(client: Client) -> None:
    """A position in BTCUSD, an order and a stop order; an order in BTCUSDT."""
    await client.order(side="Buy", orderType="Market", qty="500")
    await client.order(side="Buy", orderType="Limit", qty="200", price="62000.00")
    await client.order(**STOP, triggerDirection=2)
    linear = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit"}
    await client.order(**linear, qty="0.010", price="62000.00")


@pytest.fixture(scope="module")
def still() -> Iterator[ServedExchange]:
    """A market that has stood still since somebody traded: lists say the same each time."""
    now = [0]
    market = Market(seed=3, start_ms=START_MS)
    with serve_in_thread(market=market, clock=lambda: now[0]) as served:
        now[0] = 2_000
        served.until(lambda: served.exchange.lag_ms < 20)
        by_rest(served, trade)
        yield served


def expected(command: StreamCommand, url: str, count: int) -> list[Event]:
    async def first() -> list[Event]:
        credentials = Credentials.hmac(DEMO_KEY, DEMO_SECRET)
        async with Bybit(url, credentials=credentials) as bybit:
            stream = command.factory(bybit)
            return await asyncio.wait_for(stream.pipe(ops.take(count), ops.to_list()), 20)

    return asyncio.run(first())


COUNTS = {"orders": 2, "stop-orders": 1, "positions": 1, "balances": 3, "account": 1}


@pytest.mark.parametrize("command", SNAPSHOTS, ids=lambda c: c.name)
def test_the_lines_are_what_the_account_has(command: StreamCommand, still: ServedExchange) -> None:
    events = expected(command, still.url, COUNTS[command.name])
    env = {"RXBYBIT_ENVIRONMENT": still.url, **KEYS}
    with Child([*RXBYBIT, command.name], env=env) as child:
        lines = [child.line() for _ in events]
        child.interrupt()
        status, rest, errors = child.end()
    assert sorted(lines) == sorted(line_of(event).text for event in events)
    assert "(" not in lines[0] or command.name == "account", "a repr is no line for people"
    assert (status, rest, errors) == (130, [], "")


@pytest.mark.parametrize("command", SNAPSHOTS, ids=lambda c: c.name)
def test_json_is_to_json_of_the_events(command: StreamCommand, still: ServedExchange) -> None:
    events = expected(command, still.url, COUNTS[command.name])
    options = ("--json", "--environment", still.url)
    with Child([*RXBYBIT, command.name, *options], env=KEYS) as child:
        lines = [child.line() for _ in events]
    assert sorted(lines) == sorted(event.to_json().decode() for event in events)


def test_names_and_category_choose(still: ServedExchange) -> None:
    def symbols(*words: str) -> set[str]:
        command = [*RXBYBIT, "orders", *words, "--json", "--for=3s", "--environment", still.url]
        with Child(command, env=KEYS) as child:
            status, lines, errors = child.end()
        assert (status, errors) == (0, "")
        return {json.loads(line)["symbol"] for line in lines}

    assert symbols() == {"BTCUSD", "BTCUSDT"}
    assert symbols("BTCUSDT") == {"BTCUSDT"}
    assert symbols("--category", "inverse") == {"BTCUSD"}
    # of a symbol no category is read: it is a filter that nothing of linear passes
    assert symbols("BTCUSDT", "--category", "inverse") == set()


def test_without_a_snapshot_there_are_only_news_and_funding_only_when_asked_for() -> None:
    market = Market(seed=3, start_ms=START_MS)
    with (
        serve_in_thread(market=market) as served,
        Child([*RXBYBIT, "orders", "--no-snapshot", "--environment", served.url], env=KEYS) as news,
        Child([*RXBYBIT, "user-trades", "--environment", served.url], env=KEYS) as fills,
        Child(
            [*RXBYBIT, "user-trades", "--funding", "--environment", served.url], env=KEYS
        ) as both,
    ):
        by_rest(served, lambda client: client.order(**STOP, triggerDirection=2))
        served.until(lambda: served.subscriptions.get("order") == 1)
        served.until(lambda: served.subscriptions.get("execution") == 2)
        item = {"symbol": "BTCUSD", "execId": "f", "execPrice": "1", "execQty": "500"}
        item |= {"category": "inverse", "execType": "Funding", "execFee": "-0.5", "execTime": "9"}
        item |= {"feeCurrency": "BTC", "feeRate": "-0.0001"}
        frame = {"id": "1", "topic": "execution", "creationTime": 1, "data": [item]}
        assert served.send("execution", json.dumps(frame)) == 2
        by_rest(served, lambda client: client.order(side="Buy", orderType="Market", qty="500"))
        assert news.line().split()[1:4] == ["order", "BTCUSD", "Filled"]
        funding = both.line().split()[1:]
        assert funding == ["fund", "BTCUSD", "paid", "-0.5", "BTC", "rate", "-0.0100", "%"]
        for child in (both, fills):
            assert child.line().split()[1:4] == ["fill", "BTCUSD", "Buy"]


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.private], ids=lambda c: c.name)
def test_without_credentials_one_line_names_the_variables(command: StreamCommand) -> None:
    with Child([*RXBYBIT, command.name], env=NO_KEYS) as child:
        status, lines, errors = child.end()
    assert (status, lines) == (2, [])
    assert errors.startswith("rxbybit: a private stream needs credentials: set BYBIT_API_KEY")
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    ("key", "secret"),
    [("unknown-key-of-nobody", DEMO_SECRET), (DEMO_KEY, "wrong-secret-of-nobody")],
)
def test_a_refused_key_is_one_line_without_it(key: str, secret: str, still: ServedExchange) -> None:
    env = {"BYBIT_API_KEY": key, "BYBIT_API_SECRET": secret}
    with Child([*RXBYBIT, "orders", "--environment", still.url], env=env) as child:
        status, lines, errors = child.end()
    assert (status, lines) == (1, [])
    assert errors.startswith("rxbybit: ")
    assert errors.count("\n") == 1
    assert key not in errors
    assert secret not in errors


def test_the_account_of_sim_trades_by_itself_and_needs_no_key() -> None:
    command = [*RXBYBIT, "orders", "--environment", "sim", "--json"]
    with Child(command, env=NO_KEYS) as child:
        assert json.loads(child.line())["event"] == "Order"
        child.interrupt()
        status, _, errors = child.end()
    assert (status, errors) == (130, "")


def test_the_wire_is_that_of_the_option_else_of_the_variable() -> None:
    def said(*words: str, wire: str) -> str:
        command = [*RXBYBIT, "book", "BTCUSD", "--depth=50", "--for=1ms", *words]
        nowhere = "http://127.0.0.1:9"  # an exchange that came and went in a moment would be a race
        with Child(command, env={"RXBYBIT_WIRE": wire, "RXBYBIT_ENVIRONMENT": nowhere}) as child:
            return child.end()[2]

    lacks = "rxbybit: depth 50: the legacy wire has 25, 200\n"
    assert said("--wire=legacy", wire="v5") == said(wire="legacy") == lacks
    for told in (said("--wire=v5", wire="legacy"), said(wire="")):
        assert "depth" not in told
    assert said("--wire=v4", wire="") == "rxbybit: wire='v4': use 'v5' or 'legacy'\n"
