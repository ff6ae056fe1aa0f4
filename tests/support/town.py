"""A store with centres in it, and inbox rows as the door would leave them: for loops that read, without the door."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Final

import msgspec
from sqlalchemy import Connection, insert

from collector.hub import Hub
from collector.judge.facts import Fact
from collector.register import plans, presence
from collector.store import tables
from tests.support.measured import BOX, DEVICE, LAN, LINE
from wire.codec import encode_batch
from wire.messages import Batch, Observation, PlanItem, Value

EPOCH: Final = "00000000-0000-4000-8000-00000000000a"
BOOT: Final = "00000000-0000-4000-8000-00000000000b"


@dataclass(slots=True)
class Town:
    """Centres on a hub's store. What is sent is timed by its facts."""

    hub: Hub
    batches: count[int] = field(default_factory=lambda: count(1))

    def settle(self, centre: str = "00000-1", agent: str = BOX, device: str = DEVICE) -> None:
        """Make a centre with one box, a lan, a line and a plan in force since the year 2025."""
        lan, line = LAN.replace("00000-1", centre), LINE.replace("00000-1", centre)
        owned = {f"centre:{centre}": None, lan: agent, line: agent, device: agent, f"agent:{agent}": agent}
        items = [
            PlanItem(f"{agent}-1", lan, "reach", "gateway", 10.0, 8.0),
            PlanItem(f"{agent}-2", line, "reach", "collector", 10.0, 8.0),
            PlanItem(f"{agent}-3", device, "pc", "self", 60.0, 20.0),
        ]

        def job(conn: Connection) -> None:
            conn.execute(insert(tables.centre).values(key=centre, name_vi="Phường", name_en="Ward", created_ms=0))
            conn.execute(insert(tables.agent).values(
                id=agent, centre=centre, role="box", name="box", version="0.1", capabilities="[]", sign_key="",
                seal_key="", device=device, enrolled_ms=0,
            ))  # fmt: skip
            for key, owner in owned.items():
                conn.execute(insert(tables.subject).values(
                    key=key, kind=key.partition(":")[0], centre=centre, label="", agent=owner, created_ms=0,
                ))  # fmt: skip
            plans.put(conn, agent, items, 1_735_689_600_000)

        self.hub.store.writer.do(job)

    def hear(self, at_ms: int, agent: str = BOX, *, since_ms: int | None = None) -> None:
        """A heartbeat; with `since_ms` one every forty seconds from then on."""
        for beat in (*range(since_ms or at_ms, at_ms, 40_000), at_ms):
            self.hub.store.writer.do(partial(presence.hear, beats={agent: beat}))

    def send(self, facts: Sequence[Fact], *, received_ms: int | None = None, agent: str = BOX) -> None:
        """One batch with these facts, in the inbox."""
        row = self.row(facts, received_ms=received_ms, agent=agent)
        self.hub.store.writer.do(lambda conn: conn.execute(insert(tables.inbox).values(row)))

    def row(self, facts: Sequence[Fact], *, received_ms: int | None = None, agent: str = BOX) -> dict[str, object]:
        """The inbox row of a batch."""
        number = next(self.batches)
        times = [fact.at for fact in facts]
        raw = encode_batch(Batch(EPOCH, number, BOOT), [_observation(n, fact) for n, fact in enumerate(facts)])
        return {
            "agent": agent, "epoch": EPOCH, "batch": number, "sha256": "", "boot_id": BOOT, "offset_ms": 0,
            "received_ms": received_ms or max(times), "at_min_ms": min(times), "at_max_ms": max(times),
            "items": len(facts), "rejected": "[]", "body": gzip.compress(raw, 1, mtime=0),
        }  # fmt: skip


def _observation(n: int, fact: Fact) -> Observation:
    kind = fact.subject.partition(":")[0]
    values = [Value(r.metric, r.value, r.of or None) for r in fact.readings]
    if fact.sent:
        values += [
            Value(f"motcua_{kind}_sent_packets", float(fact.sent)),
            Value(f"motcua_{kind}_received_packets", float(fact.received)),
        ]
    if fact.rtt_s is not None:
        values.append(Value(f"motcua_{kind}_rtt_seconds", fact.rtt_s))
    if fact.total_s is not None:
        values.append(Value("motcua_service_total_seconds", fact.total_s, "ipv4"))
    return Observation(
        n, fact.probe, fact.subject, fact.target, fact.at, fact.at, 900, fact.outcome, fact.reason, values,
    )  # fmt: skip


def encoded(items: Sequence[PlanItem]) -> bytes:
    """A plan's items as stored."""
    return msgspec.json.encode(list(items))
