"""An incident in people's hands: moved from stage to stage, commented, labelled, muted. Every act is an event.

Rules are pure (`may_move`); the rest is a guarded change: it holds only while the stage is the one that was read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, insert, or_, select, update

from alerts.api import STAGES, Happened, Incident, NotFound, Refused, Said, Stage, What
from alerts.incidents.drafts import Event
from alerts.incidents.rows import event_row, happened_of, incident_of
from alerts.tables import complaint, happened, incident, incident_place

TEXT_MOST: Final = 2_000
BY_HAND: Final[tuple[Stage, ...]] = ("acknowledged", "on_the_way", "on_site", "repaired", "closed")


@dataclass(frozen=True, slots=True)
class Doing:
    """Who does something at a moment, and what they say with it. Raises Refused for a text that is too long."""

    conn: Connection
    by: str
    now_ms: int
    text: str = ""

    def __post_init__(self) -> None:
        if len(self.text) > TEXT_MOST:
            raise Refused(f"a text has at most {TEXT_MOST} characters, this one has {len(self.text)}: shorten it")

    def note(self, key: str, event: Event) -> Happened:
        """Write an event of an incident."""
        row = event_row(key, self.now_ms, event, self.by, self.text)
        return happened_of(self.conn.execute(insert(happened).values(row).returning(*happened.c)).one())

    def change(self, one: Incident, **values: Any) -> Incident:  # columns of the table
        """Change an incident that is as it was read. Raises Refused where it is not."""
        mine = update(incident).where(incident.c.id == one.id, incident.c.stage == one.stage)
        row = self.conn.execute(mine.values(values).returning(*incident.c)).first()
        if row is None:
            raise Refused(f"somebody else changed incident {one.number} a moment ago: look again")
        return incident_of(row, one.verdict)


def find(conn: Connection, key: str) -> Incident:
    """By id or number. Raises NotFound."""
    wanted = incident.c.id == key
    if key.isdecimal() and len(key) <= 18:
        wanted = or_(wanted, incident.c.number == int(key))
    row = conn.execute(select(incident).where(wanted)).first()
    if row is None:
        raise NotFound(f"there is no incident {key[:60]!r}; `motcua alerts list` names those there are")
    return incident_of(row)


# --- stages ---------------------------------------------------------------------------------------------------------


def may_move(one: Incident, to: Stage) -> None:
    """Raise Refused for a step that nobody may do now: backwards, or closing what the measurements deny."""
    if one.closed_ms is not None:
        raise Refused(f"incident {one.number} is closed; it opens by itself if the fault returns")
    if to not in BY_HAND:
        raise Refused(f"{to} is not something to be said by a person; {', '.join(BY_HAND)} are")
    if STAGES.index(to) <= STAGES.index(one.stage):
        raise Refused(f"incident {one.number} is already {one.stage}: it goes on from there, not back")
    if to == "closed" and one.ended_ms is None:
        state, leading = one.verdict.state, one.verdict.subjects[0] if one.verdict.subjects else one.verdict.cause
        raise Refused(
            f"{leading} is still {state} by the measurements: say repaired, and it closes when they agree"
        )  # fmt: skip


def move(doing: Doing, one: Incident, to: Stage, proof: str = "") -> Incident:
    """Bring an incident to a stage. Repaired while the measurements disagree says what is still bad. Raises Refused."""
    may_move(one, to)
    event = Event("stage", _said(one, to, proof), to)
    changed = doing.change(one, stage=to, closed_ms=doing.now_ms if to == "closed" else None)
    doing.note(one.id, event)
    return changed


def _said(one: Incident, to: Stage, proof: str) -> Said:
    if to == "repaired" and one.ended_ms is None:
        leading = one.verdict.subjects[0] if one.verdict.subjects else one.verdict.cause
        key, values = "event.still_bad", {"subject": leading, "state": f"state:{one.verdict.state}"}
    else:
        key, values = "event.stage", {"stage": f"stage:{to}"}
    return Said(key, values | ({"proof": proof} if proof else {}))


# --- words ----------------------------------------------------------------------------------------------------------


def comment(doing: Doing, one: Incident) -> Happened:
    """Keep what a person says. Raises Refused where it says nothing."""
    if not doing.text.strip():
        raise Refused("a comment needs words")
    return doing.note(one.id, Event("comment"))


def label(doing: Doing, one: Incident, *, wrong: bool) -> Incident:
    """Keep that the verdict was wrong, or right; the last word counts."""
    what: What = "wrong" if wrong else "right"
    changed = doing.change(one, wrong=wrong)
    doing.note(one.id, Event(what, Said(f"event.{what}"), None, one.verdict))
    return changed


def mute(doing: Doing, one: Incident, until_ms: int | None) -> Incident:
    """Send nothing until a moment; None: again at once. Raises Refused for a moment that is over."""
    if until_ms is not None and until_ms <= doing.now_ms:
        raise Refused("muting ends in the past: give a moment to come, or none to hear of it again")
    changed = doing.change(one, muted_until_ms=until_ms)
    said = Said("event.unmuted") if until_ms is None else Said("event.muted", {"until_ms": until_ms})
    doing.note(one.id, Event("muted", said))
    return changed


def slow_now(doing: Doing, centre: str) -> Incident | None:
    """Keep a complaint; it joins the oldest living incident of its centre, where there is one."""
    return join(doing, centre, Said("event.slow_now", {"centre": f"centre:{centre}"}))


def join(doing: Doing, centre: str, said: Said) -> Incident | None:
    """Keep what somebody at a centre told, and put it beside the oldest living incident of the centre."""
    query = (
        select(incident)
        .join(incident_place, incident_place.c.incident == incident.c.id)
        .where(incident_place.c.centre == centre, incident.c.closed_ms.is_(None))
        .order_by(incident_place.c.affected, incident.c.since_ms)
        .limit(1)
    )
    row = doing.conn.execute(query).first()
    kept = {"centre": centre, "at_ms": doing.now_ms, "text": doing.text, "by": doing.by}
    doing.conn.execute(insert(complaint).values(kept | {"incident": None if row is None else row.id}))
    if row is None:
        return None
    doing.note(row.id, Event("joined", said))
    return incident_of(row)


def join_once(doing: Doing, centre: str, said: Said) -> Incident | None:
    """The same, where nothing of that moment was kept before from whoever brings it."""
    mine = (complaint.c.centre == centre, complaint.c.by == doing.by, complaint.c.at_ms == doing.now_ms)
    before = doing.conn.execute(select(complaint.c.incident).where(*mine)).first()
    if before is None:
        return join(doing, centre, said)
    return None if before.incident is None else find(doing.conn, before.incident)
