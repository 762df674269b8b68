"""What one check of the doctor has found, as a line for people or for programs."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

__all__ = ["Finding"]

WIDTH = 17
"""Of the column of names: the longest is that of a websocket."""


class Finding(Struct, frozen=True, omit_defaults=True):
    """``fail`` is what keeps a stream from working, ``warn`` what may surprise."""

    check: str
    status: Literal["ok", "warn", "fail"]
    text: str
    """What was found; with ``fail`` and ``warn`` also what to do."""
    ms: float | None = None
    """A round trip, or by how much a clock is ahead."""

    def line(self) -> str:
        """For people."""
        return f"{self.status:<4} {self.check:<{WIDTH}} {self.text}"

    def json(self) -> str:
        """For programs: one object."""
        return msgspec.json.encode(self).decode()
