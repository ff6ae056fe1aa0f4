"""What was told, held against the truth: pure, of plain structs.

An incident belongs to the causes whose own subjects it explains while they show; a cause's incident is the one that is
named after it, else the one that explains most of it. A call belongs to the cause that began last before it, of those
its incident belongs to: one incident may tell of several, one after the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from simulator.ground import Event, Incident, Message
from simulator.plea import EARLY_MS, TAIL_MS, Plea, past_of
from simulator.province import Province
from simulator.truth import Told


@dataclass(frozen=True, slots=True)
class Row:
    """One cause: whether something had to be told of it, its incident, and the calls about it by audience.

    An audience that was told of its end, or that it is not theirs, and was never called, has none.
    """

    cause: str
    kind: str
    touches: tuple[str, ...]
    from_ms: int
    to_ms: int
    owners: tuple[str, ...]
    due: bool
    planned: bool
    timely: bool
    incidents: tuple[int, ...] = ()
    owner: str = ""
    calls: Mapping[str, int] = field(default_factory=dict)
    detect_s: float | None = None

    @property
    def found(self) -> bool:
        return bool(self.incidents)

    @property
    def right(self) -> bool:
        """Whether its incident has, in the end, an owner that is right."""
        return self.owner in self.owners

    @property
    def told(self) -> list[int]:
        """Calls of each audience; one zero where nobody was called though somebody had to be."""
        return list(self.calls.values()) or ([0] if self.timely else [])


@dataclass(frozen=True, slots=True)
class Seen:
    """One incident as it ended, for whoever looks into a trial."""

    number: int
    cause: str
    rule: str
    owner: str
    since_ms: int
    ended_ms: int | None
    opened_ms: int
    revisions: int
    subjects: tuple[str, ...]
    story: tuple[tuple[int, str, str], ...]  # when, what happened, whose it was from then on
    messages: tuple[tuple[int, str, str], ...]  # when, what, to whom


@dataclass(frozen=True, slots=True)
class Scored:
    """One trial. `false`: incidents that no cause explains; `spare`: those of a cause that has a better one."""

    seed: int
    rows: list[Row]
    incidents: list[Seen]
    false: list[int]
    spare: list[int]


@dataclass(frozen=True, slots=True)
class Heard:
    """What a trial ended with. `names`: what agents and machines are called in the register."""

    incidents: Sequence[Incident]
    messages: Sequence[Message]
    names: Mapping[str, str]
    province: Province
    stories: Mapping[str, Sequence[Event]] = field(default_factory=dict)


def score(seed: int, truth: Sequence[Told], heard: Heard) -> Scored:
    """Hold what was told against the truth."""
    past = {key: past_of(story) for key, story in heard.stories.items()}
    docket = _Docket([Plea(told, heard.names, heard.province, past) for told in truth], heard)
    chosen = {one.id for one in docket.best.values() if one is not None}
    false, spare = [], []
    for one in heard.incidents:
        if withdrawn(one) and not any(message.incident == one.id for message in heard.messages):
            continue  # nobody ever heard of it
        if not docket.about[one.id]:
            false += [] if any(plea.explains(one) for plea in docket.pleas) else [one.number]
        elif one.id not in chosen and not withdrawn(one) and docket.answered(one):
            spare.append(one.number)
    rows = [docket.row(plea) for plea in docket.pleas]
    return Scored(seed, rows, [_seen(one, heard) for one in heard.incidents], false, spare)


def withdrawn(one: Incident) -> bool:
    """Whether it does not stand any more: nothing was the matter, or it went into another."""
    return one.closed_ms is not None and (one.parent is not None or one.ended_ms == one.since_ms)


def _best(plea: Plea, incidents: Sequence[Incident]) -> Incident | None:
    """Its incident: named after it, named after what is its own, or the one that explains most of it."""
    if not plea.told.expected and not plea.told.planned:
        return None

    def fit(one: Incident) -> tuple[int, int, int, int]:
        named = 2 if one.verdict.cause in plea.named else int(one.verdict.cause in plea.keys)
        return named, len(plea.own & set(one.verdict.subjects)), plea.overlap(one), -one.opened_ms

    return max((one for one in incidents if not withdrawn(one)), key=fit, default=None)


# --- calls ----------------------------------------------------------------------------------------------------------


def _calls(messages: Iterable[Message]) -> dict[str, list[tuple[int, str]]]:
    """By incident: when, and to whom."""
    found: dict[str, list[tuple[int, str]]] = {}
    for one in messages:
        if one.kind == "call":
            found.setdefault(one.incident, []).append((one.created_ms, one.audience))
    return found


def _uncalled(messages: Sequence[Message]) -> dict[str, set[str]]:
    """By incident: who heard of it and was never called."""
    called = {(one.incident, one.audience) for one in messages if one.kind == "call"}
    found: dict[str, set[str]] = {}
    for one in messages:
        if (one.incident, one.audience) not in called:
            found.setdefault(one.incident, set()).add(one.audience)
    return found


class _Docket:
    """Causes and incidents side by side. `about`: the causes an incident is about; `best`: the incident of a cause."""

    def __init__(self, pleas: Sequence[Plea], heard: Heard) -> None:
        self.pleas, self._incidents, self._calls = pleas, heard.incidents, _calls(heard.messages)
        self._uncalled = _uncalled(heard.messages)
        self.about = {one.id: [plea for plea in pleas if plea.has(one)] for one in heard.incidents}
        self.best = {plea.cause.id: _best(plea, self._of(plea)) for plea in pleas}

    def _of(self, plea: Plea) -> list[Incident]:
        return [one for one in self._incidents if plea in self.about[one.id]]

    def answered(self, one: Incident) -> bool:
        """Whether every cause that an incident is about has a better one: a cause that is not due has none at all."""
        return all(self.best[plea.cause.id] is not None for plea in self.about[one.id])

    def row(self, plea: Plea) -> Row:
        """What became of a cause."""
        told, cause, best = plea.told, plea.cause, self.best[plea.cause.id]
        first_ms = min((e.from_ms for e in told.expected), default=cause.from_ms)
        late_s = None if best is None or best.opened_ms < first_ms else self._late_s(plea, first_ms)
        return Row(
            cause.id, cause.kind, cause.touches, cause.from_ms, cause.to_ms, told.owners, bool(told.expected),
            told.planned, told.timely, () if best is None else tuple(one.number for one in self._of(plea)),
            "" if best is None else best.verdict.owner, self._called(plea), late_s,
        )  # fmt: skip

    def _late_s(self, plea: Plea, first_ms: int) -> float:
        """How long until anything was open about it: what it turned out to be may have become another incident."""
        opened = [one.opened_ms for one in self._of(plea) if one.opened_ms >= first_ms and not self._others(one, plea)]
        return (min(opened) - first_ms) / 1000

    def _others(self, one: Incident, plea: Plea) -> bool:
        """Whether it is another cause's own, which had begun when it was opened."""
        others = [p for p in self.about[one.id] if p is not plea and self.best[p.cause.id] is one]
        return self.best[plea.cause.id] is not one and any(p.cause.from_ms <= one.opened_ms for p in others)

    def _called(self, plea: Plea) -> dict[str, int]:
        counted, best = Counter[str](), self.best[plea.cause.id]
        for one in self._of(plea):
            for at, audience in self._calls.get(one.id, ()):
                counted[audience] += self._whose(at, one) is plea
        if best is not None and not counted.total():  # it was told of before, with another cause
            told = self._calls.get(best.id, ())
            counted = Counter({audience for at, audience in told if at <= plea.cause.to_ms + TAIL_MS})
        every = {audience for audience in counted if counted[audience]}
        if best is not None:
            every |= self._uncalled.get(best.id, set())
        return {audience: counted[audience] for audience in sorted(every)}

    def _whose(self, at: int, one: Incident) -> Plea | None:
        """The cause that a call is about: of those whose incident this is, else of those that were not due and whose it
        would be, else of those it is about, the last."""
        every = [p for p in self.about[one.id] if p.cause.from_ms - EARLY_MS <= at]
        begun = [p for p in every if p.told.expected or p.told.planned]
        own = [p for p in begun if self.best[p.cause.id] is one] or [p for p in every if p.would_own(one)]
        return max(own or begun, key=lambda plea: plea.cause.from_ms, default=None)


def _seen(one: Incident, heard: Heard) -> Seen:
    v = one.verdict
    told = sorted((m.created_ms, m.kind, m.audience) for m in heard.messages if m.incident == one.id)
    story = [(e.at_ms, e.what, "" if e.verdict is None else e.verdict.owner) for e in heard.stories.get(one.id, ())]
    return Seen(
        one.number, v.cause, v.rule, v.owner, one.since_ms, one.ended_ms, one.opened_ms, one.revisions,
        tuple(v.subjects), tuple(story), tuple(told),
    )  # fmt: skip
