"""What an exchange has seen of its clients."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar

from rxbybit.sim.endpoints import Endpoint

__all__ = ["MOST_SEEN", "REDACTED", "Call", "Connect", "Request", "Seen", "shown"]

T = TypeVar("T")

MOST_SEEN = 10_000
"""So much of a kind is remembered: an exchange may serve for weeks."""

REDACTED = "[redacted]"
"""Stands where something secret was: keys, signatures."""
_SECRET = ("x-bapi-api-key", "x-bapi-sign", "authorization", "cookie", "proxy-authorization")


def shown(headers: Mapping[str, str]) -> Mapping[str, str]:
    """The headers of a request without what is secret in them."""
    return MappingProxyType(
        {name: REDACTED if name.lower() in _SECRET else text for name, text in headers.items()}
    )


class Seen(list[T]):
    """What came last, the oldest first: :data:`MOST_SEEN` at most."""

    def append(self, one: T, /) -> None:
        """One more has come."""
        super().append(one)
        if len(self) > MOST_SEEN:
            del self[0]


@dataclass(frozen=True, kw_only=True)
class Connect:
    """An attempt of a client to open a websocket."""

    category: Endpoint
    time: float
    """``time.monotonic()`` when it came, in seconds."""
    status: int | None
    """What it was answered with: 101 for a link; ``None`` when it was left without an answer."""
    headers: Mapping[str, str]
    """As they were sent; keys and signatures are left out."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A message of a client."""

    link: int
    op: str
    """Empty where the message could not be read."""
    args: tuple[str, ...]
    req_id: str | None
    time: float
    """``time.monotonic()`` when it was read, in seconds."""
    raw: str
    """Its text, left out where it authenticates."""

    @classmethod
    def of(cls, link: int, op: str, args: tuple[str, ...], req_id: str | None, raw: str) -> Request:
        """One that was read just now; of an authentication key and signature are left out."""
        if op == "auth" or '"auth"' in raw:
            args, raw = (REDACTED,) * len(args), REDACTED
        return cls(link=link, op=op, args=args, req_id=req_id, time=time.monotonic(), raw=raw)


@dataclass(frozen=True, kw_only=True)
class Call:
    """A REST request of a client."""

    method: str
    path: str
    query: str
    """As it was sent, without the ``?``."""
    status: int | None
    """What it was answered with; ``None`` when it was left without an answer."""
    time: float
    """``time.monotonic()`` when it was answered, in seconds."""
