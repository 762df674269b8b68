"""docs/explanation/faults.md says of each row of the table what the row says, and nothing more."""

from __future__ import annotations

import re
from pathlib import Path

from tests.faults.row import HEALS, Row
from tests.faults.table import ROWS

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "faults.md"


def written() -> dict[str, dict[str, str]]:
    """By section: what is written of each fault that it names."""
    sections: dict[str, dict[str, str]] = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            sections[line[3:]] = {}
        elif line.startswith("| `"):
            faults, _, rest = line.strip("|").partition("|")
            section = sections[list(sections)[-1]]
            for name in re.findall("`(.*?)`", faults):
                assert name not in section
                section[name] = rest
    return {section: said for section, said in sections.items() if said}


def section_of(row: Row) -> str:
    if row.error is not None:
        return "What ends the streams of the link"
    if row.data == "equal":
        return "What costs nothing"
    if row.steps.startswith(HEALS):
        return "What costs one reconnect"
    return "What is tried again until it is over"


def test_each_fault_is_on_the_page_in_its_section_with_what_is_said_of_it() -> None:
    pages = written()
    unused = {(section, name) for section, said in pages.items() for name in said}
    for row in ROWS:
        section = section_of(row)
        (name,) = {row.name, row.name.rpartition(", ")[0]} & set(pages[section])
        unused.discard((section, name))
        said = pages[section][name]
        number = re.search(r"\d+", name)
        said = re.sub(r"\bN\b", number[0] if number else "N", said)
        assert re.search(row.reason.removesuffix("$"), said), (name, said)
        assert re.search(row.says, said), (name, said)
        assert row.error is None or f"`{row.error.__name__}`" in said
        assert row.reports is None or f"`{row.reports.__name__}`" in said
    assert unused == set()
