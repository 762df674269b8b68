"""What is behind each websocket of an exchange: how it talks, and what can be heard there."""

from __future__ import annotations

import random
import string
import uuid
from collections.abc import Callable, Mapping
from typing import NamedTuple

from rxbybit.sim.accounts.half import PrivateHalf
from rxbybit.sim.accounts.signed import Times
from rxbybit.sim.endpoints import PUBLIC_ENDPOINTS, Endpoint, PublicEndpoint
from rxbybit.sim.faults import Faults
from rxbybit.sim.floor import Floor, MarketSource
from rxbybit.sim.legacy.session import LegacySession
from rxbybit.sim.legacy.source import LegacySource
from rxbybit.sim.player import RecordingSource
from rxbybit.sim.recording import Recording
from rxbybit.sim.source import Source
from rxbybit.sim.speech import PublicSpeech, Speech

__all__ = ["Served", "Sockets"]


class Served(NamedTuple):
    """What a new link is given."""

    conn_id: str
    speech: Speech
    source: Source


class Sockets:
    """Those with a recording play it, the others have the topics of the market behind ``floor``.

    Without a market they have none, and ``private`` is ``None``. ``clock`` is then the time by
    which legacy links authenticate, in vain. ``seed`` fixes the connection ids.
    Errors: ``ValueError`` for a recording of what is no such socket.
    """

    def __init__(
        self,
        recordings: Mapping[str, Recording],
        floor: Floor | None,
        private: PrivateHalf | None,
        faults: Faults,
        *,
        clock: Callable[[], int],
        seed: int,
    ) -> None:
        unknown = set(recordings).difference(PUBLIC_ENDPOINTS)
        if unknown:
            legal = ", ".join(PUBLIC_ENDPOINTS)
            raise ValueError(f"category {min(unknown)!r}: use one of {legal}")
        self._floor = floor
        self._private = private
        self._faults = faults
        self._clock = clock
        self._sources = {one: self._source(one, recordings.get(one)) for one in PUBLIC_ENDPOINTS}
        self._random = random.Random(seed)
        # Of its own: how many legacy links there are changes nothing on the others.
        self._legacy_random = random.Random(f"{seed}/legacy")

    def serve(self, endpoint: Endpoint, query: Mapping[str, str]) -> Served:
        """For a new link whose URL has this query."""
        conn_id = self._conn_id(endpoint)
        if endpoint == "legacy":
            old = LegacySession(
                self._sources["legacy"],
                None if self._private is None else self._private.desk,
                self._faults,
                plays=isinstance(self._sources["legacy"], RecordingSource),
                times=self._times,
                query=query,
            )
            return Served(conn_id, old, old)
        if endpoint != "private":
            return Served(conn_id, PublicSpeech(endpoint), self._sources[endpoint])
        if self._private is None:
            raise LookupError("nothing is private without a market")
        session = self._private.session(conn_id)
        return Served(conn_id, session, session)

    def restart(self, endpoint: PublicEndpoint | None) -> None:
        """Let the books of one begin anew, or of all."""
        for name, source in self._sources.items():
            if endpoint in (None, name):
                source.restart()

    def _source(self, endpoint: PublicEndpoint, recording: Recording | None) -> Source:
        if recording is not None or self._floor is None:
            return RecordingSource(recording or Recording([]))
        if endpoint == "legacy":
            return LegacySource(self._floor)
        return MarketSource(self._floor, endpoint)

    def _times(self) -> Times:
        if self._floor is not None:
            return self._floor.times()
        now_ms = self._clock()
        return Times(now_ms, now_ms)

    def _conn_id(self, endpoint: Endpoint) -> str:
        if endpoint == "legacy":
            return str(uuid.UUID(int=self._legacy_random.getrandbits(128), version=4))
        letters = string.digits + string.ascii_lowercase[:22]
        body = "".join(self._random.choices(letters, k=20))
        return f"{body}-{''.join(self._random.choices(letters, k=5))}"
