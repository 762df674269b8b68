"""What every measured client shares: its command line, its counters, its one line of result.

A client calls ``probe.trade(id)`` for every delivery of trades, with the id of the last trade,
and ``probe.other()`` for every other delivery. The opening trade sets the counters to zero; the
closing one ends the process with a JSON line, once all that was sent has been delivered.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import resource
import sys
import threading
import time
from array import array
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Literal, cast

import msgspec

from tests.perf.market import read_stamp

PATIENCE_S = 5.0
"""How long after the closing trade what came over other connections may still arrive."""


class Options(msgspec.Struct, kw_only=True, frozen=True):
    """The command line of a client."""

    port: int
    mode: Literal["flood", "paced"] = "flood"
    category: Literal["linear", "inverse"] = "linear"
    symbols: int = 10
    subscribers: int = 1
    numbers: Literal["decimal", "float"] = "decimal"
    books: Literal["updates", "kept", "held"] = "updates"
    """What is heard of books: what is sent, the book, or the book by who holds the last one."""
    beside: Literal["nobody", "plain", "disturbed"] = "nobody"
    """Who else hears the trades, without being measured."""
    loop: Literal["asyncio", "uvloop"] = "asyncio"
    core: int | None = None
    messages: int
    """What the run delivers, the closing trade included: messages,"""
    trade_messages: int
    """those of trades,"""
    trades: int
    """single trades,"""
    others: int
    """and messages of other kinds."""
    limit_s: float = 120.0


def parse_options() -> Options:
    """Every field of :class:`Options` is an option of the same name."""
    parser = argparse.ArgumentParser(description="A benchmark client; run.py starts it.")
    for name in Options.__struct_fields__:
        parser.add_argument("--" + name.replace("_", "-"))
    given = {name: text for name, text in vars(parser.parse_args()).items() if text is not None}
    return msgspec.convert(given, Options, strict=False)


def pin(core: int | None) -> None:
    """Keep this process on one processor, where the system can."""
    if core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})


def percentile(ordered: array[int], share: float) -> float:
    """The value below which ``share`` of the values lie."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def cpu_seconds() -> float:
    """User and system time of all threads of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peak_rss_mib() -> float:
    """The most memory this process has held."""
    status = Path("/proc/self/status")
    if status.exists():
        # ru_maxrss of Linux counts in what the process held before exec
        line = next(row for row in status.read_text().splitlines() if row.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    unit = 2**20 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


class Probe:
    """Counts deliveries, times them in a paced run, reports when everything has come."""

    def __init__(self, options: Options, trade_deliveries: int) -> None:
        self._options = options
        self._expected = [
            trade_deliveries * options.subscribers,
            options.others * options.subscribers,
        ]
        self._counts = [0, 0]
        self._delays = array("q")
        self._cpu = 0.0
        self._reported = threading.Lock()
        self._waiting = False
        self._begun = False
        self.trade = self._paced_trade() if options.mode == "paced" else self._flood_trade()
        self.other = self._other()

    def fail(self, reason: str) -> None:
        """End the process with an error instead of a result."""
        self._end({"error": reason, "delivered": self._counts, "expected": self._expected})

    def _flood_trade(self) -> Callable[[str], None]:
        # closures: what the probe costs is part of every client's figure
        counts, mark = self._counts, self._mark

        def trade(id_: str) -> None:
            counts[0] += 1
            if id_[0] != "T":
                mark(id_)

        return trade

    def _paced_trade(self) -> Callable[[str], None]:
        counts, mark, clock, delays = self._counts, self._mark, time.monotonic_ns, self._delays

        def trade(id_: str) -> None:
            counts[0] += 1
            if id_[0] != "T":
                mark(id_)
                return
            sent = int(id_[1:20])
            if sent:  # on the last trade of a message only
                delays.append(clock() - sent)

        return trade

    def _other(self) -> Callable[[], None]:
        counts = self._counts

        def other() -> None:
            counts[1] += 1

        return other

    def _mark(self, id_: str) -> None:
        if id_[0] == "O":
            self._counts[:] = (0, 0)
            if not self._begun:  # once, and not for each subscriber: a paced feed does not wait
                self._begun = True
                gc.collect()
            self._cpu = cpu_seconds()
        elif self._counts == self._expected:
            self._report(id_)
        elif not self._waiting:
            self._waiting = True
            threading.Thread(target=self._wait, args=(id_,), daemon=True).start()

    def _wait(self, id_: str) -> None:
        """What came over another connection, or for another subscriber, can be later."""
        deadline = time.monotonic() + PATIENCE_S
        while self._counts != self._expected:
            if time.monotonic() > deadline:
                self.fail("not everything was delivered once")
            time.sleep(0.001)
        self._report(id_)

    def _report(self, id_: str) -> None:
        now, cpu, options = time.monotonic_ns(), cpu_seconds() - self._cpu, self._options
        wall_s = (now - read_stamp(id_)) / 1e9
        result: dict[str, object] = {
            "messages_per_s": options.messages / wall_s,
            "cpu_us": cpu / options.messages * 1e6,
            "rss_mib": peak_rss_mib(),
            "delivered": self._counts,
        }
        if options.mode == "paced":
            # the first fifth warms up
            delays = array("q", sorted(self._delays[len(self._delays) // 5 :]))
            result["samples"] = len(delays)
            for name, share in (("p50_us", 0.5), ("p99_us", 0.99), ("p999_us", 0.999)):
                result[name] = percentile(delays, share) / 1e3
        self._end(result)

    def _end(self, result: dict[str, object]) -> None:
        if self._reported.acquire(blocking=False):
            print(json.dumps(result), flush=True)
            # how a client closes is not what is measured here
            os._exit(1 if "error" in result else 0)


def run_client(
    client: Callable[[Options, Probe], Coroutine[None, None, None]],
    *,
    deliveries: Literal["trade_messages", "trades"],
) -> None:
    """Run ``client``, whose user gets one call a ``deliveries``, until the closing trade."""
    options = parse_options()
    pin(options.core)
    probe = Probe(options, cast("int", getattr(options, deliveries)))
    timer = threading.Timer(options.limit_s, probe.fail, ("the time is over",))
    timer.daemon = True
    timer.start()
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    if options.loop == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(client(options, probe))
    probe.fail("the client ended before the closing trade")
