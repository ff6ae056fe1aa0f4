"""A policy tried over what was measured and is still kept: nothing is written, and what would differ is said.

Every centre is judged twice from the same facts, once by the versions in force at each time and once by the candidate,
window by window, so that memory does not grow with the span. Both begin from the state on record where the bodies
begin, and what they do not share is the candidate's doing alone. Centres and what belongs to them are tried; shared
systems in the province are not, nor what is found of lines over days (their tests, their use).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from msgspec import structs
from sqlalchemy import Connection, select

from collector.api import NotFound, State
from collector.judge.court import Case, judge
from collector.judge.facts import Fact
from collector.judge.settling import Pace
from collector.judge.timeline import Segment, Span, Timeline
from collector.judging.casebook import Casebook
from collector.judging.differences import Difference, Told, differences
from collector.judging.policy import Policies, Policy, Version, newest_number, read_policies
from collector.register.places import Place, Places
from collector.store.databases import Store
from collector.store.tables import agent, inbox

WINDOW_MS: Final = 6 * 3_600_000
FACTS_KEPT: Final = 40_000
"""Facts of rows kept from one window for the next, about 15 MB."""

LISTED: Final = 1_000
"""Differences that are listed; the rest is counted."""

Progress = Callable[[int, int, str], None]
"""Called with what is done, what there is to do (ms of all centres), and the centre in hand."""


@dataclass(frozen=True, slots=True)
class SubjectTime:
    """How long a subject was in each state, by the policies in force and by the candidate."""

    subject: str
    old_ms: dict[State, int]
    new_ms: dict[State, int]


@dataclass(slots=True)
class Preview:
    """What a candidate would have changed. `from_ms` is how far back bodies reach at all, `latest_from_ms` how far they
    reach at every centre that has any; `centres_without` have none in that time."""

    from_ms: int
    latest_from_ms: int
    to_ms: int
    centres: int
    centres_without: int
    subjects: int = 0
    facts: int = 0
    counts: dict[str, int] = field(default_factory=lambda: {"appears": 0, "vanishes": 0, "moves": 0})
    listed: list[Difference] = field(default_factory=list)
    times: list[SubjectTime] = field(default_factory=list)  # of subjects whose times differ

    @property
    def left_out(self) -> int:
        """How many differences are counted and not listed."""
        return sum(self.counts.values()) - len(self.listed)


def preview(
    store: Store, candidate: Policy, *, from_ms: int, to_ms: int, now_ms: int, only: str = "",
    progress: Progress | None = None,
) -> Preview:  # fmt: skip
    """Try `candidate` over [from_ms, to_ms), at every centre or at `only` one.

    Raises NotFound where no measurement of that time is kept.
    """
    places = Places()
    with store.reading() as conn:
        held, number = read_policies(conn), newest_number(conn)
        every = conn.scalars(select(agent.c.centre).distinct().order_by(agent.c.centre))
        centres = [centre for centre in every if only in {"", centre}]
        starts = {centre: start for centre in centres if (start := _reach(conn, places, centre, from_ms)) is not None}
    to_ms = min(to_ms, now_ms)
    starts = {centre: start for centre, start in starts.items() if start < to_ms}
    if not starts:
        raise NotFound("no measurement of that time is kept any more: there is nothing to try a policy on")
    made = Preview(min(starts.values()), max(starts.values()), to_ms, len(starts), len(centres) - len(starts))
    trial = _Trial(store, places, (held, Policies((Version(number + 1, 0, candidate),))), now_ms)
    total, done = sum(to_ms - start for start in starts.values()), 0
    for centre, start in starts.items():
        told = _Telling()
        for window in _windows(start, to_ms):
            trial.judge(centre, window, told)
            done += window.end - window.start
            if progress is not None:
                progress(done, total, centre)
        _sum_up(made, told, Span(start, to_ms))
    return made


def _windows(start: int, end: int) -> Iterator[Span]:
    for at in range(start, end, WINDOW_MS):
        yield Span(at, min(at + WINDOW_MS, end))


def _reach(conn: Connection, places: Places, centre: str, from_ms: int) -> int | None:
    """The moment from which on every body of a centre is kept, at least `from_ms`; None where there is no body."""
    firsts: list[int] = []
    pruned = from_ms
    for name in places.at(conn, centre).plans:
        mine = select(inbox.c.at_min_ms, inbox.c.at_max_ms).where(inbox.c.agent == name, inbox.c.at_max_ms >= from_ms)
        kept = conn.execute(mine.where(inbox.c.body.is_not(None)).order_by(inbox.c.at_max_ms).limit(1)).first()
        gone = conn.execute(mine.where(inbox.c.body.is_(None)).order_by(inbox.c.at_max_ms.desc()).limit(1)).first()
        if kept is not None:
            firsts.append(kept.at_min_ms)
        if gone is not None:
            pruned = max(pruned, gone.at_max_ms + 1)
    return max(min(firsts), pruned) if firsts else None


# --- one centre -----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Telling:
    """What has been told of one centre so far: by the versions in force, then by the candidate."""

    first: dict[str, Segment] = field(default_factory=dict)
    held: tuple[dict[str, Timeline], dict[str, Timeline]] = field(default_factory=lambda: ({}, {}))
    changes: tuple[dict[str, list[Segment]], dict[str, list[Segment]]] = field(default_factory=lambda: ({}, {}))
    facts: int = 0


class _Trial:
    """Judges windows of centres by two sets of policies."""

    def __init__(self, store: Store, places: Places, both: tuple[Policies, Policies], now_ms: int) -> None:
        self._store, self._places, self._both, self._now = store, places, both, now_ms
        self._book: Final = Casebook(both[0], places, FACTS_KEPT, a_centre=0)
        self._other: Final = Casebook(both[1])  # knows the candidate's periods; holds nothing

    def judge(self, centre: str, window: Span, told: _Telling) -> None:
        """Judge a window both ways, and tell what begins in it."""
        self._book.views.begin()
        with self._store.reading() as conn:
            place = self._places.at(conn, centre)
            self._book.refresh(conn)
            paces = [part.pace for book in (self._book, self._other) for part in book.parts(place)]
            reach, ahead = max(pace.back_ms for pace in paces), max(pace.ahead_ms for pace in paces)
            around = Span(window.start - reach, min(window.end + 2 * ahead, self._now))
            case = self._book.load(conn, place, around, now_ms=self._now).case
        if not told.first:  # the record is the beginning of both, and only that
            told.first = {key: timeline.at(window.start - 1) for key, timeline in case.before.items()}
            for held in told.held:
                held.update({key: _until(timeline, window.start) for key, timeline in case.before.items()})
        told.facts += sum(1 for facts in case.facts.values() for f in facts if window.start <= f.at < window.end)
        for n, one in enumerate((case, self._paced(case, place))):
            known = replace(one, before=told.held[n], policies=self._both[n])
            self._one(known, window, Pace(reach, ahead, 0), told, n)

    def _one(self, case: Case, window: Span, pace: Pace, told: _Telling, n: int) -> None:
        last = window.end >= self._now
        found = judge(case, Span(window.start, min(window.end + (0 if last else pace.ahead_ms), self._now)))
        for key, timeline in found.items():
            begun = timeline.starting(window.start, window.end - 1)
            told.changes[n].setdefault(key, []).extend(replace(s, detail={}, evidence=()) for s in begun)
            kept = (*case.before[key].between(window.start - pace.back_ms, window.start - 1), *begun)
            told.held[n][key] = Timeline(kept)

    def _paced(self, case: Case, place: Place) -> Case:
        """The case with the candidate's periods where no plan tells how often something is measured."""
        facts = {key: [self._paced_fact(fact, place) for fact in facts] for key, facts in case.facts.items()}
        return replace(case, facts=facts)

    def _paced_fact(self, fact: Fact, place: Place) -> Fact:
        period_ms = self._other.period_ms(place, fact.agent, fact.at, (fact.subject, fact.probe, fact.target))
        return fact if period_ms == fact.period_ms else structs.replace(fact, period_ms=period_ms)


def _until(timeline: Timeline, end: int) -> Timeline:
    return Timeline(segment for segment in timeline.segments if segment.at < end)


# --- summing up -----------------------------------------------------------------------------------------------------


def _sum_up(made: Preview, told: _Telling, span: Span) -> None:
    made.facts += told.facts
    made.subjects += len(told.first)
    for key in sorted(told.first):
        old, new = (Told(told.first[key], changes.get(key, [])) for changes in told.changes)
        _list(made, differences(key, old.changes, new.changes))
        spent = SubjectTime(key, old.spent_ms(span.start, span.end), new.spent_ms(span.start, span.end))
        if spent.old_ms != spent.new_ms:
            made.times.append(spent)


def _list(made: Preview, found: Sequence[Difference]) -> None:
    for difference in found:
        made.counts[difference.what] += 1
    made.listed += found[: LISTED - len(made.listed)]
