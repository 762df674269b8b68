"""What is read out of texts."""

from __future__ import annotations

from decimal import Decimal

import pytest

from rxbybit.schema.text import LAST_MS, milliseconds_of, names_of, number_of, whole_of


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("0", 0),
        ("1786320000000", 1786320000000),
        (str(LAST_MS), LAST_MS),
        ("2025-12-26T08:00:00Z", 1766736000000),
        ("1970-01-01T00:00:00.001Z", 1),
        ("1970-01-01T00:00:00.0019Z", 1),
        ("9999-12-31T23:59:59.999999Z", LAST_MS),
    ],
)
def test_times(text: str, ms: int) -> None:
    assert milliseconds_of(text) == ms


@pytest.mark.parametrize(
    "text",
    [
        *("", "-1", str(LAST_MS + 1), "1.5", "soon", "2025-12-26", "2025-02-30T00:00:00Z"),
        *("1969-12-31T23:59:59.999Z", "2025-12-26T08:00:00", "2025-12-26T08:00:00+00:00"),
        *("2025-12-26T08:00:00Z ", "２025-12-26T08:00:00Z", "2025-W01-1T08:00:00Z"),
    ],
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        milliseconds_of(text)


def test_whole_numbers() -> None:
    assert [whole_of(text) for text in ("0", "-7", "0008", "9" * 18)] == [0, -7, 8, 10**18 - 1]
    for text in ("", "+1", " 1", "1_0", "1.0", "１", "9" * 19, "-", "1\n"):
        with pytest.raises(ValueError, match="not a whole number"):
            whole_of(text)


def test_names() -> None:
    assert names_of("") == names_of(",") == names_of(" , ") == ()
    assert names_of("A") == ("A",)
    assert names_of("A,B, C ,") == ("A", "B", "C")


def test_numbers() -> None:
    exact = number_of("1.50", Decimal)
    assert (type(exact), str(exact)) == (Decimal, "1.50")
    assert number_of(Decimal("0.1"), float) == 0.1
    assert type(number_of("0.1", float)) is float
    assert number_of("1e400", Decimal) == Decimal("1e400")
    for value, numbers in [
        *(("NaN", Decimal), ("sNaN", Decimal), ("inf", Decimal), ("x", Decimal), ("", Decimal)),
        *(("nan", float), ("-inf", float), ("x", float), ("1e400", float), (10**400, float)),
    ]:
        with pytest.raises(ValueError, match=r"."):
            number_of(value, numbers)
