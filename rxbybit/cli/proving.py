"""Whether the exchange takes the key: one signed request, of which nothing secret is shown."""

from __future__ import annotations

import asyncio

import msgspec
from msgspec import Struct

from rxbybit.cli.finding import Finding
from rxbybit.cli.reach import Way, fetch_time
from rxbybit.credentials import Credentials
from rxbybit.errors import ConnectionFailed
from rxbybit.protocol.signing import rest_headers
from rxbybit.view.words import printable

__all__ = ["check_key"]

_QUERY = "accountType=UNIFIED"
_PATH = "/v5/account/wallet-balance"
_TIME = "/v5/market/time"
_LONGEST = 200
"""How much of what the exchange says is shown, in characters."""
_NOT_ALLOWED = 10005
_ADVICE = {
    10002: "let the system set the clock (NTP)",
    10003: "is it a key of this environment? those of mainnet, testnet and demo are different",
    10004: "is the secret that of this key, and whole?",
    10007: "is it a key of this environment, and still there?",
    10010: "this machine's address is none of those that the key is bound to",
    33004: "the key has expired: make another one",
}
"""V5 manual, "Error Codes"."""


class _Answer(Struct, frozen=True):
    code: int = msgspec.field(name="retCode")
    message: str = msgspec.field(name="retMsg", default="")


async def check_key(way: Way, base_url: str, credentials: Credentials) -> tuple[Finding, ...]:
    """Ask for the wallet, by the exchange's own clock, as whoever has ``credentials``."""
    shown = f"{base_url}: {credentials}"
    try:
        async with asyncio.timeout(way.timeout_s):
            now_ns = await fetch_time(way.transport, f"{base_url}{_TIME}")
            headers = rest_headers(credentials, _QUERY, timestamp_ms=now_ns // 1_000_000)
            answer = await way.transport.get(f"{base_url}{_PATH}?{_QUERY}", headers)
    except TimeoutError:
        return (_failed(f"{shown}: no answer in {way.timeout_s:g} s"),)
    except ConnectionFailed as error:
        return (_failed(f"{shown}: not asked, as REST does not answer ({error})"),)
    try:
        said = msgspec.json.decode(answer.body, type=_Answer)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return (_failed(f"{shown}: HTTP {answer.status}, and no answer of an exchange"),)
    if said.code == 0:
        return (Finding("key", "ok", f"{shown} is taken"),)
    words = printable(said.message.replace(credentials.key, "..."))[:_LONGEST]
    if said.code == _NOT_ALLOWED:
        hint = "is taken, but may not read the wallet: balances() and account() will be refused"
        return (Finding("key", "warn", f"{shown} {hint}"),)
    advice = _ADVICE.get(said.code)
    why = f"{shown} is refused: {words} (code {said.code})"
    return (_failed(f"{why}: {advice}" if advice else why),)


def _failed(text: str) -> Finding:
    return Finding("key", "fail", text)
