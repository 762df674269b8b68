"""A connection that failed or ended, in our words: aiohttp's show headers, query and password."""

from __future__ import annotations

from types import SimpleNamespace

import aiohttp

from rxbybit.errors import ConnectionFailed, HandshakeRejected
from rxbybit.failures import in_words, lost

__all__ = ["FAILURES", "failure_of", "once", "refuse_redirect", "why_ended"]


class Redirected(Exception):
    """The server wants us elsewhere."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Unanswered(Exception):
    """A connection that ended before the server answered, as ``error`` of aiohttp says."""

    def __init__(self, error: aiohttp.ClientError) -> None:
        super().__init__(error)
        self.error = error


FAILURES = (aiohttp.ClientError, OSError, Redirected, Unanswered)
"""What opening a websocket raises when there is none."""


async def once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """A middleware of aiohttp, which asks again by itself when a connection ends unanswered.

    The exchange would count a connect that we have not, and it would come without a pause.
    """
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise  # nothing is tried again when there was no connection
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise Unanswered(error) from None


async def refuse_redirect(
    session: aiohttp.ClientSession,
    context: SimpleNamespace,
    redirect: aiohttp.TraceRequestRedirectParams,
) -> None:
    """A hook of aiohttp: it would send our headers along."""
    redirect.response.close()
    raise Redirected(redirect.response.status)


def failure_of(error: Exception) -> ConnectionFailed:
    """``error`` of a connect in words of ours, where its own could tell secrets."""
    match error:
        case aiohttp.WSServerHandshakeError():
            return HandshakeRejected(
                f"the server answered the upgrade with HTTP {error.status}",
                status=error.status,
                retry_after_s=_seconds(error),
            )
        case Unanswered():
            return failure_of(error.error)
        case Redirected():
            return HandshakeRejected(
                f"the server answered with a redirect (HTTP {error.status}), which is not"
                " followed: check the URL",
                status=error.status,
                permanent=True,
            )
        case aiohttp.ClientHttpProxyError():
            failed = ConnectionFailed(f"the proxy answered with HTTP {error.status}")
            failed.permanent = error.status == 407  # it wants another user or password
        case aiohttp.ClientResponseError():
            failed = ConnectionFailed("the server's answer is no HTTP")
        case aiohttp.ClientPayloadError():
            failed = ConnectionFailed("the answer was cut in the middle, or is no HTTP")
        case aiohttp.InvalidURL():
            failed = ConnectionFailed("the URL, or that of the proxy, is none")
            failed.permanent = True
        case aiohttp.ClientConnectorCertificateError():
            failed = ConnectionFailed(f"{error.host}: {in_words(error.certificate_error)}")
            failed.permanent = True
        case aiohttp.ServerDisconnectedError():
            failed = ConnectionFailed("the server hung up before it answered")
        case aiohttp.ClientProxyConnectionError():
            failed = ConnectionFailed(f"no connection to the proxy: {in_words(error.os_error)}")
        case aiohttp.ClientConnectorError():
            failed = ConnectionFailed(in_words(error.os_error))
        case _:
            failed = ConnectionFailed(in_words(error))
    return failed


def _seconds(error: aiohttp.WSServerHandshakeError) -> float | None:
    """``Retry-After`` in seconds; its other form, a date, is not used by the exchange."""
    text = (error.headers or {}).get("Retry-After", "")
    return float(text) if text.isdecimal() else None


def why_ended(opened: aiohttp.ClientWebSocketResponse, message: aiohttp.WSMessage) -> str:
    """Why a websocket gives no more data, as its last message says."""
    if message.type is aiohttp.WSMsgType.CLOSE:
        reason = f" ({message.extra})" if message.extra else ""
        return f"the server closed with code {message.data or 1005}{reason}"
    if isinstance(message.data, aiohttp.WebSocketError):
        return f"the server broke the websocket protocol: {message.data}"
    error = opened.exception()
    return lost(error if isinstance(error, Exception) else None)
