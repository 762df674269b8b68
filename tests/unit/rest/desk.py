"""Who asks over REST, without sockets: what it is answered is said by the test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from rxbybit.config import Backoff
from rxbybit.events import Status
from rxbybit.hooks import Hooks, Outage
from rxbybit.limits import RequestLedger
from rxbybit.rest.api import RestApi
from rxbybit.transport import Answer

__all__ = ["BASE", "Desk", "good", "query_of"]

BASE = "http://exchange"


def good(result: object = None, **envelope: Any) -> Answer:
    """An answer as the exchange gives it."""
    body = {"retCode": 0, "retMsg": "OK", "result": {"list": []} if result is None else result}
    body |= {"retExtInfo": {}, "time": 1_700_000_000_123, **envelope}
    return Answer(200, {}, json.dumps(body).encode())


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


class Desk(Hooks):
    """An owner on virtual time, and the hooks that hear of its outages."""

    def __init__(self, *answers: Answer | Exception | Callable[[str], Answer]) -> None:
        self.let_in = False
        self.gate = asyncio.Semaphore(8)
        self.answers = list(answers)
        self.always: Callable[[str], Answer] | None = None
        self.asked: list[tuple[float, str]] = []
        self.statuses: list[Status] = []
        self.told: list[str] = []
        self.under_way = self.most = 0
        self.loop = asyncio.get_running_loop()

    def api(self, **options: Any) -> RestApi:
        ledger = RequestLedger(clock=self.loop.time)
        return RestApi(BASE, self, **{"ledger": ledger, "backoff": Backoff(), **options})

    @property
    def urls(self) -> list[str]:
        return [url for _, url in self.asked]

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        self.asked.append((self.loop.time(), url))
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(0.01)
            given = self.always if self.always is not None else self.answers.pop(0)
            if given is asyncio.sleep:
                await asyncio.Event().wait()
            if isinstance(given, Exception):
                raise given
            return given if isinstance(given, Answer) else given(url)
        finally:
            self.under_way -= 1

    def status(self, status: Status) -> None:
        self.statuses.append(status)

    def outage(self, url: str) -> Outage:
        return Outage(url, self, self.loop.time)

    def unreachable(self, url: str, reason: str) -> None:
        self.told.append(f"lost {url}: {reason}")

    def reached(self, url: str, after_s: float) -> None:
        self.told.append(f"back {url}")
