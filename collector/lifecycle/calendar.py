"""Planned stops from a calendar (iCalendar, RFC 5545), as carriers and ministries announce them.

What an event is about stands in `X-MOTCUA-SUBJECT`, in its categories, or is said for the whole file. Times without a
zone are Vietnam's. The summary is the reason, the URL or the first line of the description the document.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Final

from collector.api import Announce, NotAllowed, Stop
from collector.lifecycle.recurring import MOST
from collector.lifecycle.whom import MAX_REASON, written

if TYPE_CHECKING:
    from icalendar import Calendar, Event

MAX_BYTES: Final = 1 << 20
MAX_EVENTS: Final = 2_000
_LOCAL: Final = timezone(timedelta(hours=7))
_BY_DAYS: Final = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
_BY_CLOCK: Final = frozenset({"BYHOUR", "BYMINUTE", "BYSECOND"})


def read_calendar(path: Path, subject: str, from_ms: int, to_ms: int) -> Announce:
    """Every stop that overlaps the span. `subject`: what events are about that do not say.

    Raises NotAllowed, naming the event and the remedy.
    """
    calendar = _parsed(path)
    every = [event for event in calendar.events if event.get("UID")]
    if len(every) > MAX_EVENTS:
        raise NotAllowed(f"{path}: {len(every)} events; at most {MAX_EVENTS} are read at once")
    for event in every:
        _check_pace(event, path)
    stops = tuple(_stops(calendar, path, subject, (from_ms, to_ms)))
    return Announce(path.name, stops, frozenset(_series(event) for event in every))


def _parsed(path: Path) -> Calendar:
    from icalendar import Calendar

    try:
        with path.open("rb") as opened:
            body = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise NotAllowed(f"{path}: cannot be read: {error.strerror}") from error
    if len(body) > MAX_BYTES:
        raise NotAllowed(f"{path}: larger than {MAX_BYTES >> 20} MiB")
    try:
        calendar = Calendar.from_ical(body)
    except (ValueError, IndexError, KeyError) as error:
        raise NotAllowed(f"{path}: is no iCalendar file: {error}") from error
    if not isinstance(calendar, Calendar):
        raise NotAllowed(f"{path}: holds no calendar")
    return calendar


def _check_pace(event: Event, path: Path) -> None:
    """Before anything is drawn out: a rule by the minute has half a million stops a year."""
    rules = event.get("RRULE") or []
    for rule in rules if isinstance(rules, list) else [rules]:
        paces = {str(one).upper() for one in rule.get("FREQ", [])}
        if paces - _BY_DAYS or _BY_CLOCK & {key.upper() for key in rule}:
            raise NotAllowed(f"{path}: event {_series(event)!r}: a planned stop comes again daily at most")


def _stops(calendar: Calendar, path: Path, subject: str, span: tuple[int, int]) -> Iterator[Stop]:
    import recurring_ical_events

    first, last = (datetime.fromtimestamp(at / 1000, _LOCAL) for at in span)
    try:
        found = recurring_ical_events.of(calendar, skip_bad_series=False).between(first, last)
    except (ValueError, TypeError, OverflowError, recurring_ical_events.InvalidCalendar) as error:
        raise NotAllowed(f"{path}: a rule of it cannot be drawn out: {error}") from error
    counts: dict[str, int] = {}
    for event in found:
        series = _series(event)
        counts[series] = counts.get(series, 0) + 1
        if counts[series] > MOST:
            raise NotAllowed(f"{path}: event {series!r} comes more than {MOST} times within a year")
        if str(event.get("STATUS", "")).upper() != "CANCELLED":
            yield _stop(event, path, subject)


def _stop(event: Event, path: Path, subject: str) -> Stop:
    series, reason = _series(event), " ".join(str(event.get("SUMMARY", "")).split())
    about = _subject(event) or subject
    if not about:
        raise NotAllowed(
            f"{path}: event {series!r} ({reason}) does not say what it is about: give --subject, or write "
            "X-MOTCUA-SUBJECT:carrier:vnpt into it"
        )
    if not reason:
        raise NotAllowed(f"{path}: event {series!r} has no SUMMARY: say why")
    return Stop(series, about, _moment(event.start), _moment(event.end), reason[:MAX_REASON], _document(event))


def _series(event: Event) -> str:
    return str(event.get("UID", ""))[:200]


def _subject(event: Event) -> str:
    named = str(event.get("X-MOTCUA-SUBJECT", "")).strip()
    if named:
        return written(named)
    categories = event.get("CATEGORIES")
    cats = [str(one) for one in categories.cats] if categories is not None and hasattr(categories, "cats") else []
    return next((written(one) for one in cats if ":" in written(one)), "")


def _document(event: Event) -> str:
    text = str(event.get("URL", "")) or str(event.get("DESCRIPTION", "")).strip().partition("\n")[0]
    return " ".join(text.split())[:MAX_REASON]


def _moment(moment: date | datetime) -> int:
    """UTC ms; a day begins at midnight in Vietnam."""
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time())
    aware = moment if moment.tzinfo else moment.replace(tzinfo=_LOCAL)
    return round(aware.timestamp() * 1000)
