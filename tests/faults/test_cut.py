"""A connection that is cut behind its Nth byte, for any N: what was whole is heard, no more."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from rxbybit import Subscribed
from rxbybit.config import Environment
from tests.faults.chaos import Chaos, Door, Visit
from tests.faults.exchange import SYMBOL, trade
from tests.faults.world import Hearing, World
from tests.loopback.rawserver import TEXT, frame
from tests.promises.world import until
from tests.remains import Before

FIRST, SECOND = range(1, 6), range(6, 11)
LONGEST = 2_000
"""More than the script is long."""


class Script:
    """An upgrade, the answer to a request, and trades; all that comes behind byte ``stop`` is cut.

    ``answered`` and ``whole`` are whether the answer, and how many trades, lay before that.
    """

    def __init__(self, numbers: range, stop: int | None = None, how: str = "fin") -> None:
        self.numbers = numbers
        self.answered = False
        self.whole = 0
        self._cut = stop is not None
        self._left = LONGEST * 10 if stop is None else stop
        self._how = how

    async def door(self, visit: Visit) -> None:
        await visit.open(tls=None)
        head = await visit.head()
        await self._send(visit, _upgrade(head))
        if self._left:
            request = json.loads(await _said(visit))
            answer = {"success": True, "ret_msg": "", "op": "subscribe", "conn_id": "c"}
            answer["req_id"] = request["req_id"]
            self.answered = await self._send(visit, frame(TEXT, json.dumps(answer).encode()))
        for number in self.numbers:
            self.whole += await self._send(visit, frame(TEXT, trade(SYMBOL, number)))
        if self._cut:
            visit.reset() if self._how == "rst" else visit.fin()
        await visit.reader.read(1)  # of the close frame

    async def _send(self, visit: Visit, data: bytes) -> bool:
        """Send as much as may be; gives whether that was all."""
        part = data[: self._left]
        self._left -= len(part)
        if part:
            visit.writer.write(part)
            await visit.writer.drain()
        return len(part) == len(data)


def _upgrade(head: bytes) -> bytes:
    lines = [line.partition(b": ") for line in head.split(b"\r\n")]
    (key,) = [value for name, _, value in lines if name.lower() == b"sec-websocket-key"]
    digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
    )


async def _said(visit: Visit) -> bytes:
    """The next short message of the client."""
    _, length = await visit.reader.readexactly(2)
    mask = await visit.reader.readexactly(4)
    masked = await visit.reader.readexactly(length & 0x7F)
    return bytes(byte ^ mask[n % 4] for n, byte in enumerate(masked))


async def heard(port: int, door: Door, again: Door, chaos: Chaos) -> World:
    """The world when the second connection has brought its last trade, and all is left."""
    before = Before()
    chaos.doors.extend([door, again])
    nowhere = Environment(name="nowhere", public={"linear": f"ws://127.0.0.1:{port}/"})
    world = World(f"127.0.0.1:{port}", nowhere, chaos=chaos)
    world.trades = Hearing(world, SYMBOL)
    await until(lambda: world.trades.last == SECOND[-1], within_s=20)
    world.trades.leave()
    await before.again(port)
    await world.client.aclose()
    return world


@pytest.mark.parametrize("how", ["fin", "rst"])
@settings(max_examples=50, phases=[Phase.generate])
@given(stop=st.integers(0, LONGEST))
def test_what_was_whole_is_heard_and_what_was_not_is_declared(how: str, stop: int) -> None:
    first, second = Script(FIRST, stop, how), Script(SECOND)
    with Chaos(0) as chaos:
        world = asyncio.run(heard(chaos.port, first.door, second.door, chaos))
    trades = world.trades
    trades.assert_equal_or_declared()
    assert trades.errors == []
    numbers = [int(event.id) for event in trades.heard]
    early = [n for n in numbers if n in FIRST]
    assert numbers == [*early, *SECOND]
    marked = [int(event.id) for event in trades.heard if event.meta.gap is not None]
    if how == "fin":  # a reset may overtake what was sent
        assert early == list(FIRST)[: first.whole]
        assert marked == ([SECOND[0]] if first.answered else [])
    else:
        assert len(early) <= first.whole
        assert marked == ([SECOND[0]] if len(world.of(Subscribed)) == 2 else [])
