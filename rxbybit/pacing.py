"""A stream that has ended in an error begins anew only after a pause, longer each time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from math import inf
from typing import TypeAlias

from reactivex import abc
from reactivex.disposable import Disposable, SerialDisposable

from rxbybit.config import Backoff
from rxbybit.outlet import Hearer
from rxbybit.runtime import Runtime

__all__ = ["Begin", "Paced"]

Begin: TypeAlias = Callable[[Runtime, Hearer], abc.DisposableBase]
"""Begins what a subscriber hears, on the runtime's thread; gives what ends it."""


class Paced:
    """Calls ``begin`` for each subscriber: at once, unless the stream has just ended in an error.

    What ends a stream cannot heal, such as a topic that the exchange refuses. Whoever subscribes
    again all the same, as an endless ``retry()`` does, waits as if it were a reconnect; a stream
    that lived for ``backoff.cap`` seconds, or that long ago, counts for nothing.
    """

    def __init__(self, begin: Begin, backoff: Backoff) -> None:
        self._begin = begin
        self._backoff = backoff
        self._failures = 0
        self._last_s = -inf

    def __call__(self, runtime: Runtime, hearer: Hearer) -> abc.DisposableBase:
        loop = runtime.loop
        now_s = loop.time()
        if now_s - self._last_s >= self._backoff.cap:
            self._failures = 0
        wait_s = 0.0
        if self._failures:
            pause_s = random.uniform(0, self._backoff.bound(self._failures))
            # another runtime may have a clock that is behind
            wait_s = pause_s - max(0.0, now_s - self._last_s)
        turn = _Turn(hearer, self, self._failures, loop)
        if wait_s <= 0:
            return self._begun(runtime, turn)
        ends = SerialDisposable()

        def late() -> None:
            turn.began_s = loop.time()
            ends.disposable = self._begun(runtime, turn)

        ends.disposable = Disposable(loop.call_later(wait_s, late).cancel)
        return ends

    def failed(self, failures: int, at_s: float) -> None:
        """A subscriber was ended at ``at_s``, after so many ``failures`` in a row."""
        self._failures, self._last_s = failures, at_s

    @property
    def cap_s(self) -> float:
        """How long a stream must live to make up for what failed."""
        return self._backoff.cap

    def _begun(self, runtime: Runtime, turn: _Turn) -> abc.DisposableBase:
        """What ends it; who cannot even begin has failed as well."""
        try:
            return self._begin(runtime, turn)
        except Exception as error:  # noqa: BLE001 - it is this subscription's error
            turn.on_error(error)
            return Disposable()


class _Turn:
    """What one subscriber hears; the pools know it in his place."""

    __slots__ = ("_before", "_hearer", "_loop", "_paced", "began_s", "on_each")

    def __init__(
        self, hearer: Hearer, paced: Paced, before: int, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.on_each = hearer.on_each  # not a method that calls it: it runs for every frame
        self.began_s = loop.time()
        self._hearer = hearer
        self._paced = paced
        self._before = before
        self._loop = loop

    def on_error(self, error: Exception) -> None:
        """Who are ended together have all begun after the same failures."""
        now_s = self._loop.time()
        lived = now_s - self.began_s >= self._paced.cap_s
        self._paced.failed(1 if lived else self._before + 1, now_s)
        self._hearer.on_error(error)
