"""The verdicts as they stand: those of clusters that something concerns are judged anew, those of all others kept.

The answer is what judging everything would say. Everything is judged at the start, where how things hang together, the
limits or the planned stops are others than before, and once an hour to see that nothing was kept wrongly.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import Final

from alerts.api import Verdict
from alerts.correlate.clusters import SHARED, cluster_of, everywhere, home, touched
from alerts.correlate.picture import Picture
from alerts.correlate.waiting import stirs
from alerts.incidents.drafts import Act

_log = logging.getLogger(__name__)

REVIEW_MS: Final = 3_600_000
"""A rule with a moment that `stirs` does not know would keep its verdict for ever: so for an hour, and it is logged."""

Correlate = Callable[[Picture, Collection[str] | None], Sequence[Verdict]]


class Kept:
    """One look after the other, each with a picture that is later than the one before. For one thread."""

    def __init__(self, correlate: Correlate, *, whole: bool = False) -> None:
        """`whole`: everything is judged at every look; the answer is the same, and takes longer."""
        self._correlate, self._whole = correlate, whole
        self._before: Picture | None = None
        self._reviewed_ms, self._shared_ms = 0, 0
        self._everywhere = False
        self._members: dict[str, dict[str, None]] = {}  # subjects that are not well, by cluster
        self._verdicts: dict[str, list[Verdict]] = {}
        self._judged_ms: dict[str, int] = {}
        self._stirs: dict[str, int] = {}

    @property
    def verdicts(self) -> list[Verdict]:
        """All of them, those that began first first."""
        every = [verdict for its in self._verdicts.values() for verdict in its]
        return sorted(every, key=lambda one: (one.since_ms, one.cause))

    def look(self, picture: Picture, learned: Collection[str]) -> None:
        """Judge what has to be judged. `learned`: subjects of which the picture may tell otherwise than the last."""
        before, self._before = self._before, picture
        if self._whole or before is None or _differs(before, picture):
            self._judge_all(picture)
        elif picture.now_ms >= self._reviewed_ms + REVIEW_MS:
            self._review(picture, learned)
        else:
            self._judge_concerned(picture, learned)

    def renew(self, picture: Picture, acts: Iterable[Act]) -> bool:
        """Judge anew what was kept and is to be written, where its sentences tell how long something lasts or what else
        went on. Whether any was: then it is to be reconciled once more."""
        names = {home(picture, act.now.verdict) for act in acts if _tells(act)} & self._verdicts.keys()
        old = {name for name in names if self._judged_ms[name] < picture.now_ms and self._moved(name)}
        if old:
            self._judge(picture, old)
        return bool(old)

    # --- what is concerned ------------------------------------------------------------------------------------------

    def _judge_concerned(self, picture: Picture, learned: Collection[str]) -> None:
        for subject in learned:
            its = self._members.setdefault(cluster_of(picture, subject), {})
            if subject in picture.spells:
                its[subject] = None
            else:
                its.pop(subject, None)
        due = {name for name, at_ms in self._stirs.items() if at_ms <= picture.now_ms}
        agents = any(subject in picture.topology.agents for subject in learned)
        now_so = everywhere(picture) if agents or self._everywhere else False
        if (agents and now_so) or (self._everywhere and (agents or due)):
            self._judge_all(picture)
            return
        if SHARED in due or any(subject.startswith("service:") and "@" not in subject for subject in learned):
            self._shared_ms = picture.now_ms
        names = touched(picture, learned) | due
        if names:
            self._judge(picture, names)

    def _moved(self, name: str) -> bool:
        """Whether judging a cluster again may give other words."""
        return self._judged_ms[name] < self._shared_ms or any(map(_lasts, self._verdicts[name]))

    # --- judging ----------------------------------------------------------------------------------------------------

    def _judge(self, picture: Picture, names: Collection[str]) -> None:
        own = self._part(picture, names)
        for name in names:
            self._verdicts[name] = []
            self._judged_ms[name] = picture.now_ms
            self._stirs.pop(name, None)
        for verdict in self._correlate(own, names):
            if (name := home(picture, verdict)) in names:
                self._verdicts[name].append(verdict)
        self._stirs |= stirs(own, names)

    def _part(self, picture: Picture, names: Collection[str]) -> Picture:
        """As much of a picture as tells of these clusters."""
        if self._everywhere:
            return picture
        keys = [key for name in {*names, SHARED} for key in self._members.get(name, ())]
        if SHARED in names and self._members.get(SHARED):
            keys += [key for key in picture.spells if key.startswith("service:") and "@" in key]
        return replace(picture, spells={key: picture.spells[key] for key in keys})

    def _judge_all(self, picture: Picture) -> None:
        self._members, self._verdicts = {}, {}
        for subject in picture.spells:
            self._members.setdefault(cluster_of(picture, subject), {})[subject] = None
        for verdict in self._correlate(picture, None):
            self._verdicts.setdefault(home(picture, verdict), []).append(verdict)
        self._judged_ms = dict.fromkeys(self._verdicts, picture.now_ms)
        self._stirs = {} if self._whole else stirs(picture)
        self._everywhere = not self._whole and everywhere(picture)
        self._reviewed_ms = self._shared_ms = picture.now_ms

    def _review(self, picture: Picture, learned: Collection[str]) -> None:
        """Judge everything although nothing asks for it: what comes out otherwise was kept wrongly."""
        self._judge_concerned(picture, learned)
        kept = sorted(map(_essence, self.verdicts))
        self._judge_all(picture)
        if kept != sorted(map(_essence, self.verdicts)):
            _log.warning("incidents: what was kept is not what all of it says now: a rule has an unknown moment")


def _differs(before: Picture, after: Picture) -> bool:
    """Whether more than what is not well is other than it was, or the clock was set back."""
    same = before.topology is after.topology and before.limits == after.limits and before.now_ms <= after.now_ms
    return not same or before.planned != after.planned


def _tells(act: Act) -> bool:
    """Whether a verdict is written with an act."""
    new = act.was is None or act.now.verdict is not act.was.verdict
    return new or any(event.verdict is not None for event in act.events)


def _lasts(verdict: Verdict) -> bool:
    """Whether a sentence of it has a duration, which may go on."""
    said = (verdict.said, *(one.said for one in verdict.evidence), *(one.why for one in verdict.considered))
    return any(name.endswith("_s") for one in said for name in one.values)


def _essence(verdict: Verdict) -> tuple[object, ...]:
    own = (verdict.since_ms, verdict.cause, verdict.rule, verdict.owner, verdict.state, verdict.said.key)
    return (*own, str(verdict.ended_ms), verdict.subjects, verdict.centres, verdict.affected)
