"""How this wire writes numbers and times."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["e4", "iso", "iso_millis", "number"]


def e4(units: int, scale: int) -> int:
    """``units`` of ``10 ** -scale`` as an integer of ``10 ** -4``, cut below."""
    return units * 10**4 // 10**scale


def number(units: int, scale: int) -> int | float:
    """``units`` of ``10 ** -scale`` as a JSON number: whole ones without a point.

    >>> number(6_062_200, 2), number(6_062_150, 2)
    (60622, 60621.5)
    """
    whole, rest = divmod(units, 10**scale)
    return units / 10**scale if rest else whole


def iso(ms: int) -> str:
    """Exchange milliseconds as ISO text, cut to seconds.

    >>> iso(1_654_161_514_999)
    '2022-06-02T09:18:34Z'
    """
    return datetime.fromtimestamp(ms // 1000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_millis(ms: int) -> str:
    """The same with milliseconds.

    >>> iso_millis(1_579_010_843_629)
    '2020-01-14T14:07:23.629Z'
    """
    return f"{iso(ms)[:-1]}.{ms % 1000:03}Z"
