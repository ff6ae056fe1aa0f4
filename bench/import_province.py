"""A country of files into the inventory: 3,321 centres, their lines and 20,000 devices, by the command people type.

The command runs on a terminal of its own, so that its progress bar is drawn and counted. Each run has an empty home;
then the same files again (nothing differs), a renaming of every centre, and the way back.
"""

from __future__ import annotations

import csv
import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import func, select

from bench import postgres
from bench.frame import Report, main, say, spread
from bench.home import Home
from bench.place import ROOT, scratch
from bench.process import BenchError
from collector.api import Actor
from collector.hub import Hub
from collector.inventory import importing
from collector.settings import Settings
from collector.store.databases import migrate, open_store
from collector.store.inventory_tables import inventory
from collector.store.tables import centre
from wire.clock import SystemClock

CENTRES: Final = 3_321
LINES: Final = 2  # of each centre, beside every third one's third
DEVICES: Final = 20_000
BAR_S: Final = 20.0
_STAGES: Final = ("reading", "checking", "writing")


@dataclass(frozen=True, slots=True)
class Took:
    """One command: how long, and the stages its progress bar showed."""

    seconds: float
    stages: tuple[str, ...]


def run(report: Report) -> None:
    with scratch("import") as folder:
        first, renamed = write_country(folder / "first"), write_country(folder / "renamed", suffix=" mới")
        _on(report, "SQLite", [Home(folder / f"home{n}") for n in range(report.runs)], first, renamed)
        _held(report, "sqlite", Home(folder / "held"), first)
        try:
            with postgres.cluster(folder / "pg") as made:
                homes = [Home(folder / f"pg{n}", made.database(f"bench{n}")) for n in range(report.runs)]
                _on(report, f"PostgreSQL {made.version}", homes, first, renamed)
                _held(report, "postgresql", Home(folder / "pgheld", made.database("held")), first)
        except BenchError as error:
            report.judge("import on PostgreSQL", f"≤ {BAR_S:.0f} s", str(error), holds=None, how="")


def _on(report: Report, where: str, homes: Sequence[Home], first: Path, renamed: Path) -> None:
    took: dict[str, list[Took]] = {"first": [], "again": [], "rename": [], "undo": []}
    for home in homes:
        took["first"].append(_import(home, str(first), "--yes"))
        took["again"].append(_import(home, str(first), "--dry-run"))
        took["rename"].append(_import(home, str(renamed), "--yes"))
        took["undo"].append(_import(home, "--undo", "--yes"))
        _must_be_whole(home)
    times = spread([one.seconds for one in took["first"]])
    drawn = all(one.stages == _STAGES for one in took["first"])
    report.judge(
        f"import of {CENTRES:,} centres with {DEVICES:,} devices, {where}", f"≤ {BAR_S:.0f} s, with a progress bar",
        f"{times.text(' s')}; bar {'drawn for every stage' if drawn else 'missing'}",
        holds=times.high <= BAR_S and drawn, how="the whole command on a terminal, empty home, the slowest run counts",
    )  # fmt: skip
    key = where.partition(" ")[0].lower()
    for what in ("again", "rename", "undo"):
        report.keep({f"{key}_{what}_s": round(spread([one.seconds for one in took[what]]).median, 2)})


def _import(home: Home, *words: str) -> Took:
    """The command with its messages on a terminal."""
    reader, terminal = pty.openpty()
    began = time.monotonic()
    command = [sys.executable, "-m", "motcua", "collector", "import", *words]
    environment = os.environ | home.environment | {"TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=terminal
    ) as process:
        os.close(terminal)
        drawn = _drain(reader)
        code = process.wait()
    seconds = time.monotonic() - began
    if code:
        raise BenchError(f"import {' '.join(words)} ended with {code}: {drawn[-500:]}")
    return Took(seconds, tuple(stage for stage in _STAGES if stage in drawn))


def _drain(reader: int) -> str:
    """Everything a terminal was told until its last writer went away."""
    seen = bytearray()
    try:
        while chunk := os.read(reader, 65_536):
            seen += chunk
    except OSError:  # Linux says so when nobody holds the other end any more
        pass
    finally:
        os.close(reader)
    return seen.decode("utf-8", "replace")


def _must_be_whole(home: Home) -> None:
    """Raise BenchError unless the first names hold again and every device is there once."""
    store = open_store(home.database or home.folder, SystemClock())
    try:
        with store.reading() as conn:
            centres = conn.scalar(select(func.count()).select_from(centre).where(centre.c.name_vi.not_like("% mới")))
            mine = (inventory.c.kind == "devices") & inventory.c.to_ms.is_(None)
            devices = conn.scalar(select(func.count()).select_from(inventory).where(mine))
    finally:
        store.close()
    if (centres, devices) != (CENTRES, DEVICES):
        raise BenchError(f"{centres} centres and {devices} devices are there after the undo")


def _held(report: Report, where: str, home: Home, files: Path) -> None:
    """How long the one writing transaction keeps other writers of the same database waiting."""
    store = open_store(home.database or home.folder, SystemClock())
    try:
        migrate(store)
        hub = Hub(store, store.clock, Settings(home=home.folder))
        prepared = importing.prepare(hub, files, lambda *_: None)
        began = time.monotonic()
        importing.carry_out(hub, Actor("bench", "system"), prepared, lambda *_: None)
        report.keep({f"{where}_other_writers_wait_s": round(time.monotonic() - began, 2)})
    finally:
        store.close()


# --- the files ------------------------------------------------------------------------------------------------------


def write_country(folder: Path, suffix: str = "") -> Path:
    """Files as a ministry might hand them in: invented, with addresses for documentation only."""
    folder.mkdir(parents=True)
    codes = [f"{10_000 + 3 * n:05d}" for n in range(CENTRES)]
    _write(folder / "communes.csv", ("code", "name", "type", "province_code", "province"), (
        (code, f"Xã Số {n}{suffix}", "xã", f"{n % 34 + 1:02d}", "Tỉnh Ví Dụ") for n, code in enumerate(codes)
    ))  # fmt: skip
    _write(folder / "centres.csv", ("key", "name_vi", "name_en", "lat", "lon", "area", "dossiers_per_hour"), (
        (f"{code}-1", f"Xã Số {n}{suffix}", f"Commune {n}", 21.2, 106.1, f"khu-vuc-{n % 90}", n % 20)
        for n, code in enumerate(codes)
    ))  # fmt: skip
    lines = ("key", "kind", "carrier", "circuit", "contract_bps", "cpe_address", "uplink_group", "reach_by")
    _write(folder / "lines.csv", lines, (
        (f"{code}-1/{letter}", "tslcd" if letter > "a" else "internet", "vnpt", f"VD-{code}-{letter}", 100_000_000,
         f"2001:db8::{n:x}:{ord(letter):x}", f"vnpt-{n % 90}", "default")
        for n, code in enumerate(codes) for letter in "abc"[: LINES + (n % 3 == 0)]
    ))  # fmt: skip
    devices = ("key", "centre", "kind", "name", "model", "os", "bought", "cost_vnd", "life_years", "life_basis")
    _write(folder / "devices.csv", devices, (
        (f"VD-{n:05d}", f"{codes[n % CENTRES]}-1", "pc", f"Máy tính {n}", "ví dụ", "Windows 10", f"{n % 28 + 1}/3/2021",
         15_000_000, 7, "TT 141/2025/TT-BTC")
        for n in range(DEVICES)
    ))  # fmt: skip
    return folder


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as sink:
        writer = csv.writer(sink)
        writer.writerow(header)
        writer.writerows(rows)
    say(f"{path.name}: {path.stat().st_size >> 10} kB")


if __name__ == "__main__":
    main("import_province", run, __doc__)
