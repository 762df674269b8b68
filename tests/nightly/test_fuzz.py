"""Whatever a frame holds: nothing but documented errors comes out, and both decoders agree.

Each draws as many examples as ``RXBYBIT_EFFORT`` says; ``make nightly`` does so for minutes, with
one seed after the other.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rxbybit.config import Backoff
from rxbybit.conversation import Conversation
from rxbybit.credentials import Credentials
from rxbybit.errors import AuthenticationFailed
from rxbybit.heartbeat import Heartbeat
from rxbybit.protocol.base import Control, Reply, WireProtocol
from rxbybit.protocol.legacy import Legacy
from rxbybit.protocol.v5 import V5
from rxbybit.signin import Identity
from tests.effort import examples
from tests.unit.schema.test_parity import CASES, READABLE, WIRES, Raw, both, decoding, written
from tests.unit.test_session import Hooks
from tests.virtual import run

PROTOCOLS: tuple[WireProtocol, ...] = (V5(), Legacy())
WORDS = ["", "pong", "ping", "subscribe", "unsubscribe", "auth", "AUTH_RESP", "COMMAND_RESP"]
WORDS += ["error:handler not found,topic:a", "error:already subscribed,topic:b", "topic:"]
WORDS += ["Invalid symbol :[a b]", "Params Error", "conflict:[a]", "[", "1", "auth 1"]
KEYS = ["success", "op", "ret_msg", "retMsg", "req_id", "type", "data", "args", "request", "topic"]
KEYS += ["successTopics", "failTopics", "conn_id", "ts", "creationTime", "id", "cts"]
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.sampled_from(WORDS), st.text()
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
    ),
    max_leaves=12,
)
objects = st.dictionaries(st.sampled_from(KEYS), values, max_size=6)
lists = st.lists(st.sampled_from(["a", "b", "a b", ""]), max_size=3) | values
answers = st.fixed_dictionaries(
    {"success": st.booleans() | st.booleans() | values, "ret_msg": st.sampled_from(WORDS) | values},
    optional={
        "op": st.sampled_from(WORDS[:6]) | values,
        "req_id": st.sampled_from(["1", "2"]) | values,
        "type": st.sampled_from(["AUTH_RESP", "COMMAND_RESP"]) | values,
        "data": st.fixed_dictionaries({}, optional={"successTopics": lists, "failTopics": lists}),
        "request": st.fixed_dictionaries(
            {}, optional={"op": st.sampled_from(WORDS[:6]) | values, "args": lists}
        )
        | values,
    },
)
frames = st.one_of(answers, answers, objects, values).map(lambda value: json.dumps(value).encode())
anything = st.one_of(st.binary(max_size=60), frames, frames)
quick = settings(max_examples=examples(60), suppress_health_check=[HealthCheck.too_slow])


@quick
@given(anything, st.sampled_from(PROTOCOLS))
def test_a_wire_reads_any_bytes(frame: bytes, wire: WireProtocol) -> None:
    topic, control = wire.topic_of(frame), wire.read(frame)
    assert topic is None or isinstance(topic, str)
    assert isinstance(control, Control)
    if isinstance(control, Reply):
        named = [*control.accepted, *control.refused, *control.refused.values()]
        assert all(isinstance(text, str) for text in [control.message, *named])


@st.composite
def strange(draw: st.DrawFn) -> tuple[str, str, str, bytes]:
    """A frame whose topic is one stream's and whose parts are another's, or anybody's."""
    wire, name, index = draw(st.sampled_from(CASES))
    frame = json.loads(WIRES[wire].frames(name)[index])
    topic = frame["topic"]
    other, name_, index_ = draw(st.sampled_from(CASES))
    data = json.loads(WIRES[other].frames(name_)[index_])["data"]
    items = data if isinstance(data, list) else [data]
    own = frame["data"] if isinstance(frame["data"], list) else [frame["data"]]
    frame["data"] = draw(
        st.sampled_from(
            [data, items, items[0], [*own, *items], [{**own[0], **items[0]}], [[own]], own * 2]
        )
    )
    for key in draw(st.lists(st.sampled_from(["type", "ts", "cts", "creationTime", "x"]))):
        frame[key] = Raw(draw(st.sampled_from(READABLE)))
    if name == "order_book_updates" and draw(st.booleans()):
        name = "kept"
    return wire, name, topic, written(frame).encode()


@quick
@given(strange(), st.sampled_from([Decimal, float]))
def test_both_decoders_agree_on_what_is_strange(
    case: tuple[str, str, str, bytes], numbers: type
) -> None:
    fast, slow = both(lambda: decoding(*case, numbers))
    assert fast == slow


@quick
@given(st.sampled_from(CASES), anything, st.booleans())
def test_a_decoder_takes_any_bytes(case: tuple[str, str, int], noise: bytes, head: bool) -> None:
    """What is no JSON object is one report and no event, on both paths."""
    wire, name, index = case
    topic = json.loads(WIRES[wire].frames(name)[index])["topic"]
    data = b'{"topic":"%b","type":"snapshot","data":%b}' % (topic.encode(), noise)
    for text in (data if head else noise,):
        (events, _, told), (events_, _, told_) = both(
            lambda: decoding(wire, name, topic, text, Decimal)  # noqa: B023
        )
        assert events == events_
        assert bool(told) == bool(told_)


TOPICS = {"v5": ["a", "b", "c", "d.e"], "legacy": ["trade.A", "trade.B", "x.A", "y"]}
COVER = "trade.*"
PRIVATE = "position"
ANSWERS = ["ok", "ok", "ok", "name", "unnamed", "already", "lists", "odd"]
steps = st.one_of(
    st.tuples(st.just("want"), st.integers(0, 3)),
    st.tuples(st.just("drop"), st.integers(0, 3)),
    st.tuples(st.just("renew"), st.integers(0, 3)),
    st.tuples(st.just("private"), st.integers(0, 1)),
    st.tuples(st.just("cover"), st.integers(0, 1)),
    st.tuples(st.just("open"), st.integers(0, 1)),
    st.tuples(st.just("wait"), st.sampled_from([0.0, 0.01, 11.0])),
    st.tuples(st.just("answer"), st.tuples(st.integers(0, 9), st.sampled_from(ANSWERS))),
    st.tuples(st.just("data"), st.integers(0, 3)),
    st.tuples(st.just("data"), st.integers(0, 3)),
    st.tuples(st.just("stray"), st.sampled_from([PRIVATE, "unknown"])),
    st.tuples(st.just("noise"), anything),
)


class Ears:
    """Hears a conversation; what was refused or denied is not its business any more."""

    def __init__(self) -> None:
        self.wanted: set[str] = set()
        self.idles = self.refused = 0
        self.covering = False
        self.seen: list[str] = []

    def on_live(self, topics: Sequence[str]) -> None:
        assert topics

    def on_refused(self, refused: Mapping[str, str]) -> None:
        assert all(isinstance(why, str) for why in refused.values())
        self.wanted -= set(refused)
        self.covering = self.covering and COVER not in refused

    def on_malformed(self, text: str, why: str) -> None:
        assert isinstance(text, str)
        assert why

    def on_idle(self) -> None:
        self.idles += 1

    def on_signed_in(self) -> None: ...

    def on_denied(self, topics: Sequence[str], error: AuthenticationFailed) -> None:
        self.wanted -= set(topics)

    def on_unanswered(self, why: str) -> None:
        assert why


class Clock:
    async def look(self, *, fresh: bool = False) -> None: ...

    def now_ms(self) -> int:
        return 1_700_000_000_000


class Talk:
    """A conversation, the exchange at its other end, and what must hold between them."""

    def __init__(self, wire: WireProtocol) -> None:
        self.wire = wire
        self.ears = Ears()
        self.posts: list[dict[str, Any]] = []
        self.loop = asyncio.get_running_loop()
        self.told: list[dict[str, Any]] = []
        self.loop.set_exception_handler(lambda _, context: self.told.append(context))
        self.talk = Conversation(
            1, "ws://x", wire=wire, listener=self.ears, hooks=Hooks(), backoff=Backoff()
        )
        self.heart: Heartbeat | None = None
        self.hear: Any = None
        self.identity = Identity(Credentials.hmac("key-of-nobody", "secret-of-nobody"), Clock())

    def post(self, text: str) -> None:
        request = json.loads(text)
        assert request["op"] in ("subscribe", "unsubscribe", "auth")
        assert len(request["args"]) <= self.wire.topics_per_request
        self.posts.append(request)

    def feed(self, topic: str) -> Any:
        def heard(data: bytes, received_ns: int, connection: int | None) -> None:
            assert topic in self.ears.wanted, "nobody wants it any more"
            assert self.wire.topic_of(data) == topic or topic.encode() in data

        return heard

    def want(self, topic: str, identity: Identity | None = None) -> None:
        if topic not in self.ears.wanted and self.talk.fits(topic):
            self.ears.wanted.add(topic)
            self.talk.want(topic, self.feed(topic), identity)

    async def step(self, what: str, how: Any) -> None:
        topics = TOPICS[self.wire.name]
        match what:
            case "want":
                self.want(topics[how])
            case "private":
                self.want(PRIVATE, self.identity)
            case "drop" if topics[how] in self.ears.wanted:
                self.ears.wanted.remove(topics[how])
                self.talk.drop(topics[how])
            case "renew":
                self.talk.renew(topics[how])
            case "cover" if self.wire.name == "legacy":
                self._cover()
            case "open":
                self._close()
                self.heart = Heartbeat(self.loop, 20.0, ping=lambda: None, dead=lambda: None)
                self.hear = self.talk.opened(self.post, self.heart)
            case "wait":
                await asyncio.sleep(how)
            case "answer" if self.hear and self.posts:
                self.hear(json.dumps(self.answer(*how)).encode(), 1)
            case "data" | "stray" if self.hear:
                topic = topics[how] if what == "data" else how
                self.hear(b'{"topic":"%b","data":[]}' % topic.encode(), 1)
            case "noise" if self.hear:
                self.hear(how, 1)
            case _:
                pass

    def _cover(self) -> None:
        if self.ears.covering:
            self.ears.covering = False
            self.talk.uncover(COVER)
        elif self.talk.fits(COVER):
            self.ears.covering = True
            self.talk.cover(COVER, self.ears.seen.append)

    def _close(self) -> None:
        if self.heart is not None:
            self.heart.stop()
            self.talk.closed()
        self.heart = self.hear = None

    def answer(self, back: int, how: str) -> dict[str, Any]:
        request = self.posts[-1 - back % len(self.posts)]
        op, args = request["op"], request["args"]
        named = str(args[0]) if args else ""
        said = {
            "name": f"error:handler not found,topic:{named}",
            "unnamed": "error: not now",
            "already": f"error:already subscribed,topic:{named}",
            "odd": "Batch subscription partially succeeded and partially failed.Successful "
            f"subscriptions are as follows:[{named}]. conflict:[{' '.join(map(str, args))}]",
        }.get(how, "")
        answer: dict[str, Any] = {"success": not said, "ret_msg": said, "op": op}
        if self.wire.name == "legacy":
            return {"success": not said, "ret_msg": said, "request": {"op": op, "args": args}}
        if how == "lists":
            half = len(args) // 2
            lists = {"successTopics": args[:half], "failTopics": args[half:]}
            return {"success": True, "data": lists, "type": "COMMAND_RESP"}
        return {**answer, "req_id": request.get("req_id")}

    async def end(self) -> None:
        """Whoever wants nothing any more is idle, and keeps nothing."""
        for topic in sorted(self.ears.wanted):
            self.ears.wanted.remove(topic)
            self.talk.drop(topic)
        if self.ears.covering:
            self._cover()
        idles = self.ears.idles
        self.talk.flush()
        assert self.ears.idles == idles + 1
        assert self.talk.topics == ()
        assert not self.talk.private
        self._close()
        self.talk.stop()
        await asyncio.sleep(0)
        assert self.told == []


@pytest.mark.timeout(900)  # of what fails, a smaller case is looked for
@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.sampled_from(PROTOCOLS),
    st.lists(st.tuples(steps, st.booleans()), min_size=10, max_size=60),
)
def test_no_conversation_raises(
    wire: WireProtocol, script: list[tuple[tuple[str, Any], bool]]
) -> None:
    """Requests, answers that fit or do not, frames, noise and lost connections in any order."""

    async def main() -> None:
        talk = Talk(wire)
        await talk.step("open", 0)
        for (what, how), at_once in script:
            await talk.step(what, how)
            if not at_once:  # what is to be asked is asked now
                await asyncio.sleep(0)
        await talk.end()

    run(main())
