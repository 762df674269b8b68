"""Insurance pools."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from rxbybit.config import Category
from rxbybit.errors import ConfigurationError
from rxbybit.events import Event, utc
from rxbybit.schema import fields, legacy
from rxbybit.schema.envelope import LegacyEnvelope
from rxbybit.schema.fields import WireSchema
from rxbybit.schema.spec import Otherwise, StreamSpec, Wire
from rxbybit.stream import Stream
from rxbybit.symbols import checked_category, read_symbols
from rxbybit.venue import Opens

__all__ = ["INSURANCE", "Insurance", "InsuranceLegacy", "InsuranceV5", "insurance"]


class Insurance(Event, frozen=True, kw_only=True):
    """The balance of an insurance pool."""

    coin: str
    symbols: tuple[str, ...] = ()
    """The symbols that the pool insures; the legacy wire does not say."""
    balance: Decimal
    """In ``coin``."""
    time_ms: int
    """When it changed, in milliseconds."""

    time = utc[datetime]("time_ms")


class InsuranceV5(WireSchema):
    """Isolated pools only, on change; pools that several symbols share are never sent.

    Source: https://bybit-exchange.github.io/docs/v5/websocket/public/insurance-pool.
    """

    coin = fields.String(required=True)
    symbols = fields.Names(required=True)
    balance = fields.Decimal(required=True)
    time_ms = fields.Moment(required=True, data_key="updateTime")


class InsuranceLegacy(WireSchema):
    """Once a day, a pool a topic; until 2018 the only item was no list.

    Source: legacy manual, inverse perpetual websocket, "Insurance".
    """

    coin = fields.String(required=True, data_key="currency")
    time_ms = fields.Moment(required=True, data_key="timestamp")
    balance = legacy.Scaled(8, required=True, data_key="wallet_balance")

    ignored: ClassVar[Mapping[str, str]] = {
        "walletBalance": "the name of wallet_balance until 2018",
    }


INSURANCE = StreamSpec(
    "insurance",
    Insurance,
    v5=Wire("insurance.{symbol}", InsuranceV5, many=True),
    legacy=Wire(
        "insurance.{symbol}",  # a coin
        InsuranceLegacy,
        many=True,
        envelope=LegacyEnvelope,
        otherwise=(Otherwise("wallet_balance", "walletBalance"),),
        categories=("inverse",),
    ),
    categories=("inverse", "linear"),
)
_INVERSE: tuple[Category, str] = ("inverse", "insurance.inverse")
_LINEAR: dict[str, tuple[Category, str]] = {
    coin: ("linear", f"insurance.{coin}") for coin in ("USDT", "USDC")
}


def insurance(
    self: Opens, *coins: str | Iterable[str], category: Category | None = None
) -> Stream[Insurance]:
    """Balances of insurance pools, when they change (looked at each second).

    ``coins``: one, several, or an iterable of them, such as ``"BTC"``, which is no symbol; of a
    coin without a pool nothing comes. None at all is every pool of the category. ``category``:
    ``"linear"`` has USDT and USDC, ``"inverse"`` (also when nothing is said) all other coins.
    Errors: ``ConfigurationError`` at the call for arguments that cannot be.

    ::

        insurance("BTC").subscribe(lambda pool: print(pool.coin, pool.balance))
    """
    category = self.category if category is None else category
    if category is not None and checked_category(category) not in INSURANCE.categories:
        raise ConfigurationError(f"insurance: {category} has none; there is inverse, linear")
    wanted = [coin for _, coin in read_symbols(coins, "inverse")]
    if self.wire == "legacy":  # where each coin has a topic
        return self.open(INSURANCE, coins, category=category or "inverse")
    if not wanted:
        every = list(_LINEAR.values()) if category == "linear" else [_INVERSE]
        return self.open_topics(INSURANCE, every)
    topics = {coin: _LINEAR.get(coin, _INVERSE) for coin in wanted}
    for coin, (of, _) in topics.items():
        if category not in (None, of):
            raise ConfigurationError(
                f"insurance: {coin} is {of}; linear has {', '.join(_LINEAR)}, inverse all others"
            )
    # all inverse pools share one topic
    return self.open_topics(
        INSURANCE, list(dict.fromkeys(topics.values())), keep=lambda event: event.coin in topics
    )
