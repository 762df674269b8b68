"""What a wire says and hears, as values: no socket, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal, Protocol

from msgspec import Struct

from rxbybit.credentials import Credentials

__all__ = ["Authenticated", "Control", "Malformed", "Pong", "Reply", "Unknown", "WireProtocol"]

Operation = Literal["subscribe", "unsubscribe"]
NOTHING: Mapping[str, str] = MappingProxyType({})


class Pong(Struct, frozen=True):
    """An answer to a ping."""


class Reply(Struct, frozen=True, kw_only=True):
    """An answer to a request.

    ``request`` is the id it names, if it names one. ``accepted`` and ``refused`` are the topics
    it names: a reply that names none speaks of its whole request.
    """

    operation: str | None
    request: str | None
    topics: tuple[str, ...] | None = None
    """The topics of its request, in their order, where the wire repeats them in place of an id."""
    success: bool
    message: str = ""
    accepted: tuple[str, ...] = ()
    refused: Mapping[str, str] = NOTHING
    """Topic to the reason, in the exchange's own words but without the topics it names."""


class Authenticated(Struct, frozen=True):
    """An answer to an auth message: whether the exchange knows now who asks.

    ``message`` is its reason when it does not, without anything of what was sent: an answer of
    the legacy wire repeats the key and the signature.
    """

    success: bool
    message: str = ""


class Unknown(Struct, frozen=True):
    """A frame that is neither data nor an answer: its beginning, for a log."""

    text: str


class Malformed(Struct, frozen=True):
    """A frame that is no JSON object: its text, and what is wrong with it."""

    text: str
    why: str


Control = Pong | Reply | Authenticated | Unknown | Malformed


class WireProtocol(Protocol):
    """One wire of the exchange: frames to values and values to frames."""

    @property
    def name(self) -> Literal["v5", "legacy"]:
        """How the wire is called."""
        ...

    @property
    def topics_per_request(self) -> int:
        """How many topics one request may name."""
        ...

    @property
    def characters_per_connection(self) -> int:
        """How long the JSON text of all ``args`` of one connection may be."""
        ...

    def covering(self, topic: str) -> str | None:
        """The topic of every symbol that has the frames of ``topic``, of one symbol, as well.

        ``None`` on a wire that has none, and for what is of no symbol or of all of them.
        """
        ...

    def topic_of(self, frame: bytes) -> str | None:
        """The topic of a data frame; ``None`` for a control frame or none at all."""
        ...

    def read(self, frame: bytes) -> Control:
        """What a frame without a topic says. Never raises."""
        ...

    def request(self, operation: Operation, topics: Sequence[str], request: str) -> str:
        """The frame that asks for ``operation`` on these topics, under the id ``request``."""
        ...

    def auth(self, credentials: Credentials, expires_ms: int, request: str) -> str:
        """The frame that authenticates the connection until ``expires_ms``, of the exchange's
        clock, under the id ``request``. Its repr shows nothing of it.
        """
        ...

    def ping(self, request: str) -> str:
        """The frame that asks for a pong."""
        ...
