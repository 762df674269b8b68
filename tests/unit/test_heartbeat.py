"""A dead peer is noticed within 1.5 intervals; a quiet one, or a busy loop, is not one."""

from __future__ import annotations

import asyncio

import pytest

from rxbybit.heartbeat import Heartbeat
from tests.virtual import VirtualLoop, run


class Peer:
    """Answers pings until it dies."""

    def __init__(self, interval: float, dies_at: float = float("inf")) -> None:
        self.loop = asyncio.get_running_loop()
        self.pings: list[float] = []
        self.died: list[float] = []
        self.start = self.loop.time()
        self.dies_at = self.start + dies_at
        self.heart = Heartbeat(self.loop, interval, ping=self.ping, dead=self.dead)

    def ping(self) -> None:
        self.pings.append(self.loop.time() - self.start)
        if self.loop.time() < self.dies_at:
            self.loop.call_later(0.1, self.frame)

    def frame(self) -> None:
        self.heart.heard = True

    def dead(self) -> None:
        self.died.append(self.loop.time() - self.start)


def test_it_pings_every_interval_and_stays_content() -> None:
    async def main() -> None:
        peer = Peer(20.0)
        await asyncio.sleep(101)
        assert peer.pings == pytest.approx([20, 40, 60, 80, 100])
        assert peer.died == []

    run(main())


@pytest.mark.parametrize("dies_at", [0.0, 0.5, 19.9, 20.05, 30.0, 39.9, 59.0])
def test_death_is_noticed_within_one_and_a_half_intervals(dies_at: float) -> None:
    async def main() -> None:
        peer = Peer(20.0, dies_at)
        await asyncio.sleep(dies_at + 30.001)
        assert len(peer.died) == 1
        assert peer.died[0] - dies_at <= 30.0

    run(main())


def test_any_frame_is_as_good_as_a_pong() -> None:
    async def main() -> None:
        peer = Peer(20.0, dies_at=0.0)
        for _ in range(20):
            await asyncio.sleep(9)
            peer.frame()
        assert peer.died == []

    run(main())


def test_a_late_loop_reads_first_and_judges_then() -> None:
    async def main() -> None:
        peer = Peer(20.0)
        await asyncio.sleep(29.0)
        peer.heart.heard = False  # the pong lies unread in the socket ...
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.now += 60.0  # ... while a callback holds the loop past the deadline
        loop.call_later(0.05, peer.frame)
        await asyncio.sleep(0.2)
        assert peer.died == []
        await asyncio.sleep(60.0)
        assert peer.died == []

    run(main())


def test_a_loop_late_by_a_moment_is_late() -> None:
    async def main() -> None:
        peer = Peer(20.0, dies_at=0.0)
        await asyncio.sleep(29.99)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.now += 0.05
        await asyncio.sleep(0.01)
        assert peer.died == []
        await asyncio.sleep(2.0)
        assert len(peer.died) == 1

    run(main())


def test_a_deadline_is_put_off_once_only() -> None:
    async def main() -> None:
        peer = Peer(20.0, dies_at=0.0)
        await asyncio.sleep(29.0)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.now += 5.0
        await asyncio.sleep(0.1)
        assert peer.died == []
        await asyncio.sleep(1.8)
        assert peer.died == []
        loop.now += 5.0  # late again: no second delay
        await asyncio.sleep(0.2)
        assert len(peer.died) == 1

    run(main())


def test_stopped_it_does_nothing() -> None:
    async def main() -> None:
        peer = Peer(20.0, dies_at=0.0)
        await asyncio.sleep(25)
        peer.heart.stop()
        await asyncio.sleep(100)
        assert (len(peer.pings), peer.died) == (1, [])

    run(main())
