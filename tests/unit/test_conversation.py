"""What is asked and answered on one link, with both ends in hand: requests, routes, silences."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import pytest

from rxbybit.config import Backoff
from rxbybit.conversation import ANSWER_S, Conversation
from rxbybit.credentials import Credentials
from rxbybit.errors import AuthenticationFailed
from rxbybit.heartbeat import Heartbeat
from rxbybit.protocol.base import WireProtocol
from rxbybit.protocol.legacy import Legacy
from rxbybit.protocol.v5 import V5
from rxbybit.signin import TRIES, Identity
from tests.unit.test_session import Clock, Hooks
from tests.virtual import run

PRIVATE = "position"


class Listener:
    def __init__(self) -> None:
        self.idles = 0
        self.lives: list[str] = []
        self.refusals: dict[str, str] = {}
        self.denials: list[tuple[str, ...]] = []
        self.unanswered: list[str] = []

    def on_live(self, topics: Sequence[str]) -> None:
        self.lives += topics

    def on_refused(self, refused: Mapping[str, str]) -> None:
        self.refusals |= refused

    def on_malformed(self, text: str, why: str) -> None: ...

    def on_idle(self) -> None:
        self.idles += 1

    def on_signed_in(self) -> None: ...

    def on_denied(self, topics: Sequence[str], error: AuthenticationFailed) -> None:
        self.denials.append(tuple(topics))

    def on_unanswered(self, why: str) -> None:
        self.unanswered.append(why)


class World:
    """A conversation, what it has posted, and what its feeds have heard."""

    def __init__(self, wire: WireProtocol) -> None:
        self.wire = wire
        self.listener, self.hooks = Listener(), Hooks()
        self.talk = Conversation(
            1, "ws://x", wire=wire, listener=self.listener, hooks=self.hooks, backoff=Backoff()
        )
        self.posts: list[dict[str, Any]] = []
        self.heard: list[tuple[str, bytes]] = []
        self.identity = Identity(Credentials.hmac("key-of-nobody", "secret-of-nobody"), Clock())
        self.hearts: list[Heartbeat] = []
        self.open()

    def open(self) -> None:
        heart = Heartbeat(asyncio.get_running_loop(), 1e6, ping=lambda: None, dead=lambda: None)
        self.hearts.append(heart)
        self.hear = self.talk.opened(lambda text: self.posts.append(json.loads(text)), heart)

    def want(self, *topics: str, identity: Identity | None = None) -> None:
        for topic in topics:
            self.talk.want(
                topic,
                lambda data, at, link, topic=topic: self.heard.append((topic, data)),
                identity,
            )

    def asked(self, operation: str = "subscribe") -> list[list[str]]:
        return [post["args"] for post in self.posts if post["op"] == operation]

    def answer(self, post: dict[str, Any], message: str = "") -> None:
        said: dict[str, Any] = {"success": not message, "ret_msg": message}
        if self.wire.name == "legacy":
            said["request"] = {"op": post["op"], "args": post["args"]}
        else:
            said |= {"op": post["op"], "req_id": post["req_id"]}
        self.hear(json.dumps(said).encode(), 1)

    def data(self, topic: str) -> bytes:
        frame = b'{"topic":"%b","data":[]}' % topic.encode()
        self.hear(frame, 1)
        return frame

    async def live(self, *topics: str) -> None:
        self.want(*topics)
        await soon()
        self.answer(self.posts[-1])
        assert set(topics) <= set(self.listener.lives)


async def soon() -> None:
    """Let the loop do what it is to do next, and no time pass."""
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
def wire() -> WireProtocol:
    return V5()


def scenario(body: Callable[[World], Awaitable[None]], wire: WireProtocol) -> None:
    async def main() -> None:
        world = World(wire)
        await body(world)
        world.talk.stop()
        for heart in world.hearts:
            heart.stop()

    run(main())


def test_what_was_dropped_is_not_delivered_any_more(wire: WireProtocol) -> None:
    async def body(world: World) -> None:
        await world.live("a", "b")
        first = world.data("a")
        world.talk.drop("a")
        world.data("a")  # it was under way
        await soon()
        world.data("a")
        last = world.data("b")
        assert world.heard == [("a", first), ("b", last)]
        assert world.asked("unsubscribe") == [["a"]]

    scenario(body, wire)


def test_what_a_void_request_took_with_it_is_asked_for_at_once(wire: WireProtocol) -> None:
    async def body(world: World) -> None:
        world.want("a", "b", "c")
        await soon()
        world.answer(world.posts[0], "error:handler not found,topic:b")
        await soon()
        assert world.listener.refusals == {"b": "handler not found"}
        assert world.asked() == [["a", "b", "c"], ["a", "c"]]

    scenario(body, wire)


def test_what_is_renewed_is_delivered_meanwhile(wire: WireProtocol) -> None:
    """Deltas of the subscription that ends are as good as ever for who has its snapshot."""

    async def body(world: World) -> None:
        await world.live("a")
        world.talk.renew("a")
        await soon()
        assert (world.asked("unsubscribe"), world.asked()) == ([["a"]], [["a"], ["a"]])
        frame = world.data("a")
        assert world.heard == [("a", frame)]

    scenario(body, wire)


def test_one_silence_after_the_other_is_noticed(wire: WireProtocol) -> None:
    async def body(world: World) -> None:
        world.want("a")
        for times in (1, 2, 3):
            await soon()
            assert world.asked() == [["a"]] * times
            await asyncio.sleep(ANSWER_S * 1.01)

    scenario(body, wire)


def test_a_silence_is_noticed_on_the_next_connection_too(wire: WireProtocol) -> None:
    async def body(world: World) -> None:
        world.want("a")
        await soon()
        world.talk.closed()
        world.open()
        await soon()
        assert world.asked() == [["a"]] * 2
        await asyncio.sleep(ANSWER_S * 1.01)
        assert world.asked() == [["a"]] * 3

    scenario(body, wire)


def test_only_what_waited_long_enough_is_asked_for_again(wire: WireProtocol) -> None:
    """The first request's time is up; the second was sent a moment ago."""

    async def body(world: World) -> None:
        world.want("a")
        await soon()
        await asyncio.sleep(ANSWER_S * 0.9)
        world.want("b")
        await asyncio.sleep(ANSWER_S * 0.2)
        assert world.asked() == [["a"], ["b"], ["a"]]
        await asyncio.sleep(ANSWER_S * 1.1)
        assert world.asked()[3:] == [["b"], ["a"]] or world.asked()[3:] == [["b", "a"]]

    scenario(body, wire)


def test_nothing_is_sent_where_there_is_no_connection(wire: WireProtocol) -> None:
    async def body(world: World) -> None:
        await world.live("a")
        assert world.talk.closed() == ("a",)
        sent = len(world.posts)
        world.want("b")
        world.talk.drop("a")
        await soon()
        assert len(world.posts) == sent
        world.open()
        assert world.asked()[-1] == ["b"]

    scenario(body, wire)


def test_a_quiet_link_has_no_timer(wire: WireProtocol) -> None:
    async def body(world: World) -> None:
        await world.live("a")
        await asyncio.sleep(ANSWER_S * 1.01)  # that of the request, which was answered
        loop: Any = asyncio.get_running_loop()
        due = [t for t in loop._scheduled if not t.cancelled() and t.when() < loop.time() + 60]
        assert due == []

    scenario(body, wire)


def test_a_rerouted_topic_goes_to_its_new_feed(wire: WireProtocol) -> None:
    """Before it is live, and after, and on the next connection."""

    async def body(world: World) -> None:
        other: list[bytes] = []
        world.want("a")
        world.talk.reroute("a", lambda data, at, link: other.append(data))
        world.talk.reroute("unknown", lambda data, at, link: other.append(data))
        await soon()
        frames = [world.data("a")]
        third: list[bytes] = []
        world.talk.reroute("a", lambda data, at, link: third.append(data))
        later = [world.data("a")]
        world.talk.closed()
        world.open()
        await soon()
        later.append(world.data("a"))
        assert (world.heard, other, third) == ([], frames, later)

    scenario(body, wire)


def test_who_holds_the_loop_with_what_is_no_data_is_told_of(wire: WireProtocol) -> None:
    async def body(world: World) -> None:
        world.talk.slow(b'{"op":"pong"}', 1, 0.2)
        world.talk.slow(b'{"topic":"a"}', 1, 0.3)
        world.talk.slow(b'{"topic":"a"}', 3, 0.4)
        assert world.hooks.slow == [
            ("an answer", 0.2),
            ("a", 0.3),
            ("3 messages read at once", 0.4),
        ]

    scenario(body, wire)


def test_who_is_denied_leaves_a_link_that_is_idle(wire: WireProtocol) -> None:
    async def body(world: World) -> None:
        idles = world.listener.idles  # as it opened with nothing to ask for
        world.want(PRIVATE, identity=world.identity)
        assert world.talk.private is True
        for _ in range(TRIES):
            await soon()
            refusal = {"success": False, "ret_msg": "API key is invalid.", "op": "auth"}
            world.hear(json.dumps(refusal).encode(), 1)
        await soon()
        assert world.listener.denials == [(PRIVATE,)]
        assert world.listener.idles == idles + 1
        assert world.talk.private is False
        assert world.asked() == []

    scenario(body, wire)


def test_nobody_is_signed_in_once_it_is_stopped(wire: WireProtocol) -> None:
    async def body(world: World) -> None:
        world.want(PRIVATE, identity=world.identity)
        await soon()
        assert len(world.asked("auth")) == 1
        world.talk.stop()
        await asyncio.sleep(60)
        assert (world.listener.unanswered, world.listener.denials) == ([], [])

    scenario(body, wire)


def test_a_cover_is_asked_for_and_left_at_once() -> None:
    async def body(world: World) -> None:
        seen: list[str] = []
        world.talk.cover("trade.*", seen.append)
        await soon()
        assert world.asked() == [["trade.*"]]
        world.answer(world.posts[0])
        world.want("trade.A")
        await soon()
        assert world.asked() == [["trade.*"]]
        frames = [world.data("trade.A"), world.data("trade.A")]
        world.data("trade.B")
        assert (seen, world.heard) == (["trade.B"], [("trade.A", frame) for frame in frames])
        assert world.talk.uncover("trade.*") == ("trade.A",)
        await soon()
        assert world.asked("unsubscribe") == [["trade.*"]]
        assert world.asked() == [["trade.*"], ["trade.A"]]

    scenario(body, Legacy())


def test_a_topic_that_is_wanted_twice_is_left_once() -> None:
    async def body(world: World) -> None:
        for _ in range(2):
            world.want("trade.A")
        assert not world.talk.fits("trade.*"), "its frames would come twice"
        world.talk.drop("trade.A")
        assert world.talk.fits("trade.*")

    scenario(body, Legacy())


def test_a_full_link_has_no_room(wire: WireProtocol) -> None:
    async def body(world: World) -> None:
        long = "x" * 20_000
        assert world.talk.fits(long)
        world.want(long)
        assert not world.talk.fits("y" * 2_000)
        assert world.talk.fits("y")

    scenario(body, wire)


def test_a_frame_that_begins_with_its_topic_is_not_read_to_be_routed(wire: WireProtocol) -> None:
    """The way of every frame of a market: a slice and a dictionary."""

    async def body(world: World) -> None:
        await world.live("a", "b.c")
        read: list[bytes] = []
        world.wire.topic_of = lambda frame: read.append(frame)  # type: ignore[method-assign]
        frames = [("a", world.data("a")), ("b.c", world.data("b.c"))]
        assert (world.heard, read) == (frames, [])

    scenario(body, wire)
