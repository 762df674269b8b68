"""What the arguments of a client may be, and what they make of its pools."""

from __future__ import annotations

import os
from decimal import Decimal
from itertools import count
from ssl import SSLContext

from rxbybit.config import Backoff, is_number, proxy_of
from rxbybit.credentials import Credentials
from rxbybit.errors import ConfigurationError
from rxbybit.hooks import GuardedHooks, Hooks, LoggingHooks
from rxbybit.limits import CONNECTS, REQUESTS
from rxbybit.protocol.base import WireProtocol
from rxbybit.protocol.legacy import Legacy
from rxbybit.protocol.v5 import V5
from rxbybit.runtime import Runtime
from rxbybit.session import Settings
from rxbybit.settings import Gaps, PoolSettings
from rxbybit.transport import AiohttpTransport

__all__ = ["WIRE", "check_options", "pool_settings", "wire_of"]

WIRE = "RXBYBIT_WIRE"
"""The variable of the environment."""

LINKS = count(1)
"""Numbers the links of all clients: by these whoever merges their streams tells them apart."""


def check_options(
    linger: object,
    heartbeat: object,
    listings: object,
    stale: object,
    numbers: object,
    backoff: object,
    ssl: object,
    runtime: object,
    credentials: object,
    gaps: object,
) -> None:
    """``ConfigurationError`` for the first argument that cannot work."""
    if not (is_number(linger) and linger >= 0):
        raise ConfigurationError(f"linger={linger!r}: seconds, 0 or more")
    for name, seconds in (("heartbeat", heartbeat), ("listings", listings), ("stale", stale)):
        if not (is_number(seconds) and seconds > 0):
            raise ConfigurationError(f"{name}={seconds!r}: seconds, more than 0")
    if gaps not in ("fill", "mark"):
        raise ConfigurationError(f"gaps={gaps!r}: use 'fill' or 'mark'")
    if numbers is not Decimal and numbers is not float:
        raise ConfigurationError(f"numbers={numbers!r}: Decimal or float")
    for name, given, kind in (
        ("backoff", backoff, Backoff),
        ("ssl", ssl, SSLContext),
        ("runtime", runtime, Runtime),
    ):
        if given is not None and not isinstance(given, kind):
            raise ConfigurationError(f"{name}={given!r}: use None, or a {kind.__name__}")
    if not isinstance(credentials, Credentials | None):  # which is not shown, whatever it is
        raise ConfigurationError("credentials: use None, or Credentials.hmac(key, secret)")


def wire_of(wanted: object) -> WireProtocol:
    """The wire called ``wanted``; ``None`` reads ``RXBYBIT_WIRE``, else V5.

    Errors: ``ConfigurationError`` for any other, in the argument or in the variable.
    """
    source = "wire" if wanted is not None else WIRE
    name = wanted if wanted is not None else os.environ.get(WIRE) or "v5"
    for wire in (V5(), Legacy()):
        if wire.name == name:
            return wire
    raise ConfigurationError(f"{source}={name!r}: use 'v5' or 'legacy'")


def pool_settings(
    *,
    linger: float,
    heartbeat: float,
    backoff: Backoff | None,
    stale: float,
    proxy: str | None,
    ssl: SSLContext | None,
    numbers: type[Decimal | float],
    strict: bool,
    hooks: Hooks | None,
    wire: WireProtocol,
    gaps: Gaps,
) -> PoolSettings:
    """What a client with these arguments wants; ``ConfigurationError`` for a wrong proxy."""
    through = proxy_of(proxy)
    return PoolSettings(
        session=Settings(
            heartbeat=heartbeat,
            backoff=backoff or Backoff(),
            ledger=CONNECTS,
            hooks=GuardedHooks(hooks or LoggingHooks()),
            stale=stale,
        ),
        wire=wire,
        linger=linger,
        numbers=numbers,
        strict=strict,
        gaps=gaps,
        # a closure: the repr of a partial would show the password of the proxy
        new_transport=lambda at: AiohttpTransport(at, proxy=through, ssl=ssl),
        numbering=LINKS,
        requests=REQUESTS,
    )
