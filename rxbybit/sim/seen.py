"""What an exchange has seen of its clients."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from rxbybit.config import Category

__all__ = ["Call", "Connect", "Request"]


@dataclass(frozen=True, kw_only=True)
class Connect:
    """An attempt of a client to open a websocket."""

    category: Category
    time: float
    """``time.monotonic()`` when it came, in seconds."""
    status: int | None
    """What it was answered with: 101 for a link; ``None`` when it was left without an answer."""
    headers: Mapping[str, str]


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

    @classmethod
    def of(cls, link: int, op: str, args: tuple[str, ...], req_id: str | None, raw: str) -> Request:
        """One that was read just now."""
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
