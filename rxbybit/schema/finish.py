"""What is left to do to decoded wire twins, written out as a function for each event.

Written out, because it is done for every item: CPython reads ``x.price`` ten times faster
than ``getattr(x, "price")``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import force_setattr

from rxbybit.events import Event, Meta

__all__ = ["Finish", "Work", "written"]

# Any: wire twins, whose classes are made at run time
Finish = Callable[[Sequence[Any], Meta, tuple[object, ...]], None]
"""Finishes the items of a frame, with their meta and the values that the topic gives."""


@dataclass(frozen=True)
class Work:
    """What there is to do for an event."""

    event: type[Event]
    adopted: bool
    """Whether a twin can become the event, which is done last."""
    given: tuple[str, ...]
    """Attributes that the topic gives."""
    converts: Mapping[str, tuple[type, Callable[[Any], object]]]  # Any: one of that type
    """Attributes that are something else on the wire: what they are there, and what makes them
    of it. Where the wire gave nothing stands the event's default, which is left alone."""
    numbers: tuple[str, ...]
    """Attributes that could be a NaN or an infinity."""
    levels: tuple[str, ...]
    """Attributes whose levels could hold one."""


def written(work: Work, *, check: bool) -> Finish:
    """The function that does ``work``, and with ``check`` raises ``ValueError`` for a number
    that is not finite.
    """
    lines = ["def finish(items, meta, given):", " for x in items:"]
    if check and work.numbers:
        tests = [f"x.{name} is not None and not x.{name}.is_finite()" for name in work.numbers]
        lines += [f"  if {' or '.join(tests)}: raise ValueError('not finite')"]
    for name in work.levels if check else ():
        lines += [f"  for price, size in x.{name}:"]
        lines += ["   if not (price.is_finite() and size.is_finite()):"]
        lines += ["    raise ValueError('not finite')"]
    for name in work.converts:
        lines += [f"  if isinstance(x.{name}, {name}_wire):"]
        lines += [f"   force(x, {name!r}, {name}_of(x.{name}))"]
    for index, name in enumerate(work.given):
        lines += [f"  force(x, {name!r}, given[{index}])"]
    if work.adopted:
        lines += ["  force(x, '__class__', event)"]
    lines += ["  force(x, 'meta', meta)"]
    names: dict[str, Any] = {"force": force_setattr, "event": work.event}
    for name, (wire, convert) in work.converts.items():
        names |= {f"{name}_wire": wire, f"{name}_of": convert}
    exec("\n".join(lines), names)
    return names["finish"]
