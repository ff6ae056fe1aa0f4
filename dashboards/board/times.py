"""Moments as people in Vietnam read them. Instants are UTC milliseconds; the clock is that of the data."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Final

from dashboards.board.numbers import span
from dashboards.board.words import Words

# No tz database needed (Windows has none): Asia/Ho_Chi_Minh has been UTC+7 without summer time since 1975.
LOCAL: Final = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
_AHEAD_MS: Final = 7 * 3_600_000
_DAY_MS: Final = 86_400_000


def local(at_ms: int) -> datetime:
    """The moment on the wall clock of Vietnam."""
    return datetime.fromtimestamp(at_ms / 1000, LOCAL)


def iso(at_ms: int) -> str:
    """For the `datetime` of a `<time>` element."""
    return local(at_ms).isoformat(timespec="milliseconds")


def clock(at_ms: int) -> str:
    return local(at_ms).strftime("%H:%M:%S")


def minute(at_ms: int, now_ms: int) -> str:
    """Hours and minutes, with the day where it is not today's."""
    moment = local(at_ms)
    return moment.strftime("%H:%M") if _same_day(at_ms, now_ms) else moment.strftime("%H:%M %d/%m")


def stamp(at_ms: int, now_ms: int) -> str:
    """For tables: to the second, with the full date where it is not today's."""
    moment = local(at_ms)
    return moment.strftime("%H:%M:%S") if _same_day(at_ms, now_ms) else moment.strftime("%d/%m/%Y %H:%M:%S")


def full(at_ms: int) -> str:
    """For what is read elsewhere, on another day: the moment with its whole date."""
    return local(at_ms).strftime("%H:%M:%S %d/%m/%Y")


def day(at_ms: int) -> str:
    """A local day: 21/11/2026."""
    return local(at_ms).strftime("%d/%m/%Y")


def ago(at_ms: int, now_ms: int, words: Words) -> str:
    """How long before `now_ms`; what lies ahead of it (another clock) counts as now."""
    return words("time.ago", span=span(max(0, now_ms - at_ms) / 1000, words))


def _same_day(one_ms: int, other_ms: int) -> bool:
    return (one_ms + _AHEAD_MS) // _DAY_MS == (other_ms + _AHEAD_MS) // _DAY_MS
