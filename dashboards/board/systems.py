"""The facts of the systems page: every shared system with who sees it how, its phases, and its 24 hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final

from collector.api import OWN_ROOMS, STATES, Reader, Standing, State, SystemInfo, SystemView
from dashboards.board.order import collation_key
from dashboards.board.strips import Strip, strip, window
from dashboards.board.system_words import sentence, state_of, system_name, systems_title, verdict
from dashboards.board.waterfall import Fall, axis, middle, one, spread
from dashboards.board.words import Words

SAMPLED: Final = 99  # centres that a median is taken over: all of a province, evenly chosen ones of a country
KEPT_MS: Final = 60_000  # a system is measured every five minutes at most; its median need not be taken every second
TAKEN_AT_ONCE: Final = 2  # medians renewed for one reader, so that nobody waits for all of them


@dataclass(frozen=True, slots=True)
class Row:
    """One system as the list shows it."""

    info: SystemInfo
    name: str
    view: SystemView
    state: State
    sentence: str
    verdict: str
    centres: Fall | None
    room: Fall | None
    room_standing: Standing | None
    axis_s: float
    strip: Strip
    room_strip: Strip | None

    @property
    def slow(self) -> bool:
        return self.state != "ok"


@dataclass(frozen=True, slots=True)
class Quiet:
    """A system that is not watched, and why: a word of the catalogue's `systems.off_` group."""

    info: SystemInfo
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class SystemsPage:
    title: str
    rows: list[Row]
    quiet: list[Quiet]
    sampled: bool  # medians are over some of the centres
    as_of_ms: int | None
    from_ms: int
    now_ms: int


class SystemPages:
    """Looks at shared systems, and keeps the medians over centres for a minute."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._lock = Lock()
        self._middles: dict[str, tuple[int, Fall | None]] = {}

    def look(self, words: Words) -> SystemsPage:
        """Every system that is measured, worst first; those that are only switched on wait among them."""
        reader, now_ms = self._reader, self._reader.now_ms()
        known = {info.id: info for info in reader.systems()}
        views = dict(reader.overview().systems)
        views |= {info.id: SystemView(info.id, None) for info in known.values() if info.on and info.id not in views}
        from_ms, _ = window(now_ms)
        rooms = {system: room_of(view) for system, view in views.items()}
        keys = [f"service:{s}" for s in views] + [f"service:{s}@{room}" for s, room in rooms.items() if room]
        past = reader.intervals(keys, from_ms, now_ms)
        strips = {key: strip(past.get(key, []), from_ms) for key in keys}
        answers = reader.phase_times([f"service:{s}@{room}" for s, room in rooms.items() if room])
        middles = self.middles([system for system, view in views.items() if view.total], now_ms)
        rows = []
        for system, view in views.items():
            info, room = known.get(system) or unlisted(system), rooms[system]
            at_room = one(answers.get(f"service:{system}@{room}"))
            rows.append(
                Row(
                    info=info,
                    name=system_name(info, words),
                    view=view,
                    state=state_of(view),
                    sentence=sentence(view, words),
                    verdict=verdict(view, words),
                    centres=middles.get(system),
                    room=at_room,
                    room_standing=view.rooms.get(room) if room else None,
                    axis_s=axis((middles.get(system), at_room), info.slow_s),
                    strip=strips[f"service:{system}"],
                    room_strip=strips.get(f"service:{system}@{room}"),
                )
            )
        rows.sort(key=lambda row: (STATES.index(row.state), -row.view.ill, collation_key(row.name), row.info.id))
        falls = [fall for row in rows for fall in (row.centres, row.room) if fall is not None]
        return SystemsPage(
            title=systems_title([row.view for row in rows], {row.info.id: row.name for row in rows}, words),
            rows=rows,
            quiet=_quiet([info for info in known.values() if info.id not in views], words),
            sampled=any(row.view.total > SAMPLED for row in rows),
            as_of_ms=max((fall.at_ms for fall in falls if fall.at_ms is not None), default=None),
            from_ms=from_ms,
            now_ms=now_ms,
        )

    def middles(self, systems: Sequence[str], now_ms: int) -> dict[str, Fall | None]:
        """The median answer of each system over centres, none older than it need be."""
        with self._lock:
            held = {system: self._middles[system] for system in systems if system in self._middles}
        missing = [system for system in systems if system not in held]
        aged = sorted((at, system) for system, (at, _) in held.items() if not 0 <= now_ms - at < KEPT_MS)
        for system in [*missing, *(system for _, system in aged[:TAKEN_AT_ONCE])]:
            held[system] = now_ms, self._middle(system)
        with self._lock:
            self._middles |= held
        return {system: fall for system, (_, fall) in held.items()}

    def _middle(self, system: str) -> Fall | None:
        seen = self._reader.system_standings(system)
        places = sorted(place for place, held in seen.items() if not place.startswith(OWN_ROOMS) and _tells(held))
        return middle(
            self._reader.phase_times([f"service:{system}@{place}" for place in spread(places, SAMPLED)]).values()
        )


def room_of(view: SystemView) -> str | None:
    """The room of the province that is shown for all: the one that sees it worst."""
    return min(view.rooms, key=lambda room: (STATES.index(view.rooms[room].state), room), default=None)


def unlisted(system: str) -> SystemInfo:
    """One that is measured and that no inventory knows."""
    return SystemInfo(system, "", "", "", "", None, None, on=True)


def _tells(held: Standing) -> bool:
    return held.state != "unknown"


def _quiet(infos: Sequence[SystemInfo], words: Words) -> list[Quiet]:
    found = [Quiet(info, system_name(info, words), _why_off(info)) for info in infos]
    return sorted(found, key=lambda quiet: collation_key(quiet.name))


def _why_off(info: SystemInfo) -> str:
    if info.confidence != "confirmed":
        return "unsure"  # a host that nobody confirmed is never asked
    return "national" if info.scope == "national" else "off"
