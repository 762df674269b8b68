"""One runtime per event loop: the thread on which everything of its streams happens.

A subscription binds the runtime of the running loop; where none runs, the one background
runtime of the process, whose loop runs on the daemon thread ``rxbybit-loop``.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Protocol

from rxbybit import exiting
from rxbybit.resolver import Address, Resolver, start_thread
from rxbybit.scheduler import RuntimeScheduler

__all__ = ["Release", "Runtime", "RuntimeScheduler", "living"]

GRACE_S = 1.0
"""How long an ending runtime waits for what still closes."""

IDLE_RESOLVER_S = 0.5
"""How long the idle resolver thread of an ``asyncio.run`` stays."""


class Release(Protocol):
    """Ends a hold on a runtime."""

    def __call__(self, *, failed: bool = False) -> None:
        """``failed``: what held has ended in an error that nobody handled."""
        ...


class Runtime:
    """The loop, the clock and the lifetime that the subscriptions of one thread share.

    ``Runtime.current()`` chooses it; ``Runtime.of(loop)`` names it.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, *, resolver: Resolver | None = None
    ) -> None:
        self.loop = loop
        self.scheduler = RuntimeScheduler(self)
        self._resolver = resolver or Resolver(linger_s=IDLE_RESOLVER_S)
        # Reentrant, and dicts for counters: the garbage collector may dispose a subscription
        # anywhere, also while this thread is inside the lock.
        self._lock = threading.RLock()
        self._holds: dict[object, bool] = {}
        self._idle = threading.Event()
        self._idle.set()
        self._closers: dict[object, Callable[[], None]] = {}
        self._stopped = False
        self._failed = False
        self._watcher: AsyncGenerator[None, None] | None = None

    @classmethod
    def current(cls) -> Runtime:
        """The runtime of the running loop, else the background one, started at first use."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return _Background.get()
        return _loops.get(loop) or cls.of(loop)

    @classmethod
    def of(cls, loop: asyncio.AbstractEventLoop) -> Runtime:
        """The runtime of ``loop``, which may run on another thread."""
        with _lock:
            runtime = _loops.get(loop)
            if runtime is not None:
                return runtime
            for ended in [known for known in _loops if known.is_closed()]:
                del _loops[ended]
            runtime = _loops[loop] = cls(loop)
        runtime.call(runtime._watch_end)
        return runtime

    @property
    def on_thread(self) -> bool:
        """Whether the calling thread is the one that runs this loop now."""
        return self.scheduler.on_loop

    @property
    def stopped(self) -> bool:
        """Whether the runtime has ended: nothing may be subscribed on it any more."""
        return self._stopped

    @property
    def subscriptions(self) -> int:
        """How many subscriptions keep it alive now."""
        return sum(list(self._holds.values()))

    @property
    def failed(self) -> bool:
        """Whether the subscription that ended last did so in an error that nobody handled."""
        return self._failed

    def call(self, fn: Callable[[], None]) -> None:
        """Call ``fn`` on the runtime's thread: now if this is it, else soon.

        Never blocks; on a closed loop nothing happens.
        """
        if self.on_thread:
            fn()
        else:
            self.post(fn)

    def post(self, fn: Callable[[], None]) -> None:
        """Have ``fn`` called on the runtime's thread, always later; nothing on a closed loop."""
        self.scheduler.post(fn)

    def hold(self, *, subscription: bool = False) -> Release:
        """Keep a script alive until the function that this returns is called; thread-safe.

        What closes in the background holds too, so that a script ends after its last close
        frame. ``subscription`` says that a user's subscription holds, which is counted.
        """
        token = object()
        with self._lock:
            self._holds[token] = subscription
            self._idle.clear()

        def release(*, failed: bool = False) -> None:
            with self._lock:
                if self._holds.pop(token, False):
                    self._failed = failed
                if not self._holds:
                    self._idle.set()

        return release

    def idle(self, timeout_s: float) -> bool:
        """Wait, blocking, until nothing holds this runtime; False when it took too long."""
        return self._idle.wait(timeout_s)

    def on_close(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have ``callback`` called on the runtime's thread when the runtime ends.

        The end is that of ``asyncio.run``, or the shutdown of the background runtime; the last
        registered is called first. Gives the function that takes the callback back. On a
        runtime that has ended, ``callback`` is called at once.
        """
        token = object()
        with self._lock:
            ended = self._stopped
            if not ended:
                self._closers[token] = callback
        if ended:
            self.call(callback)

        def remove() -> None:
            self._closers.pop(token, None)

        return remove

    async def resolve(self, host: str, port: int, family: int = 0) -> list[Address]:
        """The addresses of ``host``, as ``socket.getaddrinfo`` gives them.

        Looked up on a daemon thread of this runtime, a numeric address at once.
        Errors: ``OSError`` when there is no such name.
        """
        return await self._resolver.resolve(host, port, family)

    def report(self, message: str, error: BaseException) -> None:
        """Tell the loop's exception handler of an error that nobody else hears of."""
        self.loop.call_exception_handler({"message": message, "exception": error})

    def _watch_end(self) -> None:
        # An asynchronous generator that waits is finalised by asyncio.run after it has
        # cancelled the tasks; unlike a task it makes no noise on a loop that is just closed.
        self._watcher = self._watch()
        with suppress(StopIteration):  # that is how a generator says that it has yielded
            self._watcher.__anext__().send(None)

    async def _watch(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            self._end()
            deadline = self.loop.time() + GRACE_S
            while self._holds and self.loop.time() < deadline:  # noqa: ASYNC110 - any thread ends it
                await asyncio.sleep(0.01)

    def _end(self) -> None:
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
            closers = [self._closers.pop(token) for token in reversed(list(self._closers))]
        with _lock:
            _loops.pop(self.loop, None)
        for closer in closers:
            try:
                closer()
            except Exception as error:  # noqa: BLE001 - the others must be closed as well
                self.report("closing failed", error)
        self._resolver.close()


class _Background(Runtime):
    """The runtime of everybody who has no loop of his own."""

    def __init__(self) -> None:
        # Both threads start now: from Python 3.12 none can once the main thread has ended.
        resolver = Resolver(linger_s=None)
        resolver.start()
        super().__init__(asyncio.new_event_loop(), resolver=resolver)
        self._thread = threading.Thread(target=self._serve, name="rxbybit-loop", daemon=True)

    @classmethod
    def get(cls) -> Runtime:
        global _background
        with _lock:
            current = _background
            if current is None or current.stopped or not current._thread.is_alive():
                current = cls()
                current._start()
                _background = current
                _loops[current.loop] = current
        return current

    def _start(self) -> None:
        start_thread(self._thread)
        exiting.install(_find_background)

    def _serve(self) -> None:
        try:
            self.loop.run_forever()
        except SystemExit:
            pass  # from a callback: it ends this thread, as it ends any thread
        finally:
            self._end()
            self._finish()

    def _finish(self) -> None:
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        deadline = self.loop.time() + GRACE_S
        # also those that close what the cancelled ones shared
        while (tasks := asyncio.all_tasks(self.loop)) and self.loop.time() < deadline:
            wait_s = deadline - self.loop.time()
            self.loop.run_until_complete(asyncio.wait(tasks, timeout=wait_s))
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()
        with self._lock:
            self._holds.clear()
            self._idle.set()

    def shutdown(self) -> None:
        """Dispose what lives, silently, and end the thread; blocks for two graces at most."""
        self.post(self._end)
        self.idle(GRACE_S)
        self.post(self.loop.stop)
        if not self.on_thread:
            self._thread.join(GRACE_S)


def living() -> list[Runtime]:
    """Every runtime that has not ended."""
    return list(_loops.values())


def shutdown_background() -> int:
    """End the background runtime, if there is one; gives how many subscriptions it disposed."""
    background = _find_background()
    if background is None:
        return 0
    disposed = background.subscriptions
    background.shutdown()
    return disposed


_lock = threading.RLock()
_loops: dict[asyncio.AbstractEventLoop, Runtime] = {}
"""Who has no entry any more has ended: entries leave with the end of their loop."""
_background: _Background | None = None


def _find_background() -> _Background | None:
    background = _background
    return None if background is None or background.stopped else background


def _forget_after_fork() -> None:
    # The threads and loops of the parent do not exist in the child.
    global _lock, _background
    _lock = threading.RLock()
    _background = None
    _loops.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
