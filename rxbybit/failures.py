"""What went wrong with a connection, in a few plain words.

The texts of the system and of aiohttp repeat host and port, and show what means nothing to who
reads them; the line that these words end up in names the URL already.
"""

from __future__ import annotations

import errno
import re
import socket
import ssl

__all__ = ["NO_NETWORK", "in_words", "lost"]

_UNKNOWN_NAME = "the host name is not known"
_NO_LOOK_UP = "the host name could not be looked up"
_NO_ROUTE = "no route to the host"
_NETWORK_DOWN = "the network is unreachable"

NO_NETWORK = frozenset({_UNKNOWN_NAME, _NO_LOOK_UP, _NO_ROUTE, _NETWORK_DOWN})
"""What it comes to where there is no network."""

_BY_NUMBER = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset",
    errno.ECONNABORTED: "connection aborted",
    errno.EPIPE: "connection closed",
    errno.ETIMEDOUT: "no answer",
    errno.EHOSTUNREACH: _NO_ROUTE,
    errno.EHOSTDOWN: _NO_ROUTE,
    errno.ENETUNREACH: _NETWORK_DOWN,
    errno.ENETDOWN: _NETWORK_DOWN,
    errno.EADDRNOTAVAIL: "no free local address",
    errno.EACCES: "not permitted: is there a firewall?",
    errno.EPERM: "not permitted: is there a firewall?",
    errno.EMFILE: "this process has too many files open",
    errno.ENFILE: "this system has too many files open",
}
_NUMBER = re.compile(r"\[Errno (\d+)\]")


def in_words(error: Exception) -> str:
    """``error`` of a socket, of TLS or of a name look-up, without host and port."""
    match error:
        case ssl.SSLCertVerificationError():
            return f"the certificate is not trusted: {error.verify_message.rstrip('.')}"
        case ssl.SSLError(reason="WRONG_VERSION_NUMBER" | "HTTP_REQUEST" | "RECORD_LAYER_FAILURE"):
            return "TLS failed: the other side does not speak it"
        case ssl.SSLError():
            reason: str = (
                getattr(error, "reason", None) or "no reason given"
            )  # Python's own lack it
            return f"TLS failed: {reason.lower().replace('_', ' ')}"
        case socket.gaierror():
            return _UNKNOWN_NAME if error.errno in _NO_SUCH_NAME else _NO_LOOK_UP
        case OSError():
            return _BY_NUMBER.get(_number(error) or 0) or error.strerror or _named(error)
        case _:
            return _named(error)


def lost(error: Exception | None) -> str:
    """The end of a connection that the peer did not close; ``error`` is what it showed as."""
    if isinstance(error, OSError) and error.errno is not None:
        return f"the connection was lost: {in_words(error)}"
    return "the connection was lost (no close frame)"


_NO_SUCH_NAME = {
    getattr(socket, name)
    for name in ("EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY")  # some systems lack the others
    if hasattr(socket, name)
}


def _number(error: OSError) -> int | None:
    """Its number; where several addresses failed in several ways, that of the first."""
    if error.errno is not None:
        return error.errno
    found = _NUMBER.search(str(error))
    return int(found[1]) if found else None


def _named(error: Exception) -> str:
    return str(error) or type(error).__name__
