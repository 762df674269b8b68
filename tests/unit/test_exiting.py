"""What the end of a script asks of the interpreter; the rest is seen in processes of its own."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from rxbybit import exiting


@pytest.mark.parametrize(
    ("inspect", "prompt", "environment", "expected"),
    [
        (0, {}, {}, False),
        (1, {}, {}, True),
        (0, {"ps1": ">>> "}, {}, True),
        (0, {}, {"PYTHONINSPECT": "1"}, True),
        (0, {}, {"PYTHONINSPECT": ""}, False),
    ],
)
def test_what_counts_as_interactive(
    monkeypatch: pytest.MonkeyPatch,
    inspect: int,
    prompt: dict[str, str],
    environment: dict[str, str],
    expected: bool,
) -> None:
    flags = SimpleNamespace(inspect=inspect)
    monkeypatch.setattr(exiting, "sys", SimpleNamespace(flags=flags, **prompt))
    monkeypatch.setattr(exiting, "os", SimpleNamespace(environ=environment))
    assert exiting._is_interactive() is expected


@pytest.mark.parametrize(
    ("code", "status", "said"), [(None, 0, ""), (0, 0, ""), (258, 2, ""), ("why", 1, "why\n")]
)
def test_the_status_of_a_system_exit(
    capsys: pytest.CaptureFixture[str], code: object, status: int, said: str
) -> None:
    assert exiting._status(code) == status
    assert capsys.readouterr() == ("", said)
