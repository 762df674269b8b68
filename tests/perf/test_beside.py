"""Who disturbs the others in the benchmark does so, and what the others feel is told."""

from __future__ import annotations

import asyncio
import re

import pytest

from tests.fakes import Client, Feed, virtually
from tests.operators.market import trade
from tests.perf import beside

pytestmark = pytest.mark.timeout(60)


def test_one_raises_one_leaves_and_one_takes_a_tenth() -> None:
    async def main() -> None:
        feed, client = Feed(), Client()
        tenths = asyncio.Semaphore(0)
        async with beside.beside("disturbed", feed.stream(origin=client), tenths.acquire):
            await asyncio.sleep(0.1)
            assert len(feed.observers) == 3
            for number in range(1, 251):
                feed.send(trade(number))
                if number % 10 == 0:
                    tenths.release()
                    await asyncio.sleep(0.01)
            assert feed.disposed == 4  # of two of them, at every hundredth
            await asyncio.sleep(2)
            # it had taken one and 24 more when the last ten came, and its buffer holds a hundred
            assert sum(client.drops) == 250 - 25 - 100

    virtually(main())


def test_what_the_others_feel_is_a_ratio() -> None:
    head, *rows = beside.lines(rounds=1, frames=50)
    assert "disturbed / not" in head
    for name, row in zip(("p50", "p99"), rows, strict=True):
        found = re.fullmatch(rf"{name} ([0-9]+) / ([0-9]+) = ([0-9.]+)", row)
        assert found
        assert float(found[3]) == pytest.approx(int(found[1]) / int(found[2]), rel=0.1)
