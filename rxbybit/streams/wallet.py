"""The wallet: what the account has of each coin, and the account as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar, cast

from marshmallow.exceptions import ValidationError

from rxbybit.config import Category
from rxbybit.events import Event
from rxbybit.present import Present
from rxbybit.schema import fields
from rxbybit.schema.fields import WireSchema
from rxbybit.schema.optional import optional_number
from rxbybit.schema.private import legacy_private_wire, private_wire
from rxbybit.schema.spec import Renewal, StreamSpec
from rxbybit.schema.standing import Query, Row, Standing
from rxbybit.stream import Stream
from rxbybit.symbols import read_symbols
from rxbybit.venue import Opens

__all__ = [
    "ACCOUNT",
    "BALANCES",
    "Account",
    "AccountV5",
    "Balance",
    "BalanceLegacy",
    "BalanceV5",
    "account",
    "balances",
]


class Balance(Event, frozen=True, kw_only=True):
    """What the account has of a coin, in that coin where nothing else is said."""

    coin: str = ""
    """Empty in legacy frames that do not say: of inverse until 2020, and all of linear (USDT)."""
    equity: Decimal | None = None
    """With unrealised profit and the value of options."""
    usd_value: Decimal | None = None
    """``equity`` in USD."""
    wallet_balance: Decimal | None = None
    """With what is borrowed on spot (``spot_borrowed``) since September 2025."""
    available_balance: Decimal | None = None
    """What can be withdrawn; ``None`` of unified accounts since January 2025. On the legacy wire
    wallet balance less the margins of positions and orders."""
    locked: Decimal | None = None
    """By spot orders that stand."""
    unrealised_pnl: Decimal | None = None
    cumulative_realised_pnl: Decimal | None = None
    order_margin: Decimal | None = None
    """What orders need; ``None`` in portfolio margin, as are the two below."""
    position_initial_margin: Decimal | None = None
    position_maintenance_margin: Decimal | None = None
    borrowed: Decimal | None = None
    """Of spot and derivatives together."""
    spot_borrowed: Decimal | None = None
    accrued_interest: Decimal | None = None
    spot_hedging_quantity: Decimal | None = None
    """Spot that hedges derivatives, in portfolio margin."""
    bonus: Decimal | None = None
    is_collateral: bool | None = None
    """Whether the user lets the coin be collateral."""
    can_be_collateral: bool | None = None
    """Whether the exchange takes the coin as collateral."""


class Account(Event, frozen=True, kw_only=True):
    """The account as a whole. Amounts are in USD, and may be ``None`` in isolated margin."""

    account_type: str
    """``"UNIFIED"``; ``"CONTRACT"`` or ``"SPOT"`` of classic accounts, in old recordings."""
    equity: Decimal | None = None
    wallet_balance: Decimal | None = None
    margin_balance: Decimal | None = None
    """Wallet balance with the unrealised profit of perpetuals and futures."""
    available_balance: Decimal | None = None
    """What new orders may use."""
    unrealised_pnl: Decimal | None = None
    """Of perpetuals and futures."""
    initial_margin: Decimal | None = None
    initial_margin_by_mark: Decimal | None = None
    """As ``initial_margin``, by the mark price, as are the others of this name."""
    maintenance_margin: Decimal | None = None
    maintenance_margin_by_mark: Decimal | None = None
    initial_margin_rate: Decimal | None = None
    """Initial margin over margin balance, a ratio (0.5 = 50 %)."""
    initial_margin_rate_by_mark: Decimal | None = None
    maintenance_margin_rate: Decimal | None = None
    """Maintenance margin over margin balance, a ratio; at 1 the account is liquidated."""
    maintenance_margin_rate_by_mark: Decimal | None = None


class BalanceV5(WireSchema):
    """The coins of an item, on change; not when unrealised profit changes.

    Source: https://bybit-exchange.github.io/docs/v5/websocket/private/wallet.
    """

    coin = fields.String(required=True)
    equity = optional_number("equity")
    usd_value = optional_number("usdValue")
    wallet_balance = optional_number("walletBalance")
    available_balance = optional_number("availableToWithdraw")
    borrowed = optional_number("borrowAmount")
    accrued_interest = optional_number("accruedInterest")
    order_margin = optional_number("totalOrderIM")
    position_initial_margin = optional_number("totalPositionIM")
    position_maintenance_margin = optional_number("totalPositionMM")
    unrealised_pnl = optional_number("unrealisedPnl")
    cumulative_realised_pnl = optional_number("cumRealisedPnl")
    bonus = optional_number("bonus")
    is_collateral = fields.Boolean(data_key="collateralSwitch", empty=True)
    can_be_collateral = fields.Boolean(data_key="marginCollateral", empty=True)
    locked = optional_number("locked")
    spot_hedging_quantity = optional_number("spotHedgingQty")
    spot_borrowed = optional_number("spotBorrow")

    ignored: ClassVar[Mapping[str, str]] = {
        "availableToBorrow": "deprecated: empty",
        "free": "deprecated: of classic spot accounts, which are gone",
        "colRes": "a code from -1 to 2 that no document at hand explains",
    }


class BalanceLegacy(WireSchema):
    """Source: legacy manual, inverse and linear perpetual websocket, "Wallet"."""

    coin = fields.String()
    wallet_balance = optional_number("wallet_balance")
    available_balance = optional_number("available_balance")

    ignored: ClassVar[Mapping[str, str]] = {"user_id": "of the account"}


class AccountV5(WireSchema):
    """Source: https://bybit-exchange.github.io/docs/v5/websocket/private/wallet."""

    initial_margin_rate = optional_number("accountIMRate")
    initial_margin_rate_by_mark = optional_number("accountIMRateByMp")
    maintenance_margin_rate = optional_number("accountMMRate")
    maintenance_margin_rate_by_mark = optional_number("accountMMRateByMp")
    equity = optional_number("totalEquity")
    wallet_balance = optional_number("totalWalletBalance")
    margin_balance = optional_number("totalMarginBalance")
    available_balance = optional_number("totalAvailableBalance")
    unrealised_pnl = optional_number("totalPerpUPL")
    initial_margin = optional_number("totalInitialMargin")
    initial_margin_by_mark = optional_number("totalInitialMarginByMp")
    maintenance_margin = optional_number("totalMaintenanceMargin")
    maintenance_margin_by_mark = optional_number("totalMaintenanceMarginByMp")
    account_type = fields.String(required=True, data_key="accountType")

    ignored: ClassVar[Mapping[str, str]] = {
        "coin": "each coin is a Balance",
        "accountLTV": "deprecated",
    }


def _balances(renewal: Renewal, numbers: type) -> Present[Balance]:
    return Present(lambda balance: balance.coin)


def _accounts(renewal: Renewal, numbers: type) -> Present[Account]:
    return Present(lambda account: account.account_type)


# Any: of balances and of accounts
def _news(present: Present[Any] | None, event: Event) -> Any:
    return event if present is None else present.news


def _held(present: Present[Any]) -> Sequence[Any]:
    return present.held


def _list(category: Category) -> Sequence[dict[str, str]]:
    return ({"accountType": "UNIFIED"},)


def _coins(row: Row, query: Query) -> Sequence[Row]:
    coins = row.get("coin")
    if not isinstance(coins, list):
        raise ValidationError({"coin": ["Not a list."]})
    return cast("list[Row]", coins)


def _emptied(missing: Sequence[Balance]) -> Sequence[dict[str, str]]:
    """The list leaves out coins that the account has nothing of."""
    coins = [balance.coin for balance in missing if balance.equity]
    return [{"accountType": "UNIFIED", "coin": ",".join(coins)}] if coins else []


_PATH = "/v5/account/wallet-balance"
_CATEGORIES: tuple[Category, ...] = ("inverse", "linear", "spot", "option")
_WALLET = private_wire("wallet", AccountV5)
_COINS = private_wire("wallet", BalanceV5, inside="coin")
ACCOUNT = StreamSpec(
    "account",
    Account,
    v5=_WALLET,
    categories=_CATEGORIES,
    state=_accounts,
    emit=_news,
    late=_held,
    standing=Standing(path=_PATH, queries=_list, schema=AccountV5),
)
BALANCES = StreamSpec(
    "balances",
    Balance,
    v5=_COINS,
    legacy=legacy_private_wire("wallet", BalanceLegacy, symbols=False),
    categories=_CATEGORIES,
    state=_balances,
    emit=_news,
    late=_held,
    standing=Standing(path=_PATH, queries=_list, schema=BalanceV5, rows=_coins, gone=_emptied),
)


def balances(self: Opens, *coins: str | Iterable[str], snapshot: bool = True) -> Stream[Balance]:
    """What the account has of each coin, then each change of one.

    ``coins``: one, several, or an iterable of them, such as ``"BTC"``; none at all for every
    coin. ``snapshot``: whether what there is comes first, read over REST and marked
    ``meta.backfilled``; after an outage what has changed meanwhile is read and told in the same
    way. A late subscriber gets at once what is known. Unrealised profit alone sends nothing.
    Errors: as :func:`orders`.
    Sources: V5 manual, "Wallet" (private stream) and "Get Wallet Balance".

    ::

        balances("BTC").subscribe(lambda balance: print(balance.coin, balance.wallet_balance))
    """
    wanted = {coin for _, coin in read_symbols(coins, "inverse")}
    return self.open_private(
        BALANCES, snapshot=snapshot, keep=(lambda b: b.coin in wanted) if wanted else None
    )


def account(self: Opens, snapshot: bool = True) -> Stream[Account]:
    """The account as a whole, in USD: totals and margin rates.

    ``snapshot``: whether it comes at once, read over REST and marked ``meta.backfilled``. A late
    subscriber gets at once what is known. Unrealised profit alone sends nothing.
    Errors: as :func:`orders`.
    Sources: V5 manual, "Wallet" (private stream) and "Get Wallet Balance".

    ::

        account().subscribe(lambda account: print(account.equity, account.maintenance_margin_rate))
    """
    return self.open_private(ACCOUNT, snapshot=snapshot)
