"""The limit of an address, on a clock of the test's own."""

from __future__ import annotations

import pytest

from rxbybit.sim.rest import Quota


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_so_many_in_any_window() -> None:
    clock = Clock()
    quota = Quota(3, window_s=5.0, rest_s=0.0, clock=clock)
    assert quota.allows()
    clock.now += 4.0
    assert quota.allows()
    assert quota.allows()
    assert not quota.allows()
    clock.now += 0.999
    assert not quota.allows()
    clock.now += 0.001
    assert quota.allows()
    assert not quota.allows()
    clock.now += 4.0
    assert [quota.allows() for _ in range(3)] == [True, True, False]


def test_whoever_was_refused_rests() -> None:
    clock = Clock()
    quota = Quota(1, clock=clock)
    assert quota.allows()
    assert not quota.allows()
    for _ in range(6):
        clock.now += 99.9
        assert not quota.allows()
    clock.now += 0.7
    assert quota.allows()


def test_the_limit_of_the_exchange() -> None:
    quota = Quota(clock=Clock())
    assert [quota.allows() for _ in range(601)] == [True] * 600 + [False]


@pytest.mark.parametrize("arguments", [{"most": 0}, {"window_s": 0}, {"rest_s": -1}])
def test_what_makes_no_sense_is_refused(arguments) -> None:
    with pytest.raises(ValueError, match="requests in"):
        Quota(**arguments)
