"""What a frame says that no schema knows."""

from __future__ import annotations

from typing import Any

from rxbybit.schema.fields import WireSchema
from rxbybit.schema.spec import Wire


def unknown_keys(wire: Wire, frame: dict[str, Any]) -> set[str]:  # Any: JSON
    """Keys of the frame and of its data that are neither mapped nor ignored with a reason."""
    items = frame["data"] if isinstance(frame["data"], list) else [frame["data"]]
    if wire.inside is not None:  # another stream knows what stands around
        items = [inner for item in items for inner in item[wire.inside]]
    schema = wire.schema_of(frame.get("type", "snapshot"))
    unknown = set(frame) - _known(wire.envelope)
    for item in items:
        unknown |= set(item) - _known(schema)
    return unknown


def _known(schema: type[WireSchema]) -> set[str]:
    mapped = {field.data_key or name for name, field in schema().declared.items()}
    assert not mapped & set(schema.ignored)
    assert all(schema.ignored.values())
    return mapped | set(schema.ignored)
