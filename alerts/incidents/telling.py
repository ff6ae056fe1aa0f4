"""Who hears of what: from what a look decided to messages in the outbox, by whose it is now and whose it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, func, select

from alerts.api import Incident, Said, Verdict
from alerts.deliver.message import Message
from alerts.deliver.outbox import Row, put_all, row_of
from alerts.deliver.rows import escalated
from alerts.dispatch import Audience, Town, audiences, hands, target, waiting
from alerts.dispatch.town import steady, town_of
from alerts.incidents.drafts import Act, Event, Tell
from alerts.tables import incident
from collector.api import Reader

LINES_OF_EVIDENCE: Final = 4


class Teller:
    """The outbox of one look. `town` is read when the first act needs it."""

    def __init__(self, town: Callable[[], Town], now_ms: int, repair_s: float | None) -> None:
        self._read, self._now_ms, self._repair_s = town, now_ms, repair_s
        self._town: Town | None = None

    @property
    def town(self) -> Town:
        if self._town is None:
            self._town = self._read()
        return self._town

    def dress(self, act: Act) -> Act:
        """The act with what dispatch adds: whose it is, until when, and how many wait."""
        called = any(tell.kind == "call" for tell in act.tells)
        handed = act.was is not None and _owned(act.was.verdict) != _owned(act.now.verdict)
        now, events, added = act.now, act.events, dict[str, Any]()
        if called or handed:
            team = next((a.key.removeprefix("team:") for a in self._who(now) if a.key.startswith("team:")), None)
            target_ms = self._target(now)
            if team is not None and team != now.team:
                events = (*events, Event("assigned", Said("event.assigned", {"team": f"team:{team}"})))
            added |= {"team": team, "target_ms": target_ms}
        if now.ended_ms is not None or called:
            added["waiting"] = waited(now, self.town, self._now_ms)
        return Act(act.was, replace(now, **added) if added else now, events, act.tells)

    def put(self, conn: Connection, acts: Sequence[Act]) -> None:
        """Put what is to be told of some acts into the outbox."""
        put_all(conn, [*(row for act in acts for row in self._rows(act)), *self._taken_further(conn, acts)])

    def _taken_further(self, conn: Connection, acts: Sequence[Act]) -> Iterator[Row]:
        """How it went on, for the officer and the deputy to whom it was taken because nobody else took it on."""
        further = {act.now.id: act for act in acts if any(tell.kind != "call" for tell in act.tells)}
        for incident_id, audience in escalated(conn, list(further)) if further else ():
            act = further[incident_id]
            yield from (self._row(act.now, tell, Audience(audience)) for tell in act.tells if tell.kind != "call")

    def _rows(self, act: Act) -> Iterator[Row]:
        return (self._row(act.now, tell, audience) for tell, audience in self.told(act))

    def told(self, act: Act) -> Iterator[tuple[Tell, Audience]]:
        """What is to be told of an act, and to whom."""
        for tell in act.tells:
            yield from ((tell, audience) for audience in self._audiences(act, tell))
        if any(tell.kind == "correction" for tell in act.tells) and act.was is not None and act.now.open:
            called = Tell("call", str(act.now.reopened))
            yield from ((called, audience) for audience in hands(self._who(act.was), self._who(act.now)).fresh)
        elif _spreads(act):
            yield from ((Tell("call", str(act.now.reopened)), audience) for audience in self._newly_affected(act))

    def _newly_affected(self, act: Act) -> list[Audience]:
        """Centres that see it since a while ago only: each gets its note, once."""
        before = self._who(act.now if act.was is None else act.was)
        return [one for one in hands(before, self._who(act.now)).fresh if one.key.startswith("centre:")]

    def _row(self, one: Incident, tell: Tell, audience: Audience) -> Row:
        return row_of(
            incident=one, kind=tell.kind, audience=audience, message=message(one, tell, self.town),
            now_ms=self._now_ms, due_ms=self._now_ms, turn=tell.turn,
        )  # fmt: skip

    def _audiences(self, act: Act, tell: Tell) -> list[Audience]:
        """A call and a recovery go to those whose it is, a recovery to those who were called where it became somebody
        else's only when all was over. A correction goes to those whose it was, and to those whose it stays where it is
        about more than whose it is."""
        now = self._who(act.now)
        before = self._who(act.now if act.was is None else act.was)
        if tell.kind == "recovered" and not act.now.open:
            return before
        if tell.kind != "correction":
            return now
        owner_only = tell.turn.isdigit() and act.was is not None and act.was.verdict.visit == act.now.verdict.visit
        return hands(before, now).gone if owner_only else before

    def _who(self, one: Incident) -> list[Audience]:
        return audiences(one, self.town, self._now_ms)

    def _target(self, one: Incident) -> int | None:
        if self._repair_s is None or not one.verdict.visit:
            return None
        return target(one.verdict.centres, self.town, self._now_ms, self._repair_s)


def town_now(reader: Reader, conn: Connection, now_ms: int) -> Town:
    """The province, and how much every team has to do."""
    own = select(incident.c.team, func.count()).where(incident.c.closed_ms.is_(None), incident.c.team.is_not(None))
    load = {row[0]: row[1] for row in conn.execute(own.group_by(incident.c.team))}
    return steady(town_of(reader, now_ms, load))


def waited(one: Incident, town: Town, now_ms: int) -> float | None:
    """How many dossiers came in while people could not be served, so far."""
    until_ms = now_ms if one.ended_ms is None else one.ended_ms
    return waiting(one.verdict.centres, town, one.since_ms, max(one.since_ms, until_ms))


def message(one: Incident, tell: Tell, town: Town) -> Message:
    """What a message says: a whole sentence first, then what it rests on."""
    verdict = one.verdict
    circuits = {line.key: line.circuit for key in verdict.centres for line in town.lines.get(key, ())}
    return Message(
        incident=one.id, number=one.number, kind=tell.kind, owner=verdict.owner, state=verdict.state,
        title=_title(one, tell), lines=_lines(verdict, tell), link=f"/incidents/{one.number}",
        centres=list(verdict.centres), circuits=[circuits[key] for key in verdict.subjects if circuits.get(key)],
        since_ms=one.since_ms, ended_ms=one.ended_ms,
    )  # fmt: skip


def _title(one: Incident, tell: Tell) -> Said:
    if tell.kind == "recovered" and one.ended_ms is not None:
        return Said("event.recovered", {"ended_ms": one.ended_ms})
    if tell.kind != "correction":
        return one.verdict.said
    reason = tell.turn.partition("-")[0]
    if reason in {"joined", "retracted"}:
        return Said(f"event.told_{reason}", {"was_since_ms": one.since_ms})
    if reason in {"returned", "flapping"}:
        return Said(f"event.told_{reason}", {"since_ms": one.since_ms})
    return Said("event.told_elsewhere", {"owner": f"owner:{one.verdict.owner}"})


def _lines(verdict: Verdict, tell: Tell) -> list[Said]:
    if tell.kind == "call":
        return [piece.said for piece in verdict.evidence[:LINES_OF_EVIDENCE]]
    return [verdict.said]


def _spreads(act: Act) -> bool:
    """Whether those who were told of an incident are told already, and more centres see it by now."""
    if act.was is None or act.was.stage == "open" or not act.now.open or any(tell.kind == "call" for tell in act.tells):
        return False
    return not set(act.now.verdict.affected) <= set(act.was.verdict.affected)


def _owned(verdict: Verdict) -> tuple[str, str, bool]:
    return verdict.owner, verdict.cause, verdict.visit
