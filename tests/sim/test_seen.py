"""What an exchange remembers of its clients."""

from __future__ import annotations

import pytest

from rxbybit.sim import Exchange, Recording
from rxbybit.sim.seen import MOST_SEEN, Seen
from tests.sim.peer import connected, run


def test_it_is_the_last_ten_thousand() -> None:
    assert MOST_SEEN == 10_000
    seen: Seen[int] = Seen()
    for n in range(MOST_SEEN + 3):
        seen.append(n)
    assert list(seen) == list(range(3, MOST_SEEN + 3))


def test_an_exchange_that_serves_for_long_does_not_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rxbybit.sim.seen.MOST_SEEN", 3)

    async def main() -> None:
        async with Exchange({"linear": Recording([])}) as exchange:
            for n in range(5):
                async with connected(exchange) as peer:
                    await peer.ask(op="ping", req_id=str(n))
            assert [request.req_id for request in exchange.requests] == ["2", "3", "4"]
            assert len(exchange.connects) == 3

    run(main())
