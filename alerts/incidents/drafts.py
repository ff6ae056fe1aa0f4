"""What may become of one incident: a draft that follows a verdict, with the events that tell why. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from alerts.api import Happened, Incident, Said, Stage, Value, Verdict, What
from alerts.correlate.limits import Limits
from alerts.incidents.runs import Run

NOBODY_SENT: Final[tuple[Stage, ...]] = ("open", "notified", "acknowledged")
"""Stages in which nobody is under way: such an incident closes by itself."""

Kind = Literal["call", "correction", "recovered"]


@dataclass(frozen=True, slots=True)
class Tell:
    """Something to be told of an incident. `turn` tells one from the next of its kind; the same turn is told once."""

    kind: Kind
    turn: str


@dataclass(frozen=True, slots=True)
class Event:
    """One event of an incident's history that is to be written."""

    what: What
    said: Said | None = None
    stage: Stage | None = None
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Life:
    """An incident as it was found. `past`: earlier runs of its trouble; `told`: kind and turn of every message;
    `worked`: somebody was sent, so that its return is a reopening."""

    incident: Incident
    past: tuple[tuple[int, int], ...] = ()
    told: frozenset[tuple[str, str]] = frozenset()
    worked: bool = False

    @property
    def retracted(self) -> bool:
        """Whether it turned out that there was no such trouble."""
        return self.incident.closed_ms is not None and self.incident.ended_ms == self.incident.since_ms

    @property
    def joined(self) -> bool:
        """Whether it went into another incident."""
        return self.incident.closed_ms is not None and self.incident.parent is not None


@dataclass(frozen=True, slots=True)
class Act:
    """What is to be written of one incident. `was` None: it is new."""

    was: Incident | None
    now: Incident
    events: tuple[Event, ...]
    tells: tuple[Tell, ...]


@dataclass(slots=True)
class Draft:
    """An incident in the making. `run` is what it follows, once it does."""

    life: Life | None
    incident: Incident
    now_ms: int
    limits: Limits
    run: Run | None = None
    events: list[Event] = field(default_factory=list)
    tells: list[Tell] = field(default_factory=list)

    @classmethod
    def opened(cls, key: str, run: Run, now_ms: int, limits: Limits, parent: str | None) -> Draft:
        """A new incident; held back where it has a parent."""
        made = Incident(
            key, 0, run.verdict, "open", run.since_ms, run.ended_ms, now_ms, None, parent=parent
        )  # fmt: skip
        draft = cls(None, made, now_ms, limits, run)
        late = run.known_ms - run.since_ms > 1000 * limits.late_s
        draft._happen("opened", "opened_late" if late else "opened", run.verdict, since_ms=run.since_ms)
        if parent is not None:
            draft._happen("held", "held", parent=parent)
        return draft

    # --- what its trouble does --------------------------------------------------------------------------------------

    def follow(self, run: Run, from_ms: int) -> None:
        """Its trouble is `run`: the same as before, or seen better. `from_ms`: how far back was looked."""
        was, self.run = self.incident, run
        other = _differs(was.verdict, run.verdict)
        since_ms = run.since_ms
        if not other and was.since_ms < from_ms and run.since_ms > was.since_ms:
            since_ms = was.since_ms  # what is older was not looked at
        if other:
            self._revise(run, _why(was.verdict, run.verdict))
        elif self._late_change(was, since_ms, run):
            self._revise(run, _span(was, since_ms, run))
        elif run.flaps and since_ms < was.since_ms:
            self._revise(run, Said("event.flapping", {"count": run.spells, "since_ms": since_ms}))
        if was.ended_ms is None and run.ended_ms is not None:
            self._happen("recovered", "recovered", ended_ms=run.ended_ms)
        elif was.ended_ms is not None and run.ended_ms is None:
            self._happen("returned", "goes_on", was_ended_ms=was.ended_ms)
        verdict = was.verdict if _same(was.verdict, run.verdict) else run.verdict
        self._set(verdict=verdict, since_ms=since_ms, ended_ms=run.ended_ms)
        thought_over = was.closed_ms is not None or (was.stage == "repaired" and was.ended_ms is not None)
        if run.ended_ms is None and thought_over:
            self._reopen(flaps=run.flaps)

    def again(self, run: Run) -> None:
        """Its trouble was over and is back as `run`."""
        was, self.run = self.incident, run
        ended_ms = was.since_ms if was.ended_ms is None else was.ended_ms
        past: dict[str, Value] = {"was_since_ms": was.since_ms, "was_ended_ms": ended_ms, "since_ms": run.since_ms}
        soon = run.since_ms - ended_ms <= 1000 * self.limits.flap_window_s
        worked = (self.life is not None and self.life.worked) or was.stage == "repaired"
        self._set(verdict=run.verdict, since_ms=run.since_ms, ended_ms=run.ended_ms)
        if worked or not soon:
            self.events.append(Event("reopened", Said("event.reopened", past), "open", run.verdict))
            self._set(stage="open", closed_ms=None, parent=None, reopened=was.reopened + 1)
            return
        self.events.append(Event("returned", Said("event.returned", past), None, run.verdict))
        if was.closed_ms is not None:
            self._set(stage="open", closed_ms=None, parent=None)
            if run.ended_ms is None and self._told("call"):
                self._tell("correction", f"returned-{run.since_ms}")

    def _reopen(self, *, flaps: bool) -> None:
        was = self.incident
        if was.parent is not None:
            self._happen("released", "released", parent=was.parent)
        elif flaps and not (self.life is not None and self.life.worked):
            self._set(stage="open", closed_ms=None)
            if self._told("call"):
                self._tell("correction", f"flapping-{was.since_ms}")
            return
        else:
            self.events.append(Event("reopened", Said("event.open_again", {"since_ms": was.since_ms}), "open"))
        self._set(stage="open", closed_ms=None, parent=None, reopened=was.reopened + 1)

    def join(self, parent: str) -> None:
        """Another incident explains it: it goes into that one."""
        was = self.incident
        self._happen("joined", "joined", stage="closed", parent=parent)
        ended_ms = self.now_ms if was.ended_ms is None else was.ended_ms
        closed_ms = self.now_ms if was.closed_ms is None else was.closed_ms
        self._set(stage="closed", closed_ms=closed_ms, ended_ms=max(ended_ms, was.since_ms + 1), parent=parent)
        if self._told("call"):
            self._tell("correction", f"joined-{parent}")

    def retract(self) -> None:
        """What is known now does not bear it out: there was no such trouble."""
        was = self.incident
        said = Said("event.retracted", {"was_since_ms": was.since_ms})
        self.events.append(Event("revised", said, "closed", was.verdict))
        closed_ms = self.now_ms if was.closed_ms is None else was.closed_ms
        self._set(stage="closed", closed_ms=closed_ms, ended_ms=was.since_ms, revisions=was.revisions + 1)
        if self._told("call"):
            self._tell("correction", f"retracted-{self.incident.revisions}")

    # --- what time does ---------------------------------------------------------------------------------------------

    def release(self) -> None:
        """Its parent is over and it is not: it stands for itself."""
        if self.incident.parent is not None:
            self._happen("released", "released", parent=self.incident.parent)
            self._set(parent=None)

    def tend(self) -> int | None:
        """Call where it holds and nobody was called, close where it is over; the next moment to look at it again."""
        now, run = self.incident, self.run
        if now.closed_ms is not None:
            return None
        if now.ended_ms is None:
            return self._call()
        due_ms = now.ended_ms + self._hold_ms(run)
        if self.now_ms < due_ms:
            return due_ms
        if self._told("call", str(now.reopened)):
            self._tell("recovered", f"{now.reopened}-{now.since_ms}")
        if now.stage in NOBODY_SENT or now.stage == "repaired":
            self._happen("stage", "closed_by_itself", stage="closed", ended_ms=now.ended_ms)
            self._set(stage="closed", closed_ms=self.now_ms)
        return None

    def _hold_ms(self, run: Run | None) -> int:
        """How long it must be over before anybody hears so: longer where it came back lately after that was said."""
        held = round(1000 * self.limits.settle_s) if run is None else run.hold_ms(self.limits)
        past = () if self.life is None else self.life.past
        lately = self.incident.since_ms - round(1000 * self.limits.flap_window_s)
        back = any(lately <= to_ms <= self.incident.since_ms for _, to_ms in past)
        return max(held, round(1000 * self.limits.flap_hold_s)) if back else held

    def _call(self) -> int | None:
        """Call, unless it waits for its parent, was planned, or is a first look: most of these soon find their owner,
        and whoever was called before would have to be told otherwise."""
        now = self.incident
        if now.parent is not None or now.verdict.owner == "planned":
            return None
        first_look = now.verdict.rule == "unknown" and "power" in now.verdict.candidates
        due_ms = now.verdict.since_ms + round(1000 * self.limits.agent_silent_s)
        if first_look and self.now_ms < due_ms:
            return due_ms
        self._tell("call", str(now.reopened))
        return None

    # --- parts ------------------------------------------------------------------------------------------------------

    def act(self) -> Act | None:
        """What there is to write, if anything."""
        was = None if self.life is None else self.life.incident
        if was == self.incident and not self.events and not self.tells:
            return None
        return Act(was, self.incident, tuple(self.events), tuple(self.tells))

    def _late_change(self, was: Incident, since_ms: int, run: Run) -> bool:
        """Whether its span moved long after the fact, so that somebody may have relied on the old one."""
        moved = [since_ms] if since_ms != was.since_ms else []
        if was.ended_ms is not None and run.ended_ms is not None and was.ended_ms != run.ended_ms:
            moved.append(max(was.ended_ms, run.ended_ms))
        return any(self.now_ms - at_ms > 1000 * self.limits.late_s for at_ms in moved)

    def _revise(self, run: Run, said: Said) -> None:
        self.events.append(Event("revised", said, None, run.verdict))
        self._set(revisions=self.incident.revisions + 1)
        if self._told("call") and said.key == "event.revised":
            self._tell("correction", str(self.incident.revisions))

    def _happen(
        self, what: What, key: str, verdict: Verdict | None = None, *, stage: Stage | None = None, **values: Value
    ) -> None:
        self.events.append(Event(what, Said(f"event.{key}", values), stage, verdict))

    def _told(self, kind: Kind, turn: str | None = None) -> bool:
        told = frozenset[tuple[str, str]]() if self.life is None else self.life.told
        return any(k == kind and turn in {None, t} for k, t in told)

    def _tell(self, kind: Kind, turn: str) -> None:
        if not self._told(kind, turn):
            self.tells.append(Tell(kind, turn))

    def _set(self, **changes: object) -> None:
        self.incident = replace(self.incident, **changes)  # type: ignore[arg-type]  # names are those of Incident


def _differs(old: Verdict, new: Verdict) -> bool:
    """Whether another sentence is to be said, not only more of the same."""
    return (old.cause, old.rule, old.owner, old.visit) != (new.cause, new.rule, new.owner, new.visit)


def _same(old: Verdict, new: Verdict) -> bool:
    """Whether nothing is said of it that was not said before: figures in sentences move with every look."""
    return _what(old) == _what(new)


def _what(verdict: Verdict) -> tuple[object, ...]:
    facts = frozenset((piece.subject, piece.said.key) for piece in verdict.evidence)
    span = (verdict.cause, verdict.rule, verdict.since_ms, verdict.ended_ms, verdict.visit, verdict.said.key)
    whose = (verdict.owner, verdict.state, verdict.confidence, verdict.candidates)
    return (*span, *whose, verdict.subjects, verdict.centres, verdict.affected, facts)


def _why(old: Verdict, new: Verdict) -> Said:
    values: dict[str, Value] = {
        "was_rule": f"rule:{old.rule}", "rule": f"rule:{new.rule}", "was_owner": f"owner:{old.owner}",
        "owner": f"owner:{new.owner}", "was_cause": old.cause, "cause": new.cause,
    }  # fmt: skip
    return Said("event.revised", values)


def _span(was: Incident, since_ms: int, run: Run) -> Said:
    values: dict[str, Value] = {"was_since_ms": was.since_ms, "since_ms": since_ms}
    if was.ended_ms is not None and run.ended_ms is not None:
        return Said("event.revised_span", {**values, "was_ended_ms": was.ended_ms, "ended_ms": run.ended_ms})
    return Said("event.revised_since", values)


def past_runs(story: Sequence[Happened]) -> tuple[tuple[int, int], ...]:
    """The spans of earlier runs, as an incident's history tells them."""
    found = []
    for event in story:
        values = {} if event.said is None else event.said.values
        if event.what in {"returned", "reopened"} and "was_since_ms" in values:
            found.append((int(values["was_since_ms"]), int(values["was_ended_ms"])))
    return tuple(found)
