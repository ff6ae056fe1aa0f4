"""After every power cut: is each batch whose receipt had left in the database exactly once, and is that sound?"""

from __future__ import annotations

import random
import sqlite3
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.powercut import Disk, Files
from bench.receipts import Journal, Received
from bench.recording import DATABASE, Recording

_MEMORY: Final = Path("/dev/shm")  # images are thrown away: no disk need see them


@dataclass(frozen=True, slots=True)
class Loss:
    """A moment at which something receipted was not there, twice there, or the database not sound."""

    at: int
    what: str
    text: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many moments were tried, of how many kinds, and what was found wrong."""

    images: int
    kinds: dict[str, int]
    receipts: int
    losses: list[Loss]


def cut_everywhere(recording: Recording, *, every: int = 1, seed: int = 7) -> Outcome:
    """Play the recording and cut the power at every moment; with `every` > 1 at one in so many of them, by chance.

    What is left after a sync alone is always tried.
    """
    journal = Journal(recording.calls)
    left = [(at, r) for r in recording.receipts if (at := journal.left_at(r)) is not None]
    calls = [c for c in recording.calls if c.peer is None]
    chance = random.Random(seed)
    disk = Disk({path: bytearray(content) for path, content in recording.before.items()}, chance)
    kinds: dict[str, int] = {}
    losses: list[Loss] = []
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as folder:
        for image in disk.play(calls):
            if chance.randrange(every) and image.what != "nothing unsynced":
                continue
            kinds[image.what] = kinds.get(image.what, 0) + 1
            promised = [receipt for at, receipt in left if at <= image.at]
            if text := flaw(image.files, promised, Path(folder)):
                losses.append(Loss(image.at, image.what, text))
    return Outcome(sum(kinds.values()), kinds, len(left), losses)


def flaw(files: Files, promised: Sequence[Received], folder: Path) -> str:
    """What is wrong with the database as it is found after the cut; empty where nothing is."""
    for old in folder.iterdir():
        old.unlink()
    for path, content in files.items():
        (folder / Path(path).name).write_bytes(content)
    db = sqlite3.connect(folder / DATABASE)
    try:
        sound = db.execute("PRAGMA integrity_check").fetchone()[0]
        found = db.execute("SELECT epoch, batch, sha256 FROM inbox").fetchall()
    except sqlite3.DatabaseError as error:
        return f"the database cannot be read: {error}"
    finally:
        db.close()
    if sound != "ok":
        return f"integrity_check: {sound}"
    return _missing(found, promised)


def _missing(found: Sequence[tuple[str, int, str]], promised: Sequence[Received]) -> str:
    rows: dict[tuple[str, int], list[str]] = {}
    for epoch, batch, sha256 in found:
        rows.setdefault((epoch, batch), []).append(sha256)
    wrong = [r for r in promised if rows.get((r.epoch, r.batch)) != [r.sha256]]
    if not wrong:
        return ""
    return (
        f"{len(wrong)} of {len(promised)} receipted batches are not there exactly once, the first is {wrong[0].batch}"
    )
