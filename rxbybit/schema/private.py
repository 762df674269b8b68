"""Private topics: what those of a wire have in common."""

from __future__ import annotations

from dataclasses import replace

from rxbybit.config import Category
from rxbybit.schema.envelope import LegacyEnvelope, PrivateEnvelope
from rxbybit.schema.fields import WireSchema
from rxbybit.schema.spec import Otherwise, Place, Wire

__all__ = ["legacy_private_wire", "private_wire"]


def private_wire(
    topic: str,
    schema: type[WireSchema],
    *,
    categories: tuple[Category, ...] = (),
    inside: str | None = None,
    also: tuple[Wire, ...] = (),
) -> Wire:
    """A private topic of V5, which holds every category and symbol.

    For each of ``categories`` it has a sibling for that alone, ``position.linear`` beside
    ``position``: a client does not ask for them, as a request for both is refused, but recordings
    may hold them. ``inside`` and ``also`` are as those of :class:`Wire`.
    """
    wire = Wire(
        topic,
        schema,
        many=True,
        mixed=True,
        envelope=PrivateEnvelope,
        private=True,
        inside=inside,
        also=also,
    )
    if not categories:
        return wire

    def read(code: str) -> object:
        if code in categories:
            return code
        raise ValueError(f"{topic} has no {code!r}")

    places = {"category": Place(write=lambda category, _: str(category), read=read)}
    sibling = replace(wire, template=f"{topic}.{{category}}", places=places, also=())
    return replace(wire, also=(sibling, *also))


def legacy_private_wire(
    topic: str,
    schema: type[WireSchema],
    *,
    otherwise: tuple[Otherwise, ...] = (),
    also: tuple[Wire, ...] = (),
    symbols: bool = True,
) -> Wire:
    """A private topic of the legacy wire, which holds every symbol, and names no category.

    Where items have ``symbols``, the category follows from these: the linear sibling had the same
    topics. ``otherwise`` and ``also`` are as those of :class:`Wire`.
    """
    return Wire(
        topic,
        schema,
        many=True,
        mixed=True,
        envelope=LegacyEnvelope,
        private=True,
        of_symbol={"category": _category} if symbols else {},
        otherwise=otherwise,
        categories=("inverse",),
        also=also,
    )


def _category(symbol: str) -> Category:
    return "linear" if symbol.endswith("USDT") else "inverse"
