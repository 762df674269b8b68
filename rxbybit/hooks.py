"""What happens inside a client, for whoever wants to watch: logging is the default."""

from __future__ import annotations

import logging
from typing import Protocol

from rxbybit.events import Status

__all__ = ["Hooks", "LoggingHooks"]


class Hooks(Protocol):
    """Calls made on the runtime's thread; they must not block and must not raise."""

    def status(self, status: Status) -> None:
        """A connection changed its state, a topic was refused, a message failed to decode."""

    def slow_callback(self, topic: str, seconds: float) -> None:
        """Subscribers of ``topic`` held the loop for more than 100 ms."""

    def unreachable(self, url: str, reason: str) -> None:
        """The first attempt to reach ``url`` has failed."""

    def unhandled_frame(self, url: str, text: str) -> None:
        """A frame that is neither data of a known topic nor an answer to a request."""


class LoggingHooks:
    """The default: the standard library's logging, under the name ``rxbybit``."""

    def __init__(self, logger: logging.Logger | None = None) -> None:
        self._log = logger or logging.getLogger("rxbybit")

    def status(self, status: Status) -> None:
        self._log.debug("%s", status, extra={"rxbybit_status": status})

    def slow_callback(self, topic: str, seconds: float) -> None:
        self._log.warning(
            "subscribers of %s held the event loop for %.0f ms", topic, seconds * 1000
        )

    def unreachable(self, url: str, reason: str) -> None:
        self._log.warning(
            "cannot reach %s (%s); trying again. Without a network, 'rxbybit demo' shows the"
            " library on an embedded exchange",
            url,
            reason,
        )

    def unhandled_frame(self, url: str, text: str) -> None:
        self._log.debug("%s sent a frame that asks for nothing: %s", url, text)
