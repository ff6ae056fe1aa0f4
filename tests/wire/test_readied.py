"""Structs that several threads use first, all at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# In a process of its own: what it guards against ends a process. Many classes, for the race is for each of them.
SCRIPT = """
import msgspec, sys, threading
from wire.readied import readied
sys.setswitchinterval(1e-6)
for n in range(150):
    inner = msgspec.defstruct(f"In{n}", [(f"f{k}", int, 0) for k in range(8)], frozen=True)
    outer = msgspec.defstruct(f"Out{n}", [(f"g{k}", inner, inner()) for k in range(8)])
    go, seen = threading.Barrier(6), []
    def read():
        go.wait()
        seen.append(msgspec.convert({"g0": {"f0": n}}, readied(outer)).g0.f0)
    those = [threading.Thread(target=read) for _ in range(6)]
    [one.start() for one in those]
    [one.join() for one in those]
    assert seen == [n] * 6, seen
"""


def test_threads_that_are_first_together_all_get_it_right() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
