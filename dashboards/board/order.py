"""Vietnamese alphabetical order, the short names of communes, and search without tone marks.

The order is CLDR's for `vi`: letters first (a ă â … d đ … o ô ơ … u ư …) over the whole name, then the tones
(level, huyền, hỏi, ngã, sắc, nặng), then small before capital. Why no library: docs/decisions/0007-collation.md.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

NAMES_KEPT: Final = 16_384  # a country of 3,321 communes and then some: a page sorts the same names again and again

_ALPHABET: Final = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"
_PLACE: Final = {letter: place for place, letter in enumerate(_ALPHABET, start=100)}
_TONES: Final = {"\u0300": 1, "\u0309": 2, "\u0303": 3, "\u0301": 4, "\u0323": 5}
_MARKS: Final = {"\u0306", "\u0302", "\u031b"}  # breve, circumflex, horn: they make another letter, not a tone
_TITLE: Final = re.compile(r"^(xã|phường|thị trấn|đặc khu)\s+(?=\S)", re.IGNORECASE)

Key = tuple[tuple[int, ...], tuple[int, ...], str]


@lru_cache(maxsize=NAMES_KEPT)
def collation_key(text: str) -> Key:
    """What to sort by. The same for every Unicode form of the same text but for the last, deciding part."""
    letters: list[int] = []
    tones: list[int] = []
    for char in unicodedata.normalize("NFD", unicodedata.normalize("NFC", text).casefold()):
        if char in _TONES and tones:
            tones[-1] = _TONES[char]
        elif char in _MARKS and letters:
            letters[-1] = _marked(letters[-1], char)
        elif not unicodedata.combining(char):
            letters.append(_PLACE[char] if char in _PLACE else _other(char))
            tones.append(0)
    return tuple(letters), tuple(tones), unicodedata.normalize("NFC", text).swapcase()


def _marked(place: int, mark: str) -> int:
    if not 100 <= place < 100 + len(_ALPHABET):
        return place
    composed = unicodedata.normalize("NFC", _ALPHABET[place - 100] + mark)
    return _PLACE.get(composed, place)


def _other(char: str) -> int:
    """Blanks before signs before digits before letters; foreign letters after z."""
    if char.isspace():
        return 0
    if char.isdecimal():
        return 40 + unicodedata.decimal(char)
    return 1000 + ord(char) if char.isalpha() else 1 + ord(char) % 39


@lru_cache(maxsize=NAMES_KEPT)
def short_name(name: str) -> str:
    """A commune without its rank, as people call it: Phường Lạng Giang → Lạng Giang."""
    return _TITLE.sub("", name)


@lru_cache(maxsize=NAMES_KEPT)
def fold(text: str) -> str:
    """For search: no tone marks, đ as d, small letters, single blanks."""
    plain = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return " ".join("".join(char for char in plain if not unicodedata.combining(char)).split())
