"""Certificates of an authority that the client trusts, and flawed ones."""

from __future__ import annotations

import datetime as dt
import ssl
from functools import cache

import trustme

__all__ = ["elsewhere", "expired", "good", "trusting", "unknown"]

HOST = "127.0.0.1"
_PAST = dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc)


@cache
def trusting() -> ssl.SSLContext:
    """The client's context."""
    context = ssl.create_default_context()
    _authority().configure_trust(context)
    return context


@cache
def good() -> ssl.SSLContext:
    """A server's, and there is nothing wrong with it."""
    return _context(_authority().issue_cert(HOST))


def elsewhere() -> ssl.SSLContext:
    """Of another host."""
    return _context(_authority().issue_cert("elsewhere.example"))


def expired() -> ssl.SSLContext:
    """Good for long enough."""
    return _context(_authority().issue_cert(HOST, not_after=_PAST))


def unknown() -> ssl.SSLContext:
    """Of an issuer whom nobody knows."""
    return _context(trustme.CA().issue_cert(HOST))


@cache
def _authority() -> trustme.CA:
    return trustme.CA()


def _context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context
