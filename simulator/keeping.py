"""What trials gave, kept in a file while a long score is under way: a line a trial, so that it may be played in pieces.

Hundreds of seeds take the better part of an hour. A score that was interrupted, or given so many minutes, goes on where
it stopped. What another state of the source or of the province gave stays in the file and does not count.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from simulator.errors import HomeError
from simulator.scoring import Scored

_HOUSE: Final = Path(__file__).resolve().parents[1]
_PLAYED: Final = ("wire", "collector", "alerts", "simulator")
"""The packages that decide what a trial gives."""


class Line(Struct, frozen=True):
    """One trial, and of which source it is."""

    source: str
    scored: Scored


_LINE: Final = msgspec.json.Decoder(Line)
_ENCODER: Final = msgspec.json.Encoder()
_BEGIN: Final = b'{"source":'


class Keeping:
    """Trials in the file `path`, of the source as it is now."""

    def __init__(self, path: Path, province: Path) -> None:
        self._path, self._source = path, source(province)

    def found(self, seeds: Collection[int]) -> list[Scored]:
        """What is kept of these seeds. Raises HomeError for a file that is something else."""
        try:
            kept = {one.seed: one for one in self._read()}
        except (OSError, msgspec.MsgspecError) as error:
            raise HomeError(f"{self._path} holds no trials: {error}; name another file, or remove it") from error
        return [kept[seed] for seed in seeds if seed in kept]

    def add(self, scored: Scored) -> None:
        """Keep one more. Raises HomeError where it cannot be written."""
        try:
            with self._path.open("ab") as file:
                file.write(b"\n" + _ENCODER.encode(Line(self._source, scored)) + b"\n")
        except OSError as error:
            raise HomeError(f"{self._path} cannot be written: {error.strerror}; name another file") from error

    def _read(self) -> Iterator[Scored]:
        """Trials of this source. A line that an interruption cut short is none; the next began on a line of its own."""
        text = self._path.read_bytes() if self._path.exists() else b""
        for line in text.split(b"\n"):
            try:
                one = _LINE.decode(line)
            except msgspec.MsgspecError:
                if line and not line.startswith(_BEGIN):
                    raise
                continue
            if one.source == self._source:
                yield one.scored


def source(province: Path) -> str:
    """The state of everything that decides what a trial gives, as a short hash."""
    digest = hashlib.sha256()
    files = [path for name in _PLAYED for path in (_HOUSE / name).rglob("*.py")]
    for path in sorted([*files, *(path for path in province.rglob("*") if path.is_file())]):
        digest.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
