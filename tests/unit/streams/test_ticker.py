"""The schemas of tickers: any key may be absent, and any may be empty."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rxbybit.schema.decoder import TopicDecoder
from rxbybit.schema.fields import WireSchema
from rxbybit.streams.ticker import TICKER_UPDATES, TickerOptionV5, TickerV5


@pytest.mark.parametrize("path", ["msgspec", "marshmallow"])
@pytest.mark.parametrize(
    ("symbol", "schema"), [("BTCUSD", TickerV5), ("BTC-25DEC26-70000-P-USDT", TickerOptionV5)]
)
def test_everything_may_be_empty_or_absent(
    symbol: str, schema: type[WireSchema], path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RXBYBIT_DECODER", path)
    optional = {n: f.data_key or n for n, f in schema().declared.items() if n != "symbol"}
    problems: list[Exception] = []
    decoder = TopicDecoder(TICKER_UPDATES, "v5", f"tickers.{symbol}", report=problems.append)

    def decode(data: dict[str, str]) -> Any:  # Any: a TickerUpdate, whose attributes vary
        frame = {"type": "delta", "ts": 1, "data": {"symbol": symbol} | data}
        return decoder.decode(json.dumps(frame).encode(), 1, 1)[0]

    empty = decode(dict.fromkeys(optional.values(), ""))
    assert empty.changed == set(optional)
    assert all(getattr(empty, name) is None for name in optional)
    nothing = decode({})
    assert nothing.changed == set()
    for name, key in optional.items():
        one = decode({key: ""})
        assert one.changed == {name}
    assert not problems
