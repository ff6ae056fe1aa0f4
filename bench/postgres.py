"""A PostgreSQL of the bench's own, as a careful operator runs it: fsync on, synchronous commit on, nothing tuned."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench.process import BenchError, pinned, program, wait_until


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running server; reached by a socket in `folder`."""

    folder: Path
    pid: int
    version: str

    def database(self, name: str) -> str:
        """Make an empty database; its address."""
        with psycopg.connect(f"host={self.folder} user=postgres dbname=postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}"


def programs() -> Path | None:
    """Where the newest installed server's programs are."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    return found[-1].parent if found else None


@contextmanager
def cluster(folder: Path, *, core: int | None = None) -> Iterator[Cluster]:
    """Make and start one in `folder`, reached by a socket there. Raises BenchError where it is not installed."""
    where = programs()
    if where is None:
        raise BenchError("PostgreSQL is not installed: apt install postgresql")
    folder.mkdir(parents=True)
    prefix: list[str] = []
    if os.geteuid() == 0:  # the server refuses to run as root
        shutil.chown(folder, pwd.getpwnam("postgres").pw_uid)
        prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    make = [*prefix, str(where / "initdb"), "-D", str(folder / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8"]
    done = subprocess.run(make, capture_output=True, text=True, cwd="/", check=False)
    if done.returncode:
        raise BenchError(f"initdb: {done.stderr[-500:]}")
    server = [*pinned(core), *prefix, str(where / "postgres"), "-D", str(folder / "data"), "-k", str(folder)]
    with program([*server, "-c", "listen_addresses="], folder.with_suffix(".log"), cwd=Path("/")) as process:
        wait_until(lambda: _answers(folder), what="PostgreSQL")
        yield Cluster(folder, process.pid, where.parts[-2])


def _answers(folder: Path) -> bool:
    try:
        psycopg.connect(f"host={folder} user=postgres dbname=postgres").close()
    except psycopg.OperationalError:  # it is still starting up
        return False
    return True
