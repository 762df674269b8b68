"""An event loop whose clock jumps to the next timer instead of waiting for it."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

__all__ = ["VirtualLoop", "run", "until"]

T = TypeVar("T")


class _Selector(selectors.DefaultSelector):
    """Waits for other threads only: what the loop would sleep is added to its clock."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0 if timeout is not None else 0.05)
        if not ready and timeout:
            self.loop.now += max(timeout, 1e-9)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A selector loop on virtual time, which begins at 0 s."""

    def __init__(self) -> None:
        selector = _Selector()
        self.now = 0.0
        self.watched: dict[asyncio.Future[None], Callable[[], object]] = {}
        super().__init__(selector)
        selector.loop = self

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        """One round of the loop; then whoever waits for what has become true comes next."""
        super()._run_once()  # type: ignore[misc]
        for future, holds in list(self.watched.items()):
            if not future.done() and holds():
                future.set_result(None)


def run(main: Coroutine[Any, Any, T], *, within: float = 7 * 86_400) -> T:
    """``asyncio.run`` on virtual time; a whole hour is gone in milliseconds."""

    async def bounded() -> T:
        async with asyncio.timeout(within):
            return await main

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(bounded())


async def until(holds: Callable[[], object], *, within: float = 60.0) -> None:
    """Let (virtual) time pass until ``holds`` is true; fail when it is not within ``within`` s.

    It is looked at after every round of the loop, so that nothing is missed that was true for a
    moment: whatever a random pause comes to.
    """
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    if holds():
        return
    future: asyncio.Future[None] = loop.create_future()
    loop.watched[future] = holds
    try:
        async with asyncio.timeout(within):
            await future
    except TimeoutError:
        raise AssertionError("the condition did not come true") from None
    finally:
        del loop.watched[future]
