"""What the arguments of a client may be."""

from __future__ import annotations

from decimal import Decimal
from ssl import SSLContext

from rxbybit.config import Backoff, is_number
from rxbybit.errors import ConfigurationError
from rxbybit.runtime import Runtime

__all__ = ["check_options"]


def check_options(
    linger: object,
    heartbeat: object,
    listings: object,
    numbers: object,
    backoff: object,
    ssl: object,
    runtime: object,
) -> None:
    """``ConfigurationError`` for the first argument that cannot work."""
    if not (is_number(linger) and linger >= 0):
        raise ConfigurationError(f"linger={linger!r}: seconds, 0 or more")
    for name, seconds in (("heartbeat", heartbeat), ("listings", listings)):
        if not (is_number(seconds) and seconds > 0):
            raise ConfigurationError(f"{name}={seconds!r}: seconds, more than 0")
    if numbers is not Decimal and numbers is not float:
        raise ConfigurationError(f"numbers={numbers!r}: Decimal or float")
    for name, given, kind in (
        ("backoff", backoff, Backoff),
        ("ssl", ssl, SSLContext),
        ("runtime", runtime, Runtime),
    ):
        if given is not None and not isinstance(given, kind):
            raise ConfigurationError(f"{name}={given!r}: use None, or a {kind.__name__}")
