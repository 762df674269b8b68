"""What faults make of the data frames of a link, without a socket and by a clock of its own."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from rxbybit.sim import (
    Corrupt,
    Cut,
    Delay,
    Duplicate,
    Fault,
    Faults,
    Mute,
    Reorder,
    Skip,
    SkipUpdate,
    WithholdSnapshot,
    faults_of,
)
from rxbybit.sim.mishaps import Mishaps
from tests.sim.clock import Clock, market, text
from tests.sim.market.journal import START_MS

A = [f'{{"topic":"a","n":{n}}}'.encode() for n in range(1, 8)]
BOOK = "orderbook.50.X"


def book(kind: str, u: int) -> bytes:
    return f'{{"topic":"{BOOK}","type":"{kind}","data":{{"u":{u}}}}}'.encode()


def carried(*faults: Fault, frames=A, topic="a", others: int = 0) -> list[bytes]:
    """What becomes of ``frames``, each with so many frames of another topic before it."""
    mishaps = Mishaps(Faults(*faults))
    got: list[bytes] = []
    for raw in frames:
        for _ in range(others):
            assert mishaps.carry("other", b"o") == (0.0, (b"o",))
        delay_s, sent = mishaps.carry(topic, raw)
        assert delay_s == 0.0
        got += sent
    assert mishaps.sent_by_topic[topic] == len(frames)
    assert mishaps.sent == len(frames) * (1 + others)
    return got


@pytest.mark.parametrize("others", [0, 2])
@pytest.mark.parametrize(
    ("faults", "order"),
    [
        ((), [1, 2, 3, 4, 5, 6, 7]),
        ((Skip(topic="a", nth=3),), [1, 2, 4, 5, 6, 7]),
        ((Skip(topic="b", nth=3),), [1, 2, 3, 4, 5, 6, 7]),
        ((Duplicate(topic="a", nth=3),), [1, 2, 3, 3, 4, 5, 6, 7]),
        ((Reorder(topic="a", nth=3),), [1, 2, 4, 3, 5, 6, 7]),
        ((Reorder(topic="a", nth=3), Reorder(topic="a", nth=4)), [1, 2, 4, 3, 5, 6, 7]),
        ((Reorder(topic="a", nth=3), Skip(topic="a", nth=4)), [1, 2, 3, 5, 6, 7]),
        ((Reorder(topic="a", nth=3), Duplicate(topic="a", nth=3)), [1, 2, 4, 3, 3, 5, 6, 7]),
        ((Reorder(topic="a", nth=7),), [1, 2, 3, 4, 5, 6]),
        ((Mute(topic="a", nth=2, frames=3),), [1, 5, 6, 7]),
        ((Mute(topic="a", nth=5),), [1, 2, 3, 4]),
        ((Mute(topic="a", nth=2, frames=1), Mute(topic="a", nth=6, frames=1)), [1, 3, 4, 5, 7]),
        ((Skip(topic="a", nth=1), Duplicate(topic="a", nth=1)), [1, 2, 3, 4, 5, 6, 7]),
    ],
)
def test_which_frames_come(faults, order: list[int], others: int) -> None:
    assert carried(*faults, others=others) == [A[n - 1] for n in order]


def test_a_corrupt_frame_is_no_json() -> None:
    for how in ("cut", "reversed"):
        got = carried(Corrupt(topic="a", nth=2, how=how))
        assert got[:1] + got[2:] == A[:1] + A[2:]
        with pytest.raises(ValueError, match=r"Expecting|Unterminated|Extra"):
            json.loads(got[1])
    assert len(carried(Corrupt(topic="a"))[0]) == len(A[0]) // 2


def test_a_delayed_frame_says_how_late() -> None:
    mishaps = Mishaps(Faults(Delay(topic="a", nth=2, seconds=3.5)))
    assert [mishaps.carry("a", raw) for raw in A[:3]] == [
        (0.0, (A[0],)),
        (3.5, (A[1],)),
        (0.0, (A[2],)),
    ]


def test_an_update_is_skipped_with_its_number() -> None:
    frames = [book("snapshot", 1), *[book("delta", u) for u in (2, 3)], book("snapshot", 4)]
    frames += [book("delta", u) for u in (5, 6)]
    fault = SkipUpdate(topic=BOOK, nth=3)
    assert carried(fault, frames=frames, topic=BOOK) == [*frames[:4], *frames[5:]]
    assert carried(SkipUpdate(topic="a"), frames=A) == A


def test_a_snapshot_is_withheld() -> None:
    frames = [book("snapshot", 1), book("delta", 2), book("snapshot", 3)]
    for fault in (WithholdSnapshot(), WithholdSnapshot(topic=BOOK)):
        assert carried(fault, frames=frames, topic=BOOK) == frames[1:]
    assert carried(WithholdSnapshot(topic="tickers.X"), frames=frames, topic=BOOK) == frames
    snapshots = [b'{"topic":"a","type":"snapshot"}']
    assert carried(WithholdSnapshot(), frames=snapshots) == snapshots


def test_each_link_counts_for_itself() -> None:
    faults = Faults(Skip(topic="a", nth=2, times=2))
    links = [Mishaps(faults) for _ in range(3)]
    got = [[n for n in range(3) if link.carry("a", A[n])[1]] for link in links]
    assert got == [[0, 2], [0, 2], [0, 1, 2]]


def test_what_waits_is_forgotten_with_its_topic() -> None:
    mishaps = Mishaps(Faults(Reorder(topic="a")))
    assert mishaps.carry("a", A[0]).frames == ()
    mishaps.forget("a")
    assert mishaps.carry("a", A[1]).frames == (A[1],)


def timed(clock: Clock, *faults: Fault) -> Faults:
    script = Faults(*faults)
    script.start(clock, lambda: None)
    return script


def test_a_fault_is_in_force_from_its_time_on() -> None:
    clock = Clock()
    script = timed(clock, Cut(at_s=2, times=None), Cut(at_s=1, for_s=0.5, times=None, after=9))
    found = []
    for ms in (0, 999, 1_000, 1_499, 1_500, 1_999, 2_000, 9_000_000):
        clock.ms = Clock().ms + ms
        fault = script.strike(Cut)
        found.append((ms, None if fault is None else fault.after))
    assert found == [
        (0, None),
        (999, None),
        (1_000, 9),
        (1_499, 9),
        (1_500, None),
        (1_999, None),
        (2_000, 1),
        (9_000_000, 1),
    ]
    assert script.pending == (Cut(at_s=2, times=None),)


def test_before_the_start_only_what_has_no_time_strikes() -> None:
    later, now = Skip(topic="a", at_s=1), Skip(topic="a")
    script = Faults(later, now)
    assert script.strike(Skip) is now
    assert script.strike(Skip) is None
    assert script.timed


def test_a_frame_by_time() -> None:
    clock = Clock()
    mishaps = Mishaps(timed(clock, Skip(topic="a", at_s=5), Skip(topic="a", nth=6, at_s=7)))
    sent = []
    for raw in A:
        sent += mishaps.carry("a", raw).frames
        clock.ms += 2_000
    assert sent == [*A[:3], A[4], A[6]]


def test_a_topic_is_mute_for_so_long() -> None:
    clock = Clock()
    mishaps = Mishaps(timed(clock, Mute(topic="a", at_s=3, for_s=4)))
    sent = []
    for raw in A:
        sent += mishaps.carry("a", raw).frames
        clock.ms += 1_000
    assert sent == A[:3]
    assert mishaps.carry("a", A[0]).frames == (A[0],)


@pytest.mark.parametrize(
    ("left", "ends"),
    [("trade.S", True), ("trade.*", True), ("trade.T", False), ("other.*", False), ("*", False)],
)
def test_a_topic_is_mute_until_it_is_subscribed_anew(left: str, ends: bool) -> None:
    mishaps = Mishaps(Faults(Mute(topic="trade.S", nth=2, until_renewed=True)))
    assert [len(mishaps.carry("trade.S", b"t").frames) for _ in range(4)] == [1, 0, 0, 0]
    mishaps.forget(left)
    assert len(mishaps.carry("trade.S", b"t").frames) == ends


def test_a_topic_that_is_mute_for_good_stays_so() -> None:
    mishaps = Mishaps(Faults(Mute(topic="a", nth=1)))
    assert mishaps.carry("a", b"a").frames == ()
    mishaps.forget("a")
    assert mishaps.carry("a", b"a").frames == ()


def spoiled(seed: int) -> list[bytes]:
    """Every public topic of a market, behind a script made of the same seed."""
    chance = random.Random(seed)
    live = market(seed)
    topics = sorted(live.topics("inverse"))
    for topic in topics:
        live.want("inverse", topic)
    kinds = (Skip, Duplicate, Reorder, Corrupt, SkipUpdate)
    faults = [
        chance.choice(kinds)(topic=chance.choice(topics), nth=chance.randint(1, 60))
        for _ in range(200)
    ]
    mishaps = Mishaps(Faults(*faults, WithholdSnapshot(times=3)))
    sent: list[bytes] = []
    for push in live.advance(START_MS + 60_000):
        sent += mishaps.carry(push.topic, text(push.content).encode()).frames
    return sent


def test_the_same_seed_and_script_give_the_same_bytes() -> None:
    first = spoiled(3)
    assert first == spoiled(3)
    assert first != spoiled(4)
    assert len(first) > 1_000
    pure = market(3)
    for topic in pure.topics("inverse"):
        pure.want("inverse", topic)
    clean = [text(push.content).encode() for push in pure.advance(START_MS + 60_000)]
    assert len(set(first) - set(clean)) > 5  # the corrupt ones
    assert len(set(clean) - set(first)) > 20


# The script as JSON.


def test_every_fault_can_be_read(tmp_path: Path) -> None:
    from rxbybit.sim import faults

    names = set(faults.__all__) - {"Fault", "Faults", "How", "faults_of"}
    entries = []
    for name in sorted(names):
        written = "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
        needs = {"topic": "a"} if hasattr(getattr(faults, name), "hits") else {}
        needs |= {"location": "/"} if name == "Redirect" else {}
        entries.append({"fault": written, "at_s": 1.5, **needs})
    (path := tmp_path / "faults.json").write_text(json.dumps(entries))
    read = Faults.read(path).pending
    assert {type(fault).__name__ for fault in read} == names
    assert {fault.at_s for fault in read} == {1.5}
    assert len(names) == 21


def test_arguments_arrive() -> None:
    entries = [
        {"fault": "cut", "after": 3, "how": "rst", "times": None},
        {"fault": "drop", "topic": "a", "nth": 2, "for_s": 1},
        {"fault": "delay", "topic": "a", "seconds": 1},
    ]
    assert faults_of(entries) == (
        Cut(after=3, how="rst", times=None),
        Skip(topic="a", nth=2, for_s=1),
        Delay(topic="a", seconds=1),
    )
    assert faults_of([]) == ()


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ({"fault": "cut"}, r"^a script of faults is a list of objects"),
        (["cut"], r"^fault 1: 'cut': use an object such as"),
        ([{"fault": "cut"}, {"after": 1}], r'^fault 2: "fault" has to name one$'),
        ([{"fault": "cutt"}], r"^fault 1: there is no 'cutt': did you mean 'cut'\? use one of a"),
        ([{"fault": "xyz"}], r"^fault 1: there is no 'xyz': use one of auth_reject, close, "),
        ([{"fault": "fault"}], r"^fault 1: there is no 'fault'"),
        ([{"fault": "cut", "nth": 1}], r"^fault 1: cut has no 'nth': use one of after, at_s, "),
        ([{"fault": "cut", "aftr": 1}], r"^fault 1: cut has no 'aftr': did you mean 'after'\?"),
        ([{"fault": "skip"}], r"^fault 1: skip needs 'topic'$"),
        ([{"fault": "cut", "how": "x"}], r"^fault 1: cut: how 'x': use one of fin, rst$"),
        ([{"fault": "cut", "after": -1}], r"^fault 1: cut: after -1: use at least 0$"),
        ([{"fault": "cut", "after": "3"}], r"^fault 1: cut: after '3': use a whole number$"),
        ([{"fault": "cut", "after": True}], r"after True: use a whole number$"),
        (
            [{"fault": "mute", "topic": "a", "until_renewed": 1}],
            r"until_renewed 1: use true or false$",
        ),
        ([{"fault": "cut", "after": 1.5}], r"after 1.5: use a whole number$"),
        ([{"fault": "cut", "times": 0}], r"times 0: use at least 1$"),
        ([{"fault": "cut", "for_s": 0}], r"for_s 0: use at least 0.001$"),
        ([{"fault": "cut", "at_s": "1"}], r"at_s '1': use a number$"),
        ([{"fault": "cut", "for_s": []}], r"for_s \[\]: use a number or nothing$"),
        ([{"fault": "skip", "topic": 5}], r"skip: topic 5: use text$"),
        ([{"fault": "refuse", "status": 99}], r"status 99: use at least 200 and at most 599$"),
        ([{"fault": "refuse", "category": "x"}], r"category 'x': use one of inverse, .*nothing$"),
        ([{"fault": "corrupt", "topic": "a", "how": "rst"}], r"use one of cut, reversed$"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(entries, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        faults_of(entries)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_json(tmp_path: Path) -> None:
    (path := tmp_path / "faults.json").write_text("[{")
    with pytest.raises(ValueError, match=r"faults.json is no JSON"):
        Faults.read(path)
    with pytest.raises(OSError, match="nowhere"):
        Faults.read(tmp_path / "nowhere")
