"""One round of judging: each of its centres at most once, and what they need of the store asked for together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection

from collector.courtesy import Courtesy
from collector.judge.court import Case, Timelines, laid_on_record
from collector.judge.edits import Edit, edits, only_silence
from collector.judge.retired import without_service
from collector.judge.settling import Part, Settled, review
from collector.judge.timeline import Span, Timeline
from collector.judging.casebook import Casebook, Loaded
from collector.judging.docket import Docket
from collector.register.places import Place, Places

NEAR_MS: Final = 20 * 60_000
"""Centres that are judged around moments nearer than this share a docket; what is asked less often is read apart."""

Keys = frozenset[str]


@dataclass(frozen=True, slots=True)
class Times:
    """Now, and where judging ends: a clock corrected by the time on the way may be a moment ahead of ours."""

    now: int
    edge: int


@dataclass(frozen=True, slots=True)
class Due:
    """A centre with what touched it. `timed`: by more than facts that came in; `only`: the parts, None: all of it."""

    centre: str
    span: Span
    timed: bool
    only: Mapping[Keys, Part] | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be written of a centre, what it was judged from, and how its services are told now: of each that was
    judged its subject, its timeline, where that holds, and the edits."""

    centre: str
    edits: list[Edit] = field(default_factory=list)
    settled: Sequence[Settled] = ()
    services: list[tuple[str, Timeline, Span, list[Edit]]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Turn:
    """A centre whose turn it is."""

    due: Due
    place: Place
    parts: Sequence[Part]
    rested: Collection[Keys]

    def around(self, now: int) -> Span:
        """As far as judging it looks, but for what is asked seldom, and where its states change at the edge of that."""
        lead, near = self.parts[0].pace, [part.pace for part in self.parts if part.pace.period_ms <= NEAR_MS]
        back = max((pace.back_ms + 2 * pace.ahead_ms for pace in near), default=0) + 2 * lead.ahead_ms
        ahead = max((2 * pace.back_ms + 3 * pace.ahead_ms for pace in near), default=0) + 2 * lead.back_ms
        return Span(self.due.span.start - back, min(now, self.due.span.end + ahead + lead.ahead_ms))


@dataclass(frozen=True, slots=True)
class Round:
    """Judges centres from what the store holds now."""

    conn: Connection
    book: Casebook
    places: Places
    times: Times
    courtesy: Courtesy

    def judge(self, due: Sequence[Due]) -> Iterator[Verdict]:
        """Each of these centres."""
        for turns in _near([self._turn(one) for one in due]):
            spans = [turn.around(self.times.edge) for turn in turns]
            around = Span(min(span.start for span in spans), max(span.end for span in spans))
            docket = self.book.docket(self.conn, [turn.place for turn in turns], around, now_ms=self.times.now)
            for turn in turns:
                self.courtesy.after_you()
                yield self._verdict(turn, docket)

    def _turn(self, due: Due) -> _Turn:
        place = self.places.at(self.conn, due.centre)
        parts = self.book.parts(place) if due.only is None else list(due.only.values())
        return _Turn(due, place, parts, self.book.rests.undisturbed_before(place))

    def _verdict(self, turn: _Turn, docket: Docket) -> Verdict:
        due, place, loads = turn.due, turn.place, dict[Collection[str], Loaded]()

        def load(around: Span, keys: Collection[str]) -> Case:
            loads[keys] = self.book.load(self.conn, place, around, now_ms=self.times.now, keys=keys, docket=docket)
            return loads[keys].case

        self.book.rests.forget(due.centre, None if due.only is None else turn.parts)
        verdict = Verdict(due.centre, settled=review(
            load, due.span, now=self.times.edge, centre=f"centre:{due.centre}", parts=turn.parts, timed=due.timed,
            rested=turn.rested,
        ))  # fmt: skip
        for settled in verdict.settled:
            loaded = loads[settled.part.keys]
            for key, timeline in _told(settled, loaded).items():
                mine = edits(key, loaded.flips[key], timeline, settled.span)
                verdict.edits.extend(mine)
                if key.startswith("service:"):
                    verdict.services.append((key, timeline, settled.span, mine))
            if not loaded.pruned:
                self.book.rests.note(place, settled, self.times.edge)
        return verdict


def _near(turns: Sequence[_Turn]) -> Iterator[list[_Turn]]:
    """Those together that are judged around the same time, the oldest first."""
    left = sorted(turns, key=lambda turn: turn.due.span.start)
    while left:
        together = [turn for turn in left if turn.due.span.start <= left[0].due.span.start + NEAR_MS]
        yield together
        left = left[len(together) :]


def _told(settled: Settled, loaded: Loaded) -> Timelines:
    """What is told of each subject: where bodies are gone, only what fills silence, and what the register says."""
    if not loaded.pruned:
        return settled.timelines
    case = settled.case
    told: Timelines = {}
    for key, timeline in settled.timelines.items():
        before = case.before[key]
        if key.startswith("agent:"):  # whether it was heard does not depend on what was kept
            told[key] = without_service(before, case.retired.get(key, ()), settled.span, case.policies)
        else:
            told[key] = laid_on_record(case, key, only_silence(before, timeline, settled.span), settled.span)
    return told
