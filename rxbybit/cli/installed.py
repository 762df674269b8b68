"""What this machine and this process bring along: versions, decoder, variables."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from importlib import metadata, util

from rxbybit import direct
from rxbybit.cli.finding import Finding
from rxbybit.config import VARIABLE
from rxbybit.credentials import KEY, SECRET, SHOWN, credentials_in
from rxbybit.errors import ConfigurationError
from rxbybit.schema.decoder import TopicDecoder
from rxbybit.streams import find_specs

__all__ = ["check_machine"]

PACKAGES = ("rxbybit", "reactivex", "aiohttp", "msgspec", "marshmallow")
TOPICS = (
    "publicTrade.BTCUSD",
    "tickers.BTCUSD",
    "kline.1.BTCUSD",
    "orderbook.50.BTCUSD",
    "allLiquidation.BTCUSD",
    "insurance.inverse",
    "wallet",
    "position",
    "order",
    "execution",
)
"""One of each family."""
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "WS_PROXY", "WSS_PROXY")
DECODER = "RXBYBIT_DECODER"
WIRE = "RXBYBIT_WIRE"
PREFIX = "RXBYBIT_"
FRAMES = "RXBYBIT_FRAMES"
"""Read by the tests of rxbybit alone."""


def check_machine(environ: Mapping[str, str], *, proxy: bool) -> Iterator[Finding]:
    """Everything that needs no network; inside a running event loop."""
    yield _versions()
    yield _decoder(environ)
    yield _reading()
    yield _uvloop()
    yield from _variables(environ)
    yield _proxy(environ, proxy=proxy)


def _versions() -> Finding:
    python = f"{platform.python_implementation()} {platform.python_version()}"
    packages = ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES)
    return Finding("versions", "ok", f"{python} on {platform.system()}, {packages}")


def _decoder(environ: Mapping[str, str]) -> Finding:
    slow: list[str] = []
    try:
        for topic in TOPICS:
            specs = find_specs(topic)
            decoders = (TopicDecoder(spec, "v5", topic, report=_ignore) for spec in specs)
            if not specs or not all(decoder.compiled for decoder in decoders):
                slow.append(topic)
    except ConfigurationError as error:
        return Finding("decoder", "fail", str(error))
    if not slow:
        return Finding("decoder", "ok", "compiled (msgspec)")
    if environ.get(DECODER) == "marshmallow":
        return Finding(
            "decoder", "warn", f"marshmallow, 30 times slower, as {DECODER} says: unset it"
        )
    named = ", ".join(slow)
    return Finding("decoder", "warn", f"marshmallow, 30 times slower, for {named}: report it")


def _reading() -> Finding:
    if direct.works():
        return Finding("direct reading", "ok", "on: its self-test passes")
    return Finding(
        "direct reading",
        "warn",
        "off, which costs speed only: this version of aiohttp is put together in another way",
    )


def _uvloop() -> Finding:
    if util.find_spec("uvloop") is None:
        said = "not installed, and not needed; pip install 'rxbybit[speed]' brings it"
        return Finding("uvloop", "ok", said)
    return Finding("uvloop", "ok", f"{metadata.version('uvloop')} is there; you choose it yourself")


def _variables(environ: Mapping[str, str]) -> Iterator[Finding]:
    told = [f"{name}={environ[name]}" for name in (VARIABLE, WIRE, DECODER) if environ.get(name)]
    key = environ.get(KEY, "")
    if key:
        told.append(f"{KEY}={key[:SHOWN]}..." if len(key) >= 2 * SHOWN else f"{KEY} is set")
    if environ.get(SECRET):
        told.append(f"{SECRET} is set")
    yield Finding("variables", "ok", ", ".join(told) or "none of rxbybit is set")
    try:
        credentials_in(environ)
    except ConfigurationError as error:
        yield Finding("variables", "warn", str(error))
    known = (VARIABLE, WIRE, DECODER, FRAMES)
    # by name only: nobody knows what is in them
    for name in sorted(n for n in environ if n.startswith(PREFIX) and n not in known):
        said = f"{name} is none of rxbybit's: is {VARIABLE} or {DECODER} meant?"
        yield Finding("variables", "warn", said)


def _proxy(environ: Mapping[str, str], *, proxy: bool) -> Finding:
    if proxy:
        return Finding("proxy", "ok", "that of --proxy; in a program, Bybit(proxy=...)")
    named = sorted(name for name in environ if name.upper() in PROXIES and environ[name])
    if not named:
        return Finding("proxy", "ok", "none")
    said = (
        f"none: {' and '.join(named)} {'is' if len(named) == 1 else 'are'} set but not used; pass"
        " --proxy URL, and Bybit(proxy=...) in a program"
    )
    return Finding("proxy", "ok", said)


def _ignore(_: object) -> None:
    """No frame is decoded here."""
