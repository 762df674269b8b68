"""The present state out of REST, and the frames that come meanwhile, on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reactivex import operators as ops

from rxbybit import (
    AuthenticationFailed,
    Backoff,
    ConnectionFailed,
    DecodeFailed,
    Gap,
    OrderStatus,
    RequestFailed,
    RequestRefused,
)
from rxbybit.transport import Answer
from tests.effort import examples
from tests.unit.account import KEY, World, order, position
from tests.unit.rest.desk import query_of
from tests.unit.rest.market import Ear
from tests.virtual import run, until

ORDERS, POSITIONS, WALLET = "/v5/order/realtime", "/v5/position/list", "/v5/account/wallet-balance"


def scenario(body: Callable[[World], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        world = World(**options)
        await body(world)
        await world.end()

    run(main())


def wallet(**coins: str) -> dict[str, Any]:
    listed = [{"coin": coin, "equity": amount} for coin, amount in coins.items()]
    return {"accountType": "UNIFIED", "totalEquity": "7", "coin": listed}


def only(category: str, *rows: dict[str, Any]) -> Callable[[dict[str, str]], list[Any]]:
    """A list that has these rows, all of one category and open."""

    def listed(query: dict[str, str]) -> list[Any]:
        wanted = query["category"] == category and query.get("settleCoin") != "USDC"
        return list(rows) if wanted and query.get("openOnly") != "1" else []

    return listed


def told(ear: Ear) -> list[tuple[str, str, bool]]:
    return [(o.order_id, str(o.status.value), o.meta.backfilled) for o in ear.heard]


def test_open_orders_come_first_and_are_marked() -> None:
    async def body(world: World) -> None:
        rows = (order("a", 1), order("s", 2, "Untriggered", stopOrderType="Stop"))
        world.transport.lists[ORDERS] = only("inverse", *rows)
        orders, stops = Ear(world.client.orders()), Ear(world.client.stop_orders())
        await until(lambda: orders.heard and stops.heard)
        await asyncio.sleep(1)
        assert told(orders) == [("a", "New", True)]
        assert told(stops) == [("s", "Untriggered", True)]
        (first,) = orders.heard
        assert (first.category, first.meta.topic) == ("inverse", "order")
        assert first.meta.sent_ms is not None
        assert first.meta.matched_ms < first.meta.sent_ms
        world.account.send("order", order("a", 3000, "Filled"))
        await until(lambda: len(orders.heard) == 2)
        assert told(orders)[1] == ("a", "Filled", False)

    scenario(body)


def test_every_category_is_read_once_for_everybody() -> None:
    async def body(world: World) -> None:
        ears = [Ear(world.client.orders()), Ear(world.client.orders("BTCUSD"))]
        ears.append(Ear(world.client.stop_orders()))
        await asyncio.sleep(5)
        late = Ear(world.client.orders())
        await asyncio.sleep(5)
        assert world.transport.asked_of(ORDERS) == [
            {"category": "inverse", "openOnly": "0"},
            {"category": "linear", "settleCoin": "USDT", "openOnly": "0"},
            {"category": "linear", "settleCoin": "USDC", "openOnly": "0"},
            {"category": "spot", "openOnly": "0"},
            {"category": "option", "openOnly": "0"},
        ]
        assert not any(ear.errors for ear in [*ears, late])

    scenario(body)


def test_only_the_category_that_is_wanted_is_read_and_another_one_later() -> None:
    async def body(world: World) -> None:
        Ear(world.client.positions(category="inverse"))
        await asyncio.sleep(2)
        assert world.transport.asked_of(POSITIONS) == [{"category": "inverse"}]
        Ear(world.client.positions(category="option"))
        await asyncio.sleep(2)
        assert world.transport.asked_of(POSITIONS)[1:] == [{"category": "option"}]

    scenario(body)


def test_without_a_snapshot_nothing_is_asked() -> None:
    async def body(world: World) -> None:
        ears = [
            Ear(world.client.orders(snapshot=False)),
            Ear(world.client.stop_orders(snapshot=False)),
            Ear(world.client.positions(snapshot=False)),
            Ear(world.client.balances(snapshot=False)),
            Ear(world.client.account(snapshot=False)),
            Ear(world.client.user_trades()),
        ]
        await asyncio.sleep(5)
        assert world.transport.signed == []
        assert not any(ear.heard or ear.errors for ear in ears)

    scenario(body)


def test_who_comes_late_gets_what_is_held() -> None:
    async def body(world: World) -> None:
        world.transport.lists[POSITIONS] = only(
            "inverse", position("BTCUSD", "5", 1, avgPrice="100"), position("ETHUSD", "7", 2)
        )
        first = Ear(world.client.positions())
        await until(lambda: len(first.heard) == 2)
        assert [p.entry_price for p in first.heard] == [Decimal(100), None]
        world.account.send("position", position("BTCUSD", "6", 3, entryPrice="101"))
        await until(lambda: len(first.heard) == 3 and len(world.transport.signed) == 4)
        asked = len(world.transport.signed)
        late = Ear(world.client.positions("BTCUSD"))
        bare = Ear(world.client.positions("BTCUSD", snapshot=False))
        assert [p.size for p in late.heard] == [p.size for p in bare.heard] == [Decimal(6)]
        await asyncio.sleep(5)
        assert len(world.transport.signed) == asked
        assert len(late.heard) == 1

    scenario(body)


def test_who_wants_no_snapshot_of_orders_gets_none_that_is_held() -> None:
    async def body(world: World) -> None:
        world.transport.lists[ORDERS] = only("inverse", order("a", 1))
        first = Ear(world.client.orders())
        await until(lambda: first.heard)
        late, bare = Ear(world.client.orders()), Ear(world.client.orders(snapshot=False))
        assert told(late) == [("a", "New", True)]
        assert bare.heard == []

    scenario(body)


def test_the_wallet_is_read_as_coins_and_as_an_account() -> None:
    async def body(world: World) -> None:
        world.transport.lists[WALLET] = lambda query: [wallet(BTC="1.5", USDT="0")]
        coins, account = Ear(world.client.balances("BTC")), Ear(world.client.account())
        await until(lambda: coins.heard and account.heard)
        assert [(b.coin, b.equity) for b in coins.heard] == [("BTC", Decimal("1.5"))]
        assert [a.equity for a in account.heard] == [Decimal(7)]
        await asyncio.sleep(2)
        assert world.transport.asked_of(WALLET) == [{"accountType": "UNIFIED"}] * 2
        world.account.send("wallet", wallet(BTC="1.7"))
        await until(lambda: len(coins.heard) == 2)
        assert coins.heard[1].equity == Decimal("1.7")

    scenario(body)


@pytest.mark.parametrize("coins_first", [True, False])
def test_a_wallet_lingers_no_longer_when_two_streams_were_of_it(coins_first: bool) -> None:
    """Each reads its frames in a way of its own."""

    async def body(world: World) -> None:
        world.transport.lists[WALLET] = lambda query: [wallet(BTC="1.5")]
        streams = [world.client.balances(), world.client.account()]
        for stream in streams if coins_first else reversed(streams):
            ear = Ear(stream)
            await until(lambda ear=ear: ear.heard)
            ear.subscription.dispose()
            await asyncio.sleep(1)
        await asyncio.sleep(3.9)
        assert world.account.live
        await asyncio.sleep(0.2)
        assert world.account.live == []
        assert world.client.counters().topics == ()

    scenario(body, linger=5.0)


def test_after_an_outage_what_has_changed_is_told_and_nothing_else() -> None:
    async def body(world: World) -> None:
        lists = world.transport.lists
        lists[ORDERS] = only("inverse", order("a", 1), order("b", 1), order("c", 1))
        lists[POSITIONS] = only("inverse", position("A", "5", 1), position("B", "7", 2))
        orders, positions = Ear(world.client.orders()), Ear(world.client.positions())
        await until(lambda: len(orders.heard) == 3 and len(positions.heard) == 2)

        def after(query: dict[str, str]) -> list[Any]:
            if query["category"] != "inverse":
                return []
            if query["openOnly"] == "1":
                return [order("c", 6, "Cancelled"), order("old", 1, "Filled")]
            return [order("a", 1), order("b", 5, "PartiallyFilled"), order("d", 4)]

        def flat(query: dict[str, str]) -> list[Any]:
            if query["category"] != "inverse":
                return []
            if "symbol" in query:
                return [position(query["symbol"], "0", 9)]
            return [position("A", "5", 1)]

        lists[ORDERS], lists[POSITIONS] = after, flat
        world.account.links[-1].cut()
        await until(lambda: len(orders.heard) >= 6 and len(positions.heard) >= 3)
        await asyncio.sleep(5)
        assert told(orders)[3:] == [
            ("b", "PartiallyFilled", True),
            ("d", "New", True),
            ("c", "Cancelled", True),
        ]
        assert [(p.symbol, p.size) for p in positions.heard[2:]] == [("B", Decimal(0))]
        assert [p.meta.gap is not None for p in positions.heard] == [False, False, True]
        assert [o.meta.gap is not None for o in orders.heard] == [False] * 3 + [True, False, False]
        assert {gap.topic for gap in world.of(Gap)} == {"order", "position"}

    scenario(body)


def test_an_outage_in_the_middle_of_reading_begins_it_anew() -> None:
    async def body(world: World) -> None:
        world.transport.lists[ORDERS] = only("inverse", order("a", 1))
        world.transport.back_s = 5.0
        ear = Ear(world.client.orders(category="inverse"))
        await until(lambda: world.transport.signed)
        await asyncio.sleep(1)
        world.account.links[-1].cut()
        await until(lambda: len(world.transport.signed) == 2)
        assert [t.get_name() for t in asyncio.all_tasks()].count("rxbybit-errand") == 1
        await until(lambda: ear.heard, within=120)
        await asyncio.sleep(20)
        assert told(ear) == [("a", "New", True)]
        assert len(world.transport.asked_of(ORDERS)) == 2

    scenario(body)


def test_leaving_recalls_the_request() -> None:
    async def body(world: World) -> None:
        world.transport.back_s = 5.0
        one, two = Ear(world.client.orders()), Ear(world.client.orders())
        await until(lambda: world.transport.signed)
        one.subscription.dispose()
        await asyncio.sleep(0.1)
        assert any(task.get_name() == "rxbybit-errand" for task in asyncio.all_tasks())
        two.subscription.dispose()
        await until(lambda: not world.account.live, within=2)
        await asyncio.sleep(0.01)
        assert len(asyncio.all_tasks()) == 1
        three = Ear(world.client.orders(category="spot"))
        world.transport.back_s = 0.01
        await until(lambda: len(world.transport.signed) == 2)
        assert not three.errors

    scenario(body)


def test_what_cannot_be_had_ends_those_who_wanted_it() -> None:
    async def body(world: World) -> None:
        world.transport.refusal = (10005, "Permission denied")
        with_it, bare = Ear(world.client.orders()), Ear(world.client.orders(snapshot=False))
        await until(lambda: with_it.errors)
        (error,) = with_it.errors
        assert isinstance(error, RequestRefused)
        assert error.code == 10005
        await asyncio.sleep(5)
        assert len(world.transport.signed) == 1
        assert not bare.errors
        world.account.send("order", order("a", 1))
        await until(lambda: bare.heard)
        assert with_it.heard == []
        world.transport.refusal = None
        world.transport.lists[ORDERS] = only("inverse", order("b", 1))
        again = Ear(world.client.orders())
        await until(lambda: len(again.heard) == 2)

    scenario(body)


class Again:
    """Subscribes anew, inside ``on_error``, as often as it is said."""

    def __init__(self, world: World, times: int) -> None:
        self.heard: list[Any] = []
        self.errors: list[Exception] = []
        self._world = world
        self._times = times
        self._subscribe()

    def _subscribe(self) -> None:
        stream = self._world.client.orders(category="inverse")
        stream.subscribe(self.heard.append, self._on_error)

    def _on_error(self, error: Exception) -> None:
        self.errors.append(error)
        if len(self.errors) <= self._times:
            self._subscribe()


def test_who_begins_anew_inside_an_error_gets_what_there_is_then() -> None:
    async def body(world: World) -> None:
        lists = world.transport.lists
        lists[ORDERS] = only("inverse", order("a", 1))
        again, other = Again(world, 1), Ear(world.client.orders(category="inverse"))
        await until(lambda: again.heard and other.heard)
        refusals = ["no", "no"]

        def refuse(url: str) -> None:
            if refusals:
                raise ConnectionFailed(refusals.pop())

        world.transport.before = refuse
        world.account.links[-1].cut()
        await until(lambda: len(again.heard) == 2)
        assert [len(again.errors), len(other.errors)] == [1, 1]
        await asyncio.sleep(1)  # in health for long enough
        lists[ORDERS] = only("inverse", order("a", 1), order("b", 5))
        world.account.live[-1].cut()
        await until(lambda: len(again.heard) == 3)
        assert again.heard[-1].order_id == "b"
        assert [len(again.errors), len(other.errors)] == [1, 1]

    scenario(body, backoff=Backoff(first=0.01, cap=0.1, budget=2))


@pytest.mark.parametrize("code", [10005, 10003])
def test_who_begins_anew_inside_a_refusal_is_refused_for_himself(code: int) -> None:
    async def body(world: World) -> None:
        world.transport.refusal = (code, "no")
        again, other = Again(world, 2), Ear(world.client.orders(category="inverse"))
        await until(lambda: len(again.errors) == 3)
        await asyncio.sleep(1)
        assert len(other.errors) == 1
        assert len(world.transport.signed) == 3

    scenario(body)


def test_a_refused_category_ends_those_who_want_it_and_nobody_else() -> None:
    async def body(world: World) -> None:
        genuine, refused = world.transport.get, ["option"]

        async def get(url: str, headers: Any = None) -> Answer:
            if query_of(url).get("category") in refused:
                world.transport.refusal = (10005, "Permission denied")
            answer = await genuine(url, headers)
            world.transport.refusal = None
            return answer

        world.transport.get = get  # type: ignore[method-assign]
        first = Ear(world.client.orders(category="inverse"))
        await asyncio.sleep(1)
        world.account.send("order", order("x", 900) | {"category": "option"})
        everything = Ear(world.client.orders())
        spot, options = (Ear(world.client.orders(category=c)) for c in ("spot", "option"))
        await until(lambda: everything.errors and options.errors)
        world.transport.lists[ORDERS] = only("option", order("o", 1))
        await asyncio.sleep(1)
        world.account.send("order", order("a", 3000))
        await until(lambda: first.heard)
        assert not first.errors
        assert not spot.errors
        assert "1" not in [query["openOnly"] for query in world.transport.asked_of(ORDERS)]
        assert (len(everything.errors), len(options.errors)) == (1, 1)
        assert str(options.errors[0]) == (
            "http://exchange/v5/order/realtime?category=option was refused:"
            " Permission denied (code 10005)"
        )
        refused.clear()
        later = Ear(world.client.orders(category="option"))
        await until(lambda: len(later.heard) == 2)
        assert told(later)[-1] == ("o", "New", True)

    scenario(body)


def test_who_is_refused_again_and_again_leaves_nothing_behind() -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.orders(category="inverse"))
        await until(lambda: world.transport.asked_of(ORDERS))
        await asyncio.sleep(1)
        (pool,) = world.client._pools
        held = pool.heard("ws://exchange/v5/private", "order")
        assert held is not None
        reading: Any
        (reading,) = held.beside.values()
        world.transport.refusal = (10005, "Permission denied")
        for _ in range(3):
            refused = Ear(world.client.orders(category="spot"))
            await until(lambda refused=refused: refused.errors)
            await asyncio.sleep(1)
            assert reading._recalls == {}
        assert not ear.errors

    scenario(body)


def test_who_comes_and_goes_before_it_is_live_leaves_nothing_behind() -> None:
    async def body(world: World) -> None:
        world.account.says = lambda args: None
        Ear(world.client.orders())
        await until(lambda: world.account.auths)
        (pool,) = world.client._pools
        held = pool.heard("ws://exchange/v5/private", "order")
        assert held is not None
        before = len(held.life._waiting)
        for _ in range(10):
            Ear(world.client.orders()).subscription.dispose()
        assert len(held.life._waiting) == before

    scenario(body)


def test_what_was_read_for_others_is_read_anew_once_they_have_left() -> None:
    async def body(world: World) -> None:
        world.transport.lists[ORDERS] = only("inverse", order("a", 1))
        bare = Ear(world.client.orders(snapshot=False))
        first = Ear(world.client.orders(category="inverse"))
        await until(lambda: first.heard)
        (pool,) = world.client._pools
        held = pool.heard("ws://exchange/v5/private", "order")
        assert held is not None
        assert (len(held.beside), len(held.life._always)) == (1, 1)
        first.subscription.dispose()
        assert (len(held.beside), len(held.life._always)) == (0, 0)
        world.transport.lists[ORDERS] = only("inverse", order("a", 1), order("b", 2))
        second = Ear(world.client.orders(category="inverse"))
        await until(lambda: len(second.heard) == 2)
        assert not bare.errors

    scenario(body)


@pytest.mark.parametrize("code", [10003, 10004, 10007, 33004])
def test_a_refused_signature_is_a_refused_key(code: int) -> None:
    async def body(world: World) -> None:
        world.transport.refusal = (code, "no")
        ear = Ear(world.client.orders())
        await until(lambda: ear.errors)
        (error,) = ear.errors
        assert isinstance(error, AuthenticationFailed)
        assert error.message == f"no, code {code}"
        await asyncio.sleep(5)
        assert len(world.transport.signed) == 1

    scenario(body)


def test_a_refusal_that_repeats_what_was_signed_shows_no_key() -> None:
    async def body(world: World) -> None:
        text = f"origin_string[1700000000010{KEY}5000category=inverse]"
        world.transport.refusal = (10006, f"Too many visits! {text}")
        ear = Ear(world.client.orders(category="inverse"))
        await until(lambda: world.of(RequestFailed))
        world.transport.refusal = (10004, f"error sign! {text}")
        await until(lambda: ear.errors)
        (error,) = ear.errors
        assert isinstance(error, AuthenticationFailed)
        assert error.message.startswith("error sign! origin_string[")
        shown = f"{error!r} {error.message} {world.statuses}"
        assert all(part not in shown for part in (KEY, KEY[-4:], "1700000000010"))

    scenario(body, backoff=Backoff(first=0.01, cap=0.1))


def test_an_http_status_that_refuses_the_key_is_a_refused_key() -> None:
    async def body(world: World) -> None:
        genuine = world.transport.get

        async def get(url: str, headers: Any = None) -> Answer:
            return await genuine(url) if headers is None else Answer(401, {}, b"")

        world.transport.get = get  # type: ignore[method-assign]
        ear = Ear(world.client.orders())
        await until(lambda: ear.errors)
        assert isinstance(ear.errors[0], AuthenticationFailed)
        assert ear.errors[0].message == "HTTP 401, code 401"

    scenario(body)


def test_a_clock_that_was_wrong_is_no_attempt_of_the_budget() -> None:
    async def body(world: World) -> None:
        Ear(world.client.user_trades())
        await until(lambda: world.account.signed)
        world.account.ahead_ms = 60_000
        world.transport.lists[WALLET] = lambda query: [wallet(BTC="1")]
        ear = Ear(world.client.balances())
        await until(lambda: ear.heard)
        assert not ear.errors

    scenario(body, backoff=Backoff(first=0.01, cap=0.1, budget=1))


@pytest.mark.parametrize(("wrong_ms", "sent_s"), [(900, 0.3), (-4000, -0.6)])
def test_a_clock_of_this_machine_that_is_wrong_hides_nothing(
    wrong_ms: int, sent_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body(world: World) -> None:
        world.transport.clockless = True
        world.transport.back_s = 2.0 if sent_s > 0 else 0.01
        now_ms = world.account.now_ms
        monkeypatch.setattr(
            "rxbybit.rest.clock.time.time_ns", lambda: (now_ms() + wrong_ms) * 1_000_000
        )
        bare = Ear(world.client.balances(snapshot=False))
        await until(lambda: world.account.signed)
        await asyncio.sleep(1)
        if sent_s < 0:  # what was told before anybody asked is older than what is read
            world.account.send("wallet", wallet(BTC="1"))
            await asyncio.sleep(-sent_s)
        world.transport.lists[WALLET] = lambda query: [wallet(BTC="2" if sent_s < 0 else "1")]
        ear = Ear(world.client.balances())
        if sent_s > 0:  # what is told after it was asked is newer
            await until(lambda: world.transport.signed)
            await asyncio.sleep(sent_s)
            world.account.send("wallet", wallet(BTC="2"))
        await asyncio.sleep(5)
        assert not ear.errors
        assert bare.heard[-1].equity == ear.heard[-1].equity == Decimal(2)

    scenario(body)


def test_a_clock_that_was_set_is_looked_at_once_more() -> None:
    async def body(world: World) -> None:
        await_first = Ear(world.client.positions(category="inverse"))
        await asyncio.sleep(2)
        world.account.ahead_ms = 60_000
        world.transport.lists[WALLET] = lambda query: [wallet(BTC="1")]
        ear = Ear(world.client.balances())
        await until(lambda: ear.heard)
        assert len(world.transport.asked_of(WALLET)) == 2
        assert [f.reason for f in world.of(RequestFailed)] == [
            "invalid request, please check your server timestamp (code 10002)"
        ]
        assert not await_first.errors

    scenario(body)


def test_a_clock_that_stays_wrong_ends_it() -> None:
    async def body(world: World) -> None:
        world.transport.refusal = (10002, "timestamp")
        ear = Ear(world.client.orders())
        await until(lambda: ear.errors)
        assert isinstance(ear.errors[0], AuthenticationFailed)
        assert len(world.transport.signed) == 2

    scenario(body)


def test_a_row_that_cannot_be_read_costs_that_row() -> None:
    async def body(world: World) -> None:
        bad = order("bad", 1) | {"qty": "much"}
        world.transport.lists[ORDERS] = only("inverse", bad, order("a", 1))
        world.transport.lists[WALLET] = lambda query: ["no row", {**wallet(), "coin": 7}]
        ear, coins = Ear(world.client.orders()), Ear(world.client.balances())
        await until(lambda: ear.heard and len(world.of(DecodeFailed)) == 3)
        assert told(ear) == [("a", "New", True)]
        failed = {failure.topic: failure.messages for failure in world.of(DecodeFailed)}
        assert failed["order"] == {"qty": ["Not a valid number."]}
        assert not coins.errors

    scenario(body)


def test_rest_that_fails_for_a_time_is_asked_again() -> None:
    async def body(world: World) -> None:
        genuine, failures = world.transport.get, [503, 502, 429]

        async def get(url: str, headers: Any = None) -> Answer:
            if headers is not None and failures:
                return Answer(failures.pop(), {}, b"")
            return await genuine(url, headers)

        world.transport.get = get  # type: ignore[method-assign]
        world.transport.lists[ORDERS] = only("inverse", order("a", 1))
        ear = Ear(world.client.orders(category="inverse"))
        await until(lambda: ear.heard)
        assert told(ear) == [("a", "New", True)]
        assert len(world.of(RequestFailed)) == 3
        assert not ear.errors

    scenario(body, backoff=Backoff(first=0.01, cap=0.1))


def test_what_is_signed_is_what_is_sent() -> None:
    async def body(world: World) -> None:
        Ear(world.client.orders())
        await until(lambda: len(world.transport.signed) == 5)
        for _, _, headers in world.transport.signed:
            assert headers["X-BAPI-API-KEY"] == KEY
            assert KEY not in repr(headers)
        assert not world.of(RequestFailed)

    scenario(body)


@settings(max_examples=examples(60), deadline=None)
@given(
    changes=st.lists(st.floats(0.0, 0.3), min_size=1, max_size=6),
    there_s=st.floats(0.001, 0.2),
    back_s=st.floats(0.001, 0.2),
    cut_s=st.none() | st.floats(0.02, 0.4),
)
def test_every_interleaving_ends_with_the_truth_and_never_goes_back(
    changes: list[float], there_s: float, back_s: float, cut_s: float | None
) -> None:
    """An order that is filled a little at a time, read and told of at any times."""

    async def body(world: World) -> None:
        filled = 0

        def row() -> dict[str, Any]:
            status = OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.NEW
            return order("a", filled, status, cumExecQty=str(filled))

        world.transport.there_s, world.transport.back_s = there_s, back_s
        world.transport.lists[ORDERS] = lambda query: only("inverse", row())(query)
        ear = Ear(world.client.orders(category="inverse"))

        async def fill() -> None:
            nonlocal filled
            for wait_s in changes:
                await asyncio.sleep(wait_s)
                filled += 1
                world.account.send("order", row())

        async def cut() -> None:
            if cut_s is not None:
                await asyncio.sleep(cut_s)
                for link in world.account.live:
                    link.cut()

        await asyncio.gather(fill(), cut())
        quantities: list[int] = []

        def done() -> bool:
            quantities[:] = [int(o.filled_quantity or 0) for o in ear.heard]
            return bool(quantities) and quantities[-1] == filled

        await until(done)
        await asyncio.sleep(2)
        assert done()
        assert quantities == sorted(quantities)

    scenario(body, backoff=Backoff(first=0.01, cap=0.05))


def test_the_wallet_has_no_category_to_be_picked_by() -> None:
    async def body(world: World) -> None:
        world.transport.lists[WALLET] = lambda query: [wallet(BTC="1.5")]
        coins, account = Ear(world.client.balances()), Ear(world.client.account())
        await until(lambda: coins.heard and account.heard)
        assert not coins.errors
        assert not account.errors

    scenario(body, category="inverse")


def test_leaving_at_what_is_told_ends_the_reading_without_a_word() -> None:
    async def body(world: World) -> None:
        told: list[Any] = []
        world.loop.set_exception_handler(lambda loop, context: told.append(context))
        world.transport.lists[WALLET] = lambda query: [wallet(BTC="1.5", ETH="2")]
        world.transport.lists[ORDERS] = only("inverse", order("a", 1), order("b", 1))
        assert (await world.client.balances().pipe(ops.first())).coin == "BTC"
        assert (await world.client.orders().pipe(ops.first())).order_id == "a"
        await asyncio.sleep(1)
        assert told == []
        assert len(world.transport.signed) == 2

    scenario(body)


def test_events_are_picked_by_symbol_category_and_kind() -> None:
    async def body(world: World) -> None:
        client = world.client
        ears = {
            "all": Ear(client.user_trades(funding=True)),
            "fills": Ear(client.user_trades()),
            "symbol": Ear(client.user_trades("B", funding=True)),
            "category": Ear(client.user_trades(category="linear", funding=True)),
            "both": Ear(client.user_trades("A", ["C"], category="linear")),
        }
        await until(
            lambda: world.account.links and world.account.subscribed[world.account.links[0]]
        )
        items = [
            execution("1", "A", "inverse"),
            execution("2", "A", "linear"),
            execution("3", "B", "linear", execType="Funding"),
            execution("4", "A", "linear", execType="Funding"),
        ]
        world.account.send("execution", *items)
        await until(lambda: len(ears["all"].heard) == 4)
        heard = {name: [t.trade_id for t in ear.heard] for name, ear in ears.items()}
        assert heard == {
            "all": ["1", "2", "3", "4"],
            "fills": ["1", "2"],
            "symbol": ["3"],
            "category": ["2", "3", "4"],
            "both": ["2"],
        }

    scenario(body)


def test_the_clients_category_is_a_filter_too() -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.positions())
        await asyncio.sleep(2)
        assert [q["category"] for q in world.transport.asked_of(POSITIONS)] == ["option"]
        assert not ear.errors

    scenario(body, category="option")


def execution(trade_id: str, symbol: str, category: str, **more: Any) -> dict[str, Any]:
    return {
        "category": category,
        "symbol": symbol,
        "execId": trade_id,
        "execPrice": "1",
        "execQty": "2",
        "execType": "Trade",
        "execTime": "1700000000000",
        **more,
    }
