"""Name look-ups on a daemon thread of their own.

The default executor of asyncio is of no use here: its threads are joined at exit, so one hung
look-up would hang the interpreter, and it takes no work once the main thread has ended.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import deque
from collections.abc import Callable
from functools import partial

from rxbybit.errors import RuntimeMisuse

__all__ = ["Address", "Resolver", "no_thread", "start_thread"]

NAME = "rxbybit-resolver"

Address = tuple[
    socket.AddressFamily,
    socket.SocketKind,
    int,
    str,
    tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes],
]
"""One result of ``socket.getaddrinfo``: family, type, protocol, canonical name, address."""

_NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV


def _look_up(host: str, port: int, family: int, flags: int = 0) -> list[Address]:
    try:
        return socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM, flags=flags)
    except UnicodeError as error:  # such as a label of more than 63 characters
        raise socket.gaierror(socket.EAI_NONAME, f"{host!r} is no host name") from error


def start_thread(thread: threading.Thread) -> None:
    """Start a thread that must outlive the main one.

    Errors: ``RuntimeMisuse``, a ``RuntimeError`` too, where the interpreter starts none any more.
    """
    try:
        thread.start()
    except RuntimeError as error:
        raise no_thread(error) from None


def no_thread(error: RuntimeError) -> RuntimeMisuse:
    """What to tell whoever has subscribed too late for a thread, which ``error`` says."""
    return RuntimeMisuse(
        f"no thread can be started ({error}): subscribe before the main thread ends,"
        " or join() this one in it"
    )


class Resolver:
    """Looks names up, one after the other, on one daemon thread.

    ``linger_s`` is how long an idle thread stays; ``None`` keeps it until :meth:`close`, which
    a runtime needs that outlives the main thread: from Python 3.12 no thread starts after that.
    """

    def __init__(self, *, linger_s: float | None) -> None:
        self._linger_s = linger_s
        self._jobs: deque[Callable[[], None]] = deque()
        self._changed = threading.Condition()
        self._serving = False
        self._closed = False

    def start(self) -> None:
        """Start the thread now, and not with the first look-up.

        Errors: ``RuntimeMisuse`` where the interpreter starts none any more.
        """
        with self._changed:
            self._ensure()

    def close(self) -> None:
        """Let the thread end after the look-up it is in."""
        with self._changed:
            self._closed = True
            self._jobs.clear()
            self._changed.notify()

    async def resolve(self, host: str, port: int, family: int = 0) -> list[Address]:
        """The addresses of ``host``, as ``socket.getaddrinfo`` gives them for a stream socket.

        A numeric address needs no thread. Errors: ``OSError`` when the name is unknown.
        """
        try:
            return _look_up(host, port, family, _NUMERIC)
        except socket.gaierror:
            pass  # it is a name
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[Address]] = loop.create_future()
        job = partial(_answer, loop, answer, partial(_look_up, host, port, family))
        with self._changed:
            self._jobs.append(job)
            try:
                self._ensure()
            except RuntimeError:
                # The interpreter is going down and refuses threads: better slow than wrong.
                self._jobs.remove(job)
                return _look_up(host, port, family)
            self._changed.notify()
        try:
            return await answer
        finally:
            self._forget(job)

    def _forget(self, job: Callable[[], None]) -> None:
        """Leave out what nobody waits for any more: look-ups may hang longer than who asks."""
        with self._changed:
            if job in self._jobs:
                self._jobs.remove(job)

    def _ensure(self) -> None:
        if not self._serving:
            start_thread(threading.Thread(target=self._serve, name=NAME, daemon=True))
            self._serving = True

    def _serve(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._jobs or self._closed, self._linger_s)
                if not self._jobs:
                    self._serving = False
                    return
                job = self._jobs.popleft()
            job()


def _answer(
    loop: asyncio.AbstractEventLoop,
    answer: asyncio.Future[list[Address]],
    look_up: Callable[[], list[Address]],
) -> None:
    try:
        settle = partial(_settle, answer, look_up(), None)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
        settle = partial(_settle, answer, None, error)
    try:
        loop.call_soon_threadsafe(settle)
    except RuntimeError:
        if not loop.is_closed():  # a closed loop has nobody left who waits
            raise


def _settle(
    answer: asyncio.Future[list[Address]],
    addresses: list[Address] | None,
    error: Exception | None,
) -> None:
    if answer.done():  # its reader has given up
        return
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(addresses or [])
