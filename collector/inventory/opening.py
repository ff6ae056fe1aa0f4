"""Opening hours of a schedule on a day, by season."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from collector.inventory.schema import DAYS, Body


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
