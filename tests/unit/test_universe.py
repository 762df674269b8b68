"""A stream of every symbol: which topics it hears as listings come, go and are refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given
from reactivex import abc
from reactivex.disposable import Disposable

from rxbybit.errors import ConnectionFailed, RetryBudgetExhausted, SubscriptionRejected
from rxbybit.universe import Everything


class World:
    """Lists by hand, and an exchange that lets hear what it is asked for."""

    def __init__(self, topic_of: Callable[[str], str] = str.lower, first: Any = None) -> None:
        self.first = first
        self.following = False
        self.asked: list[str] = []
        self.hearers: dict[str, Any] = {}
        self.values: list[Any] = []
        self.errors: list[tuple[Exception, bool]] = []
        self.on_value: Callable[[Any], None] = lambda value: None
        hearer: Any = SimpleNamespace(on_each=self.on_each, on_error=self.on_error)
        self.everything = Everything(self.hear, topic_of, hearer, self.follow)

    def follow(self, on_symbols: Any, on_error: Any) -> abc.DisposableBase:
        self.list, self.break_down = on_symbols, on_error
        self.following = True
        if self.first is not None:
            self.first(self)
        return Disposable(lambda: setattr(self, "following", False))

    def hear(self, topic: str, hearer: Any) -> abc.DisposableBase:
        assert topic not in self.hearers
        self.asked.append(topic)
        self.hearers[topic] = hearer
        if topic.startswith("late"):  # a state that is held comes inside the call
            hearer.on_each((f"held {topic}",))
        return Disposable(lambda: self.hearers.pop(topic, None))

    def refuse(self, topic: str) -> None:
        self.hearers.pop(topic).on_error(SubscriptionRejected(topic, "no such thing"))

    def on_each(self, values: Sequence[Any]) -> None:
        self.values.extend(values)
        for value in values:
            self.on_value(value)

    def on_error(self, error: Exception) -> None:
        self.errors.append((error, not self.hearers and not self.following))


def test_hears_the_topic_of_each_symbol_and_follows_the_list() -> None:
    world = World()
    assert world.hearers == {}
    world.list(["A", "B"])
    world.hearers["b"].on_each((1, 2))
    world.list(["B", "C"])
    world.list(["B", "C"])
    world.hearers["c"].on_each((3,))
    assert (world.asked, sorted(world.hearers), world.values) == (
        ["a", "b", "c"],
        ["b", "c"],
        [1, 2, 3],
    )
    world.list(["A"])
    assert (world.asked, sorted(world.hearers)) == (["a", "b", "c", "a"], ["a"])


def test_symbols_that_share_a_topic_hear_it_once_and_until_the_last_has_gone() -> None:
    world = World(topic_of=lambda symbol: symbol[0])
    world.list(["A1", "A2", "B1"])
    assert world.asked == ["A", "B"]
    world.list(["A2"])
    assert sorted(world.hearers) == ["A"]
    world.list([])
    assert world.hearers == {}


def test_a_refused_topic_is_left_out_until_its_symbol_has_been_away() -> None:
    world = World()
    world.list(["A", "B"])
    world.refuse("a")
    assert world.errors == []
    world.hearers["b"].on_each((1,))
    world.list(["A", "B"])
    assert (world.asked, world.values) == (["a", "b"], [1])
    world.list(["B"])
    world.list(["A", "B"])
    assert world.asked == ["a", "b", "a"]


@pytest.mark.parametrize("of_topic", [True, False])
def test_what_cannot_heal_ends_it_once_with_everything_given_back(of_topic: bool) -> None:
    world = World()
    world.list(["A", "B"])
    error = RetryBudgetExhausted("gone", attempts=3)
    hearers = dict(world.hearers)
    if of_topic:
        for hearer in hearers.values():
            hearer.on_error(error)
    else:
        world.break_down(error)
        hearers["a"].on_error(ConnectionFailed("late"))
    assert world.errors == [(error, True)]
    world.list(["C"])
    assert world.hearers == {}


def test_disposing_gives_everything_back() -> None:
    world = World()
    world.list(["A", "B"])
    world.refuse("a")
    world.everything.dispose()
    world.everything.dispose()
    assert (world.hearers, world.following, world.errors) == ({}, False, [])
    world.list(["C"])
    world.break_down(ConnectionFailed("late"))
    assert (world.hearers, world.errors) == ({}, [])


def test_disposing_while_a_list_is_taken_in_asks_for_nothing_more() -> None:
    world = World(topic_of=str)
    world.on_value = lambda value: world.everything.dispose()
    world.list(["a", "late b", "c"])
    assert (world.asked, world.hearers, world.following) == (["a", "late b"], {}, False)
    assert world.values == ["held late b"]


def test_a_list_that_is_there_at_once_may_end_it_at_once() -> None:
    world = World(first=lambda world: (world.list(["A"]), world.break_down(ConnectionFailed("no"))))
    assert (world.hearers, world.following) == ({}, False)
    ((error, _),) = world.errors
    assert isinstance(error, ConnectionFailed)


_SYMBOLS = st.sets(st.sampled_from("ABCD"))


@given(st.lists(st.tuples(_SYMBOLS, _SYMBOLS), max_size=12))
def test_any_order_of_lists_and_refusals(steps: list[tuple[set[str], set[str]]]) -> None:
    """What is heard is what is listed, without what was refused since it was listed last."""
    world, refused = World(topic_of=str), set[str]()
    for listed, refuses in steps:
        refused &= listed
        world.list(sorted(listed))
        assert set(world.hearers) == listed - refused
        for topic in sorted(refuses & set(world.hearers)):
            world.refuse(topic)
            refused.add(topic)
    assert world.errors == []
    world.everything.dispose()
    assert world.hearers == {}
