"""Lengths of time as people write them."""

from __future__ import annotations

import re

from rxbybit.errors import ConfigurationError

__all__ = ["seconds_of"]

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_SHAPE = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)?")


def seconds_of(text: str) -> float:
    """The seconds that ``text`` names: ``10s``, ``500ms``, ``1.5m``, ``2h``, or a bare number.

    Errors: ``ConfigurationError`` for anything else, and for a length of 0.
    """
    found = _SHAPE.fullmatch(text.strip())
    seconds = float(found[1]) * _UNITS[found[2] or "s"] if found else 0.0
    if seconds <= 0:
        raise ConfigurationError(f"{text!r} is no length of time: use 10s, 500ms, 1.5m or 2h")
    return seconds
