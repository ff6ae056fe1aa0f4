"""The record as it was at a moment: flips as they were told then, also those that were revised since.

What only lives (who is where, how things hang together, teams) is as the register says now.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Final

from alerts.correlate.picture import Topology
from collector.api import Boot, Flip, Reader, Window

PAGE: Final = 5_000
_begun: Final = attrgetter("at_ms")


class Past:
    """What `alerts.incidents.picture.Intake` asks of a reader, answered as of `now_ms`, which only goes forward."""

    def __init__(self, reader: Reader, from_ms: int, to_ms: int) -> None:
        """Everything recorded in [from_ms, to_ms), and what held before. Reads the whole of it."""
        self._flips = list(_recorded(reader, from_ms, to_ms))
        self._seqs = [flip.seq for flip in self._flips]
        before = reader.unwell(min([from_ms, *(flip.at_ms for flip in self._flips)]))
        own = set(self._seqs)
        self._held: dict[str, dict[int, Flip]] = {}
        for key, rows in before.items():
            old = {flip.seq: flip for flip in rows if flip.seq not in own and flip.recorded_ms < from_ms}
            if old:
                self._held[key] = old
        self._boots = sorted(reader.boots(from_ms), key=_begun)
        self._windows = reader.windows(from_ms, to_ms)
        self._next, self.now_ms = 0, from_ms
        self.news: Sequence[Flip] = ()  # what the last step of time brought

    @property
    def before(self) -> int:
        """The sequence number of the last flip before the span."""
        return self._seqs[0] - 1 if self._seqs else 0

    @property
    def recorded(self) -> Sequence[Flip]:
        """All flips of the span, as they were recorded."""
        return self._flips

    @property
    def subjects(self) -> list[str]:
        """What was on record before the span and not well."""
        return list(self._held)

    def changes(self, topology: Topology) -> Iterator[tuple[int, str]]:
        """When something came to be known, and of which subject: flips, starts of machines, planned stops."""
        yield from ((flip.recorded_ms, flip.subject) for flip in self._flips)
        yield from (
            (boot.at_ms, f"agent:{boot.agent}") for boot in self._boots if f"agent:{boot.agent}" in topology.agents
        )
        for w in self._windows:
            yield from ((at, w.subject) for at in (w.set_ms, w.from_ms, w.end_ms) if at >= w.set_ms)

    def go_to(self, now_ms: int) -> None:
        """Let it be later."""
        self.now_ms, first = now_ms, self._next
        while self._next < len(self._flips) and self._flips[self._next].recorded_ms <= now_ms:
            flip = self._flips[self._next]
            held = self._held.setdefault(flip.subject, {})
            if flip.supersedes is not None:
                held.pop(flip.supersedes, None)
            if flip.to is not None:
                held[flip.seq] = flip
            self._next += 1
        self.news = self._flips[first : self._next]

    # --- what is asked ----------------------------------------------------------------------------------------------

    def flips(self, after_seq: int, limit: int) -> list[Flip]:
        """See `collector.api.Reader`."""
        first = bisect_right(self._seqs, after_seq)
        return self._flips[first : min(self._next, first + limit)]

    def unwell(self, since_ms: int, subjects: Sequence[str] | None = None) -> dict[str, list[Flip]]:
        """See `collector.api.Reader`."""
        asked = self._held if subjects is None else {key: self._held.get(key, {}) for key in subjects}
        found = {key: _since(held, since_ms) for key, held in asked.items()}
        return {key: rows for key, rows in found.items() if any(flip.to != "ok" for flip in rows)}

    def boots(self, since_ms: int) -> list[Boot]:
        """Machines that had started by now; that one did was known as soon as it was heard again."""
        first = bisect_left(self._boots, since_ms, key=_begun)
        return self._boots[first : bisect_right(self._boots, self.now_ms, key=_begun)]

    def windows(self, from_ms: int, to_ms: int) -> list[Window]:
        """Planned stops that were announced by now."""
        return [w for w in self._windows if w.set_ms <= self.now_ms and w.from_ms < to_ms and w.end_ms > from_ms]


def _since(held: Mapping[int, Flip], since_ms: int) -> list[Flip]:
    rows = sorted(held.values(), key=attrgetter("at_ms", "seq"))
    first = max((n for n, flip in enumerate(rows) if flip.at_ms <= since_ms), default=0)
    return rows[first:]


def _recorded(reader: Reader, from_ms: int, to_ms: int) -> Iterator[Flip]:
    seq = _seq_before(reader, from_ms)
    while page := reader.flips(seq, PAGE):
        for flip in page:
            if flip.recorded_ms >= to_ms:
                return
            if flip.recorded_ms >= from_ms:
                yield flip
        seq = page[-1].seq


def _seq_before(reader: Reader, from_ms: int) -> int:
    """The last sequence number recorded before a moment: numbers grow with the time of recording."""
    low, high = 0, 1
    while (found := reader.flips(high, 1)) and found[0].recorded_ms < from_ms:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        found = reader.flips(middle, 1)
        if found and found[0].recorded_ms < from_ms:
            low = middle
        else:
            high = middle
    return low
