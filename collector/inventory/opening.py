"""Opening hours of a schedule on a day, by season; and the calendar of days off and of Saturdays worked instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final

from collector.inventory.schema import DAYS, Body

Span = tuple[int, int]
"""From and to before, UTC milliseconds."""

_ZONE_MS: Final = 7 * 3_600_000  # Vietnam, without summer time since 1975
_DAY_MS: Final = 86_400_000
_REMEMBERED: Final = 10_000


def hours_on(rows: Iterable[Body], schedule: str, day: date) -> tuple[str, ...] | None:
    """`07:30-11:30`, … of a local day; empty: closed, None: nobody told. `rows`: the table hours.

    A season that ends before it begins goes over the turn of the year.
    """
    when, weekday = day.strftime("%m-%d"), DAYS[day.weekday()]
    for body in rows:
        first, last = str(body.get("season_from", "")), str(body.get("season_to", ""))
        inside = first <= when <= last if first <= last else when >= first or when <= last
        if body.get("schedule") == schedule and inside:
            told = str(body.get(weekday, ""))
            return () if told == "closed" else tuple(part.strip() for part in told.split(";") if part.strip())
    return None


@dataclass(frozen=True, slots=True)
class Calendar:
    """When offices of each schedule are open. `hours`: the table hours; `off`, `swapped`: days such as 2026-11-24."""

    hours: Sequence[Body] = ()
    off: frozenset[str] = frozenset()
    swapped: frozenset[str] = frozenset()  # worked for another day
    _days: dict[tuple[str, int], list[Span] | None] = field(default_factory=dict, compare=False)

    def on(self, schedule: str, day: date) -> tuple[str, ...] | None:
        """As `hours_on`, with holidays and days that are worked instead."""
        told = hours_on(self.hours, schedule, self.worked_as(day) or day)
        return () if told is not None and self.worked_as(day) is None else told

    def worked_as(self, day: date) -> date | None:
        """The day whose hours hold: a day worked for another one has those of its week's Monday; None: a day off."""
        if day.isoformat() in self.off:
            return None
        return day - timedelta(days=day.weekday()) if day.isoformat() in self.swapped else day

    def spans(self, schedule: str, from_ms: int, to_ms: int) -> list[Span] | None:
        """The opening hours of a schedule between two instants, in order; None where its season is not told."""
        found: list[Span] = []
        for day_ms in range(day_of(from_ms), to_ms, _DAY_MS):
            whole = self._of_day(schedule, day_ms)
            if whole is None:
                return None
            cut = ((max(start, from_ms), min(end, to_ms)) for start, end in whole)
            found += [(start, end) for start, end in cut if start < end]
        return found

    def _of_day(self, schedule: str, day_ms: int) -> list[Span] | None:
        key = schedule, day_ms
        if key not in self._days:
            if len(self._days) >= _REMEMBERED:
                self._days.clear()
            told = self.on(schedule, date_of(day_ms))
            self._days[key] = None if told is None else [span_of(text, day_ms) for text in told]
        return self._days[key]


def calendar_of(hours: Mapping[str, Body], holidays: Mapping[str, Body]) -> Calendar:
    """From the tables of the same names."""
    kinds = {key: str(body["kind"]) for key, body in holidays.items()}
    return Calendar(
        list(hours.values()),
        frozenset(key for key, kind in kinds.items() if kind != "working_swap"),
        frozenset(key for key, kind in kinds.items() if kind == "working_swap"),
    )


def day_of(at_ms: int) -> int:
    """When the local day of an instant began."""
    return (at_ms + _ZONE_MS) // _DAY_MS * _DAY_MS - _ZONE_MS


def date_of(at_ms: int) -> date:
    """The local day of an instant."""
    return (datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=at_ms + _ZONE_MS)).date()


def instant_of(moment: str) -> int:
    """The UTC milliseconds of a local `2026-11-21 07:30`."""
    return round(datetime.fromisoformat(f"{moment}+00:00").timestamp()) * 1000 - _ZONE_MS


def span_of(hours: str, day_ms: int) -> Span:
    """`07:30-11:30` of the local day that began at `day_ms`."""
    start, _, end = hours.partition("-")
    return day_ms + _minutes(start) * 60_000, day_ms + _minutes(end) * 60_000


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)
