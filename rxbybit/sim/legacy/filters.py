"""What the ``args`` of a subscription mean.

Manual, "How to Subscribe". A filter is kept in its plain form: ``trade.BTCUSD``, ``trade.*`` or a
bare private word; a pipe list is several of them.
"""

from __future__ import annotations

from collections.abc import Collection

from rxbybit.sim.legacy.book import DEPTHS
from rxbybit.sim.market.candle import INTERVALS

__all__ = ["KINDS", "PRIVATE", "BadFilterError", "covers", "plain_filters"]

KINDS = (
    "trade",
    "instrument_info.100ms",
    *DEPTHS,
    *(f"klineV2.{interval}" for interval in INTERVALS),
    "liquidation",
    "insurance",
)
"""What stands before the symbol, or the coin, in each public topic."""
PRIVATE = ("position", "execution", "order", "stop_order", "wallet")


class BadFilterError(ValueError):
    """There is no such topic; the text is its name."""


def plain_filters(arg: str, known: Collection[str]) -> list[str]:
    """The plain filters that ``arg`` stands for, where the topics in ``known`` exist.

    ``known`` may have kinds of its own, as recordings do. A wildcard is good for any kind, also
    while nothing of it is there. Errors: :class:`BadFilterError`.

    >>> plain_filters("trade.BTCUSD|ETHUSD", ["trade.BTCUSD", "trade.ETHUSD"])
    ['trade.BTCUSD', 'trade.ETHUSD']
    >>> plain_filters("insurance", [])
    ['insurance.*']
    """
    if arg in PRIVATE:
        return [arg]
    kinds = {*KINDS, *(topic.rpartition(".")[0] for topic in known)} - {""}
    if arg in kinds:
        return [f"{arg}.*"]
    kind, _, values = arg.rpartition(".")
    if kind not in kinds:
        raise BadFilterError(arg)
    plain = [f"{kind}.{value}" for value in values.split("|")]
    for one in plain:
        if one != f"{kind}.*" and one not in known:
            raise BadFilterError(one)
    return plain


def covers(held: str, topic: str) -> bool:
    """Whether a plain filter lets a topic through."""
    return held == topic or held == f"{topic.rpartition('.')[0]}.*"
