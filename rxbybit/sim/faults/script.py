"""The script: the faults that are still to strike."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from os import PathLike
from pathlib import Path
from typing import TypeVar

from rxbybit.sim.faults.kinds import Fault
from rxbybit.sim.faults.reading import faults_of

__all__ = ["Faults"]

F = TypeVar("F", bound=Fault)


class Faults:
    """The faults that are still to strike, in the order they were added."""

    def __init__(self, *faults: Fault) -> None:
        self._left: list[tuple[Fault, int | None]] = []
        self._clock: Callable[[], int] | None = None
        self._began_ms = 0
        self._on_add: Callable[[], None] | None = None
        self.add(*faults)

    @classmethod
    def read(cls, path: str | PathLike[str]) -> Faults:
        """The script in a JSON file: a list of what :func:`faults_of` takes.

        Errors: ``OSError`` when it cannot be read, ``ValueError`` naming the entry that is wrong.
        """
        try:
            entries: object = json.loads(Path(path).read_bytes())
        except ValueError as error:
            raise ValueError(f"{path} is no JSON: {error}") from error
        return cls(*faults_of(entries))

    @classmethod
    def of(cls, given: Faults | Iterable[Fault]) -> Faults:
        """``given`` itself, when it is a script, else a script of these faults.

        Errors: ``ValueError`` for what is neither.
        """
        if isinstance(given, Faults):
            return given
        if isinstance(given, Fault) or not isinstance(given, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValueError(f"faults={given!r}: use a tuple of them, such as (Cut(how='rst'),)")
        return cls(*given)

    def add(self, *faults: Fault) -> None:
        """Put these behind the others. Errors: ``ValueError`` for what is no fault."""
        for fault in faults:
            if not isinstance(fault, Fault):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise ValueError(
                    f"{fault!r} is no fault: use one such as Cut(how='rst'), or faults_of(...)"
                    " for a list as JSON has it"
                )
        self._left += [(fault, fault.times) for fault in faults]
        if self._on_add is not None:
            self._on_add()

    def clear(self) -> None:
        """Nothing more goes wrong; what a fault has already done stays done."""
        self._left = []  # another one: the exchange may be walking this one on its thread

    def start(self, clock: Callable[[], int], on_add: Callable[[], None]) -> None:
        """The exchange has started: seconds count from now on, by ``clock`` (milliseconds)."""
        self._clock = clock
        self._began_ms = clock()
        self._on_add = on_add

    def stop(self) -> None:
        """The exchange has ended."""
        self._on_add = None

    def __bool__(self) -> bool:
        return bool(self._left)

    @property
    def pending(self) -> tuple[Fault, ...]:
        """What has not struck as often as it may, and still can."""
        return tuple(fault for fault, _ in self._left if not self.is_over(fault))

    @property
    def timed(self) -> bool:
        """Whether the clock alone can make one strike."""
        return any(fault.at_s for fault in self.pending)

    def is_over(self, fault: Fault) -> bool:
        """Whether its time is over."""
        return fault.for_s is not None and self._elapsed_s >= fault.at_s + fault.for_s

    def strike(self, kind: type[F], applies: Callable[[F], bool] = lambda _: True) -> F | None:
        """The first fault of ``kind`` that applies, used up by one; ``None`` when there is none."""
        script = self._left
        for place, (fault, left) in enumerate(script):
            if type(fault) is kind and self._is_in_force(fault) and applies(fault):
                if left == 1:
                    del script[place]
                elif left is not None:
                    script[place] = (fault, left - 1)
                return fault
        return None

    def _is_in_force(self, fault: Fault) -> bool:
        return self._elapsed_s >= fault.at_s and not self.is_over(fault)

    @property
    def _elapsed_s(self) -> float:
        return 0.0 if self._clock is None else (self._clock() - self._began_ms) / 1000
