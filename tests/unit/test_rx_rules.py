"""What the library itself must not use of reactivex: each was measured to break or to cost."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import rxbybit

FORBIDDEN = {
    # After one error a shared stream is dead, and a retry on it spins.
    "share", "publish", "publish_value", "replay", "ref_count", "multicast",
    "Subject", "BehaviorSubject", "ReplaySubject", "AsyncSubject",
    # About 45 µs an event: one frame with many items is a for loop.
    "flat_map", "flat_map_indexed", "flat_map_latest",
    # Threads: the clock of a stream is its loop.
    "timer", "interval", "TimeoutScheduler", "NewThreadScheduler", "ThreadPoolScheduler",
    "EventLoopScheduler",
    # `start` can deadlock.
    "HistoricalScheduler",
}  # fmt: skip


def forbidden_in(text: str) -> list[str]:
    """The forbidden names of reactivex that ``text`` uses, with their lines."""
    tree = ast.parse(text)
    of_reactivex: set[str] = set()  # local names of modules and of what is in them
    found: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "reactivex":
                    of_reactivex.add(alias.asname or "reactivex")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "reactivex":
            for alias in node.names:
                of_reactivex.add(alias.asname or alias.name)
                if alias.name in FORBIDDEN or node.module == "reactivex.subject":
                    found.append((node.lineno, alias.name))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in FORBIDDEN:
            root = node.value
            while isinstance(root, ast.Attribute):
                root = root.value
            if isinstance(root, ast.Name) and root.id in of_reactivex:
                found.append((node.lineno, node.attr))
    return [f"{line}: {name}" for line, name in sorted(found)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from reactivex import operators as ops\nops.share()", ["2: share"]),
        ("from reactivex.operators import flat_map", ["1: flat_map"]),
        ("from reactivex.subject import Subject as S", ["1: Subject"]),
        ("import reactivex as rx\nrx.operators.publish()", ["2: publish"]),
        (
            "import reactivex\nreactivex.timer(1)\nreactivex.interval(1)",
            ["2: timer", "3: interval"],
        ),
        (
            "import reactivex.scheduler\nreactivex.scheduler.TimeoutScheduler",
            ["2: TimeoutScheduler"],
        ),
        ("from reactivex import operators as ops\nops.map(str)\nself.timer.cancel()", []),
    ],
)
def test_the_rule_sees(text: str, expected: list[str]) -> None:
    assert forbidden_in(text) == expected


def test_the_library_keeps_the_rule() -> None:
    root = Path(rxbybit.__file__ or "").parent
    modules = sorted(root.rglob("*.py"))
    assert root / "stream.py" in modules
    broken = [
        f"{path.relative_to(root)}:{use}"
        for path in modules
        for use in forbidden_in(path.read_text(encoding="utf-8"))
    ]
    assert broken == []
