"""At most so many connects in a window, whoever asks."""

from __future__ import annotations

import threading

from rxbybit.limits import CONNECTS, REQUESTS, ConnectLedger, RequestLedger


def test_connects_wait_once_the_window_is_full() -> None:
    now = 100.0
    ledger = ConnectLedger(3, 300.0, clock=lambda: now)
    assert [ledger.reserve() for _ in range(3)] == [0.0, 0.0, 0.0]
    now = 150.0
    assert [ledger.reserve() for _ in range(4)] == [250.0, 250.0, 250.0, 550.0]
    now = 401.0
    assert ledger.reserve() == 299.0


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


def test_what_is_over_is_forgotten() -> None:
    now = 0.0
    ledger = ConnectLedger(3, 10.0, clock=lambda: now)
    for _ in range(1000):
        now += 5.0
        assert ledger.reserve("a") == 0.0
    assert len(ledger._made["a"]) <= 3


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
    assert sorted(waits) == [0.0] * 100 + [300.0] * 100


def test_the_process_keeps_the_exchanges_limit() -> None:
    assert (CONNECTS._limit, CONNECTS._window_s) == (500, 300.0)


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
