"""What a client leaves behind: threads, tasks, timers, descriptors, and sockets to its server.

The servers of the tests live in the same process. A socket is theirs when somebody listens on
its own port, or when it is bound to ``BEYOND``, from which the proxies of the tests connect.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

__all__ = ["BEYOND", "Before", "open_sockets"]

BEYOND = "127.0.0.2"
_BEYOND = "".join(f"{int(part):02X}" for part in reversed(BEYOND.split(".")))
_LISTENS = "0A"
_DESCRIPTORS = Path("/proc/self/fd")


class Before:
    """What there was before a client; :meth:`again` waits until it is all there is."""

    def __init__(self) -> None:
        self._threads = _threads()
        self._tasks = asyncio.all_tasks()
        self._timers = _timers()
        self._descriptors = _descriptors()

    async def again(self, *ports: int, naps: int = 100) -> None:
        """Within a second no task, timer, thread or descriptor is new, and so no socket.

        It is counted in naps of 10 ms: on a machine that stands still they are longer, and each
        of our timers is due after as many of them, or fewer.
        """
        for _ in range(naps):
            if not self.new(*ports):
                return
            await asyncio.sleep(0.01)
        sockets = {port: open_sockets(port) for port in ports}
        pytest.fail(f"after {naps} naps: {self.new(*ports)}; sockets: {sockets}")

    def new(self, *ports: int) -> list[object]:
        """What there was not; sockets at ``ports`` are those of servers."""
        now = [(_threads(), self._threads), (asyncio.all_tasks(), self._tasks)]
        things = [thing for a, b in [*now, (_timers(), self._timers)] for thing in a - b]
        if things:
            return things
        opened = _descriptors() - self._descriptors
        # the kernel's table takes a millisecond, so it is read only when it matters
        return [*(opened - _served(ports) if opened else opened)]


def open_sockets(port: int) -> int:
    """How many TCP sockets of this process are connected to ``port``.

    The kernel's table has those of all processes of a network. A proxy may connect from a port of
    the same number, as it has another address.
    """
    ours = _descriptors()
    return sum(
        row.remote == port and row.peer != _BEYOND and f"socket:[{row.inode}]" in ours
        for row in _sockets()
    )


class _Socket(NamedTuple):
    address: str
    local: int
    peer: str
    remote: int
    state: str
    inode: str


def _sockets() -> Iterator[_Socket]:
    """Those of the network that this thread sees."""
    for table in ("tcp", "tcp6"):
        with Path(f"/proc/thread-self/net/{table}").open() as rows:
            for row in list(rows)[1:]:
                _, local, remote, state, *fields = row.split()
                address, _, port = local.rpartition(":")
                peer, _, far = remote.rpartition(":")
                yield _Socket(address, int(port, 16), peer, int(far, 16), state, fields[5])


def _descriptors() -> set[object]:
    """What this process has open."""
    found: set[object] = set()
    for descriptor in _DESCRIPTORS.iterdir():
        try:
            found.add(str(descriptor.readlink()))
        except FileNotFoundError:  # the one that lists them
            continue
    return found


def _served(ports: Collection[int]) -> set[object]:
    """The sockets of servers among them, and those from beyond a proxy."""
    sockets = list(_sockets())
    theirs = {row.local for row in sockets if row.state == _LISTENS} | set(ports)
    return {
        f"socket:[{row.inode}]" for row in sockets if row.local in theirs or row.address == _BEYOND
    }


def _threads() -> set[object]:
    """All but a server's, and the resolver's, which stays for half a second, idle."""
    others = ("rxbybit-resolver", "raw server")
    return {thread for thread in threading.enumerate() if thread.name not in others}


def _timers() -> set[object]:
    loop: Any = asyncio.get_running_loop()
    return {timer for timer in loop._scheduled if not timer.cancelled()}
