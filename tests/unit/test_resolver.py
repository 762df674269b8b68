"""Resolver: names on its own daemon thread, numbers at once."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import pytest

from rxbybit.resolver import Resolver
from tests.fakes import threads, until, until_async

NUMERIC = socket.AI_NUMERICHOST


class Names:
    """A fake name service; ``example.test`` is all it knows."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []
        self.asked: list[tuple[str, int]] = []
        self.go = threading.Event()
        self.go.set()

    def __call__(
        self,
        host: str,
        port: int,
        *,
        family: int,
        type: int,  # noqa: A002
        flags: int,
    ) -> list[Any]:
        if flags & NUMERIC:
            raise socket.gaierror(socket.EAI_NONAME, "a name")
        self.threads.append(threading.current_thread())
        self.asked.append((host, family))
        assert self.go.wait(30)
        if host != "example.test":
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        assert type == socket.SOCK_STREAM
        return [(socket.AF_INET, type, 6, "", ("192.0.2.1", port))]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    names = Names()
    monkeypatch.setattr(socket, "getaddrinfo", names)
    return names


def test_a_numeric_address_needs_no_thread() -> None:
    resolver = Resolver(linger_s=None)
    found = asyncio.run(resolver.resolve("127.0.0.1", 80, socket.AF_INET))
    assert found == [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80))]
    assert "rxbybit-resolver" not in threads()


def test_a_name_is_looked_up_on_a_daemon_thread_that_ends_when_idle(names: Names) -> None:
    resolver = Resolver(linger_s=0.01)

    async def main() -> None:
        found = await resolver.resolve("example.test", 443, socket.AF_INET)
        assert found == [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 443))]
        assert names.asked == [("example.test", socket.AF_INET)]
        (thread,) = names.threads
        assert thread.name == "rxbybit-resolver"
        assert thread.daemon
        await until_async(lambda: not thread.is_alive())
        await resolver.resolve("example.test", 443)  # a new thread does the next
        assert names.threads[1] is not thread

    asyncio.run(main())
    until(lambda: "rxbybit-resolver" not in threads())


def test_a_thread_that_shall_stay_is_there_at_once_and_until_it_is_closed(names: Names) -> None:
    resolver = Resolver(linger_s=None)
    resolver.start()
    resolver.start()
    (thread,) = (t for t in threading.enumerate() if t.name == "rxbybit-resolver")

    async def main() -> None:
        await asyncio.gather(*(resolver.resolve("example.test", n) for n in range(3)))

    asyncio.run(main())
    assert set(names.threads) == {thread}
    assert thread.is_alive()
    resolver.close()
    thread.join(30)
    assert not thread.is_alive()


def test_an_unknown_name_is_an_os_error_and_the_next_is_looked_up(names: Names) -> None:
    resolver = Resolver(linger_s=0.01)

    async def main() -> None:
        with pytest.raises(socket.gaierror, match="unknown"):
            await resolver.resolve("nowhere.test", 1)
        assert await resolver.resolve("example.test", 1)

    asyncio.run(main())


def test_what_is_no_host_name_is_an_os_error_too() -> None:
    with pytest.raises(OSError, match="no host name"):
        asyncio.run(Resolver(linger_s=0.01).resolve("a" * 70 + ".test", 1))


def test_a_reader_that_gave_up_is_not_told(names: Names) -> None:
    resolver = Resolver(linger_s=0.01)
    names.go.clear()

    async def main() -> None:
        unhandled: list[Any] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: unhandled.append(context))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(resolver.resolve("example.test", 1), 0.01)
        names.go.set()
        assert await resolver.resolve("example.test", 2)
        assert unhandled == []

    asyncio.run(main())


def test_look_ups_that_nobody_waits_for_do_not_pile_up_behind_one_that_hangs(names: Names) -> None:
    resolver = Resolver(linger_s=0.01)
    names.go.clear()

    async def main() -> None:
        hanging = asyncio.ensure_future(resolver.resolve("example.test", 1))
        await until_async(lambda: names.asked)
        for _ in range(20):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(resolver.resolve("example.test", 2), 0.001)
        assert len(resolver._jobs) == 0
        names.go.set()
        await hanging
        await resolver.resolve("example.test", 3)
        assert len(names.asked) == 2

    asyncio.run(main())


def test_an_answer_for_a_closed_loop_is_dropped(names: Names) -> None:
    resolver = Resolver(linger_s=None)
    names.go.clear()

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(resolver.resolve("example.test", 1), 0.01)

    asyncio.run(main())
    names.go.set()
    asyncio.run(resolver.resolve("example.test", 2))  # the thread has survived
    assert len(set(names.threads)) == 1
    resolver.close()


def test_without_a_thread_it_is_slow_and_not_wrong(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(_: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuses)
    assert asyncio.run(Resolver(linger_s=0.01).resolve("example.test", 1))
    assert names.threads == [threading.main_thread()]
