"""Permission for a bandwidth test that a person starts by hand: a ticket in the hand, or a lease of the collector."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from agent import identity
from wire.client import Client, Unreachable, pinned
from wire.messages import Lease, LeaseAnswer, LeaseAsk

Leasing = Callable[[LeaseAsk], LeaseAnswer]

BY_HAND: Final = "once"
"""Stands for the id of a task: somebody is waiting for the figure."""

MOST_BYTES: Final = 10**9
MOST_S: Final = 60.0
PATIENCE_S: Final = 60.0


def by_ticket(server: str, ticket: str) -> Leasing:
    """A lease from a server and its ticket; the server itself holds it to the bytes and the time of the ticket."""
    lease = Lease(BY_HAND, server, ticket, 0.0, MOST_S, MOST_BYTES, MOST_S)
    return lambda ask: LeaseAnswer() if ask.returns else LeaseAnswer(lease)


def by_collector(home: Path | None, explain: Callable[[str], None]) -> Leasing:
    """Ask the collector of an enrolled agent, and wait up to PATIENCE_S where it says to come again."""

    def ask(wanted: LeaseAsk) -> LeaseAnswer:
        until = time.monotonic() + PATIENCE_S
        while True:
            answer = _ask(home, wanted)
            if answer.again_s is None or answer.lease is not None:
                return answer
            if time.monotonic() + answer.again_s > until:
                return msgspec.structs.replace(answer, again_s=None, why=f"{answer.why}, for {answer.again_s:.0f} s")
            explain(f"no lease yet ({answer.why}), asking again in {answer.again_s:.0f} s")
            time.sleep(answer.again_s)

    return ask


def _ask(home: Path | None, wanted: LeaseAsk) -> LeaseAnswer:
    try:
        who, ca = identity.load(home or Path())
    except identity.NotJoined as error:
        raise Unreachable("name", f"{error}; or give --server and --ticket") from error
    with Client(who.url, pinned(ca), token=who.token) as client:
        return client.lease(wanted)
