"""Events of which a frame holds a few attributes out of many, such as the update of a ticker.

Their data is decoded into a dict of texts: that tells which keys were there, and takes less
time for a handful of keys than a struct of fifty.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import msgspec
from msgspec import Struct
from msgspec.structs import force_setattr

from rxbybit.events import Event, Meta
from rxbybit.schema.fields import WireSchema
from rxbybit.schema.table import Read, entry_of
from rxbybit.schema.written import UNFIT, Bind, Decode

__all__ = ["sparse_decoder"]

_Keys = tuple[str, ...]
_Steps = tuple[tuple[str, Read, bool], ...]
"""For each text of a frame: the attribute (``""``: none), what reads it, and whether an empty
one is ``None``."""
_Plan = tuple[frozenset[str], _Steps]
"""What a frame changes, and how."""
# what is remembered of the sets of keys seen: so many, of so many characters at most
_HELD = 1024
_LONGEST = 2000


def sparse_decoder(
    frame_type: type[Struct],
    event: type[Event],
    schema: type[WireSchema],
    numbers: type,
) -> Bind | None:
    """What binds the decoder of frames whose data are texts.

    ``None`` when a field of the schema is not known to be a text.
    """
    plan = _planner(schema, numbers)
    if plan is None:
        return None
    plan_of, identity = plan
    seen: dict[_Keys, _Plan] = {}
    # Any: frames are structs made at run time
    read = cast("Callable[[bytes], Any]", msgspec.json.Decoder(frame_type).decode)
    blank = cast("Callable[..., Event]", event)(**dict.fromkeys(identity, ""))
    # twice as fast as copy.copy, which looks for this method; msgspec's types leave it out
    duplicate = cast("Callable[[], Event]", blank.__copy__)  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]
    force = force_setattr

    def planned(keys: _Keys) -> _Plan:
        plan = plan_of(keys)
        # the same few come again and again
        if sum(map(len, keys)) <= _LONGEST:
            if len(seen) >= _HELD:
                seen.clear()
            seen[keys] = plan
        return plan

    def bind(topic: str, slow: Decode) -> Decode:
        def decode(data: bytes, received_ns: int, connection: int | None) -> Sequence[Event]:
            try:
                frame = read(data)
                texts: dict[str, str] = frame.data
                keys = tuple(texts)
                changed, steps = seen.get(keys) or planned(keys)
                made = duplicate()  # nobody else's yet, so that it may still be written to
                for (name, value_of, empty), text in zip(steps, texts.values(), strict=False):
                    if name:
                        force(made, name, value_of(text) if text or not empty else None)
                force(made, "changed", changed)
                meta = Meta(topic, frame.kind, frame.ts, frame.cts, received_ns, connection)
                force(made, "meta", meta)
            except UNFIT:
                return slow(data, received_ns, connection)
            return (made,)

        return decode

    return bind


def _planner(
    schema: type[WireSchema], numbers: type
) -> tuple[Callable[[_Keys], _Plan], set[str]] | None:
    """What plans for the keys of a frame (``ValueError``: a required one is missing), and the
    attributes that are required.
    """
    steps: dict[str, tuple[str, Read, bool]] = {}
    required: set[str] = set()
    for name, field in schema().declared.items():
        entry = entry_of(field, numbers)
        if entry is None or entry.text is None:
            return None
        key = field.data_key or name
        steps[key] = name, entry.text, bool(field.allow_none)
        if field.required:
            required.add(key)
    identity = {steps[key][0] for key in required}
    unknown: tuple[str, Read, bool] = "", str, False

    def plan(keys: _Keys) -> _Plan:
        if not required.issubset(keys):
            raise ValueError("a required key is missing")
        ours = tuple(steps.get(key, unknown) for key in keys)
        changed = frozenset(name for name, _, _ in ours if name) - identity
        return changed, ours

    return plan, identity
