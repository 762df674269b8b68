"""Lengths of time, and sums over what happened last against sums made anew."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxbybit import ConfigurationError
from rxbybit.operators.kept import Kept
from rxbybit.operators.window import Sliding, Window, milliseconds_of, trades_of, window_of


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("100ms", 100),
        ("1s", 1_000),
        ("90s", 90_000),
        ("1m", 60_000),
        ("4h", 14_400_000),
        ("1d", 86_400_000),
        ("1w", 604_800_000),
        ("366d", 31_622_400_000),
        ("31622400000ms", 31_622_400_000),
    ],
)
def test_a_length_of_time(text, ms) -> None:
    assert milliseconds_of(text) == ms
    assert window_of("vwap", text) == Window(ms=ms)


def test_a_number_of_trades() -> None:
    assert trades_of("1 trade") == 1
    assert window_of("vwap", "500 trades") == Window(trades=500)
    assert window_of("vwap", "9999999999 trades") == Window(trades=9_999_999_999)


WRONG = [
    "",
    "1",
    "m",
    "0s",
    "0 trades",
    "1M",
    "1.5m",
    "-1m",
    "1m ",
    "1 m",
    "5 trades a",
    "1H",
    60,
    None,
    "367d",
    "53w",
    "600000w",
    "1000000000000ms",
    "10000000000 trades",
    pytest.param("9" * 5_000 + "s", id="long"),
    pytest.param("9" * 5_000 + " trades", id="many"),
]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_window(text) -> None:
    assert milliseconds_of(text) is None
    assert trades_of(text) is None
    with pytest.raises(ConfigurationError, match=r"^vwap: window=.*'1m'.*'500 trades'"):
        window_of("vwap", text)


finite = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False, min_value="-1e30", max_value="1e30"),
    st.floats(allow_nan=False, allow_infinity=False).map(Decimal),
)
steps = st.lists(st.tuples(st.integers(-2, 6), finite, finite), max_size=60)


@given(steps, st.sampled_from([Window(ms=1), Window(ms=7), Window(trades=1), Window(trades=4)]))
def test_the_sums_are_those_of_what_is_in_the_window(steps, window) -> None:
    sliding = Sliding(window)
    seen: list[tuple[int, Decimal, Decimal]] = []
    time_ms = 100
    for step, first, second in steps:
        time_ms += step
        sliding.add(time_ms, first, second)
        seen.append((time_ms, first, second))
        times = list(accumulate((at for at, _, _ in seen), max))
        assert sliding.newest_ms == times[-1]
        if window.trades is not None:
            inside = seen[-window.trades :]
        else:
            assert window.ms is not None
            pairs = zip(times, seen, strict=True)
            inside = [item for at, item in pairs if at > times[-1] - window.ms]
        assert Fraction(sliding.first) == sum(Fraction(item[1]) for item in inside)
        assert Fraction(sliding.second) == sum(Fraction(item[2]) for item in inside)
        assert len(sliding._items) == len(inside)  # and nothing else is held


def test_what_is_silent_for_longest_is_forgotten() -> None:
    made: list[str] = []

    def new(symbol: str) -> list[str]:
        made.append(symbol)
        return [symbol]

    kept = Kept(new, most=2)
    first = kept.of("A")
    kept.of("B")
    assert kept.of("A") is first
    kept.of("C")
    assert list(kept) == [["A"], ["C"]]
    kept.of("B")
    assert made == ["A", "B", "C", "B"]
    assert list(kept) == [["C"], ["B"]]
