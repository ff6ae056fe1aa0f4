"""The two catalogues of words. Every text a person reads comes from here; Vietnamese is the first language."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final, Literal, cast

Lang = Literal["vi", "en"]
LANGS: Final[tuple[Lang, ...]] = ("vi", "en")
PARTS: Final = ("incidents",)
"""Parts of the board whose words have a folder of their own beside the first catalogue."""


class Words:
    """One catalogue. Calling it with a key gives the text; `count` chooses the plural form."""

    def __init__(self, lang: Lang, texts: Mapping[str, str]) -> None:
        self.lang: Final = lang
        self.texts: Final = texts

    def __call__(self, key: str, /, **values: object) -> str:
        """The text of `key` with `values` filled in. Raises KeyError for a key that no catalogue declares."""
        text = self.texts.get(key)
        if text is None:
            text = self.texts[f"{key}.{self._form(values.get('count'))}"]
        return text.format_map({name: self._grouped(value) for name, value in values.items()}) if values else text

    def _grouped(self, value: object) -> object:
        """Whole numbers as people read them: 3.321 trung tâm."""
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) < 1000:
            return value
        return f"{value:,}" if self.lang == "en" else f"{value:,}".replace(",", ".")

    def _form(self, count: object) -> str:
        return "one" if self.lang == "en" and count == 1 else "other"

    def declared(self, group: str, name: str) -> str:
        """The text of `group.name`, or of `group.undeclared` for a word that a newer agent brought."""
        text = self.texts.get(f"{group}.{name}")
        return self(f"{group}.undeclared", name=name) if text is None else text

    def reason(self, name: str | None) -> str:
        """Why, in words; nothing where no reason was given."""
        return "" if name is None else self.declared("reason", name)


@cache
def catalogue(lang: Lang) -> Words:
    """The words of `lang`, read once: its own file, and those of parts that bring theirs."""
    folder = files("dashboards.board").joinpath("words")
    found: dict[str, str] = {}
    for file in (f"{lang}.toml", *(f"{part}/{lang}.toml" for part in PARTS)):
        found |= _flat(tomllib.loads(folder.joinpath(*file.split("/")).read_text("utf-8")))
    return Words(lang, MappingProxyType(found))


def _flat(tree: Mapping[str, object], at: str = "") -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, value in tree.items():
        if isinstance(value, dict):
            pairs += _flat(cast("dict[str, object]", value), f"{at}{key}.")
        else:
            pairs.append((f"{at}{key}", str(value)))
    return pairs
