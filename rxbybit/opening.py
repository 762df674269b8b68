"""How a client opens its streams: on topics by name, on every symbol, out of REST."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar

from reactivex import abc
from reactivex.disposable import Disposable

from rxbybit.config import Category, Environment, check_truth
from rxbybit.credentials import KEY, SECRET, Credentials, credentials_in
from rxbybit.errors import ConfigurationError
from rxbybit.marking import Emitted
from rxbybit.origin import ClientOrigin
from rxbybit.outlet import Hearer
from rxbybit.pacing import Begin, Paced
from rxbybit.pool import Pool
from rxbybit.pools import Pools
from rxbybit.rest import listings
from rxbybit.rest.api import RestApi, api_of
from rxbybit.rest.backfill import check_history, hear
from rxbybit.rest.clock import clock_of
from rxbybit.rest.healing import heal
from rxbybit.rest.standing import hear_standing
from rxbybit.runtime import Runtime
from rxbybit.schema.spec import StreamSpec
from rxbybit.settings import PoolSettings
from rxbybit.signin import Identity
from rxbybit.stream import Stream
from rxbybit.symbols import checked_category, named_symbols, read_symbols
from rxbybit.universe import Everything
from rxbybit.whereabouts import Whereabouts

__all__ = ["Opening"]

E = TypeVar("E", bound=Emitted)
_TopicOf = Callable[[Category, str], str]


class Opening:
    """What stream files ask of a venue, on the pools of a client."""

    def __init__(
        self,
        where: Whereabouts,
        settings: PoolSettings,
        origin: ClientOrigin,
        category: Category | None,
        listings: float,
        credentials: Credentials | None,
    ) -> None:
        self._given = credentials
        self._where = where
        self._settings = settings
        self._legacy = settings.wire.name == "legacy"
        self._origin = origin
        self._category: Category | None = None if category is None else checked_category(category)
        self._listings = listings
        self._pools = Pools(self._new_pool)

    @property
    def category(self) -> Category | None:
        """The category of a call that names none; ``None`` reads it from the symbol."""
        return self._category

    @property
    def wire(self) -> str:
        """The wire that is spoken."""
        return self._settings.wire.name

    @property
    def listings(self) -> float:
        """Seconds between two looks at a list of instruments."""
        return self._listings

    def open(
        self,
        spec: StreamSpec[E],
        symbols: tuple[str | Iterable[str], ...],
        *,
        category: Category | None = None,
        history: int = 0,
        **params: object,
    ) -> Stream[E]:
        """See :class:`rxbybit.venue.Opens`."""
        category = self._category if category is None else category
        topic_of = partial(spec.topic, self._settings.wire.name, **params)
        pairs = read_symbols(symbols, category)
        if not pairs:
            category = checked_category(category or "inverse")
            return self._open_all(spec, category, topic_of, history)
        topics: list[tuple[Category, str]] = [(c, topic_of(c, s)) for c, s in pairs]
        return self.open_topics(spec, topics, keep=spec.keep(pairs), history=history)

    def _open_all(
        self, spec: StreamSpec[E], category: Category, topic_of: _TopicOf, history: int
    ) -> Stream[E]:
        """The stream of ``spec`` for whatever trades in ``category``, following the listings."""
        self._check_history(spec, history)
        if self._legacy:
            return self._open_cover(spec, category, topic_of(category, "*"))
        topic_of(category, "ANY")  # what cannot be asked for is told at the call
        self._where.check(lambda there: (self._url(there, category), there.rest_url()))

        def source(runtime: Runtime, hearer: Hearer) -> abc.DisposableBase:
            pool, url = self._pools.at(runtime), self._url(self._where.now(), category)
            api = self._api(runtime)
            begin = partial(hear, pool, lambda: api, spec)
            return Everything(
                lambda topic, of: begin([(category, url, topic)], of, history),
                partial(topic_of, category),
                hearer,
                listings.follow(pool, api, category, self._listings),
            )

        return self._stream(source)

    def _open_cover(self, spec: StreamSpec[E], category: Category, cover: str) -> Stream[E]:
        """The stream of ``spec`` for every symbol by one topic, which has them all."""
        self._where.check(lambda there: self._url(there, category))

        def source(runtime: Runtime, hearer: Hearer) -> abc.DisposableBase:
            pool, url = self._pools.at(runtime), self._url(self._where.now(), category)
            return Everything(
                lambda topic, of: pool.subscribe(spec, [(url, topic)], of),
                lambda topic: topic,
                hearer,
                partial(pool.cover, url, cover),
            )

        return self._stream(source)

    def open_topics(
        self,
        spec: StreamSpec[E],
        topics: Sequence[tuple[Category, str]],
        *,
        keep: Callable[[E], bool] | None = None,
        history: int = 0,
    ) -> Stream[E]:
        """See :class:`rxbybit.venue.Opens`."""
        self._check_history(spec, history)
        wanted = tuple(dict.fromkeys(topics))
        self._where.check(lambda there: [self._url(there, category) for category, _ in wanted])
        if history:
            self._where.check(Environment.rest_url)

        def source(runtime: Runtime, hearer: Hearer) -> abc.DisposableBase:
            url, api = partial(self._url, self._where.now()), partial(self._api, runtime)
            placed: list[tuple[Category, str, str]] = [(c, url(c), topic) for c, topic in wanted]
            return hear(self._pools.at(runtime), api, spec, placed, hearer, history, keep)

        return self._stream(source)

    def open_private(
        self,
        spec: StreamSpec[E],
        symbols: tuple[str | Iterable[str], ...] = (),
        *,
        category: Category | None = None,
        keep: Callable[[E], bool] | None = None,
        snapshot: bool = False,
        late: bool = True,
    ) -> Stream[E]:
        """See :class:`rxbybit.venue.Opens`."""
        check_truth("snapshot", snapshot)
        category = self._category if category is None else category
        categories = spec.categories if category is None else (checked_category(category),)
        topic = spec.topic(self._settings.wire.name, category or "inverse", "ANY")
        has_category = "category" in spec.event_of("snapshot").__struct_fields__
        kept = _kept(keep, named_symbols(symbols), category if has_category else None)
        credentials = self._credentials()
        snapshot = snapshot and not self._legacy  # which has no REST
        self._where.check(self._private_url)
        if snapshot:
            self._where.check(Environment.rest_url)

        def source(runtime: Runtime, hearer: Hearer) -> abc.DisposableBase:
            pool, now = self._pools.at(runtime), self._where.now()
            if pool.identity is None:
                pool.identity = Identity(credentials, clock_of(pool, now.rest))
            place = (self._private_url(now), topic)
            if not snapshot:
                return pool.subscribe(spec, [place], hearer, kept, late=late)
            api = partial(self._api, runtime)
            return hear_standing(pool, api, spec, place, hearer, categories, kept)

        return self._stream(source)

    # Any: what a begin makes is heard by whoever the stream is for
    def _stream(self, begin: Begin) -> Stream[Any]:
        return Stream(Paced(begin, self._settings.session.backoff), origin=self._origin)

    def _new_pool(self, runtime: Runtime) -> Pool:
        pool = Pool(runtime, self._settings)
        if self._settings.gaps == "fill" and not self._legacy:
            pool.heal = partial(heal, pool, self._where.now)
        return pool

    def _url(self, there: Environment, category: Category) -> str:
        return there.legacy_url() if self._legacy else there.url(category)

    def _private_url(self, there: Environment) -> str:
        return there.legacy_url() if self._legacy else there.private_url()

    def _check_history(self, spec: StreamSpec[E], history: int) -> None:
        check_history(spec, history)
        if history and self._legacy:
            raise ConfigurationError("history: the legacy wire has no REST to ask for it")

    def _credentials(self) -> Credentials:
        """Those that were given, else of an exchange of our own its own, else the variables'."""
        if self._given is None:
            self._given = self._where.credentials() or credentials_in(os.environ)
        if self._given is None:
            raise ConfigurationError(
                f"a private stream needs credentials: set {KEY} and {SECRET}, or give"
                " Bybit(credentials=Credentials.hmac(key, secret))"
            )
        return self._given

    def ask(
        self,
        # Any: what a coroutine yields to the loop and is sent by it
        work: Callable[[RestApi, Callable[[Sequence[E]], None]], Coroutine[Any, Any, None]],
    ) -> Stream[E]:
        """The stream of what ``work`` sends out of REST, which is begun for each subscriber.

        Errors: ``ConfigurationError`` for an environment without REST.
        """
        if self._legacy:
            raise ConfigurationError("the legacy wire has no REST to ask: use wire='v5'")
        self._where.check(Environment.rest_url)

        def source(runtime: Runtime, hearer: Hearer) -> abc.DisposableBase:
            api, pool = self._api(runtime), self._pools.at(runtime)
            return Disposable(pool.errand(work(api, hearer.on_each), hearer.on_error))

        return self._stream(source)

    def _api(self, runtime: Runtime) -> RestApi:
        return api_of(self._pools.at(runtime), self._where.now().rest_url())


# Any: private events have a symbol and a category, or nobody asks for either
def _kept(
    keep: Callable[[Any], bool] | None, symbols: frozenset[str], category: Category | None
) -> Callable[[Any], bool] | None:
    """What picks the events that were asked for; ``None`` when all are."""
    if not symbols and category is None:
        return keep
    return lambda event: (
        (not symbols or event.symbol in symbols)
        and (category is None or event.category == category)
        and (keep is None or keep(event))
    )
