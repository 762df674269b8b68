"""What an instrument was traded at before the market began: invented, the same for the same seed.

Days are made first, backwards from the price at which trading begins here. A day is divided, down
to its minutes, when somebody asks for what is in it, so that years of candles cost next to nothing.
The parts add up to the whole, and each opens where the one before has closed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import islice, pairwise
from math import ceil, exp, log, sqrt

from rxbybit.sim.market.candle import DAY_MINUTES, MINUTE_MS, Candle, start_of
from rxbybit.sim.market.instruments import Instrument

__all__ = ["Past"]

_STEPS = (DAY_MINUTES, 360, 60, 15, 1)
"""Each is divided into the next; in minutes."""
_MOVE = 0.012
"""How far a day usually goes, as a ratio."""
_WICK = 0.006
"""How far it usually goes beyond its open and close."""
_PULL = 0.004
"""How much of its distance to the first price a day makes good."""
_LEAST = 8
"""No price is below so many ticks."""
_USUAL = 0.33
"""The usual size of a taker's order, in the lots of its temper."""

_Chance = Callable[[], float]


class Past:
    """The candles of one instrument from its launch to ``ends_ms``, where ``opening`` follows.

    There are none for an instrument without a launch, or with one that is not before ``ends_ms``.
    """

    def __init__(self, instrument: Instrument, seed: str, ends_ms: int, opening: int) -> None:
        launch_ms = instrument.launch_ms or ends_ms
        self._instrument = instrument
        self._seed = seed
        self._ends_ms = ends_ms
        self._opening = opening
        self._made: list[Candle] | None = None
        self.begins_ms = min(start_of("1", launch_ms), ends_ms)
        """The start of its first minute; where there is none, of the first that is traded here."""

    def newest(self, interval: str, until_ms: int) -> Iterator[Candle]:
        """The candles that end before ``until_ms``, or at the end of the past, the newest first.

        ``until_ms`` lies between two candles, or in the last millisecond of one.
        """
        held: Candle | None = None
        for part in self._parts(interval, until_ms):
            start_ms = start_of(interval, part.start_ms)
            if held is not None and held.start_ms != start_ms:
                yield held
                held = None
            held = part if held is None else part.followed_by(held)
            held.start_ms = start_ms
        if held is not None:
            yield held

    def unfinished(self, interval: str) -> Candle | None:
        """What the past holds of the candle in which it ends; ``None`` where that is nothing."""
        newest = next(self.newest(interval, self._ends_ms), None)
        if newest is None or newest.start_ms != start_of(interval, self._ends_ms):
            return None
        return newest

    def last_minutes(self, count: int) -> list[Candle]:
        """So many, or as many as there are, the newest last."""
        return list(islice(self.newest("1", self._ends_ms), count))[::-1]

    def _parts(self, interval: str, until_ms: int) -> Iterator[Candle]:
        """The largest parts that its candles are made of, the newest first."""
        length = int(interval) if interval.isdigit() else DAY_MINUTES
        steps = _STEPS[: 1 + next(n for n, step in enumerate(_STEPS) if length % step == 0)]
        for day in self._days():
            yield from self._divided(day, steps, until_ms)

    def _divided(self, whole: Candle, steps: tuple[int, ...], until_ms: int) -> Iterator[Candle]:
        """What is in a candle of the first step, in candles of the last, the newest first."""
        if whole.start_ms >= until_ms:
            return
        if len(steps) == 1:
            yield _copy(whole)
            return
        length_ms, step_ms = steps[0] * MINUTE_MS, steps[1] * MINUTE_MS
        end_ms = min(whole.start_ms // length_ms * length_ms + length_ms, self._ends_ms)
        second_ms = whole.start_ms // step_ms * step_ms + step_ms
        edges = [whole.start_ms, *range(second_ms, end_ms, step_ms), end_ms]
        chance = random.Random(f"{self._seed}/{step_ms}/{whole.start_ms}").random
        for part in reversed(_divide(whole, edges, self._instrument, chance)):
            yield from self._divided(part, steps[1:], until_ms)

    def _days(self) -> list[Candle]:
        """Every day, the newest first; the first and the last need not be whole."""
        if self._made is None:
            self._made = []
            chance, close, end_ms = random.Random(self._seed), self._opening, self._ends_ms
            while end_ms > self.begins_ms:
                start_ms = max(start_of("D", end_ms - 1), self.begins_ms)
                day = self._day(chance, start_ms, end_ms, close)
                self._made.append(day)
                close, end_ms = day.open, start_ms
        return self._made

    def _day(self, chance: random.Random, start_ms: int, end_ms: int, close: int) -> Candle:
        one, minutes = self._instrument, (end_ms - start_ms) // MINUTE_MS
        share = sqrt(minutes / DAY_MINUTES)
        away = log(close / self._opening)
        move = chance.gauss(0.0, _MOVE * share) - _PULL * away
        day = Candle(start_ms, max(round(close * exp(move)), _LEAST))
        day.close = close
        top, bottom = max(day.open, close), min(day.open, close)
        day.high = ceil(top * (1 + abs(chance.gauss(0.0, _WICK * share))))
        day.low = min(max(int(bottom * (1 - abs(chance.gauss(0.0, _WICK * share)))), 1), bottom)
        usual = one.temper.rate * 0.5 * 60 * one.temper.lots * _USUAL
        day.lots = minutes * max(round(usual * exp(chance.gauss(0.0, 0.3))), 2)
        day.value = one.value((day.open + day.high + day.low + close) // 4, day.lots)
        day.last_ms = end_ms - 1
        return day


def _copy(candle: Candle) -> Candle:
    """One that may be changed."""
    twin = candle.followed_by(candle)
    twin.lots, twin.value = candle.lots, candle.value
    return twin


def _divide(whole: Candle, edges: list[int], one: Instrument, chance: _Chance) -> list[Candle]:
    """Candles from each edge to the next that add up to ``whole``."""
    path = _path(whole, len(edges) - 1, _average(whole, one), chance)
    reach = (whole.high - whole.low) / sqrt(len(edges)) / 2
    parts: list[Candle] = []
    for (start_ms, end_ms), (opening, close) in zip(pairwise(edges), pairwise(path), strict=True):
        part = Candle(start_ms, opening)
        part.close = close
        part.high = min(max(opening, close) + round(chance() * reach), whole.high)
        part.low = max(min(opening, close) - round(chance() * reach), whole.low)
        part.last_ms = end_ms - 1
        parts.append(part)
    max(parts, key=lambda part: part.high).high = whole.high
    min(parts, key=lambda part: part.low).low = whole.low
    # A price that moves has been traded: each minute has a lot at least, and no part is left bare.
    thin = max(whole.lots * MINUTE_MS // (edges[-1] - edges[0]) // 8, 1)
    least = [thin * (end_ms - start_ms) // MINUTE_MS for start_ms, end_ms in pairwise(edges)]
    _share_lots(whole, parts, least, one, chance)
    _share_value(whole, parts, least, one)
    return parts


def _path(whole: Candle, steps: int, average: float, chance: _Chance) -> list[int]:
    """A walk from open to close, between low and high and mostly around ``average``."""
    walk = [0.0]
    for _ in range(steps):
        walk.append(walk[-1] + chance() - 0.5)
    walk = [height - walk[-1] * place / steps for place, height in enumerate(walk)]
    scale = 0.5 * (whole.high - whole.low) / ((max(walk) - min(walk)) or 1.0)
    slope = (whole.close - whole.open) / steps
    walk = [whole.open + slope * place + scale * height for place, height in enumerate(walk)]
    lift = average - sum(walk) / len(walk)
    path = [whole.open]
    for place in range(1, steps):
        way = place / steps
        price = round(walk[place] + lift * 6 * way * (1 - way))
        if price > whole.high:
            price = 2 * whole.high - price
        elif price < whole.low:
            price = 2 * whole.low - price
        path.append(min(max(price, whole.low), whole.high))
    return [*path, whole.close]


def _average(whole: Candle, one: Instrument) -> float:
    """The price in ticks at which its lots have its value."""
    worth = whole.value / whole.lots
    if one.inverse:
        return one.value(1, 1_000_000) / 1_000_000 / worth
    return worth / one.value(1, 1)


def _share_lots(
    whole: Candle, parts: list[Candle], least: list[int], one: Instrument, chance: _Chance
) -> None:
    """Give each part its lots, so that the average price of all can be that of the whole."""
    weights = [lots * (0.4 + 1.2 * chance()) for lots in least]
    worths = [one.value(_middle(part), 1_000_000) / 1_000_000 for part in parts]
    aim = whole.value / whole.lots
    cheap = [worth < aim for worth in worths]
    sums = {True: 0.0, False: 0.0}
    means = {True: 0.0, False: 0.0}
    for weight, worth, side in zip(weights, worths, cheap, strict=True):
        sums[side] += weight
        means[side] += weight * worth
    if all(sums.values()):
        low, high = (means[side] / sums[side] for side in (True, False))
        above = (aim - low) / (high - low)
        factor = {True: (1 - above) / sums[True], False: above / sums[False]}
        weights = [weight * factor[side] for weight, side in zip(weights, cheap, strict=True)]
    spare, total = whole.lots - sum(least), sum(weights)
    reached, given = 0.0, 0
    for part, lots, weight in zip(parts, least, weights, strict=True):
        reached += weight
        part.lots = round(spare * reached / total) - given
        given += part.lots
        part.lots += lots


def _share_value(whole: Candle, parts: list[Candle], least: list[int], one: Instrument) -> None:
    """Give each part its value, which is that of its lots between its low and its high."""
    for part in parts:
        part.value = one.value(_middle(part), part.lots)
    missing = whole.value - sum(part.value for part in parts)
    up = missing > 0
    missing -= _shift(parts, missing, one)
    ranked = sorted(zip(parts, least, strict=True), key=_worth_of_first, reverse=up)
    best = ranked[0][0]
    for part, held in reversed(ranked[1:]):
        gain = best.value / best.lots - part.value / part.lots
        lots = min(part.lots - held, round(missing / gain)) if gain and missing else 0
        if lots > 0:
            moved, added = part.value * lots // part.lots, best.value * lots // best.lots
            part.value, part.lots = part.value - moved, part.lots - lots
            best.value, best.lots = best.value + added, best.lots + lots
            missing -= added - moved
    for part in parts:
        ends = one.value(part.low, part.lots), one.value(part.high, part.lots)
        value = min(max(part.value + missing, min(ends)), max(ends))
        missing -= value - part.value
        part.value = value
    best.value += missing


def _shift(parts: list[Candle], missing: int, one: Instrument) -> int:
    """Move average prices towards high or low, not all the way; gives what that has brought."""
    up = (missing > 0) != one.inverse
    ways = [one.value(part.high if up else part.low, part.lots) - part.value for part in parts]
    way = sum(ways)
    share = min(0.8, missing / way) if way else 0.0
    brought = 0
    for part, own in zip(parts, ways, strict=True):
        part.value += int(own * share)
        brought += int(own * share)
    return brought


def _worth_of_first(ranked: tuple[Candle, int]) -> float:
    return ranked[0].value / ranked[0].lots


def _middle(candle: Candle) -> int:
    return (candle.open + candle.high + candle.low + candle.close) // 4
