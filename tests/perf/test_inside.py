"""What the measure in one process hands over: everything, to whom it should be."""

from __future__ import annotations

from typing import Any

import pytest

from tests.perf import inside
from tests.perf.script import Script

pytestmark = pytest.mark.timeout(60)


@pytest.mark.parametrize("case", inside.CASES)
def test_every_message_arrives_as_the_case_says(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    script, heard = Script("linear", 2, 300), list[Any]()
    monkeypatch.setattr(inside, "_hear", heard.append)
    monkeypatch.setattr(inside, "_holder", lambda: heard.append)
    inside.each_us(case, script)
    names = {type(event).__name__ for event in heard}
    books = {"ceiling": {"BookUpdate"}, "updates": {"BookSnapshot", "BookDelta"}}
    assert names & {"BookUpdate", "BookSnapshot", "BookDelta", "OrderBook"} == books.get(
        case, {"OrderBook"}
    )
    messages = len(script.snapshots) + len(script.messages)
    single = script.trades_in.count(0) + len(script.snapshots)
    assert len(heard) == (messages if case == "ceiling" else single + sum(script.trades_in))


def test_who_holds_a_book_lets_the_one_before_go() -> None:
    hold, books = inside._holder(), [object(), object()]
    hold(books[0])
    hold(books[1])
    assert [cell.cell_contents for cell in hold.__closure__ or ()] == [books[1]]


def test_what_fails_is_not_measured() -> None:
    take = inside.takers("kept", Script("linear", 1, 1))["orderbook.50.BTCUSDT"]
    with pytest.raises(Exception, match="data"):
        take(b'{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1,"data":{}}')


def test_a_line_a_case() -> None:
    head, *lines = inside.table(50, 2)
    assert head.split() == ["us", "a", "message", "usual", "books"]
    assert [line.split()[0] for line in lines] == list(inside.CASES)
    assert all(0 <= float(figure) < 1e6 for line in lines for figure in line.split()[1:])
