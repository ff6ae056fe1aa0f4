"""Delivery with everything around it but people: an outbox in a real store, a province in memory."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.resources import files
from pathlib import Path

import msgspec
from prometheus_client import CollectorRegistry
from sqlalchemy import Connection, insert, select, update

from alerts.api import Incident, Said
from alerts.deliver.loop import Delivery
from alerts.deliver.message import Kind, Message
from alerts.deliver.outbox import put
from alerts.desk import Desk
from alerts.dispatch import Audience
from alerts.tables import happened, incident_place, outbox
from alerts.tables import incident as incident_table
from collector.api import Place, PolicyVersion, Team
from collector.judging.policy import parse_policy
from collector.judging.thresholds import thresholds
from collector.store.databases import Store
from tests.support.handclock import HandClock
from tests.support.mailing import Receiver
from tests.support.people_channel import Left
from tests.support.reader_double import World
from tests.support.telling import NOW_MS, incident

TEAM = Audience("team:vnpt-bac", "An", "+84 000 001 100", "vnpt-bac@example.com")
OFFICER = Audience("officer", email="officer@example.com")
PEOPLE = "tests.support.people_channel"
SETTINGS = """
[channels.mail]
kind = "{kind}"
url = "{url}/mail"
[routes."*"]
channels = ["mail"]
"""


def province() -> World:
    """A team, and the example policy in force."""
    body = files("province").joinpath("policy.toml").read_text("utf-8")
    world = World(now=NOW_MS)
    world.kept_policies = [PolicyVersion(1, 0, body, "", thresholds(parse_policy(body.encode(), "policy")))]
    world.known_teams = [Team("vnpt-bac", "Tổ VNPT bắc", "VNPT north", "vnpt", (), ("line",))]
    world.known_places = {"07210-1": Place(hours="common")}
    return world


@dataclass(slots=True)
class Bench:
    """`delivery` as one process has it; `restart` is another one on the same store."""

    store: Store
    clock: HandClock
    home: Path
    world: World = field(default_factory=province)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    delivery: Delivery = field(init=False)

    def __post_init__(self) -> None:
        self.clock.wall = NOW_MS
        self.restart()

    @property
    def desk(self) -> Desk:
        return Desk(self.store, self.world, self.world, self.clock, lambda _topic: None, self.home, self.registry)

    def restart(self) -> None:
        self.registry = CollectorRegistry()
        self.delivery = Delivery(self.desk, chance=random.Random(1), patience_s=20.0)

    def settle(self, text: str) -> None:
        (self.home / "alerts.toml").write_text(text, "utf-8")

    def step(self, after_s: float = 0.0, turns: int = 1) -> float:
        """Turns at the same moment, `after_s` from now; the pause after the last."""
        self.clock.forward(round(1000 * after_s))
        self.world.now = self.clock.wall
        return [self.delivery.step() for _ in range(turns)][-1]

    # --- incidents --------------------------------------------------------------------------------------------------

    def open(self, one: Incident | None = None, **changed: object) -> Incident:
        """An incident on record."""
        made = one or incident()
        row = {
            "id": made.id, "number": made.number, "cause": made.id, "stage": made.stage,
            "verdict": msgspec.json.encode(made.verdict).decode(), "since_ms": made.since_ms,
            "ended_ms": made.ended_ms, "opened_ms": made.opened_ms, "closed_ms": made.closed_ms, "team": made.team,
            "reopened": made.reopened, "revisions": made.revisions, "muted_until_ms": made.muted_until_ms,
        } | changed  # fmt: skip
        places = [{"incident": made.id, "centre": key, "affected": False} for key in made.verdict.centres]

        def job(conn: Connection) -> None:
            conn.execute(insert(incident_table).values(row))
            if places:
                conn.execute(insert(incident_place), places)

        self.store.writer.do(job)
        return made

    def change(self, one: Incident, **changed: object) -> None:
        own = update(incident_table).where(incident_table.c.id == one.id).values(changed)
        self.store.writer.do(lambda conn: conn.execute(own))

    def many(self, count: int) -> list[Incident]:
        """So many incidents, at a centre each."""
        return [self.open(incident(key=f"01J00000000000000000000{n:03}", number=n)) for n in range(1, count + 1)]

    def stage(self, one: Incident) -> str:
        with self.store.reading() as conn:
            return str(conn.scalar(select(incident_table.c.stage).where(incident_table.c.id == one.id)))

    def story(self, one: Incident) -> list[Said]:
        with self.store.reading() as conn:
            query = select(happened.c.said).where(happened.c.incident == one.id).order_by(happened.c.seq)
            return [msgspec.json.decode(text or "", type=Said) for text in conn.scalars(query)]

    # --- messages ---------------------------------------------------------------------------------------------------

    def put(
        self, one: Incident, kind: Kind = "call", audience: Audience = TEAM, *, turn: str | None = None,
        due_ms: int | None = None,
    ) -> None:  # fmt: skip
        self.store.writer.do(partial(
            put, incident=one, kind=kind, audience=audience, message=saying(one, kind), now_ms=self.clock.wall,
            due_ms=self.clock.wall if due_ms is None else due_ms, turn=turn,
        ))  # fmt: skip

    def rows(self) -> list[Mapping[str, object]]:
        with self.store.reading() as conn:
            found = conn.execute(select(outbox).order_by(outbox.c.created_ms, outbox.c.key)).all()
        return [dict(row._mapping) for row in found]

    def states(self) -> list[object]:
        return [row["state"] for row in self.rows()]

    def only(self) -> Mapping[str, object]:
        (row,) = self.rows()
        return row


def saying(one: Incident, kind: Kind) -> Message:
    return Message(
        incident=one.id, number=one.number, kind=kind, owner=one.verdict.owner, state=one.verdict.state,
        title=Said("message.since", {"since_ms": one.since_ms}), link=f"/incidents/{one.number}",
        centres=list(one.verdict.centres), since_ms=one.since_ms, ended_ms=one.ended_ms,
    )  # fmt: skip


def letters(receiver: Receiver) -> Sequence[Left]:
    """What came, read."""
    return [msgspec.json.decode(came.body, type=Left) for came in receiver.came]
