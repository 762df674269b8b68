"""``await stream`` and ``stream.run()``: the last event, or the error."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from reactivex import operators as ops
from reactivex.disposable import Disposable
from reactivex.internal.exceptions import SequenceContainsNoElementsError

from rxbybit.errors import ClosedError, RuntimeMisuse
from rxbybit.runtime import Runtime, shutdown_background
from rxbybit.waiting import _Last
from tests.fakes import Client, Feed, Topic, until, virtually


def test_await_gives_the_last_event() -> None:
    async def main() -> None:
        topic = Topic(count=3)
        assert await topic.stream() == (1, 2)
        assert await topic.stream().pipe(ops.buffer_with_time(0.01), ops.take(1)) != []
        with pytest.raises(SequenceContainsNoElementsError):
            await Topic(count=0).stream()
        with pytest.raises(ConnectionError):
            await Topic(fails_at=1).stream()
        assert topic.opened == topic.closed
        runtime = Runtime.current()
        assert runtime.idle(0)
        assert not runtime._closers

    virtually(main())


def test_a_cancelled_await_disposes() -> None:
    async def main() -> None:
        topic = Topic()
        client = Client()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(topic.stream(origin=client), 1)
        assert topic.opened == topic.closed == 1
        assert not client.closing

    virtually(main())


def test_await_across_runtimes() -> None:
    background = Runtime.current()

    async def main() -> None:
        stream = Topic(count=3).stream(origin=Client(runtime=background))
        assert await asyncio.wait_for(stream, 30) == (1, 2)

    asyncio.run(main(), debug=True)  # which refuses a wake-up from the wrong thread


def test_await_on_a_client_that_closes() -> None:
    async def main() -> None:
        client = Client()
        feed = Feed()
        stream = feed.stream(origin=client)
        waiting = asyncio.ensure_future(asyncio.wait_for(stream, 5))
        await asyncio.sleep(1)
        feed.send(1)
        client.close(ClosedError())
        with pytest.raises(ClosedError):
            await waiting
        assert feed.disposed == 1
        with pytest.raises(ClosedError):
            await stream

    virtually(main())


@pytest.mark.parametrize("end", ["completes", "errs"])
def test_what_came_before_the_close_counts(end: str) -> None:
    async def main() -> None:
        client = Client()
        feed = Feed()
        waiting = asyncio.ensure_future(feed.stream(origin=client))
        await asyncio.sleep(1)
        feed.send(1)
        if end == "completes":
            feed.observers[0].on_completed()
        else:
            feed.observers[0].on_error(ConnectionError())
        client.close(ClosedError())
        if end == "completes":
            assert await waiting == 1
        else:
            with pytest.raises(ConnectionError):
                await waiting

    virtually(main())


def test_the_first_of_two_ends_counts() -> None:
    """The client closes on another thread at the moment in which the stream completes."""
    ends: list[Any] = []

    def listen(
        on_next: Any, on_error: Any, on_completed: Any, on_cut: Any, *, scheduler: Any = None
    ) -> Any:
        on_next(1)
        ends.extend((on_completed, on_cut))
        return Disposable()

    last: _Last[int] = _Last(listen, lambda: None)
    on_completed, on_cut = ends
    on_completed()
    on_cut(ClosedError())
    assert last.result() == 1


def test_run_on_a_runtime_that_has_ended() -> None:
    async def main() -> Runtime:
        return Runtime.current()

    ended = asyncio.run(main())
    feed = Feed()
    with pytest.raises(ClosedError, match="event loop"):
        feed.stream(origin=Client(runtime=ended)).run()
    assert feed.observers == []


def test_run_gives_the_last_event_on_a_plain_thread() -> None:
    topic = Topic(count=3)
    assert topic.stream().run() == (1, 2)
    with pytest.raises(SequenceContainsNoElementsError):
        Topic(count=0).stream().run()
    with pytest.raises(ConnectionError):
        Topic(fails_at=1).stream().run()
    assert topic.opened == topic.closed == 1
    runtime = Runtime.current()
    until(lambda: runtime.idle(0))
    assert not runtime._closers


def test_run_inside_a_running_loop_is_misuse() -> None:
    async def main() -> None:
        feed = Feed()
        with pytest.raises(RuntimeMisuse, match="await"):
            feed.stream().run()
        assert feed.observers == []

    asyncio.run(main())


@pytest.mark.parametrize("who", ["client", "runtime"])
def test_run_ends_with_closed_error_when_its_client_or_runtime_ends(who: str) -> None:
    client = Client()
    feed = Feed()
    ends: list[Any] = []

    def work() -> None:
        try:
            feed.stream(origin=client).run()
        except ClosedError as error:
            ends.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    until(lambda: feed.observers and client.closing)
    if who == "client":
        client.close(ClosedError())
    else:
        shutdown_background()
    thread.join(30)
    assert ends == ["the client is closed" if who == "client" else ends[0]]
    assert ("loop" in ends[0]) is (who == "runtime")
    until(lambda: feed.disposed == 1)
