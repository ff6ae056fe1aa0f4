"""Lines with an inventory, and what is measured of them besides trains: for tests over a store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from collector.hub import Hub
from collector.judge.facts import Fact, Reading
from collector.store.inventory_tables import import_run, inventory
from collector.store.tables import subject
from tests.support.measured import BOX, LINE, ms
from wire.outcomes import Outcome

DOWN: Final = "motcua_line_download_bps"
UP: Final = "motcua_line_upload_bps"


def declare(hub: Hub, kind: str, rows: Mapping[str, Mapping[str, object]], at_ms: int = 0) -> None:
    """Rows of the inventory as an import at a time would leave them; those of the same key end."""

    def job(conn: Connection) -> None:
        number = conn.execute(insert(import_run).values(
            at_ms=at_ms, actor="test", source="", sha256="", counts="{}",
        ).returning(import_run.c.id)).scalar_one()  # fmt: skip
        for key, body in rows.items():
            mine = (inventory.c.kind == kind) & (inventory.c.key == key) & inventory.c.to_ms.is_(None)
            conn.execute(update(inventory).where(mine).values(to_ms=at_ms, ended_by=number))
            conn.execute(insert(inventory).values(
                kind=kind, key=key, from_ms=at_ms, body=msgspec.json.encode(body).decode(), made_by=number,
            ))  # fmt: skip
            name = f"line:{key}"
            if kind == "lines" and not conn.scalar(select(func.count()).where(subject.c.key == name)):
                conn.execute(insert(subject).values(
                    key=name, kind="line", centre=key.partition("/")[0], label="", agent=None, created_ms=at_ms,
                ))  # fmt: skip

    hub.store.writer.do(job)


def line(**more: object) -> dict[str, object]:
    """A row of lines.csv."""
    return {"kind": "internet", "carrier": "vnpt", "contract_bps": 100_000_000, "reach_by": "default"} | more


def speed_test(
    second: float, megabits: float = 0.0, *, stamp: str = "valid", subject: str = LINE, up: float = 0.0
) -> Fact:
    """A test of a line's speed; one that is not valid has the figure under its stamp, if any."""
    read = tuple(Reading(name, stamp, value * 1e6) for name, value in ((DOWN, megabits), (UP, up)) if value)
    outcome: Outcome = {"valid": "ok", "no_answer": "fail"}.get(stamp, "unknown")  # type: ignore[assignment]
    why = None if stamp == "valid" else stamp
    name = f"{BOX}/{subject}/bandwidth/{round(second * 1000)}"
    return Fact(ms(second), subject, BOX, "bandwidth", "province", outcome, why, 86_400_000, name, 0, readings=read)


def use(at_ms: int, receive_bps: float, transmit_bps: float, subject: str = LINE) -> Fact:
    """Five minutes of a line's use."""
    figures = (("motcua_line_receive_bps", receive_bps), ("motcua_line_transmit_bps", transmit_bps))
    read = tuple(Reading(name, "", value) for name, value in figures)
    name = f"{BOX}/{subject}/use/{at_ms}"
    return Fact(at_ms, subject, BOX, "use", "interface", "ok", None, 300_000, name, 0, readings=read)
