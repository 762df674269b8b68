"""What is wrong between this machine and the exchange: one line a check, all at the same time."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import Any
from urllib.parse import urlsplit

from rxbybit.cli.filling import check_gaps
from rxbybit.cli.finding import Finding
from rxbybit.cli.installed import check_machine
from rxbybit.cli.proving import check_key
from rxbybit.cli.reach import Way, check_rest, check_websocket
from rxbybit.config import Environment, proxy_of
from rxbybit.credentials import Credentials, credentials_in
from rxbybit.errors import ConfigurationError
from rxbybit.runtime import Runtime
from rxbybit.transport import AiohttpTransport
from rxbybit.whereabouts import Named

__all__ = ["LIMIT_S", "examine", "findings"]

LIMIT_S = 10.0
"""The longest that a check may take."""

# Any: what a coroutine yields to its loop and is sent by it
_Checks = list[Coroutine[Any, Any, tuple[Finding, ...]]]


def examine(
    environment: str | None,
    proxy: str | None,
    timeout_s: float,
    show: Callable[[Finding], None],
) -> bool:
    """Check everything, ``show`` each finding in order, and tell whether nothing failed.

    Errors: ``ConfigurationError`` for an environment or a proxy that is none, and for a time
    over ten seconds.
    """
    if timeout_s > LIMIT_S:
        raise ConfigurationError(f"--timeout: a check takes {LIMIT_S:.0f}s at most")
    where, through = Named(environment), proxy_of(proxy)
    reached = where.now()

    async def main() -> bool:
        good = True
        of_sim = where.credentials()
        async for finding in findings(reached, through, timeout_s, os.environ, of_sim):
            show(finding)
            good = good and finding.status != "fail"
        return good

    try:
        return asyncio.run(main())
    finally:
        where.close()


async def findings(
    environment: Environment,
    proxy: str | None,
    timeout_s: float,
    environ: Mapping[str, str],
    credentials: Credentials | None = None,
) -> AsyncIterator[Finding]:
    """What is found, in an order that never changes, each as soon as it and those before are.

    ``credentials``: instead of those of ``environ``.
    """
    runtime = Runtime.current()
    transport = AiohttpTransport(runtime, proxy=proxy)
    way = Way(runtime, transport, timeout_s, proxy is not None)
    checks = _checks(environment, way)
    whose = credentials or _of_variables(environ)
    if whose is not None and environment.rest is not None:
        checks.append(check_key(way, environment.rest, whose))
    tasks = [asyncio.ensure_future(check) for check in checks]
    try:
        for finding in check_machine(environ, proxy=proxy is not None):
            yield finding
        for task in tasks:
            for finding in await task:
                yield finding
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await transport.aclose()


def _checks(environment: Environment, way: Way) -> _Checks:
    checks: _Checks = [
        _websocket(way, category, url) for category, url in environment.public.items()
    ]
    private, known = (
        environment.private,
        {urlsplit(url).netloc for url in environment.public.values()},
    )
    if private is not None and urlsplit(private).netloc not in known:
        checks.append(_websocket(way, "private", private))
    if environment.rest is not None:
        checks.append(check_rest(way, environment.rest))
    checks.append(check_gaps(way, environment))
    return checks


def _of_variables(environ: Mapping[str, str]) -> Credentials | None:
    try:
        return credentials_in(environ)
    except ConfigurationError:  # which the check of the variables tells
        return None


async def _websocket(way: Way, name: str, url: str) -> tuple[Finding, ...]:
    return (await check_websocket(way, f"websocket {name}", url),)
