"""API keys: who may do what, and how it is proved.

V5 manual, "Authentication" and "Integration Guidance": HMAC-SHA256 in lower-case hex. Keys of the
RSA kind are not modelled: verifying them takes a package that the exchange does without.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType

__all__ = ["DEMO", "DEMO_KEY", "DEMO_SECRET", "ApiKey"]

DEMO_KEY = "SIMDEMO0000000000"
DEMO_SECRET = "worth-nothing-outside-of-this-simulator"
"""The key of the account that every exchange has. Anybody may know both: no other exchange does."""

_DEMO_BALANCES: Mapping[str, Decimal | int | str] = MappingProxyType(
    {"BTC": 2, "ETH": 20, "USDT": 100_000}
)


@dataclass(frozen=True, kw_only=True, repr=False)
class ApiKey:
    """A key, its secret, and what its account begins with: decimals by coin.

    Errors: ``ValueError`` for an empty key or secret, and a balance that is below 0 or has more
    than 8 decimals.
    """

    key: str
    secret: str
    balances: Mapping[str, Decimal | int | str] = field(
        default_factory=lambda: MappingProxyType({"USDT": 10_000})
    )

    def __post_init__(self) -> None:
        if not self.key or not self.secret:
            raise ValueError("an API key has a key and a secret that are not empty")
        for coin, balance in self.balances.items():
            amount = Decimal(balance) * 10**8
            if not amount.is_finite() or amount < 0 or amount != int(amount):
                raise ValueError(
                    f"balance {coin}={balance}: use 0 or more, with 8 decimals at most"
                )

    def __repr__(self) -> str:
        return f"ApiKey(key='{self.key[:4]}...', balances={dict(self.balances)!r})"

    def has_signed(self, words: str, signature: str) -> bool:
        """Whether ``signature`` is that of ``words`` with this secret."""
        own = hmac.new(self.secret.encode(), words.encode(), hashlib.sha256).hexdigest()
        return hmac.compare_digest(own.encode(), signature.encode())


DEMO = ApiKey(key=DEMO_KEY, secret=DEMO_SECRET, balances=_DEMO_BALANCES)
