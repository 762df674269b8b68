"""The private half over real sockets, by a client that signs for itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from rxbybit.sim import (
    DEMO_KEY,
    DEMO_SECRET,
    ApiKey,
    AuthReject,
    Cut,
    Duplicate,
    Exchange,
    Fault,
    Mute,
    NoPong,
    Refuse,
    Restart,
    RestDown,
    Skip,
)
from tests.sim.accounts.asking import auth, client, news, private, signed
from tests.sim.clock import Clock, market, passes
from tests.sim.market.journal import START_MS
from tests.sim.peer import connected, run, until_pong

CREATE = {"side": "Buy", "orderType": "Limit", "qty": "100", "price": "64500"}


def test_the_check_values_of_the_documents() -> None:
    key = ApiKey(key="test-key", secret="test-secret")
    auth_signature = "f072aab6fa18cd774da998325df6cfc87c3ccf10d5722e6b43b570c5feaf6172"
    rest_signature = "26268d5066cb8272170938766bbcabc29b386eef7d17bd50dc46b35de9eb80e9"
    rest_words = "1658384314791test-key5000category=inverse&symbol=BTCUSD"
    for words, signature in (
        ("GET/realtime1662350400000", auth_signature),
        (rest_words, rest_signature),
    ):
        assert key.has_signed(words, signature)
        assert not key.has_signed(f"{words} ", signature)
        assert not key.has_signed(words, signature.upper())
        assert not key.has_signed(words, "")
        assert not key.has_signed(words, "é")
        assert signed("test-secret", words) == signature


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, ""),
        ({"req_id": "r"}, ""),
        (
            {"args": [DEMO_KEY, START_MS + 1, signed(DEMO_SECRET, f"GET/realtime{START_MS + 1}")]},
            "",
        ),
        ({"args": [DEMO_KEY, START_MS, signed(DEMO_SECRET, f"GET/realtime{START_MS}")]}, "Params"),
        ({"args": ["nobody", START_MS + 1, signed("x", f"GET/realtime{START_MS + 1}")]}, "API key"),
        ({"args": [DEMO_KEY, START_MS + 1, signed("x", f"GET/realtime{START_MS + 1}")]}, "Params"),
        ({"args": [DEMO_KEY, str(START_MS + 1), "00"]}, "Params"),
        ({"args": [DEMO_KEY, True, "00"]}, "Params"),
        ({"args": [DEMO_KEY]}, "Params"),
        ({"args": []}, "Params"),
        ({"args": None}, "Params"),
    ],
)
def test_authentication(change: dict[str, Any], says: str) -> None:
    async def main() -> None:
        async with (
            Exchange(market=market(), clock=Clock()) as exchange,
            private(exchange) as peer,
        ):
            answer = await peer.ask(**(auth(START_MS) | change))
            texts = {"Params": "Params Error", "API key": "API key is invalid."}
            assert answer == {
                **{key: change[key] for key in change if key == "req_id"},
                "success": not says,
                "ret_msg": texts.get(says, ""),
                "op": "auth",
                "conn_id": exchange.links[0].conn_id,
            }
            assert (await peer.subscribe("order"))["success"] is not bool(says)

    run(main())


def test_expires_is_judged_by_the_clock_of_the_exchange() -> None:
    async def main() -> None:
        clock = Clock()
        async with (
            Exchange(market=market(), clock=clock) as exchange,
            private(exchange) as peer,
        ):
            request = auth(START_MS)
            await passes(exchange, clock, 4_999)
            assert (await peer.ask(**request))["success"]
            await passes(exchange, clock, 1)
            assert (await peer.ask(**request))["ret_msg"] == "Params Error"
            # The link is the account's as before.
            assert (await peer.subscribe("order"))["success"]

    run(main())


def test_what_the_private_socket_answers() -> None:
    async def main() -> None:
        async with (
            Exchange(market=market(), clock=Clock()) as exchange,
            private(exchange) as peer,
        ):
            conn_id = (await peer.ask(op="ping"))["conn_id"]
            tail = {"op": "subscribe", "conn_id": conn_id}
            refused = {"success": False, "ret_msg": "Request not authorized"}
            assert await peer.subscribe("order", req_id="a") == {"req_id": "a", **refused, **tail}
            assert await peer.ask(op="subscribe", args=["order"]) == {**refused, **tail}
            answer = await peer.ask(op="unsubscribe", args=["order"])
            assert answer == {**refused, "op": "unsubscribe", "conn_id": conn_id}
            await peer.ask(**auth(START_MS))
            good = {"success": True, "ret_msg": ""}
            both = ["order", "execution", "execution.fast.linear", "wallet", "dcp.future"]
            assert await peer.ask(op="subscribe", args=both) == {**good, **tail}
            assert list(exchange.subscriptions) == both
            # Categorised names live beside the all-in-one, if not in the same request.
            answer = await peer.subscribe(
                "order.inverse", "nothing", "position", "position.linear", "order", "position.spot"
            )
            text = (
                "Batch subscription partially succeeded and partially failed.Successful"
                " subscriptions are as follows:[order.inverse position]. Subscription to the"
                " following topics failed because the topic does not exist or there is a"
                " subscription conflict:[nothing position.linear order position.spot]."
            )
            assert answer == {"req_id": "s", "success": False, "ret_msg": text, **tail}
            assert exchange.subscriptions["order.inverse"] == exchange.subscriptions["position"]
            answer = await peer.ask(op="unsubscribe", args=["order.inverse"], req_id="u")
            assert answer == {"req_id": "u", **good, "op": "unsubscribe", "conn_id": conn_id}
            assert "order.inverse" not in exchange.subscriptions
            pong = {"op": "pong", "args": [str(START_MS)], "conn_id": conn_id}
            assert await peer.ask(op="ping", req_id="p") == {"req_id": "p", **pong}
            assert await peer.ask(op="ping") == pong
            answer = await peer.ask(op="order.create")
            assert answer == {
                "success": False,
                "ret_msg": "error:invalid op",
                "op": "order.create",
                "conn_id": conn_id,
            }
            await peer.websocket.send_str("[")
            answer = json.loads(await peer.text())
            assert answer["ret_msg"].startswith("Failed to decode incoming data:")

    run(main())


def test_the_shapes_are_those_of_captured_frames(frames: Path) -> None:
    text = (frames / "v5" / "control.jsonl").read_text()
    seen = [json.loads(line) for line in text.splitlines()]

    async def main() -> None:
        async with (
            Exchange(market=market(), clock=Clock()) as exchange,
            private(exchange) as peer,
        ):
            shapes = {tuple(sorted(one)): one for one in seen}
            answers = [
                await peer.ask(**auth(START_MS)),
                await peer.ask(**auth(START_MS, req_id="x")),
                await peer.ask(**auth(START_MS - 9_000)),
                await peer.ask(op="subscribe", args=["order"]),
                await peer.ask(op="ping", req_id="test"),
            ]
            for answer, line in zip(answers, (4, 25, 24, 9, 8), strict=True):
                assert sorted(answer) == sorted(seen[line])
                assert [answer[k] for k in ("success", "ret_msg", "op") if k in answer] == [
                    seen[line][k] for k in ("success", "ret_msg", "op") if k in answer
                ]
                assert tuple(sorted(answer)) in shapes

    run(main())


def test_an_order_is_heard_of_in_public_and_in_private() -> None:
    async def main() -> None:
        clock = Clock()
        async with (
            Exchange(market=market(), clock=clock) as exchange,
            private(exchange, "order", "execution", "position", "wallet") as peer,
            private(exchange, "order.linear", "execution.fast") as other,
            connected(exchange, "inverse") as public,
            client(exchange) as rest,
        ):
            await public.subscribe("publicTrade.BTCUSD")
            named = await rest.order(side="Buy", orderType="Market", qty="700", orderLinkId="m")
            assert named["orderLinkId"] == "m"
            heard = await news(peer)
            assert [one["topic"] for one in heard] == ["order", "execution", "position", "wallet"]
            order, execution, position, wallet = heard
            assert list(order) == list(position) == ["id", "topic", "creationTime", "data"]
            assert list(execution) == ["topic", "id", "creationTime", "data"]
            assert {one["creationTime"] for one in heard} == {START_MS}
            assert len({one["id"] for one in heard}) == 4
            (done,) = order["data"]
            assert (done["orderId"], done["orderStatus"]) == (named["orderId"], "Filled")
            assert (done["orderType"], done["timeInForce"]) == ("Market", "IOC")
            fills = execution["data"]
            trades = [json.loads(one)["data"] for one in await until_pong(public)]
            (told,) = trades  # at once, without waiting for the market
            assert [t["i"] for t in told] == [f["execId"] for f in fills]
            assert [(t["p"], t["v"]) for t in told] == [
                (f["execPrice"], f["execQty"]) for f in fills
            ]
            assert wallet["data"][0]["accountType"] == "UNIFIED"
            assert [c["coin"] for c in wallet["data"][0]["coin"]] == ["BTC"]
            fast = await news(other)
            assert [list(one) for one in fast] == [["topic", "creationTime", "data"]]
            assert [f["execId"] for f in fast[0]["data"]] == [f["execId"] for f in fills]
            # A resting order is met by the crowd.
            named = await rest.order(side="Buy", orderType="Limit", qty="5", price="65000.50")
            for _ in range(200):
                await passes(exchange, clock, 500)
                heard = await news(peer)
                if any(one["topic"] == "execution" for one in heard):
                    break
            assert [one["topic"] for one in heard][-4:] == [
                "order",
                "execution",
                "position",
                "wallet",
            ]
            assert heard[-3]["data"][-1]["orderId"] == named["orderId"]

    run(main())


def test_reads_agree_with_what_was_heard_and_come_in_pages() -> None:
    async def main() -> None:
        clock = Clock()
        async with (
            Exchange(market=market(), clock=clock) as exchange,
            private(exchange, "order", "execution", "position", "wallet") as peer,
            client(exchange) as rest,
        ):
            for place in range(7):
                await rest.order(**(CREATE | {"price": f"{64500 + place}"}))
                await rest.order(side="Sell", orderType="Market", qty="50")
            heard = await news(peer)
            frames = {
                kind: [f for f in heard if f["topic"] == kind]
                for kind in ("order", "execution", "position", "wallet")
            }
            path, found, query = "/v5/order/realtime", [], "category=inverse&limit=3"
            cursors = [""]
            while True:
                more = f"&cursor={cursors[-1]}" if cursors[-1] else ""
                page = await rest.read(path, query + more)
                found += page["list"]
                assert page["category"] == "inverse"
                if not page["nextPageCursor"]:
                    break
                cursors.append(page["nextPageCursor"])
                assert "%" in cursors[-1]
                # What comes and goes between two pages moves nothing.
                await rest.order(**CREATE)
            assert len(cursors) == 3
            live = {o["orderId"]: o for f in frames["order"] for o in f["data"]}
            new = [o for o in live.values() if o["orderStatus"] == "New"][::-1]
            assert [{**o, "category": "inverse"} for o in found] == new
            closed = await rest.read(path, "category=inverse&openOnly=1&limit=50")
            assert [o["orderId"] for o in closed["list"]] == [
                o["orderId"] for o in live.values() if o["orderStatus"] != "New"
            ][::-1]
            history = await rest.read("/v5/order/history", "category=inverse&orderStatus=Filled")
            assert {o["orderStatus"] for o in history["list"]} == {"Filled"}
            fills = [item for f in frames["execution"] for item in f["data"]]
            first = await rest.read("/v5/execution/list", "category=inverse&limit=4")
            rest_of = await rest.read(
                "/v5/execution/list",
                f"category=inverse&limit=100&cursor={first['nextPageCursor']}",
            )
            both = first["list"] + rest_of["list"]
            assert len(first["list"]) == 4
            assert rest_of["nextPageCursor"] == ""
            assert both == [
                {k: v for k, v in one.items() if k != "category"} | {"execFeeV2": ""}
                for one in fills[::-1]
            ]
            (held,) = (await rest.read("/v5/position/list", "category=inverse"))["list"]
            last = frames["position"][-1]["data"][-1]
            assert held["avgPrice"] == last["entryPrice"]
            assert held == {
                k: v
                for k, v in (last | {"avgPrice": last["entryPrice"]}).items()
                if k not in ("entryPrice", "category")
            }
            (account,) = (
                await rest.read("/v5/account/wallet-balance", "accountType=UNIFIED&coin=BTC")
            )["list"]
            (coin,) = frames["wallet"][-1]["data"][0]["coin"]
            (shown,) = account["coin"]
            assert shown["walletBalance"] == coin["walletBalance"]
            assert sorted(shown) == sorted(coin)
            (account,) = (await rest.read("/v5/account/wallet-balance", "accountType=UNIFIED"))[
                "list"
            ]
            assert {c["coin"] for c in account["coin"]} == {"BTC", "ETH", "USDT"}
            flat = await rest.read("/v5/position/list", "category=linear&symbol=BTCUSDT")
            assert [(p["size"], p["side"], p["avgPrice"]) for p in flat["list"]] == [
                ("0.000", "", "0")
            ]
            assert (await rest.read("/v5/position/list", "category=linear&settleCoin=USDT"))[
                "list"
            ] == []
            for path in ("/v5/order/realtime", "/v5/execution/list", "/v5/position/list"):
                assert (await rest.read(path, "category=option"))["list"] == []

    run(main())


@pytest.mark.parametrize(
    ("path", "query", "says"),
    [
        ("/v5/order/realtime", "", "category is missing"),
        ("/v5/order/realtime", "category=linear", "one of symbol, baseCoin, settleCoin"),
        ("/v5/order/realtime", "category=inverse&limit=51", "limit=51: use 1 to 50"),
        ("/v5/order/realtime", "category=inverse&openOnly=7", "openOnly=7: use 0 or 1"),
        ("/v5/order/realtime", "category=inverse&orderFilter=All", "orderFilter=All: use one of"),
        ("/v5/order/realtime", "category=inverse&cursor=x", "use nextPageCursor unchanged"),
        ("/v5/position/list", "category=linear", "one of symbol, settleCoin"),
        ("/v5/position/list", "category=inverse&symbol=X", "symbol=X does not trade"),
        ("/v5/execution/list", "category=inverse&limit=101", "limit=101: use 1 to 100"),
        ("/v5/execution/list", "category=inverse&startTime=1&endTime=700000000", "7 days at most"),
        ("/v5/execution/list", "category=inverse&startTime=5&endTime=4", "7 days at most"),
        ("/v5/account/wallet-balance", "", "accountType is missing"),
        ("/v5/account/wallet-balance", "accountType=SPOT", "use one of UNIFIED"),
    ],
)
def test_reads_that_are_refused(path: str, query: str, says: str) -> None:
    async def main() -> None:
        async with Exchange(market=market(), clock=Clock()) as exchange, client(exchange) as rest:
            status, body = await rest.get(path, query)
            assert (status, body["retCode"], body["result"]) == (200, 10001, {})
            assert says in body["retMsg"]

    run(main())


def test_signatures_by_rest() -> None:
    path, query = "/v5/position/list", "category=inverse&symbol=BTCUSD"

    async def main() -> None:
        async with Exchange(market=market(), clock=Clock()) as exchange, client(exchange) as rest:
            good = rest.headers(query)
            assert (await rest.get(path, query, good))[0] == 200
            lower = {name.lower(): text for name, text in good.items()}
            assert (await rest.get(path, query, lower))[1]["retCode"] == 0
            for name in ("X-BAPI-API-KEY", "X-BAPI-TIMESTAMP", "X-BAPI-SIGN"):
                less = {n: t for n, t in good.items() if n != name}
                status, body = await rest.get(path, query, less)
                assert (status, body["retCode"]) == (401, 10003)
            status, body = await rest.get(path, query, good | {"X-BAPI-API-KEY": "nobody"})
            assert (status, body["retCode"], body["retMsg"]) == (401, 10003, "API key is invalid.")
            for change in ({"X-BAPI-SIGN": "0" * 64}, {"X-BAPI-RECV-WINDOW": "6000"}):
                status, body = await rest.get(path, query, good | change)
                assert (status, body["retCode"]) == (200, 10004)
            # Another spelling of the same query is another text.
            status, body = await rest.get(path, "symbol=BTCUSD&category=inverse", good)
            assert body["retCode"] == 10004
            for stamp, window, code in (
                (START_MS - 5_000, "5000", 0),
                (START_MS - 5_001, "5000", 10002),
                (START_MS - 9_000, "9000", 0),
                (START_MS + 999, "5000", 0),
                (START_MS + 1_000, "5000", 10002),
                (START_MS - 5_000, "", 0),
                (START_MS - 5_001, "", 10002),
            ):
                headers = rest.headers(query, stamp=stamp, window=window)
                assert (await rest.get(path, query, headers))[1]["retCode"] == code, stamp
            status, body = await rest.get(path, query, good | {"X-BAPI-TIMESTAMP": "now"})
            assert body["retCode"] == 10001
            text = json.dumps(CREATE | {"category": "inverse", "symbol": "BTCUSD"})
            status, body = await rest.post("/v5/order/create", text + " ", rest.headers(text))
            assert (status, body["retCode"]) == (200, 10004)
            assert body["time"] == START_MS
            for wrong in ("", "[]", "{", "null"):
                status, body = await rest.post("/v5/order/create", wrong)
                assert (body["retCode"], body["retMsg"]) == (
                    10001,
                    "params error: the body is a JSON object",
                )
            assert (await rest.read("/v5/order/realtime", "category=inverse"))["list"] == []
            url = f"{exchange.url}/v5/order/create"
            async with rest.session.get(url) as response:
                assert response.status == 405

    run(main())


def test_accounts_know_nothing_of_each_other() -> None:
    mine = ApiKey(key="mine", secret="secret of mine", balances={"BTC": "0.5"})

    async def main() -> None:
        async with (
            Exchange(market=market(), clock=Clock(), accounts=(mine,)) as exchange,
            private(exchange, "order", "wallet", key="mine", secret="secret of mine") as peer,
            private(exchange, "order") as of_demo,
            client(exchange, key="mine", secret="secret of mine") as rest,
        ):
            await rest.order(**CREATE)
            assert [one["topic"] for one in await news(peer)] == ["order"]
            assert await news(of_demo) == []
            async with client(exchange) as demo:
                listed = await demo.read("/v5/order/realtime", "category=inverse")
                assert listed["list"] == []
            (account,) = (await rest.read("/v5/account/wallet-balance", "accountType=UNIFIED"))[
                "list"
            ]
            (coin,) = account["coin"]
            assert (coin["coin"], coin["walletBalance"]) == ("BTC", "0.5")
            # 100 USD at 64,500 with leverage 10.
            assert coin["totalOrderIM"] == "0.00015504"
            late = exchange.open_account(ApiKey(key="late", secret="x"))
            assert late.balances == {"USDT": 10_000 * 10**8}
            with pytest.raises(ValueError, match="mine"):
                exchange.open_account(mine)

    run(main())
    with pytest.raises(ValueError, match="market"):
        Exchange(accounts=(mine,))
    with pytest.raises(ValueError, match="market"):
        Exchange().open_account(mine)


def test_a_link_is_told_once_and_not_when_it_has_gone() -> None:
    mine = ApiKey(key="mine", secret="x", balances={"BTC": 1})

    async def main() -> None:
        async with (
            Exchange(market=market(), clock=Clock(), accounts=(mine,)) as exchange,
            client(exchange) as rest,
            client(exchange, key="mine", secret="x") as other,
        ):
            async with private(exchange, "order") as peer, private(exchange, "order") as half_open:
                for _ in range(2):
                    await peer.ask(**auth(START_MS))
                await rest.order(**CREATE)
                assert len(await news(peer)) == 1
                # With another key it hears of another account, and of that one only.
                await peer.ask(**auth(START_MS, key="mine", secret="x"))
                await rest.order(**CREATE)
                await other.order(**CREATE)
                (one,) = await news(peer)
                assert one["id"].startswith("1000002")
                assert len(await news(half_open)) == 2
                exchange.links[1].silence()
                await rest.order(**CREATE)
                assert exchange.links[1].sent == 2
                exchange.links[1].cut()
            await exchange.until(lambda: not exchange.links)
            await rest.order(**CREATE)
            assert exchange._private is not None
            hearers = exchange._private.desk.news._hearers
            assert [len(left) for left in hearers.values()] == [0, 0]

    run(main())


def test_what_was_seen_holds_no_secret() -> None:
    async def main() -> None:
        async with Exchange(market=market(), clock=Clock()) as exchange:
            url = exchange.environment.private
            assert url is not None
            request = auth(START_MS)
            headers = {"X-BAPI-SIGN": "a-signature", "X-Bapi-Api-Key": DEMO_KEY, "X-Other": "seen"}
            async with (
                client(exchange) as rest,
                rest.session.ws_connect(url, headers=headers) as websocket,
                connected(exchange, "inverse") as public,
            ):
                await websocket.send_json(request)
                assert (await websocket.receive_json())["success"]
                await public.ask(**request)  # on the wrong socket
                await public.websocket.send_str('{"op":"auth","args":["' + DEMO_SECRET)
                await public.text()
                await rest.read("/v5/position/list", "category=inverse")
                seen = repr((exchange.requests, exchange.connects, exchange.calls, exchange.links))
                assert exchange.connects[0].category == "private"
                assert exchange.connects[0].headers["X-Other"] == "seen"
                assert [one.op for one in exchange.requests] == ["auth", "", ""]
                signature = str(request["args"][2])
                for secret in (DEMO_KEY, DEMO_SECRET, signature, "a-signature"):
                    assert secret not in seen
                key = ApiKey(key=DEMO_KEY, secret=DEMO_SECRET, balances={"BTC": 1})
                assert repr(key) == "ApiKey(key='SIMD...', balances={'BTC': 1})"

    run(main())


@pytest.mark.parametrize(
    ("fault", "topics"),
    [
        (Skip(topic="order", nth=2), ["order", "position", "position", "order", "position"]),
        (
            Duplicate(topic="order", nth=1),
            ["order", "order", *["position", "order"] * 2, "position"],
        ),
        (Mute(topic="position"), ["order"] * 3),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, Fault) else "",
)
def test_faults_strike_private_frames(fault: Fault, topics: list[str]) -> None:
    async def main() -> None:
        async with (
            Exchange(market=market(), clock=Clock(), faults=(fault,)) as exchange,
            private(exchange, "order", "position") as peer,
            client(exchange) as rest,
        ):
            for _ in range(3):
                await rest.order(**CREATE)
            assert [one["topic"] for one in await news(peer)] == topics

    run(main())


def test_what_is_about_books_is_not_used_up_by_a_private_link() -> None:
    async def main() -> None:
        async with (
            Exchange(market=market(), clock=Clock(), data_first=True) as exchange,
            client(exchange) as rest,
            private(exchange) as peer,
        ):
            await peer.ask(**auth(START_MS))
            # The acknowledgement comes at once, although data comes first on public links.
            assert (await peer.subscribe("order"))["success"]
            exchange.faults.add(Restart(after=1))
            await rest.order(**CREATE)
            assert len(await news(peer)) == 1
            assert exchange.faults.pending == (Restart(after=1),)

    run(main())


def test_faults_of_private_links() -> None:
    async def main() -> None:
        async with (
            Exchange(market=market(), clock=Clock()) as exchange,
            client(exchange) as rest,
        ):
            url = exchange.environment.private
            assert url is not None
            exchange.faults.add(Refuse(status=429, category="private"))
            async with connected(exchange, "inverse") as public:
                await public.hears_nothing()
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await rest.session.ws_connect(url)
            exchange.faults.add(AuthReject(), AuthReject(message="Params Error"))
            async with private(exchange) as peer:
                for text in ("API key is invalid.", "Params Error", ""):
                    assert (await peer.ask(**auth(START_MS)))["ret_msg"] == text
                await peer.subscribe("order")
                exchange.faults.add(NoPong(times=1), Cut(after=2))
                await peer.say(op="ping", req_id="lost")
                await rest.order(**CREATE)
                await rest.order(**CREATE)
                heard, end = await peer.rest()
                assert [json.loads(one)["topic"] for one in heard] == ["order", "order"]
                assert end.type is aiohttp.WSMsgType.CLOSED
            exchange.faults.add(RestDown(status=503), RestDown(status=502, path="/v5/order/create"))
            headers = rest.headers("{}")
            for path, status in (("/v5/order/cancel", 503), ("/v5/order/create", 502)):
                async with rest.session.post(exchange.url + path, headers=headers) as response:
                    assert response.status == status
            assert [call.status for call in exchange.calls[-2:]] == [503, 502]

    run(main())


@pytest.mark.parametrize("speed", [0.5, 20])
def test_a_market_that_does_not_keep_to_the_clock_takes_what_its_clients_believe(speed) -> None:
    """A client asks for the time once, and counts on by its own clock."""

    async def main() -> None:
        clock = Clock()
        async with (
            Exchange(market=market(), clock=clock, speed=speed) as exchange,
            client(exchange) as rest,
        ):
            await passes(exchange, clock, 2_000)
            believed = rest.now_ms
            await passes(exchange, clock, 60_000)
            believed += 60_000
            query = "category=inverse"
            for stamp, code in (
                (believed, 0),
                (rest.now_ms, 0),
                (min(rest.now_ms, START_MS + 62_000) - 5_001, 10002),
                (max(rest.now_ms, START_MS + 62_000) + 1_000, 10002),
            ):
                headers = rest.headers(query, stamp=stamp)
                assert (await rest.get("/v5/position/list", query, headers))[1]["retCode"] == code
            async with private(exchange) as peer:
                assert (await peer.ask(**auth(believed)))["success"]

    run(main())
