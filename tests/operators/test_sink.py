"""What all operators share: one end, and nothing held after it."""

from __future__ import annotations

from typing import Any

import pytest
from reactivex import Observable, abc

from rxbybit.errors import ClosedError, ConfigurationError
from rxbybit.operators.sink import Sink, clock_of
from tests.operators.flow import Clock, Source


class Plain(abc.ObserverBase[Any]):
    """What reactivex puts in front of a subscriber would hide a second end."""

    def __init__(self) -> None:
        self.ends: list[Exception | None] = []

    def on_next(self, value: Any) -> None: ...

    def on_error(self, error: Exception) -> None:
        self.ends.append(error)

    def on_completed(self) -> None:
        self.ends.append(None)


class Holds(Sink[Any, Any]):
    def __init__(self, observer: abc.ObserverBase[Any]) -> None:
        super().__init__(observer)
        self.freed = 0

    def on_next(self, value: Any) -> None: ...

    def _let_go(self) -> None:
        self.freed += 1


def test_the_first_end_counts_and_everything_is_free_before_it() -> None:
    for first in ("on_error", "on_completed", "dispose"):
        observer, source = Plain(), Source()
        sink = Holds(observer)
        assert sink.listen(source, None) is sink
        getattr(sink, first)(*([OSError()] if first == "on_error" else []))
        assert source.observers == []
        sink.on_error(ValueError())
        sink.on_completed()
        sink.dispose()
        assert sink.freed == 1
        assert [type(end) for end in observer.ends] == {
            "on_error": [OSError],
            "on_completed": [type(None)],
            "dispose": [],
        }[first]


def test_a_source_that_cannot_be_subscribed_to_leaves_nothing_behind() -> None:
    class Closed(Observable[Any]):
        def subscribe(self, *_: object, **__: object) -> Any:
            raise ClosedError

    sink = Holds(Plain())
    with pytest.raises(ClosedError):
        sink.listen(Closed(), None)
    assert sink.freed == 1


def test_the_first_clock_there_is() -> None:
    own, clock = Clock(), Clock()
    assert clock_of("x", own, clock) is own
    assert clock_of("x", None, clock) is clock
    with pytest.raises(ConfigurationError, match="x: there is no clock"):
        clock_of("x", None, None)
