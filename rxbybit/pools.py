"""The pools of one client: one for each runtime that it is used on."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator

from msgspec.structs import replace

from rxbybit.counting import Counters, Ended, added
from rxbybit.pool import Pool
from rxbybit.runtime import Runtime

__all__ = ["Pools"]


class Pools:
    """Makes the pool of a runtime when it is first asked for, and closes them all together.

    A pool is touched on its runtime's thread; this may be called from any.
    """

    def __init__(self, make: Callable[[Runtime], Pool]) -> None:
        self._make = make
        self._pools: dict[Runtime, Pool] = {}
        self._ended: Ended[Counters, Pool] = Ended(added(()))
        self._ending = threading.RLock()
        self._process = os.getpid()

    def __iter__(self) -> Iterator[Pool]:
        return iter(list(self._pools.values()))

    def __len__(self) -> int:
        return len(self._pools)

    @property
    def forked(self) -> bool:
        """Whether this is another process than the one they were made in."""
        return os.getpid() != self._process

    def at(self, runtime: Runtime) -> Pool:
        """The pool of ``runtime``."""
        pool = self._pools.get(runtime)
        if pool is None:
            self._let_ended_go()
            pool = self._pools[runtime] = self._make(runtime)
        return pool

    def counters(self) -> Counters:
        """What all of them have counted, and those that are gone; on any thread."""
        # first: a pool that is read afterwards is one of these, or newer
        ended = [pool for runtime, pool in list(self._pools.items()) if runtime.stopped]
        gone, pools = self._ended.read(lambda: list(self._pools.values()))
        shown = (_counted(pool, ended=any(one is pool for one in ended)) for pool in pools)
        return added((gone, *shown))

    def close(self) -> None:
        """Have every pool close, on its own thread; returns at once."""
        for runtime, pool in self._living():
            runtime.call(pool.close)

    async def closed(self) -> None:
        """Wait until nothing of any pool is left."""
        here = asyncio.get_running_loop()
        for runtime, pool in self._living():
            if runtime.loop is here:
                await pool.closed()
            elif runtime.loop.is_running():
                ended = asyncio.run_coroutine_threadsafe(pool.closed(), runtime.loop)
                waiter = asyncio.wrap_future(ended)
                # A loop that stops in the meantime does not say so.
                while not waiter.done() and runtime.loop.is_running():
                    await asyncio.wait({waiter}, timeout=0.05)

    def _let_ended_go(self) -> None:
        with self._ending:  # other threads come by here for other runtimes
            for runtime, pool in list(self._pools.items()):
                if runtime.stopped:
                    counted = _counted(pool, ended=True)
                    self._ended.add(added((self._ended.sum, counted)), pool)
                    del self._pools[runtime]

    def _living(self) -> list[tuple[Runtime, Pool]]:
        """Where there may be links: nowhere in a forked process, whose loops stayed behind."""
        return [] if self.forked else list(self._pools.items())


def _counted(pool: Pool, *, ended: bool) -> Counters:
    """What ``pool`` has counted; what lingers in it when its loop ends is let go by nobody."""
    counted = pool.counters()
    return replace(counted, links=0, connected=0, topics=()) if ended else counted
