"""A real agent's home, made for a bench: it knows its collector and its token, and asks for its plan itself."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from agent import identity
from agent.config import FILE as CONFIG_FILE
from agent.identity import Identity
from bench.home import Enrolled, Home
from collector.register import plans
from collector.store.databases import open_store
from wire.client import fetch_ca
from wire.clock import SystemClock
from wire.messages import PlanItem


@dataclass(frozen=True, slots=True)
class AgentHome:
    """One agent's folder."""

    folder: Path

    def command(self) -> list[str]:
        return [sys.executable, "-m", "agent", *self.words]

    @property
    def words(self) -> list[str]:
        return ["run", "--home", str(self.folder)]


def settle(folder: Path, home: Home, one: Enrolled, settings: str = "") -> AgentHome:
    """Make the home of an agent that `furnish` put into the register of a running collector. `settings` is TOML."""
    folder.mkdir(parents=True)
    who = Identity(one.agent, one.centre, home.url, one.token)
    (folder / identity.CA_FILE).write_bytes(fetch_ca(home.url))
    (folder / identity.FILE).write_bytes(msgspec.json.encode(who))
    (folder / CONFIG_FILE).write_text(settings, "utf-8")
    return AgentHome(folder)


def plan(home: Home, agent: str, items: Sequence[PlanItem]) -> None:
    """Put a plan in force; not while the collector runs, for its register would not hear of it."""
    clock = SystemClock()
    store = open_store(home.settings.store, clock)
    try:
        store.writer.do(lambda conn: plans.put(conn, agent, items, clock.wall_ms()))
    finally:
        store.close()
