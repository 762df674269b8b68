"""What an exchange serves: raw frames in their order, and the pace at which they leave."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from importlib import resources
from os import PathLike
from pathlib import Path
from typing import Literal, NamedTuple, cast, get_args

__all__ = ["Frame", "Pace", "Recording", "Resume"]

Pace = Literal["at_once", "ts"]
Resume = Literal["restart", "continue"]


class Frame(NamedTuple):
    """One data frame of a recording."""

    topic: str
    sent_ms: int | None
    """The frame's own ``ts``, or legacy ``timestamp_e6``; ``None`` where it has neither."""
    raw: bytes
    """The frame as it was received: it is sent again byte for byte."""


class Recording:
    """Raw data frames of one category, to be served byte for byte.

    ``frames`` are the frames in the order they came, each the text of one JSON object. Those
    without a ``topic`` (acknowledgements, pongs) are skipped: the exchange writes its own.

    ``pace`` is ``"at_once"`` (as fast as the client reads) or ``"ts"`` (as far apart as their
    ``ts``, or legacy ``timestamp_e6``, say, divided by ``speed``; one that falls is sent without
    waiting).
    ``loop=True`` begins again at the end, with the same bytes: times, trade ids and update
    numbers repeat.

    A link begins to play at its first accepted subscription, or once it has subscribed all of
    ``hold_until``; what it is not subscribed to when a frame is due is passed over. With
    ``resume="restart"`` every link begins at the first frame; with ``"continue"`` it begins
    behind the frame that a link of this category was handed last.

    With ``snapshots=True`` a link that subscribes to a book or a ticker when frames of it have
    gone by first gets a snapshot of where it stands, as the documents promise it; that frame is
    made, all others are sent as they are.

    Topics that are neither in ``frames`` nor in ``extra_topics`` are refused; those of
    ``extra_topics`` are accepted and stay silent.

    Errors: ``ValueError`` for a frame that is no JSON object, and for an argument out of range.
    """

    def __init__(
        self,
        frames: Sequence[bytes | str],
        *,
        pace: Pace = "at_once",
        speed: float = 1.0,
        loop: bool = False,
        hold_until: Collection[str] = (),
        resume: Resume = "restart",
        snapshots: bool = False,
        extra_topics: Collection[str] = (),
    ) -> None:
        if pace not in get_args(Pace):
            raise ValueError(f"pace {pace!r}: use one of {', '.join(get_args(Pace))}")
        if resume not in get_args(Resume):
            raise ValueError(f"resume {resume!r}: use one of {', '.join(get_args(Resume))}")
        if not speed > 0:
            raise ValueError(f"speed {speed!r}: use a number above 0")
        self.frames: tuple[Frame, ...] = tuple(_data_frames(frames))
        self.pace: Pace = pace
        self.speed = speed
        self.loop = loop
        self.hold_until = frozenset(hold_until)
        self.resume: Resume = resume
        self.snapshots = snapshots
        self.topics: frozenset[str] = frozenset(extra_topics).union(f.topic for f in self.frames)

    @classmethod
    def read(
        cls,
        path: str | PathLike[str],
        *,
        pace: Pace = "at_once",
        speed: float = 1.0,
        loop: bool = False,
        hold_until: Collection[str] = (),
        resume: Resume = "restart",
        snapshots: bool = False,
        extra_topics: Collection[str] = (),
    ) -> Recording:
        """The recording in a file of one frame a line (``.jsonl``); empty lines are skipped.

        Errors: ``OSError`` when it cannot be read, ``ValueError`` naming the line that is no
        JSON object.
        """
        lines = Path(path).read_bytes().split(b"\n")
        return cls(
            [line.removesuffix(b"\r") for line in lines],
            pace=pace,
            speed=speed,
            loop=loop,
            hold_until=hold_until,
            resume=resume,
            snapshots=snapshots,
            extra_topics=extra_topics,
        )

    @classmethod
    def demo(cls, *, pace: Pace = "ts", speed: float = 1.0, loop: bool = True) -> Recording:
        """An invented market of inverse ``BTCUSD`` and ``ETHUSD``, 85 seconds long.

        Trades, a 50-level book, tickers, one-minute candles, liquidations and the insurance
        pools, consistent with each other; no price in it is Bybit's.
        """
        packaged = resources.files("rxbybit.sim") / "recordings" / "demo_inverse.jsonl"
        with resources.as_file(packaged) as path:
            return cls.read(path, pace=pace, speed=speed, loop=loop, snapshots=True)


def _data_frames(frames: Sequence[bytes | str]) -> Iterator[Frame]:
    for number, frame in enumerate(frames, start=1):
        raw = frame.encode() if isinstance(frame, str) else bytes(frame)
        if not raw.strip():
            continue
        try:
            content: object = json.loads(raw)
        except ValueError as error:
            raise ValueError(f"frame {number} is no JSON: {error}") from error
        if not isinstance(content, dict):
            raise ValueError(f"frame {number} is no JSON object: {raw[:60]!r}")
        keys = cast("dict[str, object]", content)
        topic = keys.get("topic")
        if isinstance(topic, str):
            yield Frame(topic, _sent_ms(keys), raw)


def _sent_ms(keys: dict[str, object]) -> int | None:
    ms, micros = keys.get("ts"), keys.get("timestamp_e6")
    if isinstance(ms, int):
        return ms
    return micros // 1000 if isinstance(micros, int) else None
