"""Signed requests: whose they are, or why they are refused (V5 manual, "Integration Guidance").

A request is good from ``recv_window`` milliseconds before the exchange's time to a second after it.
A market that runs faster or slower than the clock drifts away from what its clients have read from
it; then every time is good that a client can believe in: see :class:`Times`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from rxbybit.sim.accounts.account import Account
from rxbybit.sim.rest.refused import Refused

__all__ = ["MISSING", "Times", "account_of", "is_time"]

INVALID_KEY = 10003
MISSING = (INVALID_KEY,)
"""Codes that come with the HTTP status 401."""
_CLOCK = 10002
_SIGNATURE = 10004
_AHEAD_MS = 1_000
_USUAL_WINDOW_MS = 5_000
_WIDEST_WINDOW_MS = 60_000


class Times(NamedTuple):
    """The exchange's time in milliseconds, as its clients may know it.

    Both are the same where the market keeps to the clock. Elsewhere who has asked for the time at
    some moment, and counts on by a clock of his own, is somewhere in between.
    """

    earliest_ms: int
    latest_ms: int


def account_of(
    accounts: Mapping[str, Account], headers: Mapping[str, str], words: str, times: Times
) -> Account:
    """Who has signed ``words``, the query as it was sent or the body. Errors: :class:`Refused`."""
    key, stamp = headers.get("X-BAPI-API-KEY"), headers.get("X-BAPI-TIMESTAMP")
    window, signature = headers.get("X-BAPI-RECV-WINDOW") or "", headers.get("X-BAPI-SIGN")
    if not key or not stamp or not signature:
        raise Refused(
            "a signed request has the headers X-BAPI-API-KEY, X-BAPI-TIMESTAMP and X-BAPI-SIGN",
            INVALID_KEY,
        )
    account = accounts.get(key)
    if account is None:
        raise Refused("API key is invalid.", INVALID_KEY)
    if not is_time(stamp) or (window and not is_time(window)):
        raise Refused("params error: X-BAPI-TIMESTAMP and X-BAPI-RECV-WINDOW are milliseconds")
    patience = min(int(window or _USUAL_WINDOW_MS), _WIDEST_WINDOW_MS)
    if not times.earliest_ms - patience <= int(stamp) < times.latest_ms + _AHEAD_MS:
        raise Refused(
            "invalid request, please check your server timestamp or recv_window param."
            f" req_timestamp[{stamp}],server_timestamp[{times.latest_ms}],recv_window[{patience}]",
            _CLOCK,
        )
    if not account.key.has_signed(f"{stamp}{key}{window}{words}", signature):
        raise Refused("error sign! please check your signature generation algorithm.", _SIGNATURE)
    return account


def is_time(text: str) -> bool:
    """Whether it is a count of milliseconds."""
    return text.isascii() and text.isdigit() and len(text) <= 15
