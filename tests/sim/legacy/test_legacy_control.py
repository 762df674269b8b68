"""The control frames of the legacy socket, without a socket."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from rxbybit.sim import AuthReject, Faults
from rxbybit.sim.accounts import Account, Desk
from rxbybit.sim.accounts.signed import Times
from rxbybit.sim.control import Answer, Standing
from rxbybit.sim.legacy.session import LegacySession
from rxbybit.sim.player import RecordingSource
from rxbybit.sim.recording import Recording
from tests.sim.legacy.talk import HOLDER, KEY, market, signed

NOW_MS = 1_662_350_390_000
KNOWN = ("trade.BTCUSD", "trade.ETHUSD", "orderBookL2_25.BTCUSD")


class Heard:
    """A link that takes down what it is told."""

    subscriptions: tuple[str, ...] = ()
    deaf = False

    def __init__(self) -> None:
        self.pushed: list[tuple[str, bytes]] = []
        self.flushed = 0

    def hears(self, topic: str) -> bool:
        return True

    async def play(self, topic: str, raw: bytes, *, patient: bool) -> None:
        raise AssertionError

    def push(self, topic: str, raw: bytes) -> None:
        self.pushed.append((topic, raw))

    def flush(self) -> None:
        self.flushed += 1

    def idle(self) -> None:
        raise AssertionError


class Link:
    """A session, and what its link is subscribed to."""

    def __init__(
        self,
        *held: str,
        desk: Desk | None = None,
        faults: tuple[AuthReject, ...] = (),
        plays: bool = False,
        query: Mapping[str, str] | None = None,
    ) -> None:
        self.heard = Heard()
        self.session = LegacySession(
            RecordingSource(Recording([])),
            desk,
            Faults.of(faults),
            plays=plays,
            times=lambda: Times(NOW_MS, NOW_MS + 1_000),
            query=query or {},
        )
        self.session.open(self.heard)
        self.held = list(held)

    def ask(self, text: str | None = None, **request: object) -> Answer:
        read = self.session.read(json.dumps(request) if text is None else text)
        standing = Standing(conn_id="c-1", known=KNOWN, subscribed=self.held)
        return self.session.answer(standing, read, NOW_MS)


def held() -> tuple[Desk, Account]:
    desk = Desk(market())
    return desk, desk.open_account(HOLDER)


def happens(desk: Desk, account: Account) -> None:
    desk.news.of(account).coins.add("BTC")
    desk.news.publish()


def reply(message: str, op: str, args: object, *, success: bool = False) -> dict[str, object]:
    request = {"op": op, "args": args}
    return {"success": success, "ret_msg": message, "conn_id": "c-1", "request": request}


def test_ping() -> None:
    assert Link().ask(op="ping").reply == reply("pong", "ping", None, success=True)
    assert Link().ask(op="ping", args=None).reply == reply("pong", "ping", None, success=True)
    assert Link().ask(op="ping", args=[]).reply == reply("pong", "ping", [], success=True)


@pytest.mark.parametrize(
    ("args", "add"),
    [
        (["trade.BTCUSD"], ("trade.BTCUSD",)),
        (["trade.BTCUSD|ETHUSD"], ("trade.BTCUSD", "trade.ETHUSD")),
        (["trade.*", "orderBookL2_25"], ("trade.*", "orderBookL2_25.*")),
        (["trade.BTCUSD", "trade.*"], ("trade.BTCUSD", "trade.*")),
        ([], ()),
    ],
)
def test_subscribe_echoes_what_was_sent(args: list[str], add: tuple[str, ...]) -> None:
    said = Link().ask(op="subscribe", args=args, req_id="never on this wire")
    assert said == Answer(reply=reply("", "subscribe", args, success=True), add=add)


@pytest.mark.parametrize(
    ("held", "args", "message"),
    [
        ((), ["trade.NOPE"], "error:handler not found,topic:trade.NOPE"),
        ((), ["trade.BTCUSD", "nope"], "error:handler not found,topic:nope"),
        (("trade.BTCUSD",), ["trade.BTCUSD"], "error:already subscribed,topic:trade.BTCUSD"),
        (("trade.*",), ["trade.BTCUSD"], "error:already subscribed,topic:trade.BTCUSD"),
        (("trade.*",), ["trade"], "error:already subscribed,topic:trade.*"),
        ((), ["trade.BTCUSD", "trade.BTCUSD"], "error:already subscribed,topic:trade.BTCUSD"),
        ((), ["order", "position"], "error:topic:order needs auth first"),
        ((), ["trade.BTCUSD", "wallet"], "error:topic:wallet needs auth first"),
    ],
)
def test_one_bad_topic_voids_all(held: tuple[str, ...], args: list[str], message: str) -> None:
    said = Link(*held).ask(op="subscribe", args=args)
    assert said == Answer(reply=reply(message, "subscribe", args))


def test_a_wildcard_may_follow_a_symbol() -> None:
    assert Link("trade.BTCUSD").ask(op="subscribe", args=["trade.*"]).add == ("trade.*",)


def test_unsubscribe() -> None:
    link = Link("trade.BTCUSD", "trade.GONE", "orderBookL2_25.*")
    args = ["trade.BTCUSD|ETHUSD", "orderBookL2_25"]
    said = link.ask(op="unsubscribe", args=args)
    assert said.reply == reply("", "unsubscribe", args, success=True)
    assert said.remove == ("trade.BTCUSD", "trade.ETHUSD", "orderBookL2_25.*")
    assert link.ask(op="unsubscribe", args=["trade.GONE"]).remove == ("trade.GONE",)
    bad = link.ask(op="unsubscribe", args=["trade.BTCUSD", "trade.NOPE"])
    text = "error:handler not found,topic:trade.NOPE"
    assert bad == Answer(reply=reply(text, "unsubscribe", ["trade.BTCUSD", "trade.NOPE"]))


def test_what_is_no_request() -> None:
    for text in ("{", "[]", "7", '{"op":7}', '{"args":[]}', '{"op":"subscribe","args":"trade"}'):
        assert Link().ask(text).reply == reply("error:invalid request", "", None)
    assert Link().ask(op="subscribe", args=[1]).reply == reply("error:invalid request", "", None)
    assert Link().ask(op="dance", args=[1]).reply == reply("error:invalid op", "dance", [1])


@pytest.mark.parametrize("expires", [NOW_MS + 1, str(NOW_MS + 1)])
def test_auth_opens_private_topics(expires: int | str) -> None:
    desk, account = held()
    link = Link(desk=desk)
    args = [KEY, expires, signed(NOW_MS + 1)]
    assert link.ask(op="auth", args=args).reply == reply("", "auth", args, success=True)
    assert link.ask(op="auth", args=args).reply["success"]
    topics = ["position", "execution", "order", "stop_order", "wallet"]
    assert link.ask(op="subscribe", args=topics).add == tuple(topics)
    happens(desk, account)
    assert [topic for topic, _ in link.heard.pushed] == ["wallet"]
    assert json.loads(link.heard.pushed[0][1])["data"] == [
        {
            "user_id": account.number,
            "coin": "BTC",
            "available_balance": "2",
            "wallet_balance": "2",
        }
    ]
    assert link.heard.flushed == 1
    link.session.stop()
    link.session.stop()
    happens(desk, account)
    assert len(link.heard.pushed) == 1


def test_where_a_recording_is_played_the_account_is_silent() -> None:
    desk, account = held()
    link = Link(desk=desk, plays=True)
    assert link.ask(op="auth", args=[KEY, NOW_MS + 1, signed(NOW_MS + 1)]).reply["success"]
    happens(desk, account)
    assert link.heard.pushed == []


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([KEY, NOW_MS, signed(NOW_MS)], "error:request expired"),
        (["X", NOW_MS, "0"], "error:request expired"),
        (["X", NOW_MS + 1, signed(NOW_MS + 1)], "error:invalid api key"),
        ([KEY, NOW_MS + 2, signed(NOW_MS + 1)], "error:invalid signature"),
        ([KEY, NOW_MS + 1, signed(NOW_MS + 1).upper()], "error:invalid signature"),
        ([KEY, NOW_MS + 1, "é"], "error:invalid signature"),
        ([KEY, NOW_MS + 1], "error:invalid args"),
        ([KEY, True, "0"], "error:invalid args"),
        ([KEY, NOW_MS + 0.5, "0"], "error:invalid args"),
        ([KEY, "-1", "0"], "error:invalid args"),
        ([KEY, "9" * 5_000, "0"], "error:invalid args"),
        ([7, NOW_MS + 1, "0"], "error:invalid args"),
        (None, "error:invalid args"),
    ],
)
def test_auth_is_refused(args: object, message: str) -> None:
    desk, account = held()
    link = Link(desk=desk)
    assert link.ask(op="auth", args=args).reply == reply(message, "auth", args)
    assert "needs auth" in str(link.ask(op="subscribe", args=["order"]).reply["ret_msg"])
    happens(desk, account)
    assert link.heard.pushed == []


def test_a_scripted_refusal_says_what_it_was_told_to_say() -> None:
    desk, _ = held()
    link = Link(desk=desk, faults=(AuthReject(message="error:not today"),))
    args = [KEY, NOW_MS + 1, signed(NOW_MS + 1)]
    assert link.ask(op="auth", args=args).reply == reply("error:not today", "auth", args)
    assert link.ask(op="auth", args=args).reply["success"]


def test_an_exchange_without_accounts_knows_no_key() -> None:
    args = [KEY, NOW_MS + 1, signed(NOW_MS + 1)]
    assert Link().ask(op="auth", args=args).reply == reply("error:invalid api key", "auth", args)


def test_auth_in_the_url() -> None:
    desk, _ = held()
    right = {"api_key": KEY, "expires": str(NOW_MS + 1), "signature": signed(NOW_MS + 1)}
    for query, success in (
        (right, True),
        (right | {"signature": "0"}, False),
        (right | {"expires": str(NOW_MS)}, False),
        ({"api_key": KEY}, False),
        ({}, False),
    ):
        link = Link(desk=desk, query=query)
        assert link.ask(op="subscribe", args=["order"]).reply["success"] is success
