"""``make bench``: every figure of speed that rxbybit has a goal for, in one interleaved run.

    python -m tests.perf.suite              under four minutes
    python -m tests.perf.suite --quick      under one

It prints figures and asserts nothing; README.md beside this file says how to read them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Literal, NamedTuple

from tests.perf import beside, operators
from tests.perf.run import PACED_S, Feed, Result, about, choose_cores, measure, module

Client = Literal["leanest", "rxbybit"]
SETTLE_MANY_S = 4.0
FEW, USUAL, MANY = 1, 10, 250
"""Symbols: 4, 40 and 1,000 topics."""


class Case(NamedTuple):
    """One client on one plan."""

    client: Client
    symbols: int = USUAL
    subscribers: int = 1
    numbers: Literal["decimal", "float"] = "decimal"
    books: Literal["updates", "kept", "held"] = "updates"
    """Of ours: as they are sent; as ``order_book`` keeps them; the same, the last one held."""
    mix: Literal["usual", "books"] = "usual"
    """Of messages: ``books`` is changes of books alone."""
    rate: int = 0
    """Messages a second; 0 is as fast as it reads."""
    beside: Literal["nobody", "plain", "disturbed"] = "nobody"
    """Of ours, who else hears the trades: three that do nothing, or that disturb."""


Of = Callable[[Case, str], float]
"""A number of a case in one round: its name in the result of a client."""


class Row(NamedTuple):
    """A figure: what it is called, what it ought to be, and how a round gives it."""

    name: str
    goal: str
    needs: tuple[Case, ...]
    figure: Callable[[Of], float]
    unit: str = ""


CEILING, OURS = Case("leanest"), Case("rxbybit")
FLOAT = Case("rxbybit", numbers="float")
BOOKS, HELD = Case("rxbybit", books="kept"), Case("rxbybit", books="held")
CEILING_ONLY, BOOKS_ONLY = Case("leanest", mix="books"), BOOKS._replace(mix="books")
CEILING_FEW, OURS_FEW = Case("leanest", FEW), Case("rxbybit", FEW)
CEILING_MANY, OURS_MANY = Case("leanest", MANY), Case("rxbybit", MANY)


def of_rate(name: str, a: Case, b: Case) -> Row:
    return Row(name, "", (a, b), lambda of: of(a, "messages_per_s") / of(b, "messages_per_s"))


def further_delivery(subscribers: int) -> Row:
    many = Case("rxbybit", subscribers=subscribers)

    def figure(of: Of) -> float:
        spent_us = of(many, "cpu_us") - of(OURS, "cpu_us")
        return spent_us / (subscribers - 1) / of(OURS, "deliveries_a_message")

    name = f"a further delivery, {subscribers} subscribers"
    return Row(name, "<= 0.1", (OURS, many), figure, "us")


def latency(rate: int, quantile: str) -> Row:
    ceiling, ours = Case("leanest", rate=rate), Case("rxbybit", rate=rate)
    name = f"{quantile} at {rate:,} messages/s / ceiling"
    key = f"{quantile}_us"
    return Row(name, "<= 0.9", (ceiling, ours), lambda of: of(ours, key) / of(ceiling, key))


def isolation(quantile: str) -> Row:
    """What the others feel of a hundredth that disturbs."""
    plain = Case("rxbybit", subscribers=97, rate=beside.RATE, beside="plain")
    disturbed = plain._replace(beside="disturbed")
    key = f"{quantile}_us"
    return Row(
        f"{quantile} at {beside.RATE:,} messages/s, 100 subscribers: disturbed / not",
        "<= 1.2",
        (plain, disturbed),
        lambda of: of(disturbed, key) / of(plain, key),
    )


def microseconds(name: str, case: Case, key: str) -> Row:
    return Row(name, "", (case,), lambda of: of(case, key), "us")


ROWS = (
    of_rate("throughput / ceiling", OURS, CEILING)._replace(goal=">= 1.0"),
    Row(
        "CPU a message / ceiling",
        "",
        (OURS, CEILING),
        lambda of: of(OURS, "cpu_us") / of(CEILING, "cpu_us"),
    ),
    of_rate("numbers=float: throughput / ceiling", FLOAT, CEILING)._replace(goal=">= 1.8"),
    of_rate("books kept: throughput / ceiling", BOOKS, CEILING)._replace(goal=">= 0.8"),
    of_rate("books kept and held: throughput / ceiling", HELD, CEILING),
    of_rate("books kept, of books alone: throughput / ceiling", BOOKS_ONLY, CEILING_ONLY),
    Row(
        "1,000 topics against 4, over the ceiling's own",
        "<= 1.1",
        (CEILING_FEW, OURS_FEW, CEILING_MANY, OURS_MANY),
        lambda of: (
            of(OURS_MANY, "cpu_us")
            / of(OURS_FEW, "cpu_us")
            / (of(CEILING_MANY, "cpu_us") / of(CEILING_FEW, "cpu_us"))
        ),
    ),
    Row(
        "memory over the ceiling, 1,000 topics",
        "",
        (CEILING_MANY, OURS_MANY),
        lambda of: of(OURS_MANY, "rss_mib") - of(CEILING_MANY, "rss_mib"),
        "MiB",
    ),
    further_delivery(10),
    further_delivery(100),
    latency(5_000, "p50"),
    latency(5_000, "p99"),
    latency(20_000, "p50"),
    latency(20_000, "p99"),
    isolation("p50"),
    isolation("p99"),
    microseconds("ceiling: CPU a message", CEILING, "cpu_us"),
    microseconds("rxbybit: CPU a message", OURS, "cpu_us"),
    microseconds("rxbybit: CPU a message, books kept", BOOKS, "cpu_us"),
    microseconds("rxbybit: p50 at 5,000 messages/s", Case("rxbybit", rate=5_000), "p50_us"),
    microseconds("rxbybit: p99 at 5,000 messages/s", Case("rxbybit", rate=5_000), "p99_us"),
)
QUICK = tuple(r for r in ROWS if not any(c.rate or c.mix != "usual" for c in r.needs))


def cases(rows: tuple[Row, ...]) -> list[Case]:
    """What has to be run, neighbours in time as they are compared."""
    return list(dict.fromkeys(case for row in rows for case in row.needs))


def plan_of(case: Case, messages: int) -> Result:
    """What the feed plays to a case; many subscribers get fewer messages for their time."""
    common: Result = {"symbols": case.symbols, "category": "linear", "mix": case.mix}
    if case.rate:
        paced = {"mode": "paced", "rate": float(case.rate), "messages": int(case.rate * PACED_S)}
        # after the opening trade the client collects garbage, the more the more subscribers
        return paced | common | ({"settle_s": SETTLE_MANY_S} if case.subscribers > 1 else {})
    return {
        "mode": "flood",
        "messages": max(1_000, messages // (1 + case.subscribers // 10)),
    } | common


def rounds(
    feed: Feed, rows: tuple[Row, ...], number: int, messages: int, core: int | None
) -> Iterator[dict[Case, Result]]:
    """One result a case, round by round; who comes first changes."""
    wanted = cases(rows)
    for at in range(number):
        yield {
            case: played(feed, case, plan_of(case, messages), core)
            for case in wanted[:: 1 if at % 2 else -1]
        }


def played(feed: Feed, case: Case, plan: Result, core: int | None) -> Result:
    """What a case gives on a plan."""
    command = module("leanest" if case.client == "leanest" else "ours")
    if case.client == "rxbybit":
        options = ("numbers", "subscribers", "books", "beside")
        command += [f"--{name}={getattr(case, name)}" for name in options]
    return measure(feed, plan, command, core) | {"messages": plan["messages"]}


def figure_of(row: Row, results: dict[Case, Result]) -> float | None:
    """What one round gives for a row; ``None`` where a client gave no result."""
    if any("error" in results[case] for case in row.needs):
        return None
    return row.figure(lambda case, name: number(results[case], name))


def number(result: Result, name: str) -> float:
    if name == "deliveries_a_message":
        delivered = result["delivered"]
        assert isinstance(delivered, list)
        return sum(delivered) / float(str(result["messages"]))
    return float(str(result[name]))


def table(rows: tuple[Row, ...], every: list[dict[Case, Result]]) -> Iterator[str]:
    """A line a row: the median over the rounds, the least and the most, and the goal."""
    width = max(len(row.name) for row in rows)
    yield f"{'':{width}} {'median':>9} {'least':>8} {'most':>8}  goal"
    for row in rows:
        found = [f for results in every if (f := figure_of(row, results)) is not None]
        if not found:
            yield f"{row.name:{width}} {'no result':>9}"
            continue
        middle, least, most = (f"{v:.2f}" for v in (median(found), min(found), max(found)))
        goal = " ".join(filter(None, (row.goal, row.unit)))
        yield f"{row.name:{width}} {middle:>9} {least:>8} {most:>8}  {goal}".rstrip()


def parse_options(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="one round, no latency, under a minute"
    )
    parser.add_argument("--rounds", type=int, help="else 3, or 1 with --quick")
    parser.add_argument("--messages", type=int, help="of a flood run; else 100,000, or 30,000")
    parser.add_argument("--out", type=Path, help="append every result as a JSON line")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Run, print, and tell by the exit status whether every client gave a result."""
    options = parse_options(arguments)
    rows = QUICK if options.quick else ROWS
    messages = options.messages or (30_000 if options.quick else 100_000)
    number_of_rounds = options.rounds or (1 if options.quick else 3)
    machine = about()
    print(machine, flush=True)
    of_feed, of_clients = choose_cores()
    feed, every = Feed(of_feed), list[dict[Case, Result]]()
    try:
        for results in rounds(feed, rows, number_of_rounds, messages, of_clients):
            every.append(results)
            for case, result in results.items():
                if "error" in result:
                    print(f"{case}: {result['error']}", file=sys.stderr)
                if options.out is not None:
                    line = {"case": case._asdict(), "about": machine, **result}
                    with options.out.open("a") as out:
                        out.write(json.dumps(line) + "\n")
    finally:
        feed.close()
    print(f"\n{number_of_rounds} rounds of {len(cases(rows))} runs, {messages:,} messages each")
    print("\n".join(table(rows, every)))
    print("\n" + "\n".join(beside.lines(rounds=2 if options.quick else beside.ROUNDS)))
    print("\n" + "\n".join(operators.lines(rounds=2 if options.quick else operators.ROUNDS)))
    return 1 if any("error" in result for results in every for result in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
