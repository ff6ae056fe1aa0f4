"""The agent's own numbers, measured like everything else: the probe `self` on the subject `agent:<id>`."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import psutil

from agent.context import Context
from agent.counts import Counts
from agent.lifetime import LifetimeFile
from agent.probes import Measured
from agent.spool.file import Unwritable
from agent.spool.keeper import Keeper
from agent.spool.queue import Spool, Stats
from agent.talk.contact import Contact
from wire.clock import Clock
from wire.messages import PlanItem, Scalar, Value
from wire.outcomes import OK

PROBE: Final = "self"
PERIOD_S: Final = 60.0


def item(subject: str) -> PlanItem:
    """The item that no plan needs to ask for."""
    return PlanItem(id=PROBE, subject=subject, probe=PROBE, target=PROBE, period_s=PERIOD_S, deadline_s=20.0)


class Health:
    """What the agent knows of itself; `probe` is its one door."""

    def __init__(
        self,
        keeper: Keeper,
        *,
        clock: Clock,
        counts: Counts,
        contact: Contact,
        lifetime: LifetimeFile,
        home: Path,
        plan_version: Callable[[], int],
    ) -> None:
        self._keeper, self._clock, self._counts, self._contact = keeper, clock, counts, contact
        self._lifetime, self._home, self._plan_version = lifetime, home, plan_version
        self._cpu_s, self._mono_ms = time.process_time(), clock.mono_ms()
        self.latest: tuple[Value, ...] = ()

    def probe(self, _item: PlanItem, _context: Context) -> Measured:
        """Every `motcua_agent_*` number that can be had now; one that cannot be had is left out, not zero."""
        values = {**self._process(), **self._spool(), **self._disk(), **self._counted()}
        self.latest = tuple(Value(f"motcua_agent_{name}", float(v)) for name, v in values.items())
        return Measured(OK, list(self.latest), detail=self._detail())

    def _process(self) -> dict[str, float]:
        cpu_s, mono_ms = time.process_time(), self._clock.mono_ms()
        took_s = (mono_ms - self._mono_ms) / 1000
        share = (cpu_s - self._cpu_s) / took_s if took_s >= 1 else None
        if share is None:
            return _memory()
        self._cpu_s, self._mono_ms = cpu_s, mono_ms
        return {"cpu_ratio": share, **_memory()}

    def _spool(self) -> dict[str, float]:
        resets = {"spool_resets_count": float(self._lifetime.now.spool_resets)}
        stats = self._stats()
        if stats is None:
            return resets
        return resets | {
            "spool_bytes": stats.used_bytes,
            "spool_batches": stats.batches,
            "spool_oldest_seconds": (stats.oldest_ms or 0) / 1000,  # nothing waits: the oldest is of no age
            "dropped_count": stats.dropped + stats.damaged + self._counts.get("unkept"),
            "rejected_count": stats.rejected + stats.conflicts,
        }

    def _disk(self) -> dict[str, float]:
        try:
            return {"disk_free_bytes": float(shutil.disk_usage(self._home).free)}
        except OSError:
            return {}

    def _counted(self) -> dict[str, float]:
        return {
            "send_failures_count": self._counts.get("send_failures"),
            "overlaps_count": self._counts.get("overlaps"),
            "clock_steps_count": self._counts.get("clock_steps"),
        }

    def _detail(self) -> dict[str, Scalar]:
        stats = self._stats()
        kept: dict[str, Scalar] = {
            "plan": self._plan_version(),
            "epoch": stats.epoch if stats else None,
            "conflicts": stats.conflicts if stats else None,
            "aside": stats.aside if stats else None,
            "unkept": self._counts.get("unkept"),
            "abandoned": self._counts.get("abandoned"),
            "undeclared_values": self._counts.get("undeclared_values"),
            "plan_items_refused": self._counts.get("plan_items_refused"),
            "probe_errors": self._counts.get("probe_errors"),
            "suspends": self._counts.get("suspends"),
            "awaited": self._counts.get("awaited"),
            "put_off": self._counts.get("put_off"),
            "no_lease": self._counts.get("no_lease"),
        }
        said = {"send_error": self._contact.send_error, "barred": self._contact.barred}
        return kept | {key: text for key, text in said.items() if text}

    def _stats(self) -> Stats | None:
        try:
            return self._keeper.use(Spool.stats)
        except Unwritable:
            return None


def _memory() -> dict[str, float]:
    return {"memory_bytes": float(psutil.Process().memory_info().rss)}
