"""Private streams on virtual time: who asks is proven first, and a refusal ends them alone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from rxbybit import (
    AuthenticationFailed,
    Backoff,
    Bybit,
    ConfigurationError,
    Connected,
    Disconnected,
    Environment,
    Hooks,
    Reconnecting,
)
from rxbybit.signin import ANSWER_S
from tests.unit.account import KEY, SECRET, World, order
from tests.unit.rest.market import Ear
from tests.virtual import run, until


def scenario(body: Callable[[World], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        world = World(**options)
        await body(world)
        await world.end()

    run(main())


def operations(world: World, link: int = -1) -> list[str]:
    return [request["op"] for request in world.account.links[link].requests]


def test_the_exchange_learns_who_asks_before_anything_is_asked_for() -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.orders(snapshot=False))
        account = world.account
        await until(lambda: account.links and account.subscribed[account.links[0]])
        assert operations(world) == ["auth", "subscribe"]
        key, expires_ms, _ = account.auths[0]
        assert key == KEY
        assert 5_000 < expires_ms - account.now_ms() <= 10_000
        assert account.links[0].url == "ws://exchange/v5/private"
        account.send("order", order("a", 1))
        await until(lambda: ear.heard or ear.errors)
        assert [o.order_id for o in ear.heard] == ["a"]
        ear.subscription.dispose()
        await until(lambda: account.links[0].closed)
        assert operations(world) == ["auth", "subscribe", "unsubscribe"]

    scenario(body)


def test_it_is_proven_anew_on_every_connection() -> None:
    async def body(world: World) -> None:
        account = world.account
        ear = Ear(world.client.orders(snapshot=False))
        for n in range(3):
            await until(lambda n=n: len(account.signed) == n + 1)
            await until(lambda: account.subscribed[account.links[-1]] == ["order"])
            assert operations(world) == ["auth", "subscribe"]
            account.links[-1].cut()
            await until(lambda n=n: len(world.of(Disconnected)) == n + 1)
        assert not ear.errors

    scenario(body)


def test_several_streams_prove_it_once_and_ask_for_each_topic_once() -> None:
    async def body(world: World) -> None:
        client, account = world.client, world.account
        streams = [
            client.orders(snapshot=False),
            client.orders("BTCUSD", snapshot=False, category="inverse"),
            client.stop_orders(snapshot=False),
            client.positions(snapshot=False),
            client.balances(snapshot=False),
            client.account(snapshot=False),
            client.user_trades(),
            client.user_trades("ETHUSD", funding=True),
        ]
        ears = [Ear(stream) for stream in streams]
        await until(lambda: account.links and len(account.subscribed[account.links[0]]) == 4)
        await asyncio.sleep(30)
        assert len(account.links) == len(account.auths) == 1
        asked = account.links[0].asked("subscribe")
        assert sorted(asked) == ["execution", "order", "position", "wallet"]
        assert not any(ear.errors for ear in ears)
        late = Ear(client.positions("BTCUSD", snapshot=False))
        await asyncio.sleep(1)
        assert account.links[0].asked("subscribe") == asked
        assert not late.errors

    scenario(body)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"key": "another-key"}, "API key is invalid"), ({"secret": "wrong"}, "Params Error")],
)
def test_a_refusal_is_tried_once_more_and_ends_the_private_streams(
    options: dict[str, str], message: str
) -> None:
    async def body(world: World) -> None:
        ears = [Ear(world.client.orders(snapshot=False)), Ear(world.client.user_trades())]
        public = Ear(world.client.trades("BTCUSD"))
        await until(lambda: all(ear.errors for ear in ears))
        for ear in ears:
            (error,) = ear.errors
            assert isinstance(error, AuthenticationFailed)
            assert error.permanent
            assert error.message == message
        await asyncio.sleep(600)
        assert len(world.account.auths) == 2
        private = [link for link in world.account.links if link.url.endswith("private")]
        assert [link.closed for link in private] == [True]
        assert len(world.of(Connected)) == 2
        assert not public.errors
        assert [link.url for link in world.account.live] == ["ws://exchange/v5/public/inverse"]

    scenario(body, **options)


@pytest.mark.parametrize("wait_s", [None, 0.05])
def test_who_tries_for_ever_is_slowed_down(wait_s: float | None) -> None:
    async def body(world: World) -> None:
        tries: list[float] = []

        def again(error: Exception | None = None) -> None:
            if error is None or wait_s is None:
                tries.append(world.loop.time())
                world.client.orders(snapshot=False).subscribe(lambda order: None, again)
            else:
                world.loop.call_later(wait_s, again)

        again()
        await asyncio.sleep(600)
        assert 10 < len(tries) < 200
        assert tries[-1] - tries[-5] > 4

    scenario(body, key="another-key", backoff=Backoff(first=0.5, cap=30))


def test_what_was_denied_before_is_forgiven_once_it_is_taken() -> None:
    async def body(world: World) -> None:
        account = world.account
        account.says = lambda args: "no"
        for _ in range(5):
            ear = Ear(world.client.orders(snapshot=False))
            await until(lambda ear=ear: ear.errors, within=600)
        account.says, told = account.judge, 0
        for _ in range(2):
            told = len(world.of(Reconnecting))
            ear = Ear(world.client.orders(snapshot=False))
            await until(lambda: account.live and account.subscribed[account.live[-1]], within=600)
            ear.subscription.dispose()
            await until(lambda: not account.live)
        assert len(world.of(Reconnecting)) == told

    scenario(body)


def test_a_refusal_because_of_the_clock_heals_with_a_fresh_look() -> None:
    async def body(world: World) -> None:
        account = world.account
        Ear(world.client.orders(snapshot=False))
        await until(lambda: len(account.signed) == 1)
        account.ahead_ms = 3_600_000
        account.links[-1].cut()
        await until(lambda: len(account.signed) == 2)
        assert len(account.auths) == 3
        account.links[-1].cut()
        await until(lambda: len(account.signed) == 3)
        assert len(account.auths) == 4

    scenario(body)


def test_refusals_of_links_apart_do_not_add_up() -> None:
    async def body(world: World) -> None:
        account = world.account
        refusals = ["Params Error", "", "Params Error", ""]
        account.says = lambda args: refusals.pop(0) if refusals else ""
        ear = Ear(world.client.orders(snapshot=False))
        for n in (1, 2):
            await until(lambda n=n: len(account.signed) == n)
            account.links[-1].cut()
        await until(lambda: len(account.signed) == 3)
        assert not ear.errors

    scenario(body)


def test_an_exchange_that_closes_after_each_refusal_is_given_up_all_the_same() -> None:
    async def body(world: World) -> None:
        account = world.account

        def refuse(args: list[Any]) -> str:
            world.loop.call_soon(account.links[-1].cut)
            return "Params Error"

        account.says = refuse
        ear = Ear(world.client.orders(snapshot=False))
        await until(lambda: ear.errors, within=600)
        assert len(account.auths) == 2
        assert isinstance(ear.errors[0], AuthenticationFailed)

    scenario(body)


def test_no_answer_costs_a_reconnect() -> None:
    async def body(world: World) -> None:
        account = world.account
        account.says = lambda args: None if len(account.auths) == 1 else account.judge(args)
        ear = Ear(world.client.orders(snapshot=False))
        await until(lambda: len(account.signed) == 1, within=600)
        (gone,) = world.of(Disconnected)
        assert gone.reason == f"no answer to the auth message in {ANSWER_S:.0f} s"
        assert not ear.errors

    scenario(body)


def test_leaving_in_the_middle_of_it_leaves_nothing() -> None:
    async def body(world: World) -> None:
        account = world.account
        account.says = lambda args: None
        for wait_s in (0.0, 0.001, 0.003, 0.006, 0.012, 1.0):
            ear = Ear(world.client.orders(snapshot=False))
            await asyncio.sleep(wait_s)
            ear.subscription.dispose()
            await until(lambda: not account.live, within=2)
            await asyncio.sleep(1)
            assert len(asyncio.all_tasks()) == 1

    scenario(body)


def test_without_a_clock_of_the_exchange_ours_counts_and_is_told() -> None:
    class Told(Hooks):
        def __init__(self) -> None:
            self.reasons: list[str] = []

        def own_clock(self, reason: str) -> None:
            self.reasons.append(reason)

    hooks = Told()

    async def body(world: World) -> None:
        world.transport.clockless = True
        world.account.says = lambda args: ""
        ear = Ear(world.client.orders(snapshot=False))
        await until(lambda: world.account.signed)
        assert len(hooks.reasons) == 1
        assert "there is no such path" in hooks.reasons[0]
        assert not ear.errors
        world.account.links[-1].cut()
        await until(lambda: len(world.account.signed) == 2)
        assert len(hooks.reasons) == 1
        await asyncio.sleep(61)
        world.transport.clockless = False
        world.account.links[-1].cut()
        await until(lambda: len(world.account.signed) == 3)
        assert len(hooks.reasons) == 1
        assert world.transport.clocks == 2

    scenario(body, hooks=hooks)


def test_a_host_that_answers_nobody_for_long_holds_up_nobody_who_signs_in() -> None:
    async def body(world: World) -> None:
        ledger = world.client._settings.requests
        ledger.bar("exchange", 600.0)
        ear = Ear(world.client.orders(snapshot=False))
        await until(lambda: world.account.signed, within=60)
        assert not ear.errors
        assert ledger.barred_s("exchange") > 500

    scenario(body)


def test_nothing_secret_is_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    echoes = [f"{KEY} is invalid", f"error sign! {SECRET}{SECRET}"]

    async def body(world: World) -> None:
        world.account.says = lambda args: f"{echoes[0]}, {args[2]}"
        ear = Ear(world.client.orders(snapshot=False))
        await until(lambda: ear.errors)
        shown = f"{ear.errors} {ear.errors[0]} {world.statuses} {caplog.text}"
        for secret in (KEY, SECRET, world.account.auths[0][2]):
            assert secret not in shown

    scenario(body)


@pytest.mark.parametrize(
    "make",
    [
        lambda b: b.orders(),
        lambda b: b.stop_orders(),
        lambda b: b.positions(),
        lambda b: b.balances(),
        lambda b: b.account(),
        lambda b: b.user_trades(),
    ],
)
def test_without_credentials_the_call_says_what_is_missing(
    make: Callable[[Bybit], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BYBIT_API_KEY", raising=False)
    monkeypatch.delenv("BYBIT_API_SECRET", raising=False)
    with pytest.raises(ConfigurationError, match="BYBIT_API_KEY and BYBIT_API_SECRET"):
        make(Bybit("testnet"))
    monkeypatch.setenv("BYBIT_API_KEY", "a-key")
    with pytest.raises(ConfigurationError, match="BYBIT_API_SECRET is not"):
        make(Bybit("testnet"))
    monkeypatch.setenv("BYBIT_API_SECRET", "a-secret")
    make(Bybit("testnet"))
    monkeypatch.delenv("BYBIT_API_KEY")
    monkeypatch.delenv("BYBIT_API_SECRET")
    make(Bybit("sim"))


@pytest.mark.parametrize(
    "call",
    [
        lambda b: b.orders("btcusd"),
        lambda b: b.orders([]),
        lambda b: b.orders(category="perp"),
        lambda b: b.positions(category="spot"),
        lambda b: b.balances("btc"),
    ],
)
def test_wrong_arguments_fail_at_the_call(call: Callable[[Bybit], object]) -> None:
    world = Bybit("sim")
    with pytest.raises(ConfigurationError):
        call(world)


def test_an_environment_without_private_streams_says_so() -> None:
    bare = Environment(name="bare", public={"inverse": "ws://h/i"}, rest="http://h")
    from rxbybit import Credentials

    client = Bybit(bare, credentials=Credentials.hmac("k", "s"))
    with pytest.raises(ConfigurationError, match="private"):
        client.orders()


def test_wrong_credentials_are_not_shown() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Bybit(credentials=("key-7", "secret-7"))  # pyright: ignore[reportArgumentType]
    assert "key-7" not in str(caught.value)
    assert "Credentials.hmac" in str(caught.value)
