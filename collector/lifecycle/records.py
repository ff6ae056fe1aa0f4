"""What every act leaves: its row in the audit and in the chronicle of each centre it concerned."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection, func, insert, select

from collector.api import Actor, Change, Done, Effect
from collector.api.changes import What
from collector.register.actors import audit
from collector.store.lifecycle_tables import lifecycle as t
from wire.messages import Scalar


@dataclass(slots=True)
class Doing:
    """One act under way: who, when, why, and what came of it so far."""

    conn: Connection
    actor: Actor
    act: str
    subject: str
    reason: str
    now_ms: int
    effects: list[Effect] = field(default_factory=list)

    def tell(self, what: What, subject: str, other: str = "") -> None:
        """One thing that changes."""
        self.effects.append(Effect(what, subject, other))

    def finish(self, *, centres: dict[str, str], back: str = "") -> Done:
        """Put it on record. `centres` says for each centre concerned what else there is to say: where to, from what."""
        detail: dict[str, Scalar] = {"reason": self.reason, "effects": len(self.effects)}
        detail |= {f"at_{centre}": other for centre, other in centres.items() if centre and other}
        audit(self.conn, self.actor, self.act, self.subject, detail=detail, now_ms=self.now_ms)
        for centre, other in centres.items():
            if not centre:  # it concerns more than one, and none by itself
                continue
            self.conn.execute(insert(t).values(
                at_ms=self.now_ms, act=self.act, subject=self.subject, centre=centre, other=other,
                actor=self.actor.name, reason=self.reason,
            ))  # fmt: skip
        return Done(self.act, self.subject, self.now_ms, tuple(self.effects), back)


def newest(conn: Connection) -> int:
    """A number that grows with every act."""
    return conn.scalar(select(func.max(t.c.id))) or 0


def of_centre(conn: Connection, centre: str, limit: int) -> list[Change]:
    """What was done at a centre, the newest first."""
    query = select(t.c.at_ms, t.c.act, t.c.subject, t.c.other, t.c.actor, t.c.reason).where(t.c.centre == centre)
    return [Change(*row) for row in conn.execute(query.order_by(t.c.id.desc()).limit(limit))]


def touched(conn: Connection, after: int | None, since_ms: int) -> list[tuple[int, str, int]]:
    """(number, centre, moment) of what was put on record after a number, or since a moment where none is known."""
    new = t.c.at_ms >= since_ms if after is None else t.c.id > after
    query = select(t.c.id, t.c.centre, t.c.at_ms).where(new).order_by(t.c.id)
    return [(number, centre, at_ms) for number, centre, at_ms in conn.execute(query)]
