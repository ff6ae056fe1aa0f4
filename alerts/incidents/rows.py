"""Incidents and their history as rows of the database, and back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, or_, select

from alerts.api import Happened, Incident, Said, Verdict
from alerts.incidents.drafts import Event, Life, past_runs
from alerts.tables import happened, incident, outbox

_ENCODER: Final = msgspec.json.Encoder()
_VERDICT: Final = msgspec.json.Decoder(Verdict)
_SAID: Final = msgspec.json.Decoder(Said)
PERSON_STAGES: Final = ("on_the_way", "on_site", "repaired")


class Verdicts:
    """Verdicts decoded once: an incident's is asked for at every look and seldom changes. For one thread."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, Verdict]] = {}

    def of(self, key: str, text: str) -> Verdict:
        """The verdict of an incident."""
        known = self._known.get(key)
        if known is None or known[0] != text:
            known = self._known[key] = (text, _VERDICT.decode(text))
        return known[1]

    def keep(self, keys: Sequence[str]) -> None:
        """Forget all but these."""
        if len(self._known) > 2 * len(keys) + 100:
            wanted = set(keys)
            self._known = {key: held for key, held in self._known.items() if key in wanted}


def pack(verdict: Verdict) -> str:
    """As it lies in a row."""
    return _ENCODER.encode(verdict).decode()


@lru_cache(maxsize=256)  # a page asks for the same ones for each of its centres
def _decoded(text: str) -> Verdict:
    return _VERDICT.decode(text)


def incident_of(row: Row[Any], verdict: Verdict | None = None) -> Incident:
    """From a row with all columns."""
    return Incident(
        id=row.id, number=row.number, verdict=verdict or _decoded(row.verdict), stage=row.stage,
        since_ms=row.since_ms, ended_ms=row.ended_ms, opened_ms=row.opened_ms, closed_ms=row.closed_ms,
        parent=row.parent, team=row.team, waiting=row.waiting, target_ms=row.target_ms, reopened=row.reopened,
        revisions=row.revisions, wrong=row.wrong, muted_until_ms=row.muted_until_ms,
    )  # fmt: skip


def row_of(one: Incident) -> dict[str, Any]:
    """Every column; the number only where it has one."""
    row = {
        "id": one.id, "cause": one.verdict.cause, "verdict": pack(one.verdict), "stage": one.stage,
        "since_ms": one.since_ms, "ended_ms": one.ended_ms, "opened_ms": one.opened_ms, "closed_ms": one.closed_ms,
        "parent": one.parent, "team": one.team, "waiting": one.waiting, "target_ms": one.target_ms,
        "reopened": one.reopened, "revisions": one.revisions, "wrong": one.wrong,
        "muted_until_ms": one.muted_until_ms,
    }  # fmt: skip
    return row | {"number": one.number} if one.number else row


def event_row(key: str, at_ms: int, event: Event, by: str = "", text: str = "") -> dict[str, Any]:
    """One event of the history of an incident."""
    return {
        "incident": key, "at_ms": at_ms, "what": event.what, "by": by, "text": text, "stage": event.stage,
        "said": None if event.said is None else _ENCODER.encode(event.said).decode(),
        "verdict": None if event.verdict is None else pack(event.verdict),
    }  # fmt: skip


def happened_of(row: Row[Any]) -> Happened:
    """From a row with all columns."""
    return Happened(
        row.seq, row.incident, row.at_ms, row.what, row.by,
        None if row.said is None else _SAID.decode(row.said), row.text, row.stage,
        None if row.verdict is None else _VERDICT.decode(row.verdict),
    )  # fmt: skip


# --- what a look needs ----------------------------------------------------------------------------------------------


def lives(conn: Connection, from_ms: int, known: Verdicts) -> list[Life]:
    """Every incident that is open, or whose trouble reaches beyond `from_ms`."""
    mine = or_(incident.c.closed_ms.is_(None), incident.c.ended_ms > from_ms)
    found = [incident_of(row, known.of(row.id, row.verdict)) for row in conn.execute(select(incident).where(mine))]
    if not found:
        return []
    known.keep([one.id for one in found])
    wanted = select(incident.c.id).where(mine)
    told: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for key, name in conn.execute(select(outbox.c.incident, outbox.c.key).where(outbox.c.incident.in_(wanted))):
        _, kind, turn = name.split("/")[:3]
        told[key].add((kind, turn))
    story: dict[str, list[Happened]] = defaultdict(list)
    kinds = happened.c.what.in_(("returned", "reopened", "stage"))
    for row in conn.execute(select(happened).where(kinds, happened.c.incident.in_(wanted)).order_by(happened.c.seq)):
        story[row.incident].append(happened_of(row))
    return [
        Life(one, past_runs(story[one.id]), frozenset(told[one.id]), _worked(story[one.id]))
        for one in found
    ]  # fmt: skip


def _worked(story: Sequence[Happened]) -> bool:
    """Whether a person went there, or said that it was repaired."""
    return any(event.by and event.stage in PERSON_STAGES for event in story)
