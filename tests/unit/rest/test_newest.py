"""What is made of a list of the newest events, to the millisecond."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from rxbybit.events import DecodeFailed
from rxbybit.mending import LATE_MS, Mark
from rxbybit.rest import api as asking
from rxbybit.rest.newest import Newest
from rxbybit.streams.trade import TRADES
from rxbybit.streams.user_trade import USER_TRADES, UserTrade
from tests.unit.rest.desk import Desk, good, query_of
from tests.virtual import run

NOW_MS = 1_700_000_000_123
"""When :func:`good` answers, by the exchange's clock."""


def row(n: int, at_ms: int) -> dict[str, Any]:
    base = {"execId": f"t{n}", "symbol": "BTCUSD", "price": "10", "size": "1", "side": "Buy"}
    return {**base, "time": str(at_ms), "isBlockTrade": False, "seq": str(n)}


def execution(n: int, at_ms: int) -> UserTrade:
    rest: dict[str, Any] = dict.fromkeys(UserTrade.__struct_fields__[1:])
    rest |= {"symbol": "BTCUSD", "trade_id": f"e{n}", "time_ms": at_ms}
    return UserTrade(**rest)


def after_an_outage(age_ms: int, mark: Mark | None = None) -> Newest:
    """Of a topic that was first sent ``age_ms`` ago."""
    found = Newest(TRADES, "publicTrade.BTCUSD", ["inverse"], age_ms=lambda: age_ms, clock=None)
    found.lost(mark)
    return found


def virtually(body: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await body()

    run(main())


def shown(found: Newest) -> list[tuple[list[str], int | None]]:
    return [([event.id for event in made.events], made.lost) for made in found.take()[0]]


@pytest.mark.parametrize(("age_ms", "lost"), [(100, None), (99, 0)])
def test_a_list_may_have_begun_within_the_millisecond_of_its_first_row(
    age_ms: int, lost: int | None
) -> None:
    """Where it begins as early as the topic was heard, something of that moment may be missing."""

    async def body() -> None:
        found = after_an_outage(age_ms)
        api = Desk(good({"list": [row(2, NOW_MS - 50), row(1, NOW_MS - 100)]})).api()
        assert await found.look(api)
        ((ids, missing),) = shown(found)
        assert ids[-1] == "t2"
        assert missing == lost

    virtually(body)


def test_where_the_exchange_tells_no_time_it_is_when_the_answer_came(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(asking.time, "time_ns", lambda: NOW_MS * 1_000_000)

    async def body() -> None:
        found = after_an_outage(age_ms=1000)
        rows = [row(2, NOW_MS - 1000), row(1, NOW_MS - 1001)]
        assert await found.look(Desk(good({"list": rows}, time=None)).api())
        assert shown(found) == [(["t2"], 0)], "t1 was before anybody listened"

    virtually(body)


@pytest.mark.parametrize(
    ("without", "order"), [((5, 6, 7), ["t6", "t7", "t5"]), ((7,), ["t7", "t5", "t6"])]
)
def test_rows_of_one_moment_without_numbers_stay_as_they_are_listed(
    without: tuple[int, ...], order: list[str]
) -> None:
    async def body() -> None:
        found = after_an_outage(age_ms=1000)
        rows = {n: row(n, NOW_MS - 500) for n in (5, 7, 6)}
        for n in without:
            del rows[n]["seq"]
        assert await found.look(Desk(good({"list": list(rows.values())})).api())
        assert shown(found) == [(order, None)]

    virtually(body)


class Right:
    """A clock that shows what the exchange's does, once it was looked at."""

    def __init__(self) -> None:
        self._shows_ms = 0

    async def look(self, *, fresh: bool = False) -> None:
        self._shows_ms = NOW_MS

    def now_ms(self) -> int:
        return self._shows_ms


DAY_S = 86_400


@pytest.mark.parametrize(("outage_s", "lost"), [(6 * DAY_S - 20, 0), (6 * DAY_S, None)])
def test_of_an_outage_longer_than_the_list_nobody_knows_what_it_cost(
    outage_s: int, lost: int | None
) -> None:
    """The list has seven days, and for one of them the link may have been dead unnoticed."""

    async def body() -> None:
        found = Newest(
            USER_TRADES, "execution", ["inverse"], age_ms=lambda: 30 * DAY_S * 1000, clock=Right()
        )
        assert found.watch is not None
        found.watch.apply(execution(1, NOW_MS - 20 * DAY_S * 1000))
        found.lost(None)
        await asyncio.sleep(outage_s)
        new = {"symbol": "BTCUSD", "execId": "e2", "execPrice": "10", "execQty": "1", "seq": 2}
        new |= {"execType": "Trade", "side": "Buy", "execTime": str(NOW_MS - 1000)}
        desk = Desk(good({"list": [new, "no row"]}))
        await found.look(desk.api())
        assert [type(status) for status in desk.statuses] == [DecodeFailed]
        since_ms = NOW_MS - 7 * DAY_S * 1000 + LATE_MS
        assert query_of(desk.urls[0])["startTime"] == str(since_ms), "not the oldest there is"
        ((made,), _) = found.take()
        assert ([event.trade_id for event in made.events], made.lost) == (["e2"], lost)

    virtually(body)
