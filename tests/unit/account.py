"""A private socket and its REST on virtual time, written from the V5 pages of both.

What an answer lists is what there was at a moment between its request and its arrival, which a
test may choose, as it may choose how late frames come.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from rxbybit import Bybit, Credentials, Status
from rxbybit.transport import Answer, Connection
from tests.memory import MemoryExchange, MemoryLink, MemoryTransport, connect_by
from tests.unit.rest.desk import good, query_of

__all__ = ["KEY", "SECRET", "Account", "AccountTransport", "World", "order", "position"]

KEY, SECRET = "test-key-1234567890", "test-secret-abcdefghij"
BEGAN_MS = 1_700_000_000_000


def order(order_id: str, updated: int, status: str = "New", **more: Any) -> dict[str, Any]:
    """An item of the topic ``order``; ``updated`` counts milliseconds of the test's time."""
    at = str(BEGAN_MS + updated)
    return {
        "symbol": "BTCUSD",
        "orderId": order_id,
        "orderStatus": status,
        "qty": "10",
        "cumExecQty": "0",
        "updatedTime": at,
        "createdTime": str(BEGAN_MS),
        "stopOrderType": "",
        **more,
    }


def position(symbol: str, size: str, sequence: int, **more: Any) -> dict[str, Any]:
    """An item of the topic ``position``, without the price that has two names."""
    side = "Buy" if size != "0" else ""
    return {"symbol": symbol, "side": side, "size": size, "positionIdx": 0, "seq": sequence, **more}


class Account(MemoryExchange):
    """The private socket: nothing private before a good auth message."""

    def __init__(self) -> None:
        super().__init__()
        self.signed: set[MemoryLink] = set()
        self.auths: list[list[Any]] = []
        self.says: Callable[[list[Any]], str | None] = lambda args: self.judge(args)
        """What it answers to an auth message: a refusal, ``""``, or ``None`` for nothing."""
        self.ahead_ms = 0
        """How much later it is there."""

    def now_ms(self) -> int:
        return BEGAN_MS + self.ahead_ms + int(asyncio.get_running_loop().time() * 1000)

    def judge(self, args: list[Any]) -> str:
        key, expires_ms, signature = args
        if key != KEY:
            return "API key is invalid."
        text = f"GET/realtime{expires_ms}".encode()
        good_one = hmac.new(SECRET.encode(), text, "sha256").hexdigest()
        if signature != good_one or expires_ms <= self.now_ms():
            return "Params Error"
        return ""

    def _on_text(self, link: MemoryLink, text: str) -> None:
        request = json.loads(text)
        if request["op"] == "auth":
            self.auths.append(request["args"])
            refusal = self.says(request["args"])
            if refusal is not None:
                if not refusal:
                    self.signed.add(link)
                answer = {"success": not refusal, "ret_msg": refusal, "op": "auth"}
                link.push({**answer, "conn_id": "c", "req_id": request["req_id"]})
        elif (
            request["op"] == "subscribe"
            and link.url.endswith("private")
            and (link not in self.signed)
        ):
            answer = {"success": False, "ret_msg": "Request not authorized", "op": "subscribe"}
            link.push({**answer, "conn_id": "c", "req_id": request["req_id"]})
        else:
            super()._on_text(link, text)

    def send(self, topic: str, *items: Mapping[str, Any], sent_ms: int | None = None) -> None:
        """A frame of ``topic``, to whoever is subscribed."""
        at = self.now_ms() if sent_ms is None else sent_ms
        data = [{"category": "inverse", **item} for item in items]
        frame = {"id": "i", "topic": topic, "creationTime": at, "data": data}
        for link in self.live:
            if topic in self.subscribed[link]:
                link.push(frame)


class AccountTransport(MemoryTransport):
    """REST of the account: ``lists`` says what a list has."""

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self.account = account
        self.lists: dict[str, Callable[[dict[str, str]], list[Any]]] = {}
        self.signed: list[tuple[str, dict[str, str], Mapping[str, str]]] = []
        self.refusal: tuple[int, str] | None = None
        self.there_s, self.back_s = 0.01, 0.01
        self.clockless = False
        self.clocks = 0

    async def connect(self, url: str) -> Connection:
        await asyncio.sleep(0.002)
        while self.hang:
            await asyncio.sleep(0.001)
        self.before(url)
        return self.exchange.open(url)

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        path, query = urlsplit(url).path, query_of(url)
        if path == "/v5/market/time":
            self.clocks += 1
            await asyncio.sleep(0.004)
            now_ms = self.account.now_ms()
            await asyncio.sleep(0.004)
            if self.clockless:
                return Answer(404, {}, b"")
            return good({"timeSecond": str(now_ms // 1000)}, time=now_ms)
        assert headers is not None, "a private request without a signature"
        self.signed.append((path, query, headers))
        await asyncio.sleep(self.there_s)
        text = headers["X-BAPI-TIMESTAMP"] + headers["X-BAPI-API-KEY"]
        text += headers["X-BAPI-RECV-WINDOW"] + urlsplit(url).query
        right = hmac.new(SECRET.encode(), text.encode(), "sha256").hexdigest()
        late_ms = self.account.now_ms() - int(headers["X-BAPI-TIMESTAMP"])
        if not -1000 < late_ms <= int(headers["X-BAPI-RECV-WINDOW"]):
            code, said = 10002, "invalid request, please check your server timestamp"
        elif headers["X-BAPI-SIGN"] != right:
            code, said = 10004, "error sign!"
        else:
            code, said = self.refusal or (0, "OK")
        rows = self.lists.get(path, lambda query: [])(query)
        answer = good({"list": rows, "nextPageCursor": ""}, time=self.account.now_ms())
        if code:
            answer = good({}, retCode=code, retMsg=said)
        await asyncio.sleep(self.back_s)
        return answer

    def asked_of(self, path: str) -> list[dict[str, str]]:
        """What was asked of a list, without what it says of its pages."""
        asked = [query for at, query, _ in self.signed if at == path]
        return [{k: v for k, v in query.items() if k != "limit"} for query in asked]


class World:
    """A client of the account, and every status."""

    def __init__(self, secret: str = SECRET, key: str = KEY, **options: Any) -> None:
        self.loop = asyncio.get_running_loop()
        self.account = Account()
        self.transport = AccountTransport(self.account)
        options.setdefault("credentials", Credentials.hmac(key, secret))
        self.client = Bybit("http://exchange", **options)
        connect_by(self.transport, self.client)
        self.statuses: list[Status] = []
        self.client.status().subscribe(self.statuses.append)

    def of(self, kind: type[Any]) -> list[Any]:
        return [status for status in self.statuses if isinstance(status, kind)]

    async def end(self) -> None:
        """Close, and see that nothing is left."""
        await self.client.aclose()
        await asyncio.sleep(0.001)
        assert [task.get_name() for task in asyncio.all_tasks()][1:] == []
