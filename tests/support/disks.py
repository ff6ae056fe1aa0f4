"""A small file system of its own, for full and read-only disks."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, size: str = "6m") -> Iterator[Path]:
    """A tmpfs of `size` at `folder`; the test is skipped where mounting is not allowed."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=False)
    if made.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def read_only(folder: Path) -> None:
    """Nothing can be written there any more. Fails while a file is open for writing."""
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)


def writable(folder: Path) -> None:
    subprocess.run(["mount", "-o", "remount,rw", folder], check=True)


def fill_up(ballast: Path) -> None:
    """Make `ballast` as large as the disk allows."""
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass
