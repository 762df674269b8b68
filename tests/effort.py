"""How long random tests look: so many examples as each says, times ``RXBYBIT_EFFORT``.

CI looks less on the further Pythons, where only what depends on the interpreter is in question,
and ``make nightly`` looks longer.
"""

from __future__ import annotations

import os

__all__ = ["examples"]

LEAST = 5


def examples(usual: int) -> int:
    """How many examples a test tries that usually tries ``usual``."""
    return max(LEAST, round(usual * float(os.environ.get("RXBYBIT_EFFORT", "1"))))
