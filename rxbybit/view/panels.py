"""The panels of the view: each draws one thing into a width and a height."""

from __future__ import annotations

from decimal import Decimal

from rich.text import Text

from rxbybit.book import BookState, Level, OrderBook
from rxbybit.events import Side
from rxbybit.view.board import Board, Market
from rxbybit.view.rows import amount, bar, below, digits, fit, money, packed, title
from rxbybit.view.words import clock

__all__ = ["book", "headline", "rule", "status", "tape"]

GREEN, RED, YELLOW = "green", "red", "yellow"
MOODS = {"good": GREEN, "bad": RED, "note": YELLOW}
DAY_S = 86_400
MANY = 3
"""So many links are told as one."""


def headline(market: Market, exchange_ms: int | None, width: int, height: int) -> list[Text]:
    """The last price and its change, and below what else the ticker says."""
    ticker = market.ticker
    if ticker is None:
        first = Text.assemble((market.symbol, "bold"), ("  waiting for the ticker", "dim"))
        return below([first], width, height)
    change = ticker.change_24h
    colour = "" if not change else GREEN if change > 0 else RED
    arrow = "" if not change else "▲ " if change > 0 else "▼ "
    places = digits((ticker.last_price, ticker.bid_price, ticker.ask_price))
    first = Text.assemble(
        (market.symbol, "bold"),
        "  ",
        (money(ticker.last_price, places), f"bold {colour}"),
        "  ",
        ("-" if change is None else f"{arrow}{change * 100:+.2f} % in 24 h", colour),
    )
    facts = [
        _fact("mark", money(ticker.mark_price, digits((ticker.mark_price,)))),
        _fact("index", money(ticker.index_price, digits((ticker.index_price,)))),
        _fact("funding", _funding(market, exchange_ms)),
        _fact("interest", amount(ticker.open_interest)),
        _fact("high", money(ticker.high_24h, places)),
        _fact("low", money(ticker.low_24h, places)),
        _fact("volume", amount(ticker.volume_24h)),
    ]
    shown = [fact for fact in facts if not fact.plain.endswith(" -")]
    return below([first, *packed(shown, width, height - 1)], width, height)


def book(held: OrderBook | None, width: int, height: int) -> list[Text]:
    """Asks above bids, best in the middle, each with a bar for its size."""
    state = "waiting" if held is None else held.state
    head = title("Book", state, width, GREEN if state == BookState.SYNCED else YELLOW)
    above = max(1, (height - 2) // 2)
    bids = () if held is None else held.bids[: max(1, height - 2 - above)]
    asks = () if held is None else held.asks[:above]
    both = bids + asks
    places, size_places = digits(p for p, _ in both), digits(s for _, s in both)
    prices = [money(price, places) for price, _ in both]
    sizes = [amount(size, size_places) for _, size in both]
    price_width = max(map(len, prices), default=0)
    size_width = max(map(len, sizes), default=0)
    most = max((size for _, size in both), default=Decimal(0))

    def row(level: Level, colour: str) -> Text:
        price, size = level
        return Text.assemble(
            (f"{money(price, places):>{price_width}}", colour),
            f" {amount(size, size_places):>{size_width}} ",
            bar(
                float(size / most) if most > 0 else 0.0,
                max(0, width - price_width - size_width - 2),
                style=f"{colour} dim",
            ),
        )

    rows = [head, *[Text("")] * (above - len(asks)), *(row(ask, RED) for ask in reversed(asks))]
    rows.append(_spread(bids, asks, places, price_width))
    return below([*rows, *(row(bid, GREEN) for bid in bids)], width, height)


def _spread(bids: tuple[Level, ...], asks: tuple[Level, ...], places: int, width: int) -> Text:
    if not (bids and asks):
        return Text("one side only" if bids or asks else "no book yet", style="dim")
    return Text(f"{money(asks[0][0] - bids[0][0], places):>{width}} spread", style="dim")


def tape(market: Market, width: int, height: int) -> list[Text]:
    """The last trades, newest first."""
    trades = list(market.trades)[: max(0, height - 1)]
    places, size_places = digits(t.price for t in trades), digits(t.size for t in trades)
    price_width = max((len(money(t.price, places)) for t in trades), default=0)
    size_width = max((len(amount(t.size, size_places)) for t in trades), default=0)
    rows = [title("Trades", "" if trades else "none yet", width)]
    for trade in trades:
        buy = trade.side == Side.BUY
        rows.append(
            Text.assemble(
                (clock(trade.time)[: 12 if width > 36 else 8], "dim"),
                (
                    f" {'▲' if buy else '▼'} {money(trade.price, places):>{price_width}}",
                    GREEN if buy else RED,
                ),
                f" {amount(trade.size, size_places):>{size_width}}",
            )
        )
    return below(rows, width, height)


def status(board: Board, now_s: float, width: int, height: int) -> list[Text]:
    """The links and counters, and the end of the log."""
    counts = board.counts
    links = _links(board)
    told = [
        Text(f"{board.rate(now_s):,.0f} events/s"),
        _fact("events", f"{counts.events:,}"),
        _fact("reconnects", f"{counts.reconnects:,}"),
        _fact("gaps", f"{counts.gaps:,}"),
        *(_fact(name, f"{n:,}") for name, n in (("undecodable", counts.undecodable),) if n),
        *(_fact(name, f"{n:,}") for name, n in (("dropped", counts.dropped),) if n),
    ]
    first = packed([*(links or [Text("no connection yet", style="dim")]), *told], width, 1)
    entries = [
        Text.assemble((f"{entry.at} ", "dim"), (entry.words, MOODS[entry.mood]))
        for entry in list(board.log)[-max(0, height - 1) :]
    ]
    rows = first + (entries if height > 1 else [])
    return below(rows, width, height)


def _links(board: Board) -> list[Text]:
    """One each, but those that are well are one where they would leave no room for the counters."""
    links = [link for _, link in sorted(board.links.items(), key=lambda item: item[0] or 0)]
    good = [link for link in links if link.mood == "good"]
    told: list[Text] = []
    if len(good) >= MANY:
        told.append(Text.assemble(("● ", MOODS["good"]), f"{len(good)} links connected"))
        links = [link for link in links if link.mood != "good"]
    return told + [Text.assemble(("● ", MOODS[link.mood]), link.words) for link in links]


def _fact(name: str, value: str) -> Text:
    return Text.assemble((f"{name} ", "dim"), value)


def _funding(market: Market, exchange_ms: int | None) -> str:
    ticker = market.ticker
    if ticker is None or ticker.funding_rate is None:
        return "-"
    rate = f"{ticker.funding_rate * 100:+.4f} %"
    if ticker.next_funding_ms is None or exchange_ms is None:
        return rate
    left_s = max(0, ticker.next_funding_ms - exchange_ms) // 1000
    hours, minutes, seconds = left_s // 3600, left_s // 60 % 60, left_s % 60
    return f"{rate} in {hours}:{minutes:02d}:{seconds:02d}"


def rule(width: int, words: str) -> Text:
    """A line from edge to edge, with ``words`` at its right end."""
    label = f" {words} ─" if words else ""
    return fit(Text("─" * max(0, width - len(label)) + label, style="dim"), width)
