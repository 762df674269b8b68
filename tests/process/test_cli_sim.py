"""``rxbybit sim``: an exchange for other programs."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

from tests.child import Child

RXBYBIT = (sys.executable, "-m", "rxbybit")
SIM = (*RXBYBIT, "sim")


def test_the_first_line_is_the_url_of_a_market_and_ctrl_c_ends_it() -> None:
    with Child((*SIM, "--seed", "7", "--speed", "5")) as child:
        url = child.line()
        with urllib.request.urlopen(f"{url}/v5/market/tickers?category=inverse") as response:
            tickers = json.load(response)["result"]["list"]
        assert "BTCUSD" in {ticker["symbol"] for ticker in tickers}
        with Child((*RXBYBIT, "trades", "--environment", url)) as trades:
            trades.lines_until("  trade   ")  # of any symbol
        child.interrupt()
        assert child.end() == (130, [], "")


def test_faults_come_out_of_a_file(tmp_path: Path) -> None:
    script = tmp_path / "faults.json"
    script.write_text('[{"fault": "refuse", "status": 503, "times": 1}]')
    with Child((*SIM, "--faults", str(script))) as child:
        url = child.line()
        with Child((*RXBYBIT, "tickers", "BTCUSD", "--environment", url)) as tickers:
            tickers.until_stderr("503")
            tickers.lines_until("BTCUSD")
        child.interrupt()
        child.end()


def test_help_and_mistakes() -> None:
    helped = subprocess.run([*SIM, "--help"], capture_output=True, text=True, timeout=60)
    assert helped.returncode == 0
    assert "usage: rxbybit sim" in helped.stdout
    wrong = subprocess.run([*SIM, "--nothing"], capture_output=True, text=True, timeout=60)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr == "rxbybit sim: unrecognized arguments: --nothing\n"
