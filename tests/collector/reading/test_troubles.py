"""What the door tells to whoever looks for causes: what was not well, which machines started, what plans measure."""

from __future__ import annotations

from sqlalchemy import Connection, insert, update

from collector.api import State
from collector.hub import Hub
from collector.reading.reader import HubReader
from collector.store import tables
from tests.support.handclock import HandClock
from tests.support.measured import BOX, DEVICE, LAN, LINE, ms
from tests.support.town import Town


def flip(hub: Hub, subject: str, to: State | None, at: int, *, supersedes: int | None = None) -> int:
    row = {
        "subject": subject, "at_ms": ms(at), "from_state": "ok", "to_state": to, "reason": None, "detail": "{}",
        "policy_version": 1, "evidence": "[]", "recorded_ms": ms(at), "supersedes": supersedes,
    }  # fmt: skip
    made = hub.store.writer.do(lambda conn: conn.scalar(insert(tables.flip).values(row).returning(tables.flip.c.seq)))
    assert made is not None
    return int(made)


def told(hub: Hub, since: int, subjects: list[str] | None = None) -> dict[str, list[tuple[int, str | None]]]:
    found = HubReader(hub).unwell(ms(since), subjects)
    return {key: [((one.at_ms - ms(0)) // 1000, one.to) for one in flips] for key, flips in found.items()}


def test_what_was_not_well_since_a_moment_is_told_with_what_held_then(hub: Hub) -> None:
    Town(hub).settle()
    for at, state in ((10, "down"), (50, "ok"), (90, "down")):
        flip(hub, LINE, state, at)  # type: ignore[arg-type]  # literals of the table above
    flip(hub, LAN, "ok", 5)
    flip(hub, DEVICE, "degraded", 20)
    whole = {LINE: [(10, "down"), (50, "ok"), (90, "down")], DEVICE: [(20, "degraded")]}
    assert told(hub, 30) == whole, "a degraded machine still is"
    assert told(hub, 60) == {LINE: [(50, "ok"), (90, "down")], DEVICE: [(20, "degraded")]}
    assert told(hub, 60, [LINE, LAN]) == {LINE: [(50, "ok"), (90, "down")]}


def test_what_was_taken_back_is_not_told(hub: Hub) -> None:
    Town(hub).settle()
    first = flip(hub, LINE, "down", 10)
    flip(hub, LINE, None, 10, supersedes=first)
    assert told(hub, 0) == {}
    second = flip(hub, LINE, "down", 20)
    flip(hub, LINE, "degraded", 20, supersedes=second)
    assert told(hub, 0) == {LINE: [(20, "degraded")]}


def test_machines_are_told_by_when_they_started(hub: Hub) -> None:
    Town(hub).settle()

    def job(conn: Connection) -> None:
        for boot_id, started in (("b2", 50), ("b1", 10)):
            row = {"agent": BOX, "boot_id": boot_id, "offset_ms": ms(started), "seen_ms": ms(99)}
            conn.execute(insert(tables.boot).values(row))

    hub.store.writer.do(job)
    reader = HubReader(hub)
    assert [(one.boot_id, one.at_ms, one.seen_ms) for one in reader.boots(ms(0))] == [
        ("b1", ms(10), ms(99)), ("b2", ms(50), ms(99)),
    ]  # fmt: skip
    assert [one.boot_id for one in reader.boots(ms(20))] == ["b2"]


def test_what_plans_measure_is_the_same_thing_until_one_changes(hub: Hub, clock: HandClock) -> None:
    Town(hub).settle()
    reader = HubReader(hub)
    found = reader.looked_at()
    assert found == {LAN, LINE, DEVICE}
    assert reader.looked_at() is found
    Town(hub).settle("00000-2", "01ARZ3NDEKTSV4RRFFQ69G5FBB", "device:01ARZ3NDEKTSV4RRFFQ69G5FBC")
    assert reader.looked_at() > found
    revoked = update(tables.agent).where(tables.agent.c.id == BOX).values(revoked_ms=clock.wall)
    hub.store.writer.do(lambda conn: conn.execute(revoked))
    assert LINE not in reader.looked_at()


def test_an_agent_tells_the_machine_it_runs_on(hub: Hub) -> None:
    Town(hub).settle()
    assert [one.device for one in HubReader(hub).agents()] == [DEVICE]
