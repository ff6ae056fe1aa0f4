"""Plans: what each agent is to measure, every version kept with the interval it was in force."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, insert, select, update

from collector.api import NotFound
from collector.store.tables import plan as t
from collector.store.tables import subject
from wire.identity import new_ulid
from wire.messages import Plan, PlanItem, Role, Scalar

SCHEMA: Final = 1
_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(list[PlanItem])

_TRAIN: Final[dict[str, Scalar]] = {"packets": 5, "interval_s": 0.2, "timeout_s": 2.0}


def first_items(role: Role, *, device: str, lan: str | None, line: str | None, now_ms: int) -> list[PlanItem]:
    """The first plan of a newly enrolled agent; `lan` and `line` are None where another box measures them already."""
    items = [PlanItem(new_ulid(now_ms), device, "pc", "self", 60.0, 20.0)]
    if role == "box" and lan is not None:
        items.append(PlanItem(new_ulid(now_ms), lan, "reach", "gateway", 10.0, 8.0, _TRAIN))
    if role == "box" and line is not None:
        items.append(PlanItem(new_ulid(now_ms), line, "reach", "collector", 10.0, 8.0, _TRAIN))
    return items


def put(conn: Connection, agent: str, items: Sequence[PlanItem], now_ms: int) -> int:
    """Put a plan in force from now; the version before it ends. Returns its version."""
    body = _ENCODER.encode(items)
    last = conn.scalar(select(t.c.version).where(t.c.agent == agent).order_by(t.c.version.desc()).limit(1)) or 0
    conn.execute(update(t).where(t.c.agent == agent, t.c.to_ms.is_(None)).values(to_ms=now_ms))
    sha256 = hashlib.sha256(body).hexdigest()
    row = {"agent": agent, "version": last + 1, "sha256": sha256, "items": body, "from_ms": now_ms}
    conn.execute(insert(t).values(row))
    return last + 1


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


def is_measured(conn: Connection, key: str) -> bool:
    """Whether an agent owns the measurements of a subject already."""
    return conn.scalar(select(subject.c.agent).where(subject.c.key == key)) is not None
