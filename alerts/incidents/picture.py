"""What correlation looks at, kept in memory and brought up to date by flips; after a restart read from the store.

Flips are only ever appended. A revision or a retraction names the one it supersedes: where that is not in memory, its
subject is read again. What comes late for a time that is not looked at any more widens the look for a while.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import Final

from alerts.correlate.limits import Limits
from alerts.correlate.picture import Boot, Picture, Spell, Topology
from collector.api import Flip, Reader, Window

FLIPS_AT_ONCE: Final = 5_000
PAGES: Final = 20
FARTHEST_MS: Final = 35 * 86_400_000
"""How long bodies are kept: nothing older is judged anew."""

WIDE_MS: Final = 600_000
PRUNE_MS: Final = 600_000
AHEAD_MS: Final = 86_400_000
LIVE_MS: Final = 120_000
"""What is recorded sooner after the fact comes in order."""

STEADY_MS: Final = 5_000
"""A machine's start is told anew with every batch, by a clock that drifts: a smaller difference is none."""

NOT_TROUBLE: Final = frozenset({"decommissioned", "never_measured"})
"""Reasons that say that nobody looks, not that something is not well."""


class Intake:
    """Flips in, pictures out. `seq`: the last flip taken in. For one thread."""

    def __init__(self, reader: Reader, seq: int = 0) -> None:
        self._reader, self.seq = reader, seq
        self._from_ms: int | None = None
        self._wide: tuple[int, int] | None = None  # from when, and until when that is looked at
        self._pruned_ms = 0
        self._held: dict[str, dict[int, Flip]] = {}
        self._spells: dict[str, tuple[Spell, ...]] = {}
        self._boots: dict[tuple[str, str], Boot] = {}
        self._started_at: Mapping[str, Sequence[Boot]] = {}
        self._learned: set[str] = set()

    @property
    def from_ms(self) -> int:
        """How far back spells reach; those that began earlier and reach in are whole."""
        return self._from_ms or 0

    def take_in(self, now_ms: int, limits: Limits) -> bool:
        """Read what was flipped since. True: there is more, and a picture would be half of one."""
        back_ms = round(1000 * (limits.reopen_s + 2 * limits.flap_window_s))
        if self._from_ms is None:
            self._read_all(now_ms - back_ms)
        late_ms: list[int] = []
        more = True
        for _ in range(PAGES):
            page = self._reader.flips(self.seq, FLIPS_AT_ONCE)
            late_ms += self._apply(page, now_ms, back_ms)
            self.seq = page[-1].seq if page else self.seq
            more = len(page) == FLIPS_AT_ONCE
            if not more:
                break
        self._turn(now_ms, back_ms, late_ms, round(2000 * limits.flap_window_s))
        return more

    def picture(self, now_ms: int, topology: Topology, limits: Limits) -> Picture:
        """Everything that is or lately was not well."""
        return Picture(
            now_ms, self._spells, topology, limits,
            _by_subject(self._reader.windows(self.from_ms, now_ms + AHEAD_MS)), self._started(topology, now_ms),
        )  # fmt: skip

    def learned(self) -> frozenset[str]:
        """The subjects of which a picture may tell otherwise than the one before it; agents for the starts of their
        machines. Planned stops are not among them."""
        found = frozenset(self._learned)
        self._learned.clear()
        return found

    # --- flips ------------------------------------------------------------------------------------------------------

    def _apply(self, page: Sequence[Flip], now_ms: int, back_ms: int) -> list[int]:
        """Take flips in; the times of those that came too late to be looked at."""
        late, touched, lost = list[int](), set[str](), set[str]()
        for flip in page:
            if flip.at_ms < self.from_ms:
                if flip.recorded_ms > now_ms - back_ms:
                    late.append(flip.at_ms)
                if flip.to is not None and flip.supersedes is None:
                    continue
            held = self._held.setdefault(flip.subject, {})
            if not held and flip.recorded_ms - flip.at_ms > LIVE_MS:
                lost.add(flip.subject)  # only what was not well is kept: a flip after this one may be on record
            if flip.supersedes is not None and held.pop(flip.supersedes, None) is None:
                lost.add(flip.subject)
            if flip.to is not None:
                held[flip.seq] = flip
            touched.add(flip.subject)
        if lost:
            found = self._reader.unwell(self.from_ms, sorted(lost))
            self._held |= {key: {flip.seq: flip for flip in found.get(key, ())} for key in lost}
        for key in touched:
            self._see(key)
        return late

    def _see(self, key: str) -> None:
        spells = spells_of(self._held.get(key, {}).values(), self.from_ms)
        if spells != self._spells.get(key, ()):
            self._learned.add(key)
        if spells:
            self._spells[key] = spells
        else:
            self._spells.pop(key, None)

    def _turn(self, now_ms: int, back_ms: int, late_ms: Sequence[int], around_ms: int) -> None:
        """Look back as far as is needed now."""
        if late_ms:
            farthest = max(min(late_ms) - around_ms, now_ms - FARTHEST_MS)
            farthest = farthest if self._wide is None else min(farthest, self._wide[0])
            self._wide = (farthest, now_ms + WIDE_MS)
        elif self._wide is not None and now_ms > self._wide[1]:
            self._wide = None
        wanted = now_ms - back_ms if self._wide is None else min(now_ms - back_ms, self._wide[0])
        if wanted < self.from_ms:
            self._read_all(wanted)
        elif now_ms - self._pruned_ms >= PRUNE_MS:
            self._from_ms, self._pruned_ms = wanted, now_ms
            for key in list(self._held):
                self._see(key)
            self._held = {key: held for key, held in self._held.items() if key in self._spells}

    def _read_all(self, from_ms: int) -> None:
        self._from_ms = from_ms
        found = self._reader.unwell(from_ms)
        self._held = {key: {flip.seq: flip for flip in flips} for key, flips in found.items()}
        for key in dict.fromkeys([*self._spells, *self._held]):
            self._see(key)

    # --- machines ---------------------------------------------------------------------------------------------------

    def _started(self, topology: Topology, now_ms: int) -> Mapping[str, Sequence[Boot]]:
        """Starts of machines by centre; each is known since we first heard of it."""
        kept: dict[tuple[str, str], Boot] = {}
        for boot in self._reader.boots(self.from_ms):
            agent = topology.agents.get(f"agent:{boot.agent}")
            if agent is None:
                continue
            key = (boot.agent, boot.boot_id)
            known = self._boots.get(key)
            if known is None or abs(known.at_ms - boot.at_ms) > STEADY_MS:
                known = Boot(agent.subject, agent.centre, boot.at_ms, min(boot.seen_ms, now_ms))
            kept[key] = known
        self._boots = kept
        by_centre: dict[str, list[Boot]] = {}
        for one in sorted(kept.values(), key=attrgetter("at_ms", "agent")):
            by_centre.setdefault(one.centre, []).append(one)
        self._learned |= _changed(self._started_at, by_centre)
        self._started_at = by_centre
        return by_centre


def _changed(before: Mapping[str, Sequence[Boot]], after: Mapping[str, Sequence[Boot]]) -> set[str]:
    """The agents of centres of which another list of starts is known."""
    centres = [centre for centre in {*before, *after} if before.get(centre) != after.get(centre)]
    return {boot.agent for centre in centres for boots in (before, after) for boot in boots.get(centre, ())}


def spells_of(held: Iterable[Flip], from_ms: int) -> tuple[Spell, ...]:
    """What the flips of one subject that hold tell of the time since a moment."""
    ordered = sorted(held, key=attrgetter("at_ms", "seq"))
    pairs = [*pairwise(ordered), *((flip, None) for flip in ordered[-1:])]
    found = (_spell(flip, None if after is None else after.at_ms) for flip, after in pairs)
    return tuple(spell for spell in found if spell is not None and (spell.to_ms is None or spell.to_ms > from_ms))


def _spell(flip: Flip, to_ms: int | None) -> Spell | None:
    if flip.to in (None, "ok") or flip.reason in NOT_TROUBLE or to_ms == flip.at_ms:
        return None
    return Spell(
        flip.subject, flip.to, flip.reason, flip.at_ms, to_ms, flip.recorded_ms, flip.detail, flip.evidence
    )  # fmt: skip


def _by_subject(windows: Iterable[Window]) -> dict[str, list[Window]]:
    found: dict[str, list[Window]] = {}
    for window in windows:
        found.setdefault(window.subject, []).append(window)
    return found
