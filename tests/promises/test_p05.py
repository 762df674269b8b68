"""P5: A malformed message (a frame that arrived whole, whatever it holds: no JSON, no UTF-8, a
missing field) is reported and costs nothing else; a malformed frame (reserved opcode, oversize)
costs one reconnect.
"""

from __future__ import annotations

import json
import struct

import pytest

from rxbybit import Connected, DecodeFailed, Disconnected, Gap
from tests.loopback.rawserver import TEXT, frame
from tests.promises.world import TRADES, Ear, World, scenario, until

HEAD = b'{"topic":"publicTrade.BTCUSD","type":"snapshot","ts":1700000000000,"data":'
GOOD = {"T": 1, "s": "BTCUSD", "S": "Buy", "v": "1", "p": "2", "i": "x", "seq": 1}


def item(**changes: object) -> bytes:
    return json.dumps([{**GOOD, **changes}]).encode()


def without(key: str) -> bytes:
    return json.dumps([{k: v for k, v in GOOD.items() if k != key}]).encode()


MESSAGES = [
    *(b"", b"\x00", b"{", b"[]", b"null", b"7", b"\xff\xfe\xfd", b"[" * 100_000, b'{"topic":'),
    *(HEAD, HEAD + b"}", HEAD + b"null}", HEAD + b"7}", HEAD + b'"x"}', HEAD + b"[7]}"),
    *(HEAD + b"[" * 50_000, HEAD + b"[{]}", HEAD + b"[{}]}", HEAD + b'[{"T":"\xff"}]}'),
    *(HEAD + without(key) + b"}" for key in ("T", "s", "S", "v", "p", "i")),
    *(HEAD + item(p=value) + b"}" for value in ("", "NaN", "1e", "Infinity", None, {}, True)),
    *(HEAD + item(T=value) + b"}" for value in ("1", -1, 1.5, 10**30, None)),
    b'{"topic":"publicTrade.BTCUSD"}',
    b'{"topic":"publicTrade.BTCUSD","data":[]' + b" " * 10,
]


@pytest.mark.parametrize("first", [True, False], ids=["before any trade", "among trades"])
def test_a_malformed_message_is_reported_and_costs_nothing_else(first: bool) -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.trades("BTCUSD"))
        await world.subscribed(TRADES)
        sent: list[str] = []
        for message in MESSAGES:
            data = frame(TEXT, message)
            world.served.run(lambda data=data: world.served.exchange.links[0].inject(data))
            if not first:
                sent += world.trade()
        sent += world.trade()
        await until(lambda: ear.ids[-1:] == sent[-1:])
        assert ear.ids == sent
        assert ear.errors == []
        failed = world.of(DecodeFailed)
        assert len(failed) == len(MESSAGES)
        for status, message in zip(failed, MESSAGES, strict=True):
            assert status.raw == message[:2048].decode("utf-8", "replace")[:2048]
            assert status.messages
            named = message.startswith(b'{"topic":"publicTrade.BTCUSD"') and _whole(message)
            assert (status.topic == TRADES) or not named
        assert len(world.of(Connected)) == 1
        assert world.of(Disconnected) == world.of(Gap) == []

    scenario(body)


def _whole(message: bytes) -> bool:
    try:
        json.loads(message)
    except (ValueError, RecursionError):
        return False
    return True


def test_one_bad_item_of_a_list_costs_that_item() -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.trades("BTCUSD"))
        await world.subscribed(TRADES)
        items = [{**GOOD, "i": str(n)} for n in range(5)]
        del items[2]["p"]
        world.push(TRADES, "snapshot", items)
        await until(lambda: ear.heard)
        assert ear.ids == ["0", "1", "3", "4"]
        (failed,) = world.of(DecodeFailed)
        assert failed.topic == TRADES
        assert "2" in str(failed.messages)
        assert world.of(Disconnected) == []

    scenario(body)


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(frame(3, b"x"), id="reserved opcode"),
        pytest.param(frame(TEXT, b"x", first=0xC1), id="RSV1"),
        pytest.param(b"\x81\x7f" + struct.pack(">Q", 2**40), id="oversize"),
        pytest.param(frame(0, b"x"), id="continuation of nothing"),
    ],
)
def test_a_malformed_frame_costs_one_reconnect(bad: bytes) -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.trades("BTCUSD"))
        await world.subscribed(TRADES)
        sent = world.trade()
        await until(lambda: ear.ids == sent)
        world.served.run(lambda: world.served.exchange.links[0].inject(bad))
        await until(lambda: len(world.of(Connected)) == 2)
        await world.subscribed(TRADES)
        sent += world.trade()
        await until(lambda: ear.ids == sent)
        assert ear.errors == []
        (ended,) = world.of(Disconnected)
        assert "protocol" in ended.reason
        assert len(world.served.connects) == 2
        assert ear.heard[-1].meta.gap is not None

    scenario(body)
