"""A store with lines that flip by hand, a desk over it, and a correlation that is as simple as can be."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, insert, select

from alerts.api import Evidence, Said, Verdict
from alerts.correlate.picture import Picture, Spell
from alerts.desk import Desk
from alerts.incidents.loop import Incidents
from alerts.tables import alert_cursor, happened, incident, incident_place, outbox
from collector import floor
from collector.api import State
from collector.hub import Hub
from collector.judging.versions import keep_file
from collector.store import tables
from tests.support.handclock import HandClock

S, MINUTE, HOUR = 1_000, 60_000, 3_600_000
TOGETHER = 3
"""So many lines down at once are their carrier's."""


def by_line(picture: Picture, _only: object = None) -> list[Verdict]:
    """A verdict for each spell of a line, or one for all of them where many are down at once."""
    down = [s for key, its in picture.spells.items() if key.startswith("line:") for s in its if s.state == "down"]
    holding = [spell for spell in down if spell.to_ms is None]
    if len(holding) >= TOGETHER:
        return [*(_of(spell) for spell in down if spell.to_ms is not None), _together(holding)]
    return [_of(spell) for spell in down]


def _of(spell: Spell) -> Verdict:
    return _verdict(spell.subject, "line", (spell,), spell.to_ms)


def _together(spells: Sequence[Spell]) -> Verdict:
    return _verdict("carrier:vnpt/g", "carrier", sorted(spells, key=lambda one: (one.from_ms, one.subject)), None)


def _verdict(cause: str, rule: Any, spells: Sequence[Spell], ended: int | None) -> Verdict:
    proof = tuple(
        Evidence(s.subject, Said("event.opened", {"since_ms": s.from_ms}), s.from_ms, s.recorded_ms) for s in spells
    )
    keys = tuple(spell.subject for spell in spells)
    centres = tuple(sorted({key.removeprefix("line:").partition("/")[0] for key in keys}))
    said = Said("event.opened", {"since_ms": spells[0].from_ms})
    return Verdict(
        cause, rule, rule, "down", min(s.from_ms for s in spells), ended, keys, centres, said, proof, "certain", True
    )  # fmt: skip


@dataclass
class Province:
    """Centres with a line each; `flip` is what the judge would have written."""

    hub: Hub
    clock: HandClock
    woken: list[str] = field(default_factory=list)

    def settle(self, count: int = 4) -> None:
        """Centres 07001-1, 07002-1 … and a policy."""

        def job(conn: Connection) -> None:
            keep_file(conn, self.hub.settings.home, self.clock.wall - HOUR)
            for n in range(1, count + 1):
                key = f"{7000 + n:05d}-1"
                conn.execute(insert(tables.centre).values(key=key, name_vi="Xã", name_en="Commune", created_ms=0))
                for subject in (f"centre:{key}", f"line:{key}/a"):
                    conn.execute(insert(tables.subject).values(
                        key=subject, kind=subject.partition(":")[0], centre=key, label="", agent=None, created_ms=0,
                    ))  # fmt: skip

        self.hub.store.writer.do(job)

    @property
    def desk(self) -> Desk:
        hub = self.hub
        return Desk(
            hub.store, floor.reader(hub), floor.commands(hub), self.clock, self.woken.append, hub.settings.home
        )  # fmt: skip

    def loop(self) -> Incidents:
        """A loop that knows nothing yet, as after a start."""
        return Incidents(self.desk, by_line, whole=True)

    def flip(self, subject: str, to: State | None, at_ms: int, *, supersedes: int | None = None) -> int:
        """One flip, recorded now."""
        row = {
            "subject": subject, "at_ms": at_ms, "from_state": "ok", "to_state": to, "detail": "{}",
            "reason": None if to in (None, "ok") else "no_answer", "policy_version": 1, "evidence": "[]",
            "recorded_ms": self.clock.wall, "supersedes": supersedes,
        }  # fmt: skip
        made = self.hub.store.writer.do(
            lambda conn: conn.scalar(insert(tables.flip).values(row).returning(tables.flip.c.seq))
        )
        assert made is not None
        return int(made)

    def content(self) -> dict[str, list[Any]]:
        """Everything the loop writes, without ids, which are drawn."""
        with self.hub.store.reading() as conn:
            rows = conn.execute(select(incident).order_by(incident.c.number)).all()
            named = {row.id: f"#{row.number}" for row in rows}
            kept = [
                (r.number, r.cause, r.stage, r.since_ms, r.ended_ms, r.closed_ms, r.revisions, r.reopened) for r in rows
            ]
            events = conn.execute(select(happened).order_by(happened.c.incident, happened.c.seq)).all()
            told = conn.execute(select(outbox.c.key, outbox.c.incident, outbox.c.message)).all()
            places = conn.execute(select(incident_place)).all()
            cursor = conn.execute(select(alert_cursor.c.seq)).all()
        titles = [(row.key, json.loads(row.message)["title"]["key"]) for row in told]
        whole: dict[str, list[tuple[Any, ...]]] = {
            "incidents": kept,
            "events": [(e.incident, e.what, e.said or "") for e in events],
            "told": titles,
            "places": [(p.incident, p.centre, p.affected) for p in places],
            "cursor": [tuple(row) for row in cursor],
        }
        return {name: sorted(_named(row, named) for row in rows) for name, rows in whole.items()}


def _named(row: tuple[Any, ...], names: Mapping[str, str]) -> tuple[Any, ...]:
    """A row with numbers for ids, wherever they stand."""

    def told(cell: Any) -> Any:
        for key, name in names.items():
            cell = cell.replace(key, name) if isinstance(cell, str) else cell
        return cell

    return tuple(told(cell) for cell in row)


def line(n: int) -> str:
    return f"line:{7000 + n:05d}-1/a"
