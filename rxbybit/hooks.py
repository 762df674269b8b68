"""What happens inside a client, for whoever wants to watch: logging is the default."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import ParamSpec, Protocol

from rxbybit.events import Status

__all__ = ["GuardedHooks", "Hooks", "LoggingHooks"]


P = ParamSpec("P")


class Hooks(Protocol):
    """Calls made on the runtime's thread, so they must not block. What one raises goes to the
    loop's exception handler, and disturbs no stream.
    """

    def status(self, status: Status) -> None:
        """A connection changed its state, a topic was refused, a message failed to decode."""

    def slow_callback(self, topic: str, seconds: float) -> None:
        """Subscribers of ``topic`` held the loop for more than 100 ms.

        Where several messages were read at once, it says how many, in place of a topic.
        """

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


class GuardedHooks:
    """Calls ``hooks``, and keeps what they raise from those who only report."""

    def __init__(self, hooks: Hooks) -> None:
        self.status = _guarded(hooks.status)
        self.slow_callback = _guarded(hooks.slow_callback)
        self.unreachable = _guarded(hooks.unreachable)
        self.unhandled_frame = _guarded(hooks.unhandled_frame)


def _guarded(hook: Callable[P, None]) -> Callable[P, None]:
    def call(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            hook(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - whatever it is, it concerns no stream
            context = {"message": "a hook of rxbybit raised", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)

    return call
