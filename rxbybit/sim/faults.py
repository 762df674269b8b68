"""What can be made to go wrong: one small dataclass a fault, and the script that holds them.

A fault waits in :class:`Faults` until something happens that it is about, strikes, and is used
up after ``times`` strikes (``None``: it stays). Counts of frames are counts of data frames over
the life of one link, the first is 1; acknowledgements and pongs do not count.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

from rxbybit.config import Category

__all__ = [
    "Close",
    "Cut",
    "Delay",
    "Duplicate",
    "Fault",
    "Faults",
    "How",
    "Ignore",
    "NoPong",
    "Redirect",
    "Refuse",
    "Silence",
    "Skip",
    "Stall",
    "WithholdAck",
]

How = Literal["fin", "rst"]
"""The end of a TCP connection: what was written arrives first (``fin``), or a reset."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """The base of all faults."""

    times: int | None = 1
    """How often it strikes; ``None`` for as long as it is in the script."""

    def __post_init__(self) -> None:
        if self.times is not None and self.times < 1:
            raise ValueError("times is at least 1, or None")


@dataclass(frozen=True, kw_only=True)
class Refuse(Fault):
    """The upgrade is answered with an HTTP status instead of a websocket."""

    status: int = 503
    """403 is the answer to a region or an address limit, 429 and 503 ask for patience."""
    retry_after_s: int | None = None
    """The ``Retry-After`` header, in seconds."""
    category: Category | None = None
    """Only on this socket; ``None`` for any."""


@dataclass(frozen=True, kw_only=True)
class Redirect(Fault):
    """The upgrade is answered with 302 and this ``Location``."""

    location: str
    category: Category | None = None


@dataclass(frozen=True, kw_only=True)
class Stall(Fault):
    """The upgrade is not answered at all; the TCP connection stays open."""

    category: Category | None = None


@dataclass(frozen=True, kw_only=True)
class Cut(Fault):
    """The link ends without a close frame once it has carried ``after`` data frames."""

    how: How = "fin"
    after: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.how not in get_args(How):
            raise ValueError(f"how {self.how!r}: use one of {', '.join(get_args(How))}")


@dataclass(frozen=True, kw_only=True)
class Close(Fault):
    """The link is closed with a close frame once it has carried ``after`` data frames."""

    code: int = 1000
    reason: str = ""
    after: int = 1


@dataclass(frozen=True, kw_only=True)
class Silence(Fault):
    """The link becomes half-open once it has carried ``after`` data frames.

    It sends nothing more, answers nothing and reads nothing, and stays so until it is cut or
    the exchange closes; that its peer has left is not noticed.
    """

    after: int = 1


@dataclass(frozen=True, kw_only=True)
class Skip(Fault):
    """The ``nth`` frame of ``topic`` on a link is lost; it counts as carried."""

    topic: str
    nth: int = 1


@dataclass(frozen=True, kw_only=True)
class Duplicate(Fault):
    """The ``nth`` frame of ``topic`` on a link is sent twice, one behind the other."""

    topic: str
    nth: int = 1


@dataclass(frozen=True, kw_only=True)
class Delay(Fault):
    """The ``nth`` frame of ``topic`` on a link, and what is played behind it, comes late.

    Answers, and frames that are pushed meanwhile, overtake it.
    """

    topic: str
    nth: int = 1
    seconds: float = 0.1


@dataclass(frozen=True, kw_only=True)
class WithholdAck(Fault):
    """A good request takes effect, but is acknowledged only at ``release_acks()``, if ever."""

    op: Literal["subscribe", "unsubscribe"] = "subscribe"


@dataclass(frozen=True, kw_only=True)
class Ignore(Fault):
    """A request with this ``op`` is seen, but has neither effect nor answer."""

    op: str = "subscribe"


@dataclass(frozen=True, kw_only=True)
class NoPong(Fault):
    """Pings are seen, but not answered: neither the JSON ones nor those of the websocket."""

    times: int | None = None


F = TypeVar("F", bound=Fault)


class Faults:
    """The faults that are still to strike, in the order they were added."""

    def __init__(self, *faults: Fault) -> None:
        self._left: list[tuple[Fault, int | None]] = []
        self.add(*faults)

    def add(self, *faults: Fault) -> None:
        """Put these behind the others."""
        self._left += [(fault, fault.times) for fault in faults]

    def clear(self) -> None:
        """Nothing more goes wrong; what a fault has already done stays done."""
        self._left.clear()

    @property
    def pending(self) -> tuple[Fault, ...]:
        """What has not struck as often as it may."""
        return tuple(fault for fault, _ in self._left)

    def strike(self, kind: type[F], applies: Callable[[F], bool] = lambda _: True) -> F | None:
        """The first fault of ``kind`` that applies, used up by one; ``None`` when there is none."""
        for place, (fault, left) in enumerate(self._left):
            if type(fault) is kind and isinstance(fault, kind) and applies(fault):
                if left == 1:
                    del self._left[place]
                elif left is not None:
                    self._left[place] = (fault, left - 1)
                return fault
        return None
