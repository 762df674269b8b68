"""One websocket connection, as the exchange sees it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

from aiohttp import WSMessage, WSMsgType

from rxbybit.sim.control import Answer, Command, Standing, spelled
from rxbybit.sim.endpoints import Endpoint
from rxbybit.sim.faults import (
    Close,
    Cut,
    Faults,
    How,
    Ignore,
    NoPong,
    Restart,
    Silence,
    Slow,
    WithholdAck,
)
from rxbybit.sim.mishaps import Late, Mishaps
from rxbybit.sim.outlet import BUFFER_LIMIT, Outlet
from rxbybit.sim.seen import Request
from rxbybit.sim.source import Source
from rxbybit.sim.speech import Speech

__all__ = ["DATA_BEFORE_ACK", "Link"]

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
        category: Endpoint,
        conn_id: str,
        speech: Speech,
        outlet: Outlet,
        source: Source,
        faults: Faults,
        clock: Callable[[], int],
        data_first: bool,
        on_request: Callable[[Request], None],
    ) -> None:
        self.number = number
        """Links are numbered from 1 in the order the exchange accepted them."""
        self.category: Endpoint = category
        self.conn_id = conn_id
        self.closed = False
        self.silent = False
        """True when the link is half-open: see :meth:`silence`."""
        self._topics: dict[str, None] = {}
        self._outlet = outlet
        self._speech = speech
        self._source = source
        self._faults = faults
        self._clock = clock
        self._data_first = data_first
        self._on_request = on_request
        self._mishaps = Mishaps(faults)
        self._withheld: list[dict[str, object]] = []
        self._waiting: list[tuple[int, dict[str, object]]] = []
        self._late: Late | None = None
        self._closing: asyncio.Task[None] | None = None
        self._channel = source.open(self)

    def __repr__(self) -> str:
        state = "closed" if self.closed else "silent" if self.silent else "open"
        return f"<Link {self.number} {self.category} {state}, {len(self._topics)} topics>"

    @property
    def subscriptions(self) -> tuple[str, ...]:
        """The topics this link is subscribed to, in the order they came."""
        return tuple(self._topics)

    def hears(self, topic: str) -> bool:
        """Whether data of ``topic`` is for this link; a legacy one may have a wildcard for it."""
        return topic in self._topics or f"{topic.rpartition('.')[0]}.*" in self._topics

    @property
    def sent(self) -> int:
        """Data frames that this link has carried."""
        return self._mishaps.sent

    @property
    def sent_by_topic(self) -> Counter[str]:
        """The same by topic."""
        return self._mishaps.sent_by_topic

    @property
    def deaf(self) -> bool:
        """Nothing reaches its client any more: it is closed, closing or half-open."""
        return self.closed or self.silent or self._closing is not None

    async def send(self, raw: bytes | str) -> None:
        """Push any text message, be it malformed; it does not count as data."""
        await self._write(raw.encode() if isinstance(raw, str) else raw, patient=False)

    async def send_data(self, topic: str, frame: bytes | str) -> None:
        """Push a data frame; nothing happens when the link is not subscribed to ``topic``."""
        raw = frame.encode() if isinstance(frame, str) else frame
        await self.play(topic, raw, patient=False)

    async def play(self, topic: str, raw: bytes, *, patient: bool) -> None:
        """Send a data frame, as :meth:`send_data`, and wait until there is room for it."""
        if self.deaf or not self.hears(topic):
            return
        delay_s, frames = self._mishaps.carry(topic, raw)
        if delay_s:
            await asyncio.sleep(delay_s)
        for one in frames:
            await self._write(one, patient=patient)
        self._has_sent()

    def push(self, topic: str, raw: bytes) -> None:
        """Send a data frame with the next :meth:`flush`, without waiting for room."""
        if self.deaf or not self.hears(topic):
            return
        if self._late is not None:
            self._late.behind.append((topic, raw))
            return
        delay_s, frames = self._mishaps.carry(topic, raw)
        if delay_s:
            self._late = Late(self._clock() + round(delay_s * 1000), frames)
        else:
            self._put(frames)

    def flush(self) -> None:
        """Let out what was pushed; a link whose buffer is full is dropped."""
        late = self._late
        if late is not None and self._clock() >= late.due_ms:
            self._late = None
            self._put(late.first)
            for topic, raw in late.behind:
                self.push(topic, raw)
        if not self.deaf:
            self._outlet.flush()
            if self._outlet.waiting > BUFFER_LIMIT:
                self.cut("rst")

    def idle(self) -> None:
        """Send the acknowledgements that were to come behind data."""
        waiting, self._waiting = self._waiting, []
        self._acknowledge([reply for _, reply in waiting])

    def inject(self, data: bytes) -> None:
        """Write bytes below the websocket: half a frame, a reserved opcode, noise."""
        if not self.deaf:
            self._outlet.inject(data)

    def cut(self, how: How = "fin") -> None:
        """End the connection without a close frame."""
        self._outlet.cut(how)
        self.forget()

    def abort(self) -> None:
        """End the connection at once, whatever is still unsent."""
        self._outlet.abort()
        self.forget()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Send a close frame and wait half a second at most for the client's."""
        await self._channel.stopped()
        await self._outlet.close(code, reason)
        self.forget()

    def silence(self) -> None:
        """Become half-open: send nothing more, answer nothing, read nothing."""
        self._outlet.flush()
        self.silent = True
        self._outlet.read_nothing()
        self._channel.stop()

    async def release_acks(self) -> None:
        """Send the acknowledgements that a :class:`WithholdAck` has held back."""
        released, self._withheld = self._withheld, []
        for reply in released:
            await self._write(spelled(reply), patient=True)

    def forget(self) -> None:
        """Mark the link as closed and end what it was doing."""
        self.closed = True
        self._topics.clear()
        self._channel.stop()

    def strike(self) -> None:
        """Let the faults strike that it is time for."""
        if self.deaf or not self._faults:
            return
        faults, sent, here = self._faults, self.sent, (None, self.category)

        def due(fault: Restart | Slow | Cut | Close | Silence) -> bool:
            return sent >= fault.after

        has_books = self.category != "private"
        if has_books and faults.strike(Restart, lambda f: due(f) and f.category in here):
            self._source.restart()
        if slow := faults.strike(Slow, due):
            self._outlet.slow_down(slow.bytes_per_s)
        if cut := faults.strike(Cut, due):
            self.cut(cut.how)
        elif close := faults.strike(Close, due):
            self._closing = asyncio.create_task(self.close(close.code, close.reason))
        elif faults.strike(Silence, due):
            self.silence()

    async def run(self, receive: Callable[[], Awaitable[WSMessage]]) -> None:
        """Read and answer until the connection ends."""
        try:
            self.strike()
            while not self.closed:
                message = await receive()
                if message.type is WSMsgType.TEXT:
                    await self._hear(message.data)
                elif message.type is WSMsgType.BINARY:
                    await self._hear(message.data.decode(errors="replace"))
                elif message.type is WSMsgType.PING:
                    if not (self.deaf or self._faults.strike(NoPong)):
                        self._outlet.pong(message.data)
                elif message.type is not WSMsgType.PONG:
                    return
        finally:
            self.forget()
            await self._channel.stopped()
            if self._closing is not None:
                await asyncio.wait([self._closing])

    async def _hear(self, text: str) -> None:
        request = self._speech.read(text)
        known = Command(op="") if isinstance(request, str) else request
        if self.deaf:
            return
        self._on_request(Request.of(self.number, known.op, known.args, known.req_id, text))
        if self._faults.strike(Ignore, lambda fault: fault.op == known.op):
            return
        if known.op == "ping" and self._faults.strike(NoPong):
            return
        standing = Standing(
            conn_id=self.conn_id, known=self._source.topics, subscribed=self._topics
        )
        said = self._speech.answer(standing, request, self._clock())
        await self._act(known.op, said)

    async def _act(self, op: str, said: Answer) -> None:
        self._topics.update(dict.fromkeys(said.add))
        for topic in said.remove:
            self._topics.pop(topic, None)
            self._mishaps.forget(topic)
        self._channel.unsubscribed(said.remove)
        changes = bool(said.add or said.remove)
        if changes and self._faults.strike(WithholdAck, lambda fault: fault.op == op):
            self._withheld.append(said.reply)
        elif said.add and self._data_first:
            self._waiting.append((self.sent + DATA_BEFORE_ACK, said.reply))
        else:
            await self._write(spelled(said.reply), patient=True)
        if said.add:
            await self._channel.subscribed(said.add)

    def _put(self, frames: tuple[bytes, ...]) -> None:
        for one in frames:
            self._outlet.put(one)
        self._has_sent()

    def _has_sent(self) -> None:
        due: list[dict[str, object]] = []
        while self._waiting and self._waiting[0][0] <= self.sent:
            due.append(self._waiting.pop(0)[1])
        self._acknowledge(due)
        self.strike()

    def _acknowledge(self, replies: list[dict[str, object]]) -> None:
        if replies and not self.deaf:
            for reply in replies:
                self._outlet.put(spelled(reply))
            self._outlet.flush()

    async def _write(self, raw: bytes, *, patient: bool) -> None:
        if self.deaf:
            return
        try:
            await self._outlet.write(raw, patient=patient)
        except TimeoutError:
            self.cut("rst")
        except ConnectionError:
            # The client has left; its reader is told so too, and ends the link.
            self.forget()
