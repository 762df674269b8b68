"""The terminal while a view is on it."""

from __future__ import annotations

import os
import select
import signal
import sys
from collections import deque
from contextlib import redirect_stderr
from io import TextIOBase
from types import FrameType, TracebackType
from typing import Self, TextIO

from rich.console import Console
from rich.text import Text

try:
    import termios
    import tty
except ImportError:  # Windows: no keys
    termios = tty = None

__all__ = ["Screen", "can_draw"]

ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J"
"""The alternate screen, without cursor, nothing wraps, empty."""
LEAVE = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"
TERMINATED = 143
HELD = 200
"""How many writes to standard error are kept for the end."""
FALLBACK = (80, 24)
"""The size of a terminal that does not know it."""
_KEYS = {
    b"\x1b[C": "next",
    b"\x1bOC": "next",
    b"\t": "next",
    b"n": "next",
    b"\x1b[D": "previous",
    b"\x1bOD": "previous",
    b"p": "previous",
    b"q": "quit",
    b"\x0c": "redraw",  # Ctrl-L
}


def can_draw() -> bool:
    """Whether standard output is a terminal that a view can be drawn on."""
    console = Console()
    return (
        sys.stdout.isatty()
        and console.is_terminal
        and not console.is_dumb_terminal
        and not console.legacy_windows
        and console.encoding.startswith("utf")
    )


class _Held(TextIOBase):
    """Keeps what is written to standard error, which would land in the middle of the picture."""

    def __init__(self) -> None:
        self.texts: deque[str] = deque(maxlen=HELD)

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        self.texts.append(text)
        return len(text)


class Screen:
    """The alternate screen, until the end of its block; then the terminal is as it was before.

    What is written to standard error meanwhile comes out at the end. A SIGTERM ends the block
    too, with ``SystemExit``. It belongs to the main thread.
    """

    def __init__(self) -> None:
        self._out: TextIO = sys.stdout
        self._keyboard = _keyboard()
        self._rows: list[Text] = []
        self._console = _console(self._out, 80, 24)
        self._held = _Held()
        self._redirect = redirect_stderr(self._held)

    @property
    def has_keys(self) -> bool:
        """Whether somebody can press keys."""
        return self._keyboard is not None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height now, in cells."""
        width, height = os.get_terminal_size(self._out.fileno())
        return width or FALLBACK[0], height or FALLBACK[1]

    def __enter__(self) -> Self:
        self._terminate = signal.signal(signal.SIGTERM, _end)
        self._redirect.__enter__()
        if self._keyboard is not None and termios is not None and tty is not None:
            self._modes = termios.tcgetattr(self._keyboard)
            tty.setcbreak(self._keyboard)
        self._write(ENTER)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # A second Ctrl-C would leave the terminal in between.
        interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            self._write(LEAVE)
        finally:
            if self._keyboard is not None and termios is not None:
                termios.tcsetattr(self._keyboard, termios.TCSADRAIN, self._modes)
            self._redirect.__exit__(kind, error, trace)
            sys.stderr.write("".join(self._held.texts))
            signal.signal(signal.SIGINT, interrupt)
            signal.signal(signal.SIGTERM, self._terminate)

    def draw(self, rows: list[Text], width: int, height: int) -> None:
        """Show ``rows``, which have that size; only those that changed are written."""
        parts: list[str] = []
        if self._console.size != (width, height):
            self._console = _console(self._out, width, height)
            self._rows = []
            parts.append("\x1b[2J")
        for number, row in enumerate(rows):
            if number >= len(self._rows) or self._rows[number] != row:
                with self._console.capture() as captured:
                    self._console.print(row, no_wrap=True, overflow="crop", end="")
                parts.append(f"\x1b[{number + 1};1H{captured.get()}")
        self._rows = rows
        if parts:
            self._write("".join(parts))

    def redraw(self) -> None:
        """Write every row the next time."""
        self._rows = []

    def key(self, timeout_s: float) -> str | None:
        """What the next key means; ``None`` when none is pressed in time, or it means nothing.

        A digit means itself.
        """
        if self._keyboard is None:
            return None
        ready, _, _ = select.select([self._keyboard], [], [], timeout_s)
        if not ready:
            return None
        pressed = os.read(self._keyboard, 64)
        if not pressed:  # it is gone, and would be ready for ever
            self._keyboard = None
        return _KEYS.get(pressed) or (pressed.decode() if pressed.isdigit() else None)

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


def _keyboard() -> int | None:
    if termios is None or not sys.stdin.isatty():
        return None
    return sys.stdin.fileno()


def _console(out: TextIO, width: int, height: int) -> Console:
    return Console(file=out, width=width, height=height, highlight=False, markup=False, emoji=False)


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(TERMINATED)
