"""Who may speak: every live token in memory, so that the hot path asks no database.

A revocation takes effect at once in this process and within `STALE_MS` in any other: what is older is not trusted.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import Connection, Row, Select, and_, select

from collector.hub import Hub
from collector.loops import Loop
from collector.store.tables import agent, plan, token
from wire.identity import IdentityError, parse_subject
from wire.messages import PlanItem

REFRESH_S: Final = 3.0
STALE_MS: Final = 5_000
_ITEMS: Final = msgspec.json.Decoder(list[PlanItem])


@dataclass(frozen=True, slots=True)
class Known:
    """An agent with a live token. `subjects` are those that any version of its plan named, and its own."""

    agent: str
    centre: str
    role: str
    subjects: frozenset[str]
    plan_sha256: str

    def may_speak_for(self, subject: str) -> bool:
        """Whether observations of `subject` are this agent's to make."""
        if subject in self.subjects:
            return True
        try:
            parsed = parse_subject(subject)
        except IdentityError:
            return False
        return parsed.kind in {"found", "signing"} and self.agent in parsed.key.split("/")


def token_hash(text: str | bytes) -> str:
    """What is stored of a token."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


class Register:
    """Live tokens by hash. `find` never blocks; `look_up` asks the database."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._by_hash: Mapping[str, Known] = {}
        self._plans: dict[str, tuple[int, frozenset[str]]] = {}  # agent: newest version, subjects of all versions
        self._as_of_ms = -STALE_MS
        self._lock = threading.Lock()
        hub.on("register", self._distrust)

    def find(self, sha256: str) -> Known | None:
        """The agent of a token's hash, from memory; None where the database must be asked."""
        if self._hub.clock.mono_ms() - self._as_of_ms >= STALE_MS:
            return None
        return self._by_hash.get(sha256)

    def look_up(self, sha256: str) -> Known | None:
        """The agent of a token's hash, from the database; None where nobody has it. Not from the event loop."""
        with self._hub.store.reading() as conn:
            row = conn.execute(_live().where(token.c.sha256 == sha256)).first()
            return None if row is None else self._known(conn, row)

    def refresh(self) -> None:
        """Read every live token anew."""
        with self._lock:
            as_of_ms = self._hub.clock.mono_ms()
            with self._hub.store.reading() as conn:
                by_hash = {row.sha256: self._known(conn, row) for row in conn.execute(_live()).all()}
            changed = _changed_plans(self._by_hash, by_hash)
            self._by_hash, self._as_of_ms = by_hash, as_of_ms
        for name in changed:
            self._hub.wake_here(f"agent:{name}")
        if changed:  # by a process that wakes nobody, it may be: whoever keeps places reads them anew
            self._hub.wake("register")

    def loop(self) -> Loop:
        """Keeps the register fresh; runs in every process that has the door."""
        return Loop("register", "ingest", self._step, wakes_on="register")

    def _step(self) -> float:
        self.refresh()
        return REFRESH_S

    def _distrust(self, _topic: str) -> None:
        self._as_of_ms = -STALE_MS

    def _known(self, conn: Connection, row: Row[str, str, str, str, str, int | None, str | None]) -> Known:
        _, name, centre, role, device, version, sha256 = row
        newest, subjects = self._plans.get(name, (0, frozenset[str]()))
        if version is not None and version != newest:
            subjects = _planned_subjects(conn, name)
            self._plans[name] = (version, subjects)
        own = {f"agent:{name}", device} | ({f"centre:{centre}"} if role == "box" else set())  # a clerk's word is on it
        return Known(name, centre, role, subjects | own, sha256 or "")


def _live() -> Select[str, str, str, str, str, int | None, str | None]:
    in_force = and_(plan.c.agent == agent.c.id, plan.c.to_ms.is_(None))
    return (
        select(token.c.sha256, agent.c.id, agent.c.centre, agent.c.role, agent.c.device, plan.c.version, plan.c.sha256)
        .select_from(token.join(agent, agent.c.id == token.c.agent).outerjoin(plan, in_force))
        .where(token.c.revoked_ms.is_(None), agent.c.revoked_ms.is_(None))
    )


def _planned_subjects(conn: Connection, name: str) -> frozenset[str]:
    bodies = conn.scalars(select(plan.c["items"]).where(plan.c.agent == name))
    return frozenset(item.subject for body in bodies for item in _ITEMS.decode(body))


def _changed_plans(before: Mapping[str, Known], now: Mapping[str, Known]) -> list[str]:
    return [known.agent for key, known in now.items() if key in before and before[key].plan_sha256 != known.plan_sha256]
