"""Orders of accounts in the book: what becomes of them, by hand and by a model."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rxbybit.sim.accounts import Desk
from rxbybit.sim.market import Market
from rxbybit.sim.market.pit import Pit
from rxbybit.sim.rest.refused import Refused
from tests.effort import examples
from tests.sim.accounts.trading import Trader, two_traders
from tests.sim.market.journal import START_MS, small


def test_a_limit_order_rests_and_is_filled_in_parts() -> None:
    maker, taker, pit = two_traders()
    order_id = maker.limit("Sell", "1000", "65000", orderLinkId="mine")
    kinds = [kind for kind, _ in maker.ear.heard]
    assert kinds == ["order", "position"]  # the position comes even though it has not changed
    ((_, (order,)), (_, (position,))) = maker.ear.take()
    assert (order["orderId"], order["orderLinkId"]) == (order_id, "mine")
    assert (order["orderStatus"], order["leavesQty"], order["avgPrice"]) == ("New", "1000", "")
    assert (position["size"], position["side"], position["seq"]) == ("0", "", -1)
    assert pit.book.asks.top(5) == [(130_000, 1_000)]
    assert taker.ear.heard == []

    taker.limit("Buy", "400", "65100")
    assert [kind for kind, _ in maker.ear.heard] == ["order", "execution", "position", "wallet"]
    (_, (order,)), (_, (fill,)), (_, (position,)), (_, (wallet,)) = maker.ear.take()
    assert (order["orderStatus"], order["leavesQty"]) == ("PartiallyFilled", "600")
    # 400 / 65000 = 0.00615384 (cut); the maker pays 0.02 % of it: 0.000001230768.
    assert (fill["execValue"], fill["execFee"], fill["feeRate"]) == (
        "0.00615384",
        "0.00000123",
        "0.0002",
    )
    assert (fill["isMaker"], fill["execPrice"], fill["execQty"]) == (True, "65000.00", "400")
    assert (fill["leavesQty"], fill["closedSize"], fill["execPnl"]) == ("600", "0", "0")
    assert (position["side"], position["size"], position["seq"]) == ("Sell", "400", fill["seq"])
    assert position["entryPrice"] == "65000.06500006"
    assert position["cumRealisedPnl"] == position["curRealisedPnl"] == "-0.00000123"
    (coin,) = wallet["coin"]
    assert (coin["coin"], coin["walletBalance"]) == ("BTC", "99.99999877")

    (_, (order,)), (_, (fill,)), *_ = taker.ear.take()
    assert (order["orderStatus"], order["cumExecFee"], order["avgPrice"]) == (
        "Filled",
        "0.00000338",  # 0.055 % of 0.00615384
        "65000.06500006",
    )
    assert (fill["isMaker"], fill["orderPrice"], fill["execFee"]) == (
        False,
        "65100.00",
        "0.00000338",
    )

    taker.market("Buy", "700")
    assert maker.states() == [("Filled", "1000")]
    assert taker.states() == [("Cancelled", "600")]  # nothing more was there: the rest is gone
    assert taker.account.held(pit.instrument) == 1_000
    assert maker.account.open == {} == taker.account.open
    assert pit.book.orders == {}


def test_closing_pays_in_coin() -> None:
    one, two, _ = two_traders()
    two.limit("Sell", "1300", "65000")
    one.market("Buy", "1300")  # for 0.02 BTC
    two.limit("Buy", "1300", "65100")
    one.ear.take()
    one.market("Sell", "1300")  # for 0.01996927 (1300 / 65100, cut)
    (_, (order,)), (_, (fill,)), (_, (position,)), (_, (wallet,)) = one.ear.take()
    assert (fill["execPnl"], fill["closedSize"], order["closedPnl"]) == (
        "0.00003073",  # 0.02 - 0.01996927
        "1300",
        "0.00003073",
    )
    # Fees: 0.055 % of 0.02 = 0.000011, of 0.01996927 = 0.00001098.
    assert position["cumRealisedPnl"] == "0.00000875"
    assert (position["size"], position["entryPrice"], position["breakEvenPrice"]) == ("0", "0", "")
    (coin,) = wallet["coin"]
    assert coin["walletBalance"] == "100.00000875"
    assert (coin["cumRealisedPnl"], coin["unrealisedPnl"]) == ("0.00000875", "0")


def test_public_trades_are_told_of_like_any_other() -> None:
    maker, taker, pit = two_traders()
    pit.want("publicTrade", 0)
    maker.limit("Sell", "1000", "65000")
    maker.limit("Sell", "1000", "65000.5")
    assert maker.pushes == []
    taker.market("Buy", "1500")
    (push,) = taker.pushes
    assert (push.category, push.topic) == ("inverse", "publicTrade.BTCUSD")
    seen = [(t["S"], t["p"], t["v"]) for t in push.content["data"]]
    assert seen == [("Buy", "65000.00", "1000"), ("Buy", "65000.50", "500")]
    fills = dict(taker.ear.take())["execution"]
    assert [t["i"] for t in push.content["data"]] == [fill["execId"] for fill in fills]
    assert [t["seq"] for t in push.content["data"]] == [fill["seq"] for fill in fills]


def test_price_comes_before_time_and_time_before_size() -> None:
    one, two, _ = two_traders()
    late = one.limit("Sell", "100", "65001")
    first = one.limit("Sell", "100", "65000")
    second = one.limit("Sell", "900", "65000")
    one.ear.take()
    two.market("Buy", "1050")
    fills = dict(one.ear.take())["execution"]
    assert [(f["orderId"], f["execQty"]) for f in fills] == [
        (first, "100"),
        (second, "900"),
        (late, "50"),
    ]


@pytest.mark.parametrize(
    ("tif", "price", "filled", "status", "reason"),
    [
        ("IOC", "65000", "300", "Cancelled", "EC_NoImmediateQtyToFill"),
        ("IOC", "64999", "0", "Cancelled", "EC_NoImmediateQtyToFill"),
        ("FOK", "65000", "0", "Cancelled", "EC_NoImmediateQtyToFill"),
        ("FOK", "65001", "500", "Filled", "EC_NoError"),
        ("PostOnly", "65000", "0", "Cancelled", "EC_PostOnlyWillTakeLiquidity"),
        ("PostOnly", "64999.5", "0", "New", "EC_NoError"),
        ("GTC", "65000", "300", "PartiallyFilled", "EC_NoError"),
    ],
)
def test_time_in_force(tif: str, price: str, filled: str, status: str, reason: str) -> None:
    maker, taker, pit = two_traders()
    maker.limit("Sell", "300", "65000")
    maker.limit("Sell", "300", "65001")
    taker.limit("Buy", "500", price, timeInForce=tif)
    order = dict(taker.ear.take())["order"][0]
    assert (order["cumExecQty"], order["orderStatus"], order["rejectReason"]) == (
        filled,
        status,
        reason,
    )
    rests = status in ("New", "PartiallyFilled")
    assert bool(pit.book.bids.keys) == rests == bool(taker.account.open)
    assert order["leavesQty"] == (str(500 - int(filled)) if rests else "0")


def test_amending_keeps_the_place_only_where_the_order_becomes_smaller() -> None:
    one, two, pit = two_traders()
    first = one.limit("Sell", "500", "65000")
    second = one.limit("Sell", "500", "65000")
    assert one.ask("amend", orderId=first, qty="200") == {"orderId": first, "orderLinkId": ""}
    assert pit.book.asks.top(1) == [(130_000, 700)]
    one.ear.take()
    two.market("Buy", "50")
    assert dict(one.ear.take())["execution"][0]["orderId"] == first
    one.ask("amend", orderId=first, qty="600")  # 50 are filled, 550 go behind the other
    one.ear.take()
    two.market("Buy", "600")
    heard = dict(one.ear.take())
    assert [(f["orderId"], f["execQty"]) for f in heard["execution"]] == [
        (second, "500"),
        (first, "100"),
    ]
    assert [(o["orderStatus"], o["leavesQty"]) for o in heard["order"]] == [
        ("Filled", "0"),
        ("PartiallyFilled", "450"),
    ]
    two.limit("Buy", "100", "64900")
    two.ear.take()
    one.ask("amend", orderId=first, price="64900")  # into the other side
    assert one.states() == [("PartiallyFilled", "250")]
    assert dict(two.ear.take())["execution"][0]["isMaker"] is True
    with pytest.raises(Refused, match="filled already"):
        one.ask("amend", orderId=first, qty="250")
    with pytest.raises(Refused, match="unchanged"):
        one.ask("amend", orderId=first, qty="600")


def test_cancelling() -> None:
    one, two, pit = two_traders()
    order_id = one.limit("Sell", "500", "65000", orderLinkId="a")
    two.market("Buy", "100")
    one.ear.take()
    with pytest.raises(Refused, match="not exist"):
        two.ask("cancel", orderId=order_id)
    assert one.ask("cancel", orderLinkId="a")["orderId"] == order_id
    (kind, (order,)), (position, _) = one.ear.take()
    assert (kind, position) == ("order", "position")
    assert (order["orderStatus"], order["cancelType"], order["rejectReason"]) == (
        "Cancelled",
        "CancelByUser",
        "EC_PerCancelRequest",
    )
    assert (order["cumExecQty"], order["leavesQty"]) == ("100", "0")
    assert pit.book.orders == {}
    with pytest.raises(Refused) as caught:
        one.ask("cancel", orderId=order_id)
    assert caught.value.code == 110001
    with pytest.raises(Refused) as caught:
        one.limit("Sell", "500", "65000", orderLinkId="a")
    assert caught.value.code == 110072


def test_cancelling_all() -> None:
    one, _, pit = two_traders()
    with pytest.raises(Refused, match="settleCoin"):
        one.ask("cancel-all", symbol="")
    orders = [one.limit("Sell", "500", "65000"), one.limit("Buy", "500", "64000")]
    stop = one.market("Buy", "500", triggerPrice="66000", triggerDirection=1)
    one.ear.take()
    result = one.ask("cancel-all", orderFilter="StopOrder")
    assert [each["orderId"] for each in result["list"]] == [stop]
    assert one.states() == [("Deactivated", "0")]
    result = one.ask("cancel-all", symbol="", settleCoin="BTC")
    assert [each["orderId"] for each in result["list"]] == orders
    assert result["success"] == "1"
    assert one.states() == [("Cancelled", "0")] * 2
    assert pit.book.orders == {}
    assert one.ask("cancel-all")["list"] == []


def test_reduce_only_never_opens() -> None:
    one, two, pit = two_traders()
    with pytest.raises(Refused) as caught:
        one.market("Sell", "100", reduceOnly=True)
    assert caught.value.code == 110017
    two.limit("Sell", "1000", "65000")
    one.market("Buy", "1000")
    first = one.limit("Sell", "700", "65100", reduceOnly=True)
    second = one.limit("Sell", "700", "65200", reduceOnly=True)  # 300 are left to reduce
    assert pit.book.asks.top(2) == [(130_200, 700), (130_400, 300)]
    two.limit("Buy", "600", "64900")
    one.ear.take()
    one.market("Sell", "600")  # 400 are held: the older order may close them all
    orders = {o["orderId"]: o for kind, items in one.ear.take() if kind == "order" for o in items}
    assert (orders[first]["qty"], orders[first]["orderStatus"]) == ("400", "New")
    assert (orders[second]["orderStatus"], orders[second]["cancelType"]) == (
        "Cancelled",
        "CancelByReduceOnly",
    )
    assert pit.book.asks.top(2) == [(130_200, 400)]
    two.market("Buy", "5000")
    assert one.account.held(pit.instrument) == 0
    assert pit.book.orders == {}


@pytest.mark.parametrize(("direction", "trigger", "at"), [(1, "65100", 65100), (2, "64900", 64900)])
def test_a_stop_order_waits_for_the_last_price(direction: int, trigger: str, at: int) -> None:
    one, two, pit = two_traders()
    two.limit("Sell", "100", "65000")
    one.market("Buy", "100")
    one.ear.take()
    side = "Buy" if direction == 1 else "Sell"
    stop = one.market(side, "300", triggerPrice=trigger, triggerDirection=direction)
    (order,) = dict(one.ear.take())["order"]
    assert (order["orderStatus"], order["stopOrderType"], order["createType"]) == (
        "Untriggered",
        "Stop",
        "CreateByStopOrder",
    )
    assert (order["triggerPrice"], order["triggerBy"], order["triggerDirection"]) == (
        f"{trigger}.00",
        "LastPrice",
        direction,
    )
    assert pit.book.orders == {}
    # A trade one tick short of it does nothing.
    away = at - 0.5 if direction == 1 else at + 0.5
    other = "Sell" if direction == 1 else "Buy"
    for price, size in ((away, "50"), (at, "250")):
        assert one.states() == []
        two.limit(other, size, str(price))
        third = Trader(two.desk, f"k{price}", pit.instrument)
        third.market("Sell" if other == "Buy" else "Buy", "50")
    # Of the 250 the trade at the trigger price took 50; 200 were left for the stop order.
    assert one.states() == [("Triggered", "0"), ("Cancelled", "200")]
    assert one.account.find(stop, "") is None
    fills = [f for f in one.account.executions if f["orderId"] == stop]
    assert [f["stopOrderType"] for f in fills] == ["Stop"]


def test_a_stop_order_that_is_a_limit_order_rests_once_it_is_triggered() -> None:
    one, two, pit = two_traders()
    stop = one.limit("Buy", "300", "64000", triggerPrice="65300", triggerDirection=1)
    one.ask("amend", orderId=stop, triggerPrice="65200", qty="200")
    assert one.states()[-1] == ("Untriggered", "0")
    with pytest.raises(Refused) as caught:
        one.ask("amend", orderId=stop, triggerPrice="65000")
    assert caught.value.code == 110092
    resting = one.limit("Buy", "100", "64500")
    with pytest.raises(Refused, match="does not wait"):
        one.ask("amend", orderId=resting, triggerPrice="65300")
    one.ask("cancel", orderId=resting)
    one.ear.take()
    two.limit("Sell", "100", "65200")
    third = Trader(two.desk, "third", pit.instrument)
    third.market("Buy", "100")
    assert one.states() == [("Triggered", "0"), ("New", "0")]
    assert pit.book.bids.top(1) == [(128_000, 200)]


def test_stop_orders_go_off_one_after_the_other() -> None:
    """The trade of one brings the price of the next."""
    one, two, pit = two_traders()
    for price in ("65100", "65200", "65300"):
        two.limit("Sell", "100", price)
    one.limit("Buy", "150", "65200", timeInForce="IOC", triggerPrice="65100", triggerDirection=1)
    one.market("Buy", "100", triggerPrice="65200", triggerDirection=1)
    one.ear.take()
    third = Trader(two.desk, "third", pit.instrument)
    third.market("Buy", "100")
    assert one.states() == [
        ("Triggered", "0"),
        ("Cancelled", "100"),
        ("Triggered", "0"),
        ("Filled", "100"),
    ]
    assert third.states() == [("Filled", "100")]


def test_a_stop_order_by_the_mark_price() -> None:
    one, two, pit = two_traders()
    two.limit("Buy", "5000", "64000")
    mark = pit.marks.mark
    body = {"triggerPrice": str((mark + 10_000) // 50 / 2), "triggerDirection": 1}
    one.market("Sell", "100", triggerBy="MarkPrice", **body)
    one.ear.take()
    list(one.desk.market.advance(one.desk.market.now_ms + 4_000))
    assert one.states() == []
    pit._index.price *= 1.005  # type: ignore[attr-defined]
    list(one.desk.market.advance(one.desk.market.now_ms + 4_000))
    assert one.states()[0] == ("Triggered", "0")


def test_close_on_trigger_closes_and_no_more() -> None:
    one, two, pit = two_traders()
    two.limit("Sell", "300", "65000")
    one.market("Buy", "300")
    body = {"triggerPrice": "64900", "triggerDirection": 2, "closeOnTrigger": True}
    one.market("Sell", "1000", **body)
    two.limit("Buy", "2000", "64900")
    third = Trader(two.desk, "third", pit.instrument)
    one.ear.take()
    third.market("Sell", "100")
    assert one.states() == [("Triggered", "0"), ("Filled", "300")]
    assert one.account.held(pit.instrument) == 0
    one.market("Sell", "1000", **(body | {"triggerPrice": "64800"}))
    two.limit("Buy", "50", "64800")
    one.ear.take()
    third.limit("Sell", "1650", "64800")
    (*_, (_, (order,)), _) = one.ear.take()
    assert (order["orderStatus"], order["cancelType"]) == ("Cancelled", "CancelByReduceOnly")


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        ({"qty": "100.5"}, 10001, "qty=100.5: use a multiple of 1"),
        ({"qty": "0"}, 10001, "qty=0: use a decimal above 0"),
        ({"qty": "-5"}, 10001, "qty=-5"),
        ({"qty": "NaN"}, 10001, "qty=NaN"),
        ({"qty": "1e3"}, 10001, "qty=1e3"),
        ({"qty": 100}, 10001, 'qty is text, such as "100"'),
        ({"qty": None}, 10001, "qty is missing"),
        ({"qty": "9000000"}, 10001, "use 5000000 at most"),
        ({"price": "65000.3"}, 10001, "price=65000.3: use a multiple of 0.50"),
        ({"price": None}, 10001, "price is missing"),
        ({"price": "70000"}, 110003, "allowable range"),
        ({"side": "Sell", "price": "60000"}, 110003, "allowable range"),
        ({"side": "buy"}, 10001, "side=buy: use one of Buy, Sell"),
        ({"orderType": "Stop"}, 10001, "orderType=Stop: use one of Market, Limit"),
        ({"timeInForce": "GTX"}, 10001, "timeInForce=GTX: use one of GTC"),
        ({"category": "spot", "symbol": "BTCUSDT"}, 10001, "inverse and linear only"),
        ({"category": "future"}, 10001, "category=future"),
        ({"symbol": "ETHUSD"}, 10001, "symbol=ETHUSD does not trade on inverse"),
        ({"positionIdx": 1}, 10001, "positionIdx=1: use one of 0"),
        ({"orderLinkId": "x" * 37}, 10001, "orderLinkId: use 36 characters at most"),
        ({"takeProfit": "70000"}, 10001, "takeProfit is not modelled"),
        ({"stopLoss": "60000"}, 10001, "stopLoss is not modelled"),
        ({"reduceOnly": "yes"}, 10001, "reduceOnly is true or false"),
        ({"triggerDirection": 1}, 10001, "triggerPrice is missing"),
        ({"triggerPrice": "66000"}, 10001, "triggerDirection is missing"),
        ({"triggerPrice": "66000", "triggerDirection": 3}, 10001, "triggerDirection=3"),
        ({"triggerPrice": "66000", "triggerDirection": 2}, 110093, "expect Falling"),
        ({"triggerPrice": "60000", "triggerDirection": 1}, 110092, "expect Rising"),
        (
            {"triggerPrice": "66000", "triggerDirection": 1, "triggerBy": "Last"},
            10001,
            "triggerBy=Last",
        ),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(body: Any, code: int, says: str) -> None:
    one, _, pit = two_traders()
    good = {"side": "Buy", "orderType": "Limit", "qty": "100", "price": "64000"}
    with pytest.raises(Refused) as caught:
        one.ask("create", **(good | body))
    assert caught.value.code == code
    assert says in caught.value.text
    assert (one.account.open, pit.book.orders, one.ear.heard) == ({}, {}, [])


def test_the_margin_must_be_there() -> None:
    one, two, pit = two_traders()
    poor = Trader(one.desk, "poor", pit.instrument, BTC="0.01")
    price = one.desk.market.coin_price("BTC")
    most = int(0.01 * price * 10)
    for qty in (most * 2, most + 10):
        with pytest.raises(Refused) as caught:
            poor.limit("Buy", str(qty), "65000")
        assert caught.value.code == 110007
    poor.limit("Buy", str(most - 200), "64500")
    with pytest.raises(Refused):
        poor.limit("Buy", "500", "64500")
    # What it has reserved itself counts as free when it is amended.
    (order,) = poor.account.open.values()
    poor.ask("amend", orderId=order.order_id, price="64500.5")
    two.market("Sell", str(most - 200))
    assert poor.account.held(pit.instrument) == most - 200
    # Closing needs none.
    two.limit("Buy", str(most), "64500")
    poor.market("Sell", str(most - 200))
    assert poor.account.held(pit.instrument) == 0


def test_what_is_worth_too_little_is_refused_unless_it_closes() -> None:
    market = Market(
        seed=1,
        start_ms=START_MS,
        instruments=(
            small("linear", "DUSTUSDT", base="DUST", price_scale=4, tick=1, size_scale=1),
        ),
    )
    one = Trader(Desk(market), "one", market.pits["linear", "DUSTUSDT"].instrument)
    assert 0.6 < market.coin_price("DUST") < 0.8
    with pytest.raises(Refused) as caught:
        one.market("Buy", "5.0")
    assert caught.value.code == 110094
    one.market("Buy", "10.0")
    one.market("Sell", "0.1", reduceOnly=True)
    assert one.states()[-1] == ("Filled", "0.1")


def test_a_smaller_order_is_seen_in_the_public_book() -> None:
    one, _, pit = two_traders()
    order_id = one.limit("Sell", "500", "65000")
    pit.want("orderbook.50", START_MS)
    seq = pit.book.seq
    one.ask("amend", orderId=order_id, qty="200")
    assert pit.book.seq == seq + 1
    pushes = list(one.desk.market.advance(START_MS + 20))
    (delta,) = [push.content for push in pushes if push.topic == "orderbook.50.BTCUSD"]
    assert (delta["type"], delta["data"]["a"]) == ("delta", [["65000.00", "200"]])
    assert delta["data"]["seq"] == seq + 1


def test_an_account_may_meet_itself() -> None:
    one, _, pit = two_traders()
    one.limit("Sell", "1300", "65000")
    one.ear.take()
    one.market("Buy", "1300")
    heard = dict(one.ear.take())
    assert [(f["side"], f["isMaker"]) for f in heard["execution"]] == [
        ("Buy", False),
        ("Sell", True),
    ]
    assert len({f["execId"] for f in heard["execution"]}) == 2
    assert [o["orderStatus"] for o in heard["order"]] == ["Filled", "Filled"]
    # Both fees of 0.02: 0.055 % and 0.02 %.
    assert heard["wallet"][0]["coin"][0]["walletBalance"] == "99.999985"
    assert one.account.held(pit.instrument) == 0


STEPS = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.sampled_from(["GTC", "IOC", "FOK", "PostOnly", "Market", "cancel", "amend", "stop"]),
        st.sampled_from(["Buy", "Sell"]),
        st.integers(1, 9),
        st.integers(-4, 4),
        st.booleans(),
    ),
    max_size=40,
)


@pytest.mark.parametrize("category", ["inverse", "linear"])
@settings(max_examples=examples(60), deadline=None)
@given(steps=STEPS)
def test_whatever_they_do_the_books_agree(category: Any, steps: list[Any]) -> None:
    symbol = {"inverse": "BTCUSD", "linear": "BTCUSDT"}[category]
    *traders, pit = two_traders(category, symbol)
    start = [dict(trader.account.balances) for trader in traders]
    for step in steps:
        with suppress(Refused):
            _do(traders[step[0]], pit, *step[1:])
        for trader, before in zip(traders, start, strict=True):
            _check(trader, pit, before)
        assert sum(trader.account.held(pit.instrument) for trader in traders) == 0
        resting = {n: o for t in traders for n, o in _resting(t, pit).items()}
        assert {n: o.left for n, o in pit.book.orders.items()} == resting


def _do(trader: Trader, pit: Pit, what: str, side: str, n: int, off: int, reduce: bool) -> None:
    size = pit.instrument.size(n * 100)
    price = pit.instrument.price(130_000 + off)
    mine = list(trader.account.open)
    if what in ("cancel", "amend"):
        if not mine:
            return
        order_id = mine[n % len(mine)]
        changes = {"qty": size, "price": price} if what == "amend" else {}
        trader.ask(what, orderId=order_id, **changes)
    elif what == "stop":
        trigger = pit.instrument.price(pit.tape.last + (n if side == "Buy" else -n))
        more = {"triggerPrice": trigger, "triggerDirection": 1 if side == "Buy" else 2}
        trader.market(side, size, closeOnTrigger=reduce, **more)
    elif what == "Market":
        trader.market(side, size, reduceOnly=reduce)
    else:
        trader.limit(side, size, price, timeInForce=what, reduceOnly=reduce)


def _resting(trader: Trader, pit: Pit) -> dict[int, int]:
    return {o.number: o.left for o in trader.account.open.values() if o.number is not None}


def _check(trader: Trader, pit: Pit, before: dict[str, int]) -> None:
    account, one = trader.account, pit.instrument
    heard = [item for kind, items in trader.ear.heard if kind == "execution" for item in items]
    assert heard == list(account.executions)
    sign = {"Buy": 1, "Sell": -1}
    size = sum(sign[f["side"]] * Decimal(f["execQty"]) for f in heard)
    assert size == Decimal(one.size(account.held(one)))
    gained = sum(Decimal(f["execPnl"]) - Decimal(f["execFee"]) for f in heard)
    coin = one.settle
    assert account.balances[coin] - before[coin] == gained * 10**8
    position = account.positions.get((one.category, one.symbol))
    if position is not None:
        assert position.realised == gained * 10**8
    by_order: Counter[str] = Counter()
    for fill in heard:
        by_order[fill["orderId"]] += Decimal(fill["execQty"])  # type: ignore[assignment]
    for order in (*account.open.values(), *account.closed):
        assert by_order[order.order_id] == Decimal(one.size(order.filled))
        if order.status in ("New", "PartiallyFilled", "Filled", "Untriggered"):
            assert order.filled + order.left == order.lots
        assert (order.order_id in account.open) == (order.left > 0)
    # The last that was heard of each order is how it is.
    last = {o["orderId"]: o for kind, os in trader.ear.heard if kind == "order" for o in os}
    for order in (*account.open.values(), *account.closed):
        assert last[order.order_id]["orderStatus"] == order.status
        assert last[order.order_id]["leavesQty"] == one.size(order.left)
