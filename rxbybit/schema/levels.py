"""Levels of a book that stay texts: whether they are plain numbers, told without making any.

Plain are digits with at most one dot, so few that a float holds them, and no zero but ``0`` as a
size. Exchanges send nothing else; what is spelled in another way marshmallow reads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from rxbybit.ladder import TextLevel

__all__ = ["dotted_lists", "plain_lists", "plain_texts"]

# Nothing is repeated but single characters and whole levels: that is what `re` is quick at.
_PRICE = r"[0-9]{1,40}+\.?+[0-9]{0,40}+"
_SIZE = r"(?:[1-9][0-9]{0,40}+\.?+[0-9]{0,40}+|0\.0{0,40}+[1-9][0-9]{0,40}+|0)"
_DOTTED = r"[0-9]{1,40}+\.[0-9]{1,40}+"  # as most prices are: what cannot be missing is told sooner


def _lists(price: str, size: str) -> Callable[[bytes], re.Match[bytes] | None]:
    levels = rf'\[(?:\["{price}","{size}"\],?+)*+\]'
    return re.compile(rf"[^\[]*+(?:{levels}[^\[]*+)*+".encode()).fullmatch


dotted_lists, plain_lists = _lists(_DOTTED, _SIZE), _lists(_PRICE, _SIZE)
"""Each finds every list in a JSON text to be one of plain levels, at one look; ``None`` tells
nothing. The first is quicker, and wants all prices to have a dot.

It is enough to look at the bytes, whatever keys they have: no list begins without a bracket, and
at each bracket such a list begins, or is going on. What is text and looks like one is ``[]``, as
any other has quotes.
"""

_level = re.compile(f"{_PRICE} {_SIZE}").fullmatch


def plain_texts(levels: Iterable[TextLevel]) -> bool:
    """Whether all ``levels`` are plain."""
    return all(_level(f"{price} {size}") is not None for price, size in levels)
