"""A child process on a terminal of its own, and the screen that somebody would see."""

from __future__ import annotations

import codecs
import fcntl
import os
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Self

from tests.canary import scan
from tests.child import PATIENCE_S, ROOT

# Makes standard input the controlling terminal, as a shell does, so that Ctrl-C and resizing work.
_ADOPT = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
_RUN = "os.execv(sys.argv[1], sys.argv[1:])"
_CODE = re.compile(r"\x1b\[(\?)?([0-9;]*)([A-Za-z])")
_CUT = re.compile(r"\x1b(\[\??[0-9;]*)?(?=\x1b)")  # by the next one, in which a signal came


class Emulator:
    """What a terminal makes of what is written to it: the codes that the view uses, no others."""

    def __init__(self, width: int, height: int) -> None:
        self.modes: dict[int, bool] = {}
        self._rest = ""
        self.resize(width, height)

    def resize(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._row = self._column = 0
        self._clear()

    def _clear(self) -> None:
        self._cells = [[" "] * self.width for _ in range(self.height)]

    @property
    def rows(self) -> list[str]:
        return ["".join(row).rstrip() for row in self._cells]

    def write(self, text: str) -> None:
        text = self._rest + text
        self._rest = ""
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                code = _CODE.match(text, at)
                if (cut := _CUT.match(text, at)) is not None:
                    at = cut.end()
                    continue
                if code is None:
                    assert len(text) - at < 20, f"no code: {text[at : at + 20]!r}"
                    self._rest = text[at:]
                    return
                self._obey(code[1] is not None, code[2], code[3])
                at = code.end()
                continue
            self._put(text[at])
            at += 1

    def _put(self, char: str) -> None:
        if char == "\r":
            self._column = 0
        elif char == "\n":
            if self._row == self.height - 1:
                self._cells = [*self._cells[1:], [" "] * self.width]
            else:
                self._row += 1
        elif self._row < self.height:
            self._cells[self._row][min(self._column, self.width - 1)] = char
            self._column += 1

    def _obey(self, private: bool, numbers: str, final: str) -> None:
        match final:
            case "H":
                row, column = (int(n) for n in numbers.split(";"))
                self._row, self._column = row - 1, column - 1
            case "J":
                self._clear()
            case "h" | "l" if private:
                self.modes[int(numbers)] = final == "h"
                if numbers == "1049":
                    self._row = self._column = 0
                    self._clear()
            case "m":
                pass
            case _:
                raise AssertionError(f"a code that the view does not use: {numbers}{final}")


class Terminal:
    """A running command on a terminal; leaving its block kills it if it still runs."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        width: int = 80,
        height: int = 24,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._master, slave = os.openpty()
        self._slave = slave  # held open: its modes are looked at after the end
        self._size(width, height)
        self.modes_before = termios.tcgetattr(slave)
        self.screen = Emulator(width, height)
        self._written: list[str] = []
        self._lock = threading.Lock()
        self._reading = threading.Event()
        self._reading.set()
        drop = {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TTY_COMPATIBLE", "PYTHONINSPECT"}
        given = {name: value for name, value in os.environ.items() if name not in drop}
        self._process = subprocess.Popen(
            [sys.executable, "-c", _ADOPT + _RUN, *command],
            cwd=ROOT,
            env={
                **given,
                "PYTHONPATH": str(ROOT),
                "TERM": "xterm-256color",
                "LC_ALL": "C.UTF-8",
                **(env or {}),
            },
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._reading.set()
        os.close(self._slave)  # the last one: the reader comes to its end
        self._reader.join()
        os.close(self._master)

    @property
    def rows(self) -> list[str]:
        """What is on the screen now."""
        with self._lock:
            return self.screen.rows

    @property
    def text(self) -> str:
        return "\n".join(self.rows)

    @property
    def written(self) -> str:
        """All that was ever written, whatever is left of it on the screen; without its codes."""
        with self._lock:
            return _CODE.sub("", "".join(self._written))

    def until(self, condition: Callable[[str], object], what: str = "") -> str:
        """Wait until the text on the screen meets ``condition``; gives that text."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition(text := self.text):
            assert time.monotonic() < deadline, f"not seen: {what}\n{text}"
            assert self._process.poll() is None or self._reader.is_alive(), f"ended:\n{text}"
            time.sleep(0.02)
        return text

    def until_shows(self, *words: str) -> str:
        return self.until(lambda text: all(word in text for word in words), f"{words}")

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def resize(self, width: int, height: int) -> None:
        with self._lock:
            self.screen.resize(width, height)
            self._size(width, height)

    def forget_size(self) -> None:
        """Be a terminal that does not know how large it is."""
        self._size(0, 0)

    def stop_reading(self) -> None:
        """Be a terminal that takes nothing more, until :meth:`go_on_reading`."""
        self._reading.clear()

    def go_on_reading(self) -> None:
        self._reading.set()

    def end(self) -> int:
        """Wait for its end; gives the status, when all that it wrote is on the screen."""
        status = self._process.wait(PATIENCE_S)
        marker = "the end\r\n"
        os.write(self._slave, marker.encode())
        self.until_shows("the end")
        return status

    @property
    def modes_after(self) -> object:
        return termios.tcgetattr(self._slave)

    def _size(self, width: int, height: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def _read(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")()
        while True:
            self._reading.wait()
            try:
                data = os.read(self._master, 65536)
            except OSError:  # EIO: nobody has the terminal open any more
                return
            if not data:
                return
            text = scan(decoder.decode(data), "a terminal")
            with self._lock:
                self._written.append(text)
                self.screen.write(text)
