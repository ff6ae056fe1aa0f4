"""Nobody took it on: the next in the rota is called, then the officer, then the deputy where the settings name one,
each once. Time is counted while people are served."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from alerts.api import Incident, Said
from alerts.deliver import cases, rows
from alerts.deliver.deciding import CALLING
from alerts.deliver.message import Message, pack, unpack
from alerts.deliver.rows import Row
from alerts.dispatch import Audience, Town
from alerts.dispatch.calling import DEPUTY, OFFICER
from alerts.dispatch.waiting import open_ms
from alerts.tables import outbox

TEAM: Final = "team:"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a call may stay unanswered while doors are open, and whether the officer has a deputy."""

    acknowledge_s: float
    deputy: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """Who is called next about an incident, and why the one before was not enough."""

    audience: Audience
    why: Said


def escalate(conn: Connection, town: Town, patience: Patience, now_ms: int) -> int:
    """Put what is to be said of every incident that nobody takes on; how many messages that were."""
    rows.answered(conn, cases.taken_on(conn))
    waits = cases.unanswered(conn)
    told = rows.of_incidents(conn, [case.id for case in waits])
    count = 0
    for case in waits:
        calls = _calls(case, told.get(case.id, []))
        step = next_step(case, calls, town, patience, now_ms)
        if step is not None:
            count += _put(conn, case, calls, step, now_ms)
    return count


def next_step(case: Incident, told: Sequence[Row], town: Town, patience: Patience, now_ms: int) -> Step | None:
    """None: it is nobody's turn yet, or nobody is left. `told`: messages about the incident, in the order of time."""
    calls = _calls(case, told)
    last = DEPUTY if patience.deputy else OFFICER
    if not calls or any(row.audience == last for row in calls):
        return None
    if all(row.state in {"dead", "dropped"} for row in calls):
        return _up(calls) if any(row.state == "dead" for row in calls) else None
    last_ms = max((row.sent_ms for row in calls if row.sent_ms is not None), default=None)
    if last_ms is None or any(row.state in {"waiting", "sending"} for row in calls if row.kind == "escalation"):
        return None
    if open_ms(case.verdict.centres or case.verdict.affected, town, last_ms, now_ms) < 1000 * patience.acknowledge_s:
        return None
    if case.muted_until_ms is not None and case.muted_until_ms > now_ms:
        return None
    return _further(calls, town)


def _calls(case: Incident, told: Sequence[Row]) -> list[Row]:
    """What people were called by since the trouble last began; a notice at a centre asks nobody to come."""
    return [
        row
        for row in told
        if row.kind in CALLING and row.kind != "reminder" and not row.audience.startswith("centre:")
        and row.key.split("/")[2].partition("-")[0] == str(case.reopened)
    ]  # fmt: skip


def _further(calls: Sequence[Row], town: Town) -> Step:
    """Whoever of the team comes next on the rota and was not called; one of them, then up."""
    team = next((row.audience for row in calls if row.audience.startswith(TEAM)), "")
    called = {unpack(row.message).person for row in calls}
    if not any(row.kind == "escalation" for row in calls):
        for duty in town.rota.get(team.removeprefix(TEAM), ()):
            if duty.person not in called:
                email = unpack(calls[0].message).email
                own = Audience(team, duty.person, duty.phone, email)
                return Step(own, Said("deliver.next_on_duty", {"person": duty.person}))
    return _up(calls)


def _up(calls: Sequence[Row]) -> Step:
    """To the officer; to the deputy where the officer was called already."""
    officers = [row for row in calls if row.audience == OFFICER]
    reached = any(row.sent_ms is not None for row in officers or calls)
    if officers:
        return Step(Audience(DEPUTY), Said("deliver.officer_silent" if reached else "deliver.officer_unreached"))
    return Step(Audience(OFFICER), Said("deliver.nobody_answered" if reached else "deliver.nobody_reached"))


def _put(conn: Connection, case: Incident, calls: Sequence[Row], step: Step, now_ms: int) -> int:
    before: Message = unpack(calls[0].message)
    whom = step.audience
    message = msgspec.structs.replace(
        before, kind="escalation", lines=[step.why, *before.lines], person=whom.person, phone=whom.phone,
        email=whom.email,
    )  # fmt: skip
    level = sum(row.kind == "escalation" for row in calls)
    values = {
        "key": f"{case.id}/escalation/{case.reopened}-{level}/{whom.key}", "incident": case.id, "kind": "escalation",
        "audience": whom.key, "channel": "", "address": "", "message": pack(message), "state": "waiting",
        "created_ms": now_ms, "due_ms": now_ms,
    }  # fmt: skip
    make = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    made = make(outbox).values(values).on_conflict_do_nothing().returning(outbox.c.key)
    return int(conn.execute(made).first() is not None)
