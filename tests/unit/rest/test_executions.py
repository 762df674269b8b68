"""Executions of an outage out of REST, on virtual time: each once, or the loss is told."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from rxbybit import DecodeFailed, Disconnected, Gap, RequestFailed, Subscribed, UserTrade
from rxbybit.rest.healing import HELD_S
from rxbybit.streams.user_trade import USER_TRADES
from tests.unit.account import World
from tests.unit.rest.desk import good
from tests.unit.rest.market import Ear
from tests.virtual import run, until

LIST = "/v5/execution/list"
DAY_MS = 86_400_000


def item(n: int, at_ms: int, **more: Any) -> dict[str, Any]:
    base = {"symbol": "BTCUSD", "execId": f"e{n}", "execPrice": "10", "execQty": "1"}
    return {**base, "execType": "Trade", "side": "Buy", "execTime": str(at_ms), "seq": n, **more}


class Book:
    """What was executed, and what the list has of it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rows: list[dict[str, Any]] = []
        self.listing = True
        self.reach_ms = 7 * DAY_MS
        world.transport.lists[LIST] = self.listed
        self.since_ms: int | None = None
        """Since when it lists, instead of what is asked for."""

    def listed(self, query: dict[str, str]) -> list[Any]:
        since = int(query["startTime"]) if self.since_ms is None else self.since_ms
        mine = [r for r in self.rows if r["category"] == query["category"]]
        days = range(since, since + self.reach_ms + 1)  # V5 manual: 7 days from there at most
        new = [r for r in mine if int(r["execTime"]) in days] if self.listing else []
        return [{k: v for k, v in row.items() if k != "category"} for row in new[::-1]]

    def execute(self, category: str = "inverse", **more: Any) -> None:
        row = item(len(self.rows) + 1, self.world.account.now_ms(), category=category, **more)
        self.rows.append(row)
        self.world.account.send("execution", row)


def scenario(body: Callable[[World, Book], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        world = World(**options)
        await body(world, Book(world))
        await world.end()

    run(main())


async def hear(world: World, **options: Any) -> Ear:
    ear = Ear(world.client.user_trades(**options))
    await until(lambda: world.of(Subscribed))
    return ear


async def outage(world: World) -> None:
    """Lose the link, and wait until it is known; nobody gets back in before :func:`back`."""
    known = len(world.of(Disconnected))
    world.transport.hang = True
    world.account.live[0].cut()
    await until(lambda: len(world.of(Disconnected)) > known)


async def back(world: World, known: int) -> None:
    world.transport.hang = False
    await until(lambda: len(world.of(Subscribed)) > known)


def told(ear: Ear) -> list[tuple[str, bool, bool]]:
    return [(e.trade_id, e.meta.backfilled, e.meta.gap is not None) for e in ear.heard]


def test_what_was_executed_meanwhile_comes_by_time_from_every_category() -> None:
    async def body(world: World, book: Book) -> None:
        ear = await hear(world)
        book.execute()
        await until(lambda: ear.heard)
        await outage(world)
        for category in ("linear", "inverse", "spot", "option", "linear"):
            await asyncio.sleep(0.0003)
            world.account.ahead_ms += 10
            book.execute(category)
        await back(world, 1)
        await until(lambda: len(ear.heard) == 6)
        assert told(ear)[1:] == [(f"e{n}", True, False) for n in range(2, 7)]
        assert [e.category for e in ear.heard[1:3]] == ["linear", "inverse"]
        book.execute()
        await until(lambda: len(ear.heard) == 7)
        assert told(ear)[6] == ("e7", False, False)
        (gap,) = world.of(Gap)
        assert (gap.topic, gap.filled, gap.lost) == ("execution", 5, 0)
        asked = world.transport.asked_of(LIST)[:4]
        assert [q["category"] for q in asked] == ["inverse", "linear", "spot", "option"]
        assert {q["startTime"] for q in asked} == {str(ear.heard[0].time_ms - 10_000)}

    scenario(body)


def test_every_page_is_read() -> None:
    async def body(world: World, book: Book) -> None:
        ear = await hear(world)
        book.execute()
        await until(lambda: ear.heard)
        await outage(world)
        for _ in range(3):
            book.execute()
        whole = world.transport.get

        async def paged(url: str, headers: Any = None) -> Any:
            answer = await whole(url, headers)
            if LIST not in url or "category=inverse" not in url:
                return answer
            rows = json.loads(answer.body)["result"]["list"]
            at = int(url.rpartition("cursor=p")[2] or 0) if "cursor=" in url else 0
            cursor = f"p{at + 2}" if at + 2 < len(rows) else ""
            now_ms = world.account.now_ms()
            return good({"list": rows[at : at + 2], "nextPageCursor": cursor}, time=now_ms)

        world.transport.get = paged  # type: ignore[method-assign]
        await back(world, 1)
        await until(lambda: len(ear.heard) == 4)
        assert told(ear)[1:] == [(f"e{n}", True, False) for n in (2, 3, 4)]

    scenario(body)


def test_what_was_before_the_subscription_is_nobodys_loss() -> None:
    async def body(world: World, book: Book) -> None:
        for _ in range(2):
            book.execute()
        await asyncio.sleep(2)
        ear = await hear(world)
        await asyncio.sleep(2)
        await outage(world)
        book.execute()
        await back(world, 1)
        await until(lambda: ear.heard)
        await asyncio.sleep(20)
        assert told(ear) == [("e3", True, False)]

    scenario(body)


@pytest.mark.parametrize("ahead_ms", [-30_000, 30_000])
def test_the_clock_of_this_machine_does_not_matter(ahead_ms: int) -> None:
    async def body(world: World, book: Book) -> None:
        world.account.ahead_ms = ahead_ms
        book.execute()
        await asyncio.sleep(2)
        ear = await hear(world)
        await asyncio.sleep(2)
        await outage(world)
        book.execute()
        await back(world, 1)
        await until(lambda: ear.heard)
        assert told(ear) == [("e2", True, False)]

    scenario(body)


def test_filters_hold_for_what_was_fetched_and_for_its_gap() -> None:
    async def body(world: World, book: Book) -> None:
        linear = await hear(world, category="linear")
        all_but_funding, funding = (
            Ear(world.client.user_trades()),
            Ear(world.client.user_trades(funding=True)),
        )
        book.execute("linear")
        await until(lambda: linear.heard)
        await outage(world)
        book.execute("inverse")
        book.execute("linear", execType="Funding")
        book.execute("linear")
        await back(world, 1)
        await until(lambda: len(linear.heard) == 2 and len(funding.heard) == 4)
        assert told(linear)[1:] == [("e4", True, False)]
        assert [n for n, _, _ in told(all_but_funding)] == ["e1", "e2", "e4"]
        assert [n for n, _, _ in told(funding)] == ["e1", "e2", "e3", "e4"]

    scenario(body)


def test_a_list_that_never_has_what_came_live_leaves_a_gap() -> None:
    async def body(world: World, book: Book) -> None:
        ear = await hear(world)
        book.execute()
        await until(lambda: ear.heard)
        book.listing = False
        await outage(world)
        book.execute()
        await back(world, 1)
        book.execute()
        await until(lambda: len(ear.heard) == 2, within=HELD_S + 1)
        assert told(ear)[1] == ("e3", False, True)

    scenario(body)


def test_what_was_given_up_is_not_told_after_what_followed_it() -> None:
    async def body(world: World, book: Book) -> None:
        ear = await hear(world)
        book.execute()
        await until(lambda: ear.heard)
        book.listing = False
        await outage(world)
        book.execute()
        await back(world, 1)
        await asyncio.sleep(1)
        book.execute()
        await until(lambda: len(ear.heard) == 2, within=HELD_S + 1)
        book.listing = True
        await outage(world)
        await asyncio.sleep(0.001)
        book.execute()
        await back(world, 2)
        await until(lambda: len(ear.heard) == 3)
        await asyncio.sleep(20)
        assert told(ear)[1:] == [("e3", False, True), ("e4", True, False)]

    scenario(body)


def test_what_is_listed_before_it_comes_live_comes_once() -> None:
    """Two things of one moment: the list has them in another order than the socket."""

    async def body(world: World, book: Book) -> None:
        ear = await hear(world)
        book.execute()
        await until(lambda: ear.heard)
        await outage(world)
        await back(world, 1)
        await asyncio.sleep(5)
        send, late = world.account.send, list[dict[str, Any]]()
        book.execute()
        world.account.send = lambda topic, row: late.append(row)  # type: ignore[method-assign]
        for category in ("inverse", "linear"):
            book.execute(category)
        await until(lambda: len(ear.heard) >= 4)
        for row in reversed(late):
            send("execution", row)
            await asyncio.sleep(0.1)
        world.account.send = send  # type: ignore[method-assign]
        world.account.ahead_ms += 60_000
        book.execute()
        book.execute()
        await until(lambda: len(ear.heard) == 6)
        assert [n for n, _, _ in told(ear)] == [f"e{n}" for n in range(1, 7)]
        assert not any(torn for _, _, torn in told(ear))

    scenario(body)


@pytest.mark.parametrize("reach_ms", [15_000, 60_000])
def test_an_outage_longer_than_the_list_reaches_leaves_a_gap(
    monkeypatch: pytest.MonkeyPatch, reach_ms: int
) -> None:
    assert USER_TRADES.recent is not None
    assert USER_TRADES.recent.reach_ms == 7 * DAY_MS, "V5 manual, Get Trade History"
    shorter = dataclasses.replace(USER_TRADES.recent, reach_ms=reach_ms)
    monkeypatch.setattr(USER_TRADES, "recent", shorter)

    async def body(world: World, book: Book) -> None:
        ear = await hear(world)
        await asyncio.sleep(20)
        await outage(world)
        book.execute()
        await back(world, 1)
        await until(lambda: ear.heard)
        (gap,) = world.of(Gap)
        assert (gap.filled, gap.lost) == (1, None if reach_ms < 20_000 else 0)

    scenario(body)


def test_an_account_that_was_quiet_for_longer_than_that_is_healed_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The list goes so far from the time that is asked for, and the last one was before."""
    assert USER_TRADES.recent is not None
    shorter = dataclasses.replace(USER_TRADES.recent, reach_ms=2 * DAY_MS)
    monkeypatch.setattr(USER_TRADES, "recent", shorter)

    async def body(world: World, book: Book) -> None:
        ear = await hear(world)
        book.execute()
        await until(lambda: ear.heard)
        book.reach_ms = 2 * DAY_MS
        await asyncio.sleep(4 * DAY_MS / 1000)
        await outage(world)
        book.execute()
        await back(world, 1)
        await until(lambda: len(ear.heard) == 2)
        book.execute()
        await until(lambda: len(ear.heard) == 3)
        assert told(ear)[1:] == [("e2", True, False), ("e3", False, False)]
        (gap,) = world.of(Gap)
        assert (gap.filled, gap.lost) == (1, 0)

    scenario(body)


def test_a_refused_request_leaves_a_gap_and_the_stream_goes_on() -> None:
    async def body(world: World, book: Book) -> None:
        ear = await hear(world)
        book.execute()
        await until(lambda: ear.heard)
        world.transport.refusal = (10005, "Permission denied")
        await outage(world)
        book.execute()
        await back(world, 1)
        book.execute()
        await until(lambda: len(ear.heard) == 2)
        assert told(ear)[1] == ("e3", False, True)
        assert not ear.errors
        failed = world.of(RequestFailed)
        assert {(f.reason, f.delay_s) for f in failed} == {("Permission denied (code 10005)", None)}
        assert {f.url for f in failed} == {f"http://exchange{LIST}"}
        (gap,) = world.of(Gap)
        assert world.statuses.index(failed[0]) < world.statuses.index(gap)

    scenario(body)


def test_gaps_mark_asks_nothing() -> None:
    async def body(world: World, book: Book) -> None:
        ear = await hear(world)
        book.execute()
        await until(lambda: ear.heard)
        await outage(world)
        book.execute()
        await back(world, 1)
        book.execute()
        await until(lambda: len(ear.heard) == 2)
        assert told(ear)[1] == ("e3", False, True)
        assert world.transport.asked_of(LIST) == []

    scenario(body, gaps="mark")


def test_recorded_rows_are_read(frames: Path) -> None:
    """Every row of the recorded answers becomes an execution of the category beside the list."""
    text = (frames / "v5/rest_execution_list.jsonl").read_text()
    answers = [json.loads(line) for line in text.splitlines()]
    assert len(answers) >= 2

    async def body(world: World, book: Book) -> None:
        ear = await hear(world)
        book.execute(execTime=str(1_600_000_000_000))
        await until(lambda: ear.heard)
        expected = [
            (row["execId"], str(row["execPrice"]), answer["result"]["category"])
            for answer in answers
            for row in answer["result"]["list"]
        ]
        rows = {
            row["execId"]: row | {"category": answer["result"]["category"]}
            for answer in answers
            for row in answer["result"]["list"]
        }
        book.rows += rows.values()
        book.since_ms, book.reach_ms = 0, 2_000_000_000_000  # they are years old
        await outage(world)
        await back(world, 1)
        await until(lambda: len(ear.heard) == 1 + len(rows))
        got = {
            (e.trade_id, str(e.price), e.category)
            for e in ear.heard[1:]
            if isinstance(e, UserTrade)
        }
        assert got <= set(expected)
        assert len(got) == len(rows)
        assert world.of(DecodeFailed) == []

    scenario(body)
