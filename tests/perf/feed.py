"""The benchmark's exchange: one process, raw sockets, frames made before anything is timed.

It serves one public V5 socket (``/v5/public/{category}``): answers subscribe, unsubscribe and
ping by ``req_id``, and sends the opening snapshot of a book or ticker that is subscribed. Once
every topic of the plan is subscribed, over however many requests and connections, it plays the
script once: an opening trade (``O…``), a pause, the messages, a closing trade (``E…``).

``flood`` sends as fast as the client reads. ``paced`` sends one message every ``1 / rate``
seconds, with the time (CLOCK_MONOTONIC, ns) in the id of the last trade of a message.

Plans are JSON lines on stdin, each answered on stdout with what it will deliver; the end of a
run is a line there too. The end of stdin ends the process.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Literal

import msgspec

from tests.perf.link import Link, frame
from tests.perf.market import closing_trade, opening_trade
from tests.perf.probe import pin
from tests.perf.script import Script

CHUNK = 128
BREATH_NS, PAUSE_S = 50_000_000, 0.00002
TRADE_ID = b'"i":"T'
STAMP_AT, STAMP_SIZE = len(TRADE_ID), 19

Report = Callable[[dict[str, object]], None]
"""Takes what has happened, from any thread."""


class Plan(msgspec.Struct, kw_only=True, frozen=True):
    """What is played to the connections that come from now on."""

    mode: Literal["flood", "paced"] = "flood"
    messages: int = 100_000
    rate: float = 5_000.0
    symbols: int = 10
    category: Literal["linear", "inverse"] = "linear"
    mix: Literal["usual", "books"] = "usual"
    settle_s: float = 0.5
    """From the last subscription to the opening trade, and half of it from there on."""


class Outline(msgspec.Struct, kw_only=True, frozen=True):
    """What a run delivers behind its opening trade, the closing one included."""

    messages: int
    trade_messages: int
    trades: int
    others: int


def outline(script: Script, messages: int) -> Outline:
    """What the first ``messages`` of a script deliver."""
    counts = script.trades_in[:messages]
    others = counts.count(0)
    return Outline(
        messages=len(counts) + 1,
        trade_messages=len(counts) - others + 1,
        trades=sum(counts) + 1,
        others=others,
    )


class Run:
    """One plan: who has subscribed what, and the playing once that is everything."""

    def __init__(self, plan: Plan, script: Script, report: Report) -> None:
        self.path = f"/v5/public/{plan.category}"
        self.snapshots = script.snapshots
        self._plan, self._script, self._report = plan, script, report
        self._links: dict[str, Link] = {}
        self._lock = threading.Lock()
        self._played = False

    def join(self, link: Link, topics: list[str]) -> None:
        """``link`` has subscribed ``topics``; the last one starts the playing."""
        with self._lock:
            self._links.update(dict.fromkeys(topics, link))
            if self._played or not all(topic in self._links for topic in self._script.topics):
                return
            self._played = True
        threading.Thread(target=self._play, daemon=True).start()

    def leave(self, link: Link, topics: list[str] | None = None) -> None:
        """``link`` has unsubscribed ``topics``, or is gone."""
        with self._lock:
            for topic in list(self._links) if topics is None else topics:
                if self._links.get(topic) is link:
                    del self._links[topic]

    def _play(self) -> None:
        plan, symbol = self._plan, self._script.symbols[0]
        time.sleep(plan.settle_s)
        try:
            links = [self._links[topic] for topic in self._script.topics]
            frames = [frame(message) for message in self._script.messages[: plan.messages]]
            owners = [links[at] for at in self._script.topic_at[: plan.messages]]
            links[0].send(frame(opening_trade(symbol)))
            time.sleep(plan.settle_s / 2)
            cpu, began = time.thread_time(), time.monotonic_ns()
            late = _flood(frames, owners) if plan.mode == "flood" else self._pace(frames, owners)
            links[0].send(frame(closing_trade(symbol, began)))
        except (OSError, KeyError) as error:
            self._report({"run": "broken", "error": repr(error)})
            return
        spent_us = (time.thread_time() - cpu) / len(frames) * 1e6
        self._report({"run": "ended", "cpu_us": spent_us, "late_us": late / 1e3})

    def _pace(self, frames: list[bytes], owners: list[Link]) -> int:
        """Send on time; gives by how much the latest message missed it, in ns."""
        clock, step = time.monotonic_ns, 1e9 / self._plan.rate
        stamps = [data.rfind(TRADE_ID) + STAMP_AT for data in frames]
        worst, began = 0, clock()
        breath = began
        for number, (data, link, at) in enumerate(zip(frames, owners, stamps, strict=True)):
            due = began + int(number * step)
            if due >= breath:
                # without a true pause this thread would never give the readers their turn
                time.sleep(PAUSE_S)
                breath = due + BREATH_NS
            while (now := clock()) < due:
                pass  # a sleep would be late by more than a message takes
            worst = max(worst, now - due)
            if at >= STAMP_AT:
                link.send(b"%b%019d%b" % (data[:at], now, data[at + STAMP_SIZE :]))
            else:
                link.send(data)
        return worst


def _flood(frames: list[bytes], owners: list[Link]) -> int:
    single = len(set(map(id, owners))) == 1
    for start in range(0, len(frames), CHUNK):
        chunk = slice(start, start + CHUNK)
        if single:
            owners[0].send(b"".join(frames[chunk]))
            continue
        shares: dict[Link, list[bytes]] = defaultdict(list)
        for link, data in zip(owners[chunk], frames[chunk], strict=True):
            shares[link].append(data)
        for link, share in shares.items():
            link.send(b"".join(share))
    return 0


class Feed:
    """The listening socket and the plan of the moment."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._scripts: dict[tuple[str, int, str], Script] = {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._run: Run | None = None

    def plan(self, plan: Plan) -> Outline:
        """Connections from now on are served by ``plan``."""
        key = (plan.category, plan.symbols, plan.mix)
        script = self._scripts.get(key)
        if script is None or len(script.messages) < plan.messages:
            # a longer one takes the place of its own beginning
            script = self._scripts[key] = Script(
                plan.category, plan.symbols, plan.messages, plan.mix
            )
        self._run = Run(plan, script, self._report)
        return outline(script, plan.messages)

    def serve(self) -> None:
        """Accept until closed."""
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            if self._run is None:
                sock.close()
                continue
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            Link(sock, self._run).start()

    def close(self) -> None:
        """Accept no more connections."""
        # close alone would leave the accepting thread waiting
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def print_line(line: dict[str, object]) -> None:
    """One JSON line on stdout; from any thread."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Serve plans from stdin until it ends."""
    parser = argparse.ArgumentParser(description="The benchmark's exchange.")
    parser.add_argument("--core", type=int, help="the processor to stay on")
    pin(parser.parse_args().core)
    feed = Feed(print_line)
    threading.Thread(target=feed.serve, daemon=True).start()
    print_line({"port": feed.port})
    for line in sys.stdin:
        plan = msgspec.json.decode(line, type=Plan)
        print_line({"plan": msgspec.to_builtins(feed.plan(plan))})


if __name__ == "__main__":
    main()
