"""Who comes late to a legacy recording gets a snapshot of where it stands."""

from __future__ import annotations

import json
from pathlib import Path

from rxbybit.sim import Exchange, Recording
from rxbybit.sim.catchup import snapshot_at
from rxbybit.sim.legacy.board import Board
from tests.sim.legacy.talk import LegacyBook, market, of_topic, realtime
from tests.sim.market.journal import START_MS
from tests.sim.peer import run

TOPICS = ("orderBookL2_25.BTCUSD", "orderBook_200.100ms.ETHUSD", "instrument_info.100ms.BTCUSDH26")


def recorded(*topics: str, ms: int = 5_000) -> list[str]:
    pure = market()
    board = Board(pure)
    for topic in topics:
        board.want(topic)
    snapshots = [board.snapshot(topic) for topic in topics]
    pushes = [push.content for push in pure.advance(START_MS + ms)]
    return [json.dumps(content, separators=(",", ":")) for content in (*snapshots, *pushes)]


def test_it_is_the_snapshot_that_the_market_would_have_sent() -> None:
    for topic in TOPICS:
        frames = Recording(recorded(topic)).frames
        assert snapshot_at(frames, 0, topic) is None
        assert json.loads(snapshot_at(frames, 1, topic) or b"") == json.loads(frames[0].raw)
        pure = market()
        board = Board(pure)
        board.want(topic)
        pushes = pure.advance(START_MS + 5_000)
        for place in range(2, len(frames) + 1):
            made = json.loads(snapshot_at(frames, place, topic) or b"")
            next(pushes)
            told = board.snapshot(topic) or {}
            assert list(made) == list(told)
            if topic.startswith("orderBook"):
                assert made == told
            else:  # what is not said again in a delta stays as it was
                for key in ("last_price", "bid1_price", "mark_price", "volume_24h", "cross_seq"):
                    assert made["data"][key] == told["data"][key]
                assert "update" not in made["data"]


def test_a_captured_book(frames: Path) -> None:
    topic = "orderBookL2_25.BTCUSD"
    recording = Recording.read(frames / "legacy" / "order_book_25.jsonl")
    mine = [frame for frame in recording.frames if frame.topic == topic][:110]
    rebuilt = LegacyBook(json.loads(mine[0].raw))
    for place, frame in enumerate(mine[1:], start=2):
        rebuilt.apply(json.loads(frame.raw))
        made = LegacyBook(json.loads(snapshot_at(mine, place, topic) or b""))
        assert made.sizes == rebuilt.sizes
        assert len(made.sizes) == 50


def test_a_link_that_subscribes_by_wildcard_in_the_middle() -> None:
    book, other = TOPICS[:2]
    texts = recorded(book, other, ms=1_000)

    async def main() -> None:
        recording = Recording(texts, snapshots=True, extra_topics=["trade.X"])
        async with Exchange({"legacy": recording}) as exchange, realtime(exchange) as peer:
            await peer.ask(op="subscribe", args=[other])
            count = sum(json.loads(text)["topic"] == other for text in texts)
            assert len(await peer.texts(count)) == count
            await peer.ask(op="subscribe", args=["orderBookL2_25", "trade.*"])
            late = await peer.text()
            made = LegacyBook(of_topic([late], book)[0])
            whole = of_topic(texts, book)
            rebuilt = LegacyBook(whole[0])
            for delta in whole[1:]:
                rebuilt.apply(delta)
            assert made.sizes == rebuilt.sizes
            await peer.hears_nothing()

    run(main())
