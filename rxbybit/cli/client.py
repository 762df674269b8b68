"""The client that a command makes of its options."""

from __future__ import annotations

import os
import sys
from typing import Literal, cast

from rxbybit.client import Bybit
from rxbybit.config import SIM, VARIABLE, Backoff, Category
from rxbybit.credentials import Credentials
from rxbybit.failures import NO_NETWORK
from rxbybit.hooks import LoggingHooks

__all__ = ["CommandHooks", "client_of"]


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
    wire: str | None = None,
    category: str | None = None,
    *,
    backoff: Backoff | None = None,
    credentials: Credentials | None = None,
    private: bool = False,
) -> Bybit:
    """The client; ``ConfigurationError`` for an option that cannot be.

    For a ``private`` stream of an exchange of our own its demo account trades by itself: nobody
    but this process could place an order there.
    """
    # whether it is a wire and a category is for the client to say
    spoken = cast("Literal['v5', 'legacy'] | None", wire)
    given, hooks = cast("Category | None", category), CommandHooks()
    if private and (environment or os.environ.get(VARIABLE)) == SIM.name:
        from rxbybit.simulator import Simulator

        return Simulator(demo=True, wire=spoken, category=given, backoff=backoff, hooks=hooks)
    return Bybit(
        environment,
        wire=spoken,
        category=given,
        credentials=credentials,
        backoff=backoff,
        hooks=hooks,
    )
