"""Chance without memory: numbers that follow from the seed, a name and a count, whatever was drawn before.

So what a line does at a moment does not depend on who asked, in which order, or how often.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final, TypeVar

T = TypeVar("T")

DRAWS: Final = 16
_WORDS: Final = struct.Struct(f"<{DRAWS}I")
_NUMBER: Final = struct.Struct("<q")
_SCALE: Final = 2.0**-32


class Dice:
    """All chance of one simulated province."""

    def __init__(self, seed: int) -> None:
        self._key = blake2b(str(seed).encode(), digest_size=32).digest()
        self._known: dict[str, float] = {}

    def draws(self, name: bytes, number: int) -> tuple[float, ...]:
        """Sixteen numbers in [0, 1) for the `number`-th time of something."""
        digest = blake2b(name + _NUMBER.pack(number), key=self._key).digest()
        return tuple([word * _SCALE for word in _WORDS.unpack(digest)])

    def once(self, name: str) -> float:
        """One number in [0, 1) that is a thing's for ever."""
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = self.draws(name.encode(), 0)[0]
        return found

    def some(self, name: str, things: Sequence[T], count: int) -> list[T]:
        """`count` of the things, or all where they are fewer, in their order."""
        ranked = sorted(range(len(things)), key=lambda n: self.draws(name.encode(), n)[0])
        return [things[n] for n in sorted(ranked[:count])]

    def secret(self, name: str) -> bytes:
        """32 bytes; guards nothing, because nothing simulated is worth guarding."""
        return blake2b(name.encode(), key=self._key, digest_size=32).digest()

    def uuid(self, name: str) -> str:
        """A UUID that is a thing's for ever."""
        return str(uuid.UUID(bytes=self.secret(name)[:16], version=4))
