"""P10: No secret appears in a log, repr, exception, traceback, recording or terminal.

Secret are the password in the URL of a proxy, and what credentials sign with. The whole run of the
tests is watched for the credentials of :mod:`tests.canary` besides.
"""

from __future__ import annotations

import asyncio
import copy
import logging
import os
import pickle
import pprint
import sys
import traceback
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from msgspec import Struct

import rxbybit
from rxbybit import Backoff, Bybit, ConfigurationError, Credentials, RetryBudgetExhausted, Status
from rxbybit.credentials import credentials_in
from rxbybit.protocol.signing import auth_frame, rest_headers
from tests import canary
from tests.loopback.rawserver import Peer, RawServer, Script
from tests.promises.world import Ear, until

SECRET = "sesame"


def asks_for_another(peer: Peer) -> None:
    peer.read_head()
    peer.send(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")


def talks_nonsense(peer: Peer) -> None:
    peer.send(b"HTTP/1.1 sesam\r\n\r\n" if peer.read_head() else b"")


@pytest.mark.parametrize("secure", [False, True], ids=["ws", "wss"])
@pytest.mark.parametrize("script", [asks_for_another, talks_nonsense, Peer.reset, Peer.read_head])
def test_the_password_of_a_proxy_is_told_nowhere(
    script: Script, secure: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    told: list[object] = []

    async def main(proxy: RawServer) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: told.append(context))
        client: Any = Bybit(
            f"{'https' if secure else 'http'}://127.0.0.1:9",
            proxy=f"http://user:{SECRET}@127.0.0.1:{proxy.port}",
            backoff=Backoff(first=0.001, budget=2),
        )
        statuses: list[Status] = []
        client.status().subscribe(statuses.append)
        ear = Ear(client.trades("BTCUSD"))
        client.trades("BTCUSD").subscribe(lambda _: None)  # its error goes to the loop's handler
        await until(lambda: ear.errors and told)
        (error,) = ear.errors
        if script is not asks_for_another:
            assert isinstance(error, RetryBudgetExhausted)
        told.extend(statuses)
        told.extend(status.to_json() for status in statuses)
        told.extend(traceback.format_exception(error))
        told.extend([client, client._settings, list(client._pools), vars(error), error.args])
        told.extend([client.trades("BTCUSD"), ear.subscription])
        await client.aclose()

    with RawServer(script) as proxy:
        asyncio.run(main(proxy), debug=True)
    told.extend(record.getMessage() for record in caplog.records)
    told.extend(vars(record) for record in caplog.records)
    shown = "\n".join(f"{thing!r}\n{thing!s}" for thing in told)
    assert SECRET not in shown
    assert "127.0.0.1" in shown


@pytest.mark.parametrize(
    "proxy", [f"user:{SECRET}@host", f"socks5://u:{SECRET}@h:1", f"http://u:{SECRET}@", SECRET]
)
def test_a_proxy_that_cannot_be_used_is_refused_without_a_word_of_it(proxy: str) -> None:
    with pytest.raises(ValueError, match="proxy") as caught:
        Bybit("http://127.0.0.1:9", proxy=proxy)
    assert SECRET not in "".join(traceback.format_exception(caught.value, chain=False))
    assert SECRET not in repr(caught.value)


PRIVATE = rsa.generate_private_key(65537, 2048)


def pem(passphrase: bytes = b"") -> str:
    closed = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, closed).decode()


KEYS = ("key", "_key")
"""Attributes that are the whole key, which whoever signs has to send."""
PEM, LOCKED = pem(), pem(b"sesame")
for line in (PEM + LOCKED).splitlines():
    if len(line) == 64:  # not the first line and the last one, which every PEM has
        canary.watch_for(line)
for number in (PRIVATE.private_numbers().d, PRIVATE.private_numbers().p):
    canary.watch_for(str(number))
    canary.watch_for(f"{number:x}")

MADE: dict[str, Callable[[], Any]] = {
    "hmac": lambda: Credentials.hmac(canary.KEY, canary.SECRET),
    "rsa": lambda: Credentials.rsa(canary.KEY, PEM),
    "variables": lambda: credentials_in(os.environ),
    "variables, a PEM": lambda: credentials_in(
        {"BYBIT_API_KEY": canary.KEY, "BYBIT_API_SECRET": PEM}
    ),
}
REFUSED: dict[str, Callable[[], object]] = {
    "the class": lambda: Credentials(canary.KEY, canary.SECRET),
    "the class, by name": lambda: Credentials(key=canary.KEY, secret=canary.SECRET),
    "white space in a key": lambda: Credentials.hmac(f"{canary.KEY} ", canary.SECRET),
    "white space in a secret": lambda: Credentials.hmac(canary.KEY, f"{canary.SECRET}\n"),
    "no ASCII": lambda: Credentials.hmac(canary.KEY, f"{canary.SECRET}\udcff"),
    "bytes": lambda: Credentials.hmac(canary.KEY, canary.SECRET.encode()),  # pyright: ignore[reportArgumentType]
    "a PEM as a secret": lambda: Credentials.hmac(canary.KEY, PEM),
    "a secret as a PEM": lambda: Credentials.rsa(canary.KEY, canary.SECRET),
    "half a PEM": lambda: Credentials.rsa(canary.KEY, PEM[:500]),
    "a PEM that is no ASCII": lambda: Credentials.rsa(canary.KEY, f"{PEM}\udcff"),
    "a PEM in bytes": lambda: Credentials.rsa(canary.KEY, b"\xff" + PEM.encode()),
    "an encrypted PEM": lambda: Credentials.rsa(canary.KEY, LOCKED),
    "a variable alone": lambda: credentials_in({"BYBIT_API_SECRET": canary.SECRET}),
    "a variable with white space": lambda: credentials_in(
        {"BYBIT_API_KEY": canary.KEY, "BYBIT_API_SECRET": f"{canary.SECRET} "}
    ),
    "a variable with half a PEM": lambda: credentials_in(
        {"BYBIT_API_KEY": canary.KEY, "BYBIT_API_SECRET": PEM[:500]}
    ),
}


class Holder(Struct):
    """What a client might keep credentials in."""

    credentials: object


def insides(thing: object, depth: int = 4) -> Iterator[object]:
    """``thing``, and what its attributes, slots, items and closures hold."""
    yield thing
    if depth == 0:
        return
    held: list[object] = [*getattr(thing, "__dict__", {}).values()]
    for kind in type(thing).__mro__:
        slots = vars(kind).get("__slots__", ())
        held += [getattr(thing, name, None) for name in ([slots] if slots == str(slots) else slots)]
    held += thing.values() if isinstance(thing, dict) else ()
    held += thing if isinstance(thing, list | tuple | set) else ()
    held += [cell.cell_contents for cell in getattr(thing, "__closure__", None) or ()]
    for one in held:
        yield from insides(one, depth - 1)


@pytest.mark.parametrize("kind", MADE)
def test_credentials_show_no_secret(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    credentials = MADE[kind]()
    assert canary.expose(canary.KEY)  # the watch can see
    assert canary.expose(PEM)
    logging.getLogger("rxbybit").warning("asked by %s, %r", credentials, [credentials])
    told = [
        repr(credentials),
        str(credentials),
        format(credentials),
        f"{credentials!a}",
        pprint.pformat({"credentials": [credentials]}),
        repr(Holder(credentials)),
        repr(copy.deepcopy(Holder(credentials))),
        caplog.text,
        *(repr(getattr(credentials, name)) for name in dir(credentials) if name not in KEYS),
    ]
    assert canary.KEY[:4] in told[0]
    assert canary.expose("\n".join(told)) == []


@pytest.mark.parametrize("kind", MADE)
def test_credentials_keep_no_text_of_their_secret(kind: str) -> None:
    credentials = MADE[kind]()
    assert not hasattr(credentials, "__dict__")
    held = [thing for thing in insides(credentials) if thing != canary.KEY]
    assert len(held) > 3
    assert [found for thing in held for found in canary.expose(thing)] == []


@pytest.mark.parametrize("kind", MADE)
def test_a_pickle_is_refused_without_a_word_of_the_secret(kind: str) -> None:
    with pytest.raises(TypeError) as caught:
        pickle.dumps(Holder(MADE[kind]()))
    assert canary.expose(caught.value) == []


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_shows_nothing_of_what_it_refuses(case: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        REFUSED[case]()
    held = [canary.shown(thing) for _, thing in canary.locals_of(caught.value)]
    assert "<secret>" in held or "the class" in case  # whose arguments have lost their names
    assert canary.expose(caught.value) == []
    shown = traceback.TracebackException.from_exception(caught.value)  # without those of the test
    assert canary.expose("".join(line for line in shown.format() if "tests" not in line)) == []


@pytest.mark.parametrize("kind", MADE)
def test_what_is_sent_shows_no_secret_and_no_signature(kind: str) -> None:
    credentials = MADE[kind]()
    frame = auth_frame(credentials, 1662350400000)
    headers = rest_headers(credentials, "category=inverse", timestamp_ms=1662350400000)
    told = repr([frame, headers, Holder(frame), Holder(headers)])
    assert (canary.KEY in frame, canary.KEY in headers.values()) == (True, True)
    assert canary.expose(told) == []
    signed = credentials.sign("GET/realtime1662350400000")
    assert signed in frame
    assert [s for s in (signed, headers["X-BAPI-SIGN"]) if s in told] == []
    assert canary.SECRET not in frame


@pytest.mark.parametrize("kind", MADE)
def test_no_variable_of_a_frame_of_ours_is_a_secret_at_any_moment(kind: str) -> None:
    """Ctrl-C may come between any two lines, and a traceback with locals shows what they hold."""
    signed = MADE[kind]().sign("GET/realtime1662350400000")
    found: set[str] = set()
    looked: set[str] = set()

    def look(frame: FrameType, event: str, _: object) -> Any:
        module = frame.f_globals.get("__name__", "")
        if not module.startswith("rxbybit."):
            return None
        looked.add(frame.f_code.co_name)
        if event == "line":
            for name, value in frame.f_locals.items():
                text = canary.shown(value)  # half made they have none
                if any(secret in text for secret in (canary.SECRET, PEM[64:90], signed)):
                    found.add(f"{frame.f_code.co_name}: {name}")
        return look

    before = sys.gettrace()
    sys.settrace(look)
    try:
        credentials = MADE[kind]()
        auth_frame(credentials, 1662350400000)
        rest_headers(credentials, "category=inverse", timestamp_ms=1662350400000)
    finally:
        sys.settrace(before)
    assert {"_made", "sign", "auth_frame", "rest_headers"} <= looked
    # Arguments have their names until the first line has run, which takes them away.
    assert found <= {"hmac: secret", "rsa: pem", "__init__: value", "credentials_in: environ"}


@pytest.mark.parametrize("name", rxbybit.__all__)
def test_no_public_object_shows_the_variables(name: str) -> None:
    assert os.environ["BYBIT_API_SECRET"] == canary.SECRET
    assert canary.expose(getattr(rxbybit, name)) == []
