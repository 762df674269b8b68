"""What a contract says besides its trades: index, mark price, funding, open interest."""

from __future__ import annotations

from rxbybit.sim.market.index import Priced
from rxbybit.sim.market.instruments import Instrument, spelled

__all__ = ["Marks"]

_CAP = 500_000
_BASE = 10_000
"""Limit and resting point of the funding rate, in units of 1e-8."""
_YEAR_MS = 365 * 86_400_000


class Marks:
    """The derived prices of one instrument; ``version`` rises when one of them changes."""

    def __init__(self, instrument: Instrument, index: Priced, ms: int) -> None:
        self._instrument = instrument
        self._index = index
        self._scale = 10**instrument.price_scale
        self._above = 0.0
        """How far the market stands above the index of late, as a ratio."""
        self._funding_ms = instrument.funding_minutes * 60_000
        self.next_funding_ms = ms // self._funding_ms * self._funding_ms + self._funding_ms
        self.rate = _BASE
        """The funding rate to come, in units of 1e-8."""
        self.paid: list[tuple[int, int]] = []
        """When which rate was paid."""
        self.interest = instrument.temper.lots * 5_000
        """Open interest, in lots."""
        self._flow = 0
        self.version = 0
        self.index = self.mark = 0
        self.move()

    def move(self) -> None:
        """The index has moved."""
        price = self._index.price * self._scale
        self.index = max(round(price), 1)
        self.mark = max(round(price * (1 + self._instrument.premium + self._above)), 1)
        self.interest = max(self.interest + self._flow, self._instrument.temper.lots)
        self._flow = 0
        self.version += 1

    def traded(self, number: int, lots: int) -> None:
        """Trade ``number`` opened positions, closed some, or handed them on."""
        self._flow += lots * ((number * 2_654_435_761 >> 7) % 3 - 1)

    def minute(self, ms: int, last: int) -> None:
        """A minute has begun at ``ms``, with ``last`` (ticks) the price of the last trade."""
        fair = self.index * (1 + self._instrument.premium)
        self._above += (last * self._instrument.tick / fair - 1 - self._above) * 0.1
        if self._instrument.perpetual and ms >= self.next_funding_ms:
            self.paid.append((ms, self.rate))
            self.next_funding_ms += self._funding_ms
        self.rate = max(-_CAP, min(_CAP, _BASE + round(self._above * 1e8)))
        self.version += 1

    def limits(self) -> tuple[int, int]:
        """The lowest price that an order to sell may have, and the highest to buy, in ticks."""
        one = self._instrument
        thousandth, step = self.mark * one.band, 1_000 * one.tick
        lowest = -(-(self.mark * 1_000 - thousandth) // step)
        return lowest, (self.mark * 1_000 + thousandth) // step

    def texts(self, ms: int) -> dict[str, str]:
        """All of it in the spelling of tickers."""
        one = self._instrument
        worth = one.worth(self.mark, self.interest)
        texts = {
            "markPrice": spelled(self.mark, one.price_scale),
            "indexPrice": spelled(self.index, one.price_scale),
            "openInterest": one.size(self.interest),
            "openInterestValue": self._worth(worth),
            "singleOpenInterest": spelled(
                self.interest * one.lot * 5, one.size_scale + 1, trim=True
            ),
            "singleOpenInterestValue": self._worth(worth // 2),
        }
        if one.perpetual:
            texts["nextFundingTime"] = str(self.next_funding_ms)
            texts["fundingRate"] = spelled(self.rate, 8, trim=True)
        elif one.delivery_ms is not None:
            basis, ratio, yearly = self.basis(ms)
            texts["basis"] = spelled(basis, one.price_scale)
            texts["basisRate"] = spelled(ratio, 8)
            texts["basisRateYear"] = spelled(yearly, 8)
        return texts

    def basis(self, ms: int) -> tuple[int, int, int]:
        """Mark over index, the same as a ratio, and that of a year until delivery, in 1e-8."""
        basis = self.mark - self.index
        ratio = basis * 10**8 // self.index
        left = max((self._instrument.delivery_ms or 0) - ms, 1)
        return basis, ratio, ratio * _YEAR_MS // left

    def _worth(self, worth: int) -> str:
        """Two decimals of the quote, or eight of the coin."""
        one = self._instrument
        if one.inverse:
            return spelled(worth, 8)
        return spelled(worth // 10 ** (one.value_scale - 2), 2)
