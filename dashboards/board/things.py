"""Open things: what is not well, root causes only, the same fault at many centres as one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from collector.api import STATES, Centre, Overview, Standing, State, SubjectInfo, SystemView
from dashboards.board.order import NAMES_KEPT, collation_key

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


Fault = tuple[SubjectInfo, Standing]
_Alike = tuple[str, State, str | None]


@dataclass(slots=True)
class Kept:
    """What was made last time of the same faults: of a country's thousands a few change from one page to the next."""

    centres: Mapping[str, Centre] = field(default_factory=dict)
    roots: dict[str, tuple[list[Fault], list[Fault]]] = field(default_factory=dict)
    things: dict[_Alike, tuple[list[Fault], Thing]] = field(default_factory=dict)

    def root(self, centre: str, faults: list[Fault]) -> list[Fault]:
        """See `root`."""
        held = self.roots.get(centre)
        if held is None or held[0] != faults:
            held = self.roots[centre] = faults, root(faults)
        return held[1]

    def thing(self, alike: _Alike, faults: list[Fault]) -> Thing:
        """The faults `alike` of all centres as one."""
        held = self.things.get(alike)
        if held is None or held[0] != faults:
            held = self.things[alike] = faults, _thing(faults, self.centres)
        return held[1]


def whose(kind: str, state: State, reason: str | None) -> str:
    """The owner as far as one subject tells it: a word of the catalogue's `owner` group."""
    if reason == "silent":
        return "silent"
    if state == "unknown" or kind not in _OWNERS:
        return "unknown"
    return kind


def root(faults: Iterable[Fault]) -> list[Fault]:
    """Of one centre's faults those that are no consequence of another; where all are, the nearest to the cause."""
    faults = sorted(
        faults, key=lambda fault: (_DEPTH.get(fault[0].kind, 8), STATES.index(fault[1].state), fault[0].key)
    )
    causes = [fault for fault in faults if fault[1].reason not in CONSEQUENCES and fault[0].kind != "centre"]
    silent = [fault for fault in faults if fault[0].kind == "agent" and fault[1].reason == "silent"]
    return [*silent, *causes] or faults[:1]


def open_things(seen: Overview, kept: Kept | None = None) -> list[Thing]:
    """Every open thing that no planned stop explains: worst first, then at the most centres, then the oldest.

    `kept`: what the same caller was told last, and may be told again.
    """
    kept = Kept() if kept is None else kept
    if kept.centres is not seen.centres:
        kept.centres, kept.roots, kept.things = seen.centres, {}, {}
    alike: dict[_Alike, list[Fault]] = {}
    for centre, faults in _by_centre(seen).items():
        for fault in kept.root(centre, faults):
            info, standing = fault
            alike.setdefault((info.kind, standing.state, standing.reason), []).append(fault)
    things = [kept.thing(key, faults) for key, faults in alike.items()] + _shared(seen)
    return sorted(things, key=lambda thing: (STATES.index(thing.state), -_extent(thing), thing.since_ms, thing.subject))


def _by_centre(seen: Overview) -> dict[str, list[Fault]]:
    """What is not well at each centre, itself first."""
    centres, paused = seen.centres, seen.paused
    found: dict[str, list[Fault]] = {}
    for key, standing in seen.standings.items():
        if standing.state != "ok" and key in centres and key not in seen.planned:
            found[key] = [(_centre(standing.subject, key), standing)]
    for fault in seen.troubles:
        info, standing = fault
        if info.centre in centres and info.key not in paused and not _unplugged(info, standing, seen):
            found.setdefault(info.centre, []).append(fault)
    return found


@lru_cache(maxsize=NAMES_KEPT)
def _centre(subject: str, key: str) -> SubjectInfo:
    return SubjectInfo(subject, "centre", key, "", None)


def _extent(thing: Thing) -> int:
    return len(thing.centres) if thing.system is None else 1


def _unplugged(info: SubjectInfo, standing: Standing, seen: Overview) -> bool:
    """A line that nobody has a way to measure is a gap of the plan and no fault of a centre that was ever measured."""
    if standing.reason != "never_measured" or info.kind != "line":
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


def _thing(faults: list[Fault], centres: Mapping[str, Centre]) -> Thing:
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
