"""The parser of whole text frames: with aiohttp's own behind it, it says what that one says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import hypothesis.strategies as st
import pytest
from aiohttp._websocket.reader import WebSocketReader
from hypothesis import given

from rxbybit import direct
from rxbybit.direct import DirectParser, DirectQueue

TEXT, BINARY, MORE, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
LONGEST = 70_000
SIZES = [0, 1, 2, 125, 126, 127, 128, 300, 65_535, 65_536, LONGEST, LONGEST + 1]


def frame(opcode: int, size: int, *, final: bool = True, masked: bool = False) -> bytes:
    """A frame whose text is told from that of others by its size."""
    head = bytes([(0x80 if final else 0) | opcode])
    mask = 0x80 if masked else 0
    if size < 126:
        head += bytes([mask | size])
    elif size < 65_536:
        head += bytes([mask | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([mask | 127]) + size.to_bytes(8, "big")
    return head + (b"\x00" * 4 if masked else b"") + (b"%07d" % size * (size // 7 + 1))[:size]


Heard = list[tuple[str, Any]]


def both(pieces: Sequence[bytes]) -> tuple[Heard, Heard]:
    """What comes of the pieces through ours with aiohttp's behind it, and through that alone."""

    def through(*, ours: bool) -> Heard:
        heard: Heard = []
        loop = asyncio.new_event_loop()
        protocol = SimpleNamespace(_reading_paused=False, pause_reading=lambda: None)

        class Queue(DirectQueue):
            def feed_data(self, data: Any, size: int) -> None:
                if data[0] not in (TEXT, BINARY):
                    heard.append(("control", (data[0], data[1])))
                super().feed_data(data, size)

            def set_exception(self, exc: BaseException, *rest: Any) -> None:
                heard.append(("broken", str(exc)))

        queue: Any = Queue(protocol, 2**16, loop=loop)
        queue.start(lambda data, _: heard.append(("data", bytes(data))), lambda *_: None)
        parser: Any = WebSocketReader(queue, LONGEST, compress=False, decode_text=False)
        if ours:
            parser = DirectParser(queue, parser)
        try:
            for piece in pieces:
                if parser.feed_data(piece)[0]:
                    heard.append(("over", None))
                    break
        finally:
            loop.close()
        return heard

    return through(ours=True), through(ours=False)


frames = st.builds(
    frame,
    st.sampled_from([TEXT] * 6 + [BINARY, MORE, PING, PONG, 3]),
    st.sampled_from(SIZES),
    final=st.sampled_from([True, True, True, False]),
    masked=st.sampled_from([False] * 9 + [True]),
)


@given(st.lists(frames, max_size=8), st.lists(st.integers(1, 4000), max_size=30))
def test_whatever_comes_in_whatever_pieces(sent: list[bytes], cuts: list[int]) -> None:
    whole, pieces = b"".join(sent), list[bytes]()
    for cut in [*cuts, len(whole)]:
        if whole[:cut]:
            pieces.append(whole[:cut])
        whole = whole[cut:]
    ours, theirs = both(pieces)
    assert ours == theirs


@pytest.mark.parametrize("cut", [1, 2, 3, 4, 100])
@pytest.mark.parametrize(
    ("opcode", "size"),
    [
        *((TEXT, 100), (TEXT, 300), (TEXT, 5_000), (TEXT, 65_535), (TEXT, LONGEST - 1)),
        (BINARY, 10_000),
    ],
)
def test_a_frame_whose_rest_comes_with_much_more(opcode: int, size: int, cut: int) -> None:
    whole = frame(opcode, size) + frame(TEXT, 6_000) + frame(PING, 1) + frame(TEXT, 7)
    ours, theirs = both([whole[:cut], whole[cut:]])
    assert ours == theirs
    assert len(ours) == 4


@pytest.mark.parametrize("cut", [1, 4, 100, 9_000])
def test_what_looks_like_frames_inside_of_another_one(cut: int) -> None:
    inner = frame(TEXT, 3) * 2_000
    whole = bytes([0x80 | BINARY, 126]) + len(inner).to_bytes(2, "big") + inner + frame(TEXT, 8)
    ours, theirs = both([whole[:cut], whole[cut:]])
    assert ours == theirs
    assert [data for _, data in ours] == [inner, frame(TEXT, 8)[2:]]


def test_what_is_told_of_reads_that_took_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct, "SLOW_NS", -1)
    told: list[tuple[int, int]] = []
    times = [time.time_ns()]
    loop = asyncio.new_event_loop()
    queue: Any = DirectQueue(SimpleNamespace(_reading_paused=False), 2**16, loop=loop)
    queue.start(
        lambda _, received_ns: times.append(received_ns),
        lambda last, count, _: told.append((len(last), count)),
    )
    parser = DirectParser(queue, WebSocketReader(queue, LONGEST, compress=False, decode_text=False))
    whole = frame(TEXT, 200) + frame(TEXT, 3) + frame(TEXT, 300) + frame(TEXT, 5_000)
    for piece in (whole[:220], whole[220:], frame(PING, 1), frame(TEXT, 9) + frame(PING, 1)):
        parser.feed_data(piece)
    loop.close()
    assert told == [(3, 2), (5_000, 2), (9, 1)]
    assert len(times) == 6
    assert all(abs(received_ns - times[0]) < 60e9 for received_ns in times)


@pytest.mark.parametrize("opcode", [TEXT, PING])
@pytest.mark.parametrize("size", [0, 3, 125, 126, 300])
def test_a_frame_that_comes_byte_by_byte(opcode: int, size: int) -> None:
    if opcode == PING and size > 125:
        return  # no such ping
    whole = frame(opcode, size) + frame(TEXT, 5)
    ours, theirs = both([whole[at : at + 1] for at in range(len(whole))])
    assert ours == theirs
    assert len(ours) == 2


def test_a_message_in_parts_with_a_ping_between_them() -> None:
    sent = [frame(TEXT, 3, final=False), frame(PING, 1), frame(MORE, 4), frame(TEXT, 5)]
    ours, theirs = both([b"".join(sent)])
    assert ours == theirs
    assert [kind for kind, _ in ours] == ["control", "data", "data"]


def test_a_whole_text_in_the_midst_of_a_message_breaks_the_protocol() -> None:
    ours, theirs = both([frame(TEXT, 3, final=False) + frame(TEXT, 4)])
    assert ours == theirs
    assert ours[-1] == ("over", None)


def test_what_is_too_long_is_not_waited_for() -> None:
    ours, theirs = both([frame(TEXT, LONGEST + 1)[:20]])
    assert ours == theirs
    assert ours[-1] == ("over", None)
