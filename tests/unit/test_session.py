"""One link on virtual time, over a transport without sockets: its life, its faults, its rules."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import pytest

from rxbybit.config import Backoff
from rxbybit.credentials import Credentials
from rxbybit.errors import (
    AuthenticationFailed,
    ConnectionFailed,
    HandshakeRejected,
    RetryBudgetExhausted,
)
from rxbybit.events import (
    Connecting,
    DecodeFailed,
    Disconnected,
    Reconnecting,
    Status,
    Subscribed,
)
from rxbybit.limits import ConnectLedger
from rxbybit.protocol.v5 import V5
from rxbybit.session import CLOSE_S, LAST_WORDS_S, Session, Settings
from rxbybit.signin import Identity
from tests.memory import MemoryExchange, MemoryLink, MemoryTransport
from tests.virtual import VirtualLoop, run, until

URL = "ws://exchange/v5/public/inverse"


class Clock:
    async def look(self, *, fresh: bool = False) -> None: ...

    def now_ms(self) -> int:
        return 1_700_000_000_000


class Hooks:
    def __init__(self) -> None:
        self.unreached: list[str] = []
        self.reached_again: list[tuple[str, float]] = []
        self.slow: list[tuple[str, float]] = []
        self.unhandled: list[str] = []

    def status(self, status: Status) -> None: ...

    def slow_callback(self, topic: str, seconds: float) -> None:
        self.slow.append((topic, seconds))

    def unreachable(self, url: str, reason: str) -> None:
        self.unreached.append(f"{url}: {reason}")

    def reached(self, url: str, after_s: float) -> None:
        self.reached_again.append((url, after_s))

    def own_clock(self, reason: str) -> None: ...

    def unhandled_frame(self, url: str, text: str) -> None:
        self.unhandled.append(text)


class Owner:
    """Does what a pool does: closes an idle session, and writes everything down."""

    def __init__(self) -> None:
        self.let_in = False
        self.statuses: list[Status] = []
        self.lives: list[str] = []
        self.losses: list[tuple[str, ...]] = []
        self.refusals: dict[str, str] = {}
        self.failures: list[Exception] = []
        self.idles = 0

    def status(self, status: Status) -> None:
        self.statuses.append(status)

    def live(self, session: Session, topics: Sequence[str]) -> None:
        self.lives += topics

    def lost(self, session: Session, live: Sequence[str]) -> None:
        self.losses.append(tuple(live))

    def connected(self, session: Session) -> None:
        self.let_in = True

    def refused(self, session: Session, refused: Mapping[str, str]) -> None:
        self.refusals |= refused

    def signed_in(self, session: Session) -> None: ...

    def denied(
        self, session: Session, topics: Sequence[str], error: AuthenticationFailed
    ) -> None: ...

    def idle(self, session: Session) -> None:
        self.idles += 1
        session.close()

    def failed(self, session: Session, error: Exception) -> None:
        self.failures.append(error)

    def of(self, kind: type[Any]) -> list[Any]:
        return [status for status in self.statuses if isinstance(status, kind)]

    @property
    def steps(self) -> list[str]:
        return [type(status).__name__ for status in self.statuses]


class World:
    """A session, its owner, and the exchange at the other end."""

    def __init__(self, *, heartbeat: float = 20.0, backoff: Backoff | None = None) -> None:
        loop = asyncio.get_running_loop()
        self.exchange = MemoryExchange()
        self.transport = MemoryTransport(self.exchange)
        self.owner = Owner()
        self.hooks = Hooks()
        self.got: dict[str, list[bytes]] = {}
        self.ledger = ConnectLedger(clock=loop.time)
        self.session = Session(
            1,
            URL,
            wire=V5(),
            transport=self.transport,
            settings=Settings(
                heartbeat=heartbeat,
                backoff=backoff or Backoff(),
                ledger=self.ledger,
                hooks=self.hooks,
            ),
            owner=self.owner,
        )

    def want(self, *topics: str) -> None:
        for topic in topics:
            kept = self.got.setdefault(topic, [])
            self.session.want(topic, lambda data, at, link, kept=kept: kept.append(data))

    @property
    def link(self) -> MemoryLink:
        return self.exchange.live[-1]

    async def live(self, *topics: str) -> MemoryLink:
        self.want(*topics)
        await until(lambda: {t for s in self.owner.of(Subscribed) for t in s.topics} >= set(topics))
        return self.link

    async def again(self) -> MemoryLink:
        """The next connection, once it is subscribed."""
        known = len(self.owner.of(Subscribed))
        await until(lambda: len(self.owner.of(Subscribed)) > known, within=3600)
        return self.link


def frame(topic: str, n: int = 0) -> bytes:
    return b'{"topic":"%b","n":%d}' % (topic.encode(), n)


def scenario(body: Callable[[World], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        world = World(**options)
        await body(world)
        world.session.close()
        await asyncio.wait({world.session.task}, timeout=1.0)
        assert world.session.task.done()
        assert not world.exchange.live
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1
        assert not timers()

    run(main())


def timers() -> list[asyncio.TimerHandle]:
    """What is still scheduled, but for the bound of the test itself."""
    loop: Any = asyncio.get_running_loop()
    soon = loop.time() + 3600
    return [t for t in loop._scheduled if not t.cancelled() and t.when() < soon]


def test_one_connection_and_one_request_for_what_is_wanted_at_once() -> None:
    async def body(world: World) -> None:
        link = await world.live("a", "b", "c")
        assert len(world.exchange.links) == 1
        assert link.url == URL
        assert [r["args"] for r in link.requests] == [["a", "b", "c"]]
        assert world.owner.steps == ["Connecting", "Connected", "Subscribed"]
        assert world.owner.of(Subscribed)[0].topics == ("a", "b", "c")
        assert {s.connection for s in world.owner.statuses} == {1}
        link.push(frame("b", 1))
        await until(lambda: world.got["b"])
        assert world.got == {"a": [], "b": [frame("b", 1)], "c": []}

    scenario(body)


def test_data_before_the_acknowledgement_is_delivered_and_counts_as_one() -> None:
    async def body(world: World) -> None:
        world.exchange.answering = False
        world.want("a", "b")
        await until(lambda: world.exchange.live and world.link.texts)
        world.link.push(frame("a", 1))
        world.link.push(frame("a", 2))
        await until(lambda: len(world.got["a"]) == 2)
        assert [s.topics for s in world.owner.of(Subscribed)] == [("a",)]

    scenario(body)


def test_the_last_topic_unsubscribes_and_closes_within_100_ms() -> None:
    async def body(world: World) -> None:
        link = await world.live("a", "b")
        world.session.drop("a")
        await asyncio.sleep(0.05)
        assert link.asked("unsubscribe") == ["a"]
        assert not link.closed
        assert world.owner.idles == 0
        world.session.drop("b")
        await asyncio.sleep(0.1)
        assert link.asked("unsubscribe") == ["a", "b"]
        assert link.closed
        assert world.owner.idles == 1
        assert world.owner.of(Disconnected)[0].reason == "closed here"

    scenario(body)


def test_a_link_that_is_closed_while_it_waits_or_connects_says_that_it_is_gone() -> None:
    async def waits(world: World) -> None:
        link = await world.live("a")
        link.cut()
        await until(lambda: world.owner.steps[-1] == "Reconnecting")
        world.session.close()
        await until(world.session.task.done)
        assert world.owner.steps[-2:] == ["Reconnecting", "Disconnected"]
        assert world.owner.of(Disconnected)[-1].reason == "closed here"

    async def connects(world: World) -> None:
        world.transport.hang = True
        world.want("a")
        await until(lambda: world.owner.steps == ["Connecting"])
        world.session.close()
        await until(world.session.task.done)
        assert world.owner.steps == ["Connecting", "Disconnected"]

    async def has_begun_nothing(world: World) -> None:
        world.session.close()
        await until(world.session.task.done)
        assert world.owner.steps == []

    for body in (waits, connects, has_begun_nothing):
        scenario(body)


def test_who_comes_back_hears_all_once_the_answer_of_leaving_is_overdue() -> None:
    """What it would have been of before is over by then, however late others were asked."""

    async def body(world: World) -> None:
        await world.live("a", "b")
        world.exchange.answering = False
        world.want("c")
        await asyncio.sleep(5.0)
        world.session.drop("a")
        await asyncio.sleep(0.01)
        world.want("a")
        await asyncio.sleep(9.9)
        world.link.push(frame("a", 1))
        await asyncio.sleep(0.2)
        world.link.push(frame("a", 2))
        await until(lambda: world.got["a"])
        assert world.got["a"] == [frame("a", 2)]

    scenario(body)


def test_a_topic_that_comes_back_in_the_same_breath_keeps_the_connection() -> None:
    async def body(world: World) -> None:
        link = await world.live("a")
        world.session.drop("a")
        world.want("a")
        await asyncio.sleep(0.05)
        assert not link.closed
        assert link.asked("unsubscribe") == ["a"]
        assert link.asked("subscribe") == ["a", "a"]

    scenario(body)


def test_renew_asks_for_the_topic_anew() -> None:
    async def body(world: World) -> None:
        link = await world.live("a")
        world.session.renew("a")
        await asyncio.sleep(0.05)
        assert [(r["op"], r["args"]) for r in link.requests[1:]] == [
            ("unsubscribe", ["a"]),
            ("subscribe", ["a"]),
        ]

    scenario(body)


def test_a_refused_topic_ends_alone() -> None:
    async def body(world: World) -> None:
        world.exchange.known = lambda topic: topic != "bad"
        link = await world.live("a", "b")
        world.want("c", "bad", "d")
        await until(lambda: world.exchange.subscribed[link] == ["a", "b", "c", "d"])
        assert world.owner.refusals == {"bad": "handler not found"}
        assert world.session.topics == ("a", "b", "c", "d")
        link.push(frame("bad"))
        await asyncio.sleep(0.01)
        assert world.got["bad"] == []

    scenario(body)


def test_a_connection_whose_only_topic_is_refused_is_closed() -> None:
    async def body(world: World) -> None:
        world.exchange.known = lambda topic: False
        world.want("bad")
        await until(lambda: world.owner.refusals)
        await until(lambda: not world.exchange.live)
        assert world.owner.idles == 1

    scenario(body)


def test_a_cut_is_healed_and_everything_subscribed_once_again() -> None:
    async def body(world: World) -> None:
        first = await world.live("a", "b")
        first.push(frame("a", 1))
        await until(lambda: world.got["a"])
        first.cut("gone")
        second = await world.again()
        assert world.owner.losses == [("a", "b")]
        assert first.closed
        assert [r["args"] for r in second.requests] == [["a", "b"]]
        second.push(frame("a", 2))
        await until(lambda: len(world.got["a"]) == 2)
        assert world.owner.steps == [
            *("Connecting", "Connected", "Subscribed"),
            *("Disconnected", "Reconnecting"),
            *("Connecting", "Connected", "Subscribed"),
        ]
        assert world.owner.of(Disconnected)[0].reason == "gone"
        assert world.owner.of(Reconnecting)[0].attempt == 1

    scenario(body)


def test_data_counts_as_an_acknowledgement_on_every_link() -> None:
    async def body(world: World) -> None:
        first = await world.live("a")
        world.exchange.answering = False
        first.cut()
        await until(lambda: len(world.exchange.links) == 2 and world.link.texts)
        assert len(world.owner.of(Subscribed)) == 1
        world.link.push(frame("a", 2))
        await until(lambda: world.got["a"])
        assert [s.topics for s in world.owner.of(Subscribed)] == [("a",), ("a",)]

    scenario(body)


def test_only_what_delivered_is_reported_lost() -> None:
    async def body(world: World) -> None:
        link = await world.live("a")
        world.exchange.answering = False
        world.want("b")
        await until(lambda: link.asked("subscribe") == ["a", "b"])
        link.cut()
        await until(lambda: world.owner.losses)
        assert world.owner.losses == [("a",)]

    scenario(body)


def test_the_pause_grows_under_its_bound_and_starts_anew_after_health() -> None:
    async def body(world: World) -> None:
        def refuse(url: str) -> None:
            raise ConnectionFailed("refused")

        world.transport.before = refuse
        world.want("a")
        # short pauses may follow each other unseen
        await until(lambda: len(world.owner.of(Reconnecting)) >= 9, within=3600)
        pauses = world.owner.of(Reconnecting)
        assert [p.attempt for p in pauses] == list(range(1, len(pauses) + 1))
        for pause in pauses:
            assert 0 <= pause.delay_s <= min(8.0, 0.5 * 2 ** (pause.attempt - 1))
        assert max(p.delay_s for p in pauses) > 0.5
        waits = [
            b - a
            for a, b in zip(world.transport.attempts, world.transport.attempts[1:], strict=False)
        ]
        told = [p.delay_s for p in pauses]
        assert waits == pytest.approx(told[: len(waits)], abs=0.01)
        world.transport.before = lambda url: None
        await until(lambda: world.owner.of(Subscribed), within=60)
        world.link.cut()  # at once: the pause goes on growing
        await until(lambda: len(world.owner.of(Reconnecting)) == len(pauses) + 1)
        assert world.owner.of(Reconnecting)[-1].attempt >= 10
        await world.again()
        await asyncio.sleep(8.0)  # the cap: that is health
        world.link.cut()
        await until(lambda: len(world.owner.of(Reconnecting)) == len(pauses) + 2)
        assert world.owner.of(Reconnecting)[-1].attempt == 1

    scenario(body, backoff=Backoff(first=0.5, cap=8.0))


def test_pauses_are_spread() -> None:
    async def body(world: World) -> None:
        worlds = [World() for _ in range(50)]
        for one in worlds:
            one.want("a")
        for one in worlds:
            await until(lambda one=one: one.owner.of(Subscribed))
            one.link.cut()
        await until(lambda: all(one.owner.of(Reconnecting) for one in worlds))
        delays = sorted(one.owner.of(Reconnecting)[0].delay_s for one in worlds)
        assert delays[0] < 0.25 < delays[-1] <= 0.5
        assert len(set(delays)) == 50
        for one in worlds:
            one.session.close()
        await asyncio.sleep(1.0)

    scenario(body)


def test_a_spent_budget_fails_with_the_last_reason() -> None:
    async def body(world: World) -> None:
        def refuse(url: str) -> None:
            raise ConnectionFailed("nobody there")

        world.transport.before = refuse
        world.want("a")
        await until(lambda: world.owner.failures, within=3600)
        (error,) = world.owner.failures
        assert isinstance(error, RetryBudgetExhausted)
        assert error.permanent
        assert error.attempts == 3
        assert len(world.transport.attempts) == 3
        assert "nobody there" in str(error)

    scenario(body, backoff=Backoff(budget=3))


def test_the_first_failure_is_told_once_with_the_host() -> None:
    async def body(world: World) -> None:
        def refuse(url: str) -> None:
            raise ConnectionFailed("nobody there")

        world.transport.before = refuse
        world.want("a")
        await until(lambda: len(world.owner.of(Reconnecting)) >= 4, within=3600)
        assert world.hooks.unreached == [f"{URL}: nobody there"]
        pauses = len(world.owner.of(Reconnecting))
        assert [s.reason for s in world.owner.of(Disconnected)] == ["nobody there"] * pauses

    scenario(body)


def test_each_outage_is_told_once_and_so_is_its_end() -> None:
    async def body(world: World) -> None:
        loop = asyncio.get_running_loop()

        def refuse(url: str) -> None:
            raise ConnectionFailed("nobody there")

        world.transport.before = refuse
        world.want("a")
        await until(lambda: len(world.transport.attempts) >= 3, within=3600)
        assert world.hooks.reached_again == []
        world.transport.before = lambda url: None
        await until(lambda: world.owner.of(Subscribed), within=3600)
        first_s = world.transport.attempts[-1] - world.transport.attempts[0]
        assert world.hooks.reached_again == [(URL, pytest.approx(first_s, abs=0.01))]
        await asyncio.sleep(100)
        world.transport.before = refuse  # and now an established connection is lost
        cut_s = loop.time()
        world.link.cut()
        before = len(world.owner.of(Disconnected))
        await until(lambda: len(world.owner.of(Disconnected)) >= before + 5, within=3600)
        assert world.hooks.unreached == [f"{URL}: nobody there"] * 2
        world.transport.before = lambda url: None
        await until(lambda: len(world.hooks.reached_again) == 2, within=3600)
        second_s = world.transport.attempts[-1] - cut_s
        assert world.hooks.reached_again[1] == (URL, pytest.approx(second_s, abs=0.01))

    scenario(body)


def test_a_cut_that_heals_at_the_first_attempt_is_no_outage() -> None:
    async def body(world: World) -> None:
        link = await world.live("a")
        link.cut()
        await world.again()
        assert (world.hooks.unreached, world.hooks.reached_again) == ([], [])

    scenario(body)


def test_an_upgrade_that_stalls_is_given_up_after_ten_seconds() -> None:
    async def body(world: World) -> None:
        world.transport.hang = True
        began = asyncio.get_running_loop().time()
        world.want("a")
        await until(lambda: world.owner.of(Disconnected), within=20)
        assert asyncio.get_running_loop().time() - began == pytest.approx(10, abs=0.1)
        assert world.owner.of(Disconnected)[0].reason == "no answer in 10 s"

    scenario(body)


def rejection(status: int, **more: Any) -> Callable[[str], None]:
    def before(url: str) -> None:
        raise HandshakeRejected(f"HTTP {status}", status=status, **more)

    return before


def test_403_before_any_connection_is_a_region_and_final() -> None:
    async def body(world: World) -> None:
        world.transport.before = rejection(403)
        world.want("a")
        await until(lambda: world.owner.failures)
        (error,) = world.owner.failures
        assert isinstance(error, HandshakeRejected)
        assert (error.status, error.permanent) == (403, True)
        assert "region" in str(error)
        assert len(world.transport.attempts) == 1

    scenario(body)


def test_403_afterwards_is_an_address_limit_of_ten_minutes() -> None:
    async def body(world: World) -> None:
        link = await world.live("a")
        world.transport.before = rejection(403)
        link.cut()
        await until(lambda: len(world.owner.of(Reconnecting)) == 2)
        assert world.owner.of(Reconnecting)[1].delay_s >= 600
        world.transport.before = lambda url: None
        await world.again()
        assert world.transport.attempts[-1] - world.transport.attempts[-2] >= 600
        assert not world.owner.failures

    scenario(body)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_kept(status: int) -> None:
    async def body(world: World) -> None:
        world.transport.before = rejection(status, retry_after_s=45.0)
        world.want("a")
        await until(lambda: world.owner.of(Reconnecting))
        assert world.owner.of(Reconnecting)[0].delay_s >= 45
        await until(lambda: len(world.transport.attempts) == 2, within=100)
        assert world.transport.attempts[1] - world.transport.attempts[0] >= 45

    scenario(body)


def test_a_permanent_refusal_is_not_tried_again() -> None:
    async def body(world: World) -> None:
        world.transport.before = rejection(302, permanent=True)
        world.want("a")
        await until(lambda: world.owner.failures)
        assert len(world.transport.attempts) == 1

    scenario(body)


def test_connects_wait_for_the_ledger() -> None:
    async def body(world: World) -> None:
        for _ in range(500):
            world.ledger.reserve("exchange")
        began = asyncio.get_running_loop().time()
        world.want("a")
        await until(lambda: world.owner.of(Connecting), within=400)
        assert asyncio.get_running_loop().time() - began == pytest.approx(310, abs=0.1)

    scenario(body)


def test_waiting_for_the_ledger_is_told_and_given_back() -> None:
    async def body(world: World) -> None:
        for _ in range(500):
            world.ledger.reserve("exchange")
        world.want("a")
        await until(lambda: world.owner.of(Reconnecting))
        assert world.owner.of(Reconnecting)[0].delay_s == pytest.approx(310, abs=1)
        world.session.close()
        await asyncio.wait({world.session.task})
        waits = [world.ledger.reserve("exchange") for _ in range(500)]
        assert max(waits) == pytest.approx(310 + 49.9, abs=1)  # and not 620, for the last of them
        assert world.transport.attempts == []

    scenario(body)


def test_who_leaves_at_once_has_booked_nothing() -> None:
    async def body(world: World) -> None:
        world.session.close()
        await asyncio.wait({world.session.task})
        assert world.ledger._made == {}

    scenario(body)


def test_pings_go_out_and_pongs_keep_a_quiet_market_alive() -> None:
    async def body(world: World) -> None:
        link = await world.live("a")
        await asyncio.sleep(605)
        assert [r["op"] for r in link.requests[1:]] == ["ping"] * 30
        assert world.owner.losses == []

    scenario(body)


def test_a_peer_without_pongs_is_dead_within_one_and_a_half_heartbeats() -> None:
    async def body(world: World) -> None:
        await world.live("a")
        world.exchange.ponging = False
        began = asyncio.get_running_loop().time()
        await until(lambda: world.owner.losses, within=20)
        assert asyncio.get_running_loop().time() - began <= 15.0
        await until(lambda: world.owner.of(Disconnected))
        assert "silent" in world.owner.of(Disconnected)[0].reason

    scenario(body, heartbeat=10.0)


def test_a_peer_that_is_dead_is_not_waited_for() -> None:
    async def body(world: World) -> None:
        link = await world.live("a")
        world.exchange.ponging = False
        link.stalled = True
        await until(lambda: world.owner.losses, within=20)
        lost_s = asyncio.get_running_loop().time()
        await until(lambda: world.owner.of(Disconnected), within=1)
        assert asyncio.get_running_loop().time() - lost_s < 0.1

    scenario(body, heartbeat=10.0)


def test_data_without_pongs_is_life() -> None:
    async def body(world: World) -> None:
        link = await world.live("a")
        world.exchange.ponging = False
        for n in range(30):
            await asyncio.sleep(4)
            link.push(frame("a", n))
        await asyncio.sleep(0.01)
        assert len(world.got["a"]) == 30
        assert world.owner.losses == []

    scenario(body, heartbeat=10.0)


def test_a_withheld_acknowledgement_is_asked_for_again() -> None:
    async def body(world: World) -> None:
        world.exchange.answering = False
        world.want("quiet")
        await until(lambda: world.exchange.live and world.link.texts)
        await asyncio.sleep(9.9)
        assert world.link.asked("subscribe") == ["quiet"]
        world.exchange.answering = True
        await until(lambda: world.owner.of(Subscribed), within=1)  # "already subscribed"
        assert world.link.asked("subscribe") == ["quiet", "quiet"]
        await asyncio.sleep(60)
        assert world.link.asked("subscribe") == ["quiet", "quiet"]
        assert world.owner.refusals == {}

    scenario(body)


def test_a_message_that_is_nothing_is_reported_and_costs_nothing_else() -> None:
    async def body(world: World) -> None:
        link = await world.live("a")
        for junk in (b"\xff\xfe", b"{", b"[]", b"", b'{"topic":', b'{"topic":"a'):
            link.push(junk)
        link.push(frame("a", 1))
        await until(lambda: world.got["a"])
        failed = world.owner.of(DecodeFailed)
        assert len(failed) == 6
        assert failed[1].raw == "{"
        assert "no JSON" in str(failed[1].messages)
        assert world.owner.losses == []

    scenario(body)


def test_frames_that_ask_for_nothing_are_passed_over() -> None:
    async def body(world: World) -> None:
        link = await world.live("a")
        link.push({"op": "hello"})
        link.push(frame("stranger"))
        link.push({"id": "x", "topic": "a", "n": 5})
        await until(lambda: world.got["a"])
        assert b'"n": 5' in world.got["a"][0]
        assert world.hooks.unhandled == ['{"op": "hello"}']
        assert world.owner.of(DecodeFailed) == []

    scenario(body)


def test_a_subscriber_that_holds_the_loop_is_told_of() -> None:
    async def body(world: World) -> None:
        import time

        def slow(data: bytes, at: int, link: int | None) -> None:
            time.sleep(0.11)  # the real thing: 100 ms of a blocked loop

        world.session.want("a", slow)
        await until(lambda: world.owner.of(Subscribed))
        world.link.push(frame("a"))
        await until(lambda: world.hooks.slow)
        (topic, seconds) = world.hooks.slow[0]
        assert topic == "a"
        assert 0.1 < seconds < 60

    scenario(body)


def test_a_feed_that_raises_costs_a_reconnect_and_is_told() -> None:
    async def body(world: World) -> None:
        told: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, what: told.append(what))

        def broken(data: bytes, at: int, link: int | None) -> None:
            raise ZeroDivisionError

        world.session.want("a", broken)
        await until(lambda: world.owner.of(Subscribed))
        world.link.push(frame("a"))
        await world.again()
        assert isinstance(told[0]["exception"], ZeroDivisionError)
        assert URL in told[0]["message"]
        assert "ZeroDivisionError" in world.owner.of(Disconnected)[0].reason
        assert not world.owner.failures

    scenario(body)


@pytest.mark.parametrize("moment", ["connecting", "hanging", "pausing", "stalled", "silent"])
def test_close_from_every_state_leaves_nothing_within_a_second(moment: str) -> None:
    async def body(world: World) -> None:
        if moment == "hanging":
            world.transport.hang = True
        if moment == "pausing":
            world.transport.before = rejection(503, retry_after_s=1000.0)
        world.want("a")
        if moment == "connecting":
            await asyncio.sleep(0.001)
        elif moment == "hanging":
            await asyncio.sleep(1)
        elif moment == "pausing":
            await until(lambda: world.owner.of(Reconnecting))
        else:
            await until(lambda: world.owner.of(Subscribed))
            world.link.stalled = moment == "stalled"
            world.exchange.ponging = False
        loop = asyncio.get_running_loop()
        began = loop.time()
        if moment in ("stalled", "silent"):
            world.session.drop("a")
        else:
            world.session.close()
        await asyncio.wait({world.session.task}, timeout=5)
        assert loop.time() - began < 1.0

    scenario(body)


def test_the_end_of_the_loop_ends_a_session() -> None:
    sessions: list[Session] = []
    links: list[MemoryExchange] = []

    async def main() -> None:
        world = World()
        await world.live("a")
        sessions.append(world.session)
        links.append(world.exchange)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())
    assert sessions[0].task.done()
    assert not links[0].live


def test_the_last_request_of_a_slow_writer_still_leaves() -> None:
    async def body(world: World) -> None:
        link = await world.live("a")
        link.stalled = True
        world.session.drop("a")
        await asyncio.sleep(LAST_WORDS_S / 2)
        assert link.asked("unsubscribe") == []
        link.stalled = False
        await asyncio.wait({world.session.task})
        assert link.asked("unsubscribe") == ["a"]

    scenario(body)


def test_a_peer_is_heard_until_it_has_answered_the_close() -> None:
    async def body(world: World) -> None:
        told: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, what: told.append(what))
        link = await world.live("a")
        link.stalled = True  # so that the close takes its time
        world.session.close()
        await asyncio.sleep(CLOSE_S / 2)
        assert not world.session.task.done()
        link.cut("the answer")
        await asyncio.wait({world.session.task})
        assert link._inbox.empty()
        assert told == []

    scenario(body)


def test_health_gives_the_whole_budget_back_and_an_end_is_a_reason() -> None:
    async def body(world: World) -> None:
        await world.live("a")
        assert world.owner.lives == ["a"]
        await asyncio.sleep(8.0)
        world.link.cut("it went")
        await world.again()
        world.link.cut("it went again")
        await until(lambda: world.owner.failures, within=60)
        (error,) = world.owner.failures
        assert isinstance(error, RetryBudgetExhausted)
        assert error.attempts == 1
        assert "it went again" in str(error)
        assert str(error.__cause__) == "it went again"
        assert len(world.transport.attempts) == 2
        world.session.drop("a")
        await asyncio.sleep(1.0)
        assert world.owner.idles == 0  # nobody has to close what has failed

    scenario(body, backoff=Backoff(first=0.5, cap=8.0, budget=1))


def test_who_waits_for_the_ledger_says_at_which_attempt() -> None:
    async def body(world: World) -> None:
        for _ in range(500):
            world.ledger.reserve("exchange")
        world.want("a")
        await until(lambda: world.owner.of(Reconnecting))
        assert [step.attempt for step in world.owner.of(Reconnecting)] == [1]

    scenario(body)


def test_what_was_about_to_be_asked_for_is_not_when_the_link_is_closed() -> None:
    async def body(world: World) -> None:
        link = await world.live("a")
        world.want("b")
        world.session.close()
        await asyncio.wait({world.session.task})
        assert world.exchange.subscribed[link] == ["a"]

    scenario(body)


def test_a_link_with_a_private_topic_is_private() -> None:
    async def body(world: World) -> None:
        identity = Identity(Credentials.hmac("key-of-nobody", "secret-of-nobody"), Clock())
        world.want("a")
        assert world.session.private is False
        world.session.want("order", lambda data, at, link: None, identity)
        assert world.session.private is True
        world.session.drop("order")
        assert world.session.private is False

    scenario(body)


def test_closing_twice_is_closing_once() -> None:
    async def body(world: World) -> None:
        await world.live("a")
        world.link.cut("and it went, too")
        world.session.close()
        world.session.close()
        await asyncio.wait({world.session.task})
        assert [one.reason for one in world.owner.of(Disconnected)] == ["closed here"]

    scenario(body)
