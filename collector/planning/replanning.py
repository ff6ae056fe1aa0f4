"""Plans drawn anew and put in force where they changed, with the subjects that they are about.

`replan` is for whoever changes what plans depend on: enrolment, revocation, an import, a command on a centre or a line.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, bindparam, delete, insert, or_, select, update

from collector.inventory.bulk import CHUNK, parts
from collector.planning.budget import Allotment
from collector.planning.drawing import Drawn, Post
from collector.planning.province import Demand, Province, read_demand, read_province
from collector.register import plans
from collector.store.tables import agent as agents_table
from collector.store.tables import flip, plan, subject
from wire.identity import new_ulid
from wire.messages import PlanItem

_ITEMS: Final = msgspec.json.Decoder(list[PlanItem])
_CHUNK: Final = 500

Kept = Mapping[tuple[str, str, str], str]
"""The ids of items that stay, by subject, probe and target."""


def replan(conn: Connection, agents: Collection[str] | None, now_ms: int) -> list[str]:
    """Draw the plans of these agents anew (None: of all); the agents whose plan is another one from now.

    In the caller's transaction; wake `register` after its COMMIT. What did not change makes no new version.
    """
    return _replan(conn, read_province(conn, agents, now_ms), now_ms, whole=agents is None)


def replan_around(conn: Connection, centre: str, now_ms: int) -> list[str]:
    """Somebody came to `centre` or left it: draw its plans anew, and those of others whose share of a service moved."""
    demand = read_demand(conn, now_ms)
    mine = select(agents_table.c.id).where(agents_table.c.centre == centre, agents_table.c.revoked_ms.is_(None))
    concerned = {*conn.scalars(mine), *_moved_by(demand, centre)}
    return _replan(conn, read_province(conn, concerned, now_ms, demand), now_ms, whole=False)


def _replan(conn: Connection, province: Province, now_ms: int, *, whole: bool) -> list[str]:
    drawn = {post.agent: province.drawn(post) for post in province.posts}
    own(conn, province, drawn, now_ms, whole=whole)
    held = _in_force(conn, list(drawn))
    changed = {name: _items(found, held.get(name, []), now_ms) for name, found in drawn.items()}
    changed = {name: items for name, items in changed.items() if items != held.get(name)}
    plans.put_all(conn, changed, now_ms)
    return list(changed)


def _moved_by(demand: Demand, centre: str) -> Iterator[str]:
    """The agents elsewhere whose share of a service differs with and without this centre."""
    if not demand.services:
        return
    there = centre in demand.askers
    toggled = demand.share(demand.askers.keys() - {centre} if there else {*demand.askers, centre})
    pairs = [(demand.asked[key], toggled[key]) for key in demand.services]
    for key, name in demand.askers.items():
        if key != centre and any(_turn(now, key) != _turn(other, key) for now, other in pairs):
            yield name


def _turn(allotment: Allotment, centre: str) -> float:
    return allotment.period_s if centre in allotment.centres else 0.0


def _in_force(conn: Connection, agents: Sequence[str]) -> dict[str, list[PlanItem]]:
    found: dict[str, list[PlanItem]] = {}
    for part in parts(agents):
        query = select(plan.c.agent, plan.c["items"]).where(plan.c.agent.in_(part), plan.c.to_ms.is_(None))
        found |= {name: _ITEMS.decode(bytes(body)) for name, body in conn.execute(query)}
    return found


def _items(drawn: Drawn, held: Sequence[PlanItem], now_ms: int) -> list[PlanItem]:
    """Plan items; one keeps its id while its subject, probe and target stay."""
    ids: Kept = {(item.subject, item.probe, item.target): item.id for item in held}
    return [
        PlanItem(
            ids.get(w.key) or new_ulid(now_ms), w.subject, w.probe, w.target, w.period_s, w.deadline_s,
            dict(w.settings),
        )
        for w in drawn.items
    ]  # fmt: skip


# --- subjects -------------------------------------------------------------------------------------------------------


def own(conn: Connection, province: Province, drawn: Mapping[str, Drawn], now_ms: int, *, whole: bool) -> None:
    """Give every subject measured from its own centre to its agent, made where it is missing; let go of the others."""
    wanted = {key: post for post in province.posts for key in _owned(post, drawn[post.agent])}
    rows = dict(_owned_now(conn, list(drawn), list(wanted)))
    _set_owner(conn, {key: None for key, name in rows.items() if key not in wanted and name in drawn})
    _set_owner(conn, {key: post.agent for key, post in wanted.items() if key in rows and rows[key] != post.agent})
    missing = [_row(key, post.centre, post.agent, now_ms) for key, post in wanted.items() if key not in rows]
    asked = {f"service:{key}" for key, allotment in province.demand.asked.items() if allotment.centres}
    there = set(conn.scalars(select(subject.c.key).where(subject.c.key.in_(asked)))) if asked else set[str]()
    missing += [_row(key, "", None, now_ms) for key in sorted(asked - there)]
    if missing:
        conn.execute(insert(subject), missing)
    if whole:
        _forget_unmeasured(conn, asked)


def _owned(post: Post, drawn: Drawn) -> Iterator[str]:
    """The subjects of a plan that belong to the agent's own place: not the lines a vantage looks at from afar."""
    for key in dict.fromkeys(item.subject for item in drawn.items):
        kind = key.partition(":")[0]
        if kind == "service" or (kind in {"lan", "line"} and post.role == "box"):
            yield key


def _owned_now(conn: Connection, agents: Sequence[str], keys: Sequence[str]) -> Iterable[tuple[str, str | None]]:
    kinds = subject.c.kind.in_(("lan", "line", "service"))
    query = select(subject.c.key, subject.c.agent).where(kinds)
    if len(agents) + len(keys) > CHUNK:
        return [tuple(row) for row in conn.execute(query)]
    return [tuple(r) for r in conn.execute(query.where(or_(subject.c.agent.in_(agents), subject.c.key.in_(keys))))]


def _set_owner(conn: Connection, owners: Mapping[str, str | None]) -> None:
    if owners:
        statement = update(subject).where(subject.c.key == bindparam("its_key")).values(agent=bindparam("owner"))
        conn.execute(statement, [{"its_key": key, "owner": name} for key, name in owners.items()])


def _row(key: str, centre: str, owner: str | None, now_ms: int) -> dict[str, object]:
    kind, _, rest = key.partition(":")
    label = rest.partition("@")[0] if kind == "service" else ""
    return {"key": key, "kind": kind, "centre": centre, "label": label, "agent": owner, "created_ms": now_ms}


def _forget_unmeasured(conn: Connection, asked: set[str]) -> None:
    """Services that are asked no longer stay with their history; one that never had a state was a mistake."""
    idle = select(subject.c.key).where(subject.c.kind == "service", subject.c.agent.is_(None))
    keys = [key for key in conn.scalars(idle) if key not in asked]
    for part in parts(keys):
        judged = set(conn.scalars(select(flip.c.subject).where(flip.c.subject.in_(part)).distinct()))
        conn.execute(delete(subject).where(subject.c.key.in_([key for key in part if key not in judged])))
