"""P1: Nothing happens before a subscription. The first subscriber of an endpoint opens one
connection, the first of a topic sends one subscribe; further subscribers send nothing (but for a
late subscriber of `order_book_updates`, and the first `order_book` of a topic heard only as
updates: the topic is subscribed anew, since only a snapshot lets a book be built). The last
dispose of a topic sends unsubscribe within 100 ms; the last topic of a connection closes it.
"""

from __future__ import annotations

import asyncio
import threading

import pytest

from rxbybit import Bybit
from rxbybit.runtime import shutdown_background
from rxbybit.sim import Recording, WithholdAck, serve_in_thread
from tests.loopback.rawserver import open_sockets
from tests.promises.world import BOOK, KNOWN, TICKER, TRADES, Ear, World, scenario, until


def test_nothing_happens_before_a_subscription() -> None:
    async def body(world: World) -> None:
        before = set(threading.enumerate())
        streams = [world.client.trades("BTCUSD"), world.client.tickers("BTCUSD")]
        world.client.status().subscribe(lambda status: None)
        await asyncio.sleep(0.05)
        assert world.served.connects == []
        assert set(threading.enumerate()) <= before
        assert len(streams) == 2

    scenario(body)


def test_one_connection_and_one_subscribe_serve_everybody() -> None:
    async def body(world: World) -> None:
        ears = [Ear(world.client.trades("BTCUSD")) for _ in range(5)]
        await world.subscribed(TRADES)
        ears += [Ear(world.client.trades("BTCUSD")), Ear(world.client.trades(["BTCUSD"]))]
        ears.append(Ear(world.client.tickers("BTCUSD")))
        await world.subscribed(TRADES, TICKER)
        assert len(world.served.connects) == 1
        assert world.asked("subscribe") == [TRADES, TICKER]
        sent = world.trade()
        await until(lambda: all(ear.ids == sent for ear in ears[:7]))
        for ear in ears[1:7]:
            ear.leave()
        await asyncio.sleep(0.12)
        assert world.asked("unsubscribe") == []

    scenario(body)


def test_each_endpoint_has_a_connection_of_its_own() -> None:
    async def body(world: World) -> None:
        Ear(world.client.trades("BTCUSD", "ETHUSD", "BTCUSDT"))
        await world.subscribed(TRADES, "publicTrade.ETHUSD", "publicTrade.BTCUSDT")
        assert sorted(c.category for c in world.served.connects) == ["inverse", "linear"]

    scenario(body)


def test_the_last_dispose_unsubscribes_and_the_last_topic_closes_at_once() -> None:
    """The 100 ms are held on virtual time, in tests/unit/test_session.py; here nothing waits."""

    async def body(world: World) -> None:
        one, other = Ear(world.client.trades("BTCUSD")), Ear(world.client.trades("BTCUSD"))
        third = Ear(world.client.tickers("BTCUSD"))
        await world.subscribed(TRADES, TICKER)
        one.leave()
        other.leave()
        await until(lambda: world.asked("unsubscribe") == [TRADES])
        assert len(world.served.links) == 1
        third.leave()
        await until(lambda: world.asked("unsubscribe") == [TRADES, TICKER])
        await until(lambda: not world.served.links)
        assert len(world.served.connects) == 1

    scenario(body)


def test_only_a_late_subscriber_of_book_updates_has_the_topic_subscribed_anew() -> None:
    async def body(world: World) -> None:
        first = Ear(world.client.order_book_updates("BTCUSD"))
        await world.subscribed(BOOK)
        world.book("snapshot", 1)
        await until(lambda: first.heard)
        late = Ear(world.client.order_book_updates("BTCUSD"))
        await until(lambda: world.asked("subscribe") == [BOOK, BOOK])
        await world.subscribed(BOOK)
        world.book("delta", 2)  # of the old subscription, as far as the newcomer is concerned
        world.book("snapshot", 3)
        await until(lambda: late.heard)
        assert [event.update_id for event in late.heard] == [3]
        assert [event.update_id for event in first.heard] == [1, 2, 3]
        assert world.asked("unsubscribe") == [BOOK]
        assert len(world.served.connects) == 1

    scenario(body)


def test_a_late_subscriber_of_a_state_gets_it_at_once_and_sends_nothing() -> None:
    async def body(world: World) -> None:
        early = Ear(world.client.ticker_updates("BTCUSD"))
        await world.subscribed(TICKER)
        world.ticker("snapshot", lastPrice="1", markPrice="2")
        world.ticker("delta", lastPrice="3")
        await until(lambda: len(early.heard) == 2)
        late, updates = (
            Ear(world.client.tickers("BTCUSD")),
            Ear(world.client.ticker_updates("BTCUSD")),
        )
        assert [(t.last_price, t.mark_price) for t in late.heard] == [(3, 2)]
        assert updates.heard[0].changed == {"last_price", "mark_price"}
        await asyncio.sleep(0.02)
        assert len([r for r in world.served.requests if r.op != "ping"]) == 1

    scenario(body)


@pytest.mark.parametrize("moment", ["same step", "connecting", "unanswered"])
def test_a_dispose_before_the_subscription_stands_leaves_nothing(moment: str) -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.trades("BTCUSD"))
        if moment == "connecting":
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        elif moment == "unanswered":
            await world.subscribed(TRADES)
        ear.leave()
        await until(lambda: not world.served.links and not open_sockets(world.port))
        assert world.asked("unsubscribe") == world.asked("subscribe")
        assert ear.heard == ear.errors == []

    scenario(body, faults=(WithholdAck(),))


@pytest.mark.parametrize("stream", ["trades", "tickers", "ticker_updates", "order_book_updates"])
def test_a_topic_that_lingers_serves_who_comes_back_as_any_late_subscriber(stream: str) -> None:
    async def body(world: World) -> None:
        topic = {"trades": TRADES, "order_book_updates": BOOK}.get(stream, TICKER)

        def send(kind: str) -> None:
            if topic == TRADES:
                world.trade()
            elif topic == BOOK:
                world.book(kind, len(world.sent))
            else:
                world.ticker(kind, **{("lastPrice" if kind == "snapshot" else "markPrice"): "1"})

        first = Ear(getattr(world.client, stream)("BTCUSD"))
        await world.subscribed(topic)
        send("snapshot")
        await until(lambda: first.heard)
        first.leave()
        send("delta")  # nobody hears it, the topic lives on
        await asyncio.sleep(0.15)
        assert world.asked("unsubscribe") == []
        again = Ear(getattr(world.client, stream)("BTCUSD"))
        if topic == BOOK:
            await until(lambda: world.asked("subscribe") == [BOOK, BOOK])
            await world.subscribed(BOOK)
            send("snapshot")
        await until(lambda: topic != TICKER or again.heard)
        send("delta")
        await until(lambda: len(again.heard) == 2 - (topic == TRADES))
        if topic == TICKER:
            assert again.heard[0].last_price == again.heard[0].mark_price == 1
        assert len(world.served.connects) == 1
        again.leave()
        await asyncio.sleep(0.1)
        assert len(world.served.links) == 1
        await until(lambda: not world.served.links)

    scenario(body, linger=2.0)


def test_a_refusal_after_the_last_dispose_ends_the_lingering_quietly() -> None:
    async def body(world: World) -> None:
        troubles: list[object] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: troubles.append(context))
        Ear(world.client.trades("BTCUSD"))
        await world.subscribed(TRADES)
        Ear(world.client.trades("NOPEUSD")).leave()
        await until(lambda: world.asked("subscribe").count("publicTrade.NOPEUSD"))
        await asyncio.sleep(0.3)  # the lingering would have ended by now
        assert troubles == []

    scenario(body, linger=0.2)


def test_from_a_plain_thread_it_is_the_same() -> None:
    known = Recording([], extra_topics=KNOWN)
    with serve_in_thread({"inverse": known}) as served:
        with Bybit(served.url) as client:
            ears = [Ear(client.trades("BTCUSD")) for _ in range(3)]
            served.until(lambda: bool(served.subscriptions))
            assert len(served.connects) == 1
            assert [r.args for r in served.requests] == [(TRADES,)]
            for ear in ears:
                ear.leave()
            served.until(lambda: not served.links)
            assert [r.op for r in served.requests] == ["subscribe", "unsubscribe"]
        shutdown_background()


def test_one_client_serves_a_thread_and_a_loop_apart() -> None:
    known = Recording([], extra_topics=KNOWN)
    with serve_in_thread({"inverse": known}) as served, Bybit(served.url) as client:
        outside = Ear(client.trades("BTCUSD"))
        served.until(lambda: len(served.links) == 1)

        async def main() -> None:
            inside = Ear(client.trades("BTCUSD"))
            await until(lambda: len(served.links) == 2)
            inside.leave()
            await until(lambda: len(served.links) == 1)

        asyncio.run(main())
        assert outside.errors == []
        outside.leave()
        served.until(lambda: not served.links)
    shutdown_background()
