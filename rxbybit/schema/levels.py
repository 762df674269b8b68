"""Levels of a book that stay texts: whether they are plain numbers, told without making any.

Plain are digits with at most one dot, so few that a float holds them, and no zero but ``0`` as a
size. Exchanges send nothing else; what is spelled in another way marshmallow reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from rxbybit.ladder import TextLevel

__all__ = ["plain_lists", "plain_texts"]

# Nothing is repeated but single characters and whole levels: that is what `re` is quick at.
_PRICE = r"[0-9]{1,40}+\.?+[0-9]{0,40}+"
_SIZE = r"(?:[1-9][0-9]{0,40}+\.?+[0-9]{0,40}+|0\.0{0,40}+[1-9][0-9]{0,40}+|0)"
_LIST = rf'\[(?:\["{_PRICE}","{_SIZE}"\],?+)*+\]'

plain_lists = re.compile(rf"[^\[]*+(?:{_LIST}[^\[]*+)*+".encode()).fullmatch
"""Finds each list in a JSON text to be one of plain levels, at one look; ``None`` tells nothing.

It is enough to look at the bytes, whatever keys they have: no list begins without a bracket, and
at each bracket such a list begins, or is going on. What is text and looks like one is ``[]``, as
any other has quotes.
"""

_level = re.compile(f"{_PRICE} {_SIZE}").fullmatch


def plain_texts(levels: Iterable[TextLevel]) -> bool:
    """Whether all ``levels`` are plain."""
    return all(_level(f"{price} {size}") is not None for price, size in levels)
