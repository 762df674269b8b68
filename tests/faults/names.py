"""A name service that fails, or hangs, as a test wants."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

__all__ = ["HOST", "Names"]

HOST = "exchange.test"
PATIENCE_S = 60.0
_genuine = socket.getaddrinfo


class Names:
    """Knows ``HOST``, which is this machine, and answers for all others as ever."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.error: socket.gaierror | None = None
        """What it says instead of an answer."""
        self.asked = 0
        """How often it was asked for ``HOST``."""
        self.going = threading.Event()
        """It answers nothing while this is not set."""
        self.going.set()
        monkeypatch.setattr("rxbybit.resolver.socket.getaddrinfo", self._look_up)

    def _look_up(self, host: str, port: int, *rest: Any, **named: Any) -> Any:
        if host != HOST:
            return _genuine(host, port, *rest, **named)
        if named.get("flags"):  # the question whether it is an address is no look-up
            raise socket.gaierror(socket.EAI_NONAME, "it is a name")
        self.asked += 1
        assert self.going.wait(PATIENCE_S)
        if self.error is not None:
            raise self.error
        return _genuine("127.0.0.1", port, *rest, **named)
