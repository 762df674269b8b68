"""One small dataclass a fault."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal, get_type_hints

from rxbybit.sim.endpoints import Endpoint, PublicEndpoint
from rxbybit.sim.faults.checking import admits, legal

__all__ = [
    "AuthReject",
    "Close",
    "Corrupt",
    "Cut",
    "Delay",
    "Duplicate",
    "Fault",
    "How",
    "Ignore",
    "Mute",
    "NoPong",
    "OfFrame",
    "Redirect",
    "Refuse",
    "Reorder",
    "RestDown",
    "Restart",
    "Silence",
    "Skip",
    "SkipUpdate",
    "Slow",
    "Stall",
    "WithholdAck",
    "WithholdSnapshot",
]

How = Literal["fin", "rst"]
"""The end of a TCP connection: what was written arrives first (``fin``), or a reset."""

_RANGES: dict[str, tuple[float, float]] = {
    "times": (1, float("inf")),
    "at_s": (0, float("inf")),
    "for_s": (0.001, float("inf")),
    "after": (0, float("inf")),
    "nth": (1, float("inf")),
    "frames": (1, float("inf")),
    "seconds": (0, float("inf")),
    "bytes_per_s": (1, float("inf")),
    "retry_after_s": (0, float("inf")),
    "status": (200, 599),
    "code": (1000, 4999),
}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """The base of all faults.

    Errors: ``ValueError`` for an argument that it cannot have, naming what is legal.
    """

    times: int | None = 1
    """How often it strikes; ``None`` for as long as it is in force."""
    at_s: float = 0.0
    """Seconds after the start of the exchange from which on it is in force."""
    for_s: float | None = None
    """Seconds that it is in force; ``None`` for ever."""

    def __post_init__(self) -> None:
        for name, kind in _hints(type(self)).items():
            value: object = getattr(self, name)
            if not admits(kind, value):
                raise ValueError(f"{name} {value!r}: use {legal(kind)}")
            least, most = _RANGES.get(name, (0, 0))
            if name in _RANGES and isinstance(value, int | float) and not least <= value <= most:
                top = "" if most == float("inf") else f" and at most {most:g}"
                raise ValueError(f"{name} {value!r}: use at least {least:g}{top}")


@cache
def _hints(kind: type[Fault]) -> dict[str, object]:
    return get_type_hints(kind)


@dataclass(frozen=True, kw_only=True)
class Refuse(Fault):
    """The upgrade is answered with an HTTP status instead of a websocket."""

    status: int = 503
    """403 is the answer to a region or an address limit, 429 and 503 ask for patience."""
    retry_after_s: int | None = None
    """The ``Retry-After`` header, in seconds."""
    category: Endpoint | None = None
    """Only on this socket; ``None`` for any."""


@dataclass(frozen=True, kw_only=True)
class Redirect(Fault):
    """The upgrade is answered with 302 and this ``Location``."""

    location: str
    category: Endpoint | None = None


@dataclass(frozen=True, kw_only=True)
class Stall(Fault):
    """The upgrade is not answered at all; the TCP connection stays open."""

    category: Endpoint | None = None


@dataclass(frozen=True, kw_only=True)
class RestDown(Fault):
    """A REST call is answered with an HTTP status and an empty body."""

    path: str | None = None
    """Only this one, such as ``/v5/market/kline``; ``None`` for any."""
    status: int = 503
    retry_after_s: int | None = None
    """The ``Retry-After`` header, in seconds."""


@dataclass(frozen=True, kw_only=True)
class Cut(Fault):
    """The link ends without a close frame once it has carried ``after`` data frames."""

    how: How = "fin"
    after: int = 1


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
class Slow(Fault):
    """The link drips once it has carried ``after`` data frames: so many bytes a second, no more.

    It stays so. One that has more than 4 MiB to send is dropped, as any link that reads slowly.
    """

    bytes_per_s: int = 1_000
    after: int = 1


@dataclass(frozen=True, kw_only=True)
class Restart(Fault):
    """The books begin anew once a link has carried ``after`` data frames.

    On every link of its category each topic of a book gets a snapshot with update number 1, and
    counts on from there. Inverse and legacy links have the same books, and begin anew together;
    on legacy ones nothing is numbered. It is the market that does it: a recording is served as it
    is.
    """

    category: PublicEndpoint | None = None
    """Only a link of this socket makes it strike; ``None`` for any."""
    after: int = 1


@dataclass(frozen=True, kw_only=True)
class OfFrame(Fault):
    """A fault of one frame: the ``nth`` of ``topic`` on a link.

    With ``at_s`` it is the first one from then on that is the ``nth`` or a later one.
    """

    topic: str
    nth: int = 1

    def hits(self, topic: str, nth: int) -> bool:
        """Whether it is about the ``nth`` frame of ``topic``."""
        return topic == self.topic and (nth >= self.nth if self.at_s else nth == self.nth)


@dataclass(frozen=True, kw_only=True)
class Skip(OfFrame):
    """The ``nth`` frame of ``topic`` on a link is lost; it counts as carried."""


@dataclass(frozen=True, kw_only=True)
class SkipUpdate(OfFrame):
    """The ``nth`` delta of the book ``topic`` on a link is lost, and its update number with it."""


@dataclass(frozen=True, kw_only=True)
class Duplicate(OfFrame):
    """The ``nth`` frame of ``topic`` on a link is sent twice, one behind the other."""


@dataclass(frozen=True, kw_only=True)
class Reorder(OfFrame):
    """The ``nth`` frame of ``topic`` on a link and the one of that topic behind it change places.

    It is lost where none comes behind it.
    """


@dataclass(frozen=True, kw_only=True)
class Delay(OfFrame):
    """The ``nth`` frame of ``topic`` on a link, and what is played behind it, comes late.

    Answers, and frames that are pushed by hand meanwhile, overtake it.
    """

    seconds: float = 0.1


@dataclass(frozen=True, kw_only=True)
class Corrupt(OfFrame):
    """The ``nth`` frame of ``topic`` on a link arrives, but cannot be read.

    ``"cut"`` sends the first half of its text, ``"reversed"`` its bytes from the last to the first:
    neither is JSON. Each is a whole websocket message.
    """

    how: Literal["cut", "reversed"] = "cut"


@dataclass(frozen=True, kw_only=True)
class Mute(OfFrame):
    """From the ``nth`` frame on, ``frames`` frames of ``topic`` on a link are lost.

    ``None``: all of them, until the fault is no longer in force.
    """

    frames: int | None = None
    until_renewed: bool = False
    """Whether it ends when the link unsubscribes: the exchange has lost the subscription, and a
    new one is as good as any."""


@dataclass(frozen=True, kw_only=True)
class WithholdSnapshot(Fault):
    """The next snapshot of a book or a ticker on a link is lost; deltas come without it."""

    topic: str | None = None
    """Only of this topic; ``None`` for any."""


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


@dataclass(frozen=True, kw_only=True)
class AuthReject(Fault):
    """An authentication is refused, however good it is: of a private link, or of a legacy one."""

    message: str = "API key is invalid."
    """What the refusal says."""
