"""Delivery in processes that die: each is a fork of one that has loaded everything, and kills itself at a moment told.

A moment is right before or right after a job of the writer (so a COMMIT), or a request to the other side. Asked on
stdin: `<moment> <wall ms> <home>`, a moment beyond the last: it lives. Answers: how many there were, or `killed`.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry

from alerts import channels
from alerts.deliver.loop import Delivery
from alerts.desk import Desk
from alerts.settings import Outlet
from collector.store.databases import open_store
from tests.support.delivering import PEOPLE, province
from tests.support.handclock import HandClock

T = TypeVar("T")


@dataclass(slots=True)
class Fate:
    """Counts moments and ends the process at one of them."""

    last: int
    seen: int = 0

    def moment(self) -> None:
        if self.seen == self.last:
            os.kill(os.getpid(), signal.SIGKILL)
        self.seen += 1

    def around(self, act: Callable[..., T]) -> Callable[..., T]:
        def done(*args: Any, **named: Any) -> T:
            self.moment()
            try:
                return act(*args, **named)
            finally:
                self.moment()

        return done


def live(home: Path, last: int, wall_ms: int) -> int:
    """One turn of delivery after the other until nothing is left to do now; how many moments that took."""
    clock, world, fate = HandClock(wall_ms), province(), Fate(last)
    world.now = wall_ms
    store = open_store(home, clock)
    store.writer.do = fate.around(store.writer.do)  # type: ignore[method-assign]  # that is what this is for
    Outlet.send = fate.around(Outlet.send)  # type: ignore[method-assign]  # as above
    channels.CHANNELS["people"] = PEOPLE
    desk = Desk(store, world, world, clock, lambda _topic: None, home, CollectorRegistry())
    delivery = Delivery(desk, chance=random.Random(1), patience_s=30.0)
    for _ in range(3):
        delivery.step()
    return fate.seen


def main() -> None:
    for line in sys.stdin:
        last, wall_ms, home = line.strip().split(" ", 2)
        child = os.fork()
        if child == 0:
            sys.stdout.write(f"{live(Path(home), int(last), int(wall_ms))}\n")
            sys.stdout.flush()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            sys.stdout.write("killed\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
