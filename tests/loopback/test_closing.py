"""The end of a link as its peer sees it: last words, a close frame, and patience for an answer."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from rxbybit import Bybit
from rxbybit.config import Environment
from tests.loopback.rawserver import CLOSE, TEXT, Peer, RawServer, frame
from tests.promises.world import Before, Ear, until

TRADE = {"T": 1, "s": "BTCUSD", "S": "Buy", "v": "1", "p": "2", "i": "x", "seq": 1}
DATA = {"topic": "publicTrade.BTCUSD", "type": "snapshot", "ts": 1, "data": [TRADE]}


def frames_of(data: bytes) -> list[tuple[int, bytes]]:
    """The opcodes and payloads of a client's frames, all of them short."""
    found: list[tuple[int, bytes]] = []
    while data:
        opcode, length, mask = data[0] & 15, data[1] & 127, 2
        if length == 126:
            length, mask = int.from_bytes(data[2:4], "big"), 4
        body = data[mask + 4 : mask + 4 + length]
        key = data[mask : mask + 4]
        found.append((opcode, bytes(c ^ key[i % 4] for i, c in enumerate(body))))
        data = data[mask + 4 + length :]
    return found


def leave(
    script: Callable[[Peer], None], then: Callable[[RawServer], Any], *, naps: int = 100
) -> float:
    """Subscribe at a server with ``script``, leave; gives the seconds until all is gone."""
    took: list[float] = []

    async def main(server: RawServer) -> None:
        before = Before()
        environment = Environment(name="raw", public={"inverse": server.url()})
        async with Bybit(environment) as client:
            ear = Ear(client.trades("BTCUSD"))
            await until(lambda: then(server))
            began = time.monotonic()
            ear.leave()
            await before.again(server.port, naps=naps)
            took.append(time.monotonic() - began)

    with RawServer(script) as server:
        asyncio.run(main(server))
    assert server.errors == []
    return took[0]


def test_the_peer_reads_an_unsubscribe_and_a_close_and_may_take_its_time_to_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for budget in ("CLOSE_S", "LAST_WORDS_S"):
        monkeypatch.setattr(f"rxbybit.session.{budget}", 30.0)
    said: list[tuple[int, bytes]] = []
    still_open: list[bool] = []
    asked: list[int] = []

    def script(peer: Peer) -> None:
        peer.upgrade(frame(TEXT, json.dumps(DATA).encode()))
        heard = b""
        while not heard or frames_of(heard)[-1][0] != CLOSE:
            heard += peer.sock.recv(65_536)
            asked.append(1)
        said.extend(frames_of(heard))
        peer.sock.settimeout(0.2)
        try:
            peer.sock.recv(1)
        except TimeoutError:
            still_open.append(True)
        peer.send(frame(TEXT, json.dumps(DATA).encode()) * 10)  # on its way when it was told
        peer.send(frame(CLOSE, frames_of(heard)[-1][1]))
        peer.sock.settimeout(30)
        assert peer.sock.recv(1) == b""

    took = leave(script, lambda server: asked, naps=3_000)
    assert still_open == [True]
    assert took >= 0.2
    texts = [json.loads(body) for opcode, body in said if opcode == TEXT]
    assert [(text["op"], text["args"]) for text in texts] == [
        ("subscribe", ["publicTrade.BTCUSD"]),
        ("unsubscribe", ["publicTrade.BTCUSD"]),
    ]
    assert said[-1] == (CLOSE, (1000).to_bytes(2, "big"))


def test_a_peer_that_never_answers_is_left_after_half_a_second() -> None:
    asked: list[int] = []

    def script(peer: Peer) -> None:
        peer.upgrade()
        peer.sock.recv(65_536)
        asked.append(1)
        peer.read_rest()

    assert leave(script, lambda server: asked) >= 0.5
