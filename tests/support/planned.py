"""A province for tests of plans: written by an import, filled by enrolments, on a hub's store."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import func, select

from collector.api import Actor
from collector.commands import create_join_code
from collector.hub import Hub
from collector.inventory import importing
from collector.register import enrolment, plans
from collector.store import tables
from wire.messages import Enrol, Enrolled, PlanItem, Role

LAN: Final = Actor("Lan", "cli")
KEY: Final = base64.b64encode(bytes(32)).decode()
LINES: Final = "key,kind,carrier,cpe_address,reach_by\n"
CENTRES: Final = "key,name_vi\n07375-1,Xã Lạng Giang\n07330-1,Xã Phúc Hoà\n"
THREE_LINES: Final = (
    LINES + "07375-1/a,internet,vnpt,192.0.2.1,default\n07375-1/b,tslcd,vnpt,192.0.2.2,interface:eth1\n"
    "07330-1/a,internet,viettel,,none\n"
)
SERVICE: Final = """[[services]]
id = "{id}"
name_vi = "Cổng"
name_en = "Portal"
owner = "A"
scope = "{scope}"
url = "https://{id}.example.vn/"
checks = ["http", "tls"]
slow_s = 5
period_s = {period_s}
budget_per_minute = {budget}
on = {on}
confidence = "confirmed"
"""


def service(
    key: str = "portal", *, scope: str = "province", period_s: int = 120, budget: int = 50, on: bool = True
) -> str:
    """A row of services.toml."""
    return SERVICE.format(id=key, scope=scope, period_s=period_s, budget=budget, on=str(on).lower())


def province(hub: Hub, folder: Path, *, lines: str = THREE_LINES, services: str = "", centres: str = CENTRES) -> None:
    """Import a province of these tables."""
    folder.mkdir(exist_ok=True)
    for name, text in (("centres.csv", centres), ("lines.csv", lines), ("services.toml", services or "services = []")):
        (folder / name).write_text(text, "utf-8")
    importing.carry_out(hub, LAN, importing.prepare(hub, folder, _quiet), _quiet)


def undo(hub: Hub) -> None:
    """Take the last import back."""
    importing.carry_out(hub, LAN, importing.prepare_undo(hub), _quiet)


def enrol(hub: Hub, centre: str = "07375-1", role: Role = "box") -> Enrolled:
    """A new agent, without a socket between."""
    code = create_join_code(hub, centre, role, name_vi="Trung tâm")
    word, now_ms = Enrol(code, role, "0.1.0", [], KEY, KEY, role), hub.clock.wall_ms()
    return hub.store.writer.do(lambda conn: enrolment.enrol(conn, word, now_ms))


def items(hub: Hub, agent: str) -> list[PlanItem]:
    """The plan in force."""
    with hub.store.reading() as conn:
        return plans.items_of(conn, agent)


def told(hub: Hub, agent: str, probe: str = "") -> list[tuple[str, str]]:
    """Subjects and targets of a plan, all of them or of one probe."""
    return [(item.subject, item.target) for item in items(hub, agent) if probe in {"", item.probe}]


def versions(hub: Hub, agent: str) -> int:
    """How many plans an agent has had."""
    with hub.store.reading() as conn:
        count = select(func.count()).select_from(tables.plan).where(tables.plan.c.agent == agent)
        return conn.scalar(count) or 0


def owners(hub: Hub, kinds: Sequence[str] = ("lan", "line", "service")) -> dict[str, tuple[str, str | None]]:
    """Subjects of these kinds: their centre and the agent that measures them."""
    t = tables.subject
    with hub.store.reading() as conn:
        rows = conn.execute(select(t.c.key, t.c.centre, t.c.agent).where(t.c.kind.in_(kinds)))
        return {row.key: (row.centre, row.agent) for row in rows}


def encoded(found: Sequence[PlanItem]) -> bytes:
    """Items as they are stored and sent."""
    return msgspec.json.encode(list(found))


def _quiet(_stage: str, _done: int, _total: int) -> None:
    pass
