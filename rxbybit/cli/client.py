"""The client that a command makes of its options."""

from __future__ import annotations

import sys
from typing import cast

from rxbybit.client import Bybit
from rxbybit.config import Backoff, Category
from rxbybit.errors import ConfigurationError
from rxbybit.failures import NO_NETWORK
from rxbybit.hooks import LoggingHooks

__all__ = ["CommandHooks", "client_of"]

WIRES = ("v5",)


class CommandHooks(LoggingHooks):
    """Logging, less the outages: a command tells of them by the statuses that it shows.

    And less the slow callbacks: a reader who is slow holds a command back on purpose.
    """

    def unreachable(self, url: str, reason: str) -> None:
        if reason in NO_NETWORK:
            hint = "without a network, 'rxbybit demo' shows the library on this machine"
            print(f"rxbybit: {hint}", file=sys.stderr)

    def slow_callback(self, topic: str, seconds: float) -> None:
        """Its reader takes the time that it needs."""

    def reached(self, url: str, after_s: float) -> None:
        """Connected says it."""


def client_of(
    environment: str | None,
    wire: str = "v5",
    category: str | None = None,
    *,
    backoff: Backoff | None = None,
) -> Bybit:
    """The client; ``ConfigurationError`` for an option that cannot be."""
    if wire not in WIRES:
        raise ConfigurationError(f"wire {wire!r}: use {', '.join(WIRES)}")
    # whether it is a category is for the client to say
    given = cast("Category | None", category)
    return Bybit(environment, category=given, backoff=backoff, hooks=CommandHooks())
