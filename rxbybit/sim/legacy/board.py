"""The topics of this wire, built from the market that V5 has too."""

from __future__ import annotations

from collections.abc import Iterator

from rxbybit.sim.legacy.book import DEPTHS, BookFeed
from rxbybit.sim.legacy.candles import CandleFeed
from rxbybit.sim.legacy.filters import KINDS, covers
from rxbybit.sim.legacy.liquidations import InsuranceFeed, LiquidationFeed, next_report_ms
from rxbybit.sim.legacy.ticker import TickerFeed
from rxbybit.sim.legacy.trades import TradeFeed
from rxbybit.sim.market import Market
from rxbybit.sim.market.feeds import Content, Feed, Phase
from rxbybit.sim.market.pit import Pit

__all__ = ["Board", "topics_of"]

_INSURANCE = "insurance"
_RANK = -10
"""Insurance frames come before others of their millisecond, behind those of V5."""


class Board:
    """What can be heard of inverse contracts, perpetual and dated.

    Its frames come out of :meth:`Market.advance` among those of V5; which of them are wanted
    changes nothing in what is traded.
    """

    def __init__(self, market: Market) -> None:
        self._market = market
        self._topics: frozenset[str] = frozenset()
        self._listed: frozenset[str] | None = None
        self._pits: dict[str, Pit] = {}
        self._insurance: dict[str, InsuranceFeed] = {}

    @property
    def topics(self) -> frozenset[str]:
        """Every topic that there is now."""
        listed = self._market.topics("inverse")
        if listed is not self._listed:  # another set after each listing and delisting
            self._listed = listed
            self._topics = frozenset(topic for pit in self._inverse() for topic in topics_of(pit))
        return self._topics

    def matching(self, held: str) -> list[str]:
        """The topics that a plain filter lets through, in the order of their listing."""
        found = (t for pit in self._inverse() for t in topics_of(pit) if covers(held, t))
        return list(dict.fromkeys(found))

    def want(self, topic: str) -> None:
        """Build the frames of a topic that there is; what is wanted already stays so."""
        kind, _, name = topic.rpartition(".")
        if topic in self._pits or topic in self._insurance:
            return
        if kind == _INSURANCE:
            self._insurance[topic] = InsuranceFeed(name, self._market.pools)
            pit = next(pit for pit in self._inverse() if pit.instrument.settle == name)
            self._report_due(topic, pit, self._market.now_ms)
            return
        pit = self._pits[topic] = self._market.pits["inverse", name]
        pit.attach(kind, _feed(kind, pit, self._market.now_ms), self._market.now_ms)

    def forget(self, topic: str) -> None:
        """Build them no more."""
        self._insurance.pop(topic, None)
        pit = self._pits.pop(topic, None)
        if pit is not None:
            pit.forget(topic.rpartition(".")[0])

    def snapshot(self, topic: str) -> Content | None:
        """The first frame for who subscribes now to a topic that is wanted, if there is one."""
        now_ms = self._market.now_ms
        if topic in self._insurance:
            return self._insurance[topic].snapshot(now_ms)
        pit = self._pits.get(topic)
        return None if pit is None else pit.snapshot(topic.rpartition(".")[0], now_ms)

    def _inverse(self) -> Iterator[Pit]:
        return (pit for (where, _), pit in self._market.pits.items() if where == "inverse")

    def _report_due(self, topic: str, pit: Pit, ms: int) -> None:
        feed = self._insurance[topic]

        def report(now_ms: int) -> list[Content]:
            if self._insurance.get(topic) is not feed:
                return []
            self._report_due(topic, pit, now_ms)
            return [feed.snapshot(now_ms)]

        pit.schedule(next_report_ms(ms), Phase.FRAMES, _RANK, report)


def topics_of(pit: Pit) -> Iterator[str]:
    """Every topic that tells of a contract; of what is not inverse none does."""
    one = pit.instrument
    if one.category == "inverse":
        for kind in KINDS:
            yield f"{kind}.{one.settle if kind == _INSURANCE else one.symbol}"


def _feed(kind: str, pit: Pit, ms: int) -> Feed:
    one = pit.instrument
    if kind in DEPTHS:
        return BookFeed(one, pit.book, kind)
    match kind.partition("."):
        case "trade", _, _:
            return TradeFeed(one, pit.tape)
        case "instrument_info", _, _:
            return TickerFeed(pit, ms)
        case "liquidation", _, _:
            return LiquidationFeed(one)
        case _, _, interval:
            return CandleFeed(one, pit.candles, interval, pit.book)
