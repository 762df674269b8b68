"""Filling the holes of a topic out of REST, for all who hear it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

from rxbybit.config import Category, Environment
from rxbybit.errors import DecodeError, RetryBudgetExhausted, RxBybitError
from rxbybit.held import Held
from rxbybit.mending import Mark, Run, Step
from rxbybit.outlet import AnySpec
from rxbybit.pool import Pool
from rxbybit.rest.api import RestApi, api_of
from rxbybit.rest.backfill import past_of
from rxbybit.rest.candles import Candles
from rxbybit.rest.newest import Newest
from rxbybit.schema.spec import TopicState

__all__ = ["HELD_S", "Cure", "Healing", "heal"]

HELD_S = 10.0
"""How long live events wait for what REST has."""
PAUSES_S = (0.2, 0.4, 0.8, 1.6, 3.2)
"""A list may be behind the websocket: it is looked at again after these."""


class Cure(Protocol):
    """Knows of one topic what was delivered, what is held, and where to look for the rest."""

    @property
    def watch(self) -> TopicState | None:
        """What must hear of every event that is delivered, if anything."""
        ...

    def lost(self, mark: Mark | None) -> None:
        """The link was lost, after what ``mark`` says was delivered, or while something waits."""

    def hold(self, events: Sequence[Any]) -> Step:  # Any: of the topic's stream
        """Keep so much of what came live as is good; gives what is to be done."""
        ...

    async def look(self, api: RestApi) -> bool:
        """Ask once; gives whether another look can tell no more. Errors: those of REST."""
        ...

    def take(self) -> tuple[list[Run], bool]:
        """What is to be delivered, and whether the hole is over with it."""
        ...


class Healing:
    """Has ``cure`` look while live events of ``held`` wait, which they do for a time only."""

    def __init__(
        self, pool: Pool, api: Callable[[], RestApi], spec: AnySpec, held: Held, cure: Cure
    ) -> None:
        self._pool = pool
        self._api = api
        self._hub = held.hub_of(spec)
        self._cure = cure
        self._loop = asyncio.get_running_loop()
        self._open = self._ended = self._refused = False
        self._recall: Callable[[], None] | None = None
        self._patience: asyncio.TimerHandle | None = None
        self._later: asyncio.TimerHandle | None = None
        held.life.each_live(self._on_live)
        held.life.at_end(self._end)
        self._hub.mend_with(self)

    @property
    def watch(self) -> TopicState | None:
        """See :class:`rxbybit.hub.Mender`."""
        return self._cure.watch

    def lost(self, mark: Mark | None) -> None:
        """See :class:`rxbybit.hub.Mender`."""
        self._open = True
        self._cure.lost(mark)

    def hold(self, events: Sequence[Any]) -> None:  # Any: of the topic's stream
        """See :class:`rxbybit.hub.Mender`."""
        if self._ended:  # by who was told of something else in the same frame
            return
        step = self._cure.hold(events)
        if step == "give" or (step == "ask" and self._refused):
            self._give()
        elif step == "ask":
            if self._patience is None:
                self._patience = self._loop.call_later(HELD_S, self._give)
            self._ask()

    def _on_live(self) -> None:
        if self._open:
            self._call_off()  # what is under way may be of before, and what was refused
            self._refused = False
            self._ask()

    def _ask(self) -> None:
        if self._recall is None:
            self._recall = self._pool.errand(self._look(), self._fail)

    async def _look(self) -> None:
        api = self._api()
        try:
            for pause_s in (0.0, *PAUSES_S):
                await asyncio.sleep(pause_s)
                if api.barred_s >= HELD_S or await self._cure.look(api):
                    break  # barred: it would come too late for what is held
        except DecodeError:
            raise  # of a client that is strict
        except RxBybitError as error:  # its api has told it on status(): what is held goes out
            self._refused = not isinstance(error, RetryBudgetExhausted)  # later it may be well
        self._recall = None
        self._give()
        if self._open and not self._ended and (barred_s := api.barred_s):
            # nothing has come live that would tell of the hole, and nothing may for long
            self._later = self._loop.call_later(barred_s, self._ask)

    def _give(self) -> None:
        self._stop()
        runs, over = self._cure.take()
        self._open = not over
        self._hub.mended(runs, over=over)

    def _fail(self, error: Exception) -> None:
        self._stop()
        self._hub.fail(error)

    def _end(self) -> None:
        self._ended = True
        self._stop()

    def _call_off(self) -> None:
        recall, self._recall = self._recall, None
        if recall is not None:
            recall()

    def _stop(self) -> None:
        self._call_off()
        for timer in (self._patience, self._later):
            if timer is not None:
                timer.cancel()
        self._patience = self._later = None


def heal(pool: Pool, now: Callable[[], Environment], spec: AnySpec, held: Held) -> None:
    """Have what ``held`` misses filled in, where REST has such a list and the environment REST."""
    there = now()
    if there.rest is None:
        return
    api = partial(api_of, pool, there.rest_url(), tells_all=True)
    categories = _categories(spec, there, held)
    if spec.recent is not None:
        clock = None if pool.identity is None else pool.identity.clock
        cure: Cure = Newest(spec, held.topic, categories, age_ms=_age_of(held), clock=clock)
        Healing(pool, api, spec, held, cure)
    elif spec.history is not None:
        (category,) = categories
        past = past_of(spec, pool.settings.wire.name, category, held.topic)
        Healing(pool, api, spec, held, Candles(past))


def _categories(spec: AnySpec, there: Environment, held: Held) -> Sequence[Category]:
    """Those whose events the topic has."""
    if spec.wire("v5").private:
        return spec.categories
    return [next(c for c in spec.categories if there.public.get(c) == held.url)]


def _age_of(held: Held) -> Callable[[], int]:
    """What tells how many milliseconds ago a topic was first sent."""
    loop = asyncio.get_running_loop()
    begun_s: list[float] = []
    held.life.when_live(lambda: begun_s.append(loop.time()))
    return lambda: int((loop.time() - begun_s[0]) * 1000) if begun_s else 0
