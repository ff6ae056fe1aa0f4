"""One agent's attestations against the inbox: signature, hash over the batches' hashes, and the bodies still kept."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import Connection, select

from collector.api import CollectorError, StoredObservation
from collector.store.bodies import spooled
from collector.store.tables import agent, inbox
from wire import attest
from wire.attest import Statement

State = Literal["good", "forged", "altered", "missing", "pruned", "unreadable"]
"""`forged`: not signed with the key of the enrolment. `altered`: what lies here is not what was signed. `missing`: a
batch that was receipted is not here, though its row would still be kept. `pruned`: rows are gone by age."""

BROKEN: Final[frozenset[State]] = frozenset({"forged", "altered", "missing", "unreadable"})
ROWS_KEPT_MS: Final = 40 * 86_400_000
_CHUNK: Final = 400


@dataclass(frozen=True, slots=True)
class Proof:
    """One attestation as it was found. `bodies`: of how many batches the whole body was held against its hash."""

    observation: str
    statement: Statement | None
    signature: str
    state: State
    count: int
    bodies: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Key:
    """Who signs: an agent and the public half of its key, base64 of 32 bytes."""

    agent: str
    centre: str
    sign: str


def keys(conn: Connection, which: str) -> list[Key]:
    """The agent of that id, or all of that centre; all there are where nothing is named."""
    query = select(agent.c.id, agent.c.centre, agent.c.sign_key).order_by(agent.c.centre, agent.c.id)
    if which:
        query = query.where((agent.c.id == which) | (agent.c.centre == which))
    return [Key(*row) for row in conn.execute(query)]


def verify(conn: Connection, key: Key, found: Sequence[StoredObservation], now_ms: int) -> list[Proof]:
    """Each attestation of an agent against the inbox, in the order given; hours without anything to sign are left out.

    Raises CollectorError where the library that verifies is missing.
    """
    return [_proof(conn, key, one, now_ms) for one in found if one.observation.detail.get("count") != 0]


def _proof(conn: Connection, key: Key, stored: StoredObservation, now_ms: int) -> Proof:
    detail = stored.observation.detail
    try:
        told = Statement(
            key.agent, str(detail["epoch"]), int(str(detail["from_ms"])), int(str(detail["to_ms"])),
            str(detail["batches"]), str(detail["sha256"]),
        )  # fmt: skip
        numbers, signature = attest.numbers(told.batches), str(detail["signature"])
        text = told.text()
    except (KeyError, ValueError) as error:
        return Proof(stored.id, None, "", "unreadable", 0, 0, f"the attestation cannot be read: {error}")
    if not _signed(key.sign, signature, text):
        return Proof(stored.id, told, signature, "forged", len(numbers), 0, "not signed with the enrolment's key")
    rows = {number: (sha256, body) for number, sha256, body in _rows(conn, key.agent, told.epoch, numbers)}
    state, why = _held(rows.keys(), numbers, stored.at_ms, now_ms)
    if state == "good" and attest.digest((n, bytes.fromhex(sha)) for n, (sha, _) in rows.items()) != told.sha256:
        state, why = "altered", "the hashes on record are not those that were signed"
    bodies = {n: (sha, body) for n, (sha, body) in rows.items() if body is not None}
    bad = [n for n, (sha, body) in bodies.items() if hashlib.sha256(spooled(body)).hexdigest() != sha]
    if bad:
        state, why = "altered", f"the body of batch {bad[0]} is not what was signed"
    return Proof(stored.id, told, signature, state, len(numbers), len(bodies), why)


def _held(there: Collection[int], numbers: Sequence[int], at_ms: int, now_ms: int) -> tuple[State, str]:
    gone = [number for number in numbers if number not in there]
    if not gone:
        return "good", ""
    if at_ms < now_ms - ROWS_KEPT_MS:
        return "pruned", f"{len(gone)} of its rows are gone by age"
    return "missing", f"batch {gone[0]} was receipted and is not here"


def _rows(conn: Connection, name: str, epoch: str, numbers: Sequence[int]) -> Iterator[tuple[int, str, bytes | None]]:
    columns = (inbox.c.batch, inbox.c.sha256, inbox.c.body)
    for n in range(0, len(numbers), _CHUNK):
        mine = (inbox.c.agent == name) & (inbox.c.epoch == epoch) & inbox.c.batch.in_(numbers[n : n + _CHUNK])
        yield from ((batch, sha, body) for batch, sha, body in conn.execute(select(*columns).where(mine)))


def _signed(key: str, signature: str, text: bytes) -> bool:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ModuleNotFoundError as error:
        raise CollectorError("verifying needs the package cryptography: pip install 'motcua[keys]'") from error
    try:
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key, validate=True))
        public.verify(base64.b64decode(signature, validate=True), text)
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True
