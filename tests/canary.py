"""A pytest plugin that watches for credentials: a test that lets one be seen fails.

``BYBIT_API_KEY`` and ``BYBIT_API_SECRET`` are canaries for the whole run, in the children of tests
too, so whatever reads them uses these. Looked through is what pytest captures, what tests read of
``capsys`` and of their children, each log record down to ``DEBUG`` of the library, of aiohttp and
of asyncio (whether anybody would have written it or not), and, of the exceptions that tests
expect, that are logged or that fail a test, the text and every local variable in frames of these
packages. The first four characters of the key may be seen.
"""

from __future__ import annotations

import logging
import os
import re
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from copy import copy
from types import FrameType
from typing import Any

import pytest

__all__ = ["KEY", "SECRET", "expose", "locals_of", "scan", "shown", "watch_for"]

KEY = "Kq7Zx2w9VbTn4mLs"
SECRET = "hR8s-canary-Jw3Gd6yPz1QeXc5UfN0a"
VARIABLES = {"BYBIT_API_KEY": KEY, "BYBIT_API_SECRET": SECRET}
WATCHED = frozenset({"rxbybit", "aiohttp", "asyncio", "cryptography", "hmac"})
"""Packages whose logs and frames are looked through."""
PIECE = 16
"""Characters that are as bad as the whole, and too many to be met by chance."""

LONG = 65_536
"""So much of a text is looked through: tests have bodies of many megabytes."""

_patch = pytest.StashKey[pytest.MonkeyPatch]()


class _Watch:
    """What must not be seen, and where it was."""

    def __init__(self) -> None:
        self._texts = {KEY[: PIECE // 2]}
        self._found: list[str] = []
        self.add(SECRET)

    def add(self, secret: str) -> None:
        """A text is also seen in pieces, as hex and as base64."""
        raw = secret.encode()
        self._texts |= {secret[:PIECE], secret[-PIECE:], raw.hex()[: 2 * PIECE]}
        self._texts.add(b64encode(raw).decode()[:PIECE])
        self._pattern = re.compile("|".join(map(re.escape, sorted(self._texts))))

    def text(self, text: str, where: str) -> None:
        if self._pattern.search(text):
            self._found.append(f"{where}: {self._pattern.sub('<CANARY>', text)[:1000]}")

    def thing(self, thing: object, where: str) -> None:
        self.text(shown(thing), where)

    def error(self, error: BaseException, where: str) -> None:
        for name, thing in locals_of(error):
            self.thing(thing, f"{where}: {name}")

    def record(self, record: logging.LogRecord) -> None:
        where = f"a record of {record.name}"
        self.thing(vars(record), where)
        try:
            self.text(record.getMessage(), where)
        except (TypeError, ValueError) as error:  # logging tells of it in its own way
            self.thing(error, where)
        if record.exc_info and record.exc_info[1] is not None:
            self.error(record.exc_info[1], where)

    def take(self) -> list[str]:
        found, self._found = self._found, []
        return found


_WATCH = _Watch()


def watch_for(secret: str) -> None:
    """One more canary, for the rest of the run."""
    _WATCH.add(secret)


def scan(text: str, where: str = "a child's output") -> str:
    """Look through ``text`` that pytest does not see, and give it back."""
    _WATCH.text(text, where)
    return text


def expose(thing: object) -> list[str]:
    """Where a canary can be seen in ``thing`` (an exception: and in what belongs to it), now.

    For tests that check it themselves; what it finds does not fail the test by itself.
    """
    watch = copy(_WATCH)
    watch.take()  # a list of its own
    if isinstance(thing, BaseException):
        watch.error(thing, "error")
    watch.thing(thing, "thing")
    watch.text(f"{thing}", "thing")
    return watch.take()


def locals_of(error: BaseException) -> Iterator[tuple[str, object]]:
    """``error`` and whatever hangs on it, and all local variables in frames of ours."""
    pending: list[BaseException | None] = [error]
    seen: set[int] = set()
    while pending:
        one = pending.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        pending += [one.__cause__, one.__context__]  # hidden by "from None", but there
        pending += one.exceptions if isinstance(one, BaseExceptionGroup) else ()
        yield type(one).__name__, one
        yield f"{type(one).__name__}, its text", str(one)
        yield f"{type(one).__name__}, its attributes", vars(one)
        trace = one.__traceback__
        while trace is not None:
            yield from _named(trace.tb_frame)
            trace = trace.tb_next


def _named(frame: FrameType) -> Iterator[tuple[str, object]]:
    module = str(frame.f_globals.get("__name__", ""))
    if module.partition(".")[0] in WATCHED:
        for name, thing in frame.f_locals.items():
            yield f"{name} in {module}.{frame.f_code.co_name}", thing


def shown(thing: object) -> str:
    """Its repr, if it has one; of a long body its beginning."""
    try:
        return repr(thing[:LONG] if isinstance(thing, bytes | bytearray | str) else thing)
    except Exception as error:  # noqa: BLE001 - a traceback with locals goes over it too
        return f"<no repr: {type(error).__name__}>"


def pytest_configure(config: pytest.Config) -> None:
    """Put the canaries out, and listen."""
    patch = config.stash[_patch] = pytest.MonkeyPatch()
    for name, value in VARIABLES.items():
        patch.setenv(name, value)
    _listen_to_logs(patch)
    _listen_to_tests(patch)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave everything as it was."""
    config.stash[_patch].undo()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[Any]:
    """A phase of a test in which a canary was seen has failed."""
    report: pytest.TestReport = yield
    if call.excinfo is not None:
        _WATCH.error(call.excinfo.value, "raised")
    for title, text in report.sections:
        _WATCH.text(text, title)
    found = _WATCH.take()
    if found:
        said = "\n".join(["a credential can be seen", *found])
        report.sections.append(("credentials", said))
        if report.outcome != "failed":
            report.outcome, report.longrepr = "failed", said
    return report


def _listen_to_logs(patch: pytest.MonkeyPatch) -> None:
    """Every record of the watched packages is made and looked through; who else gets it stays."""
    enabled, handle = logging.Logger.isEnabledFor, logging.Logger.handle

    def is_enabled_for(self: logging.Logger, level: int) -> bool:
        return self.name.partition(".")[0] in WATCHED or enabled(self, level)

    def look_and_handle(self: logging.Logger, record: logging.LogRecord) -> None:
        _WATCH.record(record)
        if enabled(self, record.levelno):
            handle(self, record)

    patch.setattr(logging.Logger, "isEnabledFor", is_enabled_for)
    patch.setattr(logging.Logger, "handle", look_and_handle)


def _listen_to_tests(patch: pytest.MonkeyPatch) -> None:
    """What tests take for themselves, so that it is in no report."""
    read, leave = pytest.CaptureFixture.readouterr, pytest.RaisesExc.__exit__
    communicate = subprocess.Popen.communicate

    def look_and_read(self: Any) -> Any:
        captured = read(self)
        for text in captured:
            scan(text if isinstance(text, str) else os.fsdecode(text), "captured output")
        return captured

    def look_and_leave(self: Any, kind: Any, error: BaseException | None, trace: Any) -> Any:
        __tracebackhide__ = True
        if error is not None:
            _WATCH.error(error, "raised")
        return leave(self, kind, error, trace)

    def look_and_communicate(self: Any, *args: Any, **options: Any) -> Any:
        told = communicate(self, *args, **options)
        for text in told:
            scan(text if isinstance(text, str) else os.fsdecode(text or b""))
        return told

    patch.setattr(pytest.CaptureFixture, "readouterr", look_and_read)
    patch.setattr(pytest.RaisesExc, "__exit__", look_and_leave)
    patch.setattr(subprocess.Popen, "communicate", look_and_communicate)
