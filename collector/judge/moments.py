"""Facts grouped by their moment, and what lies ahead of one: runs of losses, rows of answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import groupby
from operator import attrgetter
from typing import Final, Literal

from msgspec import Struct

from collector.judge.facts import Fact
from collector.judge.windows import MAX_EVIDENCE

Colour = Literal["good", "lost", "blind"]
_COLOURS: Final[dict[str, Colour]] = {"ok": "good", "fail": "lost", "unknown": "blind"}


class Moment(Struct, frozen=True):
    """All facts of one subject at one instant. Good where anything answered, blind where nothing could be asked."""

    at: int
    facts: tuple[Fact, ...]
    colour: Colour


def moments_of(facts: Sequence[Fact]) -> list[Moment]:
    """Group facts that are in order."""
    return [_moment(at, tuple(group)) for at, group in groupby(facts, key=attrgetter("at"))]


def _moment(at: int, facts: tuple[Fact, ...]) -> Moment:
    if len(facts) == 1:
        return Moment(at, facts, _COLOURS[facts[0].outcome])
    colours = {_COLOURS[fact.outcome] for fact in facts}
    return Moment(at, facts, "good" if "good" in colours else "lost" if "lost" in colours else "blind")


class Moments:
    """The moments of a subject, and questions about what follows one of them within `decide_ms`.

    `earlier`: facts from before the first moment, in order. `valid_ms(fact)` says how long a fact holds: a source whose
    last fact no longer holds is not waited for. `held_ms(period_ms)`: how long what is measured so often holds at most.
    """

    def __init__(
        self, facts: Sequence[Fact], earlier: Sequence[Fact], *,
        valid_ms: Callable[[Fact], int], held_ms: Callable[[int], int],
    ) -> None:  # fmt: skip
        self.all: Final = moments_of(facts)
        self.valid_ms: Final = valid_ms
        self._earlier: Final = earlier
        self._facts: Final = facts
        self._held_ms: Final = held_ms

    @cached_property
    def _longest(self) -> int:
        """Nothing in hand holds longer."""
        return self._held_ms(max(fact.period_ms for facts in (self._earlier, self._facts) for fact in facts))

    def run(self, k: int, colour: Literal["lost", "blind"], need: int, *, decide_ms: int) -> int | None:
        """Where the run that begins at `k` is long enough: `need` facts of that colour from every source that is alive.

        Blind moments neither break nor lengthen a run of losses. None where it is not long enough, or not yet.
        """
        counts: dict[tuple[str, str], int] = {}
        for j in self._ahead(k, decide_ms):
            moment = self.all[j]
            if moment.colour != colour:
                if colour == "lost" and moment.colour == "blind":
                    continue
                return None
            for fact in moment.facts:
                if _COLOURS[fact.outcome] == colour:
                    counts[fact.source] = counts.get(fact.source, 0) + 1
            if max(counts.values()) >= need and self._all_have(counts, need, j, blind=colour == "blind"):
                return j
        return None

    def _all_have(self, counts: Mapping[tuple[str, str], int], need: int, j: int, *, blind: bool) -> bool:
        return all(counts.get(source, 0) >= need for source in self._alive(j, blind=blind))

    def _alive(self, j: int, *, blind: bool) -> set[tuple[str, str]]:
        """Sources that were asked lately; those that could not be asked do not count but for a run of these."""
        now = self.all[j].at
        alive: set[tuple[str, str]] = set()
        for fact in self._back_from(j):
            if fact.at <= now - self._longest:
                break
            if (blind or fact.outcome != "unknown") and fact.at + self.valid_ms(fact) > now:
                alive.add(fact.source)
        return alive

    def _back_from(self, j: int) -> Iterator[Fact]:
        for n in range(j, -1, -1):
            yield from self.all[n].facts
        yield from reversed(self._earlier)

    def good_row(self, k: int, need: int, *, decide_ms: int) -> tuple[Fact, ...] | None:
        """The first `need` answers in a row that a source answering at `k` gives from there on; None without such."""
        for fact in self.all[k].facts:
            if fact.outcome == "ok":
                row = self._row(k, fact.source, need, decide_ms)
                if row is not None:
                    return row
        return None

    def _row(self, k: int, source: tuple[str, str], need: int, decide_ms: int) -> tuple[Fact, ...] | None:
        row: list[Fact] = []
        for j in self._ahead(k, decide_ms):
            for fact in self.all[j].facts:
                if fact.source != source or fact.outcome == "unknown":
                    continue
                if fact.outcome != "ok":
                    return None
                row.append(fact)
                if len(row) == need:
                    return tuple(row)
        return None

    def _ahead(self, k: int, decide_ms: int) -> Iterator[int]:
        last = self.all[k].at + decide_ms
        for j in range(k, len(self.all)):
            if self.all[j].at > last:
                return
            yield j

    def ids(self, k: int, j: int, colour: Colour) -> tuple[str, ...]:
        """The first facts of a colour from `k` to `j`, as evidence."""
        found = [f.id for m in self.all[k : j + 1] for f in m.facts if _COLOURS[f.outcome] == colour]
        return tuple(found[:MAX_EVIDENCE])
