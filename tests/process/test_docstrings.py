"""The examples in docstrings run as they stand, each as a script of its own."""

from __future__ import annotations

import inspect
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import rxbybit
from rxbybit.sim import DEMO_KEY, DEMO_SECRET, Recording, ServedExchange, serve_in_thread
from rxbybit.sim.market import Market
from tests.child import Child
from tests.restserver import RestServer, serve_rest

BLOCK = re.compile(r"^::\n\n((?: {4}.*\n|\n)+)", re.MULTILINE)
PRELUDE = "from reactivex import operators as ops\nfrom rxbybit import *\n"
PRIVATE = {"account", "balances", "orders", "positions", "stop_orders", "user_trades"}
KEY = {"BYBIT_API_KEY": DEMO_KEY, "BYBIT_API_SECRET": DEMO_SECRET}
EXPECTED = {
    *PRIVATE,
    "Bybit",
    "Credentials",
    "instruments",
    "counters",
    "insurance",
    "klines",
    "liquidations",
    "order_book",
    "order_book_updates",
    "rxbybit",
    "status",
    "ticker_updates",
    "tickers",
    "trades",
    "use",
}


def examples() -> Iterator[tuple[str, str]]:
    named = {"rxbybit": rxbybit, **{name: getattr(rxbybit, name) for name in rxbybit.__all__}}
    for name, thing in named.items():
        text = inspect.getdoc(thing)
        # An instance shows the docstring of its class, which is somebody else's.
        for block in BLOCK.findall(f"{text}\n") if hasattr(thing, "__name__") else ():
            code = inspect.cleandoc("\n" + block)
            yield name, code if "import" in code else PRELUDE + code


EXAMPLES = dict(examples())


@pytest.fixture(scope="module")
def market() -> Iterator[ServedExchange]:
    with serve_in_thread({"inverse": Recording.demo(speed=30)}) as served:
        yield served


@pytest.fixture(scope="module")
def account() -> Iterator[ServedExchange]:
    """With an account that trades by itself."""
    market = Market(seed=0, start_ms=time.time_ns() // 1_000_000)
    with serve_in_thread(market=market, on_time=True, speed=30, demo=True) as served:
        yield served


@pytest.fixture(scope="module")
def rest() -> Iterator[RestServer]:
    with serve_rest() as server:
        yield server


def test_there_is_an_example_of_everything() -> None:
    assert set(EXAMPLES) >= EXPECTED


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_runs(
    name: str,
    market: ServedExchange,
    account: ServedExchange,
    rest: RestServer,
    tmp_path: Path,
) -> None:
    url = rest.url if name == "instruments" else market.url
    url = account.url if name in PRIVATE else url
    script = tmp_path / "example.py"
    script.write_text(EXAMPLES[name], encoding="utf-8")
    with Child([sys.executable, str(script)], env={"RXBYBIT_ENVIRONMENT": url, **KEY}) as child:
        assert child.line()
        assert child.stderr == ""
