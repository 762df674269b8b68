"""Every error that rxbybit raises or passes to ``on_error``.

::

    RxBybitError
     ├─ ConfigurationError          an argument, an environment variable, a missing extra
     ├─ ConnectionFailed            no connection could be had, or it was lost for good
     │   ├─ HandshakeRejected       the server answered the upgrade with a status of its own
     │   ├─ HeartbeatLost           the peer fell silent
     │   └─ RetryBudgetExhausted    ``Backoff.budget`` failed attempts in a row
     ├─ ProtocolError               the exchange said no
     │   ├─ SubscriptionRejected    to one topic
     │   ├─ AuthenticationFailed    to the API key
     │   └─ RequestRefused          to one REST request
     ├─ DecodeError                 a message that does not fit its schema
     ├─ SlowConsumer                an ``iterate`` buffer overflowed
     ├─ ClosedError                 the client was closed
     └─ RuntimeMisuse               a call from a place where it cannot work

Facts are attributes (``error.topic``, ``error.status``), the text is for people, and
``error.permanent`` says whether trying again can help.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = [
    "AuthenticationFailed",
    "ClosedError",
    "ConfigurationError",
    "ConnectionFailed",
    "DecodeError",
    "HandshakeRejected",
    "HeartbeatLost",
    "ProtocolError",
    "RequestRefused",
    "RetryBudgetExhausted",
    "RuntimeMisuse",
    "RxBybitError",
    "SlowConsumer",
    "SubscriptionRejected",
]

RAW_LIMIT = 2048
"""How much of an undecodable message an error keeps, in characters."""

Messages = Mapping[str, object] | Sequence[object]
"""What marshmallow says of a message: by field, and by index in a list."""


class RxBybitError(Exception):
    """The root of the tree."""

    permanent: bool = True
    """True when trying the same thing again cannot help."""

    def __reduce__(self) -> tuple[object, ...]:
        # What Exception does by itself is call the class with the text alone.
        return _again, (type(self), self.args, self.__dict__)


class ConfigurationError(RxBybitError, ValueError):
    """An argument that cannot work; the text names what is legal."""


class ConnectionFailed(RxBybitError):
    """No connection to the exchange could be had, or it was lost for good."""

    permanent = False

    def __init__(self, message: str, *, attempts: int = 0) -> None:
        super().__init__(message)
        self.attempts = attempts


class HandshakeRejected(ConnectionFailed):
    """The server answered the websocket upgrade with an HTTP status of its own."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        attempts: int = 0,
        permanent: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, attempts=attempts)
        self.status = status
        self.permanent = permanent
        self.retry_after_s = retry_after_s


class HeartbeatLost(ConnectionFailed):
    """The peer fell silent: no frame and no pong within 1.5 heartbeats."""


class RetryBudgetExhausted(ConnectionFailed):
    """``Backoff.budget`` attempts in a row have failed."""

    permanent = True


class ProtocolError(RxBybitError):
    """The exchange refused a request."""


class SubscriptionRejected(ProtocolError):
    """The exchange refused one topic; ``message`` is the reason in the exchange's own words."""

    def __init__(self, topic: str, message: str) -> None:
        super().__init__(
            f"the exchange refused {topic} ({message}): is the symbol spelled right, and is it"
            " traded in this category?"
        )
        self.topic = topic
        self.message = message


class AuthenticationFailed(ProtocolError):
    """The exchange does not take the API key; ``message`` is what it says, without what was sent.

    It ends the private streams only.
    """

    def __init__(self, message: str) -> None:
        super().__init__(f"the exchange refused the API key ({message}): {_advice(message)}")
        self.message = message


class RequestRefused(ProtocolError):
    """The exchange refused a REST request; ``message`` is the reason in its own words.

    ``code`` is the exchange's ``retCode``, or the HTTP status where that is not 200. ``permanent``
    is False for what passes by itself, such as a limit on requests or an exchange that restarts.
    """

    def __init__(self, code: int, message: str, *, url: str, permanent: bool = True) -> None:
        super().__init__(f"{url} was refused: {message} (code {code})")
        self.code = code
        self.message = message
        self.url = url
        self.permanent = permanent


class DecodeError(RxBybitError):
    """A message that does not fit its schema.

    ``raw`` is the beginning of its text, ``messages`` what marshmallow says is wrong.
    """

    def __init__(self, topic: str, raw: str, messages: Messages) -> None:
        super().__init__(f"{topic}: {messages}")
        self.topic = topic
        self.raw = raw[:RAW_LIMIT]
        self.messages = messages


class SlowConsumer(RxBybitError):
    """A consumer fell so far behind that its bounded buffer overflowed."""

    def __init__(self, lag: int) -> None:
        super().__init__(
            f"the consumer is {lag} events behind: take a larger buffer, or another overflow policy"
        )
        self.lag = lag


class ClosedError(RxBybitError):
    """The client behind this stream was closed."""

    def __init__(self, message: str = "the client is closed") -> None:
        super().__init__(message)


class RuntimeMisuse(RxBybitError, RuntimeError):
    """A call from a place where it cannot work, such as ``run()`` inside a running loop."""


def _advice(message: str) -> str:
    """What to do, by the words of a refusal (as users report them)."""
    said = message.lower()
    if "sign" in said:
        return "the secret is not the one of that key: is BYBIT_API_SECRET whole?"
    if "expire" in said and "key" in said:
        return "make a new one, as keys without an address of their own end after three months"
    if "params error" in said or "expired" in said:
        return (
            "the message came too late, or a clock is wrong, or the secret is not the one of that"
            " key: 'rxbybit doctor' compares the clocks"
        )
    if "key" in said:
        return (
            "is it whole, and made for this environment? Keys of mainnet, testnet and demo are"
            " not interchangeable"
        )
    return "check the key, its permissions and the addresses that it is bound to"


def _again(
    kind: type[RxBybitError], args: tuple[object, ...], facts: Mapping[str, object]
) -> RxBybitError:
    """The error as it was, out of a pickle or a copy."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(facts)
    return error
