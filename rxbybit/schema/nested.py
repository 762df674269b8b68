"""Fields whose values hold others: they are few in a frame, and take no fast way of their own."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

from rxbybit.schema.fields import WireField, WireSchema
from rxbybit.schema.text import number_of, text_of

__all__ = ["Amounts", "Items", "Parts"]

Amount = tuple[str, Decimal]


class Amounts(WireField[tuple[Amount, ...]]):
    """Amounts by name: an object whose values are as those of ``fields.Decimal``."""

    complaint = "Not amounts by name."
    gives = tuple[Amount, ...]

    def read(self, value: object) -> tuple[Amount, ...]:
        if not isinstance(value, dict):
            raise ValueError
        numbers = self.numbers
        amounts = cast("dict[str, object]", value)
        return tuple((text_of(name), number_of(amounts[name], numbers)) for name in amounts)


class Parts(WireField[tuple[Any, ...]]):  # Any: of the class given
    """Objects in a list, each as ``schema`` loads it into a ``part``."""

    complaint = "Not a list."

    def __init__(
        self,
        schema: type[WireSchema],
        part: type,
        *,
        data_key: str | None = None,
        required: bool = False,
        empty: bool = False,
    ) -> None:
        super().__init__(data_key=data_key, required=required, empty=empty)
        self.schema = schema
        self.part = part
        self.gives = tuple[part, ...]  # type: ignore[valid-type]

    # Any: see above
    def read(self, value: object) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise ValueError
        listed = cast("list[dict[str, object]]", value)
        loader = self.schema(numbers=self.numbers)
        rows = cast("list[dict[str, object]]", loader.load(listed, many=True))
        return tuple(self.part(**row) for row in rows)


class Items(WireField[list[object]]):
    """A list of whatever."""

    complaint = "Not a list."
    gives = list[object]

    def read(self, value: object) -> list[object]:
        if isinstance(value, list):
            return cast("list[object]", value)
        raise ValueError
