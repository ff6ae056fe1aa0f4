"""What vantages saw of the lines of centres: their rows taken apart once, by line, and asked for only where it matters.

A vantage's row holds trains to the far ends of hundreds of lines. It touches the centres whose own agents left a gap
around then; for all others it waits in the inbox until somebody asks.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection

from collector.judge.facts import Fact, in_order
from collector.judge.gaps import GAPS
from collector.judge.timeline import Span
from collector.judge.vantage import REASONS, Company, Names, Slot, slots, within
from collector.judging import flips
from collector.judging.policy import Policies
from collector.register.places import FarLine, Vantages

MAX_FACTS: Final = 200_000
"""Facts of vantages kept in memory: an hour of 3,321 lines, a train a minute each."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One row of a vantage, taken apart. `slots`: who was asked and who answered, by slots of time."""

    span: Span
    by_line: Mapping[str, Sequence[Fact]]
    slots: Mapping[int, Slot]
    facts: int
    gone: bool  # its body is no longer kept

    def touches(self, span: Span) -> bool:
        """Whether it may hold something of a span."""
        return self.span.start <= span.end and self.span.end >= span.start


@dataclass(slots=True)
class Views:
    """Rows of vantages within a bound, the least used given up first; what a step asked for twice it reads once."""

    max_facts: int = MAX_FACTS
    _rows: OrderedDict[int, Seen] = field(default_factory=OrderedDict)
    _held: int = 0
    _names: dict[str, Names] = field(default_factory=dict)
    _read: dict[str, tuple[Span, Sequence[Seen]]] = field(default_factory=dict)
    _heard: dict[str, tuple[Span, Sequence[Span]]] = field(default_factory=dict)

    def begin(self) -> None:
        """A new step: rows may have come, and somebody may have fallen silent."""
        self._read.clear()
        self._heard.clear()

    def keep(self, seq: int, agent: str, span: Span, facts: Sequence[Fact], *, gone: bool) -> Seen:
        """Take the facts of a row apart."""
        by_line: dict[str, list[Fact]] = {}
        for fact in facts:
            if fact.subject.startswith("line:"):
                by_line.setdefault(fact.subject, []).append(fact)
        names = self._names.setdefault(agent, Names())
        if (old := self._rows.pop(seq, None)) is not None:
            self._held -= old.facts
        seen = self._rows[seq] = Seen(span, by_line, slots(facts, names), len(facts), gone)
        self._held += seen.facts
        while self._held > self.max_facts and len(self._rows) > 1:
            self._held -= self._rows.popitem(last=False)[1].facts
        return seen

    def row(self, seq: int) -> Seen | None:
        """A row that is in memory."""
        if seq in self._rows:
            self._rows.move_to_end(seq)
        return self._rows.get(seq)

    def rows(self, agent: str, span: Span, read: Callable[[Span], Sequence[Seen]]) -> list[Seen]:
        """A vantage's rows of a span; those a step has read are not read again."""
        known = self._read.get(agent)
        if known is None or not _covers(known[0], span):
            wide = _widened(span, known)
            known = self._read[agent] = (wide, read(wide))
        return [seen for seen in known[1] if seen.touches(span)]

    def heard(self, agent: str, span: Span, read: Callable[[Span], Sequence[Span]]) -> Sequence[Span]:
        """When a vantage was heard, around a span."""
        known = self._heard.get(agent)
        if known is None or not _covers(known[0], span):
            wide = _widened(span, known)
            known = self._heard[agent] = (wide, read(wide))
        return known[1]

    def bit(self, agent: str, subject: str) -> int:
        """The bit of a subject in the masks of a vantage."""
        return self._names.setdefault(agent, Names()).bit(subject)


@dataclass(slots=True)
class Look:
    """What vantages know of one centre's lines, read when it is asked for. Implements `vantage.Far`."""

    views: Views
    lines: Mapping[str, FarLine]
    span: Span
    rows: Callable[[str, Span], Sequence[Seen]]
    heard: Callable[[str, Span], Sequence[Span]]
    _asked: dict[str, Sequence[Fact]] = field(default_factory=dict)
    pruned: bool = False

    @property
    def asked(self) -> Mapping[str, Sequence[Fact]]:
        return self._asked

    def facts(self, line: str) -> Sequence[Fact]:
        if line not in self._asked:
            rows = [seen for agent in self._agents(line) for seen in self._rows(agent, self.span)]
            self.pruned = self.pruned or any(seen.gone for seen in rows)
            self._asked[line] = in_order(fact for seen in rows for fact in seen.by_line.get(line, ()))
        return self._asked[line]

    def presence(self, line: str) -> Sequence[Span]:
        return [span for agent in self._agents(line) for span in self.views.heard(agent, self.span, self._read(agent))]

    def company(self, line: str, lately: Span, now: Span) -> Sequence[Company]:
        found: list[Company] = []
        for agent in self._agents(line):
            rows = self._rows(agent, Span(lately.start, now.end))
            if any(now.start <= fact.at <= now.end for seen in rows for fact in seen.by_line.get(line, ())):
                others = ~self.views.bit(agent, line)
                before, held = _within(rows, lately), _within(rows, now)
                found.append(Company(before.answered & others, held.asked & others, held.answered & others))
        return found

    def _agents(self, line: str) -> list[str]:
        far = self.lines.get(line)
        return sorted(far.agents) if far is not None else []

    def _rows(self, agent: str, span: Span) -> list[Seen]:
        return self.views.rows(agent, span, lambda wide: self.rows(agent, wide))

    def _read(self, agent: str) -> Callable[[Span], Sequence[Span]]:
        return lambda wide: self.heard(agent, wide)


def _covers(known: Span, span: Span) -> bool:
    return known.start <= span.start and span.end <= known.end


def _widened(span: Span, known: tuple[Span, Sequence[object]] | None) -> Span:
    """`span` with what is known already where both overlap: what lies between two that do not is not read."""
    if known is None or span.start > known[0].end or span.end < known[0].start:
        return span
    return Span(min(span.start, known[0].start), max(span.end, known[0].end))


def _within(rows: Sequence[Seen], span: Span) -> Slot:
    asked = answered = 0
    for seen in rows:
        if seen.touches(Span(span.start - 10_000, span.end + 10_000)):
            slot = within(seen.slots, span)
            asked |= slot.asked
            answered |= slot.answered
    return Slot(asked, answered)


def affected(conn: Connection, vantages: Vantages, agent: str, span: Span, policies: Policies) -> set[str]:
    """Centres of which something new from a vantage within `span` may change what is told: those with a gap there."""
    lines = vantages.watches.get(agent)
    if not lines:
        return set()
    ahead = max(vantages.lines[line].period_ms for line in lines)
    first, last = span.start - policies.ahead_ms(ahead), span.end + policies.reach_ms
    doubtful = flips.doubtful(conn, sorted(lines), first, last, GAPS | REASONS)
    return {vantages.centres[line] for line in doubtful}
