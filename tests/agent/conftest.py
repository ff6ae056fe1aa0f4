"""What probes set for their own machine is put back after each test."""

from __future__ import annotations

import psutil
import pytest


@pytest.fixture(autouse=True)
def _own_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    """A probe that was shown another /proc leaves psutil looking there."""
    monkeypatch.setattr(psutil, "PROCFS_PATH", "/proc", raising=False)
