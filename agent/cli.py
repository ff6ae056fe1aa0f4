"""What the command line asks of an agent, as plain functions that return structs: the roof prints them."""

from __future__ import annotations

import inspect
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from agent import config, health, identity, probes
from agent.context import Context, Facts
from agent.counts import Counts
from agent.lifetime import LifetimeFile
from agent.permit import BY_HAND, Leasing
from agent.spool.file import FILE as SPOOL_FILE
from agent.work.later import in_vain
from agent.work.measure import find_out, observe
from agent.work.plan import PlanFile
from wire.clock import Clock, SystemClock
from wire.messages import Observation, PlanItem, Scalar

NOBODY: Final = "00000000000000000000000000"
ONCE: Final = "once"
ONCE_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class ProbeRow:
    """One row of the table of probes. `missing` says why it cannot run here; empty where it can."""

    name: str
    module: str
    help: str
    missing: str = ""


@dataclass(frozen=True, slots=True)
class SpoolStatus:
    """The spool of a home, read without touching it. Sizes in bytes, ages in seconds; None where it cannot be told."""

    path: str
    there: bool
    epoch: str = ""
    file_bytes: int = 0
    batches: int = 0
    tried: int = 0
    fresh: int = 0
    aside: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    damaged_files: list[str] = field(default_factory=list)
    error: str = ""


def once(
    home: Path | None,
    *,
    probe: str,
    target: str,
    settings: Mapping[str, Scalar] | None = None,
    subject: str = "",
    deadline_s: float = ONCE_S,
    explain: Callable[[str], None] | None = None,
    clock: Clock | None = None,
    lease: Leasing | None = None,
) -> Observation:
    """Run one probe now, in this thread; nothing is kept or sent. Never raises for what the probe does.

    A plan item of `home` on that probe and target, and on that subject where one is named, lends its subject and
    settings; `settings` go over them. With `lease`, a person waits for a probe that needs permission.
    """
    planned = _planned(home, probe, target, subject)
    item = PlanItem(
        id=planned.id if lease is not None and planned is not None else ONCE,
        subject=subject or (planned.subject if planned is not None else _stand_in(probe, target)),
        probe=probe,
        target=target,
        period_s=health.PERIOD_S,
        deadline_s=deadline_s,
        settings=(dict(planned.settings) if planned is not None else {}) | dict(settings or {}),
    )
    clock = clock or SystemClock()
    at_ms, mono_ms = clock.wall_ms(), clock.mono_ms()
    context = Context(clock, mono_ms + int(item.deadline_s * 1000), _facts(home))
    if lease is not None:
        context.lease, context.task_id = lease, BY_HAND
    if explain is not None:
        explain(f"probe {item.probe} on {item.target} for {item.subject}, deadline {item.deadline_s:g} s")
        explain(f"settings {dict(item.settings)}")
        context.explain = explain
    found = find_out(item, context, probes.load, Counts())
    if isinstance(found, probes.Again):
        found = in_vain(asks=1)
    return observe(item, found, at_ms=at_ms, mono_ms=mono_ms, took_ms=clock.mono_ms() - mono_ms)


def check_config(path: Path) -> config.Config:
    """The settings in `path` as they would be used. Raises wire.strict.SettingsError."""
    return config.load(path)


def probes_table() -> list[ProbeRow]:
    """Every probe this agent knows, and whether it can run here."""
    return [_probe_row(name) for name in sorted(probes.PROBES)]


def spool_status(home: Path) -> SpoolStatus:
    """What waits in the spool of `home`, whether or not its agent runs. Never raises."""
    path = home / SPOOL_FILE
    damaged = sorted(p.name for p in home.glob(f"{path.stem}-damaged-*"))
    if not path.exists():
        return SpoolStatus(str(path), there=False, damaged_files=damaged)
    try:
        return _read_status(path, damaged)
    except (sqlite3.Error, OSError) as error:
        return SpoolStatus(str(path), there=True, damaged_files=damaged, error=str(error))


def _read_status(path: Path, damaged: list[str]) -> SpoolStatus:
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=2.0)
    try:
        db.execute("BEGIN")
        meta = dict(db.execute("SELECT key, value FROM meta").fetchall())
        batches, tried = db.execute(
            "SELECT count(*), coalesce(sum(tried), 0) FROM batch WHERE aside IS NULL"
        ).fetchone()
        aside = dict(db.execute("SELECT aside, count(*) FROM batch WHERE aside IS NOT NULL GROUP BY aside").fetchall())
        fresh = db.execute("SELECT count(*) FROM fresh").fetchone()[0]
    finally:
        db.close()
    counts = {name: int(meta.get(name, 0)) for name in ("dropped", "rejected", "conflicts", "damaged")}
    size = path.stat().st_size
    return SpoolStatus(str(path), True, meta["epoch"], size, batches, tried, fresh, aside, counts, damaged)


def _probe_row(name: str) -> ProbeRow:
    try:
        module = inspect.getmodule(probes.load(name))
    except ImportError as error:
        return ProbeRow(name, probes.PROBES[name], "", str(error))
    text = inspect.getdoc(module) if module is not None else None
    return ProbeRow(name, probes.PROBES[name], (text or "").partition("\n")[0])


def _planned(home: Path | None, probe: str, target: str, subject: str) -> PlanItem | None:
    items = PlanFile(home, Counts()).now.items if home is not None else ()
    on_target = (i for i in items if i.probe == probe and i.target == target)
    return next((i for i in on_target if subject in ("", i.subject)), None)


def _stand_in(probe: str, target: str) -> str:
    """A subject of the kind that the probe measures, for a run that belongs to nothing."""
    if probe in ("reach", "bandwidth"):
        return "lan:00000-0" if target == "gateway" else "line:00000-0/a"
    if probe == "quality":
        return "line:00000-0/a"
    if probe == "service":
        return "service:once"
    return f"device:{NOBODY}" if probe == "pc" else f"agent:{NOBODY}"


def _facts(home: Path | None) -> Facts:
    if home is None:
        return Facts("")
    boots = LifetimeFile(home).now.boots
    try:
        who, ca = identity.load(home)
    except identity.NotJoined:
        return Facts("", boots, home=home)
    return Facts(who.host, boots, collector_port=who.port, ca_pem=ca, home=home)
