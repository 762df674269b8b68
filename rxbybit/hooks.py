"""What happens inside a client, for whoever wants to watch: logging is the default."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import ParamSpec, Protocol

from rxbybit.events import Status
from rxbybit.failures import NO_NETWORK

__all__ = ["GuardedHooks", "Hooks", "LoggingHooks", "Outage"]


P = ParamSpec("P")

_DEMO = ". Without a network, 'rxbybit demo' shows the library on an embedded exchange"


class Hooks(Protocol):
    """Calls made on the runtime's thread, so they must not block. What one raises goes to the
    loop's exception handler, and disturbs no stream. Derive yours from this class: a call that
    you do not define then does nothing.
    """

    def status(self, status: Status) -> None:
        """A connection changed its state, a topic was refused, a message failed to decode."""

    def slow_callback(self, topic: str, seconds: float) -> None:
        """Subscribers of ``topic`` held the loop for more than 100 ms.

        Where several messages were read at once, it says how many, in place of a topic.
        """

    def unreachable(self, url: str, reason: str) -> None:
        """An outage: the first attempt to reach ``url`` has failed, also after a connection.

        Called once an outage, not at each attempt. ``reason`` is a few words.
        """

    def reached(self, url: str, after_s: float) -> None:
        """The outage that :meth:`unreachable` told of is over, ``after_s`` seconds after it began.

        It begins where the connection was lost, or where the first attempt failed.
        """

    def own_clock(self, reason: str) -> None:
        """What is signed is signed by this machine's clock: the exchange's could not be asked."""

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
        hint = _DEMO if reason in NO_NETWORK else ""
        self._log.warning("cannot reach %s: %s; trying again%s", url, reason, hint)

    def reached(self, url: str, after_s: float) -> None:
        # As loud as the beginning: who was told that it is gone is told that it is back.
        self._log.warning("%s is reached again after %.0f s", url, after_s)

    def own_clock(self, reason: str) -> None:
        self._log.warning(
            "signing by this machine's clock, as the exchange's cannot be had: %s", reason
        )

    def unhandled_frame(self, url: str, text: str) -> None:
        self._log.debug("%s sent a frame that asks for nothing: %s", url, text)


class GuardedHooks:
    """Calls ``hooks``, and keeps what they raise from those who only report."""

    def __init__(self, hooks: Hooks) -> None:
        self.status = _guarded(hooks.status)
        self.slow_callback = _guarded(hooks.slow_callback)
        self.unreachable = _guarded(hooks.unreachable)
        self.reached = _guarded(hooks.reached)
        self.own_clock = _guarded(hooks.own_clock)
        self.unhandled_frame = _guarded(hooks.unhandled_frame)


class Outage:
    """Tells ``hooks`` of each time that ``url`` is out of reach: of its begin and its end, once.

    A connection that is lost and had again at the first attempt is none.
    """

    def __init__(self, url: str, hooks: Hooks, clock: Callable[[], float]) -> None:
        self._url = url
        self._hooks = hooks
        self._clock = clock
        self._since_s: float | None = None
        self._told = False

    def lost(self) -> None:
        """A connection has ended."""
        self._since_s = self._clock()

    def failed(self, reason: str) -> None:
        """An attempt has failed."""
        if self._since_s is None:
            self._since_s = self._clock()
        if not self._told:
            self._told = True
            self._hooks.unreachable(self._url, reason)

    def over(self) -> None:
        """An attempt has succeeded."""
        since_s, told = self._since_s, self._told
        self._since_s, self._told = None, False
        if told and since_s is not None:
            self._hooks.reached(self._url, self._clock() - since_s)


def _guarded(hook: Callable[P, None]) -> Callable[P, None]:
    def call(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            hook(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - whatever it is, it concerns no stream
            context = {"message": "a hook of rxbybit raised", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)

    return call
