"""What is signed, and how the signature travels: values in, text out; the clock is an argument.

Sources: V5 manual, "Connect" (authentication) and "Integration Guidance" (request headers);
legacy manual, inverse perpetual websocket (authentication).
"""

from __future__ import annotations

import json

from rxbybit.credentials import Credentials

__all__ = [
    "RECV_WINDOW_MS",
    "AuthFrame",
    "SignedHeaders",
    "auth_frame",
    "auth_text",
    "rest_headers",
    "rest_text",
]

RECV_WINDOW_MS = 5000
"""How old a REST request may be when the exchange looks at it (its default)."""


class AuthFrame(str):
    """The text of an ``auth`` message; its repr shows neither the key nor the signature."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<auth frame>"


class SignedHeaders(dict[str, str]):
    """The headers of a signed request; their repr shows neither the key nor the signature."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<signed headers: {', '.join(self)}>"


def auth_text(expires_ms: int) -> str:
    """What is signed to authenticate a websocket, on both wires."""
    return f"GET/realtime{expires_ms:d}"


def auth_frame(credentials: Credentials, expires_ms: int, request: str | None = None) -> AuthFrame:
    """The message that authenticates a websocket until ``expires_ms``, of the exchange's clock.

    It must arrive before that time: 5 to 10 s are enough for a slow link. ``request`` is the id
    that the V5 wire repeats in its answer; the legacy wire knows none.
    """
    # One expression: a signature without a name is in no traceback that shows locals.
    return AuthFrame(
        json.dumps(
            ({} if request is None else {"req_id": request})
            | {
                "op": "auth",
                "args": [credentials.key, expires_ms, credentials.sign(auth_text(expires_ms))],
            },
            separators=(",", ":"),
        )
    )


def rest_text(key: str, payload: str, timestamp_ms: int, recv_window_ms: int) -> str:
    """What is signed to authenticate a REST request.

    ``payload`` is the query exactly as it is sent, without ``?`` (GET), or the body (POST).
    """
    return f"{timestamp_ms:d}{key}{recv_window_ms:d}{payload}"


def rest_headers(
    credentials: Credentials,
    payload: str,
    *,
    timestamp_ms: int,
    recv_window_ms: int = RECV_WINDOW_MS,
) -> SignedHeaders:
    """The headers that authenticate a REST request of V5; ``payload`` as in :func:`rest_text`.

    The exchange takes it while its clock is less than ``recv_window_ms`` after ``timestamp_ms``,
    or less than 1000 ms before it.
    """
    return SignedHeaders(
        {
            "X-BAPI-API-KEY": credentials.key,
            "X-BAPI-TIMESTAMP": str(timestamp_ms),
            "X-BAPI-RECV-WINDOW": str(recv_window_ms),
            "X-BAPI-SIGN": credentials.sign(
                rest_text(credentials.key, payload, timestamp_ms, recv_window_ms)
            ),
        }
    )
