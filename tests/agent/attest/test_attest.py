"""Once an hour the agent signs what it was receipted for: nothing twice, nothing left out, never without its key."""

from __future__ import annotations

import base64
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from agent.attest.probe import Attest, item
from agent.context import Context, Facts
from agent.identity import Identity
from agent.joining import keys
from agent.probes import Measured
from agent.spool.keeper import Keeper
from agent.spool.queue import Spool
from tests.support.agent_parts import keeper, observation
from tests.support.clock import FakeClock
from wire import attest
from wire.attest import Statement
from wire.messages import Observation, Receipt

WHO = Identity("01ARZ3NDEKTSV4RRFFQ69G5FAV", "07375-1", "https://192.0.2.1:8443", "token")
HOUR_MS = 3_600_000
NOW = 1_763_700_000_000


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def cut(kept: Keeper, *some: int) -> None:
    """A batch of one observation for each number."""
    for n in some:
        kept.use(lambda spool, n=n: spool.append([observation(n)]))  # type: ignore[misc]
        kept.use(Spool.cut)


def receipted(kept: Keeper, batches: Sequence[int], *, code: str = "stored") -> None:
    epoch = kept.use(lambda spool: spool.epoch)
    receipts = [Receipt(epoch, n, code, 1, []) for n in batches]  # type: ignore[arg-type]
    kept.use(lambda spool: spool.settle(receipts))


def attested(kept: Keeper, home: Path, clock: FakeClock) -> Measured:
    context = Context(clock, clock.mono + 60_000, Facts("192.0.2.1"))
    return Attest(kept, WHO, home, lambda: NOW).probe(item(WHO.subject), context)


def kept_as(found: Measured) -> Observation:
    return Observation(0, "attest", WHO.subject, "hour", NOW, 1, 1, "ok", detail=found.detail)


def test_what_was_receipted_is_signed_with_the_key_of_the_enrolment(tmp_path: Path, clock: FakeClock) -> None:
    kept, public = keeper(tmp_path, clock), keys.make(tmp_path)
    keys.adopt(tmp_path)
    cut(kept, 1, 2, 3)
    hashes = kept.use(lambda spool: spool.query("SELECT number, sha256 FROM batch"))
    receipted(kept, [1, 3])
    told = attested(kept, tmp_path, clock).detail
    assert (told["batches"], told["count"], told["to_ms"]) == ("1 3", 2, NOW)
    assert told["sha256"] == attest.digest((int(str(n)), bytes(h)) for n, h in hashes if n in {1, 3})  # type: ignore[call-overload]
    statement = Statement(
        WHO.agent, str(told["epoch"]), NOW - HOUR_MS, NOW, str(told["batches"]), str(told["sha256"])
    )  # fmt: skip
    signature = base64.b64decode(str(told["signature"]))
    Ed25519PublicKey.from_public_bytes(base64.b64decode(public.sign)).verify(signature, statement.text())


def test_nothing_is_attested_twice_and_what_came_in_between_stands_in_the_next(
    tmp_path: Path, clock: FakeClock
) -> None:
    kept = keeper(tmp_path, clock)
    keys.make(tmp_path)
    keys.adopt(tmp_path)
    cut(kept, 1, 2, 3)
    receipted(kept, [2, 3])
    first = attested(kept, tmp_path, clock)
    receipted(kept, [1])  # backlog: an older number, after the statement was made and before it was kept
    again = attested(kept, tmp_path, clock)
    assert (first.detail["batches"], again.detail["batches"]) == ("2-3", "1-3")  # not kept yet: said again
    kept.use(lambda spool: spool.append([kept_as(first)]))
    assert attested(kept, tmp_path, clock).detail["batches"] == "1"


def test_an_hour_without_a_receipt_is_no_statement(tmp_path: Path, clock: FakeClock) -> None:
    kept = keeper(tmp_path, clock)
    cut(kept, 1)
    receipted(kept, [1], code="conflict")
    found = attested(kept, tmp_path, clock)
    assert (found.result.outcome, found.detail) == ("ok", {"count": 0})


@pytest.mark.parametrize(
    ("broken", "reason", "text"),
    [
        pytest.param("no key", "probe_error", "the child that signs failed", id="no key"),
        pytest.param("no library", "unsupported", "pip install 'motcua[keys]'", id="no cryptography"),
    ],
)
def test_what_cannot_be_signed_is_said_and_waits(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, *, broken: str, reason: str, text: str
) -> None:
    kept = keeper(tmp_path, clock)
    cut(kept, 1)
    receipted(kept, [1])
    if broken == "no library":
        fake = tmp_path / "python"
        fake.write_text("#!/bin/sh\nexit 3\n")
        fake.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(fake))
    found = attested(kept, tmp_path, clock)
    assert (found.result.outcome, found.result.reason) == ("unknown", reason)
    assert text in str(found.detail["error"])
    assert kept.use(Spool.proved) != []
