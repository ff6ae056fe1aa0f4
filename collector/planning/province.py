"""What plans are drawn from, read from the store: who is there, which lines there are, who asks which service."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import Connection, func, select

from collector.inventory.cells import Value
from collector.inventory.relations import OWN_ROOMS
from collector.inventory.schema import Body
from collector.judging.policy import (
    Policies,
    PolicyError,
    Version,
    parse_policy,
    read_policies,
    read_policy_file,
)
from collector.planning.budget import Allotment, Service, allot
from collector.planning.drawing import UNDECLARED, Drawn, Line, Post, Turn, draw
from collector.planning.quality import Quality, add_quality, read_quality
from collector.planning.services import host_of, service_of
from collector.planning.speedtests import Rhythm, add_tests
from collector.planning.watching import add_watches
from collector.register import retired
from collector.store.inventory_tables import inventory
from collector.store.lease_tables import measure_server
from collector.store.tables import agent, subject
from wire.messages import Role

_BODY: Final = msgspec.json.Decoder(dict[str, Value])
_ROLES: Final[Mapping[str, Role]] = {"box": "box", "pc": "pc", "vantage": "vantage"}


@dataclass(frozen=True, slots=True)
class Demand:
    """What is to be asked of services: those that are measured, why others are not, who could ask, and who does.

    `askers`: centre → the agent that asks from there, its vantage, else its box. `asked`: the allotment of a service.
    """

    services: Mapping[str, Service]
    unasked: Mapping[str, str]
    askers: Mapping[str, str]
    hold_s: float
    asked: Mapping[str, Allotment]

    def share(self, centres: Iterable[str]) -> dict[str, Allotment]:
        """The allotments if these were the centres that ask."""
        return share(self.services, centres, self.hold_s)

    def turns(self, post: Post) -> list[Turn]:
        """What an agent is to ask."""
        if self.askers.get(post.centre) != post.agent:
            return []
        return [
            Turn(key, service.target, self.asked[key].period_s, service.private, self.asked[key].why)
            for key, service in self.services.items()
            if post.centre in self.asked[key].centres
        ]

    def name(self) -> str:
        """What a line's resolver is asked for: the host of the first service that is the province's own."""
        own = (host_of(service) for service in self.services.values() if not service.national)
        return next(filter(None, own), "")


@dataclass(frozen=True, slots=True)
class Province:
    """`posts` are the live agents that are asked about, with the `lines` by centre that they need.

    `out`: the subjects that are out of service. `rhythm`: how lines' speed is tested; None: it is not. `quality`: who
    measures by the reflector; None: there is none.
    """

    posts: Sequence[Post]
    lines: Mapping[str, Sequence[Line]]
    demand: Demand
    out: Collection[str] = ()
    rhythm: Rhythm | None = None
    quality: Quality | None = None

    def drawn(self, post: Post) -> Drawn:
        """The plan of one of the posts."""
        lines = self._lines_of(post)
        found = draw(post, lines, self.demand.turns(post), name=self.demand.name())
        add_quality(found, post, lines, self.quality)
        add_watches(found, post, lines)
        add_tests(found, post, lines, self.rhythm)
        return found

    def _lines_of(self, post: Post) -> Sequence[Line]:
        if post.role == "vantage":
            lines: Sequence[Line] = [line for its in self.lines.values() for line in its] if post.leads else ()
        else:
            lines = self.lines.get(post.centre) or [Line(f"{post.centre}/a", UNDECLARED)]
        return [line for line in lines if line.subject not in self.out and not self._closed(line)]

    def _closed(self, line: Line) -> bool:
        """Whether the centre of a line is out of service, and its lines with it."""
        return f"centre:{line.key.partition('/')[0]}" in self.out


def read_province(
    conn: Connection, agents: Collection[str] | None, now_ms: int, demand: Demand | None = None
) -> Province:
    """All that the plans of these agents depend on; of all agents where it is None."""
    posts = _posts(conn, agents)
    far = agents is None or any(post.role == "vantage" and post.leads for post in posts)
    within = None if far else {post.centre for post in posts if post.leads}
    lines, out = _lines(conn, within), retired.everything(conn)
    asked = demand or read_demand(conn, now_ms)
    return Province(posts, lines, asked, out, _rhythm(conn, now_ms), read_quality(conn))


def read_demand(conn: Connection, now_ms: int) -> Demand:
    """What the inventory, the register and the policy say of services now."""
    found = {key: service_of(body) for key, body in sorted(_service_rows(conn).items())}
    services = {key: service for key, service in found.items() if isinstance(service, Service)}
    unasked = {key: why for key, why in found.items() if isinstance(why, str)}
    if not services:
        return Demand({}, unasked, {}, 0.0, {})
    leads = sorted(_leads(conn, None).items(), key=lambda lead: lead[0][1] == "vantage")
    askers, hold_s = {centre: name for (centre, _), name in leads}, read_hold_s(conn, now_ms)
    return Demand(services, unasked, askers, hold_s, share(services, askers, hold_s))


def share(services: Mapping[str, Service], centres: Iterable[str], hold_s: float) -> dict[str, Allotment]:
    """The allotment of every service among these centres."""
    asking = list(centres)
    own = [centre for centre in asking if centre.startswith(OWN_ROOMS)]
    return {key: allot(service, asking, first=own, hold_s=hold_s) for key, service in services.items()}


def read_hold_s(conn: Connection, now_ms: int) -> float:
    """How long a measurement holds at most by the policy in force; by the example's before the judge kept one."""
    return policies_in_force(conn).at(now_ms).policy.time.hold_at_most_s


def policies_in_force(conn: Connection) -> Policies:
    """Every version kept; the example's before the judge kept one."""
    try:
        return read_policies(conn)
    except PolicyError:
        return Policies((Version(0, 0, parse_policy(*read_policy_file(None))),))


def _rhythm(conn: Connection, now_ms: int) -> Rhythm | None:
    """None where there is no measurement server: nothing is planned that nobody could do."""
    if conn.scalar(select(measure_server.c.url).limit(1)) is None:
        return None
    policy = policies_in_force(conn).at(now_ms).policy.bandwidth
    return Rhythm(policy.period_s, policy.spare_period_s, policy.test_s, policy.enough_s, policy.enough_bytes)


def _posts(conn: Connection, agents: Collection[str] | None) -> list[Post]:
    query = select(agent.c.id, agent.c.role, agent.c.centre, agent.c.device).where(agent.c.revoked_ms.is_(None))
    if agents is not None:
        query = query.where(agent.c.id.in_(agents))
    rows = conn.execute(query.order_by(agent.c.centre, agent.c.id)).all()
    leads = _leads(conn, None if agents is None else {row.centre for row in rows})
    return [
        Post(row.id, _ROLES[row.role], row.centre, row.device, leads.get((row.centre, row.role)) == row.id)
        for row in rows
    ]


def _leads(conn: Connection, centres: Collection[str] | None) -> dict[tuple[str, str], str]:
    """(centre, role) → the agent that leads: the one that measures the lan already, else the first that enrolled."""
    query = select(agent.c.centre, agent.c.role, agent.c.id).where(agent.c.revoked_ms.is_(None), agent.c.role != "pc")
    owners = select(subject.c.agent).where(subject.c.kind == "lan", subject.c.agent.is_not(None))
    if centres is not None:
        query, owners = query.where(agent.c.centre.in_(centres)), owners.where(subject.c.centre.in_(centres))
    there, found = set(conn.scalars(owners)), dict[tuple[str, str], str]()
    for row in conn.execute(query.order_by(agent.c.enrolled_ms, agent.c.id)):
        key = (row.centre, row.role)
        if key not in found or (row.id in there and found[key] not in there):
            found[key] = row.id
    return found


def _lines(conn: Connection, centres: Collection[str] | None) -> dict[str, list[Line]]:
    """The lines that the inventory holds now, by the centre their subject belongs to."""
    t = inventory
    query = select(subject.c.centre, t.c.key, t.c.body).where(
        subject.c.kind == "line", t.c.kind == "lines", t.c.key == func.substr(subject.c.key, len("line:") + 1),
        t.c.to_ms.is_(None),
    )  # fmt: skip
    if centres is not None:
        query = query.where(subject.c.centre.in_(centres))
    found: dict[str, list[Line]] = {}
    for centre, key, raw in sorted(tuple(row) for row in conn.execute(query)):
        body = _BODY.decode(raw)
        told = (str(body.get(name, "")) for name in ("reach_by", "cpe_address", "kind", "counters"))
        found.setdefault(centre, []).append(Line(key, *told))
    return found


def _service_rows(conn: Connection) -> dict[str, Body]:
    t = inventory
    query = select(t.c.key, t.c.body).where(t.c.kind == "services", t.c.to_ms.is_(None))
    return {key: _BODY.decode(body) for key, body in conn.execute(query)}
