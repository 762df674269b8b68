"""The benchmark's figures: what they are made of, and that a client that fails is told."""

from __future__ import annotations

import pytest

from tests.perf import suite
from tests.perf.run import Feed, Result
from tests.perf.suite import BOOKS, CEILING, FLOAT, OURS, QUICK, ROWS, Case, Row

pytestmark = pytest.mark.timeout(60)


def row(name: str) -> Row:
    (found,) = [row for row in ROWS if row.name == name]
    return found


def result(**numbers: float) -> Result:
    return {"delivered": [50, 130], "messages": 100, **numbers}


def test_throughput_is_a_ratio_of_the_same_round() -> None:
    results = {OURS: result(messages_per_s=300), CEILING: result(messages_per_s=200)}
    assert suite.figure_of(row("throughput / ceiling"), results) == 1.5
    results = {FLOAT: result(messages_per_s=300), CEILING: result(messages_per_s=150)}
    assert suite.figure_of(row("numbers=float: throughput / ceiling"), results) == 2


def test_kept_books_are_set_against_a_reader_without_any() -> None:
    results = {BOOKS: result(messages_per_s=300), CEILING: result(messages_per_s=400)}
    kept = row("books kept: throughput / ceiling")
    assert suite.figure_of(kept, results) == 0.75
    assert kept.goal == ">= 0.8"
    alone = row("books kept, of books alone: throughput / ceiling")
    assert {suite.plan_of(case, 1)["mix"] for case in alone.needs} == {"books"}


def test_what_disturbs_is_set_against_as_many_who_do_not() -> None:
    found = row("p99 at 1,000 messages/s, 100 subscribers: disturbed / not")
    plain, disturbed = found.needs
    assert (plain.beside, disturbed.beside) == ("plain", "disturbed")
    assert plain._replace(beside="disturbed") == disturbed
    assert plain.subscribers + 3 == 100
    assert suite.plan_of(disturbed, 1)["mode"] == "paced"
    results = {plain: result(p99_us=100), disturbed: result(p99_us=110)}
    assert suite.figure_of(found, results) == pytest.approx(1.1)
    assert found.goal == "<= 1.2"


def test_a_further_delivery_is_what_one_subscriber_more_costs() -> None:
    many = Case("rxbybit", subscribers=10)
    results = {OURS: result(cpu_us=10.0), many: result(cpu_us=11.62)}
    found = suite.figure_of(row("a further delivery, 10 subscribers"), results)
    assert found == pytest.approx(1.62 / 9 / 1.8)


def test_many_topics_are_set_against_what_they_cost_the_ceiling() -> None:
    results = {
        suite.OURS_FEW: result(cpu_us=10.0),
        suite.OURS_MANY: result(cpu_us=15.0),
        suite.CEILING_FEW: result(cpu_us=5.0),
        suite.CEILING_MANY: result(cpu_us=6.0),
    }
    found = suite.figure_of(row("1,000 topics against 4, over the ceiling's own"), results)
    assert found == pytest.approx(1.25)


def test_a_row_without_its_clients_has_no_result_and_harms_no_other() -> None:
    good = {OURS: result(messages_per_s=2, cpu_us=2), CEILING: result(messages_per_s=1, cpu_us=1)}
    bad = {**good, FLOAT: {"error": "no"}}
    assert suite.figure_of(row("numbers=float: throughput / ceiling"), bad) is None
    rows = (row("throughput / ceiling"), row("numbers=float: throughput / ceiling"))
    head, throughput, floats = suite.table(rows, [bad, bad | {OURS: result(messages_per_s=4)}])
    assert head.split() == ["median", "least", "most", "goal"]
    assert throughput.split()[-5:] == ["3.00", "2.00", "4.00", ">=", "1.0"]
    assert floats.split()[-2:] == ["no", "result"]


def test_the_quick_rows_wait_for_no_clock() -> None:
    assert {case.mix for case in suite.cases(QUICK)} == {"usual"}
    assert {case.rate for case in suite.cases(QUICK)} == {0}
    assert {case.rate for case in suite.cases(ROWS)} == {0, 1_000, 5_000, 20_000}


def test_a_case_is_played_once_a_round_and_the_order_turns() -> None:
    wanted = suite.cases(ROWS)
    assert len(set(wanted)) == len(wanted)
    assert suite.plan_of(Case("rxbybit", subscribers=100), 110_000)["messages"] == 10_000
    assert suite.plan_of(Case("rxbybit", rate=5_000), 1)["mode"] == "paced"


def test_a_round_is_measured_from_end_to_end() -> None:
    subscribers = Case("rxbybit", symbols=2, subscribers=2)
    ceiling = Case("leanest", symbols=2)
    held = Case("rxbybit", symbols=2, books="held", mix="books")
    needs = (ceiling, subscribers, held)
    rows = (Row("x", "", needs, lambda of: of(subscribers, "cpu_us")),)
    server = Feed(None)
    try:
        (results,) = suite.rounds(server, rows, 1, 1_000, None)
    finally:
        server.close()
    assert [case for case, found in results.items() if "error" in found] == []
    found = suite.figure_of(rows[0], results)
    assert found is not None
    assert found > 0
    once, twice = (suite.number(results[c], "deliveries_a_message") for c in (ceiling, subscribers))
    # an opening and a closing trade, and nothing but books between them
    assert results[held]["delivered"] == [1, 1_000]
    assert twice > once > 0.9  # one call a message, against two subscribers with one a trade
