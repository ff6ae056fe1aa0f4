"""Plays: a simulated province on a collector of its own, and trials of what is told, held against the truth."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from motcua.ending import USAGE, Stop, settings
from motcua.process import desk, every_loop, hub_of, running

if TYPE_CHECKING:  # heavy, or an extra
    from pathlib import Path

    from simulator.ground import Ground
    from simulator.play import Play
    from wire.clock import Clock

JUDGING: Final = frozenset({"register", "presence", "judge"})
"""Of the collector's loops those that a trial needs: nothing that is told is decided by the others."""


@contextlib.contextmanager
def drill(home: Path, clock: Clock) -> Iterator[Ground]:
    """A collector with its alerts in this process, by a clock that is driven, spoken to without sockets."""
    import alerts
    from collector.direct import Direct
    from collector.stage import Stage
    from simulator.ground import Ground

    with hub_of(settings({"MOTCUA_HOME": str(home), "MOTCUA_DATABASE": ""}), clock, ("ingest",)) as hub:
        loops = [loop for loop in every_loop(hub) if loop.name in JUDGING or loop.role == "alert"]
        yield Ground(Stage(hub, loops), Direct(hub), alerts.reader(desk(hub)))


async def simulate(play: Play) -> None:
    """Set up a collector in the home of a play, by its clock where it has one, and have it played."""
    from collector import process, roles
    from collector.stage import Stage

    process.log_to_stderr(logging.WARNING)
    told, held = process.told_to_stop(), settings(play.settings())
    if held.database:
        raise Stop("a simulation keeps everything in its home: unset MOTCUA_DATABASE", USAGE)
    async with running(held, play.roles(roles.BUILT), play.clock) as hub:
        await play.run(Stage(hub, every_loop(hub)), told)


def thresholds_of(path: Path) -> Mapping[str, float]:
    """Every threshold of a policy file by its key."""
    from collector.judging.policy import parse_policy, read_policy_file
    from collector.judging.thresholds import thresholds

    return {one.key: one.value for one in thresholds(parse_policy(*read_policy_file(path)))}
