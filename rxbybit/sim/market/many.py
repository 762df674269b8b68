"""Invented instruments by the hundred, for tests of what hears every symbol."""

from __future__ import annotations

from itertools import islice, product
from string import ascii_uppercase

from rxbybit.config import Category
from rxbybit.sim.market.instruments import Instrument, Temper

__all__ = ["many_instruments"]

_QUIET = Temper(rate=0.02, spread=8, reach=300, patience=12, lots=500)


def many_instruments(
    category: Category, count: int, *, launch_ms: int = 0, temper: Temper = _QUIET
) -> tuple[Instrument, ...]:
    """``count`` instruments named ``XAAAUSDT``, ``XAABUSDT`` and so on, of inverse ``XAAAUSD``.

    All start near 1 USD, and by default so little happens that fifteen hundred of them trade in
    real time with ease. With ``launch_ms=0`` they have no candles from before the market, which
    would take a while to invent. The linear ``XAAAUSDT`` and the one on spot share their index.

    >>> [one.symbol for one in many_instruments("linear", 2)]
    ['XAAAUSDT', 'XAABUSDT']

    Errors: ``ValueError`` for options, and for more than 17,576.
    """
    if category == "option":
        raise ValueError("category 'option': use one of inverse, linear, spot")
    if not 0 <= count <= len(ascii_uppercase) ** 3:
        raise ValueError(f"count={count}: use 0 to {len(ascii_uppercase) ** 3}")
    quote = "USD" if category == "inverse" else "USDT"
    contracts = {"inverse": "InversePerpetual", "linear": "LinearPerpetual"}
    return tuple(
        Instrument(
            category=category,
            symbol=f"X{''.join(letters)}{quote}",
            base=f"X{''.join(letters)}",
            quote=quote,
            contract=contracts.get(category, ""),
            price_scale=4,
            tick=1,
            size_scale=0 if category == "inverse" else 1,
            launch_ms=launch_ms,
            temper=temper,
        )
        for letters in islice(product(ascii_uppercase, repeat=3), count)
    )
