"""A number of an observation for a person at a terminal: human units, by the unit in the metric's name."""

from __future__ import annotations

from wire.messages import Value

_STEPS = ("", "k", "M", "G", "T")


def readable(value: Value) -> str:
    """`0.0123` s becomes `12.3 ms`, bytes become kB, MB …, ratios become per cent."""
    unit = value.metric.rsplit("_", 1)[-1]
    number = value.value
    if unit == "seconds":
        if abs(number) >= 2 * 86_400:
            return f"{number / 86_400:.1f} days"
        return f"{number * 1000:.1f} ms" if abs(number) < 1 else f"{number:.1f} s"
    if unit == "ratio":
        return f"{number * 100:.1f} %"
    if unit in {"bytes", "bps"}:
        return _scaled(number, "B" if unit == "bytes" else "b/s")
    if unit == "celsius":
        return f"{number:.1f} °C"
    return f"{number:g}"


def _scaled(number: float, unit: str) -> str:
    step = 0
    while abs(number) >= 1000 and step < len(_STEPS) - 1:
        number, step = number / 1000, step + 1
    return f"{number:.1f} {_STEPS[step]}{unit}"
