"""The clients behind a subscription that belongs to none: when it is over."""

from __future__ import annotations

from rxbybit.errors import ClosedError
from rxbybit.origin import Clients
from tests.fakes import Client


def clients_and_cuts() -> tuple[Clients, list[str]]:
    cuts: list[str] = []
    return Clients(lambda: cuts.append("cut")), cuts


def test_it_is_cut_off_when_all_are_closed_and_one_was_muted_in_either_order() -> None:
    for muted_first in (True, False):
        clients, cuts = clients_and_cuts()
        one, two = Client(), Client()
        clients.join(one)
        clients.join(two)
        if muted_first:
            clients.mute()
        one.close(ClosedError())
        assert cuts == []
        two.close(ClosedError())
        assert len(cuts) == muted_first
        if not muted_first:
            clients.mute()
        assert cuts == ["cut"]


def test_a_client_is_asked_once_however_many_of_its_streams_there_are() -> None:
    clients, _ = clients_and_cuts()
    client = Client()
    clients.join(client)
    clients.join(client)
    assert len(client.closing) == 1
    clients.leave()
    assert not client.closing


def test_clients_that_come_and_go_leave_nothing() -> None:
    """Such as those of a merge that goes on for a week, with a new client now and then."""
    clients, cuts = clients_and_cuts()
    for _ in range(100):
        one = Client()
        clients.join(one)
        one.close(ClosedError())
    assert not clients._removers
    assert cuts == []


def test_who_joins_after_the_end_is_let_go_at_once() -> None:
    clients, _ = clients_and_cuts()
    clients.leave()
    late = Client()
    clients.join(late)
    assert not late.closing


def test_each_open_client_counts_what_is_dropped_also_after_the_end() -> None:
    clients, _ = clients_and_cuts()
    one, two = Client(), Client()
    clients.join(one)
    clients.join(two)
    clients.dropped(3)
    two.close(ClosedError())
    clients.leave()
    clients.dropped(4)
    assert (one.drops, two.drops) == ([3, 4], [3])
