"""The tables of incidents, each made of what the alerts know, not of what a page has room for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from alerts.api import Told
from dashboards.board.incidents.listing import ListPage
from dashboards.board.incidents.officer import OfficerPage
from dashboards.board.incidents.page import IncidentPage
from dashboards.board.incidents.rows import Row, pressing
from dashboards.board.tables import Cell, Column, Table

_INCIDENTS: Final = (
    Column("number", "number"), Column("incident"), Column("sentence"), Column("state", "state"), Column("owner"),
    Column("visit"), Column("stage"), Column("team"), Column("centres", "number"), Column("affected", "number"),
    Column("since", "time"), Column("ended", "time"), Column("opened", "time"), Column("closed", "time"),
    Column("waiting", "number"), Column("pressing", "number"), Column("target_time", "time"), Column("overdue"),
    Column("confidence"), Column("rule"), Column("cause"), Column("reopened", "number"), Column("revisions", "number"),
    Column("wrong"),
)  # fmt: skip
_EVIDENCE: Final = (
    Column("sentence"), Column("subject"), Column("at", "time"), Column("received", "time"), Column("observation"),
)  # fmt: skip
_HISTORY: Final = (
    Column("seq", "number"), Column("at", "time"), Column("event"), Column("by"), Column("sentence"), Column("text"),
)  # fmt: skip
_TOLD: Final = (
    Column("key"), Column("incident"), Column("kind"), Column("audience"), Column("channel"), Column("address"),
    Column("message_state"), Column("created", "time"), Column("due", "time"), Column("sent", "time"),
    Column("tries", "number"), Column("error"),
)  # fmt: skip
_CENTRES: Final = (Column("centre"), Column("centre_name"), Column("affected_only"))
_CIRCUITS: Final = (
    Column("subject"), Column("name"), Column("centre_name"), Column("carrier"), Column("circuit"),
)  # fmt: skip
_QUALITY: Final = (
    Column("rule"), *(Column(name, "number") for name in ("said", "labelled", "wrong_count", "precision", "revised",
                                                        "detect_s")),
)  # fmt: skip
_MISSED: Final = (Column("subject"), Column("name"), Column("from_time", "time"), Column("to_time", "time"))
_CHANGED: Final = (
    Column("number", "number"), Column("at", "time"), Column("reason_text"), Column("before"), Column("owner_before"),
    Column("sentence"), Column("owner"),
)  # fmt: skip
_STOPS: Final = (
    Column("subject"), Column("name"), Column("from_time", "time"), Column("to_time", "time"), Column("reason_text"),
    Column("document"), Column("by"), Column("in_force"), Column("covers"),
)  # fmt: skip


def incidents(page: ListPage) -> Table:
    """All that were asked for, not only one page of them."""
    rows = [_incident(page.teller.row(one), page.now_ms) for one in page.found]
    return Table("incidents", _INCIDENTS, rows, page.now_ms)


def _incident(row: Row, now_ms: int) -> tuple[Cell, ...]:
    i, verdict = row.i, row.i.verdict
    return (
        i.number, i.id, row.title, verdict.state, row.owner, verdict.visit, row.stage, row.team, len(verdict.centres),
        len(verdict.affected), i.since_ms, i.ended_ms, i.opened_ms, i.closed_ms, i.waiting, pressing(i, now_ms) / 1000,
        i.target_ms, row.overdue, verdict.confidence, verdict.rule, verdict.cause, i.reopened, i.revisions, i.wrong,
    )  # fmt: skip


def evidence(page: IncidentPage) -> Table:
    """What the verdict rests on, as it is shown."""
    held = sorted(page.i.verdict.evidence, key=lambda one: -one.at_ms)
    rows = [(page.teller.say(e.said), e.subject, e.at_ms, e.arrived_ms, e.observation or None) for e in held]
    return Table("evidence", _EVIDENCE, rows, page.now_ms)


def history(page: IncidentPage) -> Table:
    """Everything that happened to the incident, newest first."""
    rows = [(n, e.at_ms, e.what, e.by, e.said, e.text) for n, e in enumerate(page.entries, start=1)]
    return Table("history", _HISTORY, rows, page.now_ms)


def told(found: Sequence[Told], now_ms: int) -> Table:
    """Messages as the outbox has them."""
    rows = [
        (one.key, one.incident, one.kind, one.audience, one.channel, one.address, one.state, one.created_ms, one.due_ms,
         one.sent_ms, one.tries, one.error)
        for one in found
    ]  # fmt: skip
    return Table("told", _TOLD, rows, now_ms)


def centres(page: IncidentPage) -> Table:
    """Every centre of an incident, those that only see it too."""
    verdict, name = page.i.verdict, page.teller.namer.centre
    rows = [(key, name(key, page.teller.words), False) for key in verdict.centres]
    rows += [(key, name(key, page.teller.words), True) for key in verdict.affected]
    return Table("centres", _CENTRES, rows, page.now_ms)


def circuits(page: IncidentPage) -> Table:
    """The lines a carrier is asked about."""
    rows = [(c.subject, c.name, c.place, c.carrier, c.circuit) for c in page.circuits]
    return Table("circuits", _CIRCUITS, rows, page.now_ms)


def quality(page: OfficerPage) -> Table:
    """How good the alerts were, by rule."""
    rows = [
        (s.score.rule, s.score.said, s.score.labelled, s.score.wrong, s.precision, s.score.revised, s.score.detect_s)
        for s in page.scores
    ]
    return Table("quality", _QUALITY, rows, page.now_ms)


def missed(page: OfficerPage) -> Table:
    """Troubles that no incident explained."""
    rows = [(one.subject, one.name, one.from_ms, one.to_ms) for one in page.missed]
    return Table("missed", _MISSED, rows, page.now_ms)


def changed(page: OfficerPage) -> Table:
    """What late data changed since yesterday."""
    rows = [
        (c.row.i.number, c.revision.at_ms, c.revision.why, c.revision.old.title if c.revision.old else None,
         c.revision.old.owner if c.revision.old else None, c.revision.new.title, c.revision.new.owner)
        for c in page.changed
    ]  # fmt: skip
    return Table("changed", _CHANGED, rows, page.now_ms)


def stops(page: OfficerPage) -> Table:
    """Planned stops in force."""
    rows = [
        (s.window.subject, s.name, s.window.from_ms, s.window.end_ms, s.window.reason, s.window.document,
         s.window.set_by, s.holds, s.explains)
        for s in page.stops
    ]  # fmt: skip
    return Table("stops", _STOPS, rows, page.now_ms)
