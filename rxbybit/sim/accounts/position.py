"""A one-way position: what is held of an instrument, what it cost, what it has brought.

V5 manual, "Position" and "Glossary". The average entry price is not stored: it is the quotient of
size and cost, as the exchange has it (300 USD for 0.01092319 BTC are held at 27464.50441675).
"""

from __future__ import annotations

from typing import NamedTuple

from rxbybit.sim.accounts.money import TAKER, UNIT, rounded, text, value_at
from rxbybit.sim.market.instruments import Instrument
from rxbybit.sim.market.matching import Side

__all__ = ["Closed", "Position"]

_DAY_MS = 86_400_000


class Closed(NamedTuple):
    """What a fill has closed of a position."""

    lots: int
    pnl: int
    """Profit before fees."""


class Position:
    """What one account holds of one instrument; money is in units of 1e-8 of the settle coin."""

    def __init__(self, instrument: Instrument, ms: int) -> None:
        self.instrument = instrument
        self.lots = 0
        """Above 0 when long, below when short."""
        self.cost = 0
        """What it was worth when it was opened."""
        self.current = 0
        """Realised since the position was opened last, fees and funding taken off."""
        self.realised = 0
        """Realised since the account has been there, fees and funding taken off."""
        self._today = 0
        """The same of the UTC day in which something was realised last."""
        self.created_ms = self.updated_ms = ms
        self.opened_ms = 0
        """When what is held now was opened; 0 when it never was."""
        self.seq = -1
        """The cross sequence of its last trade."""

    @property
    def side(self) -> Side | None:
        """``None`` when it is flat."""
        return None if not self.lots else "Buy" if self.lots > 0 else "Sell"

    @property
    def average(self) -> str:
        """Text of the average entry price, 8 decimals at most; ``"0"`` when flat."""
        return self._price(self.cost)

    def fill(self, side: Side, lots: int, value: int, ms: int) -> Closed:
        """Trade ``lots`` for ``value``: what is against the position closes it, the rest opens."""
        self.renew(ms)
        signed = lots if side == "Buy" else -lots
        held = abs(self.lots)
        closing = min(held, lots) if self.lots * signed < 0 else 0
        pnl = 0
        if closing:
            # The shares of what closes; where all of it does, they are the whole.
            part = rounded(value * closing, lots)
            given = rounded(self.cost * closing, held)
            pnl = (part - given) * self._sign
            self.pay(pnl)
            self.cost -= given
            value -= part
        self.lots += signed
        self.cost += value
        if closing == held and lots > closing:
            self.current, self.opened_ms = 0, ms
        return Closed(closing, pnl)

    def pay(self, amount: int) -> None:
        """Something was gained; below 0 it was paid."""
        self.current += amount
        self.realised += amount
        self._today += amount

    def renew(self, ms: int) -> None:
        """Something is about to change; with a new day begins what is realised in it."""
        self._today = self.realised_today(ms)
        self.updated_ms = ms

    def realised_today(self, ms: int) -> int:
        """What was realised since the UTC day of ``ms`` began, fees and funding taken off."""
        return self._today if ms // _DAY_MS == self.updated_ms // _DAY_MS else 0

    def value(self, units: int) -> int:
        """What it is worth at a price in units of its last decimal."""
        return value_at(self.instrument, units, abs(self.lots)) if self.lots else 0

    def unrealised(self, units: int) -> int:
        """The profit if all were closed at a price in units of its last decimal, before fees."""
        return (self.value(units) - self.cost) * self._sign if self.lots else 0

    @property
    def break_even(self) -> str:
        """Text of the price at which closing by a taker leaves neither profit nor loss.

        What the position has brought so far counts, its fees included; empty when flat, and
        where there is no such price.
        """
        if not self.lots:
            return ""
        owed = self.cost - self._sign * self.current
        return self._price(owed, fee=-self._sign * TAKER) if owed > 0 else ""

    @property
    def _sign(self) -> int:
        """Whether what is held brings more as its value rises (1), or less (-1)."""
        long = self.lots > 0
        return 1 if long != self.instrument.inverse else -1

    def _price(self, worth: int, fee: int = 0) -> str:
        """At which price the lots held are ``worth`` so much, with a share of it on top."""
        if not self.lots or not worth:
            return "0"
        one = self.instrument
        lots = abs(self.lots) * one.lot * (100_000 + fee)
        if one.inverse:
            return text(lots * UNIT * UNIT // (worth * 10**one.size_scale * 100_000))
        return text(worth * 10**one.size_scale * 100_000 // lots)
