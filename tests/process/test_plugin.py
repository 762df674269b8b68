"""The pytest plugin, in a pytest of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import BARE, PRELUDE, Script


def run_pytest(folder: Path, body: str, *options: str) -> Script:
    test = folder / "test_leak.py"
    test.write_text(PRELUDE + body)
    plugins = ["-p", "rxbybit.testing", "-p", "no:cacheprovider", "-c", "/dev/null"]
    script = Script(
        ["-m", "pytest", "-q", *plugins, *options, str(test)],
        PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
    )
    return script.end()


@pytest.mark.parametrize(
    ("leaks", "said"),
    [(1, "1 background subscription leaked"), (2, "2 background subscriptions leaked")],
)
def test_leaked_subscriptions_do_not_hang_the_run(tmp_path: Path, leaks: int, said: str) -> None:
    body = "def test_leaks():\n" + leaks * (
        "    Topic().stream().pipe(ops.buffer_with_time(0.1)).subscribe()\n"
    )
    script = run_pytest(tmp_path, body)
    assert script.status == 0, script.error
    (line,) = (line for line in script.output.splitlines() if "rxbybit" in line)
    assert said in line


def test_it_is_silent_when_nothing_leaked(tmp_path: Path) -> None:
    body = "def test_clean():\n    assert Topic(count=2).stream().run() == (1, 1)\n"
    script = run_pytest(tmp_path, body)
    assert script.status == 0, script.error
    assert "rxbybit" not in script.output


def test_it_does_not_import_the_runtime_for_strangers() -> None:
    code = BARE + (
        "import rxbybit.testing\n"
        "print([name for name in sys.modules if name.startswith(('rxbybit.', 'reactivex'))])\n"
    )
    assert Script(["-c", code]).end().silent().output == "['rxbybit.testing']\n"
