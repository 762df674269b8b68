"""What a client wants of its links and topics, whatever the runtime."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from rxbybit.limits import RequestLedger
from rxbybit.protocol.base import WireProtocol
from rxbybit.runtime import Runtime
from rxbybit.session import Settings
from rxbybit.transport import Transport

__all__ = ["Gaps", "PoolSettings"]

Gaps = Literal["fill", "mark"]
"""What is done about holes: filled out of REST, and what is left told of; or only told of."""


class PoolSettings(Struct, frozen=True, kw_only=True):
    """What a client wants of every pool."""

    session: Settings
    wire: WireProtocol
    linger: float
    numbers: type[Decimal | float]
    strict: bool
    gaps: Gaps = "fill"
    new_transport: Callable[[Runtime], Transport]
    numbering: Iterator[int]
    requests: RequestLedger
