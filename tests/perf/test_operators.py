"""The table of what operators cost: that it is whole, and that what it times does its work."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest
import reactivex
from reactivex import operators as ops

from rxbybit import operators as rxo
from tests.perf import operators
from tests.perf.operators import PAIRS
from tests.perf.played import Case, Spent, events_of, spent_us

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def events() -> dict[str, list[Any]]:
    return events_of(200)


def test_every_operator_has_its_line() -> None:
    named = {name for name in rxo.__all__ if inspect.isfunction(getattr(rxo, name))}
    assert {ours.name.partition("(")[0] for ours, _ in PAIRS} == named


def test_both_of_a_line_hear_the_same_events() -> None:
    for ours, theirs in PAIRS:
        if theirs is not None:
            assert (ours.events, ours.beside, ours.later) == theirs[1:2] + theirs[3:]


def test_there_is_something_of_each_kind_in_its_place(events: dict[str, list[Any]]) -> None:
    for kind, found in events.items():
        assert 50 < len(found) <= 200, kind
        places = [place for place, _ in found]
        assert places == sorted(places)
    assert {book.state for _, book in events["books"]} == {"synced"}
    assert events["books"][9][1].update_id == events["updates"][9][1].update_id
    assert [candle.closed for _, candle in events["candles"][:8]] == [False, False, False, True] * 2
    assert {ticker.mark_price is None for _, ticker in events["tickers"]} == {False}


def test_each_operator_gives_something_of_its_events(events: dict[str, list[Any]]) -> None:
    """What gives nothing was not measured: a join whose trades come too early, for one."""

    def counted(case: Case) -> tuple[Case, list[Any]]:
        got: list[Any] = []
        count = ops.do_action(got.append)
        return case._replace(
            operator=lambda other: lambda source: source.pipe(case.operator(other), count)
        ), got

    async def run() -> set[str]:
        empty: set[str] = set()
        for ours, _ in PAIRS:
            case, got = counted(ours)
            await spent_us(case, events)
            if not got:
                empty.add(ours.name)
        return empty

    # a bar of which is longer than these events go on
    assert asyncio.run(run()) == {"bars('500 trades')"}


def test_what_costs_is_with_the_operator_less_without_it() -> None:
    assert operators.cost_of([Spent(9, 4), Spent(7, 5), Spent(8, 3)]) == 4


def test_a_table_has_ours_and_theirs_side_by_side() -> None:
    found = {case: float(len(case.name)) for pair in PAIRS for case in pair if case is not None}
    head, first, second, *_ = operators.table(found)
    assert head.split() == ["us", "an", "event", "rxbybit", "reactivex"]
    assert first.split() == ["bars('500", "trades')", "18.00", "buffer_with_count(500)", "22.00"]
    assert second.split() == ["bars('1m')", "10.00"]


def test_it_is_measured_from_end_to_end() -> None:
    assert len(list(operators.lines(count=40, rounds=1))) == len(PAIRS) + 1


def test_an_error_of_an_operator_is_told(events: dict[str, list[Any]]) -> None:
    failing = Case("odd", "trades", lambda _: ops.map(lambda trade: 1 / 0))
    with pytest.raises(RuntimeError, match="odd: 0 of 200 came"):
        asyncio.run(spent_us(failing, events))


def test_what_comes_later_is_waited_for(events: dict[str, list[Any]]) -> None:
    silent = Case("silent", "trades", lambda _: lambda _: reactivex.never(), later=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.perf.played.PATIENCE_S", 0.05)
        with pytest.raises(RuntimeError, match="silent: 0 of 200 came"):
            asyncio.run(spent_us(silent, events))
