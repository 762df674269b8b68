"""``make bench``: rxbybit next to the leanest reader, in one interleaved run.

    python -m tests.perf.run                          about two minutes
    python -m tests.perf.run --rates "" --rounds 3        throughput only
    python -m tests.perf.run --symbols 250 --loop uvloop --numbers float --out results.jsonl

README.md beside this file says how to read what it prints.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import IO, cast

ROOT = Path(__file__).resolve().parents[2]
CEILING = "leanest"
PACED_S = 2.0
TIME_LIMIT_S = 150.0
PACKAGES = ("aiohttp", "msgspec", "reactivex", "uvloop", "rxbybit")
FLOOD_FIGURES = {"messages_per_s": "messages/s", "cpu_us": "CPU us", "rss_mib": "RSS MiB"}
PACED_FIGURES = {"p50_us": "p50 us", "p99_us": "p99 us", "cpu_us": "CPU us", "rss_mib": "RSS MiB"}

Result = dict[str, object]


class Feed:
    """The feed process, steered over its standard streams."""

    def __init__(self, core: int | None) -> None:
        command = [*module("feed"), *_options(core=core)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT)
        self._stdin: IO[str] = _open(self._process.stdin)
        self._stdout: IO[str] = _open(self._process.stdout)
        self.port = int(str(self._line_with("port")["port"]))

    def plan(self, plan: Result) -> dict[str, int]:
        """Serve ``plan`` from now on; gives what it delivers."""
        self._stdin.write(json.dumps(plan) + "\n")
        self._stdin.flush()
        return cast("dict[str, int]", self._line_with("plan")["plan"])

    def ended(self) -> Result:
        """How the run went that a client has just reported."""
        return self._line_with("run")

    def close(self) -> None:
        """End the process and wait for it."""
        self._stdin.close()
        self._process.terminate()
        self._process.wait()
        self._stdout.close()

    def _line_with(self, key: str) -> Result:
        while text := self._stdout.readline():
            line: Result = json.loads(text)
            if key in line:
                return line
        raise SystemExit("the feed has ended")


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Raw)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--messages", type=int, default=200_000, help="of a flood run")
    parser.add_argument("--rates", default="5000,20000", help="of paced runs, messages a second")
    parser.add_argument("--symbols", type=int, default=10, help="four topics each")
    parser.add_argument("--category", choices=("linear", "inverse"), default="linear")
    parser.add_argument("--subscribers", type=int, default=1, help="of each stream of ours")
    parser.add_argument("--books", choices=("updates", "kept", "held"), default="updates")
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio")
    parser.add_argument("--numbers", choices=("decimal", "float"), default="decimal")
    parser.add_argument("--out", type=Path, help="append every result as a JSON line")
    return parser.parse_args()


def plans(options: argparse.Namespace) -> dict[str, Result]:
    """What is played, by the name of the setting; the longest script comes first."""
    common: Result = {"symbols": options.symbols, "category": options.category}
    settings: dict[str, Result] = {
        "flood": {"mode": "flood", "messages": options.messages, **common}
    }
    for rate in filter(None, options.rates.split(",")):
        messages = int(float(rate) * PACED_S)
        settings[f"paced {rate}/s"] = {
            "mode": "paced",
            "rate": float(rate),
            "messages": messages,
        } | common
    return settings


def module(name: str) -> list[str]:
    """The command that runs a module of this folder."""
    return [sys.executable, "-m", f"tests.perf.{name}"]


def clients(options: argparse.Namespace) -> dict[str, list[str]]:
    """The command of each client, by name; the ceiling's loop and numbers never change."""
    named = {CEILING: module("leanest")}
    if options.loop == "uvloop":
        named[f"{CEILING}+uvloop"] = [*module("leanest"), *_options(loop="uvloop")]
    names = ("loop", "numbers", "subscribers", "books")
    chosen = _options(**{name: getattr(options, name) for name in names})
    named["rxbybit"] = [*module("ours"), *chosen]
    return named


def measure(feed: Feed, plan: Result, command: list[str], core: int | None) -> Result:
    """One client, one run."""
    delivers = feed.plan(plan)
    shared = {name: plan[name] for name in ("mode", "symbols", "category")}
    command = [*command, *_options(port=feed.port, core=core, **shared, **delivers)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=ROOT, timeout=TIME_LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return {"error": "no result in time"}
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        return {"error": done.stderr.strip().splitlines()[-1] if done.stderr else "no result"}
    result: Result = json.loads(lines[-1])
    return result if "error" in result else result | {"feed": feed.ended()}


def run(options: argparse.Namespace, cores: tuple[int | None, int | None]) -> Iterator[Result]:
    """Every client in every setting, round by round, neighbours in time."""
    settings, commands = plans(options), clients(options)
    feed = Feed(cores[0])
    try:
        feed.plan(max(settings.values(), key=lambda plan: int(str(plan["messages"]))))
        for number in range(options.rounds):
            # who comes first changes from round to round
            order = list(commands.items())[:: 1 if number % 2 else -1]
            for setting, plan in settings.items():
                for name, command in order:
                    where = {"client": name, "setting": setting, "round": number}
                    yield where | measure(feed, plan, command, cores[1])
    finally:
        feed.close()


def table(results: list[Result], setting: str) -> Iterator[str]:
    """The medians of one setting, and what they are of the ceiling."""
    figures = FLOOD_FIGURES if setting == "flood" else PACED_FIGURES
    rows = [row for row in results if row["setting"] == setting and "error" not in row]
    by_client: dict[str, dict[object, Result]] = {}
    for row in rows:
        by_client.setdefault(str(row["client"]), {})[row["round"]] = row
    yield f"\n{setting}: {_of_the_feed(rows, setting)}"
    yield f"{'':16}" + "".join(f"{title:>11}{'ratio':>20}" for title in figures.values())
    ceiling = by_client.get(CEILING, {})
    for name, rounds in sorted(by_client.items()):
        cells = [f"{name:16}"]
        for figure in figures:
            values = {number: _number(row, figure) for number, row in rounds.items()}
            ratios = [
                values[number] / _number(row, figure)
                for number, row in ceiling.items()
                if number in values
            ]
            digits = 0 if figure == "messages_per_s" else 1
            cells.append(f"{median(values.values()):>11,.{digits}f}{_spread(ratios):>20}")
        yield "".join(cells)


def about() -> str:
    """Machine and versions, in one line."""
    model = platform.processor() or platform.machine()
    cpus = Path("/proc/cpuinfo")
    if cpus.exists():
        names = [row for row in cpus.read_text().splitlines() if row.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    versions = []
    for package in PACKAGES:
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{package} -")
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{model}, {os.cpu_count()} cores, {platform.system()}; {python}, {', '.join(versions)}"


def choose_cores() -> tuple[int | None, int | None]:
    """A processor for the feed and one for the clients; none on a machine without two."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    allowed = sorted(os.sched_getaffinity(0))
    return (allowed[0], allowed[1]) if len(allowed) > 1 else (None, None)


def main() -> int:
    """Run, print, and tell by the exit status whether every client gave a result."""
    options = parse_options()
    machine = about()
    print(machine, flush=True)
    results: list[Result] = []
    for result in run(options, choose_cores()):
        results.append(result)
        if "error" in result:
            print(f"{result['client']}, {result['setting']}: {result['error']}", file=sys.stderr)
        if options.out is not None:
            with options.out.open("a") as out:
                out.write(json.dumps(result | {"about": machine}) + "\n")
    for setting in plans(options):
        print("\n".join(table(results, setting)))
    print("\nratio: to the leanest reader of the same round, median (least-most)")
    return 1 if any("error" in result for result in results) else 0


class _Raw(argparse.RawDescriptionHelpFormatter, argparse.ArgumentDefaultsHelpFormatter):
    pass


def _options(**values: object) -> list[str]:
    given = {name: value for name, value in values.items() if value is not None}
    return [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]


def _open(stream: IO[str] | None) -> IO[str]:
    assert stream is not None, "asked for as a pipe"
    return stream


def _number(row: Result, figure: str) -> float:
    return float(str(row[figure]))


def _of_the_feed(rows: list[Result], setting: str) -> str:
    """Whether the feed itself could have been what was measured."""
    name, text = "late_us", "the feed's latest message was {:,.0f} us late"
    if setting == "flood":
        name, text = "cpu_us", "the feed spent {:.1f} us a message"
    runs = [cast("Result", row["feed"]) for row in rows]
    return text.format(median(_number(of, name) for of in runs)) if runs else "no result"


def _spread(ratios: list[float]) -> str:
    if not ratios:
        return "-"
    return f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"


if __name__ == "__main__":
    sys.exit(main())
