"""Decide who must know: verdicts from what is not well, incidents that live, messages that reach the right people once.

What this floor offers the roof; everything above it comes in by `alerts.api`.
"""

from __future__ import annotations

from alerts.api import Commands, Reader
from alerts.desk import Desk, Loop


def loops(desk: Desk) -> list[Loop]:
    """Everything that repeats."""
    from alerts.correlate import correlate
    from alerts.deliver.going_on import Alive, Still  # with every channel's libraries, which the board does not need
    from alerts.deliver.loop import Delivery
    from alerts.incidents.clerks import Clerks
    from alerts.incidents.loop import Incidents

    told = (Clerks(desk).loop(), Delivery(desk).loop(), Still(desk).loop(), Alive(desk).loop())
    return [Incidents(desk, correlate).loop(), *told]


def reader(desk: Desk) -> Reader:
    """Questions about incidents."""
    from alerts.incidents.reading import TableReader

    return TableReader(desk)


def commands(desk: Desk) -> Commands:
    """Acts on incidents."""
    from alerts.incidents.commands import TableCommands

    return TableCommands(desk)
