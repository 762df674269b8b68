"""What became of a coroutine, as the stream that it was run for has to tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rxbybit.config import shown
from rxbybit.errors import RxBybitError

if TYPE_CHECKING:
    import asyncio

__all__ = ["ends_loop", "failure", "inner_cancelled"]


def failure(task: asyncio.Task[Any]) -> Exception | None:  # Any: whatever it gives
    """Why a task that is done gives no result; ``None`` where it gives one."""
    if task.cancelled():
        if not task.cancelling():
            return inner_cancelled()
        return RxBybitError("map_async: the task of a coroutine was cancelled")
    raised = task.exception()
    if raised is None or isinstance(raised, Exception):
        return raised
    error = RxBybitError(f"map_async: a coroutine raised {shown(raised)}")
    error.__cause__ = raised
    return error


def ends_loop(task: asyncio.Task[Any]) -> bool:  # Any: see above
    """Whether a task that is done has ended the loop, or has been ended with it, as far as can be
    known: what ``asyncio.run`` cancels at its end looks like what anybody cancels.
    """
    if task.cancelled():
        return task.cancelling() > 0
    return isinstance(task.exception(), KeyboardInterrupt | SystemExit)


def inner_cancelled() -> RxBybitError:
    """The error of who waits for what was cancelled, and was not cancelled itself."""
    error = RxBybitError("map_async: what the coroutine waited for was cancelled")
    error.permanent = False  # nobody meant it: another time there may be no such thing
    return error
