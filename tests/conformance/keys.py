"""What a frame says that no schema knows."""

from __future__ import annotations

from typing import Any

from rxbybit.schema.fields import WireSchema
from rxbybit.schema.flat import FlatDelta, FlatSnapshot, FlatTextDelta, FlatTextSnapshot
from rxbybit.schema.spec import Wire


def unknown_keys(wire: Wire, frame: dict[str, Any]) -> set[str]:  # Any: JSON
    """Keys of the frame and of its data that are neither mapped nor ignored with a reason."""
    if wire.schema_of(frame.get("type", "snapshot")) in FLAT:
        return (set(frame) - _known(wire.envelope)) | unknown_flat_keys(frame)
    items = _items(wire, frame)
    if wire.inside is not None:  # another stream knows what stands around
        items = [inner for item in items for inner in item[wire.inside]]
    schema = wire.schema_of(frame.get("type", "snapshot"))
    unknown = set(frame) - _known(wire.envelope)
    for item in items:
        unknown |= set(item) - _known(schema)
    return unknown


# Any: JSON
def _items(wire: Wire, frame: dict[str, Any]) -> list[dict[str, Any]]:
    data = frame["data"]
    if wire.delta_in is not None and frame["type"] == "delta":
        assert not any(data.get(name) for name in ("delete", "insert"))
        return data[wire.delta_in]
    return data if isinstance(data, list) else [data]


FLAT = (FlatSnapshot, FlatDelta, FlatTextSnapshot, FlatTextDelta)
LEVEL = {"price", "symbol", "id", "side", "size"}


def unknown_flat_keys(frame: dict[str, Any]) -> set[str]:  # Any: JSON
    """Keys of a flat book that nobody knows: ``id`` is the price once more, and deprecated."""
    data, unknown = frame["data"], set[str]()
    lists = data if isinstance(data, dict) else {"order_book": data}
    unknown |= set(lists) - {"order_book", "delete", "update", "insert", "transactTimeE6"}
    for name, levels in lists.items():
        for level in levels if name != "transactTimeE6" else ():
            unknown |= set(level) - LEVEL
    return unknown


def _known(schema: type[WireSchema]) -> set[str]:
    mapped = {field.data_key or name for name, field in schema().declared.items()}
    assert not mapped & set(schema.ignored)
    assert all(schema.ignored.values())
    return mapped | set(schema.ignored)
