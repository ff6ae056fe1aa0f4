"""Decide who must know: verdicts from what is not well, incidents that live, messages that reach the right people once.

What this floor offers the roof; everything above it comes in by `alerts.api`.
"""

from __future__ import annotations

from alerts.desk import Desk, Loop


def loops(desk: Desk) -> list[Loop]:
    """Everything that repeats."""
    from alerts.deliver.going_on import Alive, Still  # with every channel's libraries, which the board does not need
    from alerts.deliver.loop import Delivery

    return [Delivery(desk).loop(), Still(desk).loop(), Alive(desk).loop()]
