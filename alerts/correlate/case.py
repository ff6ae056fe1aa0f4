"""A case: the centres that are looked at together, with everything of them that is not well, and what is explained."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from alerts.correlate.found import Found
from alerts.correlate.ground import Ground, Stand, group_of
from alerts.correlate.limits import Limits
from alerts.correlate.picture import Picture, Spell
from alerts.correlate.runs import Covered, Run, outside, runs_of
from alerts.correlate.site import Site, outlived, parted
from collector.api import State, Window

OWN_ROOMS: Final = "00000-"
_NO_STOP: Final[Sequence[Window]] = ()

Runs = Mapping[State, Sequence[Run]]


@dataclass
class Case:
    """`sites`: centres where anything is not well; `shared`: the runs of shared systems; `covered`: what lies within
    planned stops; `taken`: what a verdict explains already. `leads`: whether it speaks of shared systems itself."""

    picture: Picture
    sites: dict[str, Site]
    shared: Mapping[str, Runs]
    covered: list[Covered]
    leads: bool = True
    taken: dict[Run, Found] = field(default_factory=dict)

    @cached_property
    def views(self) -> dict[str, dict[str, list[Spell]]]:
        """Of every shared system, the spells in which a place saw it ill."""
        found: dict[str, dict[str, list[Spell]]] = {}
        for key, spells in self.picture.spells.items():
            system, _, place = key.partition("@")
            if place and system.startswith("service:"):
                ill = [spell for spell in spells if spell.state in ("down", "degraded")]
                if ill:
                    found.setdefault(system, {})[place] = ill
        return found

    @cached_property
    def losses(self) -> dict[str, list[int]]:
        """Of every group of lines, when one of it was lost; in order."""
        found: dict[str, list[int]] = {}
        for site in self.sites.values():
            for line in site.stand.lines:
                for run in site.of(line.subject).get("down", ()):
                    found.setdefault(group_of(line), []).append(run.from_ms)
        return {key: sorted(begun) for key, begun in found.items()}

    @property
    def limits(self) -> Limits:
        return self.picture.limits

    @property
    def ground(self) -> Ground:
        return self.picture.topology.ground

    @property
    def now_ms(self) -> int:
        return self.picture.now_ms

    @property
    def together_ms(self) -> int:
        return round(1000 * self.limits.together_s)

    @property
    def settle_ms(self) -> int:
        return round(1000 * self.limits.settle_s)

    def free(self, runs: Iterable[Run]) -> Iterator[Run]:
        """Those that nothing explains yet."""
        return (run for run in runs if run not in self.taken)

    def take(self, found: Found) -> None:
        """What a rule found is explained from now on."""
        for run in found.runs:
            self.taken[run] = found

    def site_of(self, found: Found) -> Site | None:
        """The site of a verdict on one centre."""
        centres = found.verdict.centres
        return self.sites.get(centres[0]) if len(centres) == 1 else None

    def labels(self, runs: Iterable[Run]) -> tuple[str, ...]:
        """The subjects of runs, in order, each once."""
        return tuple(dict.fromkeys(run.subject for run in runs))


def case_of(picture: Picture, subjects: Iterable[str], shared: Mapping[str, Runs], *, leads: bool) -> Case:
    """The case of these subjects. `shared`: how the shared systems are, to be held against what one centre sees."""
    by_centre: dict[str, dict[str, Runs]] = {}
    covered: list[Covered] = []
    stops = stops_of(picture)
    for subject in subjects:
        if _follows(picture, subject):
            continue
        centre = centre_of(picture, subject)
        runs, within = told(picture, subject, centre, stops)
        covered += [one for one in within if not subject.startswith("service:")]
        if runs and centre:
            by_centre.setdefault(centre, {})[subject] = runs
    sites = {centre: _site(picture, centre, runs) for centre, runs in sorted(by_centre.items())}
    return Case(picture, sites, shared, covered, leads)


def _follows(picture: Picture, subject: str) -> bool:
    """Whether what is told of a subject only ever follows from something else: a centre from what it has, what a place
    sees of a system from its line, unless it sees it ill."""
    if subject.startswith("service:"):
        return all(spell.state == "unknown" for spell in picture.spells[subject])
    return subject.startswith("centre:")


def told(
    picture: Picture, subject: str, centre: str, stops: Callable[[str, str], Sequence[Window]]
) -> tuple[Runs, list[Covered]]:
    """The runs of a subject, less what planned stops account for, and that."""
    spells: Sequence[Spell] = picture.spells[subject]
    limits, now_ms = picture.limits, picture.now_ms
    within: list[Covered] = []
    windows = stops(subject, centre)
    if windows:
        spells, within = outside(spells, windows, 1000 * limits.settle_s, now_ms)
    return (runs_of(spells, limits, now_ms) if spells else {}), within


def centre_of(picture: Picture, subject: str) -> str:
    """The centre of a subject; empty for what is shared."""
    known = picture.topology.centre_of.get(subject)
    if known is not None:
        return known
    kind, _, key = subject.partition(":")
    if kind == "service":
        return key.partition("@")[2]
    return key.partition("/")[0] if kind in {"centre", "lan", "line", "signing"} else ""


def _site(picture: Picture, centre: str, runs: Mapping[str, Runs]) -> Site:
    topology = picture.topology
    stand = topology.ground.stands.get(centre) or Stand(centre, "", centre, (), (), ())
    measured = frozenset(line.subject for line in stand.lines if line.subject in topology.measured)
    silences = _silences(stand, runs)
    boxes = {box.subject for box in stand.boxes}  # an official's PC is switched on whenever somebody sits down to it
    started = (boot for boot in picture.boots.get(centre, ()) if boot.agent in boxes)
    boots = sorted(started, key=lambda boot: boot.at_ms)
    if boots:
        runs = {key: parted(its, boots) if key.startswith("line:") else its for key, its in runs.items()}
    return outlived(Site(stand, runs, measured, picture.limits, picture.now_ms, boots, silences))


def silent_runs(runs: Runs) -> list[Run]:
    """When an agent was not heard."""
    return [run for run in runs.get("unknown", ()) if "silent" in run.reasons]


def _silences(stand: Stand, runs: Mapping[str, Runs]) -> Sequence[Run]:
    """When no box of a centre was heard; where there are several, the runs of the first that all others share."""
    if not stand.boxes or stand.boxes[0].subject not in runs:
        return ()
    first, *others = ([*silent_runs(runs.get(box.subject, {}))] for box in stand.boxes)
    return [run for run in first if all(any(run.overlaps(o.from_ms, o.end_ms) for o in other) for other in others)]


# --- planned stops --------------------------------------------------------------------------------------------------


def stops_of(picture: Picture) -> Callable[[str, str], Sequence[Window]]:
    """Which planned stops account for a subject of a centre: its own, or of what it hangs on."""
    planned = picture.planned
    if not planned:
        return lambda _subject, _centre: _NO_STOP
    topology, kept = picture.topology, dict[tuple[str, str], list[Window]]()

    def stops(subject: str, centre: str) -> Sequence[Window]:
        kind = subject.partition(":")[0]
        line = topology.lines.get(subject)
        key = (subject if line or kind in {"service", "device", "agent"} else kind, centre)
        if key not in kept:
            stand = topology.ground.stands.get(centre)
            every = (w for above in _above(picture, subject, stand) for w in planned.get(above, ()))
            found = [w for w in every if w.from_ms <= picture.now_ms]
            kept[key] = sorted({w.id: w for w in found}.values(), key=lambda w: (w.from_ms, w.id))
        return kept[key]

    return stops


def _above(picture: Picture, subject: str, stand: Stand | None) -> Iterator[str]:
    """Keys of planned stops that account for a subject."""
    yield subject
    kind, _, key = subject.partition(":")
    if kind == "service":
        yield f"service:{key.partition('@')[0]}"
    if stand is None:
        return
    yield f"centre:{stand.centre}"
    yield f"area:{stand.area}"
    line = picture.topology.lines.get(subject)
    lead = stand.lead
    if line is None and kind in {"agent", "lan", "device", "centre", "service"}:
        if lead is not None and _rests_on_line(picture, subject, kind):
            line = lead
            yield lead.subject
        yield f"lan:{stand.centre}"
    if line is not None:
        yield f"carrier:{line.carrier}"
        yield f"carrier:{line.carrier}/{line.group}"


def _rests_on_line(picture: Picture, subject: str, kind: str) -> bool:
    """Whether all that is told of a subject may come of a line that carries nothing: it is only not known."""
    return kind in {"centre", "service"} or all(s.state == "unknown" for s in picture.spells.get(subject, ()))
