"""Failures of sockets in plain words: those that a real socket cannot be made to show here."""

from __future__ import annotations

import errno
import socket
import ssl

import pytest

from rxbybit.failures import NO_NETWORK, in_words, lost


@pytest.mark.parametrize(
    ("number", "words", "no_network"),
    [
        (errno.ECONNREFUSED, "connection refused", False),
        (errno.ECONNRESET, "connection reset", False),
        (errno.ECONNABORTED, "connection aborted", False),
        (errno.EPIPE, "connection closed", False),
        (errno.ETIMEDOUT, "no answer", False),
        (errno.EHOSTUNREACH, "no route to the host", True),
        (errno.EHOSTDOWN, "no route to the host", True),
        (errno.ENETUNREACH, "the network is unreachable", True),
        (errno.ENETDOWN, "the network is unreachable", True),
        (errno.EADDRNOTAVAIL, "no free local address", False),
        (errno.EACCES, "not permitted: is there a firewall?", False),
        (errno.EPERM, "not permitted: is there a firewall?", False),
        (errno.EMFILE, "this process has too many files open", False),
        (errno.ENFILE, "this system has too many files open", False),
    ],
)
def test_a_number_of_the_system(number: int, words: str, no_network: bool) -> None:
    error = OSError(number, "Connect call failed ('10.0.0.1', 443)")
    assert in_words(error) == words
    assert (words in NO_NETWORK) is no_network
    several = OSError(f"Multiple exceptions: [Errno {number}] Connect call failed, [Errno 5] x")
    assert in_words(several) == words


def tls(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}] and more (_ssl.c:1006)")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
        (OSError("odd"), "odd"),
        (OSError(), "OSError"),
        (ValueError("odd"), "odd"),
        (ValueError(), "ValueError"),
        (
            socket.gaierror(socket.EAI_FAIL, "Non-recoverable"),
            "the host name could not be looked up",
        ),
        (ssl.SSLError(), "TLS failed: no reason given"),
        (tls("TLSV1_ALERT_INTERNAL_ERROR"), "TLS failed: tlsv1 alert internal error"),
        (tls("WRONG_VERSION_NUMBER"), "TLS failed: the other side does not speak it"),
    ],
)
def test_what_has_no_words_of_ours_keeps_its_own(error: Exception, words: str) -> None:
    assert in_words(error) == words


def test_a_look_up_that_fails_is_a_matter_of_the_network() -> None:
    for number in (socket.EAI_NONAME, socket.EAI_NODATA, socket.EAI_AGAIN):
        assert in_words(socket.gaierror(number, "text")) in NO_NETWORK


def test_a_connection_that_was_lost() -> None:
    assert lost(None) == "the connection was lost (no close frame)"
    ours = ConnectionResetError("Cannot write to closing transport")
    assert lost(ours) == "the connection was lost (no close frame)"
    reset = ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
    assert lost(reset) == "the connection was lost: connection reset"
