"""``rxbybit demo`` and ``rxbybit watch`` on a terminal: what is seen, and what is left behind."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Iterator

import pytest

from rxbybit.sim import Recording, ServedExchange, Skip, serve_in_thread
from tests.terminal import Terminal

RXBYBIT = (sys.executable, "-m", "rxbybit")
DEMO = (*RXBYBIT, "demo")
WHOLE = ("rxbybit", "BTCUSD", "Book", "synced", "Candles", "Trades", "● 3 links connected", "▲")
ALTERNATE, CURSOR, WRAP = 1049, 25, 7


@pytest.fixture(scope="module")
def market() -> Iterator[ServedExchange]:
    with serve_in_thread({"inverse": Recording.demo(speed=10)}) as served:
        yield served


def assert_restored(terminal: Terminal) -> None:
    modes = terminal.screen.modes
    assert (modes[ALTERNATE], modes[CURSOR], modes[WRAP]) == (False, True, True)
    assert terminal.modes_after == terminal.modes_before


def events_in(text: str) -> int:
    found = re.search(r"events ([\d,]+)", text)
    return int(found[1].replace(",", "")) if found else 0


def test_the_demo_draws_and_ctrl_c_restores_the_terminal() -> None:
    with Terminal(DEMO) as terminal:
        terminal.until_shows(*WHOLE, "invented prices")
        modes = terminal.screen.modes
        assert (modes[ALTERNATE], modes[CURSOR], modes[WRAP]) == (True, False, False)
        terminal.press("\x03")
        assert terminal.end() == 130
        assert_restored(terminal)
        assert terminal.text.strip() in ("the end", "^Cthe end")


@pytest.mark.parametrize(("width", "height"), [(80, 24), (130, 40)])
def test_the_demo_shows_what_its_account_does(width: int, height: int) -> None:
    with Terminal(DEMO, width=width, height=height) as terminal:
        text = terminal.until(
            lambda text: (
                re.search(r"Position  (long|short) [\d,]+ at 6\d,\d{3}", text)
                and re.search(r"Orders +[1-9] open", text)
                and re.search(r"│ \d\d:\d\d:\d\d [▲▼]", text.split("Fills", 1)[1])
            ),
            "position, orders and fills",
        )
        assert "Book" in text
        assert "events/s" in text
        terminal.press("q")
        assert terminal.end() == 0
        assert_restored(terminal)


def test_the_account_is_shown_where_it_is_asked_for_alone() -> None:
    sim = (*RXBYBIT, "watch", "BTCUSD", "--environment", "sim")
    with Terminal((*sim, "--account")) as terminal:
        terminal.until_shows("Position", "Orders", "Fills", "open", "synced")
        terminal.press("q")
        assert terminal.end() == 0
    with Terminal(sim) as terminal:
        assert "Position" not in terminal.until_shows("Book", "Trades", "synced")
        terminal.press("q")
        assert terminal.end() == 0


def test_an_account_without_credentials_is_one_line_before_anything_is_drawn(
    market: ServedExchange,
) -> None:
    command = (*RXBYBIT, "watch", "BTCUSD", "--account", "--environment", market.url)
    none = {"BYBIT_API_KEY": "", "BYBIT_API_SECRET": ""}
    with Terminal(command, width=200, env=none) as terminal:
        assert terminal.end() == 2
        assert terminal.rows[0].startswith("rxbybit: a private stream needs credentials")
        assert ALTERNATE not in terminal.screen.modes


def test_it_follows_the_size_of_the_terminal() -> None:
    with Terminal(DEMO) as terminal:
        terminal.until_shows(*WHOLE)
        terminal.resize(130, 40)
        terminal.until_shows("─" * 100, "BTCUSD  6", "BTCUSDT  6")
        terminal.resize(40, 12)
        terminal.until_shows("─" * 20, "BTCUSD")
        assert "BTCUSDT  6" not in terminal.text
        terminal.press("\x03")
        assert terminal.end() == 130


def test_keys_change_the_market_and_quit() -> None:
    with Terminal(DEMO) as terminal:
        terminal.until_shows(*WHOLE, "q quit")
        terminal.until(lambda _: terminal.rows[1].startswith("BTCUSD  6"), "BTCUSD")
        terminal.press("\x1b[C")
        terminal.until(lambda _: terminal.rows[1].startswith("BTCUSDT  6"), "BTCUSDT")
        terminal.press("\x1b[D")
        terminal.until(lambda _: terminal.rows[1].startswith("BTCUSD  6"), "BTCUSD again")
        terminal.press("3")
        terminal.until(lambda _: terminal.rows[1].startswith("ETHUSD  1"), "the third")
        terminal.press("q")
        assert terminal.end() == 0
        assert_restored(terminal)


def test_the_cut_of_the_demo_is_seen_to_heal() -> None:
    script = "from rxbybit.cli.demo import play; play(None, cut_s=2)"
    with Terminal((sys.executable, "-c", script), height=40) as terminal:
        text = terminal.until_shows("reconnects 3", "synced")
        # not on the screen: what followed may have pushed it off
        assert re.search(r"connected again after (\d+\.\d) s", terminal.written)
        assert "the demo cuts the connection on purpose now" in terminal.written
        before = events_in(text)
        terminal.until(lambda text: events_in(text) > before, "events after the outage")
        terminal.press("q")
        assert terminal.end() == 0
        assert terminal.text.strip() == "the end", "the outage is told in the view alone"


def test_what_is_written_to_standard_error_comes_at_the_end() -> None:
    script = """
import sys
from rxbybit.cli.demo import play
from rxbybit.view import live

render = live.render
words = ["meanwhile"]

def noisy(*args, **kwargs):
    while words:
        print(words.pop(), file=sys.stderr)
    return render(*args, **kwargs)

live.render = noisy
play(1.0)
"""
    with Terminal((sys.executable, "-c", script)) as terminal:
        assert terminal.end() == 0
        assert_restored(terminal)
        # What is on the screen was written after the picture was gone.
        assert terminal.text.split() == ["meanwhile", "the", "end"]


def test_a_terminal_of_no_known_size_is_taken_for_80_by_24() -> None:
    with Terminal(DEMO, width=80, height=24) as terminal:
        terminal.until_shows(*WHOLE)
        terminal.forget_size()
        before = events_in(terminal.text)
        terminal.until(lambda text: events_in(text) > before, "events")
        terminal.press("q")
        assert terminal.end() == 0


def test_for_ends_it_with_status_0() -> None:
    with Terminal((*DEMO, "--for", "2s")) as terminal:
        assert terminal.end() == 0
        assert_restored(terminal)


def test_sigterm_restores_the_terminal_too() -> None:
    with Terminal(DEMO) as terminal:
        terminal.until_shows(*WHOLE)
        terminal.signal(signal.SIGTERM)
        assert terminal.end() == 143
        assert_restored(terminal)


def test_watch_shows_the_market_of_another_exchange(market: ServedExchange) -> None:
    command = (*RXBYBIT, "watch", "ETHUSD", "--environment", market.url, "--candles", "1m")
    with Terminal(command) as terminal:
        terminal.until_shows("ETHUSD  1", "1m each", market.url, "synced", "┃")
        terminal.press("q")
        assert terminal.end() == 0


def test_a_refused_symbol_ends_it_with_one_line(market: ServedExchange) -> None:
    command = (*RXBYBIT, "watch", "NOPEUSD", "--environment", market.url)
    with Terminal(command, width=200) as terminal:
        assert terminal.end() == 1
        assert_restored(terminal)
        told = terminal.text.strip().splitlines()
    assert len(told) == 2, told
    assert re.match(r"rxbybit: the exchange refused \w+\S*NOPEUSD", told[0])


def test_a_candle_that_cannot_be_is_named_before_anything_is_drawn() -> None:
    with Terminal((*RXBYBIT, "watch", "BTCUSD", "--candles", "7m"), width=200) as terminal:
        assert terminal.end() == 2
        assert terminal.rows[0].startswith("rxbybit: interval '7m': use one of 1m")
        assert ALTERNATE not in terminal.screen.modes


def asked(served: ServedExchange) -> list[str]:
    """What was asked of the book, in its order."""
    return [r.op for r in served.requests if "orderbook.50.BTCUSD" in r.args]


def test_a_missing_update_is_told_and_the_book_is_had_anew() -> None:
    fault = Skip(topic="orderbook.50.BTCUSD", nth=40)
    with serve_in_thread({"inverse": Recording.demo(speed=5)}, faults=(fault,)) as served:
        command = (*RXBYBIT, "watch", "BTCUSD", "--environment", served.url)
        with Terminal(command) as terminal:
            served.until(lambda: len(asked(served)) >= 3, timeout_s=20)
            terminal.until_shows("synced")
            terminal.press("q")
            assert terminal.end() == 0
        assert asked(served)[:3] == ["subscribe", "unsubscribe", "subscribe"]


def test_a_terminal_that_takes_nothing_delays_no_stream() -> None:
    with serve_in_thread({"inverse": Recording.demo(speed=20)}) as served:
        command = (*RXBYBIT, "watch", "BTCUSD", "ETHUSD", "--environment", served.url)
        with Terminal(command, width=130, height=50) as terminal:
            before = events_in(terminal.until_shows("● link 1 connected", "synced", "events "))
            terminal.stop_reading()
            (link,) = served.links
            sent = served.run(lambda: link.sent)
            served.until(lambda: served.run(lambda: link.sent) > sent + 1500, timeout_s=30)
            terminal.go_on_reading()
            # What is drawn next was counted meanwhile, and nothing of it is drawn late.
            terminal.until(lambda text: events_in(text) > before + 1000, "the latest state")
            assert served.run(lambda: len(served.exchange.connects)) == 1
            terminal.press("q")
            assert terminal.end() == 0
