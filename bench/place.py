"""Where a bench keeps its files: a folder of its own, on a real disk (a tmpfs would make every fsync free)."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent


@contextmanager
def scratch(name: str) -> Iterator[Path]:
    """A new folder, gone afterwards. MOTCUA_BENCH_DIR names where; otherwise /var/tmp, which outlives a restart."""
    base = Path(os.environ.get("MOTCUA_BENCH_DIR", "/var/tmp"))
    folder = Path(tempfile.mkdtemp(prefix=f"motcua-bench-{name}-", dir=base))
    folder.chmod(0o755)  # servers that refuse to run as root read their settings here
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
