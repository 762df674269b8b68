"""The rows of an answer as events of a topic."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from marshmallow.exceptions import ValidationError
from msgspec.structs import force_setattr

from rxbybit.events import Event, Meta
from rxbybit.rest.api import Reply, RestApi

__all__ = ["events_of"]

AT_ONCE = 100
"""How many rows are read before other things of the loop have their turn."""

E = TypeVar("E", bound=Event)


async def events_of(api: RestApi, topic: str, reply: Reply, make: Callable[[object], E]) -> list[E]:
    """What ``make`` makes of each row, in the order of the list, marked as not having come live.

    A row that does not fit its schema is reported and left out.
    """
    meta = Meta(topic=topic, sent_ms=reply.time_ms, received_ns=reply.received_ns, backfilled=True)
    events: list[E] = []
    for index, row in enumerate(reply.rows):
        if index % AT_ONCE == 0:
            await asyncio.sleep(0)
        try:
            event = make(row)
        except ValidationError as error:
            api.undecodable(topic, row, error)
        else:
            force_setattr(event, "meta", meta)
            events.append(event)
    return events
