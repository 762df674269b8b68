"""The end of a script: it waits for background subscriptions, as for a non-daemon thread.

=====================================  ========================================================
the main thread                        then
=====================================  ========================================================
ran to its end                         wait in silence until nothing lives any more; status 1 when
                                       the last subscription ended in an error nobody handled
called ``sys.exit``                    the same, and say so on stderr after a second
died of an exception                   close and end: its traceback and status stand alone
is interactive                         close and end
waits, and Ctrl-C (or a SystemExit     close, run the exit handlers, flush, and end with
from a signal handler) comes           status 130 (or the one of the SystemExit)
=====================================  ========================================================
"""

from __future__ import annotations

import atexit
import functools
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn, Protocol

__all__ = ["Background", "install"]

PATIENCE_S = 1.0
CTRL_C = 130
FAILED = 1
MESSAGE = "rxbybit: sys.exit waits for live subscriptions to end (Ctrl-C ends them)"


class Background(Protocol):
    """What the exit must know of the background runtime."""

    def idle(self, timeout_s: float) -> bool:
        """Wait until nothing lives; False when it took longer than ``timeout_s``."""
        ...

    @property
    def failed(self) -> bool:
        """Whether the last subscription ended in an error that nobody handled."""
        ...

    def shutdown(self) -> None:
        """Dispose what lives."""
        ...


_find: Callable[[], Background | None] | None = None
_is_script = False
_exit_called = False


def install(find: Callable[[], Background | None]) -> None:
    """Wait at the end of the interpreter for what ``find`` gives then; the first call counts."""
    global _find
    if _find is not None:
        return
    _find = find
    # Where non-daemon threads are joined: what exit handlers close, callbacks may use until then.
    # These hooks run last to first, so executors end after us: reactivex imported them before.
    register = getattr(threading, "_register_atexit", None)
    if register is not None:
        with suppress(RuntimeError):  # the main thread has ended: it joins the others already
            register(_drain)
    atexit.register(_drain)  # for what other threads subscribed meanwhile
    _notice_exit()


def _notice_exit() -> None:
    """Be able to tell ``sys.exit`` from a plain end."""
    global _is_script
    main: object = sys.modules.get("__main__")
    # CPython deletes ``__main__.__file__`` when a script has run to its end or died of an error,
    # but not when it exits. Modules (-m) and strings (-c) leave no such trace.
    has_file = getattr(main, "__file__", None) is not None
    _is_script = has_file and getattr(main, "__spec__", None) is None
    if _is_script:
        return
    original = sys.exit

    @functools.wraps(original)
    def noticed(status: str | int | None = None, /) -> NoReturn:
        global _exit_called
        _exit_called = _exit_called or threading.current_thread() is threading.main_thread()
        original(status)

    sys.exit = noticed


def _left_by_exit() -> bool:
    return hasattr(sys.modules.get("__main__"), "__file__") if _is_script else _exit_called


def _is_interactive() -> bool:
    flags = sys.flags
    return bool(flags.inspect or hasattr(sys, "ps1") or os.environ.get("PYTHONINSPECT"))


def _drain() -> None:
    background: Background | None = None
    try:
        background = _find() if _find is not None else None
        if background is not None:
            _wait(background)
    except KeyboardInterrupt:
        _leave(background, CTRL_C)
    except SystemExit as wanted:
        _leave(background, _status(wanted.code))


def _wait(background: Background) -> None:
    if _is_interactive() or getattr(sys, "last_type", None) is not None:
        _close(background)
        return
    if not background.idle(PATIENCE_S):
        if _left_by_exit():
            print(MESSAGE, file=sys.stderr, flush=True)  # noqa: T201 - the one line we owe
        while not background.idle(PATIENCE_S):
            pass
    # A status that the script has chosen stands. That of a module (-m) or a string (-c) is left
    # alone: nothing tells their plain end from a bare ``raise SystemExit``.
    if background.failed and _is_script and not _left_by_exit():
        atexit.register(_exit_now, FAILED)


def _status(code: object) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)  # noqa: T201 - as the interpreter does
    return 1


def _close(background: Background) -> None:
    atexit.unregister(_drain)  # a callback that hangs would be waited for once more
    background.shutdown()


def _leave(background: Background | None, status: int) -> None:
    with suppress(KeyboardInterrupt):  # a second Ctrl-C: without grace
        if background is not None:
            _close(background)
    # Registered last, so called first, after other non-daemon threads have ended.
    atexit.register(_exit_now, status)


def _exit_now(status: int) -> None:
    atexit.unregister(_exit_now)
    atexit._run_exitfuncs()  # pyright: ignore[reportPrivateUsage] - there is no public way
    for stream in (sys.stdout, sys.stderr):
        # Closed, gone or absent: then there is nothing to flush to.
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(status)
