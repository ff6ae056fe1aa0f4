"""History at 99 centres: how fast a day is rolled up, how long its jobs hold the writer, how large it is, how it reads.

The day is written straight into `raw` with its marks, as history leaves them: 18 series of trains every 10 s and 45 of
reports every minute for each centre. `--quick` takes 8 centres: every figure is by row or by series.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, insert, select

from bench.frame import Report, main, percentile, spread
from bench.place import scratch
from bench.standing import Standing
from collector.history.buckets import DAY_MS, HOUR_MS, day_start
from collector.history.rollups import Rollups
from collector.hub import Hub
from collector.reading.reader import HubReader
from collector.settings import Settings
from collector.store import tables
from collector.store.databases import Store, migrate, open_store
from wire.clock import Clock
from wire.metrics import METRICS

TRAINS: Final = 18
REPORTS: Final = 45
JOB_MS: Final = 20.0
DAY0: Final = day_start("2026-11-20")
METRIC: Final = "motcua_line_rtt_seconds"


def run(report: Report) -> None:
    centres = 8 if report.quick else 99
    clock = Standing(DAY0 + DAY_MS + HOUR_MS)
    with scratch("history") as folder, closing(_opened(folder, clock)) as store:
        hub = Hub(store, clock, Settings(folder))
        points = _fill(folder, centres)
        _roll(report, hub, points, centres)
        _sizes(report, folder, centres)
        _read(report, hub)


def _opened(folder: Path, clock: Clock) -> Store:
    store = open_store(folder, clock)
    migrate(store)
    return store


# --- a day of raw ---------------------------------------------------------------------------------------------------


def _fill(folder: Path, centres: int) -> int:
    """A day's points and marks; how many points."""
    names = sorted(METRICS)
    per_day = [8_640] * TRAINS + [1_440] * REPORTS
    with closing(sqlite3.connect(folder / "ts.db")) as db:
        for centre in range(centres):
            keys = [(f"line:{centre:05}-1/a", METRIC if n == 0 else names[n % len(names)], "t", str(n)) for n in
                    range(TRAINS + REPORTS)]  # fmt: skip
            db.executemany('INSERT INTO serie (subject, metric, target, "of") VALUES (?, ?, ?, ?)', keys)
        sids = [row[0] for row in db.execute("SELECT sid FROM serie ORDER BY sid")]
        db.execute("INSERT INTO ts_cursor VALUES ('history', 0, 0)")
        for sid, count in zip(sids, per_day * centres, strict=True):
            db.executemany("INSERT INTO raw VALUES (?, ?, ?)", _points(sid, count))
            db.executemany("INSERT INTO dirty VALUES (?, 3600, ?, 0)", ((sid, DAY0 + h * HOUR_MS) for h in range(24)))
        db.commit()
    return sum(per_day) * centres


def _points(sid: int, count: int) -> Iterator[tuple[int, int, float]]:
    rnd, step = random.Random(sid), DAY_MS // count
    for n in range(count):
        yield sid, DAY0 + n * step + sid % 1_000, rnd.lognormvariate(-4.6, 0.3)


# --- rolling up -----------------------------------------------------------------------------------------------------


def _roll(report: Report, hub: Hub, points: int, centres: int) -> None:
    jobs: list[float] = []
    hub.store.ts_writer.after_commit(lambda seconds, _jobs: jobs.append(1000 * seconds))
    clock = hub.clock
    began = time.perf_counter()
    _until_idle(hub)
    hours_s = time.perf_counter() - began
    if isinstance(clock, Standing):
        clock.wall += HOUR_MS
    began = time.perf_counter()
    _until_idle(hub)
    days_s = time.perf_counter() - began
    report.keep({
        "centres": centres, "points": points, "hours_s": round(hours_s, 2), "days_s": round(days_s, 2),
        "points_per_s": round(points / (hours_s + days_s)), "jobs": len(jobs), "job_longest_ms": round(max(jobs), 1),
    })  # fmt: skip
    p99 = percentile(jobs, 0.99)
    report.judge(
        f"history, a day of {centres} centres rolled up: a job of the writer, p99", f"≤ {JOB_MS:.0f} ms",
        f"{p99:.1f} ms ({len(jobs)} jobs, longest {max(jobs):.1f}); {points:,} points at"
        f" {points / (hours_s + days_s):,.0f}/s", holds=p99 <= JOB_MS, how="SQLite, BEGIN to COMMIT",
    )  # fmt: skip


def _until_idle(hub: Hub) -> None:
    loop = Rollups(hub)
    while loop.step() == 0:
        pass


# --- size and reading -----------------------------------------------------------------------------------------------


def _sizes(report: Report, folder: Path, centres: int) -> None:
    series = centres * (TRAINS + REPORTS)
    with closing(sqlite3.connect(folder / "ts.db")) as db:
        rows = {name: db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("quarter", "hour", "day")}
        body = db.execute("SELECT avg(length(body)) FROM sketch").fetchone()[0]
        try:
            pages = dict(db.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name"))
        except sqlite3.OperationalError:  # a library built without dbstat
            pages = {}
    for name in ("raw", "quarter", "hour", "day", "sketch"):
        if name in pages:
            report.keep({f"{name}_bytes_per_series_day": round(pages[name] / series, 1)})
    report.keep({"rows_per_series_day": round(sum(rows.values()) / series, 1), "sketch_bytes": round(body)})


def _read(report: Report, hub: Hub) -> None:
    subject = "line:00000-1/a"
    _year(hub, subject)
    reader, now = HubReader(hub), hub.clock.wall_ms()
    for days in (1, 30, 365):
        times, series = list[float](), 0
        for _ in range(5 if report.quick else 20):
            began = time.perf_counter()
            found = reader.history(subject, [METRIC], now - days * DAY_MS, now)
            times.append(1000 * (time.perf_counter() - began))
            series = sum(len(one.points) for one in found)
        report.keep({f"history_{days}d_ms": round(spread(times).median, 1), f"history_{days}d_points": series})


def _year(hub: Hub, subject: str) -> None:
    """The hours and days of the year before, for the series of one subject."""
    with hub.store.reading_ts() as conn:
        sids = list(conn.scalars(select(tables.serie.c.sid).where(tables.serie.c.subject == subject)))

    def job(conn: Connection, sids: Sequence[int] = sids) -> None:
        from collector.store.rolled import day, hour

        sums = {"n": 360, "total": 3.6, "low": 0.005, "high": 0.03}
        quantiles = {"p50": 0.01, "p95": 0.02, "p99": 0.03, "exact": True}
        for sid in sids:
            starts = range(DAY0 - 400 * DAY_MS, DAY0, HOUR_MS)
            conn.execute(insert(hour), [{"sid": sid, "start_ms": at} | sums for at in starts])
            days = [{"sid": sid, "start_ms": at} | sums | quantiles for at in starts[::24]]
            conn.execute(insert(day), days)

    hub.store.ts_writer.do(job)


if __name__ == "__main__":
    main("history", run, __doc__)
