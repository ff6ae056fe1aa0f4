"""The facts of a subject's page: what holds now, its 24 hours, and every change with its revisions side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from collector.api import Centre, Flip, NotFound, Reader, Standing, StoredObservation, SubjectInfo
from dashboards.board.strips import Strip, strip, window

FLIPS_SHOWN: Final = 100
OBSERVATIONS_SHOWN: Final = 25


@dataclass(frozen=True, slots=True)
class Change:
    """A change as it stands now, and what had been recorded before it was revised, newest first."""

    flip: Flip
    before: tuple[Flip, ...]

    @property
    def retracted(self) -> bool:
        return self.flip.to is None


@dataclass(frozen=True, slots=True)
class SubjectPage:
    info: SubjectInfo
    centre: Centre | None
    standing: Standing | None
    strip: Strip
    changes: list[Change]
    limited: bool
    observations: list[StoredObservation]
    older_ms: int | None  # ask for what is older than this; None where nothing is
    now_ms: int


def look(reader: Reader, key: str, before_ms: int | None = None) -> SubjectPage:
    """The page of subject `key`, with observations older than `before_ms`. Raises NotFound."""
    info = next((info for info in reader.subjects() if info.key == key), None)
    if info is None:
        raise NotFound(key)
    now_ms = reader.now_ms()
    from_ms, _ = window(now_ms)
    flips = reader.flips_of(key, FLIPS_SHOWN)
    seen = reader.observations(key, now_ms + 1 if before_ms is None else before_ms, OBSERVATIONS_SHOWN)
    return SubjectPage(
        info=info,
        centre=next((centre for centre in reader.centres() if centre.key == info.centre), None),
        standing=reader.standings(info.centre).get(key),
        strip=strip(reader.intervals([key], from_ms, now_ms).get(key, []), from_ms),
        changes=changes(flips),
        limited=len(flips) >= FLIPS_SHOWN,
        observations=seen,
        older_ms=seen[-1].at_ms if len(seen) == OBSERVATIONS_SHOWN else None,
        now_ms=now_ms,
    )


def changes(flips: Sequence[Flip]) -> list[Change]:
    """Fold revisions into the change they revise; newest first in event time. A chain A ← B ← C shows C with (B, A)."""
    by_seq = {flip.seq: flip for flip in flips}
    revised = {flip.supersedes for flip in flips if flip.supersedes is not None}
    heads = [flip for flip in flips if flip.seq not in revised]
    return sorted(
        (Change(head, tuple(_chain(head, by_seq))) for head in heads),
        key=lambda change: (change.flip.at_ms, change.flip.seq),
        reverse=True,
    )


def _chain(head: Flip, by_seq: dict[int, Flip]) -> Iterable[Flip]:
    seq = head.supersedes
    while seq is not None and seq in by_seq:
        older = by_seq.pop(seq)
        yield older
        seq = older.supersedes
