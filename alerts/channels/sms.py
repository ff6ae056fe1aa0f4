"""What fits into short messages: Vietnamese with its tone marks takes UCS-2, 70 characters a message and not 160.

3GPP TS 23.038: 160 septets, or 70 units of UCS-2; of a message in parts each gives 7 or 3 of them to its header.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final, Literal

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_DOUBLE: Final = frozenset("^{}\\[~]|€")
_PLAIN: Final = str.maketrans({
    "\u00a0": " ", "\u202f": " ", "–": "-", "—": "-", "‘": "'", "’": "'", "“": '"', "”": '"', "…": "...", "→": ">",
    "·": "-", "×": "x", "\t": " ",
})  # fmt: skip
"""One stray no-break space makes two messages of one."""


@dataclass(frozen=True, slots=True)
class Size:
    """How long a text is: units of its encoding, messages it takes, and units that these would hold."""

    encoding: Literal["GSM-7", "UCS-2"]
    units: int
    segments: int

    @property
    def room(self) -> int:
        return _room(self.encoding, self.segments)

    def __str__(self) -> str:
        return f"{self.segments} SMS, {self.units}/{self.room} {self.encoding}"


def measure(text: str) -> Size:
    """How many messages a text takes."""
    encoding: Literal["GSM-7", "UCS-2"] = "GSM-7" if set(text) <= _BASIC | _DOUBLE else "UCS-2"
    units = sum(_units(char, encoding) for char in text)
    if units <= _room(encoding, 1):
        return Size(encoding, units, 1)
    return Size(encoding, units, _parts(text, encoding))


def plain(text: str) -> str:
    """Without typographic signs that cost a whole encoding and say nothing more."""
    return " ".join(text.translate(_PLAIN).split())


def without_tones(text: str) -> str:
    """Vietnamese without its marks, as people write it on old telephones: đường truyền → duong truyen."""
    bare = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(char for char in bare if unicodedata.category(char) != "Mn")


def fit(text: str, tail: str, segments: int) -> str:
    """`text` and `tail` in at most so many messages: the text is cut between words, what matters stands in the tail."""
    whole = f"{text} {tail}".strip()
    words = text.split(" ")
    while measure(whole).segments > segments and words:
        words.pop()
        whole = f"{' '.join(words)}... {tail}".strip()
    return whole if words else _cut(f"{text} {tail}".strip(), segments)


def _cut(text: str, segments: int) -> str:
    low, high = 0, len(text)
    while low < high:
        half = (low + high + 1) // 2
        low, high = (half, high) if measure(text[:half]).segments <= segments else (low, half - 1)
    return text[:low]


def _units(char: str, encoding: str) -> int:
    return 1 + (char in _DOUBLE) if encoding == "GSM-7" else 1 + (ord(char) > 0xFFFF)


def _room(encoding: str, segments: int) -> int:
    one, part = (160, 153) if encoding == "GSM-7" else (70, 67)
    return one if segments <= 1 else part * segments


def _parts(text: str, encoding: str) -> int:
    """A character of two units is never torn apart."""
    part = _room(encoding, 2) // 2
    segments, filled = 1, 0
    for char in text:
        size = _units(char, encoding)
        if filled + size > part:
            segments, filled = segments + 1, 0
        filled += size
    return segments
