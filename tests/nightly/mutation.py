"""Do the tests notice when the engine is broken? One mutant after the other is tried.

``python -m tests.nightly.mutation [--minutes N] [--seed N] [--module FILE] [--sample N]``

Each mutant runs the unit tests of its module, in a child that is forked where everything but the
library has been imported. One that no test notices has survived: it stands in ``survivors.toml``
with the reason why nobody could notice, or it is printed and the status is 1.
"""

from __future__ import annotations

import argparse
import importlib.abc
import importlib.machinery
import importlib.util
import os
import random
import signal
import sys
import time
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import CodeType, ModuleType

from tests.nightly.mutants import Mutant, mutants_of

ROOT = Path(__file__).resolve().parents[2]
EXPLAINED = Path(__file__).with_name("survivors.toml")
TESTS: dict[str, tuple[str, ...]] = {
    "rxbybit/dedupe.py": ("test_dedupe.py", "test_hub.py"),
    "rxbybit/book.py": ("test_book.py", "test_bookkeeping.py"),
    "rxbybit/bookkeeping.py": ("test_bookkeeping.py", "test_bookkeeping_legacy.py"),
    "rxbybit/ladder.py": ("test_ladder.py",),
    "rxbybit/hub.py": (
        "test_hub.py",
        "test_pool.py",
        "test_covers.py",
        "test_held.py",
        "test_counting.py",
        "rest/test_history.py",
        "rest/test_standing.py",
    ),
    "rxbybit/outlet.py": ("test_hub.py", "test_held.py", "rest/test_executions.py"),
    "rxbybit/cover.py": ("test_covers.py", "test_covers_model.py", "test_stale_topics.py"),
    "rxbybit/pool.py": (
        "test_pool.py",
        "test_covers.py",
        "test_held.py",
        "test_counting.py",
        "test_signin.py",
        "rest/test_history.py",
        "rest/test_standing.py",
        "rest/test_candles.py",
        "test_stale_topics.py",
        "test_client.py",
    ),
    "rxbybit/conversation.py": (
        "test_conversation.py",
        "test_session.py",
        "test_covers.py",
        "test_signin.py",
        "test_pool.py",
    ),
    "rxbybit/session.py": ("test_session.py", "test_pool.py", "test_signin.py"),
    "rxbybit/pacing.py": ("test_pacing.py",),
    "rxbybit/mending.py": ("test_mending.py",),
    "rxbybit/rest/healing.py": (
        "rest/test_cure.py",
        "rest/test_executions.py",
        "rest/test_candles.py",
        "rest/test_healing.py",
    ),
    "rxbybit/rest/newest.py": (
        "rest/test_newest.py",
        "rest/test_executions.py",
        "rest/test_healing.py",
    ),
    "rxbybit/rest/candles.py": ("rest/test_candles.py",),
}
"""The unit tests of each module, those first which notice most."""
# Plain: what pytest rewrites it reads from the file, and the library is among it, as a plugin.
OPTIONS = ("-x", "-q", "--assert=plain", "-p", "no:cacheprovider")
HANGS_S = 90.0
"""A mutant that takes so long does not end."""
KILLED, SURVIVED, HUNG = "killed", "survived", "hung"


class _Loader(importlib.machinery.SourceFileLoader):
    """Loads a mutant in place of the module."""

    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self._source = source

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._source, self.path, "exec", dont_inherit=True)


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, mutant: Mutant) -> None:
        self._name = mutant.file.removesuffix(".py").replace("/", ".")
        self._loader = _Loader(self._name, str(ROOT / mutant.file), mutant.source)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.util.spec_from_loader(fullname, self._loader)


def begin(mutant: Mutant, tests: Sequence[str]) -> int:
    """Run ``tests`` on ``mutant`` in a child; gives its process."""
    child = os.fork()
    if child:
        return child
    try:
        os.setsid()
        silence = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(silence, stream)
        sys.meta_path.insert(0, _Finder(mutant))
        import pytest

        os._exit(int(pytest.main([*OPTIONS, *tests])) and 1)
    finally:
        os._exit(1)


def outcomes(
    mutants: Sequence[Mutant], until: float, jobs: int
) -> Iterator[tuple[Mutant, str, float]]:
    """Each mutant with what became of it and how long it took, until the time is up."""
    waiting = list(reversed(mutants))
    running: dict[int, tuple[Mutant, float]] = {}
    while running or (waiting and time.monotonic() < until):
        while waiting and len(running) < jobs and time.monotonic() < until:
            mutant = waiting.pop()
            running[begin(mutant, tests_of(mutant.file))] = mutant, time.monotonic()
        time.sleep(0.01)
        for child, (mutant, began) in list(running.items()):
            took = time.monotonic() - began
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                del running[child]
                yield mutant, SURVIVED if status == 0 else KILLED, took
            elif took > HANGS_S:
                os.killpg(child, signal.SIGKILL)
                os.waitpid(child, 0)
                del running[child]
                yield mutant, HUNG, took


def tests_of(file: str) -> list[str]:
    """The paths of its tests."""
    paths = [ROOT / "tests" / "unit" / name for name in TESTS[file]]
    return [str(path) for path in paths if path.exists()]


def explained() -> dict[tuple[str, str, str, str], str]:
    """The survivors that nobody could notice, and why."""
    listed = tomllib.loads(EXPLAINED.read_text(encoding="utf-8")).get("survivor", [])
    return {(s["file"], s["where"], s["before"], s["after"]): s["why"] for s in listed}


def prepared() -> None:
    """Import what every child needs, but nothing of the library, and look less at random."""
    os.environ |= {"CI": "true", "RXBYBIT_EFFORT": os.environ.get("RXBYBIT_EFFORT", "0.2")}
    for name in ("pytest", "hypothesis.strategies", "aiohttp", "marshmallow", "msgspec"):
        importlib.import_module(name)
    importlib.import_module("reactivex.operators")
    assert "rxbybit" not in sys.modules


def main(arguments: Sequence[str] | None = None) -> int:
    """Status 1 when a mutant has survived that nobody has explained, 2 when nothing was tried."""
    parser = argparse.ArgumentParser(prog="python -m tests.nightly.mutation", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--module", choices=TESTS, action="append")
    parser.add_argument("--sample", type=int, help="so many mutants, drawn by the seed")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args(arguments)
    sources = {
        file: (ROOT / file).read_text(encoding="utf-8")
        for file in given.module or TESTS
        if (ROOT / file).exists() and tests_of(file)
    }
    known = explained()
    prepared()
    if not all(_fit(file, source, given.jobs) for file, source in sources.items()):
        return 2
    every = [mutant for file, source in sources.items() for mutant in mutants_of(file, source)]
    chosen = random.Random(given.seed).sample(every, min(given.sample or len(every), len(every)))
    until = time.monotonic() + given.minutes * 60
    return told(chosen, outcomes(chosen, until, given.jobs), sources, known, every)


def _fit(file: str, source: str, jobs: int) -> bool:
    """Whether its tests pass as it is, and fail without it."""
    pair = [Mutant(file, "", 0, "", "", text) for text in (source, "raise ImportError\n")]
    came = {m.source: (what, took) for m, what, took in outcomes(pair, time.monotonic() + 60, jobs)}
    (intact, took), (without, _) = came[pair[0].source], came[pair[1].source]
    if intact != SURVIVED or without == SURVIVED:
        print(f"{file}: its tests do not pass as it is, or pass without it")
        return False
    print(f"{file}: its tests take {took:.1f} s", flush=True)
    return True


def told(
    chosen: Sequence[Mutant],
    tried: Iterator[tuple[Mutant, str, float]],
    sources: dict[str, str],
    known: dict[tuple[str, str, str, str], str],
    every: Sequence[Mutant],
) -> int:
    """Print what became of the mutants; gives the status."""
    counts = {KILLED: 0, SURVIVED: 0, HUNG: 0}
    unexplained = 0
    for mutant, outcome, _ in tried:
        counts[outcome] += 1
        if outcome != SURVIVED and mutant.name in known:
            print(f"{mutant.file}:{mutant.line}: explained, yet noticed: {mutant.after}")
        if outcome == SURVIVED and mutant.name not in known:
            unexplained += 1
            print(f"{mutant.file}:{mutant.line}: in {mutant.where}: nobody notices", flush=True)
            print(mutant.diff(sources[mutant.file]), flush=True)
    names = {mutant.name for mutant in every}
    gone = [name for name in known if name[0] in sources and name not in names]
    for file, where, before, after in gone:
        print(f"survivors.toml: no such mutant any more: {file}, {where}: {before!r} -> {after!r}")
    print(
        f"{sum(counts.values())} of {len(chosen)} mutants tried: {counts[KILLED]} noticed,"
        f" {counts[HUNG]} never ended, {counts[SURVIVED] - unexplained} explained,"
        f" {unexplained} not"
    )
    return 1 if unexplained or gone else 0 if any(counts.values()) else 2


if __name__ == "__main__":
    sys.exit(main())
