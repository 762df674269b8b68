"""The watch for credentials, in a pytest of its own: what it must not overlook."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.child import PATIENCE_S, ROOT

PRELUDE = """
import logging, os, subprocess, sys
import pytest
from tests import canary
SECRET = os.environ["BYBIT_API_SECRET"]
KEY = os.environ["BYBIT_API_KEY"]

def library(body):
    names = {"__name__": "rxbybit.somewhere", "SECRET": None}
    exec(body, names)
    return names["call"]
"""
SEEN = {
    "stdout": "print('so:', SECRET[:16])",
    "stderr": "print(KEY, file=sys.stderr)",
    "a log": "logging.getLogger('rxbybit').debug('so: %s', SECRET)",
    "a log of aiohttp": "logging.getLogger('aiohttp.client').debug('x', extra={'more': SECRET})",
    "a log of asyncio": "logging.getLogger('asyncio').debug({'secret': SECRET})",
    "hex": "print(SECRET.encode().hex())",
    "what a test reads itself": "print(SECRET); capfd.readouterr()",
    "a child": "subprocess.run([sys.executable, '-c', "
    "'import os; print(os.environ[\"BYBIT_API_KEY\"])'], capture_output=True)",
    "an expected error": "with pytest.raises(ValueError): raise ValueError(SECRET)",
    "an error of an expected error": """
try:
    raise KeyError(SECRET)
except KeyError:
    with pytest.raises(ValueError): raise ValueError
""",
    "a variable where an expected error was raised": """
with pytest.raises(ZeroDivisionError):
    library("def call(held): return 1 / 0")(SECRET)
""",
    "a variable where a logged error was raised": """
try:
    library("def call(held): return 1 / 0")([SECRET])
except ZeroDivisionError:
    logging.getLogger("rxbybit").debug("oh", exc_info=True)
""",
    "another canary": "canary.watch_for('a passphrase'); print('a passphrase')",
}
UNSEEN = {
    "the beginning of a key": "print(KEY[:4])",
    "a variable of the test": "with pytest.raises(ValueError): int('x')",
    "records as they were": "logging.getLogger('asyncio').debug('x'); assert not caplog.records",
}


def ran(folder: Path, body: str) -> tuple[int, str]:
    """The status and the output of a test with this body, which the outer watch does not see."""
    test, output = folder / "test_it.py", folder / "output"
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    wanted = ", ".join(name for name in ("capfd", "caplog") if name in body)
    test.write_text(f"{PRELUDE}\ndef test_it({wanted}):\n{lines}\n")
    plugins = ["-p", "tests.canary", "-p", "no:cacheprovider", "-c", os.devnull]
    with output.open("wb") as file:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *plugins, str(test)],
            check=False,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            timeout=PATIENCE_S,
        )
    return done.returncode, output.read_text()


@pytest.mark.parametrize("case", SEEN)
def test_it_fails_a_test_in_which_a_credential_can_be_seen(tmp_path: Path, case: str) -> None:
    status, output = ran(tmp_path, SEEN[case])
    assert status == 1, output
    assert "a credential can be seen" in output
    assert "1 failed" in output


@pytest.mark.parametrize("case", UNSEEN)
def test_it_says_nothing_else(tmp_path: Path, case: str) -> None:
    status, output = ran(tmp_path, UNSEEN[case])
    assert status == 0, output
    assert "1 passed" in output
