"""Small files that are either the old one or the new one, whatever happens in between."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from wire.readied import readied

S = TypeVar("S", bound=msgspec.Struct)

MAX_BYTES: Final = 2 * 1024 * 1024


def write_atomic(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Replace `path` with `content`, on the disk before this returns. Raises OSError; the old file is whole then."""
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` outlive a power cut."""
    if sys.platform == "win32":
        return  # NTFS journals renames itself, and a folder cannot be opened there
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_struct(path: Path, kind: type[S]) -> S | None:
    """The JSON struct kept in `path`; None where there is none or where it cannot be read any more."""
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(MAX_BYTES), type=readied(kind))
    except (OSError, msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
