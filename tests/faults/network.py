"""A network of its own for one thread, and for those that it starts, with rules of nftables."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import threading
from collections.abc import Callable

import pytest

__all__ = ["flush", "in_a_network", "rule", "tool"]

_CLONE_NEWNET = 0x40000000


def tool(name: str) -> str:
    """The path of a program; without it the test is skipped, and fails in CI."""
    path = shutil.which(name)
    if path is None:
        _missing(f"the program {name} is not installed (.ci/packages.txt names its package)")
    assert path is not None
    return path


def in_a_network(body: Callable[[], None]) -> None:
    """Call ``body`` where there is a loopback interface and nothing else, and no rule.

    Where that takes rights that this process has not, the test is skipped, and fails in CI.
    """
    ip, _ = tool("ip"), tool("nft")
    failed: list[BaseException] = []

    def work() -> None:
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.unshare(_CLONE_NEWNET):
                why = os.strerror(ctypes.get_errno())
                _missing(f"no network namespace can be made here: {why}")
            subprocess.run([ip, "link", "set", "lo", "up"], check=True)
            body()
        except BaseException as error:  # noqa: BLE001 - raised again where pytest looks
            failed.append(error)

    thread = threading.Thread(target=work, name="a network of its own")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


def rule(*texts: str) -> None:
    """Let these be the rules for what comes in, in the network of this thread."""
    lines = ["type filter hook input priority 0", *texts]
    chain = "\n".join(["chain in {", *lines, "}"])
    _nft(f"flush ruleset\ntable inet faults {{\n{chain}\n}}\n")


def flush() -> None:
    """Let everything in again."""
    _nft("flush ruleset\n")


def _nft(script: str) -> None:
    subprocess.run([tool("nft"), "-f", "-"], input=script, text=True, check=True)


def _missing(why: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)
