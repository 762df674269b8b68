"""The tree of errors: facts as attributes, whether to try again, and pickles."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest

from rxbybit import errors
from rxbybit.errors import (
    AuthenticationFailed,
    ClosedError,
    ConfigurationError,
    ConnectionFailed,
    DecodeError,
    HandshakeRejected,
    HeartbeatLost,
    ProtocolError,
    RequestRefused,
    RetryBudgetExhausted,
    RuntimeMisuse,
    RxBybitError,
    SlowConsumer,
    SubscriptionRejected,
)

ONE_OF_EACH: list[tuple[RxBybitError, str, dict[str, object]]] = [
    (ConfigurationError("no such thing"), "no such thing", {"permanent": True}),
    (ConnectionFailed("lost", attempts=3), "lost", {"permanent": False, "attempts": 3}),
    (
        HandshakeRejected("no", status=429, attempts=2, retry_after_s=7.5),
        "no",
        {"permanent": False, "status": 429, "attempts": 2, "retry_after_s": 7.5},
    ),
    (
        HandshakeRejected("never", status=403, permanent=True),
        "never",
        {"permanent": True, "status": 403, "attempts": 0, "retry_after_s": None},
    ),
    (HeartbeatLost("silent"), "silent", {"permanent": False, "attempts": 0}),
    (RetryBudgetExhausted("spent", attempts=9), "spent", {"permanent": True, "attempts": 9}),
    (ProtocolError("refused"), "refused", {"permanent": True}),
    (
        SubscriptionRejected("publicTrade.XUSD", "handler not found"),
        (
            "the exchange refused publicTrade.XUSD (handler not found): is the symbol spelled"
            " right, and is it traded in this category?"
        ),
        {"permanent": True, "topic": "publicTrade.XUSD", "message": "handler not found"},
    ),
    (
        AuthenticationFailed("API key is invalid"),
        (
            "the exchange refused the API key (API key is invalid): is it whole, and made for"
            " this environment? Keys of mainnet, testnet and demo are not interchangeable"
        ),
        {"permanent": True, "message": "API key is invalid"},
    ),
    (
        RequestRefused(10006, "Too many visits!", url="http://h/p", permanent=False),
        "http://h/p was refused: Too many visits! (code 10006)",
        {"permanent": False, "code": 10006, "message": "Too many visits!", "url": "http://h/p"},
    ),
    (
        DecodeError("tickers.X", '{"a"', {"data": {0: ["Bad."]}}),
        "tickers.X: {'data': {0: ['Bad.']}}",
        {"topic": "tickers.X", "raw": '{"a"', "messages": {"data": {0: ["Bad."]}}},
    ),
    (
        SlowConsumer(1001),
        "the consumer is 1001 events behind: take a larger buffer, or another overflow policy",
        {"permanent": True, "lag": 1001},
    ),
    (ClosedError(), "the client is closed", {"permanent": True}),
    (ClosedError("the loop has ended"), "the loop has ended", {}),
    (RuntimeMisuse("not here"), "not here", {"permanent": True}),
]


@pytest.mark.parametrize(("error", "text", "facts"), ONE_OF_EACH)
def test_facts_are_attributes_and_the_text_is_for_people(
    error: RxBybitError, text: str, facts: dict[str, object]
) -> None:
    assert str(error) == text
    assert {name: getattr(error, name) for name in facts} == facts


@pytest.mark.parametrize(("error", "text", "facts"), ONE_OF_EACH)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_an_error_outlives_a_pickle(
    error: RxBybitError, text: str, facts: dict[str, object], protocol: int
) -> None:
    again = pickle.loads(pickle.dumps(error, protocol))
    assert type(again) is type(error)
    assert (str(again), repr(again), again.args) == (text, repr(error), error.args)
    assert {name: getattr(again, name) for name in facts} == facts


def test_an_error_outlives_a_copy() -> None:
    error = HandshakeRejected("no", status=503, retry_after_s=1.0)
    error.add_note("seen twice")
    again = copy.deepcopy(error)
    assert (again.status, again.retry_after_s, again.__notes__) == (503, 1.0, ["seen twice"])


def test_there_is_one_of_each_here_and_in_the_tree_of_the_docstring() -> None:
    named = set(errors.__all__) - {"RxBybitError"}
    assert {type(error).__name__ for error, _, _ in ONE_OF_EACH} == named
    source = Path(errors.__file__).read_text(encoding="utf-8")
    drawn = source[: source.index("from __future__")]
    assert [name for name in named if f"─ {name} " not in drawn] == []


@pytest.mark.parametrize(
    ("kind", "above"),
    [
        (ConfigurationError, ValueError),
        (RuntimeMisuse, RuntimeError),
        (HandshakeRejected, ConnectionFailed),
        (HeartbeatLost, ConnectionFailed),
        (RetryBudgetExhausted, ConnectionFailed),
        (SubscriptionRejected, ProtocolError),
        (RequestRefused, ProtocolError),
    ],
)
def test_an_error_is_caught_by_what_is_above_it(kind: type, above: type) -> None:
    assert issubclass(kind, above)
    assert issubclass(kind, RxBybitError)


@pytest.mark.parametrize("length", [0, 2047, 2048, 2049, 100_000])
def test_a_decode_error_keeps_the_beginning_of_the_message(length: int) -> None:
    raw = "a" * 2048 + "b" * max(0, length - 2048)
    error = DecodeError("t", raw[:length], ["wrong"])
    assert error.raw == "a" * min(length, 2048)


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("Params Error", "the clocks"),
        ("request expired", "the clocks"),
        ("error sign! origin_string, code 10004", "BYBIT_API_SECRET"),
        ("Your api key has expired, code 33004", "make a new one"),
        ("API key is invalid., code 10003", "not interchangeable"),
        ("Permission denied", "its permissions"),
    ],
)
def test_a_refused_key_says_what_to_do(said: str, advice: str) -> None:
    told = str(AuthenticationFailed(said))
    assert f"({said})" in told
    assert advice in told
    assert "\n" not in told
