"""Scripts run as their users run them: by an interpreter of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.canary import scan

ROOT = Path(__file__).parents[2]
PRELUDE = """\
import asyncio, sys, threading, time
from reactivex import operators as ops
from rxbybit.runtime import Runtime
from rxbybit.stream import Stream
from tests.fakes import Client, Topic
"""
RUNNING = "main waits"
"""Printed by ``WATCH`` once the main thread waits: at its end, in ``run()``, or in a nap."""
WATCH = """\
def watch(say="main waits"):
    def look():
        while not main_waits():
            time.sleep(0.01)
        print(say, flush=True)
    threading.Thread(target=look, daemon=True).start()
def main_waits():
    frame, names = sys._current_frames()[threading.main_thread().ident], []
    while frame:
        names.append(frame.f_code.co_name)
        frame = frame.f_back
    return {"_wait", "nap"} & {*names} or ("wait", "block_for_last") in zip(names, names[1:])
def nap():
    time.sleep(120)
watch()
"""

BARE = f"""\
import sys, types
package = sys.modules["rxbybit"] = types.ModuleType("rxbybit")
package.__path__ = [{str(ROOT / "rxbybit")!r}]
"""
"""The package without its front door, which imports all that it offers."""


class Script:
    """A running interpreter; whatever fails shows its stderr."""

    def __init__(self, arguments: list[str], **environment: str) -> None:
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COV_"))}
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**clean, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **environment},
            start_new_session=True,
        )
        self.output = ""

    def wait_for(self, text: str) -> Script:
        """Read until ``text`` was printed."""
        while text not in self.output:
            self.next_line()
        return self

    def next_line(self) -> str:
        """Read the next line that it prints."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.end()
            pytest.fail(f"it ended early:\n{self.output}\n{self.error}")
        self.output += scan(line)
        return line

    def interrupt(self) -> Script:
        self.process.send_signal(signal.SIGINT)
        return self

    def end(self, within_s: float = 45.0) -> Script:
        """Wait for the end."""
        try:
            rest, self.error = self.process.communicate(timeout=within_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            rest, self.error = self.process.communicate()
            pytest.fail(f"it did not end:\n{self.output}{rest}\n{self.error}")
        self.output += rest
        self.status = self.process.returncode
        return self

    def silent(self, status: int = 0) -> Script:
        """It has ended with ``status``, and nothing on stderr."""
        assert (self.status, self.error) == (status, ""), self.output
        return self


@pytest.fixture(autouse=True, scope="session")
def interruptible() -> Iterator[None]:
    """Let the children hear Ctrl-C also where a shell runs the tests in the background.

    Such a shell has SIGINT ignored, and what is ignored stays so across an exec.
    """
    before = signal.getsignal(signal.SIGINT)
    if before == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Script]]:
    """Start a script from its text: as a file, else ``how``: ``-c``, ``-m``, ``-`` (stdin)."""
    scripts: list[Script] = []

    def start(
        body: str, *options: str, how: str = "file", watch: bool = False, **environment: str
    ) -> Script:
        text = PRELUDE + (WATCH if watch else "") + textwrap.dedent(body)
        path = tmp_path / "script_under_test.py"
        path.write_text(text)
        arguments = {
            "file": [str(path)],
            "-c": ["-c", text],
            "-m": ["-m", path.stem],
            "-": ["-"],
        }[how]
        if how == "-m":
            environment["PYTHONPATH"] = f"{ROOT}{os.pathsep}{tmp_path}"
        script = Script([*options, *arguments], **environment)
        scripts.append(script)
        if how == "-":
            assert script.process.stdin is not None
            script.process.stdin.write(text)
            script.process.stdin.close()
            script.process.stdin = None
        return script

    yield start
    for script in scripts:
        if script.process.poll() is None:
            script.process.kill()
            script.process.communicate()
