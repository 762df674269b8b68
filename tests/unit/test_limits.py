"""At most so many connects in a window, whoever asks."""

from __future__ import annotations

import threading

import hypothesis.strategies as st
import pytest
from hypothesis import given

from rxbybit.dialling import UPGRADE_S
from rxbybit.limits import CONNECTS, REQUESTS, ConnectLedger, RequestLedger


def test_connects_wait_once_the_window_is_full() -> None:
    now = 100.0
    ledger = ConnectLedger(3, 300.0, clock=lambda: now)
    assert [ledger.reserve() for _ in range(3)] == [0.0, 0.0, 0.0]
    now = 150.0
    waits = [ledger.reserve() for _ in range(4)]
    assert waits == pytest.approx([250.0, 250.1, 250.2, 550.0])
    now = 401.0
    assert ledger.reserve() == pytest.approx(299.1)


def test_who_comes_while_others_wait_comes_after_them() -> None:
    now = 0.0
    ledger = ConnectLedger(3, 10.0, clock=lambda: now)
    waits = [ledger.reserve() for _ in range(6)]
    assert waits == pytest.approx([0.0, 0.0, 0.0, 10.0, 10.1, 10.2])
    ledger.give_back()
    ledger.give_back()
    now = 10.05  # there is room for two more, and somebody waits until 10.2
    assert [ledger.reserve() for _ in range(2)] == pytest.approx([0.25, 0.35])
    assert list(ledger._made[""]) == sorted(ledger._made[""])


def test_no_window_ever_holds_more_than_the_limit() -> None:
    now, made = 0.0, list[float]()
    ledger = ConnectLedger(5, 60.0, clock=lambda: now)
    for step in range(200):
        now += (step * 7919) % 11
        made.append(now + ledger.reserve())
    assert made == sorted(made)
    for first, sixth in zip(made, made[5:], strict=False):
        assert sixth - first >= 60.0


def test_each_host_has_an_account_and_what_was_not_made_is_given_back() -> None:
    ledger = ConnectLedger(2, 300.0, clock=lambda: 0.0)
    assert [ledger.reserve("a") for _ in range(3)] == [0.0, 0.0, 300.0]
    assert ledger.reserve("b") == 0.0
    ledger.give_back("a")
    ledger.give_back("a")
    assert [ledger.reserve("a") for _ in range(2)] == [0.0, 300.0]


STEPS = st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=60)


@given(STEPS, st.integers(1, 4))
def test_whoever_gives_back_the_limit_is_kept_by_the_others(
    steps: list[tuple[int, bool]], limit: int
) -> None:
    """Any of those who wait may leave: what is left of the others never breaks the limit."""
    now, made, waiting = 0.0, list[float](), list[float]()
    ledger = ConnectLedger(limit, 10.0, clock=lambda: now)
    for number, leaves in steps:
        now += number % 8 / 2
        made += [at for at in waiting if at <= now]
        waiting = [at for at in waiting if at > now]
        if leaves and waiting:
            del waiting[number % len(waiting)]
            ledger.give_back()
        else:
            waiting.append(now + ledger.reserve())
    made = sorted(made + waiting)
    for first, one_more in zip(made, made[limit:], strict=False):
        assert one_more - first >= 10.0 - 1e-9


def test_what_is_over_is_forgotten() -> None:
    now = 0.0
    ledger = ConnectLedger(3, 10.0, clock=lambda: now)
    for _ in range(1000):
        now += 5.0
        assert ledger.reserve("a") == 0.0
    assert len(ledger._made["a"]) <= 3
    ledger.reserve("b")
    assert set(ledger._made) == {"a", "b"}
    now += 10.0
    ledger.reserve("c")  # as each host that was connected to would else have one for ever
    assert set(ledger._made) == {"c"}


def test_threads_share_it() -> None:
    ledger, waits = ConnectLedger(100, 300.0, clock=lambda: 0.0), list[float]()
    threads = [
        threading.Thread(target=lambda: waits.extend(ledger.reserve() for _ in range(50)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(waits) == pytest.approx([0.0] * 100 + [300.0 + n / 10 for n in range(100)])


def test_the_process_keeps_the_exchanges_limit() -> None:
    """Of connects that may be under way for so long, 500 arrive in any 5 minutes at most."""
    assert (CONNECTS._limit, CONNECTS._window_s) == (500, 300.0 + UPGRADE_S)


def test_requests_have_one_account_for_all_hosts() -> None:
    ledger = RequestLedger(2, 5.0, clock=lambda: 0.0)
    assert [ledger.reserve() for _ in range(3)] == [0.0, 0.0, 5.0]
    ledger.give_back()
    assert [ledger.reserve() for _ in range(2)] == [5.0, 5.0]
    assert (REQUESTS._limit, REQUESTS._window_s) == (600, 5.0)


def test_a_host_that_says_so_is_let_alone() -> None:
    now = 0.0
    ledger = RequestLedger(clock=lambda: now)
    ledger.bar("a", 600.0)
    ledger.bar("a", 7.0)
    assert (ledger.barred_s("a"), ledger.barred_s("b")) == (600.0, 0.0)
    now = 599.0
    assert ledger.barred_s("a") == 1.0
    now = 601.0
    assert ledger.barred_s("a") == 0.0
    assert set(ledger._barred) == {"a"}
    ledger.bar("b", 1.0)
    assert set(ledger._barred) == {"b"}
