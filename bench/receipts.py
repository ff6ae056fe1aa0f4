"""The proof that a receipt was a promise: no byte of it left before the fdatasync of its rows had returned.

What is looked for is in the write-ahead log of SQLite (https://sqlite.org/fileformat2.html#walformat): the frame that
holds the batch's hash, the commit frame of that transaction, and a sync that began after both and returned.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from bench.trace import Call

WAL_SUFFIX: Final = "-wal"
_FRAME_HEAD: Final = 24


@dataclass(frozen=True, slots=True)
class Received:
    """A receipt as its client saw it: its batch's key and hash, and which bytes of which connection it was.

    `port` is the client's own; `first_byte` counts what the server had sent on the connection before it.
    """

    epoch: str
    batch: int
    sha256: str
    port: int
    first_byte: int


@dataclass(frozen=True, slots=True)
class Broken:
    """A receipt that was not yet a promise when it left."""

    batch: int
    why: str


class Journal:
    """The calls on one database's write-ahead log, and on sockets."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self._log = [c for c in calls if c.path.endswith(WAL_SUFFIX) and c.name == "pwrite64"]
        self._syncs = [
            c for c in calls if c.path.endswith(WAL_SUFFIX) and c.name in {"fdatasync", "fsync"} and c.result == 0
        ]
        self._sent: dict[int, list[tuple[int, Call]]] = {}
        sums: dict[int, int] = {}
        for call in calls:
            if call.peer is not None and call.result > 0:
                self._sent.setdefault(call.peer, []).append((sums.get(call.peer, 0), call))
                sums[call.peer] = sums.get(call.peer, 0) + call.result

    @property
    def sync_count(self) -> int:
        return len(self._syncs)

    def left_at(self, receipt: Received) -> int | None:
        """Where in the trace the first byte of a receipt was handed to the kernel."""
        for start, call in self._sent.get(receipt.port, []):
            if start + call.result > receipt.first_byte:
                return call.began
        return None

    def committed_at(self, sha256: str) -> int | None:
        """Where in the trace the last byte of the transaction that holds this hash had been written."""
        wanted = sha256.encode("ascii")
        for n, call in enumerate(self._log):
            if wanted in call.data:
                return self._commit_behind(n)
        return None

    def _commit_behind(self, n: int) -> int | None:
        """The end of the transaction that the page written by call `n` belongs to."""
        at = n if n == 0 or len(self._log[n - 1].data) != _FRAME_HEAD else n - 1
        while at + 1 < len(self._log):
            head, page = self._log[at], self._log[at + 1]
            if len(head.data) == _FRAME_HEAD and int.from_bytes(head.data[4:8], "big"):
                return page.ended
            at += 1 if len(head.data) != _FRAME_HEAD else 2
        return None

    def synced_at(self, after: int) -> int | None:
        """Where the first sync that began behind `after` had returned."""
        return min((c.ended for c in self._syncs if c.began > after and c.ended is not None), default=None)


def broken(journal: Journal, receipts: Iterable[Received]) -> list[Broken]:
    """The receipts that left too early or whose rows cannot be found: none, in a collector that keeps its word."""
    found = [(receipt.batch, _flaw(journal, receipt)) for receipt in receipts]
    return [Broken(batch, why) for batch, why in found if why]


def _flaw(journal: Journal, receipt: Received) -> str | None:
    left = journal.left_at(receipt)
    if left is None:
        return "the trace holds no write of this receipt"
    committed = journal.committed_at(receipt.sha256)
    if committed is None or committed > left:
        return "the receipt left before its rows were written"
    synced = journal.synced_at(committed)
    if synced is None or synced > left:
        return "the receipt left before a sync of its rows had returned"
    return None
