"""What an agent signs once an hour about the batches it was receipted for, so that others may trust the record.

The statement is text of a fixed form, signed with the key of the enrolment (Ed25519, RFC 8032). Over the batches stands
one SHA-256: of each batch, in the order of their numbers, eight bytes of its number (big-endian) and its own hash.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

PROBE: Final = "attest"
TARGET: Final = "hour"
MAX_BATCHES: Final = 20_000
MAX_RANGES: Final = 100
_RANGE: Final = re.compile(r"([0-9]{1,15})(?:-([0-9]{1,15}))?")


@dataclass(frozen=True, slots=True)
class Statement:
    """`batches` are their numbers, `12-85 87`; the hour is from `from_ms` to `to_ms`, UTC by the collector's time."""

    agent: str
    epoch: str
    from_ms: int
    to_ms: int
    batches: str
    sha256: str

    def text(self) -> bytes:
        """The bytes that are signed."""
        lines = (
            "motcua attestation 1", f"agent {self.agent}", f"epoch {self.epoch}", f"from {self.from_ms}",
            f"to {self.to_ms}", f"batches {self.batches}", f"sha256 {self.sha256}", "",
        )  # fmt: skip
        return "\n".join(lines).encode("ascii")


def digest(batches: Iterable[tuple[int, bytes]]) -> str:
    """Over batches: their number and their SHA-256, 32 bytes."""
    whole = hashlib.sha256()
    for number, sha256 in sorted(batches):
        whole.update(number.to_bytes(8, "big") + sha256)
    return whole.hexdigest()


def spelled(numbers: Iterable[int]) -> str:
    """Numbers as ranges: as many of the lowest as fit into `MAX_RANGES`."""
    ordered = sorted(numbers)
    starts = [n for n, (before, now) in enumerate(pairwise(ordered), 1) if now != before + 1]
    cuts = [0, *starts, len(ordered)]
    runs = [(ordered[a], ordered[b - 1]) for a, b in pairwise(cuts) if a < b][:MAX_RANGES]
    return " ".join(f"{a}-{b}" if a < b else str(a) for a, b in runs)


def numbers(text: str) -> list[int]:
    """The numbers of ranges. Raises ValueError for what is none, is not in order, or names more than 20,000."""
    found: list[int] = []
    for part in text.split(" ") if text else []:
        match = _RANGE.fullmatch(part)
        if match is None:
            raise ValueError(f"{part[:40]!r} is no range of batches")
        first = int(match[1])
        last = int(match[2] or first)
        if last < first or (found and first <= found[-1]) or last - first + len(found) >= MAX_BATCHES:
            raise ValueError(f"{part[:40]!r} is out of order, or names too many batches")
        found += range(first, last + 1)
    return found
