"""The page of the promises says them word for word, as the files that test them do."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "explanation" / "promises.md"


@pytest.mark.parametrize("number", range(1, 12))
def test_a_promise_stands_on_the_page_as_in_its_tests(number: int) -> None:
    docstring = ast.get_docstring(ast.parse((HERE / f"test_p{number:02}.py").read_text()))
    assert docstring is not None
    promise = " ".join(docstring.split("\n\n")[0].split()).removeprefix(f"P{number}: ")
    section = PAGE.read_text().split(f"## P{number}\n")[1].split("\n## ")[0]
    assert promise in section
    assert re.search(r"^Tested by .+$", section, re.MULTILINE)
    assert re.search(r"^Not promised: .+$", section, re.MULTILINE)


def test_every_file_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"`((?:tests/)?[\w/]+(?:\.py)?)`", PAGE.read_text()))
    files = [name for name in named if name.startswith("tests/") or name.endswith(".py")]
    assert len(files) > 11
    places = (HERE, HERE.parents[1], HERE.parent / "unit" / "rest", HERE.parent / "unit")
    missing = [name for name in files if not any((place / name).exists() for place in places)]
    assert missing == []
