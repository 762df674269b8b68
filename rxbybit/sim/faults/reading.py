"""Faults as JSON says them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import MISSING, fields
from difflib import get_close_matches
from typing import cast

from rxbybit.sim.faults import kinds
from rxbybit.sim.faults.kinds import Fault, OfFrame

__all__ = ["faults_of"]


def _names() -> dict[str, type[Fault]]:
    found: dict[str, type[Fault]] = {}
    for name in kinds.__all__:
        kind: object = getattr(kinds, name)
        if isinstance(kind, type) and issubclass(kind, Fault) and kind not in (Fault, OfFrame):
            found[re.sub("(?<!^)([A-Z])", r"_\1", name).lower()] = kind
    return found | {"drop": kinds.Skip}


_KINDS = _names()
"""``skip_update`` is ``SkipUpdate``; ``drop`` another name of ``skip``."""


def faults_of(entries: object) -> tuple[Fault, ...]:
    """The faults that a list of objects names, such as ``{"fault": "cut", "after": 3}``.

    ``fault`` is the name of a fault in lower case, words joined by ``_``; what else an entry has
    are its arguments.

    >>> faults_of([{"fault": "cut", "after": 3, "how": "rst"}])
    (Cut(times=1, at_s=0.0, for_s=None, how='rst', after=3),)

    Errors: ``ValueError`` naming the entry, what is wrong in it and what is legal.
    """
    if not isinstance(entries, list):
        raise ValueError('a script of faults is a list of objects such as {"fault": "cut"}')
    return tuple(_read(cast("list[object]", entries)))


def _read(entries: list[object]) -> Iterator[Fault]:
    for number, entry in enumerate(entries, start=1):
        try:
            yield _fault(entry)
        except ValueError as error:
            raise ValueError(f"fault {number}: {error}") from error


def _fault(entry: object) -> Fault:
    if not isinstance(entry, dict):
        raise ValueError(f'{entry!r}: use an object such as {{"fault": "cut"}}')
    arguments = dict(cast("dict[str, object]", entry))
    name = arguments.pop("fault", None)
    if not isinstance(name, str):
        raise ValueError('"fault" has to name one')
    if name not in _KINDS:
        raise ValueError(f"there is no {name!r}{_near(name, list(_KINDS))}")
    kind = _KINDS[name]
    known = {field.name: field for field in fields(kind)}
    for argument in arguments:
        if argument not in known:
            raise ValueError(f"{name} has no {argument!r}{_near(argument, list(known))}")
    for field in known.values():
        if field.default is MISSING and field.name not in arguments:
            raise ValueError(f"{name} needs {field.name!r}")
    try:
        # Any: the dataclass looks at what it is given by itself.
        return kind(**arguments)  # type: ignore[arg-type]
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _near(word: str, legal: list[str]) -> str:
    near = get_close_matches(word, legal, n=1)
    listed = f"use one of {', '.join(sorted(legal))}"
    return f": did you mean {near[0]!r}? {listed}" if near else f": {listed}"
