"""The inventory for screens: read once for each import, because a province's rows change a few times a year."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, func, select

from collector.api import Duty, LineInfo, Place, SystemInfo, Team
from collector.hub import Hub
from collector.inventory.keeping import held
from collector.inventory.opening import Calendar, calendar_of, date_of, instant_of
from collector.inventory.schema import Body
from collector.lifecycle.wide import Town
from collector.store.inventory_tables import import_run, inventory

_KINDS: Final = ("centres", "lines", "services", "hours", "holidays", "teams", "rota")
_MARK: Final = select(
    select(func.max(inventory.c.id)).scalar_subquery(), select(func.max(import_run.c.id)).scalar_subquery()
)


@dataclass(frozen=True, slots=True)
class _Held:
    """Everything of one state of the inventory. `mark` tells states apart."""

    mark: tuple[int, int] = (-1, -1)
    places: Mapping[str, Place] = field(default_factory=dict)
    lines: Mapping[str, list[LineInfo]] = field(default_factory=dict)
    systems: Sequence[SystemInfo] = ()
    calendar: Calendar = field(default_factory=Calendar)
    teams: Sequence[Team] = ()
    rota: Mapping[str, Sequence[Duty]] = field(default_factory=dict)


class Shelves:
    """What the inventory says now. Safe from any thread; what it gives away never changes."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._lock = threading.Lock()
        self._held = _Held()

    def places(self) -> Mapping[str, Place]:
        return self._now().places

    def lines(self, centre: str) -> list[LineInfo]:
        return list(self._now().lines.get(centre, ()))

    def every_line(self) -> Mapping[str, Sequence[LineInfo]]:
        return self._now().lines

    def town(self) -> Town:
        """What lies where, and whose lines are whose."""
        now = self._now()
        return Town(now.places, now.lines)

    def imported(self) -> int:
        """A number that changes with the inventory."""
        return sum(self._now().mark)

    def teams(self) -> Sequence[Team]:
        return self._now().teams

    def systems(self) -> list[SystemInfo]:
        return list(self._now().systems)

    def opening(self, centre: str, now_ms: int) -> tuple[str, ...] | None:
        """Today's hours of a centre's schedule; see `Reader.opening`."""
        now = self._now()
        place = now.places.get(centre)
        return None if place is None or not place.hours else now.calendar.on(place.hours, date_of(now_ms))

    def open_spans(self, centre: str, from_ms: int, to_ms: int) -> list[tuple[int, int]] | None:
        """See `Reader.open_spans`."""
        now = self._now()
        place = now.places.get(centre)
        return None if place is None or not place.hours else now.calendar.spans(place.hours, from_ms, to_ms)

    def rota(self, at_ms: int) -> Mapping[str, Sequence[Duty]]:
        """See `Reader.rota`."""
        return {team: [one for one in turns if one.to_ms > at_ms] for team, turns in self._now().rota.items()}

    def _now(self) -> _Held:
        with self._lock, self._hub.store.reading() as conn:
            mark = _mark(conn)
            if mark != self._held.mark:
                self._held = _read(conn, mark)
            return self._held


def _mark(conn: Connection) -> tuple[int, int]:
    """Whoever changes the inventory adds a version to it, or an import that ends some."""
    newest, run = conn.execute(_MARK).one()
    return newest or 0, run or 0


def _read(conn: Connection, mark: tuple[int, int]) -> _Held:
    rows = held(conn, _KINDS)
    lines: dict[str, list[LineInfo]] = {}
    for key, body in rows["lines"].items():
        lines.setdefault(key.partition("/")[0], []).append(_line(key, body))
    return _Held(
        mark=mark,
        places={key: _place(body) for key, body in rows["centres"].items()},
        lines=lines,
        systems=[_system(key, body) for key, body in rows["services"].items()],
        calendar=calendar_of(rows["hours"], rows["holidays"]),
        teams=[_team(key, body) for key, body in sorted(rows["teams"].items())],
        rota=_rota(rows["rota"].values()),
    )


def _place(body: Body) -> Place:
    return Place(
        area=_text(body, "area"),
        lat=_number(body, "lat"),
        lon=_number(body, "lon"),
        located=_text(body, "located"),
        kind=_text(body, "type"),
        contact=_text(body, "contact"),
        phone=_text(body, "phone"),
        hours=_text(body, "hours"),
        dossiers_per_hour=_number(body, "dossiers_per_hour"),
    )


def _line(key: str, body: Body) -> LineInfo:
    names = ("kind", "carrier", "circuit", "cpe_address", "uplink_group", "reach_by", "egress")
    kind, carrier, circuit, cpe, group, reach_by, egress = (_text(body, name) for name in names)
    contract_bps = _number(body, "contract_bps")
    return LineInfo(f"line:{key}", kind, carrier, circuit, contract_bps, cpe, group, reach_by, egress)


def _team(key: str, body: Body) -> Team:
    areas, owns = (tuple(_text(body, name).split()) for name in ("areas", "owns"))
    names = ("name_vi", "name_en", "organisation", "phone", "email")
    vi, en, organisation, phone, email = (_text(body, name) for name in names)
    return Team(key, vi, en, organisation, areas, owns, phone, email)


def _rota(bodies: Iterable[Body]) -> dict[str, list[Duty]]:
    found: dict[str, list[Duty]] = {}
    for body in bodies:
        team, person, phone, starts, ends = (_text(body, n) for n in ("team", "person", "phone", "starts", "ends"))
        found.setdefault(team, []).append(Duty(team, person, phone, instant_of(starts), instant_of(ends)))
    return {team: sorted(turns, key=lambda one: (one.from_ms, one.person)) for team, turns in found.items()}


def _system(key: str, body: Body) -> SystemInfo:
    return SystemInfo(
        id=key,
        name_vi=_text(body, "name_vi"),
        name_en=_text(body, "name_en"),
        owner=_text(body, "owner"),
        scope=_text(body, "scope"),
        slow_s=_number(body, "slow_s"),
        period_s=_number(body, "period_s"),
        on=body.get("on") is True,
        confidence=_text(body, "confidence"),
        url=_text(body, "url"),
        note=_text(body, "note"),
    )


def _text(body: Body, name: str) -> str:
    return str(body.get(name, ""))


def _number(body: Body, name: str) -> float | None:
    value = body.get(name)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
