"""kill -9 of the agent while it measures: what its spool had kept reaches the collector once, and nothing twice."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from agent.spool.file import FILE as SPOOL_FILE
from bench.agenthome import AgentHome, plan, settle
from bench.home import Enrolled, Home, furnish
from bench.process import BenchError
from bench.recording import DATABASE
from bench.spawn import Spawner, kill, spawner, wait_gone
from collector.store.bodies import spooled
from wire.codec import decode_parcel
from wire.messages import Observation, PlanItem, Scalar

AGENTS: Final = 4
TARGETS: Final = 10
SETTINGS: Final = "cut_s = 3.0\nbacklog_pace_s = 0.1\nlog_level = 'warning'\n"

Key = tuple[str, str, int, int]
"""Which measurement: subject, target, and both clocks at its start."""


@dataclass(frozen=True, slots=True)
class Killed:
    """What is left of it all. `kept`: observations seen in a spool after some kill, with whatever was sent before."""

    kills: int
    kept: int
    stored: int
    lost: int
    double: int


def run_kills(folder: Path, kills: int, *, seed: int = 5) -> Killed:
    """Kill AGENTS agents, `kills` times altogether, each measuring ten things a second; then let them finish."""
    home = Home(folder / "home")
    known = furnish(home, AGENTS)
    for one in known:
        plan(home, one.agent, _items(one))
    with home.running(home.variant("--roles", "ingest")):
        agents = [settle(folder / f"agent-{n}", home, one, SETTINGS) for n, one in enumerate(known)]
        each = -(-kills // AGENTS)
        with ThreadPoolExecutor(AGENTS) as threads:
            kept = list(threads.map(lambda pair: _torment(pair[1], each, seed + pair[0]), enumerate(agents)))
        stored = _stored(home)
    wanted = set().union(*kept)
    lost = sum(key not in stored for key in wanted)
    double = sum(count - 1 for count in stored.values())
    return Killed(each * AGENTS, len(wanted), sum(stored.values()), lost, double)


def _items(one: Enrolled) -> list[PlanItem]:
    settings: dict[str, Scalar] = {"packets": 1, "timeout_s": 0.5}
    return [
        PlanItem(f"reach-{n}", f"line:{one.centre}/a", "reach", f"127.0.0.{n + 1}", 1, 0.9, settings)
        for n in range(TARGETS)
    ]


def _torment(agent: AgentHome, kills: int, seed: int) -> set[Key]:
    """Kill one agent again and again; every observation that was in its spool after some kill."""
    chance, kept = random.Random(seed), set[Key]()
    with spawner("agent", agent.words, agent.folder / "log", {}) as made:
        for _ in range(kills):
            pid = made.start()
            time.sleep(chance.uniform(0.4, 1.6))
            kill(pid)
            kept |= set(_in_spool(agent.folder))
        _finish(made, agent)
    return kept


def _finish(made: Spawner, agent: AgentHome) -> None:
    """Let it live until everything that was kept has its receipt, then end it as one ends it."""
    for _ in range(3):
        pid = made.start()
        time.sleep(5)
        os.kill(pid, signal.SIGTERM)
        wait_gone(pid)
        if not list(_in_spool(agent.folder)):
            return
    raise BenchError(f"{agent.folder.name}: its spool does not become empty")


def _in_spool(folder: Path) -> Iterator[Key]:
    """What a copy of the spool holds, so that looking changes nothing."""
    copy = folder / "looked-at"
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    for part in folder.glob(f"{SPOOL_FILE}*"):
        if not part.name.endswith("-shm"):
            shutil.copy(part, copy)
    if not (copy / SPOOL_FILE).exists():
        return
    db = sqlite3.connect(copy / SPOOL_FILE)
    try:
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
        lines = db.execute("SELECT line FROM fresh").fetchall() if "fresh" in tables else []
        bodies = db.execute("SELECT body FROM batch WHERE aside IS NULL").fetchall() if "batch" in tables else []
    finally:
        db.close()
    yield from (_key(msgspec.json.decode(line, type=Observation)) for (line,) in lines)
    for (body,) in bodies:
        yield from map(_key, decode_parcel(zlib.decompress(body)).observations)


def _stored(home: Home) -> Counter[Key]:
    """How often each measurement is in the inbox."""
    db = sqlite3.connect(home.folder / DATABASE)
    try:
        bodies = db.execute("SELECT body FROM inbox").fetchall()
    finally:
        db.close()
    return Counter(_key(o) for (body,) in bodies for o in decode_parcel(spooled(body)).observations)


def _key(o: Observation) -> Key:
    return (o.subject, o.target, o.at_ms, o.mono_ms)
