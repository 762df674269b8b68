"""The picture, character by character, in the sizes that matter; and how the README has it."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console, Group
from rich.text import Text

from rxbybit import OrderBook, Ticker
from rxbybit.view.board import Board, Market
from rxbybit.view.candles import Candle
from rxbybit.view.chart import chart
from rxbybit.view.panels import book, headline
from rxbybit.view.render import columns_in, render
from rxbybit.view.rows import amount, bar, packed
from scripts.picture import PATH, demo_board, svg

PICTURES = Path(__file__).parent / "pictures"
SIZES = [(80, 24), (120, 40), (40, 12), (30, 8), (200, 50)]
D = Decimal


@pytest.fixture(scope="module")
def at_work() -> tuple[Board, float]:
    return demo_board()


def shown(rows: list[Text], width: int, height: int) -> str:
    """What rich makes of the rows on a terminal of that size."""
    console = Console(
        width=width, height=height, file=io.StringIO(), color_system=None, record=True
    )
    console.print(Group(*rows))
    return console.export_text()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_picture_is_as_it_was_approved(
    width: int, height: int, at_work: tuple[Board, float]
) -> None:
    board, now_s = at_work
    text = shown(render(board, width, height, now_s=now_s, keys="q quit"), width, height)
    lines = text.splitlines()
    assert len(lines) == height
    assert {len(line) for line in lines} == {width}
    # To approve another picture, delete its file, run this once, look at it and commit it.
    approved = PICTURES / f"{width}x{height}.txt"
    if not approved.exists():
        approved.parent.mkdir(exist_ok=True)
        approved.write_text(text, encoding="utf-8")
        pytest.fail(f"there was no {approved.name}: look at what is there now")
    assert text == approved.read_text(encoding="utf-8")


def test_an_empty_board_says_what_it_waits_for() -> None:
    text = shown(render(Board.of(["BTCUSD"]), 80, 24, now_s=0.0), 80, 24)
    for words in ("waiting for the ticker", "waiting", "no book yet", "none yet", "no connection"):
        assert words in text


def test_too_small_a_window_says_so() -> None:
    rows = render(Board.of(["BTCUSD"]), 20, 3, now_s=0.0)
    assert [row.plain for row in rows] == ["rxbybit needs 30 x 8", " " * 20, " " * 20]


@pytest.mark.parametrize(
    ("width", "markets", "columns"),
    [(80, 3, 1), (118, 3, 1), (119, 3, 2), (180, 3, 3), (400, 2, 2)],
)
def test_markets_stand_side_by_side_where_there_is_room(
    width: int, markets: int, columns: int
) -> None:
    assert columns_in(width, markets) == columns
    board = Board.of([f"COIN{n}USD" for n in range(markets)])
    top = render(board, width, 24, now_s=0.0, first=1)[1].plain
    names = [f"COIN{(1 + n) % markets}USD" for n in range(columns)]
    assert re.findall(r"COIN\dUSD", top) == names


def test_the_market_that_is_shown_is_marked_among_the_others() -> None:
    head = render(Board.of(["BTCUSD", "ETHUSD"]), 80, 24, now_s=0.0, first=1)[0]
    marked = [head.plain[s.start : s.end].strip() for s in head.spans if s.style == "reverse"]
    assert marked == ["ETHUSD"]


BIDS = [(D("99.5"), D(100000)), (D(9), D("0.25"))]
ASKS = [(D(100), D(3))]


def test_a_book_is_aligned_on_the_point_whatever_was_sent() -> None:
    made = OrderBook(symbol="X", depth=50, bids=BIDS, asks=ASKS)
    assert [row.plain for row in book(made, 32, 6)] == [
        "Book                      synced",
        "                                ",
        "100.0       3.00                ",
        "  0.5 spread                    ",
        " 99.5 100,000.00 ███████████████",
        "  9.0       0.25                ",
    ]


def test_a_book_shows_the_best_levels_that_there_is_room_for() -> None:
    asks = [(D(price), D(1)) for price in (103, 100, 102, 101)]
    made = OrderBook(symbol="X", depth=50, bids=BIDS, asks=asks)
    rows = [row.plain.split()[0] for row in book(made, 24, 5)]
    assert rows == ["Book", "100.0", "0.5", "99.5", "9.0"]


@pytest.mark.parametrize(
    ("state", "style"), [("synced", "green"), ("resyncing", "yellow"), ("stale", "yellow")]
)
def test_a_book_says_whether_it_can_be_trusted(state: str, style: str) -> None:
    made = OrderBook(symbol="X", depth=50, bids=BIDS, asks=ASKS, state=state)
    assert colours(book(made, 32, 6))[state] == style
    assert colours(book(None, 32, 6))["waiting"] == "yellow"


def test_the_candles_are_drawn_to_half_a_row() -> None:
    def candle(open_: int, high: int, low: int, close: int) -> Candle:
        return Candle(0, D(open_), D(high), D(low), D(close))

    # three rows are six halves: the prices 0 to 5
    shown_ = [candle(0, 5, 0, 5), candle(1, 5, 0, 4), candle(2, 2, 2, 2), candle(5, 5, 3, 3)]
    assert [row.plain for row in chart(shown_, "5s", 9, 4)] == [
        "Candles …",
        "┃╽ ┃    5",
        "┃┃╻╹     ",
        "┃╿      0",
    ]


def colours(rows: list[Text]) -> dict[str, str]:
    """The styles of what is shown, by its text."""
    return {row.plain[s.start : s.end].strip(): str(s.style) for row in rows for s in row.spans}


def test_what_rises_is_green_and_what_falls_is_red() -> None:
    up, down = Candle(0, D(1), D(2), D(1), D(2)), Candle(1, D(3), D(3), D(0), D(0))
    (row,) = chart([up, down], "5s", 12, 2)[1:]
    assert [str(span.style) for span in row.spans[:2]] == ["green", "red"]
    for change, style in (("0.01", "green"), ("-0.01", "red"), ("0", "")):
        market = Market("X", ticker=Ticker(symbol="X", last_price=D(5), change_24h=D(change)))
        found = colours(headline(market, None, 60, 1))
        assert found["5"] == f"bold {style}"
        assert [words for words, of in found.items() if "24 h" in words and of != style] == []


def test_candles_that_do_not_move_are_in_the_middle() -> None:
    still = Candle(0, D(5), D(5), D(5), D(5))
    assert [row.plain for row in chart([still], "5s", 9, 4)][1:] == [
        "        5",
        "╹        ",
        "        5",
    ]


def test_sizes_are_short_and_rows_cut_nothing_in_two() -> None:
    assert [amount(D(v)) for v in ("0", "999", "123456789", "1234567890123")] == [
        "0", "999", "123,456,789", "1,234.57B",
    ]  # fmt: skip
    assert amount(None) == "-"
    parts = [Text("a" * 6), Text("b" * 6), Text("c" * 6)]
    assert [row.plain for row in packed(parts, 14, 2)] == ["aaaaaa  bbbbbb", "cccccc"]
    assert [row.plain for row in packed(parts, 14, 1)] == ["aaaaaa  bbbbbb"]
    assert packed(parts, 5, 2) == []


def test_a_bar_is_drawn_to_an_eighth_and_never_longer_than_there_is_room() -> None:
    drawn = [bar(share, 4, style="").plain for share in (0.0, 0.125, 0.5, 1.0, 7.0, -1.0)]
    assert drawn == ["    ", "▌   ", "██  ", "████", "████", "    "]


def words(picture: str) -> Iterator[str]:
    for text in re.findall(r"<text[^>]*>([^<]*)</text>", picture):
        yield html.unescape(text)


def test_the_picture_of_the_readme_is_what_the_view_draws_and_loads_nothing() -> None:
    stored = PATH.read_text(encoding="utf-8")
    assert list(words(stored)) == list(words(svg())), "run scripts/picture.py"
    links = set(re.findall(r"\w+://[^\s\"'<&]+", re.sub(r"<text.*?</text>", "", stored)))
    assert links == {"http://www.w3.org/2000/svg"}
    assert "@import" not in stored
    assert "url(" not in stored.replace("url(#", "")
