"""Recorded answers of market/kline: every row is a candle, newest first."""

from __future__ import annotations

import json
from pathlib import Path

from rxbybit.config import Category
from rxbybit.rest.backfill import fetch, past_of
from rxbybit.streams.kline import KLINES
from rxbybit.transport import Answer
from tests.unit.rest.desk import Desk
from tests.virtual import run

INTERVALS: dict[str, tuple[Category, str]] = {
    "BTCUSD": ("inverse", "60"),
    "BTCUSDT": ("linear", "1"),
}


def test_recorded_rows(frames: Path) -> None:
    seen = 0
    for body in (frames / "v5" / "rest_kline.jsonl").read_bytes().splitlines():
        result = json.loads(body)["result"]
        category, code = INTERVALS[result["symbol"]]
        assert category == result["category"]

        async def main(
            body: bytes = body,
            category: Category = category,
            topic: str = f"kline.{code}.{result['symbol']}",
        ) -> None:
            desk = Desk()
            desk.always = lambda url: Answer(200, {}, body)
            past = past_of(KLINES, "v5", category, topic)
            # as far back as it goes, from later than the newest: none is unfinished then
            rows = json.loads(body)["result"]["list"]
            candles = await fetch(desk.api(), past, len(rows), before=2_000_000_000_000)
            assert desk.statuses == []
            names = ("open", "high", "low", "close", "volume", "turnover")
            for row, candle in zip(reversed(rows), candles, strict=True):
                assert [str(candle.start_ms), *(f"{getattr(candle, n):f}" for n in names)] == row
                assert candle.closed

        run(main())
        seen += len(result["list"])
        assert all(len(row) == len(past_columns()) for row in result["list"])
    assert seen == 4


def past_columns() -> tuple[str, ...]:
    assert KLINES.history is not None
    return KLINES.history.columns


def test_fact_the_list_begins_with_the_newest(frames: Path) -> None:
    for body in (frames / "v5" / "rest_kline.jsonl").read_bytes().splitlines():
        starts = [int(row[0]) for row in json.loads(body)["result"]["list"]]
        assert starts == sorted(starts, reverse=True)
