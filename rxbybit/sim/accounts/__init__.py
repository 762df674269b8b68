"""The private half of the exchange: API keys, accounts, orders, positions, balances.

Pure but for :mod:`~rxbybit.sim.accounts.http`: orders go in as what the body of a request says, and
come out as frames for whoever listens. Orders of accounts rest and match in the books of the
market, among the crowd's. V5 manual, "Trade", "Position", "Account" and the private topics.
"""

from rxbybit.sim.accounts.account import Account
from rxbybit.sim.accounts.desk import Desk
from rxbybit.sim.accounts.keys import DEMO_KEY, DEMO_SECRET, ApiKey

__all__ = ["DEMO_KEY", "DEMO_SECRET", "Account", "ApiKey", "Desk"]
