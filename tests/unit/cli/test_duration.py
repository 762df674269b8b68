"""Lengths of time are read as people write them, and nothing else is."""

from __future__ import annotations

import pytest

from rxbybit.cli.duration import seconds_of
from rxbybit.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10s", 10.0),
        ("500ms", 0.5),
        ("1.5m", 90.0),
        ("2h", 7200.0),
        ("7", 7.0),
        ("0.25", 0.25),
        (" 3 s ", 3.0),
    ],
)
def test_a_length_of_time_is_read(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "ten", "10d", "-1s", "1e3", "1,5s", "10s5", "nan"])
def test_anything_else_is_refused_with_what_is_legal(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"use 10s, 500ms, 1\.5m or 2h"):
        seconds_of(text)


@pytest.mark.parametrize("text", ["0", "0s", "0.0ms"])
def test_no_time_at_all_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="no length of time"):
        seconds_of(text)
