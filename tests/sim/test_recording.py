from __future__ import annotations

import json

import pytest

from rxbybit.sim import Frame, Recording

A = '{"topic":"a","ts":5,"data":1}'
B = '{"topic": "b", "data": 1}'
ACK = '{"success":true,"op":"subscribe"}'


def test_frames_keep_their_bytes_and_control_frames_are_left_out() -> None:
    recording = Recording([A, ACK, B.encode()], extra_topics=["c"])
    assert recording.frames == (Frame("a", 5, A.encode()), Frame("b", None, B.encode()))
    assert recording.topics == {"a", "b", "c"}


def test_a_file_is_read_line_by_line(tmp_path) -> None:
    path = tmp_path / "frames.jsonl"
    path.write_bytes(f"{A}\r\n\n{ACK}\n{B}".encode())
    recording = Recording.read(path, pace="ts", speed=2, loop=True, resume="continue")
    assert [frame.raw for frame in recording.frames] == [A.encode(), B.encode()]
    assert (recording.pace, recording.speed, recording.loop) == ("ts", 2, True)
    assert recording.resume == "continue"


@pytest.mark.parametrize("line", ["{", "[]", "3"])
def test_what_is_no_object_is_named(line: str) -> None:
    with pytest.raises(ValueError, match="frame 2 is no JSON"):
        Recording([A, line])


@pytest.mark.parametrize("wrong", [{"pace": "fast"}, {"resume": "no"}, {"speed": 0}])
def test_arguments_out_of_range(wrong: dict) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} .*use"):
        Recording([A], **wrong)


def test_the_demo_is_packaged() -> None:
    demo = Recording.demo()
    assert demo.loop
    assert demo.pace == "ts"
    assert {"publicTrade.BTCUSD", "orderbook.50.ETHUSD", "insurance.inverse"} <= demo.topics
    assert all(json.loads(frame.raw)["topic"] == frame.topic for frame in demo.frames)
