"""Who asks: an API key, and what signs for it without showing the secret."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import NoReturn, Self

from rxbybit.errors import ConfigurationError

__all__ = ["KEY", "SECRET", "Credentials", "credentials_in"]

KEY, SECRET = "BYBIT_API_KEY", "BYBIT_API_SECRET"
"""The variables of the environment."""
SHOWN = 4
"""How many characters of a key are shown."""
_PEM = "-----BEGIN"

_Sign = Callable[[bytes], str]


class Credentials:
    """An API key, and what signs for it; the secret can be used but not read.

    ``Credentials.hmac(key, secret)`` is a key that the exchange has made, ``Credentials.rsa(key,
    pem)`` one whose private half has never left you. The text that they were made of is not kept:
    what signs is the keyed hash, or the loaded private key. repr, ``str`` and ``format`` show the
    first 4 characters of the key and nothing of the secret.

    ::

        credentials = Credentials.hmac("AbCdEfGhIjKlMnOpQr", "the-secret-of-that-key")
        print(credentials)  # Credentials.hmac('AbCd...', <secret>)

    Two of them are equal when they are the same object; a copy is the object itself.
    Errors: ``TypeError`` when they are pickled, as a pickle would hold the secret.
    """

    __slots__ = ("__weakref__", "_key", "_kind", "_sign")

    _key: str
    _kind: str
    _sign: _Sign

    def __new__(cls, *given: object, **named: object) -> NoReturn:
        """Credentials are made by ``hmac`` or ``rsa``."""
        del given, named  # a traceback with locals shows what still has a name
        raise ConfigurationError(
            "use Credentials.hmac(key, secret), or Credentials.rsa(key, pem) for an RSA key"
        )

    @classmethod
    def hmac(cls, key: str, secret: str) -> Self:
        """A key with a secret that the exchange has made; it signs by HMAC-SHA256.

        Errors: ``ConfigurationError`` for a key or a secret that is empty or holds white space or
        anything but printable ASCII; its text names no part of them.
        """
        given = _Hidden(key), _Hidden(secret)
        del key, secret
        return cls._of_secret(*given, "Credentials.hmac: the key", "Credentials.hmac: the secret")

    @classmethod
    def rsa(cls, key: str, pem: str | bytes) -> Self:
        """A key whose public half the exchange has; it signs by RSA-SHA256 (PKCS #1 v1.5).

        ``pem`` is the text of the private key's file, such as ``Path("bybit.pem").read_text()``.
        Errors: ``ConfigurationError`` for a key as in :meth:`hmac`, for a PEM that holds no RSA
        private key or an encrypted one, and without the extra ``rxbybit[rsa]``.
        """
        given = _Hidden(key), _Hidden(pem)
        del key, pem
        return cls._of_pem(*given, "Credentials.rsa: the key", "Credentials.rsa: the PEM")

    @property
    def key(self) -> str:
        """The whole API key: it names you, but it proves nothing."""
        return self._key

    def sign(self, text: str) -> str:
        """The signature of ``text``, which is signed as UTF-8.

        Lowercase hex of HMAC-SHA256, or base64 of RSA-SHA256, as the exchange wants each
        (V5 manual, "Connect" and "Integration Guidance": authentication).
        """
        return self._sign(text.encode())

    def __repr__(self) -> str:
        return f"Credentials.{self._kind}('{self._key[:SHOWN]}...', <secret>)"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: object) -> Self:
        return self

    def __reduce_ex__(self, _: object) -> NoReturn:
        raise TypeError(
            "Credentials are not pickled, as a pickle would hold the secret: make them in the"
            " process that uses them"
        )

    @classmethod
    def _of_secret(cls, key: _Hidden, secret: _Hidden, key_name: str, secret_name: str) -> Self:
        _check(key, key_name)
        if secret.is_pem():
            raise ConfigurationError(f"{secret_name} is a PEM: use Credentials.rsa(key, pem)")
        _check(secret, secret_name)
        return cls._made(key, "hmac", _hmac_sign(secret))

    @classmethod
    def _of_pem(cls, key: _Hidden, pem: _Hidden, key_name: str, pem_name: str) -> Self:
        _check(key, key_name)
        return cls._made(key, "rsa", _rsa_sign(pem, pem_name))

    @classmethod
    def _made(cls, key: _Hidden, kind: str, sign: _Sign) -> Self:
        made = object.__new__(cls)
        made._key, made._kind, made._sign = key.encoded().decode(), kind, sign
        return made

    @classmethod
    def _of_variables(cls, key: _Hidden, secret: _Hidden) -> Self:
        made = cls._of_pem if secret.is_pem() else cls._of_secret
        return made(key, secret, KEY, SECRET)


def credentials_in(environ: Mapping[str, str]) -> Credentials | None:
    """The credentials that ``BYBIT_API_KEY`` and ``BYBIT_API_SECRET`` hold; ``None`` without both.

    A secret that is the text of a PEM is an RSA key. A variable that is empty counts as not set.
    Errors: ``ConfigurationError`` where one is set alone, or where one cannot be.
    """
    key, secret = _Hidden(environ.get(KEY)), _Hidden(environ.get(SECRET))
    del environ  # it holds the secret too
    if not key.value and not secret.value:
        return None
    for given, name, other in ((key, KEY, SECRET), (secret, SECRET, KEY)):
        if not given.value:
            raise ConfigurationError(f"{other} is set, but {name} is not: set both, or neither")
    return Credentials._of_variables(key, secret)  # pyright: ignore[reportPrivateUsage]


class _Hidden:
    """What a user gave, until it is checked: an error's traceback with locals shows it nowhere.

    That holds as long as its value has no name of its own, so it is only used inside expressions.
    """

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "<secret>"

    def encoded(self) -> bytes:
        """Its bytes; of what is no text there are none."""
        if isinstance(self.value, str):
            return self.value.encode()
        return self.value if isinstance(self.value, bytes) else b""

    def is_pem(self) -> bool:
        """Whether it is a PEM, good or bad."""
        return isinstance(self.value, str) and self.value.lstrip().startswith(_PEM)


def _check(given: _Hidden, name: str) -> None:
    if not isinstance(given.value, str):
        raise ConfigurationError(f"{name} is no text")
    if not given.value.strip():
        raise ConfigurationError(f"{name} is empty")
    if given.value.split() != [given.value]:
        raise ConfigurationError(f"{name} has white space in it or around it: is it whole?")
    if not (given.value.isascii() and given.value.isprintable()):
        raise ConfigurationError(f"{name} has a character that is not printable ASCII")


def _hmac_sign(secret: _Hidden) -> _Sign:
    keyed = hmac.new(secret.encoded(), digestmod="sha256")

    def sign(text: bytes) -> str:
        copy = keyed.copy()
        copy.update(text)
        return copy.hexdigest()

    return sign


def _rsa_sign(pem: _Hidden, name: str) -> _Sign:
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError:
        raise ConfigurationError(
            "an RSA key needs cryptography: pip install 'rxbybit[rsa]'"
        ) from None
    if not isinstance(pem.value, str | bytes):
        raise ConfigurationError(f"{name} is no text: read the file of the private key")
    loaded: object = None
    encrypted = False
    if pem.value.isascii():  # the error of a failing encode() would hold the text
        # An error raised in here would carry the other one, with frames that are not ours.
        try:
            loaded = load_pem_private_key(pem.encoded(), password=None)
        except TypeError:
            encrypted = True
        except (ValueError, UnsupportedAlgorithm):
            loaded = None
    if encrypted:
        raise ConfigurationError(
            f"{name} is encrypted: give the private key without a passphrase, such as openssl pkey"
            " -in bybit.pem prints it"
        )
    if not isinstance(loaded, RSAPrivateKey):
        raise ConfigurationError(
            f"{name} holds no RSA private key: give the whole text of its file, from {_PEM} to"
            " -----END (the public key is what the exchange has)"
        )
    private, padding, digest = loaded, PKCS1v15(), SHA256()
    return lambda text: b64encode(private.sign(text, padding, digest)).decode()
