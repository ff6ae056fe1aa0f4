"""Plans: what each agent is to measure, every version kept with the interval it was in force."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from collector.api import NotFound
from collector.inventory.bulk import parts
from collector.store.tables import plan as t
from wire.messages import Plan, PlanItem

SCHEMA: Final = 1
_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(list[PlanItem])


def put(conn: Connection, agent: str, items: Sequence[PlanItem], now_ms: int) -> None:
    """Put a plan in force from now; the version before it ends."""
    put_all(conn, {agent: items}, now_ms)


def put_all(conn: Connection, changed: Mapping[str, Sequence[PlanItem]], now_ms: int) -> None:
    """Put plans in force from now, of any number of agents; the versions before them end."""
    for part in parts(list(changed)):
        newest = select(t.c.agent, func.max(t.c.version)).where(t.c.agent.in_(part)).group_by(t.c.agent)
        last = dict(conn.execute(newest).all())
        conn.execute(update(t).where(t.c.agent.in_(part), t.c.to_ms.is_(None)).values(to_ms=now_ms))
        conn.execute(insert(t), [_row(name, last.get(name, 0) + 1, changed[name], now_ms) for name in part])


def end(conn: Connection, agent: str, now_ms: int) -> None:
    """The agent is to measure nothing any more: what it would have measured is missed by nobody."""
    conn.execute(update(t).where(t.c.agent == agent, t.c.to_ms.is_(None)).values(to_ms=now_ms))


def _row(agent: str, version: int, items: Sequence[PlanItem], now_ms: int) -> dict[str, object]:
    body = _ENCODER.encode(items)
    sha256 = hashlib.sha256(body).hexdigest()
    return {"agent": agent, "version": version, "sha256": sha256, "items": body, "from_ms": now_ms}


def in_force(conn: Connection, agent: str) -> Plan:
    """The plan an agent is to follow now. Raises NotFound."""
    query = select(t.c.version, t.c.sha256, t.c["items"]).where(t.c.agent == agent, t.c.to_ms.is_(None))
    row = conn.execute(query).first()
    if row is None:
        raise NotFound(f"agent {agent} has no plan")
    return Plan(SCHEMA, row[0], row[1], msgspec.Raw(bytes(row[2])))


def items_of(conn: Connection, agent: str) -> list[PlanItem]:
    """The items of the plan in force. Raises NotFound."""
    return _DECODER.decode(in_force(conn, agent).items)
