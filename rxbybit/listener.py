"""Whoever a conversation is held for, and what it takes and gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from rxbybit.errors import AuthenticationFailed

__all__ = ["Feed", "Listener", "OnMessage", "Post"]

Feed = Callable[[bytes, int, "int | None"], None]
"""Takes a frame of a topic: its bytes, when it came, and the number of its link."""
OnMessage = Callable[[bytes, int], None]
"""Takes a message: its bytes, and when it came."""
Post = Callable[[str], None]
"""Sends a text."""


class Listener(Protocol):
    """Whoever a conversation is held for."""

    def on_live(self, topics: Sequence[str]) -> None:
        """The exchange sends these topics now."""

    def on_refused(self, refused: Mapping[str, str]) -> None:
        """The exchange does not want to send these, for reasons of its own; they are forgotten."""

    def on_malformed(self, text: str, why: str) -> None:
        """A message that is nothing the wire knows."""

    def on_idle(self) -> None:
        """Nothing is wanted any more."""

    def on_signed_in(self) -> None:
        """The exchange knows who asks."""

    def on_denied(self, topics: Sequence[str], error: AuthenticationFailed) -> None:
        """The exchange does not want who asks for these; they are forgotten."""

    def on_unanswered(self, why: str) -> None:
        """The connection is no good."""
