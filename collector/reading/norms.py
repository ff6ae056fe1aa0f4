"""The norms that apply to a line today, each against the figure at hand: met, not met, or not known and why."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, cast

from collector.api import DayFigure, Interval, LineInfo, LineRank, Met, NormCheck
from collector.history.buckets import DAY_MS
from collector.inventory.schema import Body

SPAN_DAYS: Final = 30
"""What figures that are no week's are taken over."""

NO_FIGURE: Final = "no_figure"
"""Why a norm is not compared: it is not about anything that is measured here."""

TOO_LITTLE: Final = "too_little"
"""Why a norm is not compared: what was measured is too little to say."""

_ENOUGH: Final = 0.5  # of the span must be known before an availability says anything

_RTT: Final = "motcua_line_rtt_seconds"
_JITTER: Final = "motcua_line_jitter_seconds"
_SENT: Final = "motcua_line_sent_packets"
_RECEIVED: Final = "motcua_line_received_packets"
METRICS: Final = (_RTT, _JITTER, _SENT, _RECEIVED)


@dataclass(frozen=True, slots=True)
class Figures:
    """What is known of a line: days by metric, its states over `SPAN_DAYS`, its place in the ranking."""

    line: LineInfo
    rank: LineRank | None
    days: Mapping[str, Sequence[DayFigure]]
    held: Sequence[Interval]


def applying(norms: Iterable[Body], kind: str, day: str) -> list[Body]:
    """Those in force on a day (2026-11-21) that apply to lines of a kind."""
    return [
        norm
        for norm in norms
        if str(norm["from"]) <= day <= str(norm.get("to", "9999-12-31"))
        and kind in str(norm.get("applies_to", "")).split()
    ]


def checks(norms: Iterable[Body], figures: Figures) -> list[NormCheck]:
    """Each norm against its figure."""
    return [_check(norm, figures) for norm in norms]


def _check(norm: Body, figures: Figures) -> NormCheck:
    sense = cast("Literal['at_most', 'at_least', 'equal']", str(norm.get("limit", "equal")))
    bare = NormCheck(
        id=str(norm["id"]), name_vi=str(norm["name_vi"]), name_en=str(norm["name_en"]), from_day=str(norm["from"]),
        limit=float(norm["value"]), unit=str(norm["unit"]), sense=sense, basis=str(norm["basis"]),
        confidence=str(norm["confidence"]), met="unknown", note=str(norm.get("note", "")),
    )  # fmt: skip
    figure = FIGURES.get(str(norm.get("figure", "")))
    if figure is None:
        return replace(bare, why=NO_FIGURE)
    value, span_days = figure(figures)
    if value is None:
        return replace(bare, why=TOO_LITTLE)
    return replace(bare, met=_met(value, bare.limit, sense), value=value, span_days=span_days)


def _met(value: float, limit: float, sense: str) -> Met:
    good = {"at_most": value <= limit, "at_least": value >= limit}.get(sense, math.isclose(value, limit))
    return "met" if good else "not_met"


# --- figures --------------------------------------------------------------------------------------------------------

Figure = tuple[float | None, int]


def _use(f: Figures) -> Figure:
    if f.rank is None or f.rank.use is None or not f.line.contract_bps or f.rank.use.coverage < _ENOUGH:
        return None, 0
    return max(f.rank.use.receive_bps, f.rank.use.transmit_bps) / f.line.contract_bps, 7


def _share(f: Figures) -> Figure:
    return (None if f.rank is None else f.rank.share), SPAN_DAYS


def _contract(f: Figures) -> Figure:
    return f.line.contract_bps, 0


def _mean(metric: str) -> Callable[[Figures], Figure]:
    def mean(f: Figures) -> Figure:
        days = f.days.get(metric, ())
        count = sum(day.count for day in days)
        return (sum(day.avg * day.count for day in days) / count if count else None), SPAN_DAYS

    return mean


def _loss(f: Figures) -> Figure:
    sent, back = (sum(day.avg * day.count for day in f.days.get(metric, ())) for metric in (_SENT, _RECEIVED))
    return ((sent - back) / sent if sent else None), SPAN_DAYS


def _availability(f: Figures) -> Figure:
    """Of the time in which its state is known, the share in which it was not cut off."""
    spent = {
        state: sum(i.to_ms - i.from_ms for i in f.held if i.state == state) for state in ("ok", "degraded", "down")
    }
    known = sum(spent.values())
    return (1 - spent["down"] / known if known >= _ENOUGH * SPAN_DAYS * DAY_MS else None), SPAN_DAYS


def _outages(f: Figures) -> list[float]:
    return sorted((i.to_ms - i.from_ms) / 1000 for i in f.held if i.state == "down")


def _longest(f: Figures) -> Figure:
    known = any(i.state != "unknown" for i in f.held)
    return (max(_outages(f), default=0.0) if known else None), SPAN_DAYS


def _most(f: Figures) -> Figure:
    """How long nine of ten outages lasted at most."""
    found = _outages(f)
    return (found[math.ceil(0.9 * len(found)) - 1] if found else None), SPAN_DAYS


FIGURES: Final[Mapping[str, Callable[[Figures], Figure]]] = {
    "use_p95": _use,
    "speed_share": _share,
    "contract": _contract,
    "rtt": _mean(_RTT),
    "loss": _loss,
    "jitter": _mean(_JITTER),
    "availability": _availability,
    "longest_outage": _longest,
    "outage_p90": _most,
}
"""By the names of `collector.inventory.schema.FIGURES`."""
