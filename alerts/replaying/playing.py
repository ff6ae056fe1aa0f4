"""Looks over a span of the record, one after the other, as the loop of the incidents would have looked; nothing is
written, and what people did to incidents is left out: only what motcua itself would have said.

The loop looks every few seconds. Here it looks when something was recorded, when a reconciliation asks for it, and
when time alone may change a verdict; and then only at the clusters that this concerns, as `alerts.correlate` allows.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, cast

from alerts.api import Happened, Incident, Verdict
from alerts.correlate import SHARED, home, stirs, touched
from alerts.correlate.clusters import cluster_of, everywhere
from alerts.correlate.limits import Limits
from alerts.correlate.picture import Picture, Spell
from alerts.dispatch import Audience, Town
from alerts.dispatch.town import steady, town_of
from alerts.incidents.drafts import Act, Life, Tell, past_runs
from alerts.incidents.grace import may_wait
from alerts.incidents.ground import Ground
from alerts.incidents.picture import Intake
from alerts.incidents.reconcile import Look, reconcile
from alerts.incidents.telling import Teller
from alerts.replaying.past import Past
from collector.api import Reader
from wire.identity import new_ulid

GRID_MS: Final = 10_000
"""What is due between two looks is seen at the second. The loop looks every five seconds at least."""

FOREVER_MS: Final = 2**62
TOWN_MS: Final = 3_600_000
Correlate = Callable[[Picture, Collection[str] | None], Sequence[Verdict]]
Progress = Callable[[int, int], None]
"""How many seconds of the span are replayed, and how many there are."""


@dataclass(frozen=True, slots=True)
class Message:
    """What would have been told: of which incident, to whom, when."""

    incident: str
    kind: str
    audience: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Replayed:
    """What would have been said. `looks`: how often was looked."""

    incidents: list[Incident]
    messages: list[Message]
    looks: int


@dataclass(slots=True)
class _Due:
    """What a look is for: subjects of which something was learned, clusters that time alone may stir, and those whose
    incidents are to be tended."""

    subjects: set[str] = field(default_factory=set)
    stirred: set[str] = field(default_factory=set)
    clusters: set[str] = field(default_factory=set)


class Replayer:
    """One replay, of the record in `past`, by these limits. `run()` once."""

    def __init__(
        self, reader: Reader, past: Past, limits: Limits, correlate: Correlate, *, whole: bool = False
    ) -> None:  # fmt: skip
        """`whole`: looks every ten seconds at all of the window; the answer is the same, and takes much longer."""
        self._whole = whole
        self._reader, self._past, self._limits, self._correlate = reader, past, limits, correlate
        # Past answers all that an intake asks, as of then.
        self._intake = Intake(cast("Reader", past), past.before)
        self._topology = Ground(reader).topology(past.now_ms)
        self._may_wait = may_wait(self._topology, limits)
        self._verdicts: dict[str, list[Verdict]] = {}  # by cluster
        self._stirs: dict[str, int] = {}  # by cluster
        self._lives: dict[str, Life] = {}
        self._living: dict[str, Life] = {}  # those that reach into the picture
        self._story: dict[str, list[Happened]] = {}
        self._told: list[Message] = []
        self._marks: set[str] = set()
        self._clusters: dict[str, str] = {}
        self._swept_ms = 0
        self._everywhere = False
        self._picture: Picture | None = None  # of the last look that judged
        self._homes: dict[str, str] = {}  # incident: its cluster
        self._due: dict[int, _Due] = {}
        self._moments: list[int] = []
        self._town: tuple[int, Town] | None = None
        self._looks = 0

    def run(self, from_ms: int, to_ms: int, told: Progress) -> Replayed:
        """All looks from the beginning of the record on; what was over before `from_ms` is left out of the answer."""
        first_ms = self._past.now_ms
        self._plan(to_ms)
        while self._moments and (at := heapq.heappop(self._moments)) < to_ms:
            self._look(at, self._due.pop(at))
            told((at - first_ms) // 1000, max(1, (to_ms - first_ms) // 1000))
        every = [life.incident for life in self._lives.values()]
        kept = [one for one in every if one.ended_ms is None or one.ended_ms >= from_ms]
        ids = {one.id for one in kept}
        messages = [one for one in self._told if one.incident in ids and one.at_ms >= from_ms]
        return Replayed(sorted(kept, key=lambda one: (one.since_ms, one.number)), messages, self._looks)

    # --- when to look -----------------------------------------------------------------------------------------------

    def _plan(self, to_ms: int) -> None:
        """Looks for all that was recorded; what time alone makes of it is planned look by look."""
        for at in range(self._past.now_ms, to_ms if self._whole else 0, GRID_MS):
            self._at(at, clusters=(SHARED,))
        self._at(self._past.now_ms, self._past.subjects)
        for at, subject in self._past.changes(self._topology):
            self._at(at, (subject,))

    def _at(
        self, at_ms: int, subjects: Iterable[str] = (), clusters: Iterable[str] = (), stirred: Iterable[str] = ()
    ) -> None:
        at = -(-max(at_ms, self._past.now_ms) // GRID_MS) * GRID_MS
        if at not in self._due:
            self._due[at] = _Due()
            heapq.heappush(self._moments, at)
        self._due[at].subjects.update(subjects)
        self._due[at].clusters.update(clusters)
        self._due[at].stirred.update(stirred)

    # --- one look ---------------------------------------------------------------------------------------------------

    def _look(self, now_ms: int, due: _Due) -> None:
        stirred = {name for name in due.stirred if self._stirs.get(name, FOREVER_MS) <= now_ms}
        if not (due.subjects or due.clusters or stirred):
            return  # it was looked at since, and waits for something else
        self._looks += 1
        self._past.go_to(now_ms)
        while self._intake.take_in(now_ms, self._limits):
            pass
        if due.subjects or stirred or self._whole or self._picture is None:
            self._picture = self._intake.picture(now_ms, self._topology, self._limits)
        picture = self._picture
        # What befalls everything at once may hold back what anybody else tells of.
        scope = self._judge(picture, due.subjects, stirred) | due.clusters | {SHARED}
        look = Look(now_ms, self._intake.from_ms, self._limits, self._may_wait, partial(new_ulid, now_ms))
        verdicts = [verdict for cluster in sorted(scope) for verdict in self._verdicts.get(cluster, ())]
        outcome = reconcile(self._concerned(scope, look.from_ms), verdicts, look)
        if outcome.acts:
            town = self._town_at(now_ms)
            teller = Teller(lambda: town, now_ms, None)
            for act in outcome.acts:
                self._apply(act, teller, now_ms)
                self._homes[act.now.id] = home(picture, act.now.verdict)
            self._at(now_ms + 1, clusters=scope)  # what was decided now may let something else begin
        if outcome.next_ms is not None:
            self._at(max(outcome.next_ms, now_ms + 1), clusters=scope)

    def _judge(self, picture: Picture, subjects: Collection[str], stirred: Collection[str]) -> frozenset[str]:
        """Look at the clusters of these again, and say which they are; what lies before the picture is forgotten."""
        only = touched(picture, subjects) | frozenset(stirred)
        if self._whole or self._no_longer_everywhere(picture, subjects):
            only = frozenset({SHARED, *(cluster_of(picture, key) for key in picture.spells), *self._verdicts})
        if only:
            near, cut_ms = self._near(picture, only)
            for cluster in only:
                old = self._verdicts.pop(cluster, ())
                self._verdicts[cluster] = [v for v in old if v.ended_ms is not None and v.ended_ms <= cut_ms]
                self._stirs.pop(cluster, None)
            for verdict in self._correlate(near, only):
                self._verdicts.setdefault(home(picture, verdict), []).append(verdict)
            self._stirs |= (due := stirs(near, only))
            for cluster, at_ms in due.items():
                self._at(at_ms, stirred=(cluster,))
        if self._intake.from_ms != self._swept_ms:
            self._sweep(self._intake.from_ms)
        return only

    def _no_longer_everywhere(self, picture: Picture, subjects: Collection[str]) -> bool:
        """Whether everything at once was silent, and by what is known now was not."""
        was = self._everywhere
        if was or any(subject in picture.topology.agents for subject in subjects):
            self._everywhere = everywhere(picture)
        return was and not self._everywhere

    def _sweep(self, from_ms: int) -> None:
        """Forget what was over before the picture."""
        self._swept_ms = from_ms
        for cluster, verdicts in self._verdicts.items():
            self._verdicts[cluster] = [v for v in verdicts if v.ended_ms is None or v.ended_ms > from_ms]
        self._living = {key: life for key, life in self._lives.items() if _reaches(life, from_ms)}

    def _near(self, picture: Picture, only: Collection[str]) -> tuple[Picture, int]:
        """What these clusters are judged by, since the last moment before what is new that nothing connects with it:
        what ended before is judged as it was."""
        if self._whole:
            return picture, 0
        news_ms = min((flip.at_ms for flip in self._past.news), default=picture.now_ms)
        mine = {
            key: its
            for key, its in picture.spells.items()
            if key.startswith("service:") or self._in(picture, key, only)
        }
        every = (spell for spells in mine.values() for spell in spells)
        cut_ms = last_quiet(every, news_ms, round(1000 * self._limits.flap_window_s))
        agents = {key: its for key, its in picture.spells.items() if key.startswith("agent:")}  # all may be silent
        return replace(picture, spells=recent(agents | mine, cut_ms)), cut_ms

    def _in(self, picture: Picture, key: str, only: Collection[str]) -> bool:
        """Whether a subject is of these clusters, worked out once: the topology stays."""
        known = self._clusters.get(key)
        if known is None:
            known = self._clusters[key] = cluster_of(picture, key)
        return known in only

    def _concerned(self, scope: Collection[str], from_ms: int) -> list[Life]:
        return [life for key, life in self._living.items() if self._homes[key] in scope and _reaches(life, from_ms)]

    def _town_at(self, now_ms: int) -> Town:
        """The province as it is now, with the rota of then, and how much every team would have had to do."""
        if self._town is None or not 0 <= now_ms - self._town[0] < TOWN_MS:
            self._town = now_ms, steady(town_of(self._reader, now_ms, {}))
        open_ = (life.incident for life in self._living.values() if life.incident.closed_ms is None)
        return replace(self._town[1], load=Counter(one.team for one in open_ if one.team is not None))

    def _apply(self, act: Act, teller: Teller, now_ms: int) -> None:
        """Keep an act as the tables would."""
        dressed = teller.dress(act)
        now = dressed.now if act.was is not None else replace(dressed.now, number=len(self._lives) + 1)
        before = self._lives.get(now.id)
        story = self._story.setdefault(now.id, [])
        story += [Happened(0, now.id, now_ms, e.what, "", e.said, "", e.stage, None) for e in dressed.events]
        told = list(teller.told(Act(act.was, now, dressed.events, act.tells)))
        known = self._note(now.id, frozenset() if before is None else before.told, told, now_ms)
        self._lives[now.id] = self._living[now.id] = Life(now, past_runs(story), known)

    def _note(
        self, key: str, known: frozenset[tuple[str, str]], told: Iterable[tuple[Tell, Audience]], now_ms: int
    ) -> frozenset[tuple[str, str]]:
        """Messages are told once to each audience and turn."""
        made = set[tuple[str, str]]()
        for tell, audience in told:
            mark = f"{key}/{tell.kind}/{tell.turn}/{audience.key}"
            made.add((tell.kind, tell.turn))
            if mark not in self._marks:
                self._marks.add(mark)
                self._told.append(Message(key, tell.kind, audience.key, now_ms))
        return known | made


def last_quiet(spells: Iterable[Spell], news_ms: int, quiet_ms: int) -> int:
    """The last moment at or before `news_ms` behind which no spell begins or holds for `quiet_ms`, going back."""
    cut_ms = news_ms - quiet_ms
    ends = sorted(((FOREVER_MS if s.to_ms is None else s.to_ms, s.from_ms) for s in spells), reverse=True)
    for end_ms, from_ms in ends:
        if end_ms < cut_ms:
            break
        cut_ms = min(cut_ms, from_ms - quiet_ms)
    return cut_ms


def recent(spells: Mapping[str, Sequence[Spell]], cut_ms: int) -> dict[str, Sequence[Spell]]:
    """What was not over at a moment."""
    found: dict[str, Sequence[Spell]] = {}
    for key, its in spells.items():
        last = its[-1].to_ms
        if last is not None and last <= cut_ms:
            continue
        first = its[0].to_ms
        found[key] = its if first is None or first > cut_ms else [s for s in its if s.to_ms is None or s.to_ms > cut_ms]
    return found


def _reaches(life: Life, from_ms: int) -> bool:
    """Whether an incident is open, or its trouble reaches beyond a moment."""
    return life.incident.closed_ms is None or (life.incident.ended_ms or 0) > from_ms
