"""``make nightly``: fuzzing, then mutants, then the soak, a third of the minutes each.

``python -m tests.nightly [--minutes N] [--seed N] [--only fuzz|mutation|soak]``

The seed is the day unless it is given; what fails is printed with the command that repeats it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FUZZ = ["tests/nightly/test_fuzz.py", "tests/unit/schema/test_parity.py", "tests/unit/protocol"]
"""What is fuzzed in three rounds of four; in the fourth it is whatever draws at random."""
EVERY = ["tests/unit", "tests/operators", "tests/sim", "tests/nightly"]
EFFORT, EVERY_EFFORT = 3, 1


def fuzz(minutes: float, seed: int) -> int:
    """Rounds of property tests, each with a seed of its own, until the time is up."""
    until, rounds, wrong = time.monotonic() + minutes * 60, 0, 0
    while not rounds or time.monotonic() < until:
        paths, effort = (EVERY, EVERY_EFFORT) if rounds % 4 == 3 else (FUZZ, EFFORT)
        command = ["-m", "pytest", "-q", "-m", "hypothesis", f"--hypothesis-seed={seed + rounds}"]
        # each round as if it were the first: what failed before is told of by its own round
        command += ["-p", "no:cacheprovider", "--numprocesses", "2", *paths]
        environment = {k: v for k, v in os.environ.items() if k != "CI"}
        environment["RXBYBIT_EFFORT"] = f"{effort}"
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True
        )
        rounds += 1
        if done.returncode:
            wrong += 1
            print(done.stdout, done.stderr, sep="\n")
            print(f"again: RXBYBIT_EFFORT={effort} python {' '.join(command)}")
        print(f"fuzz: seed {seed + rounds - 1}, {done.stdout.splitlines()[-1:]}", flush=True)
    print(f"fuzz: {rounds} rounds, {wrong} with something wrong")
    return min(wrong, 1)


def mutation(minutes: float, seed: int) -> int:
    """Mutants in an order of the seed, so that each night has others first."""
    return _run("tests.nightly.mutation", minutes, seed)


def soak(minutes: float, seed: int) -> int:
    """See :mod:`tests.nightly.soak`."""
    return _run("tests.nightly.soak", minutes, seed)


def _run(module: str, minutes: float, seed: int) -> int:
    command = ["-m", module, "--minutes", f"{minutes:g}", "--seed", f"{seed}"]
    status = subprocess.run([sys.executable, *command], cwd=ROOT).returncode
    if status:
        print(f"again: python {' '.join(command)}")
    return status


PARTS: dict[str, Callable[[float, int], int]] = {"fuzz": fuzz, "mutation": mutation, "soak": soak}


def main(arguments: Sequence[str] | None = None) -> int:
    """Status 1 when a part has found something."""
    parser = argparse.ArgumentParser(prog="python -m tests.nightly", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=int(time.strftime("%Y%m%d")))
    parser.add_argument("--only", choices=PARTS, action="append")
    given = parser.parse_args(arguments)
    chosen = given.only or list(PARTS)
    failed: list[str] = []
    for name in chosen:
        print(f"== {name}: {given.minutes / len(chosen):g} minutes, seed {given.seed}", flush=True)
        if PARTS[name](given.minutes / len(chosen), given.seed):
            failed.append(name)
    print(f"== nightly: {', '.join(failed) + ': look above' if failed else 'all well'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
