"""Whether a value may stand in a field of a fault, and what may."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Literal, Union, get_args, get_origin

__all__ = ["admits", "legal"]

_WORDS: dict[object, str] = {
    int: "a whole number",
    float: "a number",
    str: "text",
    bool: "true or false",
}


# A type expression is of no type of its own.
def admits(kind: object, value: object) -> bool:
    """Whether ``value`` is of the annotated ``kind``: numbers, text, literals, unions of them."""
    if get_origin(kind) in (Union, UnionType):
        return any(admits(one, value) for one in get_args(kind))
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    if kind is NoneType:
        return value is None
    if kind is str:
        return isinstance(value, str)
    if kind is bool or isinstance(value, bool):
        return kind is bool and isinstance(value, bool)
    return isinstance(value, int | float) if kind is float else isinstance(value, int)


def legal(kind: object) -> str:
    """What :func:`admits`, in words."""
    if get_origin(kind) in (Union, UnionType):
        return " or ".join(legal(one) for one in get_args(kind))
    if get_origin(kind) is Literal:
        return f"one of {', '.join(get_args(kind))}"
    return "nothing" if kind is NoneType else _WORDS[kind]
