"""Why a request is not answered."""

from __future__ import annotations

__all__ = ["PARAMETER", "Refused"]

PARAMETER = 10001
"""The code for a parameter that is missing or wrong."""


class Refused(Exception):
    """A request that the exchange answers with a code and a text instead of a result."""

    def __init__(self, text: str, code: int = PARAMETER) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
