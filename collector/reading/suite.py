"""The suite about itself: its agents, their plans, its readers' lags, its ledger, its disk."""

from __future__ import annotations

from operator import attrgetter
from typing import Final

import msgspec
from sqlalchemy import Connection, func, select, text

from collector.api import AgentInfo, Expected, Ledger, PlannedItem, SuiteHealth
from collector.fleet import version
from collector.health import disk_free_bytes
from collector.hub import Hub
from collector.register.places import agents_at
from collector.store.tables import agent, condition, cursor, heard, inbox, join_code, ledger, plan, subject, ts_cursor
from collector.store.whole import Whole
from wire.messages import PlanItem, Role

LEDGER_ROWS: Final = 200
EXPECTED_ROWS: Final = 10_000
INGEST: Final = "ingest"
READERS: Final = ("judge", "history")

_Agent = tuple[str, str, Role, str, str, int, int | None, int | None, int | None, int | None, int | None, str]

_AGENTS: Final = (
    select(
        agent.c.id, agent.c.centre, agent.c.role, agent.c.name, agent.c.version, agent.c.enrolled_ms,
        agent.c.revoked_ms, heard.c.last_ms, heard.c.alert_after_ms, heard.c.skew_ms, plan.c.version.label("plan"),
        agent.c.device,
    )
    .outerjoin(heard, heard.c.agent == agent.c.id)
    .outerjoin(plan, (plan.c.agent == agent.c.id) & plan.c.to_ms.is_(None))
)  # fmt: skip
_EVERY_AGENT: Final = Whole(_AGENTS, list[_Agent])
_CONDITIONS: Final = select(condition.c.agent, condition.c.name).where(condition.c.to_ms.is_(None))
_ITEMS: Final = msgspec.json.Decoder(list[PlanItem])


def read_agents(conn: Connection, now_ms: int, centre: str | None = None, role: str | None = None) -> list[AgentInfo]:
    """Every agent that was ever enrolled, of one centre or of all, in one role or in any."""
    held: dict[str, list[str]] = {}
    for name, what in conn.execute(_CONDITIONS):
        held.setdefault(name, []).append(what)
    asked = [column == value for column, value in ((agent.c.centre, centre), (agent.c.role, role)) if value is not None]
    rows = conn.execute(_AGENTS.where(*asked)) if asked else _EVERY_AGENT.read(conn)
    found = [
        AgentInfo(
            name, place, role, called, version, enrolled_ms, revoked_ms, last_ms,
            alert_ms is None or alert_ms <= now_ms, skew_ms, number or 0, tuple(sorted(held.get(name, ()))),
            device,
        )
        for name, place, role, called, version, enrolled_ms, revoked_ms, last_ms, alert_ms, skew_ms, number, device
        in rows
    ]  # fmt: skip
    return sorted(found, key=attrgetter("centre", "id"))


def read_expected(conn: Connection) -> list[Expected]:
    """Join codes without an agent that came by them."""
    unused = select(join_code).where(join_code.c.used_ms.is_(None)).order_by(join_code.c.created_ms.desc())
    return [
        Expected(row.centre, row.role, row.created_ms, row.expires_ms)
        for row in conn.execute(unused.limit(EXPECTED_ROWS))
    ]


def read_planned(conn: Connection, centre: str) -> list[PlannedItem]:
    """The items of every plan in force at a centre."""
    query = select(plan.c.agent, plan.c["items"]).join(agent, agent.c.id == plan.c.agent)
    mine = query.where(agent.c.centre == centre, plan.c.to_ms.is_(None), agent.c.revoked_ms.is_(None))
    return [
        PlannedItem(item.id, name, item.subject, item.probe, item.target, item.period_s)
        for name, body in conn.execute(mine.order_by(plan.c.agent))
        for item in _ITEMS.decode(bytes(body))
    ]


def agents_beside(conn: Connection, key: str) -> list[str]:
    """Every agent that stands, or stood once, at the centre a subject belongs to."""
    where = conn.scalar(select(subject.c.centre).where(subject.c.key == key))
    return [] if where is None else agents_at(conn, where)


def read_health(hub: Hub) -> SuiteHealth:
    """How motcua itself is, from indexes and counters."""
    now_ms = hub.clock.wall_ms()
    with hub.store.reading_ts() as conn:
        seqs = {row.name: row.seq for row in conn.execute(select(ts_cursor.c.name, ts_cursor.c.seq))}
    with hub.store.reading() as conn:
        seqs |= {row.name: row.seq for row in conn.execute(select(cursor.c.name, cursor.c.seq))}
        newest = conn.execute(select(inbox.c.seq, inbox.c.received_ms).order_by(inbox.c.seq.desc()).limit(1)).first()
        lags = {name: _lag_s(conn, seqs.get(name, 0), newest.received_ms if newest else 0) for name in READERS}
        days = conn.execute(select(ledger).order_by(ledger.c.day.desc(), ledger.c.agent).limit(LEDGER_ROWS))
        counts = tuple(Ledger(*row) for row in days)
        agents = conn.scalar(select(func.count()).select_from(agent).where(agent.c.revoked_ms.is_(None))) or 0
        live = heard.join(agent, (agent.c.id == heard.c.agent) & agent.c.revoked_ms.is_(None))
        quiet = heard.c.alert_after_ms.is_(None) | (heard.c.alert_after_ms <= now_ms)
        silent = conn.scalar(select(func.count()).select_from(live).where(quiet)) or 0
        rows, size = _inbox_size(conn, hub.store.dialect)
    return SuiteHealth(
        now_ms, version(), hub.roles, hub.store.dialect, rows, size, newest.received_ms if newest else None,
        lags, hub.store.writer.depth, hub.store.writer.commit_p99_s(), agents, silent, counts, disk_free_bytes(hub),
        hub.counters.refused() if INGEST in hub.roles else None,
    )  # fmt: skip


def _lag_s(conn: Connection, seq: int, newest_ms: int) -> float:
    """Seconds between the oldest row a reader has not taken and the newest there is."""
    oldest = conn.scalar(select(inbox.c.received_ms).where(inbox.c.seq > seq).order_by(inbox.c.seq).limit(1))
    return 0.0 if oldest is None else max(0.0, (newest_ms - oldest) / 1000)


def _inbox_size(conn: Connection, dialect: str) -> tuple[int, int]:
    """Rows of the inbox, by its first and last, and bytes on disk of what holds it: counting them would read it all."""
    first, last = conn.execute(select(func.min(inbox.c.seq), func.max(inbox.c.seq))).one()
    if dialect == "postgresql":
        size = conn.scalar(text("SELECT pg_total_relation_size('inbox')"))
    else:
        size = conn.scalar(text("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"))
    return (0 if first is None else last - first + 1), int(size or 0)
