"""How every command ends: with a status, and with one line when something is wrong."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager

from rxbybit.errors import ConfigurationError, RxBybitError
from rxbybit.view.words import printable

__all__ = ["ending"]

FAILED = 1
MISUSED = 2
INTERRUPTED = 130
BROKEN_PIPE = 141
"""What a shell reports for a command that its reader has left (128 + SIGPIPE)."""


@contextmanager
def ending() -> Generator[None]:
    """End the process as what is raised inside says; without anything raised, go on."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The interpreter flushes standard output once more as it ends: let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(BROKEN_PIPE)
    except ConfigurationError as error:
        print(f"rxbybit: {error}", file=sys.stderr)
        sys.exit(MISUSED)
    except (RxBybitError, OSError) as error:
        print(f"rxbybit: {printable(str(error))}", file=sys.stderr)
        sys.exit(FAILED)
