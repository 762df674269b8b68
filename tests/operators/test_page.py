"""Every operator is documented: a marble diagram, an example that runs, an entry of the page."""

from __future__ import annotations

import inspect
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from reactivex import operators as ops

from rxbybit import operators as rxo
from rxbybit.sim import Market, ServedExchange, serve_in_thread
from tests.child import ROOT, Child

PAGE = ROOT / "docs" / "reference" / "operators.md"
HEAD = """\
# Operators

`from rxbybit import operators as rxo`. Each takes and gives an Observable of reactivex, ours or
any other, and is used in `pipe`; none shadows a name of `reactivex.operators`. In the diagrams
time runs to the right, and `|` ends a stream. `help(rxo.vwap)` shows the same text.
"""
BLOCK = re.compile(r"^::\n\n((?: {4}.*\n|\n)+)", re.MULTILINE)
OPERATORS = sorted(name for name in rxo.__all__ if inspect.isfunction(getattr(rxo, name)))
VALUES = sorted(set(rxo.__all__) - set(OPERATORS))


def text_of(name: str) -> str:
    return (inspect.getdoc(getattr(rxo, name)) or "") + "\n"


def blocks(name: str) -> list[str]:
    return [inspect.cleandoc("\n" + block) for block in BLOCK.findall(text_of(name))]


def entry(name: str) -> str:
    """The docstring as a section: its diagram as text, its example as code."""
    bare = [
        p.replace(annotation=p.empty)
        for p in inspect.signature(getattr(rxo, name)).parameters.values()
    ]
    text = re.sub(r":\w+:(`[^`]+`)", r"\1", text_of(name))

    def fenced(match: re.Match[str]) -> str:
        block = inspect.cleandoc("\n" + match[1])
        return f"```{'python' if 'import' in block else 'text'}\n{block}\n```\n\n"

    body = BLOCK.sub(fenced, text.replace("``", "`"))
    return f"\n## `{name}{inspect.Signature(bare)}`\n\n{body.strip()}\n"


def page() -> str:
    """The page of all operators, made of docstrings."""
    rows = "".join(f"| `{name}` | {text_of(name).splitlines()[0]} |\n" for name in VALUES)
    given = f"\n## What they give\n\n| name | what it is |\n| --- | --- |\n{rows}"
    return HEAD + given + "".join(map(entry, OPERATORS))


def test_the_page_of_operators_is_complete_and_fresh() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == page(), "write it: python -m tests.operators.test_page"


def test_the_door_is_sorted_and_shadows_nothing() -> None:
    assert sorted(set(rxo.__all__)) == list(rxo.__all__)
    assert set(OPERATORS) & set(ops.__all__) == set()


@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_has_a_file_tests_a_diagram_and_an_example(name: str) -> None:
    operator = getattr(rxo, name)
    assert operator.__module__ == f"rxbybit.operators.{name}"
    assert (Path(__file__).parent / f"test_{name}.py").exists()
    diagram, *rest = blocks(name)
    assert "import" not in diagram
    assert "|" in diagram or "-" in diagram
    assert [block for block in rest if "import" in block]


@pytest.fixture(scope="module")
def market() -> Iterator[ServedExchange]:
    """One for all examples, and a fast one: what they wait for is a trade, or a minute of them."""
    market = Market(seed=0, start_ms=time.time_ns() // 1_000_000)
    with serve_in_thread(market=market, on_time=True, speed=20) as served:
        yield served


@pytest.mark.parametrize("name", OPERATORS)
def test_the_example_runs(name: str, market: ServedExchange, tmp_path: Path) -> None:
    """On the embedded exchange; it prints something, and nothing to standard error."""
    script = tmp_path / "example.py"
    script.write_text(blocks(name)[-1], encoding="utf-8")
    with Child([sys.executable, str(script)], env={"RXBYBIT_ENVIRONMENT": market.url}) as child:
        assert child.line()
        assert child.stderr == ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
