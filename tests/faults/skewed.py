"""A program that signs in at the exchange whose URL it is given, and says what its clock shows."""

from __future__ import annotations

import sys
import time

from reactivex import operators as ops

from rxbybit import Bybit


def say(line: str) -> None:
    """Two threads do: ``print`` writes the end of a line apart."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(url: str) -> None:
    with Bybit(url, category="inverse") as bybit:
        bybit.status().subscribe(lambda status: say(type(status).__name__))
        balance = bybit.balances("BTC").pipe(ops.first()).run()
    say(f"{time.time_ns() // 1_000_000} {balance.wallet_balance}")


if __name__ == "__main__":
    main(sys.argv[1])
