"""What a stream file may ask of the venue it is opened on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

from rxbybit.config import Category
from rxbybit.marking import Emitted
from rxbybit.schema.spec import StreamSpec
from rxbybit.stream import Stream

__all__ = ["Opens"]

E = TypeVar("E", bound=Emitted)


class Opens(Protocol):
    """A venue: the live exchange, a simulator, later a recording or a broker."""

    @property
    def category(self) -> Category | None:
        """The category of a call that names none; ``None`` reads it from the symbol."""
        ...

    @property
    def wire(self) -> str:
        """The wire that is spoken: ``"v5"`` or ``"legacy"``."""
        ...

    def open(
        self,
        spec: StreamSpec[E],
        symbols: tuple[str | Iterable[str], ...],
        *,
        category: Category | None = None,
        history: int = 0,
        **params: object,
    ) -> Stream[E]:
        """The stream of ``spec`` for these symbols, or for every one of the category.

        ``history`` is how many events of the past come first, of each topic; ``params`` fill the
        other places of the topic, such as ``depth`` or ``interval``.
        Errors: ``ConfigurationError`` for a symbol, category or parameter that cannot be.
        """
        ...

    def open_topics(
        self,
        spec: StreamSpec[E],
        topics: Sequence[tuple[Category, str]],
        *,
        keep: Callable[[E], bool] | None = None,
        history: int = 0,
    ) -> Stream[E]:
        """The stream of ``spec`` on exactly these topics; ``keep`` filters its events."""
        ...

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
        """The stream of ``spec`` on its one topic, for whoever the credentials name.

        ``symbols`` and ``category`` filter its events, as does ``keep``. With ``snapshot`` what
        there is now comes first; ``late`` gives a later subscriber what is held.
        Errors: ``ConfigurationError`` for arguments that cannot be, and without credentials.
        """
        ...
