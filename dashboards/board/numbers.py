"""Figures as people read them: decimal comma in Vietnamese, units always, a space that does not break between them.

Everything comes in base units. A figure that is not there is `MISSING`, never a zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from dashboards.board.words import Lang, Words

NBSP: Final = "\u00a0"
MISSING: Final = "–"

_SIGNS: Final[dict[Lang, dict[int, int]]] = {"vi": str.maketrans(",.-", ".,−"), "en": str.maketrans("-", "−")}
_SIZES: Final = (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3))
_RATES: Final = (("Gb/s", 1e9), ("Mb/s", 1e6), ("kb/s", 1e3))
_SPANS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def number(value: float, digits: int, lang: Lang) -> str:
    """`value` with at most `digits` decimals, the empty ones left out, thousands grouped."""
    text = f"{value:,.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    text = "0" if text == "-0" else text
    return text.translate(_SIGNS[lang])


def percent(ratio: float, lang: Lang) -> str:
    """A share as per cent. What is not quite nothing or not quite all is never rounded to it."""
    value = ratio * 100
    if 0 < value < 0.05:
        return f"<{NBSP}{number(0.1, 1, lang)}{NBSP}%"
    if 99.95 <= value < 100:
        return f">{NBSP}{number(99.9, 1, lang)}{NBSP}%"
    return f"{number(value, 1 if value < 10 or value > 99 else 0, lang)}{NBSP}%"


def seconds(value: float, lang: Lang) -> str:
    """A short duration: milliseconds below one second."""
    if abs(value) < 1:
        millis = value * 1000
        digits = 2 if abs(millis) < 1 else 1 if abs(millis) < 10 else 0
        return f"{number(millis, digits, lang)}{NBSP}ms"
    return f"{number(value, 2 if abs(value) < 10 else 1, lang)}{NBSP}s"


def size(count: float, lang: Lang) -> str:
    """Bytes, in decimal multiples."""
    return _scaled(count, _SIZES, "B", lang)


def rate(bps: float, lang: Lang) -> str:
    """Bits per second, in decimal multiples."""
    return _scaled(bps, _RATES, "b/s", lang)


def rate_unit(bps: float) -> tuple[str, float]:
    """The unit that fits a speed, and how many bit/s it is."""
    return next((one for one in _RATES if abs(bps) >= one[1]), ("b/s", 1.0))


def _scaled(value: float, units: tuple[tuple[str, float], ...], base: str, lang: Lang) -> str:
    for unit, factor in units:
        if abs(value) >= factor:
            scaled = value / factor
            return f"{number(scaled, 1 if abs(scaled) < 100 else 0, lang)}{NBSP}{unit}"
    return f"{number(value, 0, lang)}{NBSP}{base}"


def span(length_s: float, words: Words) -> str:
    """A long duration in its two largest parts: 3 days 4 hours."""
    left, parts = round(max(0.0, length_s)), list[str]()
    for name, unit_s in _SPANS:
        count, left = divmod(left, unit_s)
        if count or (name == "second" and not parts):
            parts.append(words(f"span.{name}", count=count))
        elif parts:
            break  # 3 days 4 minutes would read as if the hours had been forgotten
        if len(parts) == 2 or (parts and name == "minute"):
            break
    return " ".join(parts)


def _plain(value: float, lang: Lang) -> str:
    return number(value, 2, lang)


def _celsius(value: float, lang: Lang) -> str:
    return f"{number(value, 1, lang)}{NBSP}°C"


def _dbm(value: float, lang: Lang) -> str:
    return f"{number(value, 0, lang)}{NBSP}dBm"


def _a_minute(value: float, lang: Lang) -> str:
    return f"{number(60 * value, 0, lang)}{NBSP}RPM"


_FORMATS: Final[dict[str, Callable[[float, Lang], str]]] = {
    "ratio": percent,
    "seconds": seconds,
    "bytes": size,
    "bps": rate,
    "celsius": _celsius,
    "dbm": _dbm,
    "hertz": _a_minute,
}


def quantity(metric: str, value: float | None, words: Words) -> str:
    """The value of a metric of `wire.metrics`, in the unit its name ends with."""
    if value is None or not math.isfinite(value):
        return MISSING
    unit = metric.rsplit("_", 1)[-1]
    if unit == "plugged":
        return words("yes" if value else "no")
    if unit == "packets":
        return words("unit.packets", count=round(value), n=number(value, 0, words.lang))
    if unit == "seconds" and ("uptime" in metric or "oldest" in metric or "_left_" in metric):
        return ("−" if value < 0 else "") + span(abs(value), words)
    write = _FORMATS.get(unit, _plain)
    return write(value, words.lang)
