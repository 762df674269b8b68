"""The mutants themselves, and a few of them against the tests that should notice."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.nightly.mutants import Mutant, mutants_of
from tests.nightly.mutation import HUNG, KILLED, ROOT, SURVIVED, TESTS, explained, told

SOURCE = '''\
"""A module."""


class Thing:
    """A thing."""

    def less(self, a: int, b: int = 2) -> bool:
        """Whether it is."""
        self.seen = a
        self.tell("less", a + 1)
        while not a:
            break
        return a < b and a != 7
'''
CHANGES = [
    ("Thing.less", "def less(self, a: int, b: int = 2) -> bool:", "b: int = 3"),
    ("Thing.less", "self.seen = a", "pass"),
    ("Thing.less", 'self.tell("less", a + 1)', "pass"),
    ("Thing.less", 'self.tell("less", a + 1)', 'self.tell("less", ((a) - (1)))'),
    ("Thing.less", 'self.tell("less", a + 1)', 'self.tell("less", a + 2)'),
    ("Thing.less", "while not a:", "while bool(a):"),
    ("Thing.less", "break", "continue"),
    ("Thing.less", "return a < b and a != 7", "return None"),
    ("Thing.less", "return a < b and a != 7", "return (a <= b) and a != 7"),
    ("Thing.less", "return a < b and a != 7", "return ((a != 7))"),
    ("Thing.less", "return a < b and a != 7", "return ((a < b))"),
    ("Thing.less", "return a < b and a != 7", "return a < b and (a == 7)"),
    ("Thing.less", "return a < b and a != 7", "return a < b and a != 8"),
]


def test_each_change_is_a_mutant_of_its_own() -> None:
    made = mutants_of("m.py", SOURCE)
    assert [(m.where, m.before) for m in made] == [change[:2] for change in CHANGES]
    for mutant, (_, before, after) in zip(made, CHANGES, strict=True):
        assert after in mutant.after
        assert before in SOURCE.splitlines()[mutant.line - 1]
        assert f"-{SOURCE.splitlines()[mutant.line - 1]}" in mutant.diff(SOURCE).splitlines()
    assert len({mutant.source for mutant in made}) == len(made)
    assert made == mutants_of("m.py", SOURCE)


def test_every_module_has_tests_and_every_explanation_a_reason() -> None:
    for (file, *_), why in explained().items():
        assert file in TESTS
        assert len(why) > 10
    for file, names in TESTS.items():
        if (ROOT / file).exists():
            assert all((ROOT / "tests" / "unit" / name).exists() for name in names), file


def test_who_is_not_noticed_is_told_with_line_and_diff(capsys: pytest.CaptureFixture[str]) -> None:
    made = mutants_of("rxbybit/m.py", SOURCE)
    one, other, third = made[1], made[5], made[6]
    sources = {"rxbybit/m.py": SOURCE}

    def tell(known: dict[tuple[str, str, str, str], str], *tried: tuple[Mutant, str]) -> int:
        return told(
            [mutant for mutant, _ in tried],
            ((mutant, outcome, 1.0) for mutant, outcome in tried),
            sources,
            known,
            made,
        )

    assert tell({}, (one, KILLED), (third, HUNG)) == 0
    assert tell({other.name: "it is the same"}, (one, KILLED), (other, SURVIVED)) == 0
    assert "1 noticed, 0 never ended, 1 explained, 0 not" in capsys.readouterr().out
    assert tell({}, (one, KILLED), (other, SURVIVED)) == 1
    said = capsys.readouterr().out
    assert "rxbybit/m.py:11: in Thing.less: nobody notices" in said
    assert "-        while not a:\n+        while bool(a):" in said
    gone = ("rxbybit/m.py", "Thing.more", "a", "b")
    assert tell({gone: "it was the same"}, (one, KILLED)) == 1
    assert "no such mutant any more: rxbybit/m.py, Thing.more" in capsys.readouterr().out
    assert tell({}) == 2


def test_a_few_mutants_of_one_module_are_noticed() -> None:
    """A fixed sample, in a process of its own, as each is a fork of it."""
    command = [sys.executable, "-m", "tests.nightly.mutation", "--module", "rxbybit/dedupe.py"]
    command += ["--sample", "4", "--seed", "1", "--jobs", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("4 of 4 mutants tried")
