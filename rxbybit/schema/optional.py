"""Fields for keys that may be absent or empty, as most of private items and tickers are."""

from __future__ import annotations

from rxbybit.schema import fields

__all__ = ["optional_number", "optional_price", "optional_text"]


def optional_number(key: str) -> fields.Decimal:
    """A number."""
    return fields.Decimal(data_key=key, empty=True)


def optional_price(key: str) -> fields.Decimal:
    """A price that is 0 where none is set."""
    return fields.Decimal(data_key=key, empty=True, nothing=0)


def optional_text(key: str, nothing: str | None = None) -> fields.String:
    """A text; ``nothing`` is another word for none."""
    return fields.String(data_key=key, empty=True, nothing=nothing)
