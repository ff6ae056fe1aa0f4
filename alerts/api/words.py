"""Sentences from what is said: the one place where a `Said` becomes words, in Vietnamese or English.

A sentence `verdict.line_down` is `line_down` in `alerts/words/<language>/verdict.toml`; one that counts has the forms
`.one` and `.other` below its key and is chosen by the value `count`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final, Literal, Protocol

from alerts.api.facts import Said, Value

Lang = Literal["vi", "en"]
LANGS: Final[tuple[Lang, ...]] = ("vi", "en")

# No tz database needed (Windows has none): Asia/Ho_Chi_Minh has been UTC+7 without summer time since 1975.
LOCAL: Final = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")

NAMED: Final = frozenset({
    "agent", "area", "carrier", "centre", "device", "found", "group", "lan", "line", "service", "signing", "system",
    "team",
})  # fmt: skip
"""Kinds of keys that `Names` puts into words: `line:07210-1/a`, `carrier:vnpt`, `area:yen-the`, `team:vnpt-bac`."""

OWN: Final = frozenset({"confidence", "owner", "rule", "stage", "state"})
"""Kinds of keys that the section `name` of the catalogue puts into words: `owner:line`."""

_MISSING: Final = "–"
_KEY: Final = re.compile(r"([a-z]+):\S+")


class Names(Protocol):
    """What things are called. It knows the inventory; a key it does not know it gives back as it is."""

    def name(self, key: str, lang: Lang) -> str:
        """A key of a kind in `NAMED`, as people in the province call it: `line:07210-1/a` → Viettel a."""
        ...


def say(said: Said, lang: Lang, names: Names, *, now_ms: int | None = None) -> str:
    """The sentence. Instants carry their day, except where it is that of `now_ms`; a value that lacks is a dash.

    Raises KeyError for a sentence that no catalogue has.
    """
    texts = catalogue(lang)
    text = texts.get(said.key)
    if text is None:
        one = lang == "en" and said.values.get("count") == 1
        text = texts[f"{said.key}.{'one' if one else 'other'}"]
    speaker = _Speaker(lang, names, now_ms)
    return text.format_map(_Filled({name: speaker.word(name, value) for name, value in said.values.items()}))


@cache
def catalogue(lang: Lang) -> Mapping[str, str]:
    """Every sentence of a language by its key, read once."""
    folder = files("alerts").joinpath("words", lang)
    sections = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".toml")), key=lambda e: e.name)
    found: dict[str, str] = {}
    for entry in sections:
        found |= _flat(tomllib.loads(entry.read_text("utf-8")), f"{entry.name.removesuffix('.toml')}.")
    return MappingProxyType(found)


def _flat(tree: Mapping[str, object], at: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in tree.items():
        found |= _flat(value, f"{at}{key}.") if isinstance(value, dict) else {f"{at}{key}": str(value)}
    return found


class _Filled(dict[str, str]):
    """A sentence kept for years may be said by words that ask for more than was known then."""

    def __missing__(self, key: str) -> str:
        return _MISSING


# --- values ---------------------------------------------------------------------------------------------------------


class _Speaker:
    def __init__(self, lang: Lang, names: Names, now_ms: int | None) -> None:
        self.lang, self.names, self.now_ms = lang, names, now_ms
        self.texts = catalogue(lang)

    def word(self, name: str, value: Value) -> str:
        """A value by the ending of its name."""
        if isinstance(value, str):
            return self._named(value)
        ways: Mapping[str, Callable[[float], str]] = {
            "ms": lambda v: instant(round(v), self.lang, now_ms=self.now_ms), "s": lambda v: duration(v, self.lang),
            "bps": lambda v: self._scaled(v, "bps", 1000), "bytes": lambda v: self._scaled(v, "bytes", 1000),
            "share": lambda v: f"{number(100 * v, self.lang)} %",
        }  # fmt: skip
        way = ways.get(name.rpartition("_")[2]) if "_" in name else None
        return way(value) if way else number(value, self.lang)

    def _named(self, text: str) -> str:
        keys = text.split()
        if not keys or not all(_kind(key) in NAMED | OWN for key in keys):
            return text
        return ", ".join(self._name(key) for key in keys)

    def _name(self, key: str) -> str:
        kind, _, own = key.partition(":")
        return self.texts.get(f"name.{kind}.{own}", own) if kind in OWN else self.names.name(key, self.lang)

    def _scaled(self, value: float, unit: str, step: int) -> str:
        steps = self.texts[f"unit.{unit}"].split()
        n = 0
        while abs(value) >= step and n + 1 < len(steps):
            value, n = value / step, n + 1
        return f"{number(value, self.lang)} {steps[n]}"


def _kind(key: str) -> str:
    found = _KEY.fullmatch(key)
    return found.group(1) if found else ""


def instant(at_ms: int, lang: Lang, *, now_ms: int | None = None) -> str:
    """Hours and minutes in Vietnam, with the day where it is not that of `now_ms`."""
    then = datetime.fromtimestamp(at_ms / 1000, LOCAL)
    today = now_ms is not None and datetime.fromtimestamp(now_ms / 1000, LOCAL).date() == then.date()
    return catalogue(lang)["unit.time" if today else "unit.moment"].format(
        time=then.strftime("%H:%M"), day=then.strftime("%d/%m")
    )


def duration(seconds: float, lang: Lang) -> str:
    """In the two largest units that say something: 2 giờ 5 phút; below ten seconds with a decimal."""
    texts = catalogue(lang)
    if abs(seconds) < 1:
        return f"{number(1000 * seconds, lang)} {texts['unit.millisecond']}"
    if seconds < 10:
        return f"{number(seconds, lang)} {texts['unit.second']}"
    left = round(seconds)
    parts: list[str] = []
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        count, left = divmod(left, size)
        if count and len(parts) < 2 and not (unit == "second" and seconds >= 600):
            parts.append(f"{count} {texts[f'unit.{unit}']}")
        elif parts:
            break
    return " ".join(parts)


def number(value: float, lang: Lang) -> str:
    """Grouped, with as many decimals as say something: 3.321 and 0,38 in Vietnamese, 3,321 and 0.38 in English."""
    digits = 0 if isinstance(value, int) or abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    text = f"{value:,.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text if lang == "en" else text.translate(str.maketrans(",.", ".,"))
