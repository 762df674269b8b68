"""Who hears every symbol and who hears one, in any order: each trade once, or a gap is told."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from rxbybit import Backoff
from tests.effort import examples
from tests.unit.rest.market import Ear
from tests.unit.test_covers import World, scenario
from tests.virtual import until

STEPS = st.one_of(
    st.tuples(st.just("hear"), st.sampled_from("*AB")),
    st.tuples(st.just("leave"), st.integers(0, 7)),
    st.tuples(st.just("trade"), st.sampled_from("AB")),
    st.tuples(st.just("wait"), st.sampled_from([0.0, 0.001, 0.003, 0.2])),
    st.tuples(st.just("cut"), st.integers(0, 3)),
)


def check(ear: Ear) -> None:
    """No trade twice, none out of order, and none missing without a word of it."""
    last: dict[str, int] = {}
    for trade in ear.heard:
        before, now = last.get(trade.symbol), trade.sequence
        assert before is None or now > before, (trade, before)
        assert before is None or now == before + 1 or trade.meta.gap is not None, (trade, before)
        last[trade.symbol] = now


@settings(max_examples=examples(150), deadline=None)
@given(steps=st.lists(STEPS, min_size=4, max_size=24), linger=st.sampled_from([0.0, 0.05]))
@example(
    steps=[
        *[("hear", "*"), ("hear", "A"), ("wait", 0.2), ("trade", "A"), ("wait", 0.2)],
        *[("trade", "A"), ("leave", 0), ("trade", "A"), ("wait", 0.2), ("trade", "A")],
    ],
    linger=0.0,
)
def test_each_trade_comes_once_or_a_gap_is_told(
    steps: list[tuple[str, Any]], linger: float
) -> None:
    async def body(world: World) -> None:
        sent = dict.fromkeys("AB", 0)
        ears: list[tuple[str, Ear]] = []
        everybody: list[Ear] = []

        def trade(symbol: str) -> None:
            sent[symbol] += 1
            world.exchange.trade(symbol, sent[symbol])

        for step, what in steps:
            if step == "hear":
                named = () if what == "*" else (what,)
                ear = Ear(world.client.trades(*named, category="inverse"))
                ears.append((what, ear))
                everybody.append(ear)
            elif step == "leave" and ears:
                ears.pop(what % len(ears))[1].subscription.dispose()
            elif step == "trade":
                trade(what)
            elif step == "wait":
                await asyncio.sleep(what)
            elif step == "cut" and world.exchange.live:
                world.exchange.live[what % len(world.exchange.live)].cut()
        await asyncio.sleep(5)
        for symbol in "AB":
            trade(symbol)
        for what, ear in ears:
            last = {(s, sent[s]) for s in ("AB" if what == "*" else what)}
            await until(lambda e=ear, w=last: w <= {(t.symbol, t.sequence) for t in e.heard})
        for ear in everybody:
            assert not ear.errors
            check(ear)
        for _, ear in ears:
            ear.subscription.dispose()
        await until(lambda: not world.exchange.live)

    scenario(body, linger=linger, backoff=Backoff(first=0.01, cap=0.1))
