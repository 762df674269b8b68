"""Whose account a link hears.

Both wires have the same words signed (V5 manual, "Authentication"; the manual before it, "How to
Authenticate"): each spells by itself what it says to a refusal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from rxbybit.sim.accounts.account import Account
from rxbybit.sim.accounts.desk import Desk
from rxbybit.sim.accounts.news import Hearer
from rxbybit.sim.accounts.signed import Times

__all__ = ["Flaw", "Login"]

Flaw = Literal["expired", "key", "signature"]
"""What is wrong with an authentication: it came too late, nobody has the key, or not the secret."""


class Login:
    """That of one link: nobody's until it authenticates, another's when it does so again.

    ``desk`` has the accounts; an exchange without a market has none. ``hearer`` is told what
    happens in the account, until the link leaves.
    """

    def __init__(self, desk: Desk | None, times: Callable[[], Times], hearer: Hearer) -> None:
        self.account: Account | None = None
        self._desk = desk
        self._times = times
        self._hearer = hearer

    def enter(self, key: str, expires_ms: int, signature: str) -> Flaw | None:
        """Be the account of ``key``; gives what is wrong, and then all stays as it was.

        ``expires_ms`` has to be later than the clock of the exchange.
        """
        if expires_ms <= self._times().earliest_ms:
            return "expired"
        account = None if self._desk is None else self._desk.accounts.get(key)
        if account is None:
            return "key"
        if not account.key.has_signed(f"GET/realtime{expires_ms}", signature):
            return "signature"
        self._is_of(account)
        return None

    def leave(self) -> None:
        """Be nobody, and hear nothing more."""
        self._is_of(None)

    def _is_of(self, account: Account | None) -> None:
        if self._desk is None:
            return
        if self.account is not None:
            self._desk.news.leave(self.account, self._hearer)
        self.account = account
        if account is not None:
            self._desk.news.enter(account, self._hearer)
