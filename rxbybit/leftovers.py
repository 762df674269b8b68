"""What of ours still lives, in words: for tests that end by asking."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence

from rxbybit.runtime import Runtime, living

__all__ = ["Leftovers"]

_IDLE = ("rxbybit-loop", "rxbybit-resolver")
"""Threads that stay for the next subscription, as the design of threads says."""
_OURS = "rxbybit-"


class Leftovers:
    """Compares with what there was when it was made."""

    def __init__(self) -> None:
        self._threads = set(threading.enumerate())
        self._held = {runtime: runtime.subscriptions for runtime in living()}

    def after(self, seconds: float) -> Sequence[str]:
        """What is new and does not go away within ``seconds``, a line each; nothing is best.

        A loop that does not run, as between two asynchronous tests, is let run meanwhile.
        """
        deadline = time.monotonic() + seconds
        while (found := self._found()) and time.monotonic() < deadline:
            for runtime in living():
                if not (runtime.loop.is_running() or runtime.loop.is_closed()):
                    runtime.loop.run_until_complete(asyncio.sleep(0.005))
            time.sleep(0.005)
        return found

    def _found(self) -> list[str]:
        threads = [
            f"the thread {thread.name}"
            for thread in threading.enumerate()
            if thread not in self._threads and thread.name.startswith(_OURS)
            if thread.name not in _IDLE
        ]
        held = [line for runtime in living() for line in self._held_by(runtime)]
        return [*threads, *held]

    def _held_by(self, runtime: Runtime) -> list[str]:
        lines = [f"the task {name}" for name in sorted(_tasks(runtime.loop))]
        more = runtime.subscriptions - self._held.get(runtime, 0)
        if more > 0:
            lines.append(f"{more} subscription{'s' if more > 1 else ''} not disposed of")
        return lines


def _tasks(loop: asyncio.AbstractEventLoop) -> set[str]:
    # The set may change under us when the loop runs on another thread: then it is asked again.
    while True:
        try:
            names = {task.get_name() for task in asyncio.all_tasks(loop)}
        except RuntimeError:
            continue
        return {name for name in names if name.startswith(_OURS)}
