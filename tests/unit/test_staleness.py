"""What says nothing is asked for anew, a quiet topic ever more rarely; a busy loop is neither."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from math import inf
from typing import Any

import pytest

from rxbybit.staleness import LOOKS, MOST, Lookout, Silence
from tests.virtual import VirtualLoop, run

STALE_S = 10.0
LATEST_S = STALE_S * (1 + 2 / LOOKS)
"""A look may just have missed the last frame, and the next one comes just before it is too long."""


class Topic:
    """Answers, when it is asked for, what the test says; by itself it says nothing."""

    def __init__(self, *, goes_stale: bool = True, shows: Hashable = None) -> None:
        self.goes_stale = goes_stale
        self.shows = shows
        self.count = 0
        self.looks = 0
        self.asked: list[float] = []
        self.reasons: list[str] = []
        self.then: Callable[[], None] = lambda: None

    def frames(self) -> int:
        self.looks += 1
        return self.count

    def content(self) -> Hashable:
        return self.shows

    def stale(self, why: str) -> None:
        self.asked.append(asyncio.get_running_loop().time())
        self.reasons.append(why)
        self.then()

    def say(self, shows: Hashable = None) -> None:
        self.count += 1
        self.shows = shows if shows is not None else self.shows


class World:
    """A link that is up."""

    def __init__(self, stale_s: float = STALE_S) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        self.loop = loop
        self.replaced: list[float] = []
        self.lookout = Lookout(loop, stale_s, lambda why: self.replaced.append(loop.time()))

    def begin(self, *topics: Topic) -> None:
        for topic in topics:
            self.lookout.begin(topic)

    def patience(self, topic: Topic) -> float:
        return self.lookout._topics[topic].patience_s

    @property
    def timers(self) -> list[Any]:
        loop: Any = self.loop
        return [t for t in loop._scheduled if not t.cancelled() and "Lookout" in repr(t)]


def scenario(body: Callable[[World], Awaitable[None]], stale_s: float = STALE_S) -> None:
    async def main() -> None:
        world = World(stale_s)
        wrong: list[dict[str, Any]] = []
        world.loop.set_exception_handler(lambda loop, context: wrong.append(context))
        await body(world)
        assert wrong == []
        for topic in list(world.lookout._topics):
            world.lookout.forget(topic)
        assert not world.timers

    run(main())


async def says(topic: Topic, every_s: float, for_s: float) -> None:
    """Let it say something new every so often."""
    for n in range(round(for_s / every_s)):
        await asyncio.sleep(every_s)
        topic.say(("new", n, asyncio.get_running_loop().time()))


# one topic


@pytest.mark.parametrize("last_s", [0.0, 0.1, 1.9, 2.0, 7.3])
def test_silence_is_noticed_after_stale_seconds_and_not_before(last_s: float) -> None:
    async def body(world: World) -> None:
        topic = Topic(shows="a")
        world.begin(topic)
        if last_s:
            await asyncio.sleep(last_s)
            topic.say("b")
        await asyncio.sleep(STALE_S - 0.001)
        assert topic.asked == []
        await asyncio.sleep(LATEST_S - STALE_S + 0.002)
        assert len(topic.asked) == 1
        assert STALE_S <= topic.asked[0] - last_s <= LATEST_S
        assert topic.reasons[0].startswith("no data for 1")

    scenario(body)


def test_a_topic_that_speaks_in_time_is_never_asked_for() -> None:
    async def body(world: World) -> None:
        topic = Topic()
        world.begin(topic)
        await says(topic, every_s=9.9, for_s=3600)
        assert topic.asked == []

    scenario(body)


def test_what_never_goes_stale_may_say_nothing_for_ever_and_costs_no_timer() -> None:
    async def body(world: World) -> None:
        topic = Topic(goes_stale=False)
        world.begin(topic)
        assert not world.timers
        await asyncio.sleep(86_400)
        assert (topic.asked, topic.looks, world.replaced) == ([], 1, [])

    scenario(body)


def test_what_is_never_to_be_asked_for_is_not_even_looked_at() -> None:
    async def body(world: World) -> None:
        topic = Topic()
        world.begin(topic)
        world.lookout.pause(topic)
        assert not world.timers
        assert not world.lookout._topics
        await asyncio.sleep(86_400)
        assert topic.looks == 0

    scenario(body, stale_s=inf)


def test_however_short_the_patience_looks_do_not_spin() -> None:
    async def body(world: World) -> None:
        topic = Topic(shows="a")
        topic.then = topic.say
        world.begin(topic)
        await asyncio.sleep(10)
        assert topic.looks <= 10 / 0.02 + 1
        assert topic.asked

    scenario(body, stale_s=1e-9)


# merely quiet


def test_a_quiet_topic_is_asked_for_ever_more_rarely() -> None:
    async def body(world: World) -> None:
        topic = Topic(shows="the same")
        topic.then = topic.say  # its snapshot
        world.begin(topic)
        await asyncio.sleep(10 * 3600)
        pauses = [b - a for a, b in zip([0.0, *topic.asked], topic.asked, strict=False)]
        bounds = [STALE_S * min(2**n, MOST) for n in range(len(pauses))]
        for pause, bound in zip(pauses, bounds, strict=True):
            assert bound <= pause <= bound + 2 * STALE_S / LOOKS + 0.001
        assert bounds[-1] == MOST * STALE_S == 640.0
        assert len(topic.asked) < 10 * 3600 / 640 + 7
        assert world.replaced == []

    scenario(body)


def test_news_bring_the_patience_back() -> None:
    async def body(world: World) -> None:
        topic = Topic(shows="a")
        topic.then = topic.say
        world.begin(topic)
        await asyncio.sleep(200)
        assert world.patience(topic) >= 8 * STALE_S
        topic.say("b")
        asked = len(topic.asked)
        await asyncio.sleep(LATEST_S + 0.001)
        assert len(topic.asked) == asked + 1
        assert world.patience(topic) in (STALE_S, 2 * STALE_S)

    scenario(body)


def test_what_is_repeated_is_no_news() -> None:
    """As the topics of depth 1 do every 3 seconds."""

    async def body(world: World) -> None:
        topic = Topic(shows="a")
        topic.then = topic.say
        world.begin(topic)
        for _ in range(200):
            await asyncio.sleep(3)
            topic.say("a")
        assert world.patience(topic) == 4.0
        assert len(topic.asked) == 2

    scenario(body, stale_s=1.0)


def test_a_snapshot_with_news_shows_that_something_was_missed() -> None:
    """A topic that dies again and again is not mistaken for a quiet one."""

    async def body(world: World) -> None:
        topic = Topic(shows=0)
        topic.then = lambda: topic.say(len(topic.asked))
        world.begin(topic)
        await asyncio.sleep(1000)
        assert len(topic.asked) >= 1000 / LATEST_S - 1
        assert world.patience(topic) == STALE_S

    scenario(body)


def test_where_nobody_keeps_anything_what_follows_the_snapshot_is_news() -> None:
    async def body(world: World) -> None:
        topic = Topic()
        topic.then = topic.say
        world.begin(topic)
        await asyncio.sleep(STALE_S * (1 + 2 + 4) + 20)
        assert len(topic.asked) == 3
        assert world.patience(topic) == 8 * STALE_S
        topic.say()
        await asyncio.sleep(STALE_S / LOOKS + 0.001)
        assert world.patience(topic) == STALE_S

    scenario(body)


def test_a_first_snapshot_is_news() -> None:
    async def body(world: World) -> None:
        topic = Topic()
        topic.then = lambda: topic.say("the first")
        world.begin(topic)
        await asyncio.sleep(LATEST_S + STALE_S / LOOKS)
        assert len(topic.asked) == 1
        assert world.patience(topic) == STALE_S

    scenario(body)


def test_patience_is_known_across_reconnects() -> None:
    async def body(world: World) -> None:
        topic = Topic(shows="a")
        topic.then = topic.say
        world.begin(topic)
        await asyncio.sleep(200)
        before = world.patience(topic)
        world.lookout.pause(topic)
        await asyncio.sleep(5)
        world.begin(topic)
        topic.say("a")
        await asyncio.sleep(STALE_S)
        assert world.patience(topic) == before > STALE_S
        world.lookout.pause(topic)
        world.begin(topic)
        topic.say("b")
        await asyncio.sleep(STALE_S / LOOKS + 0.001)
        assert world.patience(topic) == STALE_S

    scenario(body)


def test_a_snapshot_that_is_ahead_of_the_acknowledgement_is_the_answer() -> None:
    """The acknowledgement says that the topic begins, once more."""

    async def body(world: World) -> None:
        topic = Topic(shows="a")

        def then() -> None:
            topic.say()
            world.begin(topic)

        topic.then = then
        world.begin(topic)
        await asyncio.sleep(STALE_S * (1 + 2 + 4) + 20)
        assert len(topic.asked) == 3
        assert world.replaced == []

    scenario(body)


# the link


def test_while_the_link_is_down_nothing_is_stale_and_time_begins_with_the_topic() -> None:
    async def body(world: World) -> None:
        topic, trades = Topic(), Topic(goes_stale=False)
        world.begin(topic, trades)
        await asyncio.sleep(STALE_S - 1)
        world.lookout.pause(topic)
        await asyncio.sleep(3600)
        assert topic.asked == []
        assert not world.timers
        world.begin(topic)
        began = world.loop.time()
        await asyncio.sleep(LATEST_S + 0.001)
        assert len(topic.asked) == 1
        assert topic.asked[0] - began >= STALE_S

    scenario(body)


def test_a_link_without_any_data_is_replaced_once_its_topics_were_asked_for_in_vain() -> None:
    async def body(world: World) -> None:
        topics = [Topic(shows="a") for _ in range(3)]
        topics += [Topic(goes_stale=False)]
        world.begin(*topics)
        await asyncio.sleep(2 * LATEST_S + 0.001)
        assert [len(topic.asked) for topic in topics] == [1, 1, 1, 0]
        assert len(world.replaced) == 1
        assert 2 * STALE_S <= world.replaced[0] <= 2 * LATEST_S

    scenario(body)


def test_data_of_before_a_topic_was_asked_for_saves_no_link() -> None:
    async def body(world: World) -> None:
        dead, trades = Topic(shows="a"), Topic(goes_stale=False)
        world.begin(dead, trades)
        await asyncio.sleep(STALE_S - 0.01)
        trades.say()  # seen by the look that finds the other silent
        await asyncio.sleep(2 * LATEST_S - STALE_S + 0.011)
        assert len(dead.asked) == len(world.replaced) == 1

    scenario(body)


def test_a_topic_that_has_not_begun_saves_no_link() -> None:
    async def body(world: World) -> None:
        dead, away = Topic(shows="a"), Topic(shows="b")
        world.begin(dead, away)
        world.lookout.pause(away)
        await asyncio.sleep(2 * LATEST_S + 0.001)
        assert len(world.replaced) == 1
        assert away.asked == []

    scenario(body)


@pytest.mark.parametrize("goes_stale", [True, False])
def test_a_link_with_data_of_any_topic_is_not_replaced(goes_stale: bool) -> None:
    async def body(world: World) -> None:
        dead, other = Topic(shows="a"), Topic(goes_stale=goes_stale)
        world.begin(dead, other)
        await says(other, every_s=9, for_s=3600)
        assert world.replaced == []
        assert other.asked == []
        pauses = [b - a for a, b in zip(dead.asked, dead.asked[1:], strict=False)]
        assert pauses == sorted(pauses)
        assert 7 <= len(dead.asked) <= 12

    scenario(body)


def test_before_a_link_is_replaced_every_quiet_topic_of_it_is_asked_for() -> None:
    """One that never says anything, and one that is merely quiet."""

    async def body(world: World) -> None:
        quiet = Topic(shows="the same")
        quiet.then = quiet.say
        world.begin(quiet)
        await asyncio.sleep(700)
        asked = len(quiet.asked)
        dead = Topic()
        world.begin(dead)
        await asyncio.sleep(2 * LATEST_S + 0.001)
        assert len(dead.asked) == 2
        assert len(quiet.asked) == asked + 1
        await asyncio.sleep(4 * 3600)
        assert world.replaced == []
        assert len(quiet.asked) < 60

    scenario(body)


def test_links_on_which_nothing_ever_comes_are_replaced_ever_more_rarely() -> None:
    async def body(world: World) -> None:
        topics = [Topic(), Topic()]

        def again(why: str) -> None:
            world.replaced.append(world.loop.time())
            for topic in topics:
                world.lookout.pause(topic)
            world.loop.call_later(0.5, world.begin, *topics)

        world.lookout._replace = again
        world.begin(*topics)
        await asyncio.sleep(24 * 3600)
        pauses = [b - a for a, b in zip(world.replaced, world.replaced[1:], strict=False)]
        assert pauses[0] >= 4 * STALE_S
        assert pauses == sorted(pauses)
        assert pauses[-1] >= 2 * MOST * STALE_S
        assert len(world.replaced) < 75

    scenario(body)


def test_who_leaves_while_others_hear_of_it_is_asked_for_no_more() -> None:
    async def body(world: World) -> None:
        first, second, third = Topic(shows=1), Topic(shows=2), Topic(shows=3)

        def leave() -> None:
            world.lookout.forget(second)
            world.lookout.pause(third)

        first.then = leave
        world.begin(first, second, third)
        await asyncio.sleep(LATEST_S + 0.001)
        assert [len(topic.asked) for topic in (first, second, third)] == [1, 0, 0]

    scenario(body)


def test_the_last_that_goes_stale_takes_the_timer_with_it() -> None:
    async def body(world: World) -> None:
        one, two, trades = Topic(), Topic(), Topic(goes_stale=False)
        world.begin(one, trades, two)
        assert len(world.timers) == 1
        world.lookout.forget(one)
        world.lookout.forget(one)
        assert len(world.timers) == 1
        world.lookout.forget(two)
        assert not world.timers
        world.begin(one)
        assert len(world.timers) == 1

    scenario(body)


# a loop that is held up


def hold(world: World, seconds: float) -> None:
    """A callback takes so long; meanwhile the loop reads nothing."""
    world.loop.now += seconds


@pytest.mark.parametrize("held_s", [0.5, 5.0, 10.0, 60.0, 86_400.0])
@pytest.mark.parametrize("before_s", [0.1, 1.9, 5.0, 7.99, 8.5, 9.99])
def test_what_waited_while_a_callback_held_the_loop_is_read_before_it_is_missed(
    held_s: float, before_s: float
) -> None:
    async def body(world: World) -> None:
        topic = Topic(shows="a")
        world.begin(topic)
        await asyncio.sleep(before_s)
        hold(world, held_s)
        world.loop.call_later(0.1, topic.say, "b")  # it lay in the socket
        await asyncio.sleep(STALE_S - 0.1)
        assert topic.asked == []
        assert world.replaced == []

    scenario(body)


def test_a_topic_that_died_while_the_loop_was_held_up_is_found() -> None:
    async def body(world: World) -> None:
        topic = Topic(shows="a")
        world.begin(topic)
        await asyncio.sleep(5)
        hold(world, 60)
        began = world.loop.time()
        await asyncio.sleep(LATEST_S + 0.001)
        assert len(topic.asked) == 1
        # of the time that it was held, the look that was due on the way counts as silence
        assert topic.asked[0] - began >= STALE_S - 5 - STALE_S / LOOKS

    scenario(body)


def test_a_loop_that_is_a_little_late_for_each_look_finds_it_all_the_same() -> None:
    async def body(world: World) -> None:
        topic = Topic(shows="a")
        world.begin(topic)
        while not topic.asked:
            (timer,) = world.timers
            await asyncio.sleep(timer.when() - world.loop.time() - 0.001)
            hold(world, 0.05)
            await asyncio.sleep(0.001)
            assert world.loop.time() < 2 * STALE_S
        assert topic.asked[0] >= STALE_S

    scenario(body)


def test_a_loop_that_is_held_up_all_the_time_judges_nothing() -> None:
    async def body(world: World) -> None:
        topic = Topic(shows="a")
        world.begin(topic)
        for _ in range(100):
            await asyncio.sleep(0.01)
            hold(world, 3 * STALE_S)
        assert topic.asked == []

    scenario(body)


# many


def test_ten_thousand_topics_are_a_look_each_and_one_timer() -> None:
    async def body(world: World) -> None:
        topics = [Topic() for _ in range(10_000)]
        world.begin(*topics)
        assert len(world.timers) == 1
        for _ in range(6):
            for topic in topics:
                topic.say()
            await asyncio.sleep(STALE_S)
        assert max(topic.looks for topic in topics) <= 6 * LOOKS + 2
        assert not any(topic.asked for topic in topics)

    scenario(body)


def test_silence_alone_knows_its_bounds() -> None:
    silence = Silence(1.0, 0)
    assert not silence.too_long(1e9)
    silence.begin(5.0)
    assert not silence.too_long(5.999)
    assert silence.too_long(6.0)
    silence.pause()
    assert not silence.too_long(1e9)
