"""What is to become of a message whose time has come: send it, put it off, or leave it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from alerts.api import Incident
from alerts.deliver.cases import UNANSWERED
from alerts.deliver.rows import Row
from alerts.settings import Quiet

CALLING: Final = frozenset({"call", "escalation", "reminder"})
"""Kinds that want something done; the others only tell how it went on."""

_AGAIN_MS: Final = 15_000
_OVER_MS: Final = 600_000
_MINUTE_MS: Final = 60_000
_DAY_MIN: Final = 1_440
_ZONE_MIN: Final = 420  # Vietnam, without summer time since 1975


@dataclass(frozen=True, slots=True)
class PutOff:
    """Look at it again at `until_ms`."""

    until_ms: int
    why: str


@dataclass(frozen=True, slots=True)
class Leave:
    """Nobody needs it any more."""

    why: str


def decide(
    row: Row, case: Incident | None, others: Sequence[Row], *, now_ms: int, quiet: Quiet | None
) -> PutOff | Leave | None:
    """None: let it go. `others`: every message about the same incident. `case` None: it is about no single one."""
    if case is not None:
        beside = [one for one in others if one.audience == row.audience and one.key != row.key]
        found = _needed(row, case, now_ms) if row.kind in CALLING else _heard(row, beside, now_ms)
        if found is not None:
            return found
        if case.muted_until_ms is not None and case.muted_until_ms > now_ms:
            return PutOff(case.muted_until_ms, "muted")
    until_ms = None if quiet is None else quiet_until(quiet, now_ms)
    return None if until_ms is None else PutOff(until_ms, "quiet hours")


def quiet_until(quiet: Quiet, now_ms: int) -> int | None:
    """When the quiet hours end that hold now; None where none do."""
    minutes = now_ms // _MINUTE_MS + _ZONE_MIN
    minute = minutes % _DAY_MIN
    if not quiet.holds(minute):
        return None
    left = (quiet.to_min - minute) % _DAY_MIN or _DAY_MIN
    return (now_ms // _MINUTE_MS + left) * _MINUTE_MS


def _needed(row: Row, case: Incident, now_ms: int) -> PutOff | Leave | None:
    """A call is of no use once the trouble is over, a second one once somebody has taken it on."""
    if case.closed_ms is not None:
        return Leave("it was over before it was sent")
    if case.verdict.owner == "planned":
        return Leave("it was planned")
    if case.ended_ms is not None:
        over = now_ms - case.ended_ms > _OVER_MS
        return Leave("it was over before it was sent") if over else PutOff(now_ms + _AGAIN_MS, "it may be over")
    if row.kind != "call" and case.stage not in UNANSWERED:
        return Leave("somebody has taken it on")
    return None


def _heard(row: Row, beside: Sequence[Row], now_ms: int) -> PutOff | Leave | None:
    """Who never heard of it is not told how it ended; who is about to hear of it is told first what it is."""
    calls = [one for one in beside if one.kind in CALLING and one.channel in {row.channel, ""}]
    if any(one.state in {"sent", "answered"} for one in calls):
        return None
    if any(one.state in {"waiting", "sending"} for one in calls):
        return PutOff(now_ms + _AGAIN_MS, "what it follows has not gone yet")
    return Leave("they were never told of it")
