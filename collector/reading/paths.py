"""The way of a line then and now, from the observations of probe `path` that are kept whole."""

from __future__ import annotations

from typing import Final

import msgspec
from sqlalchemy import Connection, select

from collector.api import PathLook, PathView, StoredObservation
from collector.judge.path import first_broken, look_of, merged
from collector.store.rolled import kept

GOOD_LOOKS: Final = 7
"""A week of daily looks: whoever shares the load of a hop has answered by then."""

_DECODER: Final = msgspec.json.Decoder(StoredObservation)
_LOOKS: Final = '%"probe":"path"%'
_GOOD: Final = '%"probe":"path"%"outcome":"ok"%'
_TRIES: Final = 20


def read_path(conn: Connection, line: str) -> PathView:
    """The way of `line:<key>`. Only looks of the same agent at the same target are held against each other."""
    newest = _looks(conn, line, _LOOKS, before_ms=None, limit=_TRIES)
    if not newest:
        return PathView(line)
    now = newest[0]
    good = [now] if now.reached else []
    older = _looks(conn, line, _GOOD, before_ms=now.at_ms, limit=4 * GOOD_LOOKS)
    good += [look for look in older if look.target == now.target and _agent(look) == _agent(now)]
    then = merged(good[:GOOD_LOOKS])
    return PathView(line, then, now, first_broken(then, now))


def _looks(conn: Connection, line: str, like: str, *, before_ms: int | None, limit: int) -> list[PathLook]:
    """Looks at a line, the newest first."""
    query = select(kept.c.body).where(kept.c.subject == line, kept.c.body.like(like))
    if before_ms is not None:
        query = query.where(kept.c.at_ms < before_ms)
    bodies = conn.scalars(query.order_by(kept.c.at_ms.desc(), kept.c.id.desc()).limit(limit))
    found = (look_of(_DECODER.decode(body)) for body in bodies)
    return [look for look in found if look is not None]


def _agent(look: PathLook) -> str:
    return look.observation.partition("/")[0]
