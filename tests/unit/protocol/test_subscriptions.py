"""The subscription registry: its rules one by one, and as a state machine against a model."""

from __future__ import annotations

import json
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace

from rxbybit.protocol.base import Reply
from rxbybit.protocol.legacy import Legacy
from rxbybit.protocol.subscriptions import MOST_LATE, Request, Subscriptions, characters
from rxbybit.protocol.v5 import V5
from tests.effort import examples


@pytest.fixture
def asked() -> Subscriptions:
    return Subscriptions(V5())


def ok(request: Request) -> Reply:
    return Reply(operation=request.operation, request=request.id, success=True)


def no(request: Request, message: str = "no", **named: Any) -> Reply:
    return Reply(
        operation=request.operation, request=request.id, success=False, message=message, **named
    )


def repeated(request: Request, **said: Any) -> Reply:
    """The answer to a request on a wire that knows no ids."""
    return Reply(
        operation=request.operation, request=None, topics=request.topics, success=True, **said
    )


def test_wanted_topics_go_out_in_requests_of_ten(asked: Subscriptions) -> None:
    for n in range(23):
        asked.want(f"t{n}")
    requests = asked.requests(0.0)
    assert [len(r.topics) for r in requests] == [10, 10, 3]
    assert [t for r in requests for t in r.topics] == [f"t{n}" for n in range(23)]
    assert len({r.id for r in requests}) == 3
    assert {r.operation for r in requests} == {"subscribe"}
    assert asked.requests(0.0) == []


def test_what_comes_before_an_unsubscribe_is_answered_is_early() -> None:
    legacy = Subscriptions(Legacy())
    legacy.want("trade.*")
    legacy.reply(repeated(*legacy.requests(0.0)))
    legacy.drop("trade.*")
    legacy.want("trade.A")
    legacy.want("insurance.BTC")
    assert legacy.early("trade.A")  # nothing is asked for yet
    left, come = legacy.requests(0.0)
    assert (left.operation, come.topics) == ("unsubscribe", ("trade.A", "insurance.BTC"))
    assert legacy.early("trade.A")
    assert not legacy.data("trade.A")
    assert not legacy.early("insurance.BTC")
    legacy.reply(repeated(left))
    assert not legacy.early("trade.A")
    assert legacy.data("trade.A")


def test_a_topic_wanted_twice_is_asked_for_once(asked: Subscriptions) -> None:
    asked.want("a")
    asked.want("a")
    (request,) = asked.requests(0.0)
    asked.want("a")
    assert request.topics == ("a",)
    assert asked.requests(0.0) == []


def test_what_was_never_sent_is_never_unsubscribed(asked: Subscriptions) -> None:
    asked.want("a")
    asked.drop("a")
    assert asked.requests(0.0) == []
    assert asked.topics == ()


def test_drop_before_the_answer_unsubscribes_and_ignores_the_answer(asked: Subscriptions) -> None:
    asked.want("a")
    (request,) = asked.requests(0.0)
    asked.drop("a")
    (leave,) = asked.requests(0.0)
    assert (leave.operation, leave.topics) == ("unsubscribe", ("a",))
    assert asked.reply(ok(request)).live == ()
    assert asked.reply(ok(leave)).live == ()
    assert asked.waiting_since(0.0) is None


def test_drop_and_want_at_once_asks_anew_in_this_order(asked: Subscriptions) -> None:
    asked.want("a")
    asked.reply(ok(asked.requests(0.0)[0]))
    asked.drop("a")
    asked.want("a")
    assert [(r.operation, r.topics) for r in asked.requests(0.0)] == [
        ("unsubscribe", ("a",)),
        ("subscribe", ("a",)),
    ]
    assert asked.live == ()


def test_renew_unsubscribes_and_subscribes_what_was_asked(asked: Subscriptions) -> None:
    asked.want("a")
    asked.renew("a")
    (first,) = asked.requests(0.0)
    assert first.operation == "subscribe"
    asked.reply(ok(first))
    asked.renew("a")
    assert [r.operation for r in asked.requests(0.0)] == ["unsubscribe", "subscribe"]


def test_an_acknowledgement_makes_its_topics_live_once(asked: Subscriptions) -> None:
    asked.want("a")
    asked.want("b")
    (request,) = asked.requests(0.0)
    assert asked.reply(ok(request)).live == ("a", "b")
    assert asked.reply(ok(request)).live == ()
    assert asked.live == ("a", "b")


def test_data_before_the_acknowledgement_makes_live(asked: Subscriptions) -> None:
    asked.want("a")
    assert not asked.data("a")  # not asked for yet
    (request,) = asked.requests(0.0)
    assert asked.data("a")
    assert not asked.data("a")
    assert not asked.data("other")
    assert asked.reply(ok(request)).live == ()


def test_a_renewal_that_had_no_effect_is_renewed_once_more(asked: Subscriptions) -> None:
    asked.want("a")
    asked.reply(ok(asked.requests(0.0)[0]))
    asked.renew("a")
    _, again = asked.requests(0.0)
    assert asked.reply(no(again, "already subscribed", accepted=("a",))).refused == {}
    assert asked.waiting_since(0.0) is not None
    assert asked.requests(0.0) == []
    asked.overdue(10.0)
    leave, third = asked.requests(10.0)
    assert [leave.operation, third.operation] == ["unsubscribe", "subscribe"]
    asked.reply(ok(leave))
    asked.reply(ok(third))
    assert asked.live == ("a",)
    asked.overdue(100.0)
    assert asked.requests(100.0) == []
    assert asked.waiting_since(0.0) is None


def test_a_new_connection_forgets_what_was_stuck(asked: Subscriptions) -> None:
    asked.want("a")
    asked.reply(ok(asked.requests(0.0)[0]))
    asked.renew("a")
    _, again = asked.requests(0.0)
    asked.reply(no(again, accepted=("a",)))
    asked.closed()
    assert asked.waiting_since(0.0) is None
    asked.reply(ok(asked.requests(0.0)[0]))
    asked.overdue(100.0)
    assert asked.requests(100.0) == []


def test_a_refused_topic_is_split_from_the_others(asked: Subscriptions) -> None:
    for topic in ("a", "bad", "b"):
        asked.want(topic)
    (request,) = asked.requests(0.0)
    answer = asked.reply(no(request, refused={"bad": "unknown"}))
    assert (answer.live, answer.refused) == ((), {"bad": "unknown"})
    (again,) = asked.requests(0.0)
    assert again.topics == ("a", "b")
    assert asked.reply(ok(again)).live == ("a", "b")
    assert asked.topics == ("a", "b")


def test_already_subscribed_is_success_and_the_rest_is_asked_again(asked: Subscriptions) -> None:
    for topic in ("a", "b"):
        asked.want(topic)
    (request,) = asked.requests(0.0)
    assert asked.reply(no(request, accepted=("a",))).live == ("a",)
    (again,) = asked.requests(0.0)
    assert again.topics == ("b",)


def test_what_already_delivers_is_not_asked_again_after_a_refusal(asked: Subscriptions) -> None:
    for topic in ("a", "b", "bad"):
        asked.want(topic)
    (request,) = asked.requests(0.0)
    asked.data("a")
    asked.reply(no(request, refused={"bad": "unknown"}))
    (again,) = asked.requests(0.0)
    assert again.topics == ("b",)


def test_a_refusal_that_names_nothing_is_halved_down_to_the_culprit(asked: Subscriptions) -> None:
    for topic in ("a", "b", "bad", "c"):
        asked.want(topic)
    refused: dict[str, str] = {}
    for _ in range(10):
        for request in asked.requests(0.0):
            wrong = "bad" in request.topics
            refused |= asked.reply(no(request, "size") if wrong else ok(request)).refused
    assert refused == {"bad": "size"}
    assert set(asked.live) == {"a", "b", "c"}


def test_a_refusal_names_a_topic_that_has_left_meanwhile(asked: Subscriptions) -> None:
    asked.want("a")
    asked.want("bad")
    (request,) = asked.requests(0.0)
    asked.drop("bad")
    assert asked.reply(no(request, refused={"bad": "unknown"})).refused == {}
    subscribe = [r for r in asked.requests(0.0) if r.operation == "subscribe"]
    assert [r.topics for r in subscribe] == [("a",)]


def test_a_lone_rest_of_a_larger_void_request_gets_its_own_chance(asked: Subscriptions) -> None:
    asked.want("a")
    asked.want("b")
    (request,) = asked.requests(0.0)
    asked.drop("b")
    assert asked.reply(no(request)).refused == {}
    again = [r for r in asked.requests(0.0) if r.operation == "subscribe"]
    assert [r.topics for r in again] == [("a",)]


def test_an_answer_without_an_id_is_the_oldest_requests(asked: Subscriptions) -> None:
    asked.want("a")
    asked.requests(0.0)
    asked.want("b")
    asked.requests(0.0)
    nameless = Reply(operation="subscribe", request=None, success=True)
    assert asked.reply(nameless).live == ("a",)
    assert asked.reply(nameless).live == ("b",)


def test_an_answer_by_topic_lists_finds_its_request(asked: Subscriptions) -> None:
    asked.want("a")
    asked.requests(0.0)
    asked.want("b")
    asked.want("bad")
    asked.requests(0.0)
    lists = Reply(
        operation=None, request=None, success=True, accepted=("b",), refused={"bad": "failTopics"}
    )
    answer = asked.reply(lists)
    assert (answer.live, answer.refused) == (("b",), {"bad": "failTopics"})


def test_an_unknown_id_changes_nothing(asked: Subscriptions) -> None:
    asked.want("a")
    asked.requests(0.0)
    stranger = Reply(operation="subscribe", request="999", success=False, message="no")
    assert asked.reply(stranger).refused == {}
    assert asked.requests(0.0) == []


def test_unanswered_requests_are_sent_again_without_what_delivers(asked: Subscriptions) -> None:
    for topic in ("a", "b"):
        asked.want(topic)
    asked.requests(5.0)
    asked.data("b")
    assert asked.overdue(4.9) == ()
    assert asked.overdue(5.0) == ("a",)
    (again,) = asked.requests(15.0)
    assert again.topics == ("a",)


def test_an_unanswered_unsubscribe_is_forgotten(asked: Subscriptions) -> None:
    asked.want("a")
    asked.reply(ok(asked.requests(0.0)[0]))
    asked.drop("a")
    asked.requests(0.0)
    assert asked.waiting_since(0.0) is not None
    assert asked.overdue(10.0) == ()
    assert asked.waiting_since(0.0) is None
    assert asked.requests(10.0) == []


def test_a_new_connection_asks_for_everything_and_leaves_nothing(asked: Subscriptions) -> None:
    for topic in ("a", "b", "gone"):
        asked.want(topic)
    asked.reply(ok(asked.requests(0.0)[0]))
    asked.drop("gone")
    assert asked.closed() == ("a", "b")
    assert asked.live == ()
    (request,) = asked.requests(0.0)
    assert (request.operation, request.topics) == ("subscribe", ("a", "b"))


def test_the_room_of_a_connection_is_counted_in_characters(asked: Subscriptions) -> None:
    n = 0
    while asked.fits(topic := f"orderbook.50.SYMBOL{n:05d}USDT"):
        asked.want(topic)
        n += 1
    args = json.dumps(list(asked.topics), separators=(",", ":"))
    assert 21_000 - 2 * len(topic) < len(args) <= 21_000
    asked.drop(asked.topics[0])
    assert asked.fits(topic)
    asked.want(topic)
    (first, *_) = asked.requests(0.0)
    asked.reply(no(first, refused={first.topics[0]: "unknown"}))
    assert asked.fits(topic + "1")


def test_characters_count_as_json_does() -> None:
    assert characters('a"b') == len(json.dumps('a"b')) + 1


TOPICS = [f"t{n}" for n in range(6)]


def test_data_of_the_subscription_before_does_not_make_live(asked: Subscriptions) -> None:
    asked.want("a")
    asked.reply(ok(asked.requests(0.0)[0]))
    asked.renew("a")
    asked.want("b")
    leave, again = asked.requests(0.0)
    assert not asked.data("a"), "it was on its way when the exchange read the unsubscribe"
    asked.reply(ok(leave))
    asked.reply(no(again, "already subscribed", accepted=("b",)))
    (rest,) = asked.requests(0.0)
    assert (rest.operation, rest.topics) == ("subscribe", ("a",))
    assert asked.data("a")


def test_an_answer_that_repeats_its_request_is_matched_by_operation_and_topics() -> None:
    asked = Subscriptions(Legacy())
    for topics in (("a",), ("b", "c"), ("d",)):
        for topic in topics:
            asked.want(topic)
        asked.requests(0.0)
    asked.drop("d")
    (leave,) = asked.requests(0.0)
    assert (leave.operation, leave.topics) == ("unsubscribe", ("d",))
    for stranger in (("c", "b"), ("b",), ("x",), ()):
        reply = Reply(operation="subscribe", request=None, topics=stranger, success=True)
        assert asked.reply(reply).live == ()
    assert asked.reply(repeated(leave)).live == ()
    second = Request("?", "subscribe", ("b", "c"))
    assert asked.reply(repeated(second)).live == ("b", "c")
    assert asked.reply(repeated(second)).live == ()
    assert asked.reply(repeated(Request("?", "subscribe", ("a",)))).live == ("a",)
    assert asked.waiting_since(0.0) is not None, "d was never answered"
    asked.reply(repeated(Request("?", "subscribe", ("d",))))
    assert asked.waiting_since(0.0) is None
    assert asked.live == ("a", "b", "c")


def test_an_answer_that_comes_late_is_not_taken_for_that_of_the_same_request_again() -> None:
    """The exchange has taken "a" in, and leaves it, but not yet for the second time."""
    asked = Subscriptions(Legacy())
    asked.want("a")
    asked.want("b")
    (first,) = asked.requests(1.0)
    asked.renew("a")
    assert asked.overdue(1.0) == ("b",)
    leave, again = asked.requests(11.0)
    assert (leave.topics, again.topics) == (("a",), first.topics)
    assert asked.reply(repeated(first)).live == ()
    asked.reply(repeated(leave))
    assert asked.live == ()
    refused = replace(repeated(again), success=False, message="known", accepted=("b",))
    assert asked.reply(refused).live == ("b",)
    (rest,) = asked.requests(12.0)
    assert rest.topics == ("a",)
    assert asked.reply(repeated(rest)).live == ("a",)


def test_an_answer_that_comes_late_is_as_good_for_the_same_request_again() -> None:
    asked = Subscriptions(Legacy())
    asked.want("a")
    (first,) = asked.requests(1.0)
    assert asked.overdue(1.0) == ("a",)
    (again,) = asked.requests(11.0)
    assert asked.reply(repeated(first)).live == ("a",)
    assert asked.waiting_since(12.0) is None
    assert asked.reply(repeated(again)).live == ()


@pytest.mark.parametrize("how", ["the first is lost", "cut"])
def test_one_answer_that_is_lost_does_not_make_all_that_follow_late(how: str) -> None:
    asked = Subscriptions(Legacy())
    asked.want("a")
    asked.requests(1.0)
    asked.overdue(1.0)
    if how == "cut":
        asked.closed()
        (again,) = asked.requests(11.0)
        asked.renew("a")
        leave, anew = asked.requests(12.0)
        assert asked.reply(repeated(again)).live == ()
    else:
        asked.renew("a")
        leave, anew = asked.requests(11.0)
    asked.reply(repeated(leave))
    assert asked.live == ()
    assert asked.reply(repeated(anew)).live == ("a",)


def test_so_many_late_answers_are_remembered_and_no_more() -> None:
    asked = Subscriptions(Legacy())
    asked.want("a")
    for at in range(3 * MOST_LATE):
        asked.requests(10.0 * at)
        asked.overdue(10.0 * at)
    assert len(asked._late) == MOST_LATE


def test_the_oldest_of_two_requests_alike_is_answered_first() -> None:
    asked = Subscriptions(Legacy())
    asked.want("a")
    asked.requests(0.0)
    asked.drop("a")
    asked.want("a")
    leave, again = asked.requests(0.0)
    assert asked.reply(repeated(again)).live == (), "it answers the first, which is not wanted now"
    assert asked.reply(repeated(again)).live == ("a",), "the answer to the other is lost"
    asked.reply(repeated(leave))
    assert asked.waiting_since(0.0) is None


class Registry(RuleBasedStateMachine):
    """Any order of want, drop, renew, answer, lost answer, data and cut, against a server.

    The server holds what a real one would: it works requests off in order, voids a request for
    one bad or known topic, and may keep its answers to itself.
    """

    requests = Bundle("requests")
    wire: type[V5 | Legacy] = V5

    def __init__(self) -> None:
        super().__init__()
        self.asked = Subscriptions(self.wire())
        self.bad: set[str] = set()
        self.wanted: set[str] = set()
        self.refused: set[str] = set()
        self.server: set[str] = set()
        self.unread: list[Request] = []
        self.answers: list[Reply] = []
        self.now = 0.0

    @rule(topic=st.sampled_from(TOPICS))
    def want(self, topic: str) -> None:
        self.asked.want(topic)
        self.wanted.add(topic)
        self.refused.discard(topic)

    @rule(topic=st.sampled_from(TOPICS))
    def drop(self, topic: str) -> None:
        self.asked.drop(topic)
        self.wanted.discard(topic)

    @rule(topic=st.sampled_from(TOPICS))
    def renew(self, topic: str) -> None:
        self.asked.renew(topic)

    @rule(topic=st.sampled_from(TOPICS))
    def turn_bad(self, topic: str) -> None:
        if topic not in self.server:
            self.bad.add(topic)

    @rule()
    def send(self) -> None:
        for request in self.asked.requests(self.now):
            assert len(request.topics) <= 10
            assert len(set(request.topics)) == len(request.topics)
            if request.operation == "subscribe":
                assert set(request.topics) <= self.wanted
            self.unread.append(request)

    @precondition(lambda self: self.unread)
    @rule(silent=st.booleans(), named=st.booleans())
    def work(self, silent: bool, named: bool) -> None:
        request = self.unread.pop(0)
        if request.operation == "unsubscribe":
            self.server -= set(request.topics)
            reply = ok(request)
        else:
            wrong = [t for t in request.topics if t in self.bad]
            twice = [t for t in request.topics if t in self.server and t not in self.bad]
            if wrong:
                reply = no(request, "bad", **({"refused": {wrong[0]: "bad"}} if named else {}))
            elif twice:
                reply = no(request, "already subscribed", accepted=(twice[0],))
            else:
                self.server |= set(request.topics)
                reply = ok(request)
        if self.wire is Legacy:
            reply = replace(reply, request=None, topics=request.topics)
        if not silent:
            self.answers.append(reply)

    @precondition(lambda self: self.answers)
    @rule()
    def read(self) -> None:
        answer = self.asked.reply(self.answers.pop(0))
        assert not set(answer.live) & set(answer.refused)
        assert set(answer.refused) <= self.bad & self.wanted
        self.refused |= set(answer.refused)
        self.wanted -= set(answer.refused)

    @rule(topic=st.sampled_from(TOPICS))
    def data(self, topic: str) -> None:
        if topic in self.server:
            self.asked.data(topic)

    @rule()
    def time_passes(self) -> None:
        self.now += 10.0
        self.asked.overdue(self.now - 10.0)

    @rule()
    def cut(self) -> None:
        self.asked.closed()
        self.server.clear()
        self.unread.clear()
        self.answers.clear()

    @invariant()
    def wants_what_was_wanted(self) -> None:
        assert set(self.asked.topics) == self.wanted
        assert set(self.asked.live) <= self.wanted

    def teardown(self) -> None:
        """Left alone with a server that answers, it settles on exactly what is wanted."""
        self.bad &= self.wanted | self.refused
        for _ in range(40):
            self.now += 10.0
            self.asked.overdue(self.now - 10.0)
            self.send()
            while self.unread:
                self.work(silent=False, named=True)
            while self.answers:
                self.read()
        assert set(self.asked.live) == self.wanted == self.server
        assert not self.wanted & self.bad
        assert self.asked.waiting_since(0.0) is None


class LegacyRegistry(Registry):
    """The same against a server whose answers repeat the request and know no ids."""

    wire = Legacy


TestLegacyRegistry = LegacyRegistry.TestCase
TestLegacyRegistry.settings = settings(
    max_examples=examples(150), stateful_step_count=40, deadline=None
)
TestRegistry = Registry.TestCase
TestRegistry.settings = settings(max_examples=examples(150), stateful_step_count=40, deadline=None)
