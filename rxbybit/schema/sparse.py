"""Events of which a frame holds a few attributes out of many, such as the update of a ticker.

Their data is decoded into a dict of texts: that tells which keys were there, and takes less
time for a handful of keys than a struct of fifty.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import cast

from msgspec.structs import force_setattr

from rxbybit.events import Event, Meta
from rxbybit.schema.fields import WireSchema
from rxbybit.schema.table import Read, entry_of

__all__ = ["Build", "sparse_builder"]

Build = Callable[[dict[str, str], Meta], Event]
"""Makes the event of the texts; ``ValueError`` or ``ArithmeticError`` when they do not fit."""

_Steps = tuple[tuple[str, str, Read], ...]
# what is remembered of the sets of keys seen: so many, of so many characters at most
_HELD = 1024
_LONGEST = 2000


def sparse_builder(
    event: type[Event], schema: type[WireSchema], numbers: type = Decimal
) -> Build | None:
    """What makes ``event`` of a dict of texts; ``None`` when a field is not known to be a text."""
    readers: dict[str, tuple[str, Read]] = {}
    required: set[str] = set()
    empties: set[str] = set()
    for name, field in schema().declared.items():
        entry = entry_of(field, numbers)
        if entry is None or entry.text is None:
            return None
        key = field.data_key or name
        readers[key] = name, entry.text
        if field.required:
            required.add(key)
        if field.allow_none:
            empties.add(key)
    identity = {readers[key][0] for key in required}
    blank = cast("Callable[..., Event]", event)(**dict.fromkeys(identity, ""))
    force = force_setattr
    # twice as fast as copy.copy, which looks for this method; msgspec's types leave it out
    duplicate = cast("Callable[[], Event]", blank.__copy__)  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]
    seen: dict[tuple[str, ...], tuple[frozenset[str], _Steps]] = {}

    def steps_for(keys: tuple[str, ...]) -> tuple[frozenset[str], _Steps]:
        if not required.issubset(keys):
            raise ValueError("a required key is missing")
        steps = tuple((key, *readers[key]) for key in keys if key in readers)
        found = frozenset(name for _, name, _ in steps) - identity, steps
        # the same few come again and again
        if sum(map(len, keys)) <= _LONGEST:
            if len(seen) >= _HELD:
                seen.clear()
            seen[keys] = found
        return found

    def build(data: dict[str, str], meta: Meta) -> Event:
        keys = tuple(data)
        changed, steps = seen.get(keys) or steps_for(keys)
        made = duplicate()  # nobody else's yet, so that it may still be written to
        for key, name, read in steps:
            text = data[key]
            force(made, name, read(text) if text or key not in empties else None)
        force(made, "changed", changed)
        force(made, "meta", meta)
        return made

    return build
