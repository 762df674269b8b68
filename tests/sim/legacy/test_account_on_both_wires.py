"""One account that trades, heard on both wires by clients that are not rxbybit.

The conversions are written by hand here, from the documents of both wires.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from rxbybit.sim import (
    AuthReject,
    Corrupt,
    Cut,
    Duplicate,
    Exchange,
    Fault,
    Mute,
    Reorder,
    Silence,
    Skip,
)
from tests.sim.accounts.asking import Client, auth, client, private
from tests.sim.clock import Clock, passes
from tests.sim.legacy.talk import HOLDER, KEY, SECRET, market, realtime, signed
from tests.sim.market.journal import START_MS
from tests.sim.peer import Peer, run, until_pong

TOPICS = "order", "stop_order", "execution", "position", "wallet"
FORCE = {"GTC": "GoodTillCancel", "IOC": "ImmediateOrCancel", "FOK": "FillOrKill"}
WAITING = "Untriggered", "Triggered", "Deactivated"
NUMBER = 1_000_002
"""The user id: that of the account which is always there comes first."""
Frames = list[tuple[str, dict[str, Any]]]


class Both(NamedTuple):
    exchange: Exchange
    clock: Clock
    trader: Client
    new: Peer
    old: Peer


def login(expires: int | str = START_MS + 5_000, secret: str = SECRET) -> dict[str, Any]:
    return {"op": "auth", "args": [KEY, expires, signed(int(expires), secret)]}


@asynccontextmanager
async def both(*faults: Fault) -> AsyncIterator[Both]:
    clock, key = Clock(), {"key": KEY, "secret": SECRET}
    options: dict[str, Any] = {"accounts": (HOLDER,), "faults": faults}
    async with (
        Exchange(market=market(), clock=clock, **options) as exchange,
        realtime(exchange) as old,
        private(exchange, "order", "execution", "position", "wallet", **key) as new,
        client(exchange, **key) as trader,
    ):
        assert (await old.ask(**login()))["success"]
        assert (await old.ask(op="subscribe", args=TOPICS))["success"]
        yield Both(exchange, clock, trader, new, old)


@asynccontextmanager
async def listening(*faults: Fault) -> AsyncIterator[tuple[Exchange, Client, Peer]]:
    """A legacy link of the account, and no other."""
    options: dict[str, Any] = {"accounts": (HOLDER,), "faults": faults}
    async with (
        Exchange(market=market(), clock=Clock(), **options) as exchange,
        realtime(exchange) as old,
        client(exchange, key=KEY, secret=SECRET) as trader,
    ):
        assert (await old.ask(**login()))["success"]
        assert (await old.ask(op="subscribe", args=TOPICS))["success"]
        yield exchange, trader, old


async def heard(peer: Peer) -> Frames:
    """Topic and item of all that has come, in its order."""
    frames = [json.loads(one) for one in await until_pong(peer)]
    return [(frame["topic"], item) for frame in frames for item in frame["data"]]


def of(frames: Frames, topic: str) -> list[dict[str, Any]]:
    return [item for where, item in frames if where == topic]


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1_000)


def placed(v5: dict[str, Any]) -> dict[str, Any]:
    """What both legacy topics have of an order."""
    return {
        "order_id": v5["orderId"],
        "order_link_id": v5["orderLinkId"],
        "symbol": v5["symbol"],
        "side": v5["side"],
        "order_type": v5["orderType"],
        "price": Decimal(v5["price"]),
        "qty": int(v5["qty"]),
        "time_in_force": FORCE.get(v5["timeInForce"], v5["timeInForce"]),
        "create_type": v5["createType"],
        "cancel_type": v5["cancelType"],
        "order_status": v5["orderStatus"],
        "timestamp": int(v5["updatedTime"]),
        "take_profit": 0,
        "stop_loss": 0,
        "close_on_trigger": v5["closeOnTrigger"],
    }


def order(v5: dict[str, Any]) -> dict[str, Any]:
    return placed(v5) | {
        "leaves_qty": int(v5["leavesQty"]),
        "cum_exec_qty": int(v5["cumExecQty"]),
        "cum_exec_value": Decimal(v5["cumExecValue"]),
        "cum_exec_fee": Decimal(v5["cumExecFee"]),
        "trailing_stop": 0,
        "trailing_active": 0,
        "reduce_only": v5["reduceOnly"],
    }


def stop(v5: dict[str, Any], number: int) -> dict[str, Any]:
    return placed(v5) | {
        "user_id": number,
        "stop_order_type": v5["stopOrderType"],
        "trigger_by": v5["triggerBy"],
        "trigger_price": Decimal(v5["triggerPrice"]),
    }


def execution(v5: dict[str, Any]) -> dict[str, Any]:
    return {
        "symbol": v5["symbol"],
        "side": v5["side"],
        "order_id": v5["orderId"],
        "exec_id": v5["execId"],
        "order_link_id": v5["orderLinkId"],
        "price": Decimal(v5["execPrice"]),
        "order_qty": int(v5["orderQty"]),
        "exec_type": v5["execType"],
        "exec_qty": int(v5["execQty"]),
        "exec_fee": Decimal(v5["execFee"]),
        "leaves_qty": int(v5["leavesQty"]),
        "is_maker": v5["isMaker"],
        "trade_time": int(v5["execTime"]),
    }


def position(v5: dict[str, Any]) -> dict[str, Any]:
    return {
        "symbol": v5["symbol"],
        "size": int(v5["size"]),
        "side": v5["side"] or "None",
        "position_value": Decimal(v5["positionValue"]),
        "entry_price": Decimal(v5["entryPrice"]),
        "leverage": Decimal(v5["leverage"]),
        "position_margin": Decimal(v5["positionIM"]),
        "cum_realised_pnl": Decimal(v5["cumRealisedPnl"]),
        "position_status": v5["positionStatus"],
        "position_idx": v5["positionIdx"],
        "auto_add_margin": v5["autoAddMargin"],
        "tp_sl_mode": v5["tpslMode"],
        "risk_id": v5["riskId"],
    }


def wallet(coin: dict[str, Any]) -> dict[str, Any]:
    margins = Decimal(coin["totalPositionIM"]) + Decimal(coin["totalOrderIM"])
    used = margins - min(Decimal(coin["unrealisedPnl"]), Decimal(0))
    balance = Decimal(coin["walletBalance"])
    return {
        "coin": coin["coin"],
        "wallet_balance": balance,
        "available_balance": max(balance - used, Decimal(0)),
    }


def read(item: dict[str, Any], like: dict[str, Any]) -> dict[str, Any]:
    """A legacy item, as far as ``like`` has its keys, with the types of its values."""
    found: dict[str, Any] = {}
    for key, kind in like.items():
        value = item[key]
        if key in ("timestamp", "trade_time"):
            value = ms(value)
        elif isinstance(value, str) and not isinstance(kind, str):
            value = Decimal(value)
        found[key] = value
    return found


def compare(new: Frames, old: Frames, number: int) -> None:
    """All that was told on both: inverse contracts, and every coin."""
    inverse = [(t, item) for t, item in new if item.get("category", "inverse") == "inverse"]
    orders = of(inverse, "order")
    working = [order(item) for item in orders if item["orderStatus"] not in WAITING]
    waiting = [stop(item, number) for item in orders if item["orderStatus"] in WAITING]
    told = [item for item in of(old, "stop_order") if item["order_status"] != "Active"]
    coins = [wallet(coin) for item in of(new, "wallet") for coin in item["coin"]]
    for ours, theirs in (
        (of(old, "order"), working),
        (told, waiting),
        (of(old, "execution"), [execution(item) for item in of(inverse, "execution")]),
        (of(old, "position"), [position(item) for item in of(inverse, "position")]),
        (of(old, "wallet"), coins),
    ):
        assert theirs
        assert [read(a, b) for a, b in zip(ours, theirs, strict=True)] == theirs
    assert {item["user_id"] for item in of(old, "position")} == {number}


def test_every_order_fill_position_and_balance_is_the_same_on_both() -> None:
    async def main() -> None:
        async with both() as (exchange, clock, trader, new, old):
            create = {"orderType": "Limit", "price": "60000", "qty": "100", "orderLinkId": "mine"}
            await trader.order(side="Buy", **create)
            await trader.order(side="Buy", orderType="Market", qty="700")
            near = {"orderType": "Limit", "price": "65010", "qty": "300", "timeInForce": "PostOnly"}
            await trader.order(side="Sell", **near)
            trigger = {"orderType": "Market", "triggerPrice": "64990", "triggerDirection": 2}
            waits = await trader.order(side="Sell", qty="500", reduceOnly=True, **trigger)
            gone = await trader.order(side="Sell", qty="5", **trigger)
            await trader.order("cancel", orderId=gone["orderId"])
            for _ in range(60):
                await passes(exchange, clock, 2_000)
            await trader.order("amend", orderLinkId="mine", qty="50")
            await trader.order(
                category="linear", symbol="BTCUSDT", side="Buy", orderType="Market", qty="0.01"
            )
            await trader.order("cancel", orderLinkId="mine")
            v5, legacy = await heard(new), await heard(old)
            compare(v5, legacy, NUMBER)
            states = [
                (topic, item["order_status"])
                for topic, item in legacy
                if item.get("order_id") == waits["orderId"] and "order_status" in item
            ]
            assert states == [
                ("stop_order", "Untriggered"),
                ("stop_order", "Triggered"),
                ("stop_order", "Active"),
                ("order", "Filled"),
            ]
            assert {item["coin"] for item in of(legacy, "wallet")} == {"BTC", "USDT"}
            for last in of(legacy, "order"):
                filled = [f for f in of(legacy, "execution") if f["order_id"] == last["order_id"]]
                assert (last["last_exec_price"] == "0") == (last["cum_exec_qty"] == 0)
                assert last["cum_exec_qty"] == 0 or last["last_exec_price"] in {
                    f["price"] for f in filled
                }
            # No position is of yesterday: all that was realised is of today.
            for item in of(legacy, "position"):
                assert item["realised_pnl"] == item["cum_realised_pnl"]

    run(main())


def test_what_was_realised_today_begins_anew_with_the_day() -> None:
    async def main() -> None:
        start_ms = START_MS - 10_000
        clock = Clock()
        async with (
            Exchange(market=market(start_ms=start_ms), clock=clock, accounts=(HOLDER,)) as exchange,
            realtime(exchange) as old,
            client(exchange, key=KEY, secret=SECRET) as trader,
        ):
            assert (await old.ask(**login()))["success"]
            assert (await old.ask(op="subscribe", args=["position"]))["success"]
            await trader.order(side="Buy", orderType="Market", qty="500")
            await passes(exchange, clock, 11_000)
            far = {"orderType": "Limit", "price": "60000", "qty": "1"}
            await trader.order(side="Buy", **far)
            await trader.order(side="Sell", orderType="Market", qty="500", reduceOnly=True)
            first, *others = of(await heard(old), "position")
            opened = Decimal(first["realised_pnl"])
            assert opened < 0
            assert Decimal(first["cum_realised_pnl"]) == opened
            # Funding is paid at midnight, and the position told of at every order.
            assert len(others) >= 2
            for item in others:
                today = Decimal(item["realised_pnl"])
                assert Decimal(item["cum_realised_pnl"]) == opened + today
            assert Decimal(others[-1]["realised_pnl"]) not in (0, opened)

    run(main())


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (login(), ""),
        (login(str(START_MS + 1)), ""),
        (login(START_MS), "error:request expired"),
        (login(secret="another"), "error:invalid signature"),
        (auth(START_MS, key="nobody"), "error:invalid api key"),
        ({"op": "auth", "args": [KEY]}, "error:invalid args"),
    ],
)
def test_the_same_keys_open_both(request_: dict[str, Any], says: str) -> None:
    async def main() -> None:
        options: dict[str, Any] = {"market": market(), "clock": Clock(), "accounts": (HOLDER,)}
        async with Exchange(**options) as exchange, realtime(exchange) as peer:
            reply = await peer.ask(**request_)
            assert (reply["success"], reply["ret_msg"]) == (not says, says)
            assert reply["request"] == request_
            opened = await peer.ask(op="subscribe", args=["order"])
            assert opened["success"] is not bool(says)
            for seen in (*exchange.requests, *exchange.connects, *exchange.calls):
                assert KEY not in repr(seen)
                assert str(request_["args"][-1]) not in repr(seen)

    run(main())


def test_auth_in_the_url() -> None:
    async def main() -> None:
        options: dict[str, Any] = {"market": market(), "clock": Clock(), "accounts": (HOLDER,)}
        expires = START_MS + 1_000
        good = f"?api_key={KEY}&expires={expires}&signature={signed(expires)}"
        async with (
            Exchange(**options) as exchange,
            realtime(exchange, good) as peer,
            realtime(exchange, good[:-1]) as stranger,
            client(exchange, key=KEY, secret=SECRET) as trader,
        ):
            assert (await peer.ask(op="subscribe", args=["position"]))["success"]
            assert not (await stranger.ask(op="subscribe", args=["position"]))["success"]
            await trader.order(side="Buy", orderType="Market", qty="1")
            assert [topic for topic, _ in await heard(peer)] == ["position"]
            assert await heard(stranger) == []
            for seen in (*exchange.requests, *exchange.connects):
                assert KEY not in repr(seen)
                assert signed(expires) not in repr(seen)

    run(main())


@pytest.mark.parametrize(
    ("fault", "count"),
    [
        (Skip(topic="execution"), 1),
        (Duplicate(topic="execution"), 3),
        (Mute(topic="execution", frames=2), 0),
        (Skip(topic="execution", nth=9), 2),
    ],
)
def test_frames_that_go_astray(fault: Fault, count: int) -> None:
    async def main() -> None:
        async with listening(fault) as (_, trader, old):
            for _ in range(2):
                await trader.order(side="Buy", orderType="Market", qty="1")
            assert len(of(await heard(old), "execution")) == count

    run(main())


def test_frames_that_change_places_and_break() -> None:
    async def main() -> None:
        faults = Reorder(topic="wallet"), Corrupt(topic="execution", nth=2, how="reversed")
        async with listening(*faults) as (_, trader, old):
            for _ in range(2):
                await trader.order(side="Buy", orderType="Market", qty="1")
            frames = await until_pong(old)
            assert sum(one.startswith("}") for one in frames) == 1
            good = [json.loads(one) for one in frames if one.startswith("{")]
            coins = [frame["data"][0] for frame in good if frame["topic"] == "wallet"]
            after, before = [Decimal(coin["wallet_balance"]) for coin in coins]
            assert after < before < 2

    run(main())


def test_auth_reject_and_the_ends_of_links() -> None:
    async def main() -> None:
        faults = AuthReject(message="error:not today"), Cut(after=4, how="rst")
        options: dict[str, Any] = {"market": market(), "clock": Clock(), "accounts": (HOLDER,)}
        async with (
            Exchange(**options, faults=faults) as exchange,
            realtime(exchange) as peer,
            client(exchange, key=KEY, secret=SECRET) as trader,
        ):
            refused = await peer.ask(**login())
            assert (refused["success"], refused["ret_msg"]) == (False, "error:not today")
            assert (await peer.ask(**login()))["success"]
            assert (await peer.ask(op="subscribe", args=TOPICS))["success"]
            await trader.order(side="Buy", orderType="Market", qty="1")
            assert not exchange.links
            async with realtime(exchange) as again:
                assert (await again.ask(**login()))["success"]
                assert (await again.ask(op="subscribe", args=TOPICS))["success"]
                exchange.faults.add(Silence(after=2))
                await trader.order(side="Buy", orderType="Market", qty="1")
                assert [link.silent for link in exchange.links] == [True]
                assert exchange.links[0].sent == 2

    run(main())


def test_a_link_that_has_left_is_told_nothing_and_forgotten() -> None:
    async def main() -> None:
        async with both() as (exchange, _, trader, new, old):
            await old.websocket.close()
            await exchange.until(lambda: len(exchange.links) == 1)
            await trader.order(side="Buy", orderType="Market", qty="1")
            assert len(await heard(new)) == 4
            again = await new.ask(**auth(trader.now_ms, key=KEY, secret=SECRET))
            assert again["success"]

    run(main())
