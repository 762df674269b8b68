"""What our client of the benchmark hears, and what it holds."""

from __future__ import annotations

import asyncio
import weakref
from typing import Any, Self

import msgspec
import pytest

from tests.perf import ours, probe

pytestmark = pytest.mark.timeout(60)
COUNTS = {"port": 1, "messages": 1, "trade_messages": 1, "trades": 1, "others": 1}


class Venue:
    """Notes what is subscribed."""

    def __init__(self, *_: object, **__: object) -> None:
        self.heard: dict[str, Any] = {}
        self.name = ""
        venues.append(self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        def factory(*_: object, **__: object) -> Any:
            self.name = name
            return self

        return factory

    def subscribe(self, on_next: object, on_error: object) -> None:
        self.heard[self.name] = on_next


venues: list[Venue] = []


class Book:
    """Something that can be held."""


@pytest.mark.parametrize(
    ("books", "stream", "holds"),
    [
        ("updates", "order_book_updates", False),
        ("kept", "order_book", False),
        ("held", "order_book", True),
    ],
)
def test_books_are_heard_as_the_option_says(
    books: str, stream: str, holds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ours, "Bybit", Venue)
    venues.clear()
    options = msgspec.convert({**COUNTS, "symbols": 1, "books": books}, probe.Options)

    async def heard() -> dict[str, Any]:
        task = asyncio.ensure_future(ours.read(options, probe.Probe(options, 1)))
        while not venues or len(venues[0].heard) < 4:
            await asyncio.sleep(0)
        task.cancel()
        return venues[0].heard

    found = asyncio.run(heard())
    assert set(found) == {"trades", stream, "ticker_updates", "klines"}
    first, second = Book(), Book()
    seen = weakref.ref(first)
    found[stream](first)
    del first
    assert (seen() is not None) is holds
    found[stream](second)
    assert seen() is None
