"""A throw-away PostgreSQL for one test session: its own cluster, on a socket in a temporary folder, no TCP."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from collector.store.databases import migrate, open_store
from wire.clock import SystemClock

_MISSING = "no PostgreSQL server programs found under /usr/lib/postgresql; remedy: apt-get install postgresql"


@dataclass(slots=True)
class Cluster:
    """A running cluster. `database()` makes a fresh migrated database and returns its address for `open_store`."""

    folder: Path
    _numbers: Iterator[int] = field(default_factory=count)

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}"

    def database(self) -> str:
        name = f"t{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE pattern STRATEGY file_copy")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Let go of a database: a thousand of them would be eight gigabytes."""
        self.execute(f"DROP DATABASE {make_url(url).database} WITH (FORCE)")

    def execute(self, statement: str) -> None:
        """Run one statement as the superuser, outside any transaction."""
        with psycopg.connect(f"host={self.folder} user=postgres dbname=postgres", autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Start a cluster and stop it at the end. Raises RuntimeError with the remedy where the programs are missing."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="motcua-pg-"))
    try:
        _give_away(folder)
        _run(programs / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"-k {folder} -c listen_addresses='' -c fsync=off -c shared_buffers=32MB -c max_connections=200"
        start = ("-D", folder / "data", "-w", "-l", folder / "log", "-o", options, "start")
        _run(programs / "pg_ctl", *start)
        try:
            yield _with_pattern(Cluster(folder))
        finally:
            _run(programs / "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _with_pattern(made: Cluster) -> Cluster:
    made.execute("CREATE DATABASE pattern")
    store = open_store(made.url("pattern"), SystemClock())
    migrate(store)
    store.close()
    return made


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    if not found:
        raise RuntimeError(_MISSING)
    return found[-1].parent


def _give_away(folder: Path) -> None:
    # The server refuses to run as root.
    if os.getuid() == 0:
        shutil.chown(folder, pwd.getpwnam("postgres").pw_uid)


def _run(program: Path, *arguments: str | Path) -> None:
    prefix = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    command = [*prefix, str(program), *map(str, arguments)]
    # Output goes to a file: the server inherits a pipe and would hold it open.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(command, stdout=output, stderr=output, cwd="/", timeout=60, check=False)
        if done.returncode:
            output.seek(0)
            raise RuntimeError(f"{program.name} failed: {output.read().decode()[-2000:]}")
