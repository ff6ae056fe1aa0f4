"""The facts of one shared system's page: how each centre sees it, worst first, and how the province does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from heapq import nsmallest
from typing import Final

from collector.api import (
    OWN_ROOMS,
    STATES,
    Centre,
    NotFound,
    PhaseTimes,
    Reader,
    Standing,
    State,
    SubjectInfo,
    SystemInfo,
    SystemView,
)
from dashboards.board.areas import Area, areas_of
from dashboards.board.asked import Asked
from dashboards.board.names import centre_name
from dashboards.board.order import collation_key, short_name
from dashboards.board.strips import Strip, strip, window
from dashboards.board.system_words import extent, state_of, system_name, verdict
from dashboards.board.systems import SystemPages, room_of, unlisted
from dashboards.board.times import minute
from dashboards.board.waterfall import Fall, axis, one
from dashboards.board.words import Words

PAGE_ROWS: Final = 100
CURVES: Final = 3
_RANK: Final = {state: place for place, state in enumerate(STATES)}


@dataclass(frozen=True, slots=True)
class Row:
    """How one place sees the system."""

    place: str
    name: str
    area: str
    standing: Standing
    fall: Fall | None
    at_ms: int | None  # last measured


@dataclass(frozen=True, slots=True)
class SystemPage:
    info: SystemInfo
    name: str
    view: SystemView
    state: State
    title: str
    line: str
    standing: Standing | None
    strips: list[tuple[str, str, Strip]]  # name, subject, its 24 hours: what holds for all, then the rooms
    middle: Fall | None
    rooms: list[Row]
    rows: list[Row]
    counts: dict[State, int]
    areas: list[Area]
    asked: Asked
    pages: int
    axis_s: float
    as_of_ms: int | None
    from_ms: int
    now_ms: int

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def look(systems: SystemPages, reader: Reader, system: str, words: Words, asked: Asked) -> SystemPage:
    """Everything the page of `system` shows. Raises NotFound where it is neither known nor measured."""
    known = next((info for info in reader.systems() if info.id == system), None)
    view = reader.overview().systems.get(system)
    if known is None and view is None:
        raise NotFound(system)
    info, view, now_ms = known or unlisted(system), view or SystemView(system, None), reader.now_ms()
    seen = reader.system_standings(system)
    rows = ordered(reader, seen, words)
    areas = areas_of(((row.area, row.name, row.standing.state) for row in rows), words)
    rows = [row for row in rows if asked.area in {"", row.area} and asked.state in {None, row.standing.state}]
    pages = max(1, -(-len(rows) // PAGE_ROWS))
    page = min(asked.page, pages)
    shown = rows[(page - 1) * PAGE_ROWS : page * PAGE_ROWS]
    rooms = [
        Row(key, words("systems.room", name=key), "", held, None, None) for key, held in sorted(view.rooms.items())
    ]
    keys = [row.standing.subject for row in (*rooms, *shown)]
    answers, newest = reader.phase_times(keys), reader.newest(keys)
    rooms, shown = ([_with(row, answers, newest) for row in some] for some in (rooms, shown))
    middle = systems.middles([system], now_ms).get(system) if view.total else None
    name = system_name(info, words)
    return SystemPage(
        info=info,
        name=name,
        view=view,
        state=state_of(view),
        title=_title(view, name, now_ms, words),
        line=words(f"systems.owned_{'by' if info.owner else 'unknown'}", owner=info.owner),
        standing=view.shared,
        strips=_strips(reader, system, view, now_ms, words),
        middle=middle,
        rooms=rooms,
        rows=shown,
        counts=dict(Counter(held.state for place, held in seen.items() if not place.startswith(OWN_ROOMS))),
        areas=areas,
        asked=asked if asked.page == page else asked.turned(page),
        pages=pages,
        axis_s=axis((middle, *(row.fall for row in rooms), *(row.fall for row in shown)), info.slow_s),
        as_of_ms=max((row.at_ms for row in (*rooms, *shown) if row.at_ms is not None), default=None),
        from_ms=window(now_ms)[0],
        now_ms=now_ms,
    )


def ordered(reader: Reader, seen: dict[str, Standing], words: Words) -> list[Row]:
    """Centres, worst first, then by the alphabet."""
    centres: dict[str, Centre] = {centre.key: centre for centre in reader.centres()}
    places = reader.places()
    rows = [
        Row(
            place,
            centre_name(centres[place], words) if place in centres else place,
            places[place].area if place in places else "",
            held,
            None,
            None,
        )
        for place, held in seen.items()
        if not place.startswith(OWN_ROOMS)
    ]
    return sorted(rows, key=lambda row: (_RANK[row.standing.state], collation_key(short_name(row.name)), row.place))


def charted(reader: Reader, system: str, words: Words) -> list[tuple[SubjectInfo, str]]:
    """Whose curves the page draws: the province's rooms, then the centres that see it worst. Raises NotFound."""
    seen = reader.system_standings(system)
    if not seen and all(info.id != system for info in reader.systems()):
        raise NotFound(system)
    rooms = sorted(place for place in seen if place.startswith(OWN_ROOMS))
    worst = nsmallest(CURVES, set(seen) - set(rooms), key=lambda place: (STATES.index(seen[place].state), place))
    centres = {centre.key: short_name(centre_name(centre, words)) for centre in reader.centres() if centre.key in worst}
    names = centres | {room: words("systems.room", name=room) for room in rooms}
    return [
        (SubjectInfo(f"service:{system}@{place}", "service", place, "", None), names.get(place, place))
        for place in [*rooms, *worst][:CURVES]
    ]


def _room(key: str, held: Standing, words: Words) -> Row:
    return Row(key, words("systems.room", name=key), "", held, None, None)


def for_all(system: str, subjects: list[tuple[SubjectInfo, str]], words: Words) -> list[tuple[SubjectInfo, str]]:
    """Whose states are shown by the day: what held for all, then those of the curves."""
    return [(SubjectInfo(f"service:{system}", "service", "", "", None), words("systems.for_all")), *subjects]


def _title(view: SystemView, name: str, now_ms: int, words: Words) -> str:
    held = view.shared
    known = held is not None and held.reason != "never_measured"
    since = words("time.since", at=minute(held.since_ms, now_ms)) if held is not None and known else ""
    said = " ".join(part for part in (extent(view, words), since) if part)
    return f"{name}: {', '.join(part for part in (said, verdict(view, words)) if part)}"


def _strips(reader: Reader, system: str, view: SystemView, now_ms: int, words: Words) -> list[tuple[str, str, Strip]]:
    room = room_of(view)
    names = {f"service:{system}": words("systems.for_all")}
    names |= {f"service:{system}@{key}": words("systems.room", name=key) for key in ([room] if room else [])}
    names |= {f"service:{system}@{key}": words("systems.room", name=key) for key in sorted(view.rooms)}
    from_ms, _ = window(now_ms)
    past = reader.intervals(list(names), from_ms, now_ms)
    return [(name, key, strip(past.get(key, []), from_ms)) for key, name in names.items()]


def _with(row: Row, answers: Mapping[str, PhaseTimes], newest: Mapping[str, int]) -> Row:
    key = row.standing.subject
    return replace(row, fall=one(answers.get(key)), at_ms=newest.get(key))
