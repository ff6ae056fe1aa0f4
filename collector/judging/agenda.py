"""What the judge has to look at: centres with the spans that were touched, by data, by silence or by time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from sqlalchemy import Connection, func, or_, select

from collector.judge import trains
from collector.judge.court import Case
from collector.judge.facts import Fact
from collector.judge.settling import Part
from collector.judge.stretch import valid_ms
from collector.judge.timeline import ALWAYS, Span
from collector.judging import findings, flips, spoken
from collector.judging.policy import Policies
from collector.judging.views import affected
from collector.lifecycle import records
from collector.register import presence
from collector.register.places import Places
from collector.store.tables import agent, condition, heard, inbox
from collector.store.tables import presence as spans

CENTRES_A_ROUND: Final = 200
JOIN_MS: Final = 40 * 60_000
"""Spans nearer than this are judged as one: each is judged this far around anyway."""

# A row written now may bear a moment from shortly before it; looking a little further back than last time finds it.
_WRITTEN_LATE_MS: Final = 3_000


@dataclass(slots=True)
class Agenda:
    """Touched spans by centre; `timed` names those touched by more than facts that came in.

    `only`: where not the whole of a centre is to be judged, the parts of it that are.
    """

    spans: dict[str, list[Span]] = field(default_factory=dict)
    timed: set[str] = field(default_factory=set)
    only: dict[str, dict[frozenset[str], Part]] = field(default_factory=dict)

    def touch(
        self, centre: str, first: int, last: int, *, timed: bool = False, only: Sequence[Part] | None = None
    ) -> None:
        """Something came to be known about a centre, or about some parts of it only, between two moments."""
        if only is None:
            self.only.pop(centre, None)
        elif centre not in self.spans or centre in self.only:
            self.only.setdefault(centre, {}).update((part.keys, part) for part in only)
        self.spans.setdefault(centre, []).append(Span(first, last))
        if timed:
            self.timed.add(centre)

    def rounds(self) -> Iterator[dict[str, Span]]:
        """All spans, joined where they are near, oldest first: each centre at most once a round."""
        left = {centre: _joined(spans) for centre, spans in sorted(self.spans.items())}
        while left:
            some = list(left)[:CENTRES_A_ROUND]
            yield {centre: left[centre].pop(0) for centre in some}
            left = {centre: spans for centre, spans in left.items() if spans}


def _joined(spans: list[Span]) -> list[Span]:
    joined: list[Span] = []
    for span in sorted(spans, key=lambda s: s.start):
        if joined and span.start - joined[-1].end <= JOIN_MS:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return joined


@dataclass(slots=True)
class Watch:
    """What besides the inbox makes a centre worth a look. Remembers between steps; made anew after a takeover."""

    places: Places
    policies: Policies
    since_ms: int
    silent: set[str] = field(default_factory=set)
    heard_from: dict[str, int] = field(default_factory=dict)
    deadlines: dict[tuple[str, frozenset[str]], int] = field(default_factory=dict)
    caught_up: bool = False
    acts: int | None = None  # the newest act of people that was looked at

    def start(self, conn: Connection) -> None:
        """What was judged already when the judge last ran, at `since_ms`."""
        for row in conn.execute(select(heard.c.agent, heard.c.from_ms, heard.c.alert_after_ms)):
            if row.from_ms < self.since_ms - _WRITTEN_LATE_MS:
                self.heard_from[row.agent] = row.from_ms
            if row.alert_after_ms is None:
                self.silent.add(row.agent)

    def look(self, conn: Connection, agenda: Agenda, *, now_ms: int, caught_up: bool) -> list[str]:
        """Put on the agenda what silence, return, conditions and time touched; the agents whose silence is new."""
        late = presence.overdue(conn, now_ms)
        for one in late:
            self._touch(conn, agenda, one.agent, one.last_ms, now_ms)
        self._returns(conn, agenda, now_ms)
        self._conditions(conn, agenda)
        self._acts(conn, agenda)
        self._lines(conn, agenda, now_ms)
        self._deadlines(agenda, now_ms)
        if caught_up and not self.caught_up:
            self._edges(conn, agenda)
            self.caught_up = True
        self.since_ms = now_ms
        return [one.agent for one in late]

    def noticed(self, agents: list[str]) -> None:
        """Their silence is in the store."""
        self.silent.update(agents)

    def _touch(self, conn: Connection, agenda: Agenda, name: str, first: int, last: int) -> None:
        for centre in self.places.centres_of(conn, name):
            agenda.touch(centre, first, last, timed=True)
        for other in affected(conn, self.places.vantages(conn), name, Span(first, last), self.policies):
            agenda.touch(other, first, last)

    def _returns(self, conn: Connection, agenda: Agenda, now_ms: int) -> None:
        for row in conn.execute(select(heard.c.agent, heard.c.from_ms)).all():
            if self.heard_from.get(row.agent) == row.from_ms:
                continue
            self.heard_from[row.agent] = row.from_ms
            first = row.from_ms
            if row.agent not in self.silent:  # nobody noticed that it was away
                mine = (spans.c.agent == row.agent) & (spans.c.from_ms < row.from_ms)
                first = conn.scalar(select(func.max(spans.c.to_ms)).where(mine)) or first
            self.silent.discard(row.agent)
            self._touch(conn, agenda, row.agent, first, min(row.from_ms, now_ms))

    def _conditions(self, conn: Connection, agenda: Agenda) -> None:
        t, since = condition.c, self.since_ms - _WRITTEN_LATE_MS
        changed = select(t.agent, t.from_ms, t.to_ms).where(or_(t.from_ms >= since, t.to_ms >= since))
        for row in conn.execute(changed).all():
            for edge in (row.from_ms, row.to_ms):
                if edge is not None and edge >= since:
                    self._touch(conn, agenda, row.agent, edge, edge)

    def _acts(self, conn: Connection, agenda: Agenda) -> None:
        """What people changed of the register since the last look."""
        for number, centre, at_ms in records.touched(conn, self.acts, self.since_ms - _WRITTEN_LATE_MS):
            self.acts = number
            agenda.touch(centre, at_ms, at_ms)
        if self.acts is None:
            self.acts = records.newest(conn)

    def _lines(self, conn: Connection, agenda: Agenda, now_ms: int) -> None:
        """What was found of lines, and by which of them agents began to speak."""
        since = self.since_ms - _WRITTEN_LATE_MS
        for subject, changed in findings.recorded_since(conn, since):
            centre, last = subject.partition(":")[2].partition("/")[0], min(changed.end, now_ms)
            told = flips.effective(conn, [subject], changed.start, last)[subject]  # it is laid over each of these anew
            for at in {changed.start, last, *(flip.at_ms for flip in told if flip.at_ms > changed.start)}:
                agenda.touch(centre, at, at)
        # An agent's new address counts once it has for a while: until then it is looked at again and again.
        for name, at_ms in spoken.recorded_since(conn, min(since, now_ms - self._hold_ms - _WRITTEN_LATE_MS)):
            for centre in self.places.centres_of(conn, name):
                agenda.touch(centre, at_ms, at_ms)

    @property
    def _hold_ms(self) -> int:
        """A box speaks at least every 25 s and is looked at every five."""
        return max(round(1000 * v.policy.line.egress_s) for v in self.policies.versions) + 10_000

    def _deadlines(self, agenda: Agenda, now_ms: int) -> None:
        for centre, keys in [part for part, at in self.deadlines.items() if at <= now_ms]:
            due = self.deadlines.pop((centre, keys))
            agenda.touch(centre, due - self.cut_ms - 1, now_ms, timed=True)

    def _edges(self, conn: Connection, agenda: Agenda) -> None:
        """After a start: whatever may have become stale since the judge last ran."""
        hold_ms = max(round(1000 * v.policy.time.hold_at_most_s) for v in self.policies.versions)
        # A look into the index for each agent: grouping would read all of it.
        newest = select(func.max(inbox.c.at_max_ms)).where(inbox.c.agent == agent.c.id).scalar_subquery()
        for row in conn.execute(select(agent.c.id.label("agent"), newest.label("at"))).all():
            if row.at is not None and row.at > self.since_ms - hold_ms - self.cut_ms:
                self._touch(conn, agenda, row.agent, row.at, row.at)

    @property
    def cut_ms(self) -> int:
        """How long what was measured may be on its way."""
        return max(round(1000 * v.policy.time.cut_s) for v in self.policies.versions)

    def expect(self, centre: str, keys: frozenset[str], case: Case, now_ms: int) -> None:
        """Note when these subjects are to be looked at again though nothing came: when the next of them goes stale."""
        moments: list[int] = []
        # What the province sees goes stale as well, where it was asked.
        every = {**{key: case.facts.get(key, ()) for key in keys}, **{f"far {k}": f for k, f in case.far.asked.items()}}
        for key, facts in every.items():
            if newest := _newest(key, facts):
                valid = max(valid_ms(fact, self.policies) for fact in newest)
                last = (newest[0].at, *_open_since(case, key))
                moments += [at + valid + self.cut_ms + 1 for at in last]
        self.deadlines[centre, keys] = min((at for at in moments if at > now_ms), default=ALWAYS)

    def postpone(self, centre: str, keys: frozenset[str], due_ms: int | None) -> None:
        """More of the same came in for these subjects: they go stale later."""
        self.deadlines[centre, keys] = ALWAYS if due_ms is None else due_ms


def _newest(key: str, facts: Sequence[Fact]) -> list[Fact]:
    """The last few facts that keep a subject known, the newest first."""
    telling = key.startswith(("lan:", "line:"))
    return list(islice((fact for fact in reversed(facts) if not telling or fact.probe == trains.PROBE), 8))


def _open_since(case: Case, key: str) -> list[int]:
    """When the presences that are open began, of those who measure a subject."""
    mine = (span for name in case.owners.get(key, ()) for span in case.presence.get(name, ()))
    return [span.start for span in mine if span.end == ALWAYS]
