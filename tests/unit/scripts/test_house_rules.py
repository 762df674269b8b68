"""Each rule of the house is noticed when it is broken, and only then."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.house_rules import broken_rules


def function(lines: int, doc: int = 0) -> str:
    text = ["def f() -> None:"]
    if doc:
        text += ['    """Text.', *["    text"] * (doc - 2), '    """']
    return "\n".join(text + ["    pass"] * (lines - 1)) + "\n"


BROKEN = [
    ("rxbybit/a.py", "x = 1\n" * 301, "rxbybit/a.py:1: 301 lines, 300 at most"),
    ("scripts/a.py", "x = 1\n" * 301, "scripts/a.py:1: 301 lines, 300 at most"),
    ("examples/a.py", "x = 1\n" * 301, "examples/a.py:1: 301 lines, 300 at most"),
    ("rxbybit/b.py", function(51), "rxbybit/b.py:1: f has 51 lines, 50 at most"),
    ("rxbybit/b.py", "async " + function(51), "rxbybit/b.py:1: f has 51 lines, 50 at most"),
    ("rxbybit/b.py", function(51, doc=9), "rxbybit/b.py:1: f has 51 lines, 50 at most"),
    ("rxbybit/sub/utils.py", "", "rxbybit/sub/utils.py:1: says nothing of what it holds"),
    ("rxbybit/_helpers.py", "", "rxbybit/_helpers.py:1: says nothing of what it holds"),
    (
        "rxbybit/c.py",
        "\nx: Any = 1\ny: Any = 1  # many\n",
        "rxbybit/c.py:2: Any, and no comment of the module says why (# Any: ...)",
    ),
    (
        "changelog.d/x.md",
        "x",
        "changelog.d/x.md:1: not <issue>.<type>.md, see changelog.d/README.md",
    ),
    (
        "changelog.d/2.feature.md~",
        "x",
        "changelog.d/2.feature.md~:1: not <issue>.<type>.md, see changelog.d/README.md",
    ),
    ("changelog.d/2.feature.md", " \n", "changelog.d/2.feature.md:1: empty"),
    (
        "requirements/dev.txt",
        "a==1\n--index-url https://example.org\n",
        "requirements/dev.txt:2: names a place: --index-url https://example.org",
    ),
    (
        "requirements/dev.txt",
        "--find-links wheels\n",
        "requirements/dev.txt:1: names a place: --find-links wheels",
    ),
    (
        "requirements/dev.txt",
        "a @ file:///a.whl\n",
        "requirements/dev.txt:1: names a place: a @ file:///a.whl",
    ),
]
KEPT = [
    ("rxbybit/a.py", "x = 1\n" * 300),
    ("rxbybit/b.py", function(50)),
    ("rxbybit/b.py", function(50, doc=9)),
    ("rxbybit/c.py", "x: Any = 1  # Any: what the caller has\n"),
    ("rxbybit/c.py", "# Any: what the caller has\nx: Any = 1\n\ny: list[Any] = []\n"),
    ("tests/a.py", "x = 1\n" * 301),
    ("changelog.d/README.md", "how\n"),
    ("changelog.d/12.fix.2.md", "text\n"),
    ("requirements/dev.txt", "a==1 \\\n    --hash=sha256:00\n"),
]


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(("name", "text", "said"), BROKEN)
def test_a_broken_rule_is_named_with_its_place(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    write(tmp_path, name, text)
    assert list(broken_rules(tmp_path)) == [said]


@pytest.mark.parametrize(("name", "text"), KEPT)
def test_a_kept_rule_is_silent(tmp_path: Path, name: str, text: str) -> None:
    write(tmp_path, name, text)
    assert list(broken_rules(tmp_path)) == []
