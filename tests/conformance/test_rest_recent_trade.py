"""Recorded answers of market/recent-trade: every row is a trade."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest

from rxbybit.events import Side
from rxbybit.schema.load import loader_of
from rxbybit.streams.trade import TRADES, Trade, TradeRow


def rows(frames: Path) -> list[dict[str, object]]:
    bodies = (frames / "v5" / "rest_recent_trade.jsonl").read_bytes().splitlines()
    return [row for body in bodies for row in json.loads(body)["result"]["list"]]


@pytest.mark.parametrize("numbers", [Decimal, float])
def test_recorded_rows(frames: Path, numbers: type) -> None:
    seen = rows(frames)
    assert len(seen) == 2
    for row in seen:
        trade = Trade(**cast("dict[str, object]", loader_of(TradeRow, numbers).load(row)))  # type: ignore[arg-type]
        assert (trade.id, trade.symbol) == (row["execId"], row["symbol"])
        assert (trade.price, trade.size) == (numbers(row["price"]), numbers(row["size"]))
        assert trade.side == Side(str(row["side"]))
        assert str(trade.time_ms) == row["time"]
        assert trade.is_block == row["isBlockTrade"]
        assert trade.is_rpi == row.get("isRPITrade")
        assert trade.sequence == (int(str(row["seq"])) if "seq" in row else None)
        assert trade.tick_direction is None
        assert TRADES.recent is not None
        assert TRADES.recent.key(trade) == row["execId"]
