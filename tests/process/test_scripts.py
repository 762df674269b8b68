"""Rule R8: what a script does when its last line has run, when it is interrupted, when it dies.

Each runs in an interpreter of its own, so the whole file runs under every supported Python.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable

import pytest

from rxbybit.exiting import MESSAGE
from rxbybit.subscription import UNHANDLED

from .conftest import BARE, PRELUDE, RUNNING, Script

Start = Callable[..., Script]

FOREVER = "Topic(every_s=0.01).stream().pipe(ops.buffer_with_time(0.05)).subscribe(print)\n"
THREE = "Topic(every_s=0.01).stream().pipe(ops.take(3)).subscribe(print)\n"
LONG = "Topic(every_s=0.5).stream().pipe(ops.take(4)).subscribe(print)\n"


@pytest.mark.parametrize("how", ["file", "-c", "-m", "-"])
def test_the_one_liner_prints_until_ctrl_c(start: Start, how: str) -> None:
    script = start(FOREVER, how=how, watch=True).wait_for(RUNNING)
    for n in (10, 20, 30):
        script.wait_for(f", {n})")
    script.interrupt().end().silent(130)


@pytest.mark.parametrize("how", ["file", "-c", "-m", "-"])
def test_it_ends_with_the_last_subscription(start: Start, how: str) -> None:
    script = start(THREE, how=how).end().silent()
    assert len(script.output.splitlines()) == 3


def test_warnings_and_debug_mode_find_nothing_to_say(start: Start) -> None:
    start(THREE, "-X", "dev", "-W", "error").end().silent()
    script = start(FOREVER, "-X", "dev", "-W", "error", watch=True).wait_for(RUNNING)
    script.interrupt().end().silent(130)


@pytest.mark.parametrize("how", ["file", "-c", "-m"])
def test_a_plain_end_waits_in_silence(start: Start, how: str) -> None:
    script = start(LONG, how=how).end().silent()
    assert len(script.output.splitlines()) == 4


@pytest.mark.parametrize("how", ["file", "-c", "-m"])
def test_sys_exit_waits_says_so_once_and_keeps_its_status(start: Start, how: str) -> None:
    script = start(LONG + "sys.exit(3)", how=how).end()
    assert (script.status, script.error) == (3, MESSAGE + "\n")
    assert len(script.output.splitlines()) == 4


def test_sys_exit_says_nothing_when_it_need_not_wait_long(start: Start) -> None:
    patient = "from rxbybit import exiting\nexiting.PATIENCE_S = 60\n"  # need not, on any machine
    start(patient + THREE + "sys.exit(3)").end().silent(3)
    start("Runtime.current()\nsys.exit(3)").end().silent(3)


def test_sys_exit_stays_what_it_is_in_a_script(start: Start) -> None:
    body = "original = sys.exit\nRuntime.current()\nprint(sys.exit is original)"
    assert start(body).end().silent().output == "True\n"


def test_ctrl_c_while_sys_exit_waits(start: Start) -> None:
    script = start(FOREVER + "sys.stderr = sys.stdout\nsys.exit(3)").wait_for(MESSAGE)
    script.interrupt().end().silent(130)


def test_keep_alive_false_lets_the_script_end(start: Start) -> None:
    script = start("Topic().stream(origin=Client(keep_alive=False)).subscribe(print)").end()
    script.silent()


def test_disposing_the_last_lets_the_script_end(start: Start) -> None:
    script = start("""
        heard = threading.Event()
        handle = Topic().stream().pipe(ops.do_action(print)).subscribe(lambda _: heard.set())
        def leave():
            heard.wait()
            time.sleep(0.2)
            handle.dispose()
        threading.Thread(target=leave, daemon=True).start()
        """)
    assert script.end().silent().output


def test_closing_the_client_lets_the_script_end(start: Start) -> None:
    start("""
        from rxbybit.errors import ClosedError
        client = Client()
        Topic().stream(origin=client).pipe(ops.buffer_with_time(0.1)).subscribe(print)
        time.sleep(0.3)
        client.close(ClosedError())
        """).end().silent()


def test_what_a_non_daemon_thread_subscribes_after_the_end_of_main_is_waited_for(
    start: Start,
) -> None:
    script = start("""
        def late():
            time.sleep(0.3)
            Topic(every_s=0.1).stream().pipe(ops.take(5)).subscribe(print)
        Runtime.current()
        threading.Thread(target=late).start()
        """).end()
    assert len(script.silent().output.splitlines()) == 5


def test_a_first_subscription_after_the_end_of_main_is_waited_for_or_told_off(
    start: Start,
) -> None:
    script = start("""
        def late():
            while threading.main_thread().is_alive():
                time.sleep(0.01)
            Topic(every_s=0.1).stream().pipe(ops.take(5)).subscribe(print)
        threading.Thread(target=late).start()
        """).end()
    if sys.version_info < (3, 12) or not script.error:
        assert len(script.silent().output.splitlines()) == 5
    else:  # 3.12 refuses new threads by then, 3.13 does not
        *_, last = script.error.splitlines()
        assert last.startswith("rxbybit.errors.RuntimeMisuse: no thread can be started")
        assert last.endswith("subscribe before the main thread ends, or join() this one in it")


@pytest.mark.parametrize("venue", ['Bybit("sim")', "Simulator()"])
def test_an_exchange_of_its_own_that_starts_after_the_end_of_main(start: Start, venue: str) -> None:
    script = start(f"""
        from rxbybit import Bybit, RuntimeMisuse, Simulator
        def late():
            while threading.main_thread().is_alive():
                time.sleep(0.01)
            try:
                with {venue} as client:
                    print(client.trades("BTCUSD").pipe(ops.take(1)).run().symbol)
            except RuntimeMisuse as error:
                print(error)
        Runtime.current()
        threading.Thread(target=late).start()
        """).end()
    said = script.silent().output.strip()
    # 3.12 refuses new threads by then, 3.13 does not
    assert said == "BTCUSD" or (
        sys.version_info >= (3, 12) and said.startswith("no thread can be started")
    )


def test_exit_handlers_run_after_the_streams_have_ended(start: Start) -> None:
    body = "import atexit\n" + THREE + "atexit.register(print, 'handler')"
    assert start(body).end().silent().output.splitlines()[-1] == "handler"


def test_ctrl_c_disposes_runs_exit_handlers_and_flushes(start: Start) -> None:
    script = start(
        """
        import atexit
        from reactivex.disposable import Disposable
        atexit.register(print, "first handler")
        def source(runtime, observer):
            release = runtime.hold()
            def close():
                print("closing")
                def closed():
                    print("closed")
                    release()
                runtime.loop.call_later(0.2, closed)
            return Disposable(close)
        Stream(source).subscribe(print, print, lambda: print("completed"))
        atexit.register(print, "last handler")
        """,
        watch=True,
        PYTHONUNBUFFERED="",
    )
    script.wait_for(RUNNING).interrupt().end().silent(130)
    ends = ["closing", "closed", "last handler", "first handler"]
    assert script.output.splitlines()[1:] == ends


HANGS = """
def hang(_):
    print("hanging", flush=True)
    time.sleep(120)
Topic().stream().subscribe(hang)
"""


def test_ctrl_c_does_not_wait_for_a_callback_that_hangs(start: Start) -> None:
    script = start(HANGS, watch=True)
    script.wait_for("hanging").wait_for(RUNNING).interrupt().end().silent(130)


def test_a_second_ctrl_c_does_not_wait_at_all(start: Start) -> None:
    script = start(HANGS, watch=True)
    script.wait_for("hanging").wait_for(RUNNING).interrupt()
    script.process.send_signal(signal.SIGINT)
    script.end().silent(130)


def test_ctrl_c_while_main_still_works_is_pythons_own(start: Start) -> None:
    script = start(FOREVER + "nap()", watch=True).wait_for(RUNNING).interrupt().end()
    assert script.status == -signal.SIGINT
    assert script.error.rstrip().endswith("KeyboardInterrupt")
    assert script.error.count("Traceback") == 1


def test_a_script_that_caught_its_ctrl_c_goes_on(start: Start) -> None:
    script = start(
        FOREVER + "try:\n    nap()\nexcept KeyboardInterrupt:\n    print('caught')\n"
        "watch('main waits again')\n",
        watch=True,
    )
    script.wait_for(RUNNING).interrupt().wait_for("caught")
    for _ in range(10):
        script.next_line()
    script.wait_for("main waits again").interrupt().end().silent(130)


def test_a_main_thread_that_died_is_not_outlived(start: Start) -> None:
    script = start(FOREVER + "time.sleep(0.2)\nraise ValueError('main')").end()
    assert script.status == 1
    assert script.error.rstrip().endswith("ValueError: main")
    assert script.error.count("Traceback") == 1


DIES = """
def dies(after_s):
    def source(runtime, observer):
        runtime.loop.call_later(after_s, observer.on_error, ValueError(f"after {after_s}"))
        return Disposable()
    return Stream(source)
from reactivex.disposable import Disposable
import reactivex
"""


@pytest.mark.parametrize("after_s", [0.0, 1.5])
def test_a_script_whose_last_stream_died_unhandled_has_failed(start: Start, after_s: float) -> None:
    atexit = "import atexit\natexit.register(print, 'handler')\n"
    script = start(f"{DIES}{atexit}dies({after_s}).subscribe(print)").end()
    assert (script.status, script.output) == (1, "handler\n")
    assert script.error.splitlines() == [UNHANDLED, f"ValueError: after {after_s}"]


def test_a_subscriber_that_died_last_has_failed_too(start: Start) -> None:
    assert start("Topic().stream().subscribe(lambda _: 1 / 0)").end().status == 1
    body = DIES + "reactivex.merge(dies(0.1), Topic().stream()).subscribe(print)"
    script = start(body).end()  # reactivex raises where there is no on_error
    assert script.status == 1
    assert "ValueError: after 0.1" in script.error


def test_an_error_that_is_handled_or_outlived_is_no_failure(start: Start) -> None:
    assert start(DIES + "dies(0.1).subscribe(print, print)").end().silent().output
    for body in ("dies(0.1).subscribe(print)\n" + LONG, LONG + "dies(0.1).subscribe(print)\n"):
        assert start(DIES + body).end().status == 0


def test_a_stream_that_died_leaves_every_other_status_alone(start: Start) -> None:
    body = DIES + "dies(0.1).subscribe(print)\ntime.sleep(0.3)\n"
    for end, status in (("sys.exit(3)", 3), ("sys.exit()", 0), ("raise SystemExit(4)", 4)):
        assert start(body + end).end().status == status
    for how in ("-c", "-m"):
        assert start(body + "raise SystemExit(5)", how=how).end().status == 5
    script = start(body + FOREVER, watch=True).wait_for(RUNNING).interrupt().end()
    assert script.status == 130


def test_sigterm_is_left_alone(start: Start) -> None:
    script = start(FOREVER, watch=True).wait_for(RUNNING)
    script.process.terminate()
    assert script.end().status == -signal.SIGTERM


def test_a_signal_handler_may_exit_with_its_own_status(start: Start) -> None:
    handler = "import signal\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit({}))\n"
    script = start(handler.format(7) + FOREVER, watch=True).wait_for(RUNNING)
    script.process.terminate()
    script.end().silent(7)
    script = start(handler.format("'so long'") + FOREVER, watch=True).wait_for(RUNNING)
    script.process.terminate()
    script.end()
    assert (script.status, script.error) == (1, "so long\n")
    script = start(handler.format("") + FOREVER, watch=True).wait_for(RUNNING)
    script.process.terminate()
    script.end().silent(0)


@pytest.mark.parametrize(
    ("options", "environment"),
    # The last two have no terminal to be interactive on, so they just end.
    [(["-i"], {}), ([], {"PYTHONINSPECT": "1"}), ([], {"SET_PS1": "1"})],
)
def test_an_interactive_interpreter_never_waits(
    start: Start, options: list[str], environment: dict[str, str]
) -> None:
    ps1 = "import os\nif os.environ.get('SET_PS1'):\n    sys.ps1 = '>>> '\n"
    script = start(ps1 + FOREVER, *options, **environment)
    if options:
        script.wait_for(", 30)")
    script.end()  # communicate closes stdin
    assert script.status == 0
    assert "Traceback" not in script.error


def test_sys_exit_inside_a_callback_ends_the_streams_and_the_script(start: Start) -> None:
    start("Topic().stream().subscribe(lambda _: sys.exit(3))").end().silent(0)


def test_run_is_interrupted_by_ctrl_c_and_disposes(start: Start) -> None:
    script = start("""
        topic = Topic()
        try:
            topic.stream().run()
        except KeyboardInterrupt:
            print("interrupted")
        while not topic.closed:
            time.sleep(0.01)
        print("closed", topic.closed)
        """, watch=True)  # fmt: skip
    script.wait_for(RUNNING).interrupt().end().silent(0)
    assert script.output.splitlines()[-2:] == ["interrupted", "closed 1"]


def test_run_of_reactivex_is_interrupted_too(start: Start) -> None:
    script = start("""
        from reactivex.run import run
        run(Topic().stream().pipe(ops.do_action(print)))
        """)
    script.wait_for("(1, 3)").interrupt().end()
    assert script.error.rstrip().endswith("KeyboardInterrupt")


def test_names_are_looked_up_after_main_has_ended(start: Start) -> None:
    script = start("""
        from reactivex.disposable import Disposable
        def source(runtime, observer):
            async def look():
                await asyncio.sleep(0.3)
                for host in ("localhost", "127.0.0.1"):
                    observer.on_next(bool(await runtime.resolve(host, 80)))
                observer.on_completed()
            task = runtime.loop.create_task(look())
            return Disposable(task.cancel)
        Stream(source).subscribe(print)
        """).end()
    assert script.silent().output.split() == ["True", "True"]


def test_an_executor_works_after_main_has_ended() -> None:
    # Bare: nobody else has imported the executor before the first subscription.
    body = """
Topic(every_s=0.2).stream().pipe(ops.take(3)).subscribe(
    lambda event: print(pool.submit(int, event[1]).result()))
from concurrent.futures import ThreadPoolExecutor
pool = ThreadPoolExecutor(1)
pool.submit(int).result()
"""
    script = Script(["-c", BARE + PRELUDE + body]).end()
    assert script.silent().output.split() == ["0", "1", "2"]


def test_a_hung_name_look_up_does_not_hold_the_exit(start: Start) -> None:
    script = start("""
        import socket
        genuine = socket.getaddrinfo
        def hangs(*arguments, **options):
            if options.get("flags"):
                return genuine(*arguments, **options)
            print("looking up", flush=True)
            time.sleep(120)
        socket.getaddrinfo = hangs
        from reactivex.disposable import Disposable
        def source(runtime, observer):
            task = runtime.loop.create_task(runtime.resolve("name.test", 1))
            return Disposable(task.cancel)
        Stream(source).subscribe(print)
        """, watch=True)  # fmt: skip
    script.wait_for("looking up").wait_for(RUNNING).interrupt().end().silent(130)


def test_asyncio_run_ends_its_subscriptions_and_the_script(start: Start) -> None:
    script = start(
        """
        topic = Topic()
        async def main():
            topic.stream().subscribe(lambda _: None, print, lambda: print("completed"))
            async for event in topic.stream():
                print(event)
                break
        asyncio.run(main())
        print(topic.opened, topic.closed, threading.active_count())
        """,
        "-X", "dev", "-W", "error",
    )  # fmt: skip
    assert script.end().silent().output.splitlines() == ["(1, 0)", "1 1 1"]


def test_ctrl_c_in_asyncio_run_is_pythons_own(start: Start) -> None:
    script = start("""
        topic = Topic()
        async def main():
            async for event in topic.stream():
                print(event)
        try:
            asyncio.run(main())
        finally:
            print("closed", topic.closed)
        """)
    script.wait_for("(1, 3)").interrupt().end()
    assert script.status == -signal.SIGINT
    assert script.output.splitlines()[-1] == "closed 1"
    assert script.error.rstrip().endswith("KeyboardInterrupt")


def test_a_thread_with_its_own_loop_works_beside_the_background(start: Start) -> None:
    script = start("""
        async def main():
            async for event in Topic(count=2).stream():
                say(f"own {event}")
        def say(line):
            print(line + "\\n", end="")  # in one piece: two threads write
        Topic(count=2, every_s=0.3).stream().subscribe(lambda e: say(f"background {e}"))
        threading.Thread(target=lambda: asyncio.run(main())).start()
        """).end()
    assert sorted(script.silent().output.splitlines()) == [
        "background (1, 0)", "background (1, 1)", "own (1, 0)", "own (1, 1)",
    ]  # fmt: skip


def test_forked_children_start_anew_and_wait_for_nobody_elses(start: Start) -> None:
    script = start("""
        import multiprocessing, warnings
        warnings.simplefilter("ignore")  # the child of a process with threads is the point
        def child():
            Topic(count=2).stream().subscribe(lambda e: print("child", e, flush=True))
        handle = Topic().stream().subscribe(lambda _: None)
        for target in (child, int):
            process = multiprocessing.get_context("fork").Process(target=target)
            process.start()
            process.join(30)
            print("status", process.exitcode)
        handle.dispose()
        """).end()
    expected = ["child (1, 0)", "child (1, 1)", "status 0", "status 0"]
    assert script.silent().output.splitlines() == expected
