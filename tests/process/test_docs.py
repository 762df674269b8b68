"""The Python blocks of the README and of the how-to pages run as they stand.

A block is a script of its own; one that awaits at its top level runs as a notebook cell does, and
so do all blocks of the page about notebooks, one after the other in one kernel. A block passes
when it prints an event, or ends with status 0, and writes nothing to standard error until then.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rxbybit.sim import Recording, ServedExchange, serve_in_thread
from tests.child import ROOT, Child
from tests.restserver import RestServer, serve_rest

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "how-to").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NOTHING = ("", "[]")
"""What a block prints while it waits for its first event."""
KERNEL = """
import ast, asyncio, inspect, json, sys

async def slow_work(event):
    print(event)

async def main():
    import rxbybit
    names = {"asyncio": asyncio, "bybit": rxbybit.Bybit(), "slow_work": slow_work}
    names |= {name: getattr(rxbybit, name) for name in rxbybit.__all__}
    for cell in json.loads(sys.argv[1]):
        result = eval(compile(cell, "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
        if inspect.iscoroutine(result):
            await result

asyncio.run(main())
"""


def needs_kernel(block: str) -> bool:
    try:
        compile(block, "<block>", "exec")
    except SyntaxError:
        compile(block, "<block>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        return True
    return "import" not in block


def commands() -> Iterator[tuple[str, list[str]]]:
    for page in PAGES:
        blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
        if page.stem == "notebook":
            yield page.stem, ["-c", KERNEL, json.dumps(blocks)]
            continue
        for number, block in enumerate(blocks, 1):
            kernel = ["-c", KERNEL, json.dumps([block])]
            yield f"{page.stem}-{number}", kernel if needs_kernel(block) else ["-c", block]


CASES = dict(commands())


@pytest.fixture(scope="module")
def market() -> Iterator[ServedExchange]:
    with serve_in_thread({"inverse": Recording.demo(speed=10)}) as served:
        yield served


@pytest.fixture(scope="module")
def rest() -> Iterator[RestServer]:
    with serve_rest() as server:
        yield server


def test_there_are_blocks_of_every_kind() -> None:
    assert {"README-1", "README-2", "asyncio-1", "asyncio-2", "notebook", "threads-1"} <= set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_the_block_runs(
    name: str, market: ServedExchange, rest: RestServer, tmp_path: Path
) -> None:
    url = rest.url if name.partition("-")[0] in ("instruments", "klines") else market.url
    command = [sys.executable, *CASES[name]]
    with Child(command, env={"RXBYBIT_ENVIRONMENT": url}) as child:
        while (line := child.line_or_end()) in NOTHING:
            continue
        if line is None:
            assert child.end()[0] == 0, child.stderr
        assert child.stderr == ""
