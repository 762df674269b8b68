"""How a link talks: what it reads out of a message, and what it says to it."""

from __future__ import annotations

from typing import Protocol

from rxbybit.config import Category
from rxbybit.sim.control import Answer, Command, Standing, answer, read_command, socket_of

__all__ = ["PublicSpeech", "Speech"]


class Speech(Protocol):
    """How one link reads requests and answers them."""

    def read(self, text: str) -> Command | str:
        """The request in a message, or what is wrong with it."""
        ...

    def answer(self, link: Standing, request: Command | str, now_ms: int) -> Answer:
        """What is said to it at ``now_ms``, milliseconds since 1970."""
        ...


class PublicSpeech:
    """That of a public socket."""

    def __init__(self, category: Category) -> None:
        self._socket = socket_of(category)

    def read(self, text: str) -> Command | str:
        return read_command(text)

    def answer(self, link: Standing, request: Command | str, now_ms: int) -> Answer:
        return answer(self._socket, link, request, now_ms)
