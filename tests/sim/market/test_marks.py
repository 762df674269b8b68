"""Open interest follows the trades; funding stays in its bounds."""

from __future__ import annotations

from rxbybit.sim.market.index import Index
from rxbybit.sim.market.marks import Marks
from tests.sim.market.journal import START_MS, small


def test_open_interest_moves_with_the_index_step_and_never_ends() -> None:
    marks = Marks(small(), Index("seed", 65_000.0), START_MS)
    held, version = marks.interest, marks.version
    steps = set()
    for number in range(300):
        marks.traded(number, 10)
        assert marks.interest == held
        marks.move()
        steps.add(marks.interest - held)
        held = marks.interest
        marks.move()
        assert marks.interest == held
    assert steps == {-10, 0, 10}
    assert marks.version > version
    closing = next(n for n in range(9) if (n * 2_654_435_761 >> 7) % 3 == 0)
    marks.traded(closing, held * 2)
    marks.move()
    assert marks.interest == 500


def test_the_funding_rate_follows_the_premium_within_its_cap() -> None:
    marks = Marks(small(), Index("seed", 65_000.0), START_MS)
    assert marks.rate == 10_000
    marks.minute(START_MS, 130_130)
    assert marks.rate == 10_000 + 10_000
    marks.move()
    assert marks.mark == 6_500_000 * 10_001 // 10_000
    for last, bound in ((200_000, 500_000), (10_000, -500_000)):
        for _ in range(60):
            marks.minute(START_MS, last)
        assert marks.rate == bound
