"""What one connection has asked for, what it was told, and what to ask next.

Pure bookkeeping: the session feeds it what was wanted and what was read, and sends what
:meth:`Subscriptions.requests` gives. The rules it keeps (V5 manual, "Connect", and what users
report of refusals): data may come before the acknowledgement of its own subscription; one
topic that is unknown or already subscribed voids a whole request, so the others are asked for
again; requests on one connection are answered in their order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import count

from msgspec import Struct
from msgspec.json import encode

from rxbybit.protocol.base import Operation, Reply, WireProtocol

__all__ = ["Answer", "Request", "Subscriptions", "characters"]

MOST_LATE = 64
"""How many requests are remembered whose answers are overdue."""


class Request(Struct, frozen=True):
    """A frame to send."""

    id: str
    operation: Operation
    topics: tuple[str, ...]


class Answer(Struct, frozen=True):
    """What a reply changed: topics that live now, and topics that never will."""

    live: tuple[str, ...] = ()
    refused: Mapping[str, str] = {}


class _Wanted(Struct):
    """A wanted topic: the last request that asked for it here, and whether it delivers.

    ``sent`` is true while the exchange may hold a subscription of it on this connection,
    ``renewed`` when it was asked for anew, so that "already subscribed" is not what was meant.
    """

    asked: str | None = None
    live: bool = False
    sent: bool = False
    renewed: bool = False


class _Open(Struct):
    """A request that has not been answered."""

    request: Request
    sent_s: float


def characters(topic: str) -> int:
    """What ``topic`` adds to the JSON text of ``args``, its comma or bracket included."""
    return len(encode(topic)) + 1


class Subscriptions:
    """The subscription registry of one connection, across its reconnects."""

    def __init__(self, wire: WireProtocol) -> None:
        self._wire = wire
        self._ids = count(1)
        self._wanted: dict[str, _Wanted] = {}
        self._fresh: dict[str, None] = {}  # to be asked for, in as few requests as possible
        self._apart: list[tuple[str, ...]] = []  # to be asked for in requests of their own
        self._leaving: dict[str, None] = {}
        self._open: dict[str, _Open] = {}
        self._late: list[Request] = []  # overdue, but the answer may still come
        self._stuck: dict[str, None] = {}  # to be renewed once more, as the exchange did not
        self._size = 0

    @property
    def topics(self) -> tuple[str, ...]:
        """Every wanted topic, in the order wanted."""
        return tuple(self._wanted)

    @property
    def live(self) -> tuple[str, ...]:
        """The wanted topics that the exchange has confirmed or begun to send."""
        return tuple(topic for topic, wanted in self._wanted.items() if wanted.live)

    def waiting_since(self, now_s: float) -> float | None:
        """When the oldest request was sent that has not been answered; ``None`` without any."""
        oldest = next(iter(self._open.values()), None)
        if oldest is not None:
            return oldest.sent_s
        return now_s if self._stuck else None

    def fits(self, topic: str) -> bool:
        """Whether the connection has room for one topic more."""
        return self._size + characters(topic) < self._wire.characters_per_connection

    def want(self, topic: str) -> None:
        """Ask for ``topic`` with the next requests; nothing when it is wanted already."""
        if topic not in self._wanted:
            self._wanted[topic] = _Wanted()
            self._fresh[topic] = None
            self._size += characters(topic)

    def drop(self, topic: str) -> None:
        """Want ``topic`` no longer."""
        wanted = self._wanted.pop(topic, None)
        if wanted is not None:
            self._size -= characters(topic)
            self._fresh.pop(topic, None)
            if wanted.sent:
                self._leaving[topic] = None

    def renew(self, topic: str) -> None:
        """Unsubscribe and subscribe again, so that a snapshot comes."""
        wanted = self._wanted.get(topic)
        if wanted is not None and wanted.sent:
            self._leaving[topic] = None
            self._ask_again([topic])
            self._wanted[topic].renewed = True

    def closed(self) -> tuple[str, ...]:
        """The connection is gone: everything wanted is to be asked for anew.

        Gives the topics that were live on it.
        """
        live = self.live
        self._open.clear()
        self._late.clear()
        self._stuck.clear()
        self._leaving.clear()
        self._apart.clear()
        self._ask_again(self._wanted)
        return live

    def requests(self, now_s: float, locked: Collection[str] = ()) -> list[Request]:
        """What to send now: unsubscribes first, then subscribes, in the wire's portions.

        What is ``locked`` waits for a later time.
        """
        leaving = self._portions(self._leaving)
        waiting = [topic for topic in self._fresh if topic in locked]
        coming = [*self._apart, *self._portions(t for t in self._fresh if t not in locked)]
        self._leaving.clear()
        self._fresh = dict.fromkeys(waiting)
        self._apart.clear()
        made = [self._make("unsubscribe", part, now_s) for part in leaving]
        made += [self._make("subscribe", part, now_s) for part in coming]
        return [request for request in made if request is not None]

    def data(self, topic: str) -> bool:
        """A data frame of ``topic`` has come; True when that is how it became live."""
        wanted = self._wanted.get(topic)
        if wanted is None or wanted.live or self.early(topic):
            return False
        wanted.live = True
        return True

    def early(self, topic: str) -> bool:
        """Whether data of a wanted topic may still be what was subscribed before it was left.

        Also as a part of a topic that covers it.
        """
        if self._wanted[topic].asked is None:
            return True
        left = {topic, self._wire.covering(topic)}
        asked = (held.request for held in self._open.values())
        return any(
            one.operation == "unsubscribe" and not left.isdisjoint(one.topics) for one in asked
        )

    def reply(self, reply: Reply) -> Answer:
        """Take in an answer; whatever must be asked again is in the next :meth:`requests`."""
        request = self._answered(reply)
        if request is None or request.operation == "unsubscribe":
            return Answer()
        mine = [topic for topic in request.topics if self._current(topic, request.id)]
        refused = {topic: reply.refused[topic] for topic in mine if topic in reply.refused}
        good = [topic for topic in mine if topic not in refused]
        if not reply.success:
            stuck = [t for t in good if t in reply.accepted and self._wanted[t].renewed]
            self._stuck |= dict.fromkeys(stuck)
            taken = [t for t in good if t in reply.accepted or self._wanted[t].live]
            rest = [t for t in good if t not in taken]
            refused |= self._refusal(request, rest, reply)
            good = taken
        news = tuple(topic for topic in good if not self._wanted[topic].live)
        for topic in good:
            self._wanted[topic].live = True
        for topic in refused:
            del self._wanted[topic]
            self._size -= characters(topic)
        return Answer(news, refused)

    def overdue(self, before_s: float) -> tuple[str, ...]:
        """Ask again for what was asked before ``before_s`` and neither answered nor sent."""
        late: list[str] = []
        for held in [held for held in self._open.values() if held.sent_s <= before_s]:
            del self._open[held.request.id]
            self._late.append(held.request)
            if held.request.operation == "subscribe":
                mine = (t for t in held.request.topics if self._current(t, held.request.id))
                late += (topic for topic in mine if not self._wanted[topic].live)
        del self._late[:-MOST_LATE]
        self._ask_again(late, sent=True)
        stuck, self._stuck = self._stuck, {}
        for topic in stuck:
            self.renew(topic)
        return tuple(late)

    def _refusal(self, request: Request, rest: list[str], reply: Reply) -> dict[str, str]:
        """Split what a void request took with it; a lone topic is refused for good."""
        named = any(t in reply.refused or t in reply.accepted for t in request.topics)
        if named:
            self._ask_again(rest)
        elif len(request.topics) == 1:
            return dict.fromkeys(rest, reply.message)
        else:
            middle = (len(rest) + 1) // 2
            self._ask_again(rest, fresh=False)
            self._apart += (tuple(part) for part in (rest[:middle], rest[middle:]) if part)
        return {}

    def _ask_again(self, topics: Iterable[str], *, fresh: bool = True, sent: bool = False) -> None:
        for topic in topics:
            self._wanted[topic] = _Wanted(sent=sent)
            if fresh:
                self._fresh[topic] = None

    def _current(self, topic: str, request: str) -> bool:
        wanted = self._wanted.get(topic)
        return wanted is not None and wanted.asked == request

    def _answered(self, reply: Reply) -> Request | None:
        """The request that a reply speaks of: by its id, by its topics, else the oldest."""
        if reply.request is not None:
            held = self._open.pop(reply.request, None)
            return held.request if held else None
        if reply.topics is not None:
            return self._repeated(reply.operation, reply.topics)
        named = {*reply.accepted, *reply.refused}
        for key, held in self._open.items():
            if reply.operation in (None, held.request.operation) and (
                named.issubset(held.request.topics)
            ):
                return self._open.pop(key).request
        return None

    def _repeated(self, operation: str | None, topics: tuple[str, ...]) -> Request | None:
        """The first request of these that has not been answered.

        If that was overdue, so was asked for once more, the answer is as good for that one, unless
        the topics were left in between.
        """
        sent = [*self._late, *(held.request for held in self._open.values())]
        places = [
            at for at, one in enumerate(sent) if (one.operation, one.topics) == (operation, topics)
        ]
        if not places:
            return None
        since = sent[places[0] + 1 :]
        overdue = places[0] < len(self._late)
        del self._late[: places[0] + 1]  # of those before there will be no answer any more
        left = {t for one in since if one.operation == "unsubscribe" for t in one.topics}
        if overdue and not left.isdisjoint(topics):
            return None
        held = (self._open.pop(sent[at].id, None) for at in places)
        return next((one.request for one in held if one is not None), None)

    def _portions(self, topics: Iterable[str]) -> list[list[str]]:
        listed, size = list(topics), self._wire.topics_per_request
        return [listed[start : start + size] for start in range(0, len(listed), size)]

    def _make(self, operation: Operation, topics: Sequence[str], now_s: float) -> Request | None:
        if operation == "subscribe":
            topics = [t for t in topics if t in self._wanted and self._wanted[t].asked is None]
        if not topics:
            return None
        request = Request(str(next(self._ids)), operation, tuple(topics))
        self._open[request.id] = _Open(request, now_s)
        if operation == "subscribe":
            for topic in topics:
                renewed = self._wanted[topic].renewed
                self._wanted[topic] = _Wanted(asked=request.id, sent=True, renewed=renewed)
        return request
