"""The past of a topic out of pages that go back in time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal as D
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from rxbybit.config import Category
from rxbybit.events import DecodeFailed, Meta
from rxbybit.rest.backfill import LATE_MS, Past, fetch, past_of
from rxbybit.streams.kline import KLINES, Kline, end_of
from rxbybit.transport import Answer
from tests.unit.rest.desk import BASE, Desk, good, query_of
from tests.virtual import run

MINUTE = 60_000
NOW_MS = 1_700_000_000_000 + 40 * 1000  # a minute begins here
NOW = NOW_MS // MINUTE


def row(n: int, length_ms: int = MINUTE) -> list[str]:
    return [str(n * length_ms), "10", "12", "9.5", str(n), "7", "0.1"]


class Market:
    """Has candles from ``first`` to ``last``, the last one unfinished; the page is ``page``."""

    def __init__(self, *, first: int = 0, last: int = NOW, page: int = 1000) -> None:
        self.first, self.last, self.page = first, last, page
        self.late_ms = 30_000

    def __call__(self, url: str) -> Answer:
        query = query_of(url)
        end = min(int(query.get("end", NOW_MS * 2)) // MINUTE, self.last)
        start = max(-(-int(query.get("start", 0)) // MINUTE), self.first)
        count = min(int(query["limit"]), self.page)
        rows = [row(n) for n in range(end, end - count, -1) if n >= start]
        time_ms = self.last * MINUTE + self.late_ms
        return good({"list": rows}, time=time_ms)


def past(interval: str = "1", category: Category = "inverse") -> Past:
    return past_of(KLINES, "v5", category, f"kline.{interval}.BTCUSD")


def virtually(body: Callable[[Desk], Awaitable[None]]) -> None:
    async def main() -> None:
        await body(Desk())

    run(main())


async def starts(desk: Desk, count: int, **options: Any) -> list[int]:
    return [e.start_ms // MINUTE for e in await fetch(desk.api(), past(), count, **options)]


def test_a_row_becomes_a_closed_candle() -> None:
    async def body(desk: Desk) -> None:
        desk.always = Market()
        (one,) = await fetch(desk.api(), past("1", "spot"), 1)
        assert one == Kline(
            symbol="BTCUSD",
            interval="1m",
            start_ms=NOW_MS - MINUTE,
            end_ms=NOW_MS - 1,
            open=D(10),
            high=D(12),
            low=D("9.5"),
            close=D(NOW - 1),
            volume=D(7),
            turnover=D("0.1"),
            closed=True,
            time_ms=None,
        )
        assert one.meta == Meta(
            topic="kline.1.BTCUSD",
            kind="snapshot",
            sent_ms=NOW_MS + 30_000,
            received_ns=one.meta.received_ns,
            backfilled=True,
        )
        assert one.meta.received_ns > 0
        assert desk.urls == [
            f"{BASE}/v5/market/kline?category=spot&symbol=BTCUSD&interval=1&limit=2"
        ]

    virtually(body)


def test_the_unfinished_one_is_left_out_and_pages_go_back() -> None:
    async def body(desk: Desk) -> None:
        desk.always = Market(page=1000)
        assert await starts(desk, 2500) == list(range(NOW - 2500, NOW))
        queries = [query_of(url) for url in desk.urls]
        assert [int(q["limit"]) for q in queries] == [1000, 1000, 501]
        assert [q.get("end") for q in queries] == [
            None,
            str((NOW - 999) * MINUTE - 1),
            str((NOW - 1999) * MINUTE - 1),
        ]

    virtually(body)


def test_before_is_exclusive_and_nothing_of_it_is_unfinished() -> None:
    async def body(desk: Desk) -> None:
        desk.always = Market()
        before = (NOW - 5) * MINUTE
        assert await starts(desk, 3, before=before) == [NOW - 8, NOW - 7, NOW - 6]
        assert await starts(desk, 3, before=NOW_MS) == [NOW - 3, NOW - 2, NOW - 1]

    virtually(body)


def test_after_is_exclusive() -> None:
    async def body(desk: Desk) -> None:
        desk.always = Market()
        found = await starts(desk, 1000, before=NOW_MS, after=(NOW - 4) * MINUTE)
        assert found == [NOW - 3, NOW - 2, NOW - 1]
        assert await starts(desk, 9, before=NOW_MS, after=NOW_MS - MINUTE) == []

    virtually(body)


@pytest.mark.parametrize(("late_ms", "counts"), [(-1, 0), (0, 0), (LATE_MS - 1, 0), (LATE_MS, 1)])
def test_the_newest_counts_once_its_end_is_a_while_ago(late_ms: int, counts: int) -> None:
    async def body(desk: Desk) -> None:
        market = desk.always = Market()
        market.late_ms = MINUTE + late_ms
        assert await starts(desk, 2) == [NOW - 2 + counts, NOW - 1 + counts]

    virtually(body)


def test_a_young_listing_has_fewer() -> None:
    async def body(desk: Desk) -> None:
        desk.always = Market(first=NOW - 3)
        assert await starts(desk, 10) == [NOW - 3, NOW - 2, NOW - 1]
        desk.always = Market(first=NOW)
        assert await starts(desk, 10) == []
        desk.always = Market(first=NOW + 1)
        assert await starts(desk, 10) == []
        assert len(desk.asked) == 3

    virtually(body)


def test_a_list_of_exactly_one_page_ends() -> None:
    async def body(desk: Desk) -> None:
        desk.always = Market(first=NOW - 1999)
        assert len(await starts(desk, 5000)) == 1999
        assert len(desk.asked) == 3

    virtually(body)


def test_a_server_that_ignores_the_end_is_no_endless_loop() -> None:
    async def body(desk: Desk) -> None:
        desk.always = lambda url: good({"list": [row(n) for n in range(1000, 0, -1)]})
        assert len(await starts(desk, 5000)) == 1000
        assert len(desk.asked) == 2

    virtually(body)


def test_order_and_repeats_of_the_answer_do_not_matter() -> None:
    async def body(desk: Desk) -> None:
        rows = [row(n) for n in (5, 7, 6, 7, 8)]
        desk.always = lambda url: good({"list": rows}, time=8 * MINUTE + 1)
        assert await starts(desk, 10) == [5, 6, 7]

    virtually(body)


@pytest.mark.parametrize(
    "broken",
    [["x", *row(6)[1:]], [*row(6)[:2], "NaN", *row(6)[3:]], row(6)[:4], "row", None, {}, []],
)
def test_a_row_that_does_not_decode_costs_itself(broken: Any) -> None:
    async def body(desk: Desk) -> None:
        desk.always = lambda url: good({"list": [row(8), row(7), broken, row(5)]}, time=8 * MINUTE)
        assert await starts(desk, 10) == [5, 7]
        (status,) = desk.statuses
        assert isinstance(status, DecodeFailed)
        assert status.topic == "kline.1.BTCUSD"

    virtually(body)


def test_numbers_are_what_the_client_wants() -> None:
    async def body(desk: Desk) -> None:
        desk.always = Market()
        (one,) = await fetch(desk.api(numbers=float), past(), 1)
        assert type(one.open) is float

    virtually(body)


@given(
    first=st.integers(0, 60),
    last=st.integers(0, 60),
    count=st.integers(1, 70),
    before=st.none() | st.integers(0, 70),
    after=st.integers(-1, 60),
    page=st.integers(1, 9),
)
def test_pages_of_any_size_give_the_newest_that_there_are(
    first: int, last: int, count: int, before: int | None, after: int, page: int
) -> None:
    async def body(desk: Desk) -> None:
        desk.always = Market(first=first, last=last)
        here = past()
        changed = {n: getattr(here.history, n) for n in here.history.__dataclass_fields__}
        history = type(here.history)(**{**changed, "page": page + (before is None)})
        options: dict[str, Any] = {} if before is None else {"before": before * MINUTE}
        found = await fetch(
            desk.api(),
            Past(history, here.category, here.topic, here.given),
            count,
            after=after * MINUTE if after >= 0 else -1,
            **options,
        )
        there = [n for n in range(first, last + 1) if n > after]
        closed = [n for n in there if (n < last if before is None else n < before)]
        assert [e.start_ms // MINUTE for e in found] == closed[-count:]

    virtually(body)


@pytest.mark.parametrize(
    ("start", "interval", "end"),
    [
        ("2024-02-29T23:59", "1m", "2024-03-01T00:00"),
        ("2024-02-29T20:00", "4h", "2024-03-01T00:00"),
        ("2024-12-31T12:00", "12h", "2025-01-01T00:00"),
        ("2024-12-31T00:00", "1d", "2025-01-01T00:00"),
        ("2024-12-30T00:00", "1w", "2025-01-06T00:00"),
        ("2024-02-01T00:00", "1M", "2024-03-01T00:00"),
        ("2023-12-01T00:00", "1M", "2024-01-01T00:00"),
    ],
)
def test_where_a_candle_ends(start: str, interval: str, end: str) -> None:
    from datetime import datetime

    began, ended = (datetime.fromisoformat(f"{text}+00:00").timestamp() for text in (start, end))
    assert end_of(int(began) * 1000, interval) == int(ended) * 1000 - 1


@pytest.mark.parametrize("code", ["1", "3", "240", "720", "D", "W", "M"])
def test_the_interval_is_asked_for_as_the_wire_spells_it(code: str) -> None:
    async def body(desk: Desk) -> None:
        desk.always = lambda url: good({"list": []})
        assert await fetch(desk.api(), past(code), 5) == []
        assert query_of(desk.urls[0])["interval"] == code

    virtually(body)
