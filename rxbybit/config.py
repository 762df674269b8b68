"""Where the exchange is, and how patient the client is with it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args
from urllib.parse import urlsplit

from msgspec import Struct

from rxbybit.errors import ConfigurationError

__all__ = ["CATEGORIES", "Backoff", "Category", "Environment", "environment_of"]

Category = Literal["inverse", "linear", "spot", "option"]
CATEGORIES: tuple[Category, ...] = get_args(Category)


class Environment(Struct, frozen=True, kw_only=True):
    """The URLs of one exchange.

    Sources: V5 manual, "Connect" (hosts and paths) and "Demo trading service": public data of
    the demo environment comes from the mainnet hosts.
    """

    name: str
    public: Mapping[str, str]
    """One websocket URL a category."""
    private: str | None = None
    legacy: str | None = None
    rest: str | None = None


class Backoff(Struct, frozen=True, kw_only=True):
    """How long to wait before the next attempt: full jitter under a growing bound.

    Attempt ``n`` waits a random time between 0 and ``min(cap, first * 2 ** (n - 1))`` seconds.
    ``budget`` failed attempts in a row end in ``RetryBudgetExhausted``; ``None`` tries for ever.
    The count starts anew once a connection has lived for ``cap`` seconds.
    """

    first: float = 0.5
    cap: float = 30.0
    budget: int | None = None

    def __post_init__(self) -> None:
        if not (self.first > 0 and self.cap > 0):
            raise ConfigurationError("Backoff: first and cap are seconds above 0")
        if self.budget is not None and self.budget < 1:
            raise ConfigurationError("Backoff: budget is at least 1, or None to try for ever")

    def bound(self, attempt: int) -> float:
        """The longest wait before attempt ``attempt`` (the first is 1), in seconds."""
        return min(self.cap, self.first * 2.0 ** min(attempt - 1, 63))


def _exchange(name: str, stream: str, rest: str, private: str | None = None) -> Environment:
    return Environment(
        name=name,
        public=MappingProxyType({c: f"{stream}/v5/public/{c}" for c in CATEGORIES}),
        private=f"{private or stream}/v5/private",
        legacy=f"{stream}/realtime",
        rest=rest,
    )


_KNOWN = {
    "mainnet": _exchange("mainnet", "wss://stream.bybit.com", "https://api.bybit.com"),
    "testnet": _exchange(
        "testnet", "wss://stream-testnet.bybit.com", "https://api-testnet.bybit.com"
    ),
    "demo": _exchange(
        "demo",
        "wss://stream.bybit.com",
        "https://api-demo.bybit.com",
        private="wss://stream-demo.bybit.com",
    ),
}


def environment_of(wanted: str | Environment | None) -> Environment:
    """The environment called ``wanted``; ``None`` reads ``RXBYBIT_ENVIRONMENT``, else mainnet.

    ``wanted`` is a name, an :class:`Environment`, or the base URL (``http://`` or ``https://``)
    of a host that serves everything, such as ``http://127.0.0.1:8765``.
    """
    if isinstance(wanted, Environment):
        return wanted
    text = wanted or os.environ.get("RXBYBIT_ENVIRONMENT") or "mainnet"
    known = _KNOWN.get(text)
    return known if known is not None else _single_host(text)


def _single_host(text: str) -> Environment:
    if not _is_base_url(text):
        names = ", ".join(_KNOWN)
        raise ConfigurationError(
            f"environment {text!r}: use {names}, or a base URL such as http://127.0.0.1:8765"
        )
    rest = text.rstrip("/")
    return _exchange(rest, "ws" + rest.removeprefix("http"), rest)


def _is_base_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.port != 0  # one out of range raises here
            and not (parts.query or parts.fragment or parts.username)
        )
    except ValueError:
        return False
