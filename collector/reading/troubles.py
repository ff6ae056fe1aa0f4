"""What is not well over a span, and what explains it: for whoever looks for causes."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, func, select

from collector.api import Boot, Flip
from collector.hub import Hub
from collector.judging import flips
from collector.reading.onsite import OnSiteQuestions
from collector.store.tables import agent, boot, plan

FAR_MS: Final = 2**62
AT_ONCE: Final = 400


class _Item(msgspec.Struct):
    """Of an item of a plan what is needed here."""

    subject: str


_ITEMS: Final = msgspec.json.Decoder(list[_Item])
_STAMP: Final = select(
    select(func.count()).select_from(plan).scalar_subquery(),
    select(func.max(plan.c.from_ms)).scalar_subquery(),
    select(func.count()).select_from(plan).where(plan.c.to_ms.is_(None)).scalar_subquery(),
    select(func.count()).select_from(agent).where(agent.c.revoked_ms.is_(None)).scalar_subquery(),
)
_PLANS: Final = (
    select(plan.c["items"])
    .join(agent, agent.c.id == plan.c.agent)
    .where(plan.c.to_ms.is_(None), agent.c.revoked_ms.is_(None))
)


class TroubleQuestions(OnSiteQuestions):
    """What a reader answers of troubles; see `collector.api.Reader`. Safe from any thread."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        self._plans = threading.Lock()
        self._stamp: tuple[int | None, ...] = ()
        self._looked_at: frozenset[str] = frozenset()

    def unwell(self, since_ms: int, subjects: Sequence[str] | None = None) -> dict[str, list[Flip]]:
        with self._hub.store.reading() as conn:
            held = flips.since(conn, since_ms) if subjects is None else _of(conn, subjects, since_ms)
        return {key: rows for key, rows in held.items() if any(flip.to not in (None, "ok") for flip in rows)}

    def boots(self, since_ms: int) -> list[Boot]:
        columns = (boot.c.agent, boot.c.boot_id, boot.c.offset_ms, boot.c.seen_ms)
        query = select(*columns).where(boot.c.offset_ms >= since_ms).order_by(boot.c.offset_ms, boot.c.agent)
        with self._hub.store.reading() as conn:
            return [Boot(*row) for row in conn.execute(query)]

    def looked_at(self) -> frozenset[str]:
        with self._plans, self._hub.store.reading() as conn:
            stamp = tuple(conn.execute(_STAMP).one())
            if stamp != self._stamp:
                found = {item.subject for body in conn.scalars(_PLANS) for item in _ITEMS.decode(bytes(body))}
                self._looked_at, self._stamp = frozenset(found), stamp
            return self._looked_at


def _of(conn: Connection, subjects: Sequence[str], since_ms: int) -> dict[str, list[Flip]]:
    found: dict[str, list[Flip]] = {}
    for n in range(0, len(subjects), AT_ONCE):
        found |= flips.effective(conn, subjects[n : n + AT_ONCE], since_ms, FAR_MS)
    return found
