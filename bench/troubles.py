"""Incidents that live in a home: a shared system that nine centres of ten see slow, a carrier's cut, single lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, insert

from alerts.api import Considered, Evidence, Incident, Owner, Said, Verdict
from alerts.correlate.found import MOST_EVIDENCE
from alerts.correlate.rules import RULES
from alerts.deliver.message import Message
from alerts.deliver.outbox import put_all, row_of
from alerts.dispatch import Audience
from alerts.incidents.drafts import Event
from alerts.incidents.rows import event_row
from alerts.incidents.rows import row_of as incident_row
from alerts.incidents.writing import places
from alerts.tables import happened, incident, incident_place
from bench.home import Enrolled, Home
from bench.shared import SYSTEMS
from collector.store.databases import open_store
from wire.clock import SystemClock

LARGEST: Final = 1
"""The number of the largest incident, by which its page is asked for."""

CUT: Final = 40
LONE: Final = 30
HOUR_MS: Final = 3_600_000


def trouble(home: Home, known: Sequence[Enrolled]) -> int:
    """Write them, with evidence, rules considered, history and messages; how many incidents there are."""
    clock = SystemClock()
    now = clock.wall_ms()
    found = [_incident(n, one, now) for n, one in enumerate(_verdicts([one.centre for one in known], now), LARGEST)]
    store = open_store(home.settings.store, clock)
    try:
        store.writer.do(lambda conn: _write(conn, found, now))
    finally:
        store.close()
    return len(found)


def _verdicts(centres: Sequence[str], now: int) -> list[Verdict]:
    seen, cut = tuple(centres[: len(centres) * 9 // 10]), tuple(centres[:CUT])
    at_ms, ill = now - HOUR_MS, f"service:{SYSTEMS[0]}"
    since = {"since_ms": at_ms}
    slow = Said("verdict.service_degraded", {**since, "system": f"system:{SYSTEMS[0]}", "count": len(seen),
                                             "of": len(centres)})  # fmt: skip
    gone = Said("verdict.carrier_down", {**since, "carrier": "carrier:vnpt", "group": "bench", "count": len(cut),
                                         "of": len(cut), "centres": len(cut)})  # fmt: skip
    found = [
        _verdict(ill, "service", slow, [f"{ill}@{key}" for key in seen], at_ms, affected=seen),
        _verdict("carrier:vnpt/bench", "carrier", gone, [f"line:{key}/a" for key in cut], at_ms),
    ]
    for key in centres[::LONE]:
        lost = Said("verdict.line_down_inside", {**since, "line": f"line:{key}/b", "centre": f"centre:{key}"})
        found.append(_verdict(f"line:{key}/b", "line", lost, [f"line:{key}/b"], at_ms))
    return found


def _verdict(
    cause: str, owner: Owner, said: Said, subjects: Sequence[str], at_ms: int, *, affected: tuple[str, ...] = ()
) -> Verdict:
    centres = () if affected else tuple(key.partition(":")[2].partition("/")[0] for key in subjects)
    evidence = tuple(
        Evidence(key, Said("evidence.down", {"subject": key, "at_ms": at_ms}), at_ms, at_ms + 60_000)
        for key in subjects[:MOST_EVIDENCE]
    )
    tried = tuple(Considered(rule.name, rule.name == owner, Said("why.planned_none")) for rule in RULES)
    return Verdict(
        cause=cause, rule=owner, owner=owner, state="degraded" if affected else "down", since_ms=at_ms, ended_ms=None,
        subjects=tuple(subjects)[:MOST_EVIDENCE], centres=centres, affected=affected, said=said, evidence=evidence,
        considered=tried, confidence="certain", visit=not affected,
    )  # fmt: skip


def _incident(number: int, verdict: Verdict, now: int) -> Incident:
    return Incident(
        id=f"01BENCH{number:019d}", number=number, verdict=verdict, stage="notified", since_ms=verdict.since_ms,
        ended_ms=None, opened_ms=now - HOUR_MS + 60_000, closed_ms=None, waiting=float(number % 50),
        target_ms=now + HOUR_MS,
    )  # fmt: skip


def _write(conn: Connection, found: Sequence[Incident], now: int) -> None:
    conn.execute(insert(incident), [incident_row(one) for one in found])
    conn.execute(insert(incident_place), [
        {"incident": one.id, "centre": key, "affected": only} for one in found for key, only in places(one).items()
    ])  # fmt: skip
    opened = [event_row(one.id, one.opened_ms, Event("opened", None, None, one.verdict)) for one in found]
    conn.execute(insert(happened), opened)
    for one in found:
        whom = [Audience("officer"), *(Audience(f"centre:{key}") for key in one.verdict.affected)]
        told, due_ms = _message(one), now + 24 * HOUR_MS
        put_all(conn, [
            row_of(incident=one, kind="call", audience=who, message=told, now_ms=now, due_ms=due_ms) for who in whom
        ])  # fmt: skip


def _message(one: Incident) -> Message:
    return Message(
        incident=one.id, number=one.number, kind="call", owner=one.verdict.owner, state=one.verdict.state,
        title=one.verdict.said, link=f"/incidents/{one.number}", since_ms=one.since_ms,
    )  # fmt: skip
