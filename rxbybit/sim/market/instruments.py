"""What is traded, in which steps, and how an instruments-info answer says so.

V5 manual, "Get Instruments Info".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

from rxbybit.config import Category

__all__ = ["Instrument", "Temper", "spelled"]


@lru_cache(65_536)
def spelled(units: int, scale: int, *, trim: bool = False) -> str:
    """``units`` of ``10 ** -scale`` as decimal text; ``trim`` cuts zeros at the end.

    >>> spelled(650010, 1), spelled(650010, 1, trim=True), spelled(-5, 3)
    ('65001.0', '65001', '-0.005')
    """
    if scale:
        digits = f"{abs(units):0{scale + 1}d}"
        text = f"{digits[:-scale]}.{digits[-scale:]}"
        if trim:
            text = text.rstrip("0").removesuffix(".")
    else:
        text = str(abs(units))
    return f"-{text}" if units < 0 and text != "0" else text


@dataclass(frozen=True, kw_only=True)
class Temper:
    """How its traders behave."""

    rate: float = 2.0
    """Turns of a trader a second, in calm times."""
    spread: int = 2
    """How far makers quote from what they believe, in ticks."""
    reach: int = 2_000
    """How far from it the most patient orders rest, in ticks."""
    patience: int = 1_000
    """How many patient orders rest on each side."""
    lots: int = 1_000
    """The usual size of an order."""


@dataclass(frozen=True, kw_only=True)
class Instrument:
    """One thing that is traded; the market counts in its ticks and lots."""

    category: Category
    symbol: str
    base: str
    quote: str
    contract: str = ""
    """The V5 contract type; empty on spot."""
    price_scale: int
    """Decimals of a price."""
    tick: int
    """The price step, in units of the last decimal."""
    size_scale: int = 0
    lot: int = 1
    """The size step, in units of the last decimal."""
    launch_ms: int = 0
    """When it was launched: its candles reach back to here. With 0 they begin with the market."""
    delivery_ms: int | None = None
    """Of dated contracts."""
    premium: float = 0.0
    """How far its price stands above the index, as a ratio."""
    funding_minutes: int = 480
    temper: Temper = field(default_factory=Temper)

    def __post_init__(self) -> None:
        if self.price_scale + self.size_scale > 8:
            raise ValueError(f"{self.symbol}: price and size have at most 8 decimals together")

    @property
    def inverse(self) -> bool:
        """Whether sizes are contracts of 1 USD and values coin."""
        return self.category == "inverse"

    @property
    def perpetual(self) -> bool:
        """Whether it pays funding."""
        return self.contract.endswith("Perpetual")

    @property
    def band(self) -> int:
        """How far from the mark price an order may be, in thousandths of it."""
        return 5 if self.category == "spot" else 10

    @property
    def _risk(self) -> dict[str, str]:
        ratios = spelled(self.band, 3, trim=True), spelled(2 * self.band, 3, trim=True)
        return dict(zip(("priceLimitRatioX", "priceLimitRatioY"), ratios, strict=True))

    @property
    def settle(self) -> str:
        """The coin of profits, and of the insurance pool."""
        return self.base if self.inverse else self.quote

    @property
    def value_scale(self) -> int:
        """Decimals of a value: 8 of the coin where that is a quotient, else as many as it has."""
        return 8 if self.inverse else self.price_scale + self.size_scale

    def price(self, ticks: int) -> str:
        """Text of a price."""
        return spelled(ticks * self.tick, self.price_scale)

    def size(self, lots: int) -> str:
        """Text of a size."""
        return spelled(lots * self.lot, self.size_scale)

    def value(self, ticks: int, lots: int) -> int:
        """What a trade is worth, in units of ``10 ** -value_scale``, cut below."""
        return self.worth(ticks * self.tick, lots)

    def worth(self, units: int, lots: int) -> int:
        """The same at a price that need not be in ticks, in units of its last decimal."""
        if self.inverse:
            return lots * self.lot * 10 ** (8 + self.price_scale) // units
        return units * lots * self.lot

    def info(self, status: str, number: int) -> dict[str, object]:
        """Its item in an instruments-info answer; ``number`` is its ``symbolId``."""
        if self.category == "spot":
            return self._spot_info(status, number)
        return self._info(status, number)

    def _info(self, status: str, number: int) -> dict[str, object]:
        most = self.size(self.temper.lots * 10_000)
        tick = self.price(1)
        cap = "0.005" if self.perpetual else "0"
        return {
            "symbol": self.symbol,
            "contractType": self.contract,
            "status": status,
            "baseCoin": self.base,
            "quoteCoin": self.quote,
            "launchTime": str(self.launch_ms),
            "deliveryTime": str(self.delivery_ms or 0),
            "deliveryFeeRate": "" if self.delivery_ms is None else "0.0005",
            "priceScale": str(self.price_scale),
            "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
            "priceFilter": {"minPrice": tick, "maxPrice": self.price(4_000_000), "tickSize": tick},
            "lotSizeFilter": {
                "maxOrderQty": most,
                "minOrderQty": self.size(1),
                "qtyStep": self.size(1),
                "postOnlyMaxOrderQty": most,
                "maxMktOrderQty": self.size(self.temper.lots * 5_000),
                "minNotionalValue": "1" if self.inverse else "5",
            },
            "unifiedMarginTrade": True,
            "fundingInterval": self.funding_minutes if self.perpetual else 0,
            "settleCoin": self.settle,
            "copyTrading": "none",
            "upperFundingRate": cap,
            "lowerFundingRate": f"-{cap}" if self.perpetual else cap,
            "isPreListing": False,
            "preListingInfo": None,
            "riskParameters": self._risk,
            "displayName": "",
            "symbolType": "",
            "forbidUplWithdrawal": False,
            "symbolId": number,
        }

    def _spot_info(self, status: str, number: int) -> dict[str, object]:
        most = self.size(self.temper.lots * 10_000)
        return {
            "symbolId": number,
            "symbol": self.symbol,
            "baseCoin": self.base,
            "quoteCoin": self.quote,
            "innovation": "0",
            "status": status,
            "marginTrading": "utaOnly",
            "stTag": "0",
            "lotSizeFilter": {
                "basePrecision": self.size(1),
                "quotePrecision": spelled(1, self.value_scale),
                "minOrderQty": self.size(1),
                "maxOrderQty": most,
                "minOrderAmt": "5",
                "maxOrderAmt": "8000000",
                "maxLimitOrderQty": most,
                "maxMarketOrderQty": self.size(self.temper.lots * 5_000),
                "postOnlyMaxLimitOrderSize": most,
            },
            "priceFilter": {"tickSize": self.price(1)},
            "riskParameters": self._risk,
            "symbolType": "",
            "xstockMultiplier": "1",
        }

    @property
    def delivery(self) -> str:
        """The time of delivery as tickers write it, ISO text."""
        moment = datetime.fromtimestamp((self.delivery_ms or 0) // 1000, tz=UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
