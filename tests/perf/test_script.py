"""The benchmark's market: what the messages say, and that they agree with each other."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import cast

import pytest

from tests.perf import leanest
from tests.perf.market import closing_trade, opening_trade, read_stamp
from tests.perf.script import SHARES, Script, symbols_of, topics_of

MESSAGES = 4_000
pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def script() -> Script:
    return Script("linear", 3, MESSAGES)


def decoded(message: bytes) -> leanest.Message:
    kind = leanest.topic_of(message).decode().split(".")[0]
    return leanest.DECODERS[kind].decode(message)


def books(script: Script) -> dict[str, leanest.BookUpdate]:
    of = {topic: decoded(snapshot) for topic, snapshot in script.snapshots.items()}
    return {t: m for t, m in of.items() if isinstance(m, leanest.BookUpdate)}


def test_every_message_decodes_with_the_leanest_reader(script: Script) -> None:
    for message, at in zip(script.messages, script.topic_at, strict=True):
        read = decoded(message)
        assert read.topic == script.topics[at]
        assert read.type == ("delta" if read.topic.startswith(("order", "tick")) else "snapshot")
    for topic, snapshot in script.snapshots.items():
        read = decoded(snapshot)
        assert (read.topic, read.type) == (topic, "snapshot")
    assert set(script.snapshots) == {t for t in script.topics if t.startswith(("order", "tick"))}


def test_the_mix_is_the_one_that_the_readme_names(script: Script) -> None:
    kinds = Counter(at % len(SHARES) for at in script.topic_at)
    for number, share in enumerate(SHARES.values()):
        assert kinds[number] / MESSAGES * 100 == pytest.approx(share, abs=3)
    assert sum(map(len, script.messages)) / MESSAGES == pytest.approx(410, abs=15)
    assert set(script.trades_in) == {0, 1, 2, 3, 4, 5}
    per_symbol = Counter(at // len(SHARES) for at in script.topic_at)
    assert min(per_symbol.values()) > MESSAGES / 4


def test_a_book_keeps_fifty_levels_and_never_crosses(script: Script) -> None:
    sides = {
        topic: (dict(update.data.bids), dict(update.data.asks))
        for topic, update in books(script).items()
    }
    last = {topic: update.data.update_id for topic, update in books(script).items()}
    widest: Decimal = Decimal(0)
    for update in map(decoded, script.messages):
        if not isinstance(update, leanest.BookUpdate):
            continue
        last[update.topic] += 1
        assert update.data.update_id == last[update.topic]
        bids, asks = sides[update.topic]
        told = ((bids, update.data.bids), (asks, update.data.asks))
        assert 1 <= sum(len(levels) for _, levels in told) <= 24
        for held, levels in told:
            for price, size in levels:
                if size:
                    held[price] = size
                else:
                    del held[price]  # a level that the book never had fails here
        assert len(bids) == len(asks) == 50
        assert max(bids) < min(asks)
        widest = max(widest, min(asks) - max(bids))
    assert widest < 10


def test_levels_come_best_first(script: Script) -> None:
    for message in [*script.snapshots.values(), *script.messages]:
        update = decoded(message)
        if isinstance(update, leanest.BookUpdate):
            bids, asks = ([p for p, _ in side] for side in (update.data.bids, update.data.asks))
            assert bids == sorted(set(bids), reverse=True)
            assert asks == sorted(set(asks))


def test_trades_have_ids_of_their_own_and_rising_sequences(script: Script) -> None:
    trades = [
        t for m in map(decoded, script.messages) if isinstance(m, leanest.Trades) for t in m.data
    ]
    assert len({trade.id for trade in trades}) == len(trades) == sum(script.trades_in)
    assert {len(trade.id) for trade in trades} == {36}
    for symbol in script.symbols:
        sequences = [trade.sequence for trade in trades if trade.symbol == symbol]
        times = [trade.time_ms for trade in trades if trade.symbol == symbol]
        assert sequences == sorted(set(sequences))
        assert times == sorted(times)
        first, last = (
            cast("leanest.Trades", decoded(message)).data[0]
            for message in (opening_trade(symbol), closing_trade(symbol, 7))
        )
        assert first.sequence < sequences[0] < sequences[-1] < last.sequence
        assert (first.id[0], last.id[0], read_stamp(last.id)) == ("O", "E", 7)


def test_a_short_script_is_the_beginning_of_a_long_one(script: Script) -> None:
    short = Script("linear", 3, 500)
    assert short.messages == script.messages[:500]
    assert short.snapshots == script.snapshots


def test_books_alone_are_a_mix(script: Script) -> None:
    books_alone = Script("linear", 3, 500, "books")
    assert books_alone.snapshots == script.snapshots
    assert {books_alone.topics[at].split(".")[0] for at in books_alone.topic_at} == {"orderbook"}
    assert len(set(books_alone.topic_at)) == 3


def test_symbols_are_those_of_the_category() -> None:
    assert symbols_of("linear", 2) == ("BTCUSDT", "ETHUSDT")
    assert symbols_of("inverse", 8)[-3:] == ("ADAUSD", "C006USD", "C007USD")
    assert len(set(topics_of("linear", 250))) == 1000
