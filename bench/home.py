"""A collector's home made for a bench: its address, its program, and agents that it knows already.

`furnish` writes agents straight into the register: a thousand enrolments would measure enrolment.
"""

from __future__ import annotations

import hashlib
import os
import random
import secrets
import ssl
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import Connection, insert

from bench.mix import SERVICE, SERVICES, Sender, minute
from bench.place import ROOT
from bench.process import free_port, must_live, program, wait_until
from collector.settings import Settings, read_settings
from collector.store.databases import migrate, open_store
from collector.store.tables import agent, centre, heard, plan, token
from wire.client import ClientError, fetch_ca, pinned
from wire.clock import SystemClock
from wire.identity import new_ulid
from wire.messages import Observation, PlanItem

Minute = Callable[..., list[Observation]]
MINUTES: Final = 1  # of each sender; no two senders say the same


@dataclass(frozen=True, slots=True)
class Enrolled:
    agent: str
    token: str
    centre: str
    device: str


@dataclass(slots=True)
class Home:
    """One collector. `database` empty: SQLite in the folder."""

    folder: Path
    database: str = ""
    port: int = field(default_factory=free_port)
    board_port: int = field(default_factory=free_port)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "MOTCUA_HOME": str(self.folder),
            "MOTCUA_AGENTS": f"127.0.0.1:{self.port}",
            "MOTCUA_BOARD": f"127.0.0.1:{self.board_port}",
            "MOTCUA_DATABASE": self.database,
        }

    @property
    def settings(self) -> Settings:
        return read_settings(os.environ | self.environment)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def tls(self) -> ssl.SSLContext:
        """What trusts this collector and no other; it must be running."""
        return pinned(fetch_ca(self.url))

    def command(self, *words: str) -> list[str]:
        """The product's own command line."""
        return [sys.executable, "-c", "import motcua; motcua.main()", *words]

    def serve(self, roles: str = "ingest") -> list[str]:
        return self.command("serve", "--roles", roles)

    def variant(self, *words: str) -> list[str]:
        """The collector changed on purpose, see bench/serve.py."""
        return [sys.executable, "-m", "bench.serve", *words]

    def answers(self) -> bool:
        """Whether a collector answers here."""
        try:
            return bool(fetch_ca(self.url))
        except ClientError:
            return False

    @contextmanager
    def running(self, command: Sequence[str], *, core: int | None = None) -> Iterator[int]:
        """Run `command` until the block ends; the process id, once it listens."""
        self.folder.mkdir(exist_ok=True)
        log = self.folder / "log"
        with program(command, log, core=core, cwd=ROOT, env=self.environment) as process:

            def ready() -> bool:
                must_live("the collector", process, log)
                return self.answers()

            wait_until(ready, what="the collector")
            yield process.pid

    @contextmanager
    def beside(self, role: str) -> Iterator[int]:
        """Run one role in a process of its own beside the collector, until the block ends; its process id."""
        log, held = self.folder / f"log-{role}", self.folder / f"lock-{role}"
        with program(self.serve(role), log, cwd=ROOT, env=self.environment) as process:

            def holds() -> bool:
                must_live(role, process, log)
                return held.exists() and held.read_text() == f"{process.pid}\n"

            wait_until(holds, what=role)
            yield process.pid


def furnish(home: Home, count: int) -> list[Enrolled]:
    """Make the store and put `count` agents with a plan into it, each in a centre of its own."""
    clock = SystemClock()
    store = open_store(home.settings.store, clock)
    try:
        migrate(store)
        made = nobody(count)
        store.writer.do(lambda conn: _write(conn, made, clock.wall_ms()))
    finally:
        store.close()
    return made


def nobody(count: int) -> list[Enrolled]:
    """As many made-up agents that no collector knows."""
    clock = SystemClock()
    return [_enrolled(n, clock) for n in range(count)]


def senders(
    known: Sequence[Enrolled], *, seed: int = 1, observations: int | None = None, make: Minute = minute
) -> list[Sender]:
    """A sender for each of them, with minutes that have just been measured, or the first `observations` of each."""
    clock, chance = SystemClock(), random.Random(seed)
    found = []
    for one in known:
        now = {"wall_ms": clock.wall_ms(), "mono_ms": clock.mono_ms()}
        minutes = [make(one.centre, one.device, chance=chance, **now)[:observations] for _ in range(MINUTES)]
        found.append(Sender(one.agent, one.token, clock, minutes))
    return found


def _enrolled(n: int, clock: SystemClock) -> Enrolled:
    return Enrolled(
        new_ulid(clock.wall_ms()), secrets.token_urlsafe(32), f"{n + 1:05d}-1", f"device:{new_ulid(clock.wall_ms())}"
    )


def _write(conn: Connection, made: Sequence[Enrolled], now: int) -> None:
    for one in made:
        conn.execute(insert(centre).values(key=one.centre, name_vi=one.centre, name_en=one.centre, created_ms=now))
        conn.execute(
            insert(agent).values(
                id=one.agent, centre=one.centre, role="box", name="bench", version="0", capabilities="[]",
                sign_key="", seal_key="", device=one.device, enrolled_ms=now,
            )
        )  # fmt: skip
        sha256 = hashlib.sha256(one.token.encode()).hexdigest()
        heard_row = {"agent": one.agent, "from_ms": now, "last_ms": now, "alert_after_ms": None, "skew_ms": 0}
        conn.execute(insert(heard).values(heard_row))
        conn.execute(insert(token).values(sha256=sha256, agent=one.agent, created_ms=now))
        items = msgspec.json.encode(_items(one))
        version = {"agent": one.agent, "version": 1, "sha256": hashlib.sha256(items).hexdigest()}
        conn.execute(insert(plan).values(**version, items=items, from_ms=now))


def _items(one: Enrolled) -> list[PlanItem]:
    reach = [f"lan:{one.centre}", f"line:{one.centre}/a", f"line:{one.centre}/b"]
    return [
        *(PlanItem(f"reach-{n}", subject, "reach", "192.0.2.1", 10, 8) for n, subject in enumerate(reach)),
        PlanItem("pc", one.device, "pc", "self", 5, 4),
        *(
            PlanItem(f"service-{name}", f"service:{name}@{one.centre}", "service", SERVICE, 300, 20)
            for name in SERVICES
        ),
    ]
