"""Leave for a person to test a line once from a browser: a lease like any other, whose ticket is the address itself."""

from __future__ import annotations

from sqlalchemy import Connection, select

from collector.api import Actor, NotAllowed, NotFound, PhoneTest
from collector.hub import Hub
from collector.leases.keeping import Asked, Leases
from collector.planning.speedtests import PROBE
from collector.reading.suite import read_planned
from collector.register import actors
from collector.store.tables import subject
from wire.identity import new_ulid
from wire.messages import Lease, LeaseAsk


def test_from_phone(hub: Hub, leases: Leases, actor: Actor, line: str) -> PhoneTest:
    """See `api.Commands.test_from_phone`. Raises NotFound; NotAllowed with a word of `LeaseAnswer.why`."""
    now_ms = hub.clock.wall_ms()

    def job(conn: Connection) -> Lease:
        one = _asked(conn, line, now_ms)
        leases.ready(one)
        (answer,) = leases.do(conn, [one])
        if answer.lease is None:
            raise NotAllowed(answer.why)
        detail: dict[str, str | int | float | bool | None] = {
            "lease": answer.lease.id,
            "max_bytes": answer.lease.max_bytes,
        }
        actors.audit(conn, actor, "phone_test", line, detail=detail, now_ms=now_ms)
        return answer.lease

    try:
        lease = hub.store.writer.do(job)
    except Exception:
        leases.undone()
        raise
    until_ms = now_ms + round(lease.ends_in_s * 1000)
    return PhoneTest(f"{lease.url.rstrip('/')}/m/{lease.ticket}/", until_ms, lease.max_bytes)


def _asked(conn: Connection, line: str, now_ms: int) -> Asked:
    """The question of a person who waits, for the test of speed that the plan has of this line."""
    centre = conn.scalar(select(subject.c.centre).where(subject.c.key == line))
    if centre is None:
        raise NotFound(f"there is no line {line[:100]}")
    item = next((one for one in read_planned(conn, centre) if (one.subject, one.probe) == (line, PROBE)), None)
    if item is None:
        raise NotAllowed("no_server")
    return Asked(item.agent, LeaseAsk(item.id, f"phone-{new_ulid(now_ms)}"), "browser")
