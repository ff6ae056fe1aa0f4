"""`motcua collector plan`: what an agent or a centre is to measure, how often, and why something is not measured."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, or_, select

from collector.api import NotFound
from collector.hub import Hub
from collector.planning.province import Province, read_province
from collector.planning.services import OFF
from collector.register import plans
from collector.store.tables import agent, centre
from wire.messages import PlanItem, Scalar


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement of a plan in force, or with `period_s` None one that is not made; `why` is for people."""

    agent: str
    role: str
    centre: str
    subject: str
    probe: str
    target: str
    period_s: float | None
    settings: dict[str, Scalar]
    why: str

    @property
    def off(self) -> bool:
        """Whether it is a service that nobody wants measured now."""
        return self.why == OFF


def read_rows(hub: Hub, name: str) -> list[Row]:
    """The plans of an agent, or of every agent of a centre. Raises NotFound."""
    with hub.store.reading() as conn:
        mine = select(agent.c.id).where(or_(agent.c.id == name, agent.c.centre == name), agent.c.revoked_ms.is_(None))
        agents = list(conn.scalars(mine))
        if not agents and conn.scalar(select(centre.c.key).where(centre.c.key == name)) is None:
            raise NotFound(f"there is no centre {name}, and no agent of that name that may speak")
        province = read_province(conn, agents, hub.clock.wall_ms())
        return [row for each in agents for row in _rows_of(conn, province, each)]


def _rows_of(conn: Connection, province: Province, name: str) -> list[Row]:
    post = next(post for post in province.posts if post.agent == name)
    drawn = province.drawn(post)
    why = {wanted.key: wanted.why for wanted in drawn.items}
    rows = [
        Row(name, post.role, post.centre, item.subject, item.probe, item.target, item.period_s, item.settings, text)
        for item in plans.items_of(conn, name)
        for text in [why.get(_key(item), "the inventory has changed since: another plan is due")]
    ]
    missed = [*drawn.left_out, *(_unasked(province, post.centre) if post.leads and post.role != "pc" else ())]
    return [*rows, *(Row(name, post.role, post.centre, key, "", "", None, {}, text) for key, text in missed)]


def _unasked(province: Province, where: str) -> list[tuple[str, str]]:
    """Services that are not asked from this centre, each with its reason."""
    off = [(f"service:{key}@{where}", why) for key, why in province.demand.unasked.items()]
    drawn = [(f"service:{key}@{where}", a.why) for key, a in province.demand.asked.items() if where not in a.centres]
    return [*drawn, *off]


def _key(item: PlanItem) -> tuple[str, str, str]:
    return item.subject, item.probe, item.target


def documents(rows: list[Row]) -> list[dict[str, object]]:
    """The rows as JSON takes them."""
    return [msgspec.to_builtins(row) for row in rows]
