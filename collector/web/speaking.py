"""Who speaks in a request: an agent by its token, a person by a session."""

from __future__ import annotations

import asyncio

from collector.register.known import Known, Register, token_hash
from collector.web.problems import Refusal


def bearer(value: bytes) -> bytes:
    """The token in an `authorization` header; empty where there is none."""
    kind, _, word = value.partition(b" ")
    return word.strip() if kind.lower() == b"bearer" else b""


async def speaker(register: Register, token: bytes) -> Known:
    """The agent whose token this is. Raises Refusal 401."""
    if token:
        sha256 = token_hash(token)
        known = register.find(sha256) or await asyncio.to_thread(register.look_up, sha256)
        if known is not None:
            return known
    detail = "the token is unknown or was revoked" if token else "there is no bearer token"
    raise Refusal(401, "token", detail, "enrol with a new join code")
