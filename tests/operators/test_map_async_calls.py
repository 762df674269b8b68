"""``map_async``: what its function does before it gives a coroutine has its turn as all else."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from rxbybit import operators as rxo
from rxbybit.errors import RxBybitError
from tests.fakes import virtually
from tests.operators.flow import Heard, Source


class Calls:
    """Its ``fn`` does what the test says inside the call of a value; its coroutines take 1 s."""

    def __init__(self, limit: int = 1, **does: Callable[[Calls], object]) -> None:
        self.does = does
        self.began: list[str] = []
        self.running = self.most = 0
        self.source = Source()
        self.heard = Heard(self.source.pipe(rxo.map_async(self.fn, limit)))

    def fn(self, value: str) -> Coroutine[Any, Any, str]:
        self.does.get(value, lambda _: None)(self)
        return self.work(value)

    async def work(self, value: str) -> str:
        self.began.append(value)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(1)
        finally:
            self.running -= 1
        return value


def tasks() -> int:
    return len(asyncio.all_tasks()) - 1


def send(*values: str) -> Callable[[Calls], object]:
    return lambda calls: calls.source.send(*values)


@pytest.mark.parametrize(("limit", "most"), [(1, 1), (2, 2), (9, 3)])
def test_what_it_sends_comes_after_it_and_no_more_run_at_a_time(limit: int, most: int) -> None:
    async def main() -> None:
        calls = Calls(limit, a=send("b"), b=send("c"))
        calls.source.send("a")
        await asyncio.sleep(9)
        assert calls.heard.values == ["a", "b", "c"]
        assert calls.most == most

    virtually(main())


def test_what_it_sends_when_it_has_waited_comes_after_what_waits() -> None:
    async def main() -> None:
        calls = Calls(b=send("d"))
        calls.source.send("a", "b", "c")
        await asyncio.sleep(9)
        assert calls.heard.values == ["a", "b", "c", "d"]
        assert calls.most == 1

    virtually(main())


def test_the_source_may_end_in_it() -> None:
    async def main() -> None:
        for end in (lambda c: c.source.complete(), lambda c: c.source.fail(error)):
            calls = Calls(a=end)
            calls.source.send("a")
            assert not calls.heard.ended
            await asyncio.sleep(9)
            assert calls.heard.values == ["a"]
            assert calls.heard.completed or calls.heard.error is error

    error = OSError()
    virtually(main())


def test_disposed_of_in_it_nothing_begins() -> None:
    async def main() -> None:
        calls = Calls(b=lambda c: c.heard.subscription.dispose())
        calls.source.send("a", "b")  # in the call of the source, and when it has waited
        await asyncio.sleep(9)
        assert (calls.heard.values, calls.began, tasks()) == (["a"], ["a"], 0)
        calls = Calls(a=lambda c: c.heard.subscription.dispose())
        calls.source.send("a")
        await asyncio.sleep(9)
        assert (calls.heard.values, calls.began, tasks()) == ([], [], 0)

    virtually(main())


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_when_it_raises_what_it_has_sent_is_cancelled(limit: int) -> None:
    def fail(calls: Calls) -> None:
        calls.source.send("c", "d")
        raise OSError

    async def main() -> None:
        calls = Calls(limit, b=fail)
        calls.source.send("a")
        await asyncio.sleep(0.5)
        calls.source.send("b")
        await asyncio.sleep(0.1)
        assert calls.running == 1  # the one before
        assert not calls.heard.ended
        await asyncio.sleep(9)
        assert calls.heard.values == ["a"]
        assert isinstance(calls.heard.error, OSError)
        assert calls.source.observers == []
        assert tasks() == 0

    virtually(main())


@pytest.mark.parametrize("limit", [1, 2])
def test_what_the_subscriber_sends_in_its_call_keeps_the_limit(limit: int) -> None:
    async def main() -> None:
        calls = Calls(limit)
        calls.heard.until = lambda value: value == "a" and calls.source.send("b", "c", "d")
        calls.source.send("a")
        await asyncio.sleep(9)
        assert calls.heard.values == ["a", "b", "c", "d"]
        assert calls.most == limit

    virtually(main())


def test_what_the_subscriber_sends_finds_the_place_that_is_free() -> None:
    async def main() -> None:
        calls = Calls()
        source, got = Source(), []

        def on_next(value: str) -> None:
            got.append(value)
            if value == "a":
                source.send("c")

        source.pipe(rxo.map_async(calls.work, buffer=1)).subscribe(on_next, got.append)
        source.send("a", "b")
        await asyncio.sleep(9)
        assert got == ["a", "b", "c"]
        assert calls.most == 1

    virtually(main())


@pytest.mark.parametrize("limit", [1, 2])
@pytest.mark.parametrize("end", ["dispose", "raise"])
def test_when_what_waits_ends_it_in_that_call_nothing_follows(end: str, limit: int) -> None:
    def leave(calls: Calls) -> None:
        if end == "raise":
            raise OSError
        calls.heard.subscription.dispose()

    async def main() -> None:
        called: list[str] = []
        calls = Calls(limit, b=leave, c=lambda _: called.append("c"))
        calls.heard.until = lambda value: value == "a" and calls.source.send("c")
        before = ["a", "also in flight"][:limit]
        calls.source.send(*before, "b")
        await asyncio.sleep(9)
        assert calls.heard.values == (before if end == "raise" else ["a"])
        assert isinstance(calls.heard.error, OSError) == (end == "raise")
        assert called == []

    virtually(main())


def test_a_cancelled_future_that_it_looks_at_is_an_error() -> None:
    def look(_: object) -> None:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        future.result()

    async def main() -> None:
        calls = Calls(b=look)
        calls.source.send("a", "b")
        await asyncio.sleep(9)
        assert calls.heard.values == ["a"]
        assert type(calls.heard.error) is RxBybitError
        assert not calls.heard.error.permanent

    virtually(main())


def test_what_ends_the_program_ends_the_subscription() -> None:
    def leave(_: object) -> None:
        raise SystemExit

    async def main() -> None:
        calls = Calls(a=leave)
        with pytest.raises(SystemExit):
            calls.source.send("a")
        assert calls.source.observers == []
        assert not calls.heard.ended

    virtually(main())


eager = pytest.mark.skipif(sys.version_info < (3, 12), reason="no eager tasks")


def eagerly() -> None:
    factory: Any = vars(asyncio)["eager_task_factory"]
    asyncio.get_running_loop().set_task_factory(factory)


@eager
def test_disposed_of_in_it_no_task_begins_at_once() -> None:
    async def main() -> None:
        eagerly()
        calls = Calls(a=lambda c: c.heard.subscription.dispose())
        calls.source.send("a")
        assert calls.began == []

    virtually(main())


@eager
def test_tasks_that_begin_at_once_and_dispose() -> None:
    async def main() -> None:
        eagerly()
        source, got = Source(), []

        async def fn(value: int) -> int:
            if value == 0:
                source.send(1)
            if value == 2:
                heard.subscription.dispose()
                await asyncio.sleep(9)
            got.append(value)
            return value

        heard = Heard(source.pipe(rxo.map_async(fn)))
        source.send(0)
        await asyncio.sleep(1)
        assert heard.values == [0, 1]
        source.send(2)
        await asyncio.sleep(1)
        assert got == [0, 1]
        assert tasks() == 0

    virtually(main())
