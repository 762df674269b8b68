"""GETs: what each answer means, what heals and how long it takes, pages, limits."""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from rxbybit.config import Backoff
from rxbybit.errors import (
    ConnectionFailed,
    DecodeError,
    RequestRefused,
    RetryBudgetExhausted,
    RxBybitError,
)
from rxbybit.events import RequestFailed
from rxbybit.limits import RequestLedger
from rxbybit.rest import api as module
from rxbybit.rest.answer import Envelope
from rxbybit.transport import Answer
from tests.unit.rest.desk import BASE, Desk, good
from tests.virtual import run

PATH = "/v5/market/kline"


def virtually(body: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await body()
        assert len(asyncio.all_tasks()) == 1

    run(main())


def permanent(text: str, code: int = 0) -> ConnectionFailed:
    error = ConnectionFailed(text)
    error.permanent = True
    return error


async def outcome(desk: Desk, **options: Any) -> RxBybitError:
    """What a request that must fail at once ends in."""
    with pytest.raises(RxBybitError) as caught:
        await desk.api(**options).ask(PATH, {"category": "inverse"})
    assert desk.statuses == []
    return caught.value


def test_a_good_answer_is_its_result() -> None:
    async def body() -> None:
        desk = Desk(good({"list": [["1"]], "nextPageCursor": "a%3Db", "category": "inverse"}))
        reply = await desk.api().ask(PATH, {"category": "inverse", "symbol": "BTC-1"})
        assert desk.urls == [f"{BASE}{PATH}?category=inverse&symbol=BTC-1"]
        assert (reply.rows, reply.cursor, reply.time_ms) == ([["1"]], "a%3Db", 1_700_000_000_123)
        assert (reply.path, reply.result["category"]) == (PATH, "inverse")
        assert reply.received_ns > 0
        assert desk.let_in
        assert desk.told == desk.statuses == []

    virtually(body)


def test_an_answer_without_a_list_is_had_when_said_so() -> None:
    async def body() -> None:
        desk = Desk(good({"timeSecond": "1"}))
        reply = await desk.api().ask("/v5/market/time", {}, rows=False)
        assert desk.urls == [f"{BASE}/v5/market/time"]
        assert reply.rows == []
        assert reply.result == {"timeSecond": "1"}

    virtually(body)


@pytest.mark.parametrize("code", [10001, 10003, 10005, 99999])
def test_a_refusal_ends_it_in_the_words_of_the_exchange(code: int) -> None:
    async def body() -> None:
        error = await outcome(Desk(good({}, retCode=code, retMsg="Category is invalid")))
        assert isinstance(error, RequestRefused)
        assert (error.code, error.message, error.permanent) == (code, "Category is invalid", True)
        assert str(error) == f"{BASE}{PATH} was refused: Category is invalid (code {code})"

    virtually(body)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(302, {"location": "http://elsewhere"}, b""), "a redirect, which is not followed"),
        (Answer(404, {}, b"404 page not found"), "there is no such path"),
        (Answer(403, {}, b"<html>"), "the exchange does not serve this address"),
        (Answer(401, {}, b""), "HTTP 401"),
        (Answer(400, {}, b""), "HTTP 400"),
    ],
)
def test_what_cannot_heal_is_not_asked_again(answer: Answer, said: str) -> None:
    async def body() -> None:
        error = await outcome(Desk(answer))
        assert isinstance(error, RequestRefused)
        assert (error.code, error.permanent) == (answer.status, True)
        assert said in str(error)

    virtually(body)


def test_a_connection_that_cannot_be_had_ends_it_with_its_url() -> None:
    async def body() -> None:
        error = await outcome(Desk(permanent("the certificate is not trusted: expired")))
        assert str(error) == f"{BASE}{PATH}: the certificate is not trusted: expired"
        assert (type(error), error.permanent) == (ConnectionFailed, True)

    virtually(body)


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (ConnectionFailed("connection refused"), "connection refused"),
        (asyncio.sleep, "no answer in 10 s"),
        (Answer(500, {}, b"oops"), "HTTP 500"),
        (Answer(502, {}, b"oops"), "HTTP 502"),
        (Answer(503, {}, b"oops"), "HTTP 503"),
        (Answer(429, {}, b"oops"), "HTTP 429"),
        (good({}, retCode=10000, retMsg="Server Timeout"), "Server Timeout (code 10000)"),
        (good({}, retCode=10006, retMsg="Too many visits!"), "Too many visits! (code 10006)"),
        (good({}, retCode=10016, retMsg=None), "no reason given (code 10016)"),
        (Answer(200, {}, b"<html>"), "Not JSON"),
        (Answer(200, {}, b"\xff"), "Not UTF-8"),
        (Answer(200, {}, b"[]"), "Invalid input type"),
        (Answer(200, {}, b'{"retCode":0,"result":{"list":[1'), "Not JSON"),
        (Answer(200, {}, b"[" * 100_000), "too deep"),
        (good([]), "Not an object"),
        (good({}), "Not a list"),
        (good({"list": {}}), "Not a list"),
        (good(retCode="0"), "Not a valid integer"),
        (good({"list": [], "nextPageCursor": 5}), "Not a cursor"),
        (good({"list": [], "nextPageCursor": "a b\r\n"}), "Not a cursor"),
    ],
)
def test_what_heals_is_told_and_asked_again(trouble: Any, said: str) -> None:
    async def body() -> None:
        desk = Desk(trouble, trouble, good())
        assert (await desk.api().ask(PATH, {})).rows == []
        first, second = desk.statuses
        assert isinstance(first, RequestFailed)
        assert isinstance(second, RequestFailed)
        assert (first.attempt, second.attempt) == (1, 2)
        assert (first.url, first.connection) == (BASE + PATH, None)
        assert said in first.reason
        assert first.delay_s is not None
        assert second.delay_s is not None
        assert 0 <= first.delay_s <= 0.5
        assert 0 <= second.delay_s <= 1.0
        began, again, last = (moment for moment, _ in desk.asked)
        assert again - began >= first.delay_s
        assert last - again >= second.delay_s
        assert len(desk.told) == 2
        assert desk.told[0].startswith(f"lost {BASE}: ")
        assert desk.told[1] == f"back {BASE}"

    virtually(body)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_waited_for_by_all(status: int) -> None:
    async def body() -> None:
        ledger = RequestLedger(clock=asyncio.get_running_loop().time)
        one, other = Desk(Answer(status, {"retry-after": "7"}, b""), good()), Desk(good())
        asking = asyncio.create_task(one.api(ledger=ledger).ask(PATH, {}))
        await asyncio.sleep(1)
        await other.api(ledger=ledger).ask(PATH, {})
        await asking
        assert one.asked[1][0] - one.asked[0][0] >= 7
        assert other.asked[0][0] - one.asked[0][0] >= 7

    virtually(body)


@pytest.mark.parametrize("after", ["soon", "Wed, 21 Oct 2026 07:28:00 GMT", "-1", ""])
def test_another_retry_after_is_no_reason_to_fail(after: str) -> None:
    async def body() -> None:
        desk = Desk(Answer(429, {"retry-after": after}, b""), good())
        await desk.api().ask(PATH, {})

    virtually(body)


@pytest.mark.parametrize("let_in", [True, False])
def test_an_address_that_asks_too_often_waits_for_ten_minutes(let_in: bool) -> None:
    async def body() -> None:
        text = b"" if let_in else b"403, Access Too Frequent. Please try again later"
        desk = Desk(Answer(403, {}, text), good())
        desk.let_in = let_in
        await desk.api().ask(PATH, {})
        (first, _), (second, _) = desk.asked
        assert 600 <= second - first <= 700
        (status,) = desk.statuses
        assert isinstance(status, RequestFailed)
        assert status.delay_s == 600

    virtually(body)


def test_a_spent_budget_says_what_was_wrong_last() -> None:
    async def body() -> None:
        desk = Desk(*[ConnectionFailed("connection reset")] * 2, Answer(500, {}, b""))
        with pytest.raises(RetryBudgetExhausted) as caught:
            await desk.api(backoff=Backoff(budget=3)).ask(PATH, {})
        assert caught.value.attempts == 3
        assert str(caught.value).startswith(f"{BASE}{PATH}: 3 attempts in a row have failed")
        assert "HTTP 500" in str(caught.value)
        assert len(desk.statuses) == 2

    virtually(body)


FINAL = {
    "refused": ([good(retCode=10001, retMsg="params error")], 1, "params error (code 10001)"),
    "the budget": ([Answer(500, {}, b"")] * 2, 2, "HTTP 500 (HTTP 500)"),
    "after a fault": ([Answer(500, {}, b""), Answer(404, {}, b"")], 2, "there is no such path"),
    "pages": ([good({"list": [], "nextPageCursor": "a"})] * 2, 1, "the pages of the list do not"),
}


@pytest.mark.parametrize("tells_all", [True, False])
@pytest.mark.parametrize("final", FINAL)
def test_what_is_not_asked_again_is_told_where_no_error_tells_it(
    final: str, tells_all: bool
) -> None:
    answers, attempt, said = FINAL[final]

    async def body() -> None:
        desk = Desk(*answers)
        api = desk.api(backoff=Backoff(budget=2), tells_all=tells_all)
        with pytest.raises(RxBybitError):
            await api.pages(PATH, {})
        told = [s for s in desk.statuses if isinstance(s, RequestFailed) and s.delay_s is None]
        assert len(told) == tells_all
        for failed in told:
            assert failed is desk.statuses[-1]
            assert (failed.url, failed.attempt) == (BASE + PATH, attempt)
            assert failed.reason.startswith(said)

    virtually(body)


def test_errors_carry_nothing_of_aiohttp() -> None:
    async def body() -> None:
        error = await outcome(Desk(Answer(200, {}, b"<html>")), backoff=Backoff(budget=1))
        assert isinstance(error.__cause__, DecodeError)
        assert error.__cause__.raw == "<html>"
        assert not error.__cause__.permanent
        assert "aiohttp" not in "".join(traceback.format_exception(error))

    virtually(body)


def test_pages_follow_the_cursor_as_it_came() -> None:
    async def body() -> None:
        desk = Desk(
            good({"list": [1], "nextPageCursor": "first%3DA%26last%3DB"}),
            ConnectionFailed("connection reset"),
            good({"list": [2], "nextPageCursor": "132766%3A2%2C"}),
            good({"list": [3], "nextPageCursor": None}),
        )
        replies = await desk.api().pages(PATH, {"category": "linear"})
        assert [reply.rows for reply in replies] == [[1], [2], [3]]
        assert desk.urls == [
            f"{BASE}{PATH}?category=linear",
            f"{BASE}{PATH}?category=linear&cursor=first%3DA%26last%3DB",
            f"{BASE}{PATH}?category=linear&cursor=first%3DA%26last%3DB",
            f"{BASE}{PATH}?category=linear&cursor=132766%3A2%2C",
        ]

    virtually(body)


def test_pages_that_go_in_a_circle_end() -> None:
    async def body() -> None:
        cursors = iter(["a", "b", "a"])
        desk = Desk(*(good({"list": [], "nextPageCursor": c}) for c in cursors))
        with pytest.raises(ConnectionFailed, match="do not end"):
            await desk.api().pages(PATH, {})
        assert len(desk.asked) == 3

    virtually(body)


def test_pages_without_end_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PAGES", 20)

    async def body() -> None:
        desk = Desk()
        desk.always = lambda url: good({"list": [], "nextPageCursor": str(len(desk.asked))})
        with pytest.raises(ConnectionFailed, match="do not end"):
            await desk.api().pages(PATH, {})
        assert len(desk.asked) == 20

    virtually(body)


def test_no_more_than_the_limit_in_any_window() -> None:
    async def body() -> None:
        desk = Desk()
        desk.always = lambda url: good()
        api = desk.api(ledger=RequestLedger(5, 10.0, clock=desk.loop.time))
        await asyncio.gather(*(api.ask(PATH, {}) for _ in range(17)))
        moments = [moment for moment, _ in desk.asked]
        assert len(moments) == 17
        for first, sixth in zip(moments, moments[5:], strict=False):
            assert sixth - first >= 10.0

    virtually(body)


def test_so_many_at_once() -> None:
    async def body() -> None:
        desk = Desk()
        desk.always = lambda url: good()
        api = desk.api()
        await asyncio.gather(*(api.ask(PATH, {}) for _ in range(50)))
        assert (desk.most, len(desk.asked)) == (8, 50)

    virtually(body)


@pytest.mark.parametrize("moment", ["answer", "backoff", "limit", "gate"])
def test_a_cancelled_request_is_gone_at_once(moment: str) -> None:
    async def body() -> None:
        loop = asyncio.get_running_loop()
        trouble: Any = asyncio.sleep if moment in ("answer", "gate") else ConnectionFailed("x")
        desk = Desk(trouble, trouble, good())
        ledger = RequestLedger(1, 50.0, clock=loop.time)
        if moment == "limit":
            ledger.reserve()
        if moment == "gate":
            desk.gate = asyncio.Semaphore(0)
        api = desk.api(ledger=ledger, backoff=Backoff(first=1000, cap=1000))
        asking = asyncio.create_task(api.ask(PATH, {}))
        await asyncio.sleep(0.5)
        assert len(desk.asked) == (1 if moment in ("answer", "backoff") else 0)
        asking.cancel()
        began = loop.time()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert loop.time() - began < 0.1
        assert desk.under_way == 0
        booked = ledger.reserve() - (50.0 - loop.time())
        assert booked < 50.0  # what was not made is given back

    virtually(body)


def test_who_waits_for_a_barred_host_has_booked_nothing() -> None:
    """What is given back must be one's own: others book and forget meanwhile."""

    async def body() -> None:
        desk = Desk()
        desk.always = lambda url: good()
        ledger = RequestLedger(8, 5.0, clock=desk.loop.time)
        api = desk.api(ledger=ledger)
        ledger.bar(api._host, 600.0)
        waiting = [asyncio.create_task(api.ask(PATH, {})) for _ in range(8)]
        await asyncio.sleep(60.0)
        assert [ledger.reserve() for _ in range(8)] == [0.0] * 8  # another host's
        for task in waiting:
            task.cancel()
        ended = await asyncio.gather(*waiting, return_exceptions=True)
        assert {type(error) for error in ended} == {asyncio.CancelledError}
        assert ledger.reserve() == 5.0

    virtually(body)


def test_the_envelope_is_known() -> None:
    assert json.loads(good().body).keys() <= {
        *(f.data_key or n for n, f in Envelope().declared.items()),
        *Envelope.ignored,
    }
