"""The market: every instrument on one clock, which only its caller moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from heapq import heappop, heappush

from rxbybit.config import Category
from rxbybit.sim.market.catalogue import (
    OPENING,
    Delisting,
    Listing,
    Script,
    check_script,
    default_instruments,
    default_script,
)
from rxbybit.sim.market.feeds import Content, Phase, Push
from rxbybit.sim.market.index import INDEX_MS, Index, Priced
from rxbybit.sim.market.instruments import Instrument
from rxbybit.sim.market.liquidations import Pool, PoolFeed
from rxbybit.sim.market.options import OptionContract, OptionPrice
from rxbybit.sim.market.pit import Pit, Watcher, kinds_of

__all__ = ["Market", "Push"]

_POOLS: dict[str, tuple[Category, str]] = {
    "insurance.inverse": ("inverse", ""),
    "insurance.USDT": ("linear", "USDT"),
    "insurance.USDC": ("linear", "USDC"),
}
"""The insurance topics: on which socket, and of which coin if not of all."""
_EARLIEST_MS = 946_684_800_000
_Act = Callable[[int], list[Content]]
_Key = tuple[Category, str]


class Market:
    """Everything that is traded, from ``start_ms`` (exchange milliseconds) on.

    ``instruments`` are listed at once, the default ones when there are none given; what is in
    ``script`` is listed and delisted later. Nothing happens but in :meth:`advance`, and the same
    seed, instruments, script and calls give the same frames. Which topics are wanted changes
    nothing in what is traded.

    >>> market = Market(seed=7, start_ms=1_767_571_200_000)
    >>> market.want("inverse", "publicTrade.BTCUSD")
    >>> pushes = list(market.advance(market.now_ms + 10_000))
    >>> {push.topic for push in pushes}
    {'publicTrade.BTCUSD'}

    Errors: ``ValueError`` for a time before the year 2000, a symbol that is listed twice, and a
    delisting of what was not listed.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        start_ms: int,
        instruments: tuple[Instrument, ...] | None = None,
        script: Script | None = None,
    ) -> None:
        if start_ms < _EARLIEST_MS:
            raise ValueError(f"start_ms={start_ms}: use milliseconds since 1970, 2000 or later")
        self.now_ms = start_ms
        self.pits: dict[_Key, Pit] = {}
        """What trades now."""
        self.watcher: Watcher | None = None
        """Who has orders besides the crowds: of every pit that is listed from now on."""
        self.on_listing: Callable[[Pit, int], list[Content]] = _nothing_follows
        """Told of what is listed later, and when; gives frames that follow from it."""
        self._seed = seed
        self._heap: list[tuple[int, Phase, int, int, Category, _Act]] = []
        self._entries = 0
        self._indices: dict[str, Index] = {}
        self._pits: dict[_Key, Pit] = {}
        """What trades or has traded."""
        self._pools: dict[str, PoolFeed] = {}
        self._topics: dict[Category, frozenset[str]] = {}
        """Of a category, since its last listing or delisting."""
        self._coins: set[str] = set()
        """Those of whose options the trades are wanted."""
        if script is None:
            script = default_script(start_ms) if instruments is None else ()
        if instruments is None:
            instruments = default_instruments(start_ms)
        check_script(instruments, script)
        for instrument in instruments:
            self._list(instrument, start_ms)
        for rank, event in enumerate(script):
            act, category = self._act(event)
            self.schedule(category, start_ms + event.after_ms, Phase.SCRIPT, rank, act)
        self.schedule("inverse", start_ms + INDEX_MS, Phase.INDEX, 0, self._move_indices)

    def advance(self, to_ms: int) -> Iterator[Push]:
        """Let time pass up to and including ``to_ms``; gives the frames in their order.

        An iterator: time passes as it is read, and stands still where nobody reads on.
        """
        heap = self._heap
        while heap and heap[0][0] <= to_ms:
            ms, _, _, _, category, act = heappop(heap)
            self.now_ms = ms
            for content in act(ms):
                yield Push(ms, category, content["topic"], content)
        self.now_ms = max(self.now_ms, to_ms)

    def topics(self, category: Category) -> frozenset[str]:
        """Every topic that a socket has now."""
        if category in self._topics:
            return self._topics[category]
        found = {topic for topic, (where, _) in _POOLS.items() if where == category}
        for (where, symbol), pit in self.pits.items():
            if where == category:
                found.update(f"{kind}.{symbol}" for kind in kinds_of(pit.instrument))
                if category == "option":
                    found.remove(f"publicTrade.{symbol}")
                    found.add(f"publicTrade.{pit.instrument.base}")
        return self._topics.setdefault(category, frozenset(found))

    def want(self, category: Category, topic: str) -> None:
        """Build the frames of a topic from now on; what is wanted already stays so.

        Errors: ``ValueError`` for a topic that the socket does not have now.
        """
        if topic in _POOLS and _POOLS[topic][0] == category:
            if topic not in self._pools:
                self._pools[topic] = PoolFeed(topic, self._pools_of(topic))
                self._pool_due(topic, self.now_ms)
            return
        kind, _, symbol = topic.rpartition(".")
        if category == "option" and kind == "publicTrade":
            self._want_trades(symbol)
            return
        pit = self.pits.get((category, symbol))
        if pit is None or kind not in kinds_of(pit.instrument):
            raise ValueError(f"no topic {topic!r} on the {category} socket")
        pit.want(kind, self.now_ms)

    def forget(self, category: Category, topic: str) -> None:
        """Build them no more; the numbers of a book go on from here when it is wanted again."""
        self._pools.pop(topic, None)
        kind, _, symbol = topic.rpartition(".")
        if category == "option" and kind == "publicTrade":
            self._coins.discard(symbol)
            for pit in self._options_on(symbol):
                pit.forget(kind)
            return
        pit = self._pits.get((category, symbol))
        if pit is not None:
            pit.forget(kind)

    def snapshot(self, category: Category, topic: str) -> Content | None:
        """The first frame for who subscribes now to a topic that is wanted.

        Of a book and a ticker it is the state on which the next delta of :meth:`advance` fits, of
        candles the running one. ``None`` for a topic without such a thing, or not wanted.
        """
        if topic in self._pools and _POOLS[topic][0] == category:
            return self._pools[topic].snapshot(self.now_ms)
        kind, _, symbol = topic.rpartition(".")
        pit = self._pits.get((category, symbol))
        return None if pit is None else pit.snapshot(kind, self.now_ms)

    def restart(self, category: Category) -> list[Push]:
        """Let the numbers of all books of a socket begin at 1 again, as after a restart.

        Gives a snapshot of each that is wanted (V5 manual, "Orderbook": a snapshot with ``u`` 1
        in the middle of a subscription).
        """
        contents = [
            content
            for (where, _), pit in self.pits.items()
            if where == category
            for content in pit.restart(self.now_ms)
        ]
        return [Push(self.now_ms, category, content["topic"], content) for content in contents]

    def instruments(self, category: Category, status: str = "Trading") -> list[Content]:
        """The items of an instruments-info answer: what is ``Trading``, or what is ``Closed``."""
        return [
            pit.instrument.info(status, number)
            for number, ((where, _), pit) in enumerate(self._pits.items(), 1)
            if where == category and pit.status == status
        ]

    def pools(self) -> list[Pool]:
        """The insurance pool of every contract that is listed, or was."""
        return [pit.pool for pit in self._pits.values() if pit.on_credit]

    def coin_price(self, coin: str) -> float:
        """A coin in USD, 1 where nothing of it is traded."""
        index = self._indices.get(coin)
        return 1.0 if index is None else index.price

    def was_listed(self, category: Category, symbol: str) -> bool:
        """Whether it trades, or has traded."""
        return (category, symbol) in self._pits

    def schedule(self, category: Category, ms: int, phase: Phase, rank: int, act: _Act) -> None:
        """Have ``act`` called at an exchange time; what it gives are frames of the category."""
        self._entries += 1
        heappush(self._heap, (ms, phase, rank, self._entries, category, act))

    def _list(self, instrument: Instrument, ms: int) -> Pit:
        key = instrument.category, instrument.symbol
        coin = instrument.base
        if coin not in self._indices:
            self._indices[coin] = Index(f"{self._seed}/{coin}", OPENING.get(coin, 1.0))
        priced: Priced = self._indices[coin]
        if isinstance(instrument, OptionContract):
            priced = OptionPrice(instrument, self._indices[coin], lambda: self.now_ms)
        pit = Pit(
            instrument,
            seed=f"{self._seed}/{instrument.category}/{instrument.symbol}",
            index=priced,
            ms=ms,
            number=len(self._pits),
            schedule=partial(self.schedule, instrument.category),
        )
        pit.watcher = self.watcher
        self.pits[key] = self._pits[key] = pit
        self._topics.pop(instrument.category, None)
        if instrument.category == "option" and coin in self._coins:
            pit.want("publicTrade", ms)
        for topic, feed in self._pools.items():
            feed.pools = self._pools_of(topic)
        return pit

    def _options_on(self, coin: str) -> list[Pit]:
        return [
            pit
            for (where, _), pit in self.pits.items()
            if where == "option" and pit.instrument.base == coin
        ]

    def _want_trades(self, coin: str) -> None:
        """Those of every option on a coin are one topic."""
        pits = self._options_on(coin)
        if not pits:
            raise ValueError(f"no topic 'publicTrade.{coin}' on the option socket")
        self._coins.add(coin)
        for pit in pits:
            pit.want("publicTrade", self.now_ms)

    def _act(self, event: Listing | Delisting) -> tuple[_Act, Category]:
        """What a line of the script does, and on which socket it is heard."""
        if isinstance(event, Listing):
            listed = event.instrument
            return lambda ms: self.on_listing(self._list(listed, ms), ms), listed.category
        key = event.category, event.symbol

        def end(ms: int) -> list[Content]:
            self._topics.pop(event.category, None)
            return self.pits.pop(key).close(ms)

        return end, event.category

    def _move_indices(self, ms: int) -> list[Content]:
        for index in self._indices.values():
            index.move()
        self.schedule("inverse", ms + INDEX_MS, Phase.INDEX, 0, self._move_indices)
        return []

    def _pools_of(self, topic: str) -> list[Pool]:
        category, coin = _POOLS[topic]
        return [
            pit.pool
            for (where, _), pit in self._pits.items()
            if where == category and coin in ("", pit.instrument.settle)
        ]

    def _pool_due(self, topic: str, ms: int) -> None:
        category, feed = _POOLS[topic][0], self._pools[topic]

        def flush(now: int) -> list[Content]:
            if self._pools.get(topic) is not feed:
                return []
            self._pool_due(topic, now)
            return feed.flush(now)

        due = ms // feed.every_ms * feed.every_ms + feed.every_ms
        rank = -1 - list(_POOLS).index(topic)
        self.schedule(category, due, Phase.FRAMES, rank, flush)


def _nothing_follows(_: Pit, __: int) -> list[Content]:
    return []
