"""The facts of the policy page: the thresholds in force in words, every version, and what each changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from collector.api import PolicyVersion, Reader, Threshold, Unit
from dashboards.board.numbers import NBSP, number
from dashboards.board.times import minute
from dashboards.board.words import Words

VERSIONS_SHOWN: Final = 20

_LONG: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60))
_SIZES: Final = (("G", 1e9), ("M", 1e6), ("k", 1e3))


@dataclass(frozen=True, slots=True)
class Row:
    """A threshold in words; `before` is its value in the version before, where it was another."""

    key: str
    says: str
    value: str
    before: str


@dataclass(frozen=True, slots=True)
class Section:
    """The thresholds of one kind of thing."""

    name: str
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Changed:
    """What a version changed: where, which threshold, old and new."""

    section: str
    says: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Step:
    """A version beside the one before it; `first` has none before it."""

    version: PolicyVersion
    changes: list[Changed]
    first: bool


@dataclass(frozen=True, slots=True)
class PolicyPage:
    held: PolicyVersion | None
    sections: list[Section]
    steps: list[Step]
    more: bool
    back: int | None  # the version that was in force before
    title: str
    now_ms: int


def look(reader: Reader, words: Words) -> PolicyPage:
    """The page: the version in force now, and the newest versions with what each changed."""
    now_ms = reader.now_ms()
    known = reader.policies(VERSIONS_SHOWN + 1)
    held = next((v for v in known if v.from_ms <= now_ms), known[-1] if known else None)
    if held is None:
        return PolicyPage(None, [], [], False, None, words("policy.title_none"), now_ms)
    older = next((v for v in known if v.number < held.number), None)
    steps = [_step(v, known[n + 1] if n + 1 < len(known) else None, words) for n, v in enumerate(known)]
    return PolicyPage(
        held=held,
        sections=_sections(held, older, words),
        steps=steps[:VERSIONS_SHOWN],
        more=len(steps) > VERSIONS_SHOWN,
        back=older.number if older else None,
        title=words("policy.title", number=held.number, at=minute(held.from_ms, now_ms)),
        now_ms=now_ms,
    )


def _sections(held: PolicyVersion, older: PolicyVersion | None, words: Words) -> list[Section]:
    before = {t.key: t for t in older.thresholds} if older else {}
    grouped = groupby(held.thresholds, key=lambda t: t.key.partition(".")[0])
    return [Section(_of(name, words), [_row(t, before, words) for t in found]) for name, found in grouped]


def _row(t: Threshold, before: dict[str, Threshold], words: Words) -> Row:
    old = before.get(t.key)
    was = value_words(old, words) if old is not None and old != t else ""
    return Row(t.key, words.declared("threshold", t.key), value_words(t, words), was)


def _step(version: PolicyVersion, older: PolicyVersion | None, words: Words) -> Step:
    return Step(version, _changes(older.thresholds, version.thresholds, words) if older else [], older is None)


def _changes(old: Sequence[Threshold], new: Sequence[Threshold], words: Words) -> list[Changed]:
    before, after = {t.key: t for t in old}, {t.key: t for t in new}
    keys = [*after, *(key for key in before if key not in after)]
    return [
        Changed(
            _of(key.partition(".")[0], words),
            words.declared("threshold", key),
            value_words(before.get(key), words),
            value_words(after.get(key), words),
        )
        for key in keys
        if before.get(key) != after.get(key)
    ]


def _of(section: str, words: Words) -> str:
    return words.declared("policy_of", section)


# --- values ---------------------------------------------------------------------------------------------------------


def value_words(threshold: Threshold | None, words: Words) -> str:
    """A value with its unit, exactly: a threshold that is rounded is another threshold."""
    if threshold is None:
        return words("policy.no_value")
    return _WRITE[threshold.unit](threshold.value, words)


def _seconds(value: float, words: Words) -> str:
    if value < 1:
        return f"{number(value * 1000, 3, words.lang)}{NBSP}ms"
    if value != round(value):
        return f"{number(value, 3, words.lang)}{NBSP}s"
    name, length = next(((n, s) for n, s in _LONG if value >= s and value % s == 0), ("second", 1))
    return words(f"span.{name}", count=round(value / length))


def _scaled(base: str) -> Callable[[float, Words], str]:
    def write(value: float, words: Words) -> str:
        prefix, factor = next(((p, f) for p, f in _SIZES if value >= f), ("", 1.0))
        return f"{number(value / factor, 3, words.lang)}{NBSP}{prefix}{base}"

    return write


def _counted(unit: str) -> Callable[[float, Words], str]:
    return lambda value, words: words(f"unit.{unit}", count=round(value), n=number(value, 0, words.lang))


_RATE: Final = _scaled("b/s")
_WRITE: Final[dict[Unit, Callable[[float, Words], str]]] = {
    "s": _seconds,
    "share": lambda value, words: f"{number(value * 100, 4, words.lang)}{NBSP}%",
    "celsius": lambda value, words: f"{number(value, 2, words.lang)}{NBSP}°C",
    "dbm": lambda value, words: f"{number(value, 2, words.lang)}{NBSP}dBm" if value else words("policy.not_judged"),
    "days": _counted("days"),
    "bytes": _scaled("B"),
    "bps": lambda value, words: _RATE(value, words) if value else words("policy.not_judged"),
    "trains": _counted("trains"),
    "centres": _counted("centres"),
    "times": _counted("times"),
    "periods": _counted("periods"),
    "switch": lambda value, words: words("yes" if value else "no"),
}
