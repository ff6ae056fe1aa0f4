"""Observations kept whole, found again after their bodies are gone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from collector.api import StoredObservation
from collector.store.rolled import kept

_DECODER: Final = msgspec.json.Decoder(StoredObservation)


def kept_by_id(conn: Connection, ids: Sequence[str]) -> dict[str, StoredObservation]:
    """Those of these observations that are kept whole."""
    rows = conn.execute(select(kept.c.id, kept.c.body).where(kept.c.id.in_(ids)))
    return {row.id: _DECODER.decode(row.body) for row in rows}


def kept_before(conn: Connection, subject: str, before_ms: int, limit: int) -> list[StoredObservation]:
    """Those of a subject older than `before_ms`, newest first, at most `limit`."""
    query = select(kept.c.body).where(kept.c.subject == subject, kept.c.at_ms < before_ms)
    bodies = conn.scalars(query.order_by(kept.c.at_ms.desc(), kept.c.id.desc()).limit(limit))
    return [_DECODER.decode(body) for body in bodies]


def kept_runs(conn: Connection, subject: str, probe: str, before_ms: int, limit: int) -> list[StoredObservation]:
    """Runs of one probe on a subject, older than `before_ms`, newest first, at most `limit`."""
    named = kept.c.body.contains(f'"probe":"{probe}"', autoescape=True)
    query = select(kept.c.body).where(kept.c.subject == subject, kept.c.at_ms < before_ms, named)
    bodies = conn.scalars(query.order_by(kept.c.at_ms.desc(), kept.c.id.desc()).limit(limit))
    return [found for body in bodies if (found := _DECODER.decode(body)).observation.probe == probe]
