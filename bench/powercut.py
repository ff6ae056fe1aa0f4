"""The disk as it may be after a power cut: what was synced is there, of everything else any part may be missing.

Between two syncs a disk writes in any order, or not at all, or half a write (in whole sectors). From the recorded calls
every such moment is played: nothing of the unsynced, all of it, all but some, only the last, the last one torn.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from bench.trace import Call, TraceError

SECTOR: Final = 512
VOLATILE: Final = "-shm"  # shared memory of the running program; SQLite makes it anew
_SYNCS: Final = frozenset({"fdatasync", "fsync"})

Files = dict[str, bytearray]


@dataclass(frozen=True, slots=True)
class Image:
    """The files as found after the cut that came just behind call `at`; `what` of the unsynced survived."""

    at: int
    what: str
    files: Files


@dataclass(slots=True)
class Disk:
    """Plays the calls on some files. `start` is what is on the disk already, synced."""

    start: Files
    chance: random.Random
    durable: Files = field(default_factory=dict)
    pending: list[Call] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.durable = {path: bytearray(content) for path, content in self.start.items()}

    def play(self, calls: Sequence[Call]) -> Iterator[Image]:
        """Every moment at which the cut may come, in order; an image is good until the next one is asked for.

        A write counts from when it began, a sync from when it had returned. Raises TraceError for a call that is not
        understood.
        """
        ours = [c for c in calls if c.peer is None and not c.path.endswith(VOLATILE)]
        syncs = [(c.ended, c) for c in ours if c.name in _SYNCS and c.ended is not None and c.result == 0]
        changes = [(c.began, c) for c in ours if c.name not in _SYNCS and _changes(c)]
        for at, call in sorted([*syncs, *changes], key=lambda pair: pair[0]):
            if call.name not in _SYNCS:
                self.pending.append(call)
                yield from self._moments(call)
            elif self._sync(call):
                yield self._image(at, "nothing unsynced", [])

    def _sync(self, sync: Call) -> bool:
        """Make durable what was written to this file before the sync began; whether that was anything."""
        done = [c for c in self.pending if c.path == sync.path and c.ended is not None and c.ended < sync.began]
        for call in done:
            _apply(self.durable, call)
        self.pending = [c for c in self.pending if c not in done]
        return bool(done)

    def _moments(self, last: Call) -> Iterator[Image]:
        at = last.ended if last.ended is not None else last.began
        yield self._image(at, "all", self.pending)
        if last.name == "pwrite64" and len(last.data) > SECTOR:
            keep = SECTOR * self.chance.randrange(1, len(last.data) // SECTOR)
            torn = Call(last.name, last.began, path=last.path, data=last.data[:keep], offset=last.offset)
            yield self._image(at, "the last one torn", [*self.pending[:-1], torn])
        if len(self.pending) > 1:
            yield self._image(at, "only the last", [last])
            some = [c for c in self.pending if self.chance.random() < 0.7]
            yield self._image(at, "some", some)

    def _image(self, at: int, what: str, applied: Sequence[Call]) -> Image:
        files = dict(self.durable)
        for path in {c.path for c in applied}:
            files[path] = bytearray(files.get(path, b""))
        for call in applied:
            _apply(files, call)
        return Image(at, what, files)


def _changes(call: Call) -> bool:
    """Whether the call changed anything that a cut could undo. A file that is only made is empty until it is synced."""
    if call.name in {"openat", "creat"}:
        return False
    if call.name not in {"pwrite64", "ftruncate"}:
        raise TraceError(f"call {call.name} on {call.path} is not one that this disk knows")
    return call.result >= 0 or call.ended is None


def _apply(files: Files, call: Call) -> None:
    content = files.setdefault(call.path, bytearray())
    if call.name == "ftruncate":
        del content[call.offset :]
        content.extend(bytes(call.offset - len(content)))
        return
    content.extend(bytes(max(0, call.offset - len(content))))
    content[call.offset : call.offset + len(call.data)] = call.data
