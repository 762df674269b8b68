from __future__ import annotations

import asyncio
import json
import threading
import urllib.request

import pytest

from rxbybit.sim import Recording, Skip, serve_in_thread
from rxbybit.sim.market import Market, Push
from tests.sim.peer import PATIENCE_S, connected, frame, run

pytestmark = pytest.mark.usefixtures("no_exchange")

A = [frame("a", n=i) for i in range(3)]


def test_an_exchange_without_a_loop() -> None:
    with serve_in_thread({"linear": Recording(A, extra_topics=["b"])}, seed=1) as served:
        assert served.environment.rest == served.url
        with urllib.request.urlopen(f"{served.url}/v5/market/time", timeout=PATIENCE_S) as response:
            assert json.load(response)["retCode"] == 0
        served.faults.add(Skip(topic="a"))
        gone = threading.Event()

        async def client() -> None:
            async with connected(served.exchange) as peer:
                await peer.subscribe("a", "b")
                assert await peer.texts(3) == [*A[1:], "pushed"]
            gone.set()

        worker = threading.Thread(target=run, args=[client()])
        worker.start()
        served.until(lambda: served.subscriptions == {"a": 1, "b": 1})
        served.until(lambda: served.links[0].sent == 3)
        assert served.send("b", "pushed") == 1
        worker.join(PATIENCE_S)
        assert gone.is_set()
        served.until(lambda: not served.links)
        assert [request.op for request in served.requests] == ["subscribe"]
        assert [connect.status for connect in served.connects] == [101]
        assert served.run(threading.current_thread).name == "rxbybit-sim"
    assert "rxbybit-sim" not in {thread.name for thread in threading.enumerate()}


def test_waiting_has_an_end() -> None:
    with serve_in_thread({}) as served, pytest.raises(TimeoutError):
        served.until(lambda: False, timeout_s=0.05)


def test_a_taken_port_is_an_error_and_leaves_no_thread() -> None:
    with serve_in_thread({}) as served:
        port = int(served.url.rpartition(":")[2])
        with pytest.raises(OSError, match=str(port)), serve_in_thread({}, port=port):
            pass
        names = [thread.name for thread in threading.enumerate()]
        assert names.count("rxbybit-sim") == 1


def test_what_has_not_begun_can_be_left_and_leaves_nothing() -> None:
    served = serve_in_thread({})
    assert served.retire().result(0) is None
    served.join()
    served.__exit__()
    with pytest.raises(RuntimeError, match="does not run"):
        served.send("a", "b")
    assert (served.links, served.requests) == ((), [])


def test_a_port_that_was_taken_can_be_asked_for_again() -> None:
    with serve_in_thread({}) as other:
        port = int(other.url.rpartition(":")[2])
        served = serve_in_thread({}, port=port)
        for _ in range(2):
            with pytest.raises(OSError, match=str(port)):
                served.start()
    with served:
        assert served.url.endswith(f":{port}")
        assert served.links == ()


def test_a_port_that_was_taken_leaves_nothing_to_be_retired() -> None:
    with serve_in_thread({}) as other:
        served = serve_in_thread({}, port=int(other.url.rpartition(":")[2]))
        with pytest.raises(OSError, match="address"):
            served.start()
        assert served.retire().result(0) is None


def test_what_was_retired_does_not_begin() -> None:
    served = serve_in_thread({})
    served.retire()
    with pytest.raises(RuntimeError, match="has been closed"):
        served.start()
    assert "rxbybit-sim" not in {thread.name for thread in threading.enumerate()}


def test_it_begins_once() -> None:
    served = serve_in_thread({})
    with served:
        assert served.start() is served
        names = [thread.name for thread in threading.enumerate()]
        assert names.count("rxbybit-sim") == 1


def test_it_retires_when_its_clients_have_left() -> None:
    served = serve_in_thread({"linear": Recording(A)}).start()

    async def client() -> None:
        async with connected(served.exchange) as peer:
            await peer.subscribe("a")
            ended = served.retire()
            assert served.retire() is ended
            assert await peer.texts(3) == A  # it goes on until this one leaves
            assert not ended.done()
        ended.result(5)

    run(client())
    served.join()
    assert [request.op for request in served.requests] == ["subscribe"]
    with pytest.raises(RuntimeError, match="does not run"):
        served.send("a", "b")


def test_it_does_not_wait_for_ever_for_who_stays() -> None:
    served = serve_in_thread({"linear": Recording(A)}).start()

    async def client() -> None:
        async with connected(served.exchange) as peer:
            await peer.subscribe("a")
            await asyncio.wrap_future(served.retire())
            assert await peer.texts(3) == A

    run(client())
    served.join()
    assert served.links == ()


@pytest.mark.parametrize("how", ["retire", "exit"])
def test_a_market_that_has_died_says_so_and_leaves_no_thread(how: str) -> None:
    market = Market(start_ms=1_790_000_000_000)
    served = serve_in_thread(market=market).start()
    died = threading.Event()

    def advance(to_ms: int) -> list[Push]:
        died.set()
        raise ArithmeticError("no market")

    def begin() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        market.advance = advance  # type: ignore[method-assign]

    served.run(begin)
    assert died.wait(PATIENCE_S)
    with pytest.raises(ArithmeticError, match="no market"):
        served.retire().result(PATIENCE_S) if how == "retire" else served.__exit__()
    served.until(lambda: "rxbybit-sim" not in {thread.name for thread in threading.enumerate()})
