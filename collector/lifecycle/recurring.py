"""Planned stops that come again: a rule (RFC 5545, RRULE) in Vietnam's time, drawn out into single stops."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from collector.api import NotAllowed

MOST: Final = 400
"""A stop a day for a year."""

_LOCAL: Final = timezone(timedelta(hours=7))
_WORDS: Final = {"daily": "FREQ=DAILY", "weekly": "FREQ=WEEKLY", "monthly": "FREQ=MONTHLY"}
_BY_CLOCK: Final = ("FREQ=SECONDLY", "FREQ=MINUTELY", "FREQ=HOURLY", "BYHOUR", "BYMINUTE", "BYSECOND")

Span = tuple[int, int]


def drawn_out(first: Span, rule: str, until_ms: int) -> list[Span]:
    """Every stop of a rule that begins before `until_ms`, the first included; `daily` and `weekly` are rules, too.

    Raises NotAllowed for a rule that cannot be read, comes more often than daily, or more than 400 times.
    """
    from dateutil.rrule import rrulestr

    text = _WORDS.get(rule.strip().lower(), rule.strip().removeprefix("RRULE:"))
    begin = datetime.fromtimestamp(first[0] / 1000, _LOCAL).replace(tzinfo=None)
    end = datetime.fromtimestamp(until_ms / 1000, _LOCAL).replace(tzinfo=None)
    if any(word in text.upper() for word in _BY_CLOCK):
        raise NotAllowed(f"{rule!r}: a planned stop comes again daily at most")
    try:
        moments = rrulestr(_local_until(text), dtstart=begin).xafter(begin, count=MOST + 1, inc=True)
        found = [moment for moment in moments if moment < end]
    except (ValueError, TypeError, OverflowError) as error:
        raise NotAllowed(f"{rule!r} is no rule: write daily, weekly, monthly, or FREQ=WEEKLY;BYDAY=SU") from error
    if len(found) > MOST:
        raise NotAllowed(f"{rule!r} comes more than {MOST} times: end it sooner")
    starts = {first[0], *(round(moment.replace(tzinfo=_LOCAL).timestamp() * 1000) for moment in found)}
    return [(start, start + first[1] - first[0]) for start in sorted(starts)]


def _local_until(text: str) -> str:
    """RRULE's UNTIL is written in UTC (RFC 5545 3.3.10); the rule itself is drawn out in local time."""
    parts = []
    for part in text.split(";"):
        name, _, value = part.partition("=")
        if name.upper() == "UNTIL" and value.upper().endswith("Z"):
            at = datetime.strptime(value.upper(), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).astimezone(_LOCAL)
            part = f"UNTIL={at:%Y%m%dT%H%M%S}"  # noqa: PLW2901  # the same part, in local time
        parts.append(part)
    return ";".join(parts)
