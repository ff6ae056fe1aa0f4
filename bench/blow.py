"""What befalls 3,321 centres at one moment: the ground for measuring how long it takes until all of it is known.

Both databases, a clock that stands where it is put, and what one blow took: seconds, processor time, the longest job.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.country import populate
from bench.frame import Report, spread
from bench.home import Enrolled, Home
from bench.place import scratch
from bench.postgres import cluster, programs
from bench.standing import Standing
from collector.hub import Hub
from collector.store.databases import open_store
from wire.clock import SystemClock

CENTRES: Final = 3_321
TOLD_S: Final = 1.0
JOB_MS: Final = 20.0
MINUTE_MS: Final = 60_000

Step = Callable[[], float]
"""A step of a loop: the seconds until the next, 0 while there is more to do."""


@dataclass(frozen=True, slots=True)
class Took:
    """One blow: seconds and processor time to the last COMMIT, and the longest job of the writer."""

    seconds: float
    cpu_s: float
    job_ms: float


def on_both(report: Report, name: str, run: Callable[[Path, str, str], None]) -> None:
    """Run with a folder, the address of a database (empty: SQLite) and what it is called, on one after the other."""
    with ExitStack() as stack:
        folder = stack.enter_context(scratch(name))
        run(folder / "sqlite", "", "SQLite")
        if programs() is None:
            report.judge(f"{name}, PostgreSQL", "", "PostgreSQL is not installed", holds=None, how="")
            return
        server = stack.enter_context(cluster(folder / "pg"))
        run(folder / "postgresql", server.database(name), f"PostgreSQL {server.version}")


@contextmanager
def country(folder: Path, database: str) -> Iterator[tuple[Hub, list[Enrolled]]]:
    """A hub over a populated store, on a clock that stands."""
    home = Home(folder, database)
    folder.mkdir()
    known = populate(home, CENTRES)
    clock = Standing(SystemClock().wall_ms())
    with closing(open_store(home.settings.store, clock)) as store:
        yield Hub(store, clock, home.settings), known


def clock_of(hub: Hub) -> Standing:
    """Its clock, to be moved."""
    assert isinstance(hub.clock, Standing)
    return hub.clock


def until_idle(step: Step) -> None:
    """Until there is nothing more to do."""
    while step() == 0.0:
        pass


def timed(hub: Hub, work: Callable[[], None]) -> Took:
    """What some work took."""
    hub.store.writer.commit_s.clear()
    began, spent = time.perf_counter(), time.process_time()
    work()
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - spent
    return Took(seconds, cpu_s, 1000 * max(hub.store.writer.commit_s))


def tell(report: Report, what: str, key: str, runs: Sequence[Took], *, until: str, how: str) -> None:
    """Judge the median against a second, and the longest job against its bar."""
    seconds, jobs = spread([one.seconds for one in runs]), max(one.job_ms for one in runs)
    report.keep({f"{key}_cpu_s": round(spread([one.cpu_s for one in runs]).median, 2)})
    report.judge(
        f"{what}: {until}", f"≤ {TOLD_S:.0f} s", seconds.text(" s", 2), holds=seconds.median <= TOLD_S, how=how
    )  # fmt: skip
    report.judge(
        f"{what}: a job of the writer", f"≤ {JOB_MS:.0f} ms", f"{jobs:.1f} ms at the longest", holds=jobs <= JOB_MS,
        how="BEGIN to COMMIT",
    )  # fmt: skip
