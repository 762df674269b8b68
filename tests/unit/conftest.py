"""Unit tests open no socket: one that tries fails, whatever became of the exception."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

_INET = (socket.AF_INET, socket.AF_INET6)


@pytest.fixture(autouse=True)
def no_socket(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Refuse every INET socket; the socket pair of an event loop is none."""
    opened: list[str] = []
    genuine = socket.socket.__init__

    def guarded(
        self: socket.socket,
        family: int = -1,
        type: int = -1,  # noqa: A002 - the signature of socket.socket
        proto: int = -1,
        fileno: int | None = None,
    ) -> None:
        if fileno is None and (family == -1 or family in _INET):
            opened.append(f"socket(family={family}, type={type})")
            raise RuntimeError("a unit test opened a socket")
        genuine(self, family, type, proto, fileno)

    monkeypatch.setattr(socket.socket, "__init__", guarded)
    yield
    if opened:
        pytest.fail(f"a unit test opened a socket: {opened[0]}")
