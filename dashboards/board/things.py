"""Open things: what is not well, root causes only, the same fault at many centres as one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from collector.api import STATES, Centre, Overview, Standing, State, SubjectInfo, SystemView
from dashboards.board.order import collation_key

# A state with one of these reasons only repeats what another subject of the centre says better.
CONSEQUENCES: Final = frozenset({
    "lan_down", "lan_unknown", "own_fault", "no_line", "on_backup", "silent", "line_down",
    "line_unknown", "line_answers", "mute_to_province", "vantage_unwell",
})  # fmt: skip

_OWNERS: Final = frozenset({"lan", "line", "device", "agent", "service", "signing"})
_DEPTH: Final = {"agent": 0, "lan": 1, "line": 2, "device": 3, "service": 4, "signing": 5, "found": 6, "centre": 9}


@dataclass(frozen=True, slots=True)
class Thing:
    """One fault: which kind of subject, why, at which centres (worst known first), since when, and whose it may be."""

    kind: str
    state: State
    reason: str | None
    centres: tuple[Centre, ...]
    since_ms: int
    owner: str
    subject: str
    standing: Standing
    system: SystemView | None = None  # a shared system that is ill: nobody goes anywhere for it

    @property
    def needs_person(self) -> bool:
        return self.state in {"down", "degraded"} and self.system is None


def whose(kind: str, state: State, reason: str | None) -> str:
    """The owner as far as one subject tells it: a word of the catalogue's `owner` group."""
    if reason == "silent":
        return "silent"
    if state == "unknown" or kind not in _OWNERS:
        return "unknown"
    return kind


def root(faults: Iterable[tuple[SubjectInfo, Standing]]) -> list[tuple[SubjectInfo, Standing]]:
    """Of one centre's faults those that are no consequence of another; where all are, the nearest to the cause."""
    faults = sorted(
        faults, key=lambda fault: (_DEPTH.get(fault[0].kind, 8), STATES.index(fault[1].state), fault[0].key)
    )
    causes = [fault for fault in faults if fault[1].reason not in CONSEQUENCES and fault[0].kind != "centre"]
    silent = [fault for fault in faults if fault[0].kind == "agent" and fault[1].reason == "silent"]
    return [*silent, *causes] or faults[:1]


def open_things(seen: Overview) -> list[Thing]:
    """Every open thing that no planned stop explains: worst first, then at the most centres, then the oldest."""
    by_centre: dict[str, list[tuple[SubjectInfo, Standing]]] = {}
    for key, standing in seen.standings.items():
        if standing.state != "ok" and key in seen.centres and key not in seen.planned:
            by_centre[key] = [(SubjectInfo(standing.subject, "centre", key, "", None), standing)]
    for info, standing in seen.troubles:
        if info.centre in seen.centres and info.key not in seen.paused and not _unplugged(info, standing, seen):
            by_centre.setdefault(info.centre, []).append((info, standing))
    alike: dict[tuple[str, State, str | None], list[tuple[SubjectInfo, Standing]]] = {}
    for faults in by_centre.values():
        for info, standing in root(faults):
            alike.setdefault((info.kind, standing.state, standing.reason), []).append((info, standing))
    things = [_thing(faults, seen.centres) for faults in alike.values()] + _shared(seen)
    return sorted(things, key=lambda thing: (STATES.index(thing.state), -_extent(thing), thing.since_ms, thing.subject))


def _extent(thing: Thing) -> int:
    return len(thing.centres) if thing.system is None else 1


def _unplugged(info: SubjectInfo, standing: Standing, seen: Overview) -> bool:
    """A line that nobody has a way to measure is a gap of the plan and no fault of a centre that was ever measured."""
    if info.kind != "line" or standing.reason != "never_measured":
        return False
    return info.centre in seen.standings and seen.standings[info.centre].reason != "never_measured"


def _shared(seen: Overview) -> list[Thing]:
    """Shared systems that are ill: one thing each, however many centres see it."""
    return [
        Thing(
            kind="service",
            state=view.shared.state,
            reason=view.shared.reason,
            centres=(),
            since_ms=view.shared.since_ms,
            owner="service",
            subject=view.shared.subject,
            standing=view.shared,
            system=view,
        )
        for view in seen.systems.values()
        if view.shared is not None and view.shared.state in {"down", "degraded"}
    ]


def _thing(faults: list[tuple[SubjectInfo, Standing]], centres: Mapping[str, Centre]) -> Thing:
    info, standing = min(faults, key=lambda fault: (fault[1].since_ms, fault[0].key))
    places = sorted({fault[0].centre for fault in faults}, key=lambda key: collation_key(centres[key].name_vi))
    return Thing(
        kind=info.kind,
        state=standing.state,
        reason=standing.reason,
        centres=tuple(centres[key] for key in places),
        since_ms=standing.since_ms,
        owner=whose(info.kind, standing.state, standing.reason),
        subject=info.key,
        standing=standing,
    )
