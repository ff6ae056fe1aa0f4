"""Parts of an agent for tests: a spool in a folder, observations by the dozen, a sender that talks to a double."""

from __future__ import annotations

import random
from pathlib import Path

from agent.counts import Counts
from agent.lifetime import LifetimeFile
from agent.spool.keeper import Keeper
from agent.spool.recorder import Recorder
from agent.spool.trim import Limits
from agent.talk.batches import IDLE_S, Sender, Transport
from agent.talk.contact import Contact
from tests.support.clock import BOOT, FakeClock
from tests.support.collector_double import AGENT, Double
from wire.client import Client, pinned
from wire.messages import Observation, Value
from wire.outcomes import Outcome

MB = 1024 * 1024


def observation(n: int = 0, *, outcome: Outcome = "ok", at_ms: int = 0, task_id: str | None = None) -> Observation:
    """An observation that can be told from every other by its target and mono_ms."""
    return Observation(
        i=0,
        probe="reach",
        subject="lan:07375-1",
        target=f"192.0.2.{n % 250}",
        at_ms=at_ms,
        mono_ms=n,
        took_ms=5,
        outcome=outcome,
        reason=None if outcome == "ok" else "no_answer" if outcome == "fail" else "deadline",
        values=[Value("motcua_lan_rtt_seconds", 0.001 * n)] if outcome == "ok" else [],
        task_id=task_id,
    )


def keeper(home: Path, clock: FakeClock, *, boot_id: str = BOOT) -> Keeper:
    return Keeper(home / "spool.db", clock=clock, boot_id=boot_id, lifetime=LifetimeFile(home))


def recorder(
    kept: Keeper, clock: FakeClock, *, counts: Counts | None = None, limits: Limits | None = None, cut_s: float = 60.0
) -> Recorder:
    return Recorder(
        kept,
        clock=clock,
        cut_s=cut_s,
        limits=limits or Limits(512 * MB),
        counts=counts or Counts(),
        sent_for=lambda: None,
        chance=random.Random(3),
    )


def client(double: Double, *, ca: bytes | None = None, timeout_s: float = 5.0) -> Client:
    return Client(double.url, pinned(ca or double.paper.ca), token=double.token, timeout_s=timeout_s)


def sender(
    kept: Keeper,
    transport: Transport,
    clock: FakeClock,
    *,
    boot_id: str = BOOT,
    counts: Counts | None = None,
    contact: Contact | None = None,
) -> Sender:
    return Sender(
        kept,
        transport,
        agent=AGENT,
        boot_id=boot_id,
        clock=clock,
        contact=contact or Contact(clock),
        counts=counts or Counts(),
        chance=random.Random(7),
    )


def drain(sending: Sender, clock: FakeClock, *, steps: int = 400) -> None:
    """Let the sender work, time going by as it asks for, until it has nothing more to do."""
    for _ in range(steps):
        wait_s = sending.step()
        if wait_s == IDLE_S:
            return
        clock.advance(wait_s + 0.001)
    raise AssertionError(f"still at work after {steps} steps")
