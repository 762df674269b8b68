"""A child process whose output is read line by line, with a deadline for everything."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.canary import scan

PATIENCE_S = 45.0
"""How long a line or the end of a child is waited for: a busy machine is no failure."""
ROOT = Path(__file__).resolve().parent.parent


class Child:
    """A running command; leaving its block kills it if it still runs.

    ``feed`` is its standard input, which ends there unless ``keep_open`` says otherwise.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        feed: bytes | None = None,
        keep_open: bool = False,
        cwd: Path = ROOT,
    ) -> None:
        self.command = command
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        given = {name: value for name, value in os.environ.items() if name != "PYTHONINSPECT"}
        self._process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**given, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **(env or {})},
            stdin=subprocess.DEVNULL if feed is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if feed is not None and self._process.stdin is not None:
            self._process.stdin.write(feed)
            self._process.stdin.flush()
            if not keep_open:
                self._process.stdin.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._errors.close()

    @property
    def stderr(self) -> str:
        """What it has written to standard error so far."""
        # Not read(): the child writes where this file stands.
        errors = self._errors.fileno()
        return scan(os.pread(errors, os.fstat(errors).st_size, 0).decode(errors="replace"))

    @property
    def has_said(self) -> bool:
        """Whether there is a line that was not read yet, or it has closed its output."""
        return not self._lines.empty()

    def line(self) -> str:
        """Its next line of output."""
        line = self.line_or_end()
        assert line is not None, f"{self.command} has ended; stderr: {self.stderr}"
        return line

    def line_or_end(self) -> str | None:
        """Its next line of output, or ``None`` when it has closed its output."""
        try:
            return self._lines.get(timeout=PATIENCE_S)
        except queue.Empty:
            raise AssertionError(f"{self.command} printed nothing; stderr: {self.stderr}") from None

    def lines_until(self, *wanted: str) -> list[str]:
        """Its lines until each of ``wanted`` has been seen in one of them."""
        missing = set(wanted)
        lines: list[str] = []
        deadline = time.monotonic() + PATIENCE_S
        while missing:
            assert time.monotonic() < deadline, f"{missing} not seen in {lines}; {self.stderr}"
            lines.append(self.line())
            missing -= {word for word in missing if word in lines[-1]}
        return lines

    def until_stderr(self, wanted: str) -> None:
        """Wait until it has written ``wanted`` to standard error."""
        deadline = time.monotonic() + PATIENCE_S
        while wanted not in self.stderr:
            assert time.monotonic() < deadline, f"{wanted!r} not in stderr: {self.stderr}"
            assert self._process.poll() is None, f"{self.command} has ended: {self.stderr}"
            time.sleep(0.02)

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def end(self) -> tuple[int, list[str], str]:
        """Wait for its end: status, the lines not read yet, and standard error."""
        try:
            status = self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.command} has not ended; stderr: {self.stderr}") from None
        self._reader.join()
        rest: list[str] = []
        while not self._lines.empty():
            line = self._lines.get()
            if line is not None:
                rest.append(line)
        return status, rest, self.stderr

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(scan(line.decode()).rstrip("\n"))
        self._lines.put(None)
