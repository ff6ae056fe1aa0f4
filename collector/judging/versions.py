"""Versions of the policy as people handle them: listed, set, gone back to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, select

from collector.api import Actor, NotFound, PolicyVersion
from collector.judging.policy import (
    Policies,
    add_version,
    keep_policy,
    newest_number,
    parse_policy,
    read_policies,
    read_policy_file,
)
from collector.judging.thresholds import thresholds
from collector.register.actors import audit
from collector.store.tables import policy as t

POLICY_FILE: Final = "policy.toml"


@dataclass(frozen=True, slots=True)
class Set:
    """What setting a policy did: the version in force now and the one before it. The same: nothing differed."""

    number: int
    before: int
    from_ms: int


def read_versions(conn: Connection, limit: int) -> list[PolicyVersion]:
    """The newest versions, newest first. Raises PolicyError for one that can no longer be read."""
    rows = conn.execute(select(t).order_by(t.c.version.desc()).limit(limit))
    return [_version(row.version, row.from_ms, row.body, row.set_by) for row in rows]


def read_version(conn: Connection, number: int) -> PolicyVersion:
    """One version by its number. Raises NotFound, and PolicyError for one that can no longer be read."""
    row = conn.execute(select(t).where(t.c.version == number)).first()
    if row is None:
        raise NotFound(f"there is no policy version {number}; `motcua collector policy list` names those there are")
    return _version(row.version, row.from_ms, row.body, row.set_by)


@lru_cache(maxsize=64)  # asked for at every look for causes; a version never changes
def _version(number: int, from_ms: int, body: str, set_by: str) -> PolicyVersion:
    held = parse_policy(body.encode(), f"policy version {number}")
    return PolicyVersion(number, from_ms, body, set_by, thresholds(held))


def keep_file(conn: Connection, home: Path, now_ms: int) -> tuple[Policies, str]:
    """Read the policy file of a home, or the example province's, keep it where it changed; all versions, its name."""
    own = home / POLICY_FILE
    given = own.exists()
    raw, name = read_policy_file(own if given else None)
    keep_policy(conn, raw=raw, name=name, now_ms=now_ms, example=not given)
    return read_policies(conn), name


def set_policy(conn: Connection, actor: Actor, raw: bytes, name: str, *, home: Path, now_ms: int) -> Set:
    """Put a policy in force from `now_ms` on, with its audit row; nothing happens where no threshold differs.

    Raises PolicyError.
    """
    wanted = parse_policy(raw, name)
    if not newest_number(conn):
        keep_file(conn, home, now_ms)  # else the judge, when it starts, would take its file for a later word
    held = read_policies(conn).versions[-1]
    if held.policy == wanted:
        return Set(held.number, held.number, held.from_ms)
    number = add_version(conn, raw, set_by=actor.name, now_ms=now_ms)
    audit(conn, actor, "policy", f"policy:{number}", detail={"before": held.number, "source": name}, now_ms=now_ms)
    return Set(number, held.number, read_version(conn, number).from_ms)
