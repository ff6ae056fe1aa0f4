"""Quantiles of a day: exact from its samples, and a sketch that late samples can still be added to.

The sketch counts values by size in steps of two per cent (after Masson, Rim and Lee, *DDSketch*, 2019): adding and
merging do not depend on any order, and a quantile read from it is within one per cent of the exact one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

ERROR: Final = 0.01
_GROWTH: Final = (1 + ERROR) / (1 - ERROR)
_LOG: Final = math.log(_GROWTH)
_BASE: Final = 40_000
"""Above the step of the smallest double, so that the keys of positive values are positive."""

PERCENTS: Final = (50, 95, 99)
_DECODER: Final = msgspec.msgpack.Decoder(dict[int, int])

Sketch = Mapping[int, int]
"""Step of size (negative for negative values, 0 for zero) → how many values."""


def rank(count: int, percent: int) -> int:
    """Which of `count` ordered values the quantile is (nearest rank), from 0 on."""
    return max(0, -(-count * percent // 100) - 1)


def exact(ordered: Sequence[float]) -> tuple[float, float, float]:
    """p50, p95 and p99 of ordered values, of which there is at least one."""
    p50, p95, p99 = (ordered[rank(len(ordered), percent)] for percent in PERCENTS)
    return p50, p95, p99


def sketch_of(values: Iterable[float]) -> Sketch:
    return Counter(map(_key, values))


def joined(a: Sketch, b: Sketch) -> Sketch:
    """Both as one."""
    return Counter(a) + Counter(b)


def estimated(sketch: Sketch, low: float, high: float) -> tuple[float, float, float]:
    """p50, p95 and p99 within `ERROR` of the exact ones, never beyond the lowest and highest that were seen."""
    count, keys = sum(sketch.values()), sorted(sketch)
    p50, p95, p99 = (min(high, max(low, _value(_at(sketch, keys, rank(count, p))))) for p in PERCENTS)
    return p50, p95, p99


def encoded(sketch: Sketch) -> bytes:
    return msgspec.msgpack.encode(dict(sorted(sketch.items())))


def decoded(body: bytes) -> Sketch:
    return _DECODER.decode(body)


def _key(value: float) -> int:
    if value == 0:
        return 0
    step = math.ceil(math.log(abs(value)) / _LOG) + _BASE
    return step if value > 0 else -step


def _value(key: int) -> float:
    if key == 0:
        return 0.0
    # Half a step below the upper edge; by the logarithm, because the edge itself may be too large for a double.
    size = math.exp(min(709.7, (abs(key) - _BASE) * _LOG + math.log(2 / (1 + _GROWTH))))
    return math.copysign(size, key)


def _at(sketch: Sketch, keys: Sequence[int], wanted: int) -> int:
    seen = 0
    for key in keys:
        seen += sketch[key]
        if seen > wanted:
            return key
    raise ValueError("the sketch is empty")
