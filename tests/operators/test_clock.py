"""Exchange time, carried on by a scheduler."""

from __future__ import annotations

from typing import Any

from reactivex.testing import TestScheduler

from rxbybit.operators.clock import ExchangeClock


def test_a_scheduler_that_is_set_back_does_not_take_time_back() -> None:
    class SetBack(TestScheduler):
        now: Any = TestScheduler().to_datetime(100)

    scheduler = SetBack()
    clock = ExchangeClock(scheduler)
    clock.saw(5_000)
    scheduler.now = scheduler.to_datetime(103)
    assert clock.now_ms == 8_000
    scheduler.now = scheduler.to_datetime(90)
    assert clock.now_ms == 5_000
