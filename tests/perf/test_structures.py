"""The structures of books that are compared: they show the same book, or nothing is compared."""

from __future__ import annotations

from typing import Any

import pytest

from tests.perf import structures
from tests.perf.structures import Frames

pytestmark = pytest.mark.timeout(60)


@pytest.mark.parametrize("depth", [50, 200])
def test_all_show_the_same_book(depth: int) -> None:
    frames = Frames(depth, 400)
    shown: list[Any] = []
    for make in structures.structures().values():
        decode = structures.decoder(frames.topic, make)
        first = decode(frames.snapshot)
        bids, asks = make(first.bids), make(first.asks)
        held = bids.copy().best(depth, -1)
        old = bids.copy()
        for data in frames.deltas:
            delta = decode(data)
            bids.apply(delta.bids)
            asks.apply(delta.asks)
        assert old.best(depth, -1) == held
        tops = bids.best(1, -1), asks.best(1, 1)
        shown.append((held, *tops, bids.copy().best(depth, -1), asks.best(25, 1)))
        assert tops == (bids.best(25, -1)[:1], asks.best(25, 1)[:1])
    assert len(shown) >= 3
    assert all(one == shown[0] for one in shown)
    assert [len(levels) for levels in shown[0]] == [depth, 1, 1, depth, 25]


def test_what_is_not_installed_is_left_out_and_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing() -> Any:
        raise ImportError("no such package")

    monkeypatch.setattr(structures, "sorted_dict", missing)
    assert len(structures.structures()) == 3
    assert capsys.readouterr().err == "Decimals, SortedDict: left out, no such package\n"


def test_a_line_a_structure() -> None:
    lines = list(structures.table(50, 40, 2))
    assert len(lines) == len(structures.structures()) + 1
    assert all(float(figure) >= 0 for line in lines[1:] for figure in line.split()[-4:])
