"""Enrolment: a one-time join code becomes an agent with a token, its subjects and its first plan."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import Connection, insert, select, update

from collector.api import Actor, CollectorError, NotAllowed, NotFound
from collector.inventory.relations import OWN_ROOMS
from collector.planning.replanning import replan, replan_around
from collector.register import plans, retired
from collector.register.actors import SYSTEM, audit
from collector.register.known import token_hash
from collector.store.tables import agent, centre, heard, join_code, subject, token
from wire import joincode
from wire.identity import new_ulid, parse_centre
from wire.messages import Enrol, Enrolled, Role, Scalar

CODE_MS: Final = 24 * 3_600_000


class BadCode(CollectorError):
    """A join code that opens nothing: mistyped, unknown, used, too old, or made for another role."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class CentreName:
    """What people call a centre, in both languages."""

    vi: str
    en: str


def make_code(
    conn: Connection,
    actor: Actor,
    key: str,
    *,
    role: Role,
    name: CentreName | None,
    ca_sha256: bytes,
    ttl_ms: int,
    now_ms: int,
    replaces: str = "",
) -> str:
    """A one-time join code for a centre and a role. Makes the centre where it is missing and a name is given.

    A centre that went into another stands for that one. Raises IdentityError for a key that is none, NotFound for an
    unknown centre without a name, NotAllowed for one out of service, and for a vantage at a centre: what it sees would
    be taken for what the province sees.
    """
    key = retired.led_to(conn, parse_centre(key))
    if role == "vantage" and not key.startswith(OWN_ROOMS):
        raise NotAllowed(f"a vantage stands in a room of the province's own: make the code for {OWN_ROOMS}-2, say")
    if retired.holding(conn, f"centre:{key}"):
        raise NotAllowed(f"centre {key} is out of service: motcua collector restore {key}")
    _require_centre(conn, actor, key, name=name, now_ms=now_ms)
    code = joincode.make(secrets.token_bytes(10), ca_sha256)
    row = {
        "sha256": _hash(code), "centre": key, "role": role, "created_ms": now_ms, "expires_ms": now_ms + ttl_ms,
        "replaces": replaces,
    }  # fmt: skip
    conn.execute(insert(join_code).values(row))
    detail: dict[str, Scalar] = {"role": role, "ttl_ms": ttl_ms} | ({"replaces": replaces} if replaces else {})
    audit(conn, actor, "join_code", f"centre:{key}", detail=detail, now_ms=now_ms)
    return str(code)


def enrol(conn: Connection, word: Enrol, now_ms: int) -> Enrolled:
    """Spend the code of `word` and make the agent. Raises BadCode; the token is told once and stored hashed."""
    where, replaces = _spend(conn, word, now_ms)
    if replaces:
        _leave(conn, replaces, now_ms)
    name, device, secret = new_ulid(now_ms), f"device:{new_ulid(now_ms)}", secrets.token_urlsafe(32)
    conn.execute(insert(agent).values(
        id=name, centre=where, role=word.role, name=word.name, version=word.version, device=device,
        capabilities=msgspec.json.encode(word.capabilities).decode(), sign_key=word.sign_key, seal_key=word.seal_key,
        enrolled_ms=now_ms,
    ))  # fmt: skip
    conn.execute(insert(token).values(sha256=token_hash(secret), agent=name, created_ms=now_ms))
    for key in (f"agent:{name}", device):
        _own(conn, key, where, label=word.name, owner=name, now_ms=now_ms)
    if word.role == "pc":
        replan(conn, [name], now_ms)
    else:
        replan_around(conn, where, now_ms)
    mark = update(join_code).where(join_code.c.sha256 == _hash(joincode.parse(word.join_code)))
    conn.execute(mark.values(used_by=name))
    detail = {"role": word.role, "version": word.version, "device": device}
    audit(conn, SYSTEM, "enrol", f"agent:{name}", detail=detail, now_ms=now_ms)
    if replaces:
        retired.succeed(conn, f"agent:{replaces}", f"agent:{name}")
    return Enrolled(name, where, secret)


def revoke(conn: Connection, actor: Actor, name: str, now_ms: int) -> None:
    """Take an agent's right to speak. What it measured stays; what it owned is free for the next. Raises NotFound."""
    live = update(agent).where(agent.c.id == name, agent.c.revoked_ms.is_(None)).values(revoked_ms=now_ms)
    where = conn.scalar(live.returning(agent.c.centre))
    if where is None:
        raise NotFound(f"there is no agent {name} that could be revoked")
    conn.execute(update(token).where(token.c.agent == name, token.c.revoked_ms.is_(None)).values(revoked_ms=now_ms))
    common = subject.c.kind.in_(("lan", "line", "service"))
    conn.execute(update(subject).where(subject.c.agent == name, common).values(agent=None))
    conn.execute(update(heard).where(heard.c.agent == name).values(alert_after_ms=None))
    plans.end(conn, name, now_ms)
    replan_around(conn, where, now_ms)
    audit(conn, actor, "revoke", f"agent:{name}", now_ms=now_ms)


def _leave(conn: Connection, name: str, now_ms: int) -> None:
    """An agent makes room for the one that comes in its place; nothing happens where it left already."""
    row = conn.execute(select(agent.c.centre, agent.c.device, agent.c.revoked_ms).where(agent.c.id == name)).one()
    if row.revoked_ms is not None:
        return
    revoke(conn, SYSTEM, name, now_ms)
    for key in (f"agent:{name}", row.device):
        retired.put(conn, key, row.centre, how="replaced", agents=[name], reason="", now_ms=now_ms)


def _spend(conn: Connection, word: Enrol, now_ms: int) -> tuple[str, str]:
    """The centre of a code, which is used from now on, and the agent it replaces."""
    try:
        code = joincode.parse(word.join_code)
    except joincode.JoinCodeError as error:
        raise BadCode("join_code", str(error)) from error
    _check_keys(word)
    row = conn.execute(select(join_code).where(join_code.c.sha256 == _hash(code))).first()
    if row is None:
        raise BadCode("join_code", "this join code was never made here")
    if row.role != word.role:
        raise BadCode("join_role", f"this join code is for the role {row.role}, not for {word.role}")
    good = (join_code.c.sha256 == row.sha256) & join_code.c.used_ms.is_(None) & (join_code.c.expires_ms > now_ms)
    if conn.execute(update(join_code).where(good).values(used_ms=now_ms).returning(join_code.c.centre)).first() is None:
        raise BadCode("join_spent", "this join code was used already" if row.used_ms else "this join code is too old")
    where = retired.led_to(conn, row.centre)
    if retired.holding(conn, f"centre:{where}"):
        raise BadCode("join_code", f"centre {where} is out of service")
    return where, row.replaces


def _check_keys(word: Enrol) -> None:
    for name, text in (("sign_key", word.sign_key), ("seal_key", word.seal_key)):
        try:
            raw = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if len(raw) != 32:
            raise BadCode("bad_key", f"{name} is not base64 of 32 bytes")
    if not all(text.isprintable() for text in (word.name, word.version, *word.capabilities)):
        raise BadCode("bad_text", "name, version or capabilities hold a control character")


def _own(conn: Connection, key: str, where: str, *, label: str, owner: str | None, now_ms: int) -> None:
    """Make a subject, or give one that nobody measures to its new owner."""
    taken = update(subject).where(subject.c.key == key).values(agent=owner).returning(subject.c.key)
    if conn.execute(taken).first() is None:
        row = {
            "key": key, "kind": key.partition(":")[0], "centre": where, "label": label, "agent": owner,
            "created_ms": now_ms,
        }  # fmt: skip
        conn.execute(insert(subject).values(row))


def _require_centre(conn: Connection, actor: Actor, key: str, *, name: CentreName | None, now_ms: int) -> None:
    if conn.scalar(select(centre.c.key).where(centre.c.key == key)) is not None:
        return
    if name is None:
        raise NotFound(f"there is no centre {key}: give it a name, and it is made")
    conn.execute(insert(centre).values(key=key, name_vi=name.vi, name_en=name.en, created_ms=now_ms))
    _own(conn, f"centre:{key}", key, label="", owner=None, now_ms=now_ms)
    audit(conn, actor, "centre", f"centre:{key}", detail={"name_vi": name.vi, "name_en": name.en}, now_ms=now_ms)


def _hash(code: joincode.JoinCode) -> str:
    return hashlib.sha256(code.secret).hexdigest()
