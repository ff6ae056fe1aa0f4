"""Scenes: composed causes, drawn by a seed. One to three at once, at one centre, in one area or far apart; then quiet.

A seed is two such scenes with time between them in which everything recovers, and beside them what is no fault: a stop
that was announced and an official's PC that goes home. Nothing here depends on when, or how often, it is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from simulator.causes import KINDS, Cause, drawn_severity
from simulator.chance import Dice
from simulator.owners import TRUNK_CENTRES, TRUNK_LINES, Planned
from simulator.province import Line, Province, Site

T = TypeVar("T")

MINUTE_MS: Final = 60_000
LEAD_MS: Final = 9 * MINUTE_MS
"""Everything is measured and well before anything goes wrong."""

SCENES: Final = 2
GAP_MS: Final = 23 * MINUTE_MS
"""Windows of a quarter of an hour, the batch after it, and what people are told of an end."""

_SHORT: Final = (10 * MINUTE_MS, 22 * MINUTE_MS)
_LONG: Final = (27 * MINUTE_MS, 37 * MINUTE_MS)
_SLOWLY: Final = ("line_lossy", "line_slow", "dns_slow", "service_down", "service_slow", "line_flapping")
_OFTEN: Final = {
    "line_cut": 14, "power": 11, "carrier_cut": 11, "service_down": 11, "service_slow": 9, "lan": 9, "line_lossy": 9,
    "line_slow": 7, "agent_stopped": 5, "line_flapping": 4, "dns_slow": 4, "disk_full": 4, "clock_skew": 4,
    "hop_cut": 2, "failover": 2,
}  # fmt: skip
"""How often each is drawn: cuts and power lead, systems follow. Chosen, not measured."""

_LATER_MS: Final = 9 * MINUTE_MS
_NEAR_SHARE: Final = 0.5
_AREA_SHARE: Final = 0.5
_LEADING_SHARE: Final = 0.7
_PLANNED_SHARE: Final = 0.12
_OVERRUN_SHARE: Final = 0.4
_TRIES: Final = 12


@dataclass(frozen=True, slots=True)
class Scenes:
    """What a trial plays: causes in order of time, announced stops, PCs that are switched off, and its end (UTC ms)."""

    causes: tuple[Cause, ...]
    stops: tuple[Planned, ...]
    until_ms: int
    off: dict[str, int] = field(default_factory=dict)  # centre: when its PC is switched off


def compose(province: Province, seed: int, from_ms: int) -> Scenes:
    """The scenes of a seed, played from a moment on."""
    composer, at, causes = _Composer(province, Dice(seed)), from_ms + LEAD_MS, list[Cause]()
    for number in range(SCENES):
        scene = composer.scene(number, at)
        causes += scene
        at = max(cause.to_ms for cause in scene) + GAP_MS
    dice = composer.dice
    off = {key: from_ms + round((20 + 60 * dice.once(f"off/{key}")) * MINUTE_MS) for key in pc_centres(province)}
    ordered = tuple(sorted(causes, key=lambda cause: (cause.from_ms, cause.id)))
    return Scenes(ordered, tuple(_stops(dice, causes)), at, off)


def pc_centres(province: Province) -> list[str]:
    """Where an official's PC reports as well."""
    return list(province.sites)[1::5]


class _Composer:
    """What was touched by one scene is left alone by the next: a fault that returns is another thing."""

    def __init__(self, province: Province, dice: Dice) -> None:
        self.province, self.dice = province, dice
        self._used: set[str] = set()

    def scene(self, number: int, at: int) -> list[Cause]:
        """One to three causes; those behind the first begin up to some minutes later."""
        found, near = list[Cause](), list[str]()
        for n in range(1 + int(3 * self.dice.draws(b"scene", number)[0])):
            one = self._one(f"s{number + 1}.{n + 1}", at, near, later=bool(found))
            if one is not None:
                found.append(one)
                near = near or _centres(one)
        return found

    def _one(self, name: str, at: int, near: Sequence[str], *, later: bool) -> Cause | None:
        """Every second one is where the first of its scene is, or beside it."""
        for attempt in range(_TRIES):
            draw = self.dice.draws(name.encode(), attempt)
            kind, beside = _kind(draw[0]), bool(near) and draw[1] < _NEAR_SHARE
            touched = _touched(kind, self.province, draw, near if beside else ())
            if touched and self._take(kind, touched, beside=beside):
                begins = at + (round(draw[2] * _LATER_MS) if later else 0)
                low, high = _LONG if kind in _SLOWLY else _SHORT
                ends = begins + round(low + draw[3] * (high - low))
                return Cause(name, kind, begins, ends, drawn_severity(kind, draw[4]), tuple(touched))
        return None

    def _take(self, kind: str, touched: Sequence[str], *, beside: bool) -> bool:
        marks, places = {f"{kind}/{key}" for key in touched}, {key.partition("/")[0] for key in touched}
        alone = not beside or KINDS[kind].names == "services"  # a system is ill in one way at a time
        if marks & self._used or (alone and places & self._used):
            return False
        self._used |= marks | places
        return True


def _centres(cause: Cause) -> list[str]:
    return [] if cause.its.names == "services" else sorted({key.partition("/")[0] for key in cause.touches})


def _kind(draw: float) -> str:
    at = draw * sum(_OFTEN.values())
    for kind, weight in _OFTEN.items():
        at -= weight
        if at < 0:
            return kind
    return next(iter(_OFTEN))


# --- whom it touches ------------------------------------------------------------------------------------------------


def _touched(kind: str, province: Province, draw: Sequence[float], near: Sequence[str]) -> list[str]:
    names = KINDS[kind].names
    if names == "services":
        return [_one_of(list(province.services), draw[5])] if province.services else []
    sites = [province.sites[key] for key in near] or list(province.sites.values())
    if kind == "carrier_cut":
        return _trunk(province, sites, draw[5])
    if kind == "power":
        return _without_power(province, sites, draw)
    return [_one_of(sites, draw[5]).key] if names == "centres" else _line(kind, sites, draw)


def _without_power(province: Province, sites: Sequence[Site], draw: Sequence[float]) -> list[str]:
    """One centre, or as often half of an area and more."""
    first = _one_of(sites, draw[5])
    if draw[6] >= _AREA_SHARE:
        return [first.key]
    area = [site.key for site in province.sites.values() if site.area == first.area]
    return area[: max(2, round(len(area) * (0.5 + 0.5 * draw[7])))]


def _trunk(province: Province, sites: Sequence[Site], draw: float) -> list[str]:
    """All lines of an uplink group on which enough hang; empty where no centre here has one."""
    groups: dict[str, list[Line]] = {}
    for line in province.lines.values():
        groups.setdefault(line.group, []).append(line)
    here = sorted({line.group for site in sites for line in site.lines if line.group})
    fit = [
        group for group in here
        if len(groups[group]) >= TRUNK_LINES and len({line.centre for line in groups[group]}) >= TRUNK_CENTRES
    ]  # fmt: skip
    return [line.key for line in groups[_one_of(fit, draw)]] if fit else []


def _line(kind: str, sites: Sequence[Site], draw: Sequence[float]) -> list[str]:
    """Mostly the line a centre works by; its resolver and what fails over are of that one alone."""
    site = _one_of(sites, draw[5])
    if not site.lines or (kind == "failover" and len(site.lines) < 2):
        return []
    leading = kind in {"dns_slow", "failover"} or draw[6] < _LEADING_SHARE
    return [site.lines[0 if leading else -1].key]


def _one_of(things: Sequence[T], draw: float) -> T:
    return things[int(draw * len(things))]


# --- what is no fault -----------------------------------------------------------------------------------------------


def _stops(dice: Dice, causes: Sequence[Cause]) -> Iterator[Planned]:
    """Of some cuts it was announced that they come; some of these were to be over sooner."""
    for cause in causes:
        draw = dice.draws(f"planned/{cause.id}".encode(), 0)
        if cause.kind not in {"power", "line_cut", "agent_stopped"} or draw[0] >= _PLANNED_SHARE:
            continue
        lasts, overrun = cause.to_ms - cause.from_ms, draw[1] < _OVERRUN_SHARE
        ends = cause.from_ms + round(0.4 * lasts) if overrun else cause.to_ms + 5 * MINUTE_MS
        for key in cause.touches:
            subject = f"line:{key}" if "/" in key else f"centre:{key}"
            yield Planned(subject, cause.from_ms - 2 * MINUTE_MS, ends, "bảo trì theo kế hoạch (ví dụ)")
