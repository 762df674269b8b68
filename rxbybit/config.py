"""Where the exchange is, and how patient the client is with it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from math import isfinite
from types import MappingProxyType
from typing import Literal, TypeGuard, get_args
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

from rxbybit.errors import ConfigurationError

__all__ = ["CATEGORIES", "SIM", "Backoff", "Category", "Environment", "environment_of", "proxy_of"]

VARIABLE = "RXBYBIT_ENVIRONMENT"

Category = Literal["inverse", "linear", "spot", "option"]
CATEGORIES: tuple[Category, ...] = get_args(Category)


class Environment(Struct, frozen=True, kw_only=True):
    """The URLs of one exchange.

    Sources: V5 manual, "Connect" (hosts and paths) and "Demo trading service": public data of
    the demo environment comes from the mainnet hosts.
    Errors: ``ConfigurationError`` for a category that there is not, for what is no websocket URL,
    and for a ``rest`` that is no URL of HTTP.
    """

    name: str
    public: Mapping[str, str]
    """One websocket URL a category; categories that it lacks have no streams."""
    private: str | None = None
    legacy: str | None = None
    rest: str | None = None

    def __post_init__(self) -> None:
        for category, url in self.public.items():
            if category not in CATEGORIES:
                raise ConfigurationError(
                    f"Environment.public: no category {category!r}; use {', '.join(CATEGORIES)}"
                )
            if _split(url, "ws", "wss") is None:
                raise ConfigurationError(
                    f"Environment.public[{category!r}]: a ws:// or wss:// URL, without password"
                )

        for name, url in (("private", self.private), ("legacy", self.legacy)):
            if url is not None and _split(url, "ws", "wss") is None:
                raise ConfigurationError(
                    f"Environment.{name}: a ws:// or wss:// URL, without password"
                )
        if self.rest is not None and _split(self.rest, "http", "https") is None:
            raise ConfigurationError("Environment.rest: an http:// or https:// URL, no password")

    def rest_url(self) -> str:
        """Where REST is asked; ``ConfigurationError`` where there is none."""
        if self.rest is None:
            raise ConfigurationError(
                f"environment {self.name!r} has no REST: give Environment(rest=...) a URL such as"
                " https://api.bybit.com"
            )
        return self.rest.rstrip("/")

    def legacy_url(self) -> str:
        """The websocket of the legacy wire; ``ConfigurationError`` where there is none."""
        if self.legacy is None:
            raise ConfigurationError(
                f"environment {self.name!r} has no legacy wire: give Environment(legacy=...) a URL"
                " such as ws://127.0.0.1:8765/realtime"
            )
        return self.legacy

    def private_url(self) -> str:
        """The websocket of private streams; ``ConfigurationError`` where there is none."""
        if self.private is None:
            raise ConfigurationError(
                f"environment {self.name!r} has no private streams: give Environment(private=...)"
                " a URL such as wss://stream.bybit.com/v5/private"
            )
        return self.private

    def url(self, category: Category) -> str:
        """The websocket of a category; ``ConfigurationError`` where there is none."""
        url = self.public.get(category)
        if url is None:
            raise ConfigurationError(
                f"environment {self.name!r} has no {category}; there is {', '.join(self.public)}"
            )
        return url


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
        for name, value in (("first", self.first), ("cap", self.cap)):
            if not (is_number(value) and value > 0 and isfinite(value)):
                raise ConfigurationError(f"Backoff: {name}={value!r}: seconds, more than 0")
        budget: object = self.budget
        if budget is not None and not (type(budget) is int and budget >= 1):
            raise ConfigurationError(
                f"Backoff: budget={budget!r}: at least 1, or None to try for ever"
            )

    def bound(self, attempt: int) -> float:
        """The longest wait before attempt ``attempt`` (the first is 1), in seconds."""
        return min(self.cap, self.first * 2.0 ** min(attempt - 1, 63))


def environment_of(wanted: str | Environment | None) -> Environment:
    """The environment called ``wanted``; ``None`` reads ``RXBYBIT_ENVIRONMENT``, else mainnet.

    ``wanted`` is a name, an :class:`Environment`, or the base URL of a host that serves
    everything, such as ``http://127.0.0.1:8765``: ``http`` or ``https`` and the host, no path.
    Errors: ``ConfigurationError`` for anything else, in the argument or in the variable.
    """
    if isinstance(wanted, Environment):
        return wanted
    if wanted is None:
        variable = os.environ.get(VARIABLE)
        return _named(variable, VARIABLE) if variable else _KNOWN["mainnet"]
    return _named(wanted, "environment")


def proxy_of(wanted: str | None) -> str | None:
    """``wanted``, when it is the URL of an HTTP proxy; ``ConfigurationError`` else.

    It may hold a user and a password, so no error shows it.
    """
    if wanted is not None and _split(wanted, "http", "https", secret=True) is None:
        raise ConfigurationError(
            "proxy: use the URL of an HTTP proxy, such as http://10.0.0.1:3128"
        )
    return wanted


def is_number(value: object) -> TypeGuard[float]:
    """Whether ``value`` is a number, which a truth value is not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


MOST_SHOWN = 80
"""Longer texts of what somebody wrote are cut off after so many characters."""


def shown(value: object) -> str:
    """What somebody wrote, as an error shows it: on one line and not endless, whatever it is."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - an int of too many digits has none, nor may what is not ours
        text = f"<{type(value).__name__}>"
    line = " ".join(text.splitlines())
    return line if len(line) <= MOST_SHOWN else f"{line[:MOST_SHOWN]}…"


def check_truth(name: str, given: object) -> None:
    """``ConfigurationError`` for what is neither ``True`` nor ``False``."""
    if not isinstance(given, bool):
        raise ConfigurationError(f"{name}={shown(given)}: True or False")


def _named(text: str, source: str) -> Environment:
    known = _KNOWN.get(text) if isinstance(text, str) else None  # pyright: ignore[reportUnnecessaryIsInstance]
    if known is not None:
        return known
    parts = _split(text, "http", "https", "ws", "wss")
    if parts is None:
        shown = "a URL with a password in it" if "@" in str(text) else repr(text)
        raise ConfigurationError(
            f"{source}: {shown} is no environment: use {', '.join(_KNOWN)}, or a base URL such as"
            " http://127.0.0.1:8765"
        )
    stream = "wss" if parts.scheme in ("https", "wss") else "ws"
    base = f"{'https' if stream == 'wss' else 'http'}://{parts.netloc}"
    if (
        parts.scheme != base.partition(":")[0]
        or parts.path.strip("/")
        or "?" in text
        or "#" in text
    ):
        raise ConfigurationError(
            f"{source}: give the scheme and the host alone, {base!r} and not {text!r}; hosts that"
            " serve other paths take an Environment"
        )
    return _exchange(base, f"{stream}://{parts.netloc}", base)


def _split(url: object, *schemes: str, secret: bool = False) -> SplitResult | None:
    """The parts of ``url``, when it is one; ``None`` also where it holds an unwanted secret."""
    if not isinstance(url, str) or url.split() != [url]:  # urlsplit drops some white space
        return None
    try:
        parts = urlsplit(url)
        port = parts.port  # one out of range raises here
    except ValueError:
        return None
    fits = parts.scheme in schemes and bool(parts.hostname) and port != 0
    return parts if fits and (secret or "@" not in parts.netloc) else None


def _exchange(name: str, stream: str, rest: str, private: str | None = None) -> Environment:
    return Environment(
        name=name,
        public=MappingProxyType({c: f"{stream}/v5/public/{c}" for c in CATEGORIES}),
        private=f"{private or stream}/v5/private",
        legacy=f"{stream}/realtime",
        rest=rest,
    )


SIM = _exchange("sim", "ws://sim.invalid", "http://sim.invalid")
"""Stands for the embedded exchange of the process, which has an address once it runs."""

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
    "sim": SIM,
}
