"""Order books of the legacy wire: both sides in one list, changes by what is done to a level."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import cast

from marshmallow import pre_load
from marshmallow.exceptions import ValidationError

from rxbybit.schema import fields
from rxbybit.schema.fields import WireSchema
from rxbybit.schema.text import number_of

__all__ = ["FlatDelta", "FlatSnapshot", "FlatTextDelta", "FlatTextSnapshot"]

_Messages = dict[int, list[str]]
_Side = dict[Decimal, list[object]]
"""Price and size as they are spelled, by the price."""

_SIDES = {"Buy": "bids", "Sell": "asks"}
_WHOLE = "order_book"
"""The key of the list in the snapshots of the linear sibling, whose data is no list."""
_CHANGES = ("delete", "update", "insert")
"""In the order in which they are applied."""


class _Sides:
    """Makes both sides of what schemas in this module load, best price first."""

    @pre_load
    def _sides(self, data: object, **_: object) -> dict[str, list[list[object]]]:
        sides = {"bids": _Side(), "asks": _Side()}
        self.take(data, sides)
        bids, asks = sides["bids"], sides["asks"]
        return {
            "bids": [bids[price] for price in sorted(bids, reverse=True)],
            "asks": [asks[price] for price in sorted(asks)],
        }

    def take(self, data: object, sides: dict[str, _Side]) -> None:
        """Put what ``data`` says into ``sides``."""
        raise NotImplementedError


class _Snapshot(_Sides):
    def take(self, data: object, sides: dict[str, _Side]) -> None:
        if not isinstance(data, dict):
            if wrong := _put(data, sides, gone=False):
                raise ValidationError(cast("_Messages", wrong))
        elif wrong := _put(cast("Mapping[str, object]", data).get(_WHOLE), sides, gone=False):
            raise ValidationError(cast("_Messages", {_WHOLE: wrong}))


class _Delta(_Sides):
    def take(self, data: object, sides: dict[str, _Side]) -> None:
        if not isinstance(data, dict):
            raise ValidationError(["Not changes of a book."])
        changes = cast("Mapping[str, object]", data)
        wrong: dict[str, object] = {}
        if not any(name in changes for name in _CHANGES):
            raise ValidationError(["Not changes of a book."])
        for name in _CHANGES:
            if said := _put(changes.get(name, []), sides, gone=name == "delete"):
                wrong[name] = said
        if wrong:
            raise ValidationError(cast("_Messages", wrong))


def _put(listed: object, sides: dict[str, _Side], *, gone: bool) -> _Messages | list[str]:
    """Sort the levels of a list into ``sides``; gives what is wrong with them."""
    if not isinstance(listed, list):
        return ["Not a list."]
    wrong: _Messages = {}
    for index, level in enumerate(cast("list[object]", listed)):
        try:
            side, price, size = _level(level, gone=gone)
            sides[side][number_of(price, Decimal)] = [price, size]
        except ValueError:
            wrong[index] = ["Not a level of a book."]
    return wrong


def _level(level: object, *, gone: bool) -> tuple[str, object, object]:
    if not isinstance(level, dict):
        raise ValueError(f"no level: {level!r}")
    keys = cast("Mapping[str, object]", level)
    side, price, size = (keys.get(name) for name in ("side", "price", "size"))
    if not isinstance(side, str) or side not in _SIDES:
        raise ValueError(f"no side: {side!r}")
    if gone:  # the size of what goes is left out, or is any
        return _SIDES[side], price, "0"
    number_of(size, Decimal)
    return _SIDES[side], price, size


class _Numbers(WireSchema):
    bids = fields.Levels(required=True)
    asks = fields.Levels(required=True)


class _Texts(WireSchema):
    bids = fields.TextLevels(required=True)
    asks = fields.TextLevels(required=True)


class FlatSnapshot(_Snapshot, _Numbers):
    """A whole book: a list of ``{"price", "side", "size", ...}``."""


class FlatDelta(_Delta, _Numbers):
    """What changed: lists of such levels to ``delete``, to ``update`` and to ``insert``."""


class FlatTextSnapshot(_Snapshot, _Texts):
    """A whole book, with levels as they are spelled, for the book that is kept."""


class FlatTextDelta(_Delta, _Texts):
    """What changed, with levels as they are spelled, for the book that is kept."""
