"""What a row of the table of faults says."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from rxbybit import ConnectionFailed
from tests.faults.chaos import Door
from tests.faults.world import World

__all__ = ["AGAIN", "FAILS", "HEALS", "HEALS_LATE", "STAYS", "Row", "Step"]

Step = Callable[[World], Awaitable[None]]

AGAIN = "Reconnecting Connecting"
HEALS = f"Disconnected {AGAIN} Connected Subscribed"
"""What status says of an outage that is over at the first attempt."""
FAILS = "Connecting Disconnected"
"""What it says of an attempt in vain."""
HEALS_LATE = f"{FAILS}( {AGAIN} Disconnected)* {AGAIN} Connected Subscribed"
"""What it says of one where the next attempt may be in vain too: the machine is slow."""
STAYS = f"Disconnected( {AGAIN} Disconnected)+ {AGAIN} Connected Subscribed( {HEALS})*"
"""What it says of an outage that outlasts some attempts."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A fault, and what comes of it. Nothing may be open afterwards, whatever it is."""

    name: str
    strike: Step
    """Brings it about; trades are heard by then, unless it is ``first``."""
    first: bool = False
    """Whether it strikes before anything was ever connected."""
    heal: Step | None = None
    """Ends it; called once it has struck."""

    steps: str = ""
    """What status says of the link from then on, a regular expression."""
    reason: str = ""
    """What one of the ``Disconnected`` says, a regular expression."""
    least_s: float = 0.0
    """Some ``Reconnecting`` says at least so many seconds."""
    reports: type[Any] | None = None
    """A status besides the steps."""
    error: type[ConnectionFailed] | None = None
    """What the streams of that link end with, if they do; those of others never do."""
    says: str = ""
    """What the error says, a regular expression."""
    data: Literal["equal", "declared"] = "declared"
    """Whether all that was sent is heard, or what is missing was declared."""
    more: int = 1
    """So many trades must come when it is over, or while it lasts."""

    host: str = "127.0.0.1"
    tls: ssl.SSLContext | None = None
    met: tuple[Door, ...] = ()
    """What the first connections meet."""
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Arguments of the client."""
    shorter: Mapping[str, float] = field(default_factory=dict[str, float])
    """Waits of the contract that would hold up the tests, in seconds."""
    apart: int = 0
    """How many exchanges in processes of their own; the first one is that of the link."""
    namespace: bool = False
    """Whether it needs a network of its own."""

    def __str__(self) -> str:
        return self.name
