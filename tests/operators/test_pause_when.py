"""``pause_when``: nothing while a connection is down, and a count of what that cost."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
import reactivex
from msgspec.structs import replace
from reactivex import operators as ops
from reactivex.testing.marbles import marbles_testing

from rxbybit import operators as rxo
from rxbybit.errors import ConfigurationError
from rxbybit.events import (
    Connected,
    Connecting,
    Disconnected,
    Dropped,
    Gap,
    Reconnecting,
    Rejected,
    Status,
    Subscribed,
)
from tests.fakes import Feed, virtually
from tests.operators.flow import GAP, Clock, Heard, Source, tick

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
URL = "wss://example.invalid"


def down(link: int = 1) -> Status:
    return Reconnecting(time=NOW, connection=link, attempt=1, delay_s=0.1)


def lost(link: int = 1) -> Status:
    return Disconnected(time=NOW, connection=link, reason="gone")


def up(link: int = 1) -> Status:
    return Subscribed(time=NOW, connection=link, topics=("t",))


def test_the_diagram() -> None:
    with marbles_testing() as (start, _, hot, exp):
        source = hot("-a-b--c-d-e---f--|", None, None)
        status = hot("----R------S-----|", {"R": down(), "S": up()}, None)
        assert start(source.pipe(rxo.pause_when(status))) == exp("-a-b----------f--|", None, None)


def test_a_link_is_down_from_reconnecting_to_subscribed() -> None:
    source, status = Source(), Source()
    heard = Heard(source.pipe(rxo.pause_when(status)))
    story: list[tuple[Status, bool]] = [
        (Connecting(time=NOW, connection=1, url=URL), True),
        (Connected(time=NOW, connection=1, url=URL), True),
        (up(), True),
        (lost(), True),
        (down(), False),
        (Connecting(time=NOW, connection=1, url=URL), False),
        (Connected(time=NOW, connection=1, url=URL), False),
        (Gap(time=NOW, connection=1, topic="t", after_ms=None, before_ms=None), False),
        (Rejected(time=NOW, connection=1, topic="t", message="no"), False),
        (Dropped(time=NOW, count=3), False),
        (up(), True),
        (Dropped(time=NOW, count=3), True),
    ]
    expected: list[int] = []
    for n, (said, open_) in enumerate(story):
        status.send(said)
        source.send(n)
        expected += [n] if open_ else []
        assert heard.values == expected, said


def test_any_link_that_is_down_pauses_all_and_one_that_is_given_up_does_not() -> None:
    source, status, drops = Source(), Source(), []
    heard = Heard(source.pipe(rxo.pause_when(status, on_drop=drops.append)))
    status.send(down(1), down(2), up(1))
    source.send("a")
    assert heard.values == []
    status.send(up(3))
    source.send("b")
    assert heard.values == []
    assert drops == []
    status.send(lost(2))  # and no Reconnecting: nobody wants it any more
    source.send("c")
    assert drops == [2]
    assert heard.values == ["c"]


def test_a_pause_lasts_over_failed_attempts() -> None:
    """Each is told by a Disconnected, and the Reconnecting that follows at once."""
    source, status, drops = Source(), Source(), []
    heard = Heard(source.pipe(rxo.pause_when(status, on_drop=drops.append)))
    status.send(lost(), down(1))
    source.send(1)
    for _ in range(3):
        status.send(lost(1), down(1))
        source.send(2)
    status.send(lost(1), down(1), up(1))
    assert drops == [4]
    source.send(3)
    assert heard.values == [3]


def test_what_is_given_up_shows_with_the_next_status_as_well() -> None:
    source, status, drops = Source(), Source(), []
    heard = Heard(source.pipe(rxo.pause_when(status, on_drop=drops.append)))
    status.send(down(1), down(2))
    source.send(1)
    status.send(lost(1), down(2))
    assert drops == []
    status.send(lost(2), up(3))
    assert drops == [1]
    source.send(2)
    assert heard.values == [2]


def test_what_on_drop_raises_at_the_value_that_ends_the_pause_ends_the_stream() -> None:
    source, status = Source(), Source()
    heard = Heard(source.pipe(rxo.pause_when(status, on_drop=lambda count: 1 / (count - 1))))
    status.send(down(1))
    source.send(1)
    status.send(lost(1))
    source.send(2)
    assert isinstance(heard.error, ZeroDivisionError)
    assert heard.values == []


def test_truth_values_do_as_well() -> None:
    source, paused, drops = Source(), Source(), []
    heard = Heard(source.pipe(rxo.pause_when(paused, on_drop=drops.append)))
    source.send(1)
    paused.send(True)
    source.send(2, 3)
    paused.send(True)
    source.send(4)
    paused.send(False)
    paused.send(True, False)
    source.send(5)
    assert heard.values == [1, 5]
    assert drops == [3]


@pytest.mark.parametrize("end", ["complete", "fail"])
def test_what_was_dropped_is_told_before_the_end(end: str) -> None:
    source, paused, said = Source(), Source(), []
    source.pipe(rxo.pause_when(paused, on_drop=said.append)).subscribe(
        said.append, lambda _: said.append("error"), lambda: said.append("end")
    )
    paused.send(True)
    source.send("a", "b")
    source.complete() if end == "complete" else source.fail(OSError())
    assert said == [2, "end" if end == "complete" else "error"]
    assert paused.observers == []


def test_an_error_of_the_status_ends_it_and_its_completion_does_not() -> None:
    source, paused = Source(), Source()
    heard = Heard(source.pipe(rxo.pause_when(paused)))
    paused.fail(OSError())
    assert isinstance(heard.error, OSError)
    assert source.observers == []

    heard = Heard(source.pipe(rxo.pause_when(reactivex.of(True, False))))
    source.send(1)
    assert heard.values == [1]
    heard = Heard(source.pipe(rxo.pause_when(reactivex.of(True))))
    source.send(1)
    assert heard.values == []
    assert not heard.ended


def test_a_status_that_fails_at_once_leaves_the_source_alone() -> None:
    source = Source()
    heard = Heard(source.pipe(rxo.pause_when(reactivex.throw(OSError()))))
    assert isinstance(heard.error, OSError)
    assert source.schedulers == []


@pytest.mark.parametrize("wrong", [None, 1, "Disconnected", tick("BTCUSD")])
def test_what_is_no_status_is_named(wrong: Any) -> None:
    source, status = Source(), Source()
    heard = Heard(source.pipe(rxo.pause_when(status)))
    status.send(wrong)
    assert isinstance(heard.error, ConfigurationError)
    assert "status()" in str(heard.error)
    assert source.observers == []
    assert status.observers == []


def test_what_on_drop_raises_ends_it_once() -> None:
    for end in ("resume", "complete", "fail"):
        source, paused = Source(), Source()
        heard = Heard(source.pipe(rxo.pause_when(paused, on_drop=lambda n: 1 / (n - 1))))
        paused.send(True)
        source.send(1)
        if end == "resume":
            paused.send(False)
        elif end == "complete":
            source.complete()
        else:
            source.fail(OSError())
        assert isinstance(heard.error, ZeroDivisionError)
        assert source.observers == paused.observers == []


def test_dispose_leaves_both() -> None:
    source, paused, drops = Source(), Source(), []
    heard = Heard(source.pipe(rxo.pause_when(paused, on_drop=drops.append)))
    paused.send(True)
    source.send(1)
    heard.subscription.dispose()
    heard.subscription.dispose()
    assert source.observers == paused.observers == []
    assert drops == []

    Heard(source.pipe(rxo.pause_when(paused)), until=lambda _: True)
    source.send(1)
    assert source.observers == paused.observers == []


def test_subscribers_share_nothing_and_the_scheduler_is_forwarded() -> None:
    clock, source, paused = Clock(), Source(), Source()
    gated = source.pipe(rxo.pause_when(paused))
    first = Heard(gated, clock)
    paused.send(True)
    second = Heard(gated, clock)
    source.send(1)
    assert (first.values, second.values) == ([], [1])
    assert source.schedulers == paused.schedulers == [clock, clock]


def test_the_next_event_that_passes_tells_of_a_hole() -> None:
    source, paused = Source(), Source()
    heard = Heard(source.pipe(rxo.pause_when(paused)))
    paused.send(True)
    source.send(tick("B", 1), tick("B", 2, GAP), tick("B", 3))
    paused.send(False)
    source.send(tick("B", 4), tick("B", 5))
    assert [(t.price, t.meta.gap) for t in heard.values] == [(4, GAP), (5, None)]


def test_each_topic_tells_of_its_own_hole() -> None:
    source, paused = Source(), Source()
    heard = Heard(source.pipe(rxo.pause_when(paused)))
    other = replace(GAP, topic="other")
    paused.send(True)
    source.send(tick("B", 1, GAP), tick("E", 1, other))
    paused.send(False)
    source.send(tick("A", 2), tick("E", 2), tick("E", 3), tick("B", 2))
    assert [(t.symbol, t.meta.gap) for t in heard.values] == [
        ("A", None),
        ("E", other),
        ("E", None),
        ("B", GAP),
    ]


def test_a_timer_behind_a_stream_pauses_with_it() -> None:
    async def main() -> None:
        feed, status, got = Feed(), Feed(), []
        subscription = (
            feed.stream().pipe(ops.map(str), rxo.pause_when(status.stream())).subscribe(got.append)
        )
        feed.send(1)
        status.send(down())
        feed.send(2)
        status.send(up())
        feed.send(3)
        assert got == ["1", "3"]
        subscription.dispose()
        assert feed.disposed == status.disposed == 1

    virtually(main())
