"""How slow each shared system may be, in every version of its row in the inventory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from collector.judge.service import Limit
from collector.store.inventory_tables import inventory as t


class _Row(msgspec.Struct):
    slow_s: float


_BODY: Final = msgspec.json.Decoder(_Row)


def read_limits(conn: Connection) -> Mapping[str, Sequence[Limit]]:
    """By the service's id, oldest first."""
    found: dict[str, list[Limit]] = {}
    query = select(t.c.key, t.c.from_ms, t.c.to_ms, t.c.body).where(t.c.kind == "services")
    for key, from_ms, to_ms, body in conn.execute(query.order_by(t.c.from_ms, t.c.id)):
        found.setdefault(key, []).append(Limit(from_ms, to_ms, _BODY.decode(body).slow_s))
    return found
