"""What one process claims for itself: its home, by a lock, and its ports."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from collector.api import CollectorError
from collector.roles import APART
from collector.settings import Address


class Taken(CollectorError):
    """Somebody else has it; the text names the holder and the remedy."""


@contextlib.contextmanager
def home(folder: Path, roles: Sequence[str] = ()) -> Iterator[None]:
    """Hold the home's lock, gone with the process however it ends. A process of one role that may stand apart shares
    the home with the one that judges, so it has a lock of its own. Raises Taken, or OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    alone = len(set(roles)) == 1 and APART.issuperset(roles)
    name = f"lock-{roles[0]}" if alone else "lock"
    handle = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(handle, 20, 0).decode("ascii", "replace").strip() or "unknown"
            text = f"{folder} is in use by process {holder}: stop it, or set MOTCUA_HOME to another folder"
            raise Taken(text) from error
        os.truncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def port(address: Address, variable: str) -> None:
    """Raise Taken where something listens at `address` already; `variable` moves it elsewhere."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((address.host, address.port))
        except OSError as error:
            text = (
                f"{address}: {error.strerror}{_holder(address.port)}; stop that, or set {variable} to another address"
            )
            raise Taken(text) from error


def _holder(number: int) -> str:
    """Who listens on the port, as far as this user may know."""
    try:
        found = psutil.net_connections("tcp")
    except psutil.AccessDenied:
        return ""
    for connection in found:
        listens = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == number
        if listens and connection.pid:
            with contextlib.suppress(psutil.Error):
                return f" by {psutil.Process(connection.pid).name()}, process {connection.pid}"
    return ""
