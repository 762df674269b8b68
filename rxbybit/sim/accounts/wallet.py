"""The balances of an account as the wire has them (V5 manual, "Wallet", "Get Wallet Balance")."""

from __future__ import annotations

from collections.abc import Collection

from rxbybit.sim.accounts.account import Account, Coin, Worth, usd
from rxbybit.sim.accounts.money import UNIT, rounded, text
from rxbybit.sim.market.feeds import Content
from rxbybit.sim.market.market import Market

__all__ = ["wallet_item"]


def wallet_item(account: Account, market: Market, coins: Collection[str] | None = None) -> Content:
    """The account with these coins; ``None``: with all of which there is something."""
    worth = account.worth(market)
    found = account.coins(market)
    shown = {
        name: coin
        for name, coin in found.items()
        if (name in coins if coins is not None else coin.wallet or coin.equity or coin.realised)
    }
    initial, maintenance = text(worth.initial), text(worth.maintenance)
    initial_rate, maintenance_rate = _rate(worth.initial, worth), _rate(worth.maintenance, worth)
    return {
        "accountIMRate": initial_rate,
        "accountIMRateByMp": initial_rate,
        "accountMMRate": maintenance_rate,
        "accountMMRateByMp": maintenance_rate,
        "totalEquity": text(worth.equity),
        "totalWalletBalance": text(worth.wallet),
        "totalMarginBalance": text(worth.equity),
        "totalAvailableBalance": text(max(worth.available, 0)),
        "totalPerpUPL": text(worth.unrealised),
        "totalInitialMargin": initial,
        "totalInitialMarginByMp": initial,
        "totalMaintenanceMargin": maintenance,
        "totalMaintenanceMarginByMp": maintenance,
        "coin": [_coin_item(name, coin, market) for name, coin in shown.items()],
        "accountLTV": "0",
        "accountType": "UNIFIED",
    }


def _coin_item(name: str, coin: Coin, market: Market) -> Content:
    return {
        "coin": name,
        "equity": text(coin.equity),
        "usdValue": text(usd(market, name, coin.equity)),
        "walletBalance": text(coin.wallet),
        "availableToWithdraw": "",
        "availableToBorrow": "",
        "borrowAmount": text(max(-coin.wallet, 0)),
        "accruedInterest": "0",
        "totalOrderIM": text(coin.order_margin),
        "totalPositionIM": text(coin.position_margin),
        "totalPositionMM": text(coin.maintenance),
        "unrealisedPnl": text(coin.unrealised),
        "cumRealisedPnl": text(coin.realised),
        "bonus": "0",
        "collateralSwitch": True,
        "marginCollateral": True,
        "locked": "0",
        "spotHedgingQty": "0",
        "spotBorrow": "0",
        "colRes": "0",
    }


def _rate(margin: int, worth: Worth) -> str:
    """A margin as a share of what backs it; 0 where nothing does."""
    return text(rounded(margin * UNIT, worth.equity)) if worth.equity > 0 else "0"
