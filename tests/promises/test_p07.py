"""P7: After the last dispose no socket, task, thread, timer or callback of ours remains within
1 s, whatever the network does (but the idle `rxbybit-loop` and resolver threads of a script, the
simulator of `Bybit("sim")` until its last client closes, and a name look-up that the system has
not returned from, on a daemon thread).
"""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trustme
from reactivex import operators as ops

from rxbybit import Backoff, Bybit, ClosedError, Disconnected, Reconnecting
from rxbybit.config import Environment
from rxbybit.runtime import Runtime, shutdown_background
from rxbybit.sim import Ignore, Recording, Refuse, Stall, WithholdAck, serve_in_thread
from tests.loopback.rawserver import TEXT, Peer, RawServer, Script, frame, open_sockets
from tests.promises.world import KNOWN, TRADES, Before, Ear, World, scenario, until

SLOW = Backoff(first=100.0, cap=100.0)
Stage = Callable[[World], Awaitable[None]]


async def subscribed(world: World) -> None:
    await world.subscribed(TRADES)


async def delivering(world: World) -> None:
    await subscribed(world)
    world.trade(count=100)


async def half_open(world: World) -> None:
    await subscribed(world)
    (link,) = world.served.links
    world.served.run(link.silence)


async def in_mid_frame(world: World) -> None:
    await subscribed(world)
    half = frame(TEXT, b"x" * 1000)[:500]
    world.served.run(lambda: world.served.exchange.links[0].inject(half))
    await asyncio.sleep(0.02)


async def cut(world: World) -> None:
    await subscribed(world)
    world.served.run(lambda: world.served.exchange.links[0].cut("rst"))


async def waiting_for_the_next_attempt(world: World) -> None:
    await cut(world)
    await until(lambda: world.of(Reconnecting))


async def attempted(world: World) -> None:
    await until(lambda: world.served.connects)


async def refused(world: World) -> None:
    await until(lambda: world.of(Reconnecting))


async def asked(world: World) -> None:
    await until(lambda: world.asked("subscribe"))


async def at_once(world: World) -> None:
    await asyncio.sleep(0)


STAGES: list[tuple[Stage, tuple[Any, ...]]] = [
    (at_once, ()),
    (subscribed, ()),
    (delivering, ()),
    (half_open, ()),
    (in_mid_frame, ()),
    (cut, ()),
    (waiting_for_the_next_attempt, ()),
    (attempted, (Stall(times=None),)),
    (refused, (Refuse(status=503, times=None, retry_after_s=100),)),
    (asked, (WithholdAck(times=None),)),
    (asked, (Ignore(times=None),)),
]


async def disposed(world: World, ears: list[Ear]) -> None:
    for ear in ears:
        ear.leave()


async def closed(world: World, ears: list[Ear]) -> None:
    world.client.close()


async def closed_and_waited_for(world: World, ears: list[Ear]) -> None:
    await world.client.aclose()


@pytest.mark.parametrize("end", [disposed, closed, closed_and_waited_for])
@pytest.mark.parametrize(
    ("stage", "faults"), STAGES, ids=[f"{s.__name__}{f or ''}" for s, f in STAGES]
)
def test_nothing_remains_of_any_stage(stage: Stage, faults: tuple[Any, ...], end: Any) -> None:
    """The world looks for what is new, for a second, after the last line of this test."""

    async def body(world: World) -> None:
        before = Before()
        stream = world.client.trades("BTCUSD")
        ears = [Ear(stream), Ear(stream), Ear(stream.pipe(ops.buffer_with_time(0.05)))]
        await stage(world)
        await end(world, ears)
        heard = [len(ear.heard) for ear in ears]
        await before.again(world.port)
        assert [len(ear.heard) for ear in ears] == heard
        assert all(ear.errors == [] for ear in ears)
        if end is disposed:
            assert not [status for status in world.of(Disconnected)[1:] if stage is subscribed]

    scenario(body, faults=faults, backoff=SLOW, heartbeat=30.0)


def test_nothing_remains_of_iterate_await_and_take() -> None:
    async def body(world: World) -> None:
        before = Before()
        stream = world.client.trades("BTCUSD")
        first = asyncio.ensure_future(_awaited(stream.pipe(ops.take(1))))
        cancelled = asyncio.ensure_future(_awaited(stream))
        stepped = asyncio.ensure_future(_first(stream.iterate()))
        await world.subscribed(TRADES)
        sent = world.trade()
        assert [(await first).id, (await stepped).id] == sent * 2
        cancelled.cancel()
        await asyncio.wait({cancelled})
        del first, stepped, cancelled
        await before.again(world.port)

    scenario(body)


async def _awaited(stream: Any) -> Any:
    return await stream


async def _first(events: Any) -> Any:
    async for event in events:
        return event
    return None


def test_what_waits_when_the_client_closes_raises() -> None:
    async def body(world: World) -> None:
        stream = world.client.trades("BTCUSD")
        tasks = [
            asyncio.ensure_future(_awaited(stream)),
            asyncio.ensure_future(_first(stream.iterate())),
        ]
        await world.subscribed(TRADES)
        world.client.close()
        for task in tasks:
            with pytest.raises(ClosedError):
                await task

    scenario(body)


def rude(authority: trustme.CA | None) -> tuple[ssl.SSLContext | None, ssl.SSLContext | None]:
    if authority is None:
        return None, None
    ours, theirs = ssl.create_default_context(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.configure_trust(ours)
    authority.issue_cert("127.0.0.1").configure_cert(theirs)
    return ours, theirs


def reads_nothing(peer: Peer) -> None:
    peer.upgrade()
    peer.hold()


def floods_and_reads_nothing(peer: Peer) -> None:
    peer.upgrade()
    try:
        while True:
            peer.send(frame(TEXT, b"[%b]" % b" ".center(2000)))
    except OSError:
        return


def says_goodbye_and_stays(peer: Peer) -> None:
    peer.upgrade(frame(8))
    peer.hold()


@pytest.mark.parametrize("secure", [False, True], ids=["TCP", "TLS"])
@pytest.mark.parametrize(
    "script", [reads_nothing, floods_and_reads_nothing, says_goodbye_and_stays, Peer.hold]
)
def test_nothing_remains_of_a_peer_without_manners(script: Script, secure: bool) -> None:
    ours, theirs = rude(trustme.CA() if secure else None)

    async def main(server: RawServer) -> None:
        before = Before()
        environment = Environment(name="rude", public={"inverse": server.url()})
        client = Bybit(environment, ssl=ours, backoff=SLOW)
        ear = Ear(client.trades([f"COIN{n}USD" for n in range(500)]))
        await until(lambda: server.accepted)
        await asyncio.sleep(0.1)
        ear.leave()
        await before.again(server.port)
        await client.aclose()

    with RawServer(script, tls=theirs) as server:
        asyncio.run(main(server))
        gc.collect()


def test_nothing_remains_but_the_thread_of_a_look_up_that_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    release, looked_up, genuine = threading.Event(), threading.Event(), socket.getaddrinfo

    def hanging(host: str, *rest: Any, **named: Any) -> Any:
        if host == "nowhere.example":
            if not named.get("flags"):  # the question whether it is an address is no look-up
                looked_up.set()
                release.wait(60)
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return genuine(host, *rest, **named)

    monkeypatch.setattr("rxbybit.resolver.socket.getaddrinfo", hanging)

    async def main() -> None:
        before = Before()
        async with Bybit("http://nowhere.example:9", backoff=SLOW) as client:
            ear = Ear(client.trades("BTCUSD"))
            await until(looked_up.is_set)
            ear.leave()
            await before.again(9)
        threads = [t for t in threading.enumerate() if t.name == "rxbybit-resolver"]
        assert [t.daemon for t in threads] == [True]
        release.set()
        for thread in threads:
            await asyncio.to_thread(thread.join, 30)
            assert not thread.is_alive()

    asyncio.run(main())


@pytest.mark.parametrize("stage", [subscribed, half_open, waiting_for_the_next_attempt])
def test_the_end_of_asyncio_run_disposes_everything(stage: Stage) -> None:
    recording = Recording([], extra_topics=KNOWN)

    async def main() -> None:
        world = World(served, backoff=SLOW)
        Ear(world.client.trades("BTCUSD"))
        await stage(world)

    with serve_in_thread({"inverse": recording}) as served:
        before = set(threading.enumerate())
        began = time.monotonic()
        asyncio.run(main())
        assert time.monotonic() - began < 20  # with no timer of 100 s, and no peer to wait for
        assert open_sockets(int(served.url.rpartition(":")[2])) == 0
        gc.collect()  # a task that was never awaited, a session that was never closed: a warning
        served.until(lambda: set(threading.enumerate()) <= before)


def test_an_asyncio_run_that_ends_in_the_very_step_of_the_last_link_leaves_nothing() -> None:
    recording = Recording([], extra_topics=KNOWN)

    async def main() -> None:
        world = World(served)
        ear = Ear(world.client.trades("BTCUSD"))
        await world.subscribed(TRADES)
        (pool,) = world.client._pools
        (session,) = pool._links._sessions
        ear.leave()
        while not session.task.done():
            await asyncio.sleep(0)

    with serve_in_thread({"inverse": recording}) as served:
        asyncio.run(main())
        gc.collect()  # what was not closed warns, and a warning fails


def test_of_a_script_two_idle_threads_remain_and_nothing_else() -> None:
    recording = Recording([], extra_topics=KNOWN)
    before = set(threading.enumerate())
    with serve_in_thread({"inverse": recording, "linear": recording}) as served:
        port = int(served.url.rpartition(":")[2])
        with Bybit(served.url) as client:
            subscription = client.trades("BTCUSD").subscribe(lambda _: None)
            served.until(lambda: bool(served.links))
            runtime = Runtime.current()
            assert not runtime.idle(0)
            subscription.dispose()
            served.until(lambda: open_sockets(port) == 0)
            served.until(lambda: runtime.idle(0))
            mine = set(threading.enumerate()) - before
            assert {t.name for t in mine} == {"rxbybit-loop", "rxbybit-resolver", "rxbybit-sim"}
            assert all(t.daemon for t in mine)
            served.until(lambda: not asyncio.all_tasks(runtime.loop))
            assert runtime._closers == {}
    shutdown_background()
    assert not [t for t in threading.enumerate() if t.name == "rxbybit-loop"]


def test_a_link_that_closes_does_not_keep_a_script_that_nothing_else_keeps() -> None:
    recording = Recording([], extra_topics=[TRADES, "publicTrade.BTCUSDT"])
    with (
        serve_in_thread({"inverse": recording, "linear": recording}) as served,
        Bybit(served.url, keep_alive=False) as client,
    ):
        one = client.trades("BTCUSD").subscribe(lambda _: None)
        client.trades("BTCUSDT").subscribe(lambda _: None)
        served.until(lambda: len(served.subscriptions) == 2)
        one.dispose()
        served.until(lambda: len(served.links) == 1)
        served.until(lambda: Runtime.current().idle(0))
    shutdown_background()
