"""The command ``rxbybit``; its packages come with the extra ``rxbybit[cli]``."""

from __future__ import annotations

import sys
from typing import NoReturn

__all__ = ["main"]

NEEDED = ("typer", "rich")


def main() -> NoReturn:
    """Run the command line; without the extra say so in one line, and end with status 1."""
    try:
        from rxbybit.cli.commands import run
    except ModuleNotFoundError as error:
        if error.name not in NEEDED:
            raise
        sys.exit(
            f"rxbybit: the command line needs {' and '.join(NEEDED)}: pip install 'rxbybit[cli]'"
        )
    run()
