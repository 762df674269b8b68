"""The rules of the house that no linter knows; each broken one is a line, and status 1.

A module has 300 lines at most and a function 50 (its docstring not counted), no module is called
``utils``, ``helpers`` or ``manager``, a module that uses ``Any`` says why in a comment, changelog
fragments are well named, and the pinned requirements name no place that packages come from.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

MODULE_LINES = 300
FUNCTION_LINES = 50
SHAPELESS = {"utils", "helpers", "manager"}
CODE = ("rxbybit", "scripts", "examples")
FRAGMENT = re.compile(r"\d+\.(feature|fix|deprecation|removal|docs|misc)(\.\d+)?\.md")
REASON = re.compile(r"# .*\bAny\b")
PLACE = re.compile(r"://|^\s*(-i|-f|--index-url|--extra-index-url|--find-links)\b")


def broken_rules(root: Path) -> Iterator[str]:
    """Every broken rule under ``root``, as ``path:line: what``."""
    for folder in CODE:
        for path in sorted((root / folder).rglob("*.py")):
            yield from _module(path.relative_to(root), path.read_text(encoding="utf-8"))
    for path in sorted((root / "changelog.d").glob("*")):
        yield from _fragment(path.relative_to(root), path.read_text(encoding="utf-8"))
    for path in sorted((root / "requirements").glob("*.txt")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if PLACE.search(line):
                yield f"{path.relative_to(root)}:{number}: names a place: {line.strip()}"


def _module(path: Path, text: str) -> Iterator[str]:
    lines = text.splitlines()
    if len(lines) > MODULE_LINES:
        yield f"{path}:1: {len(lines)} lines, {MODULE_LINES} at most"
    if path.stem.strip("_") in SHAPELESS:
        yield f"{path}:1: says nothing of what it holds"
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = _length(node)
            if length > FUNCTION_LINES:
                said = f"{node.name} has {length} lines, {FUNCTION_LINES} at most"
                yield f"{path}:{node.lineno}: {said}"
    anys = [n.lineno for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id == "Any"]
    if anys and not REASON.search(text):
        yield f"{path}:{min(anys)}: Any, and no comment of the module says why (# Any: ...)"


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    length = (function.end_lineno or function.lineno) - function.lineno + 1
    if ast.get_docstring(function) is None:
        return length
    doc = function.body[0]
    return length - ((doc.end_lineno or doc.lineno) - doc.lineno + 1)


def _fragment(path: Path, text: str) -> Iterator[str]:
    if path.name == "README.md":
        return
    if not FRAGMENT.fullmatch(path.name):
        yield f"{path}:1: not <issue>.<type>.md, see changelog.d/README.md"
    if not text.strip():
        yield f"{path}:1: empty"


def main() -> int:
    """Print what is broken in the repository around this file."""
    broken = list(broken_rules(Path(__file__).resolve().parent.parent))
    for line in broken:
        print(line)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
