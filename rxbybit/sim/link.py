"""One websocket connection, as the exchange sees it."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable, Sequence

from aiohttp import WSMsgType, web

from rxbybit.config import Category
from rxbybit.sim.catchup import snapshot_at
from rxbybit.sim.control import Answer, Command, Standing, answer, read_command, socket_of
from rxbybit.sim.faults import (
    Close,
    Cut,
    Delay,
    Duplicate,
    Faults,
    How,
    Ignore,
    NoPong,
    Silence,
    Skip,
    WithholdAck,
)
from rxbybit.sim.player import Player, Playhead
from rxbybit.sim.recording import Frame, Recording
from rxbybit.sim.seen import Request

__all__ = ["BUFFER_LIMIT", "DATA_BEFORE_ACK", "PATIENCE_S", "Link"]

BUFFER_LIMIT = 4 * 1024 * 1024
"""Bytes that may wait for a client that reads slowly; a recording played at once waits too."""

PATIENCE_S = 1.0
"""Seconds that anything else waits for room in a full buffer before the link is dropped."""

DATA_BEFORE_ACK = 24
"""Data frames that precede an acknowledgement with ``data_first`` (a snapshot and dozens of
deltas did, in a capture of the linear socket)."""


class Link:
    """One websocket connection of a client.

    All methods belong to the thread of the exchange's loop.
    """

    def __init__(
        self,
        *,
        number: int,
        category: Category,
        conn_id: str,
        websocket: web.WebSocketResponse,
        transport: asyncio.Transport,
        recording: Recording,
        head: Playhead,
        faults: Faults,
        data_first: bool,
        on_request: Callable[[Request], None],
    ) -> None:
        self.number = number
        """Links are numbered from 1 in the order the exchange accepted them."""
        self.category: Category = category
        self.conn_id = conn_id
        self.sent = 0
        """Data frames that this link has carried."""
        self.sent_by_topic: Counter[str] = Counter()
        self.closed = False
        self.silent = False
        """True when the link is half-open: see :meth:`silence`."""
        self._topics: dict[str, None] = {}
        self._websocket = websocket
        self._transport = transport
        self._recording = recording
        self._head = head
        self._faults = faults
        self._data_first = data_first
        self._on_request = on_request
        self._player: Player | None = None
        self._playing: asyncio.Task[None] | None = None
        self._withheld: list[dict[str, object]] = []
        self._waiting: list[tuple[int, dict[str, object]]] = []
        transport.set_write_buffer_limits(high=BUFFER_LIMIT)

    def __repr__(self) -> str:
        state = "closed" if self.closed else "silent" if self.silent else "open"
        return f"<Link {self.number} {self.category} {state}, {len(self._topics)} topics>"

    @property
    def subscriptions(self) -> tuple[str, ...]:
        """The topics this link is subscribed to, in the order they came."""
        return tuple(self._topics)

    async def send(self, raw: bytes | str) -> None:
        """Push any text message, be it malformed; it does not count as data."""
        await self._write(raw.encode() if isinstance(raw, str) else raw, patient=False)

    async def send_data(self, topic: str, frame: bytes | str) -> None:
        """Push a data frame; nothing happens when the link is not subscribed to ``topic``."""
        raw = frame.encode() if isinstance(frame, str) else frame
        await self._deliver(topic, raw, patient=False)

    def inject(self, data: bytes) -> None:
        """Write bytes below the websocket: half a frame, a reserved opcode, noise."""
        if not (self.closed or self.silent):
            self._transport.write(data)

    def cut(self, how: How = "fin") -> None:
        """End the connection without a close frame."""
        if how == "rst":
            peer = self._transport.get_extra_info("socket")
            if peer is not None and not self._transport.is_closing():
                # A socket that must not linger is reset when it is closed.
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        else:
            self._transport.close()
        self.forget()

    def abort(self) -> None:
        """End the connection at once, whatever is still unsent."""
        self._transport.abort()
        self.forget()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Send a close frame and wait half a second at most for the client's."""
        await self._stop_playing()
        await self._websocket.close(code=code, message=reason.encode())
        self.forget()

    def silence(self) -> None:
        """Become half-open: send nothing more, answer nothing, read nothing."""
        self.silent = True
        self._transport.pause_reading()
        if self._playing is not None and self._playing is not asyncio.current_task():
            self._playing.cancel()

    async def release_acks(self) -> None:
        """Send the acknowledgements that a :class:`WithholdAck` has held back."""
        released, self._withheld = self._withheld, []
        for reply in released:
            await self._reply(reply)

    def forget(self) -> None:
        """Mark the link as closed and end what it was doing."""
        self.closed = True
        self._topics.clear()
        if self._playing is not None and self._playing is not asyncio.current_task():
            self._playing.cancel()

    async def run(self) -> None:
        """Read and answer until the connection ends."""
        try:
            await self._strike_ends()
            while not self.closed:
                message = await self._websocket.receive()
                if message.type is WSMsgType.TEXT:
                    await self._hear(message.data)
                elif message.type is WSMsgType.BINARY:
                    await self._hear(message.data.decode(errors="replace"))
                elif message.type is WSMsgType.PING:
                    await self._answer_ping_frame(message.data)
                elif message.type is not WSMsgType.PONG:
                    return
        finally:
            self.forget()
            await self._stop_playing()

    async def _hear(self, text: str) -> None:
        request = read_command(text)
        known = Command(op="") if isinstance(request, str) else request
        if self.silent:
            return
        self._on_request(
            Request(
                link=self.number,
                op=known.op,
                args=known.args,
                req_id=known.req_id,
                time=time.monotonic(),
                raw=text,
            )
        )
        if self._faults.strike(Ignore, lambda fault: fault.op == known.op):
            return
        if known.op == "ping" and self._faults.strike(NoPong):
            return
        standing = Standing(
            conn_id=self.conn_id, known=self._recording.topics, subscribed=self._topics
        )
        now_ms = time.time_ns() // 1_000_000
        await self._act(known.op, answer(socket_of(self.category), standing, request, now_ms))

    async def _act(self, op: str, said: Answer) -> None:
        self._topics.update(dict.fromkeys(said.add))
        for topic in said.remove:
            self._topics.pop(topic, None)
        changes = bool(said.add or said.remove)
        if changes and self._faults.strike(WithholdAck, lambda fault: fault.op == op):
            self._withheld.append(said.reply)
        elif said.add and self._data_first:
            self._waiting.append((self.sent + DATA_BEFORE_ACK, said.reply))
        else:
            await self._reply(said.reply)
        await self._play_for(said.add)

    async def _play_for(self, added: Sequence[str]) -> None:
        """Begin to play when all is there that the recording waits for, and catch up."""
        if self._player is None and self._recording.hold_until.issubset(self._topics) and added:
            self._player = Player(
                self._recording, self._head, deliver=self._play, idle=self._acknowledge
            )
            added = self.subscriptions
        if self._player is not None:
            await self._catch_up(added, self._player)
            if self._playing is None and not (self.closed or self.silent):
                self._playing = asyncio.create_task(self._player.play())
        if self._playing is None or self._playing.done():
            await self._acknowledge()

    async def _catch_up(self, topics: Sequence[str], player: Player) -> None:
        if self._recording.snapshots:
            for topic in topics:
                raw = snapshot_at(self._recording.frames, player.place, topic)
                if raw is not None:
                    await self._play(Frame(topic, None, raw))

    async def _stop_playing(self) -> None:
        task = self._playing
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.wait([task])

    async def _play(self, frame: Frame) -> bool:
        await self._deliver(frame.topic, frame.raw, patient=self._recording.pace == "at_once")
        return not (self.closed or self.silent)

    async def _deliver(self, topic: str, raw: bytes, *, patient: bool) -> None:
        if self.closed or self.silent or topic not in self._topics:
            return
        self.sent += 1
        self.sent_by_topic[topic] += 1
        nth = self.sent_by_topic[topic]
        delay = self._faults.strike(Delay, lambda fault: (fault.topic, fault.nth) == (topic, nth))
        if delay:
            await asyncio.sleep(delay.seconds)
        if not self._faults.strike(Skip, lambda fault: (fault.topic, fault.nth) == (topic, nth)):
            await self._write(raw, patient=patient)
        if self._faults.strike(Duplicate, lambda fault: (fault.topic, fault.nth) == (topic, nth)):
            await self._write(raw, patient=patient)
        while self._waiting and self._waiting[0][0] <= self.sent:
            await self._reply(self._waiting.pop(0)[1])
        await self._strike_ends()

    async def _strike_ends(self) -> None:
        if cut := self._faults.strike(Cut, lambda fault: self.sent >= fault.after):
            self.cut(cut.how)
        elif close := self._faults.strike(Close, lambda fault: self.sent >= fault.after):
            await self.close(close.code, close.reason)
        elif self._faults.strike(Silence, lambda fault: self.sent >= fault.after):
            self.silence()

    async def _acknowledge(self) -> None:
        waiting, self._waiting = self._waiting, []
        for _, reply in waiting:
            await self._reply(reply)

    async def _answer_ping_frame(self, data: bytes) -> None:
        if not (self.silent or self._faults.strike(NoPong)):
            await self._websocket.pong(data)

    async def _reply(self, reply: dict[str, object]) -> None:
        text = json.dumps(reply, separators=(",", ":"), ensure_ascii=False)
        await self._write(text.encode(errors="replace"), patient=True)

    async def _write(self, raw: bytes, *, patient: bool) -> None:
        if self.closed or self.silent:
            return
        try:
            async with asyncio.timeout(None if patient else PATIENCE_S):
                await self._websocket.send_frame(raw, WSMsgType.TEXT)
        except TimeoutError:
            self.cut("rst")
        except ConnectionError:
            # The client has left; its reader is told so too, and ends the link.
            self.forget()
