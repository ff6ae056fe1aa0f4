"""How many people wait because of an incident, and until when it is to be repaired: both by the working calendar."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from alerts.dispatch.town import Span, Town

_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 86_400_000
_AHEAD: Final = 30
"""A target farther away than so many days of closed doors is not told."""


def waiting(centres: Iterable[str], town: Town, from_ms: int, to_ms: int) -> float | None:
    """Dossiers that came to these centres while they were open, between two instants.

    None where the inventory knows neither hours nor dossiers of any of them; those of which it does not are left out.
    """
    found = [one for centre in centres if (one := _at(centre, town, from_ms, to_ms)) is not None]
    return sum(found) if found else None


def target(centres: Iterable[str], town: Town, from_ms: int, repair_s: float) -> int | None:
    """When so much working time has passed since `from_ms` at any of these centres; None where no calendar tells."""
    return _after(_together(centres, town, from_ms, from_ms + _AHEAD * _DAY_MS), repair_s)


def open_ms(centres: Iterable[str], town: Town, from_ms: int, to_ms: int) -> int:
    """How long at least one of these centres was open between two instants; all of it where no calendar tells."""
    every = list(centres)
    if all(town.opens(centre, from_ms, to_ms) is None for centre in every):
        return to_ms - from_ms
    return sum(end - start for start, end in _together(every, town, from_ms, to_ms))


def _at(centre: str, town: Town, from_ms: int, to_ms: int) -> float | None:
    place = town.places.get(centre)
    rate = None if place is None else place.dossiers_per_hour
    spans = None if rate is None else town.opens(centre, from_ms, to_ms)
    if rate is None or spans is None:
        return None
    return rate * sum(end - start for start, end in spans) / _HOUR_MS


def _together(centres: Iterable[str], town: Town, from_ms: int, to_ms: int) -> list[Span]:
    """When at least one of the centres is open, in order and apart."""
    every = sorted(span for centre in centres for span in town.opens(centre, from_ms, to_ms) or ())
    joined: list[Span] = []
    for start, end in every:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _after(spans: Iterable[Span], seconds: float) -> int | None:
    left_ms = round(seconds * 1000)
    for start, end in spans:
        if left_ms <= end - start:
            return start + left_ms
        left_ms -= end - start
    return None
