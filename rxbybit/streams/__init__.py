"""The streams, one file a family: event, schemas, spec and factory."""

from __future__ import annotations

from typing import Any

from rxbybit.schema.spec import StreamSpec, Wire
from rxbybit.streams.trade import TRADES

__all__ = ["SPECS", "find_spec"]

# Any: each has events of its own
SPECS: tuple[StreamSpec[Any], ...] = (TRADES,)


def find_spec(topic: str, wire_name: str = "v5") -> StreamSpec[Any] | None:
    """The stream that gives the frames of ``topic`` as they were sent.

    ``None`` for a topic that no stream offers.
    """
    for spec in SPECS:
        wire: Wire | None = {"v5": spec.v5, "legacy": spec.legacy}.get(wire_name)
        if wire is not None and spec.emit is None and wire.read(topic) is not None:
            return spec
    return None
