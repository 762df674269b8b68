"""What a client wants of its links and topics, whatever the runtime."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from msgspec import Struct

from rxbybit.limits import RequestLedger
from rxbybit.protocol.base import WireProtocol
from rxbybit.runtime import Runtime
from rxbybit.session import Settings
from rxbybit.transport import Transport

__all__ = ["PoolSettings"]


class PoolSettings(Struct, frozen=True, kw_only=True):
    """What a client wants of every pool."""

    session: Settings
    wire: WireProtocol
    linger: float
    numbers: type[Decimal | float]
    strict: bool
    new_transport: Callable[[Runtime], Transport]
    numbering: Iterator[int]
    requests: RequestLedger
