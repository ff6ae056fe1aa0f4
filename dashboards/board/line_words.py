"""What is told of a line in words: how it is reached, where its way breaks off, norms and their figures. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from collector.api import PathView
from dashboards.board.numbers import number, percent, rate, seconds, span
from dashboards.board.words import Lang, Words

_LONG_S: Final = 600.0
_UNITS: Final[dict[str, Callable[[float, Lang], str]]] = {"s": seconds, "ratio": percent, "bit_s": rate}


def reach_words(reach_by: str, words: Words) -> str:
    """How the agent at the centre sends by this line, from the word of the inventory."""
    kind, _, rest = reach_by.partition(":")
    text = words.texts.get(f"reachby.{kind or 'none'}")
    return words("reachby.undeclared", name=reach_by) if text is None else words(f"reachby.{kind or 'none'}", name=rest)


def path_words(view: PathView, words: Words) -> str:
    """Where the way breaks off, and who should have answered there."""
    broken = view.first_broken
    if broken is None:
        return ""
    said = words("path.broken_after" if broken.after else "path.broken_first", number=broken.number, after=broken.after)
    parts = [said]
    if broken.was:
        parts.append(words("path.was", was=", ".join(broken.was)))
    if broken.until > broken.number:
        parts.append(words("path.between", first=broken.number, last=broken.until))
    if broken.loop:
        parts.append(words("path.loop"))
    return "; ".join(parts)


def norm_figure(value: float, unit: str, words: Words) -> str:
    """A figure of a norm in the unit that the inventory gives it; times of people rather than of packets in hours."""
    if unit == "s" and value >= _LONG_S:
        return span(value, words)
    write = _UNITS.get(unit)
    return number(value, 2, words.lang) if write is None else write(value, words.lang)


def norm_why(why: str, words: Words) -> str:
    """Why a norm has no figure, or none that may be compared."""
    return "" if not why else words.texts.get(f"norm.why_{why}") or words.reason(why)
