"""Joining a collector: its CA compared with the join code before a word is said, then keys, then an identity.

JoinError   the text is for the person at the keyboard
"""

from __future__ import annotations

import importlib.metadata
import ssl
from pathlib import Path

import msgspec

from agent import identity
from agent.files import sync_folder, write_atomic
from agent.identity import Identity
from agent.joining import keys
from agent.probes import PROBES
from agent.spool.file import FILE as SPOOL_FILE
from agent.work.plan import FILE as PLAN_FILE
from wire import joincode
from wire.client import Client, ClientError, Refused, ca_fingerprint, fetch_ca, pinned
from wire.messages import Enrol, Role


class JoinError(Exception):
    """Nothing was joined; the text says why, and what to do."""


def join(url: str, code: str, *, role: Role, home: Path, name: str = "", force: bool = False) -> Identity:
    """Enrol at the collector at `url` and keep the identity in `home`. Raises JoinError."""
    before = _joined_before(home, force=force)
    ca = _trusted_ca(url, code)
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        public = keys.make(home)
    except (OSError, keys.KeyMakingFailed) as error:
        raise JoinError(str(error)) from error
    enrol = Enrol(code, role, _version(), sorted(PROBES), public.sign, public.seal, name[:80])
    try:
        with Client(url, pinned(ca)) as client:
            enrolled = client.enrol(enrol)
    except ClientError as error:
        keys.discard(home)
        raise JoinError(_explained(error)) from error
    new = Identity(enrolled.agent, enrolled.centre, url, enrolled.token, role)
    try:
        _save(home, new, ca, before)
    except OSError as error:
        raise JoinError(f"enrolled as {new.agent}, but {home} cannot be written: {error}; get a new code") from error
    return new


def _joined_before(home: Path, *, force: bool) -> Identity | None:
    try:
        before, _ = identity.load(home)
    except identity.NotJoined:
        return None
    if not force:
        raise JoinError(f"{home}: already enrolled as {before.agent} of {before.centre}; to begin anew, force it")
    return before


def _trusted_ca(url: str, code: str) -> bytes:
    """The collector's CA, if it is the one that the join code was made for."""
    try:
        trusted = joincode.parse(code)
        ca = fetch_ca(url)
        fingerprint = ca_fingerprint(ca)
        pinned(ca)
    except joincode.JoinCodeError as error:
        raise JoinError(str(error)) from error
    except ClientError as error:
        raise JoinError(_explained(error)) from error
    except (ssl.SSLError, ValueError) as error:
        raise JoinError(f"{url}: this is not the address of a collector: {error}") from error
    if not trusted.trusts(fingerprint):
        raise JoinError(
            f"{url} is not the collector that this code was made for: its certificate authority is another one. "
            "Check the address, and that nobody stands between; the code was not sent"
        )
    return ca


def _explained(error: ClientError) -> str:
    if isinstance(error, Refused) and error.problem.remedy:
        return f"{error}; {error.problem.remedy}"
    return str(error)


def _save(home: Path, new: Identity, ca: bytes, before: Identity | None) -> None:
    if before is not None:
        _set_past_aside(home, before)
    write_atomic(home / identity.CA_FILE, ca, mode=0o644)
    keys.adopt(home)
    # Last: the identity is the mark that everything else is there.
    write_atomic(home / identity.FILE, msgspec.json.encode(new))


def _set_past_aside(home: Path, before: Identity) -> None:
    """What another agent measured must not be sent in this one's name."""
    (home / identity.FILE).unlink()
    (home / PLAN_FILE).unlink(missing_ok=True)
    for suffix in ("", "-wal", "-shm"):
        old = home / f"{SPOOL_FILE}{suffix}"
        if old.exists():
            old.replace(home / f"spool-of-{before.agent}.db{suffix}")
    sync_folder(home)


def _version() -> str:
    try:
        return importlib.metadata.version("motcua")
    except importlib.metadata.PackageNotFoundError:
        return "0+checkout"
