"""What an installation without extras must do; run outside the repository by CI."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

from reactivex import operators as ops

import rxbybit
from rxbybit.sim import Recording, serve_in_thread

EXTRAS = ("typer", "rich", "uvloop", "cryptography", "pytest")


def look_for_the_rsa_extra() -> None:
    try:
        rxbybit.Credentials.rsa("key", "the text of a PEM")
    except rxbybit.ConfigurationError as error:
        if "rxbybit[rsa]" in str(error):
            return
        sys.exit(f"an RSA key without the extra: {error}")
    sys.exit("an RSA key without the extra: no error")


def main() -> None:
    """Import the library, look at its files, stream a trade, and run its command."""
    package = Path(str(files("rxbybit")))
    if Path.cwd() in package.parents and "site-packages" not in package.parts:
        sys.exit(f"this is the source tree, not an installation: {package}")
    for name in rxbybit.__all__:
        getattr(rxbybit, name)
    loaded = [name for name in EXTRAS if name in sys.modules]
    if loaded:
        sys.exit(f"importing rxbybit loaded {', '.join(loaded)}")
    for wanted in ("py.typed", "sim/recordings/demo_inverse.jsonl"):
        if not package.joinpath(wanted).is_file():
            sys.exit(f"the distribution lacks {wanted}")
    with (
        serve_in_thread({"inverse": Recording.demo()}) as served,
        rxbybit.Bybit(served.url) as bybit,
    ):
        trade = bybit.trades("BTCUSD").pipe(ops.take(1)).run()
    if trade.symbol != "BTCUSD":
        sys.exit(f"streamed {trade}")
    look_for_the_rsa_extra()
    command = Path(sys.executable).with_name("rxbybit")
    for args in ([str(command), "decode"], [sys.executable, "-m", "rxbybit", "decode"]):
        ran = subprocess.run(
            args, check=False, capture_output=True, text=True, timeout=30, input=""
        )
        if ran.returncode != 1 or ran.stdout or len(ran.stderr.splitlines()) != 1:
            sys.exit(f"{args} without the extra: {ran}")
        if "rxbybit[cli]" not in ran.stderr:
            sys.exit(f"{args} does not name the extra: {ran.stderr}")
    print(f"smoke test passed: {len(rxbybit.__all__)} names, Python {sys.version.split()[0]}")


if __name__ == "__main__":
    main()
