"""What can be broken in a module: one small change each, as text, in a fixed order."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Mutant", "mutants_of"]

COMPARISONS = {
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
}
SUMS = {ast.Add: "-", ast.Sub: "+", ast.Mult: "//", ast.FloorDiv: "*", ast.Div: "*"}


@dataclass(frozen=True)
class Mutant:
    """``source`` is the whole module, changed at ``line``, inside of ``where``."""

    file: str
    where: str
    line: int
    before: str
    after: str
    """The lines concerned, without indentation."""
    source: str

    @property
    def name(self) -> tuple[str, str, str, str]:
        """What tells it from others, also after lines were added above it."""
        return self.file, self.where, self.before, self.after

    def diff(self, original: str) -> str:
        """As ``diff -u`` shows it."""
        old, new = original.splitlines(), self.source.splitlines()
        return "\n".join(difflib.unified_diff(old, new, self.file, "mutant", n=2, lineterm=""))


def mutants_of(file: str, source: str) -> list[Mutant]:
    """Every mutant of ``source`` that compiles, from its first line to its last."""
    tree = ast.parse(source)
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line.encode()))
    data = source.encode()
    names = _names(tree)
    found: dict[str, Mutant] = {}
    for node, start, end, text in sorted(_edits(tree, starts), key=lambda edit: edit[1:]):
        changed = (data[:start] + text.encode() + data[end:]).decode()
        try:
            compile(changed, file, "exec", dont_inherit=True)
        except SyntaxError:
            continue
        if changed not in found and changed != source:
            before, after = _lines(source, changed)
            where = names.get(node, "")
            found[changed] = Mutant(file, where, node.lineno, before, after, changed)
    return list(found.values())


def _lines(old: str, new: str) -> tuple[str, str]:
    """The lines in which two texts differ."""
    gone: list[str] = []
    come: list[str] = []
    matcher = difflib.SequenceMatcher(None, one := old.splitlines(), two := new.splitlines(), False)
    for kind, *(i, k, m, n) in matcher.get_opcodes():
        if kind != "equal":
            gone += (line.strip() for line in one[i:k])
            come += (line.strip() for line in two[m:n])
    return " ".join(gone), " ".join(come)


def _names(tree: ast.Module) -> dict[ast.AST, str]:
    """The class and function that each node is in."""
    names: dict[ast.AST, str] = {}

    def walk(node: ast.AST, name: str) -> None:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{name}.{node.name}".lstrip(".")
        names[node] = name
        for child in ast.iter_child_nodes(node):
            walk(child, name)

    walk(tree, "")
    return names


Edit = tuple[ast.expr | ast.stmt, int, int, str]


def _edits(tree: ast.Module, starts: list[int]) -> Iterator[Edit]:
    """Each node that can be changed: from where to where, in bytes, and to what."""
    skipped = _skipped(tree)

    def span(node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        first = starts[node.lineno - 1] + node.col_offset
        return first, starts[node.end_lineno - 1] + node.end_col_offset

    for node in ast.walk(tree):
        if node in skipped or not isinstance(node, ast.expr | ast.stmt):
            continue
        for text in _texts(node):
            yield node, *span(node), text


def _skipped(tree: ast.Module) -> set[ast.AST]:
    """Annotations, the options of a class, ``__all__`` and docstrings decide nothing."""
    skipped: set[ast.AST] = set()

    def skip(node: ast.AST | None) -> None:
        if node is not None:
            skipped.update(ast.walk(node))

    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                skip(node.returns)
                for arg in ast.walk(node.args):
                    skip(getattr(arg, "annotation", None))
            case ast.ClassDef():
                for option in node.keywords:
                    skip(option)
            case ast.AnnAssign():
                skip(node.annotation)
            case ast.Expr(value=ast.Constant()):
                skip(node)
            case ast.Assign(targets=[ast.Name(id="__all__" | "__slots__")]):
                skip(node)
            case ast.Call(func=ast.Name(id="cast" | "TypeVar")):
                skip(node.args[0])
            case _:
                pass
    return skipped


def _texts(node: ast.expr | ast.stmt) -> Iterator[str]:
    """What may stand in place of a node."""
    match node:
        case ast.Compare(ops=[op], left=left, comparators=[right]) if type(op) in COMPARISONS:
            yield f"({ast.unparse(left)} {COMPARISONS[type(op)]} {ast.unparse(right)})"
        case ast.BoolOp(op=op, values=values):
            for gone in range(len(values)):
                rest = [value for place, value in enumerate(values) if place != gone]
                word = " and " if isinstance(op, ast.And) else " or "
                yield "(" + word.join(f"({ast.unparse(one)})" for one in rest) + ")"
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield f"bool({ast.unparse(operand)})"
        case ast.BinOp(op=op, left=left, right=right) if type(op) in SUMS:
            yield f"(({ast.unparse(left)}) {SUMS[type(op)]} ({ast.unparse(right)}))"
        case ast.Constant(value=bool() as value):
            yield str(not value)
        case ast.Constant(value=int() as value):
            yield str(value + 1)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield f"({ast.unparse(orelse)} if {ast.unparse(test)} else {ast.unparse(body)})"
        case ast.Expr(value=ast.Call() | ast.Await()) | ast.AugAssign() | ast.Delete():
            yield "pass"
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript() | ast.Tuple()]) | ast.Raise():
            yield "pass"
        case ast.Return(value=ast.expr() as value) if not _is_none(value):
            yield "return None"
        case ast.Continue():
            yield "break"
        case ast.Break():
            yield "continue"
        case _:
            pass


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None
