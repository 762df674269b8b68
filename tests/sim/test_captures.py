"""What the exchange recorded comes out of ours as it was: every byte, in the same order."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rxbybit.config import Category
from rxbybit.sim import Exchange, Recording
from tests.sim.peer import connected, run


@pytest.mark.parametrize(
    ("name", "category", "count"),
    [
        ("capture_linear", "linear", 93),
        ("capture_spot", "spot", 53),
        ("orderbook", "linear", 118),
        ("tickers", "linear", 90),
    ],
)
@pytest.mark.parametrize("pace", ["at_once", "ts"])
def test_byte_for_byte(frames: Path, name: str, category: Category, count: int, pace: str) -> None:
    path = frames / "v5" / f"{name}.jsonl"
    lines = [line for line in path.read_bytes().split(b"\n") if b'"topic"' in line]
    assert len(lines) == count

    async def main() -> None:
        # Some files join captures of different years: at such a speed they are seconds apart.
        speed = 1e11 if pace == "ts" else 1.0
        recording = Recording.read(path, pace=pace, speed=speed)  # type: ignore[arg-type]
        topics = sorted({json.loads(line)["topic"] for line in lines})
        recording.hold_until = frozenset(topics)
        async with (
            Exchange({category: recording}) as exchange,
            connected(exchange, category, decode_text=False) as peer,
        ):
            for start in range(0, len(topics), 10):
                await peer.say(op="subscribe", args=topics[start : start + 10], req_id="r")
            heard: list[bytes] = []
            while len(heard) < len(lines):
                message = (await peer.message()).data
                if b'"topic"' in message:
                    heard.append(message)
            assert heard == lines

    run(main())
