"""Scenarios: TOML files that say what goes wrong and when; checked at the door, then resolved against a province.

A file holds causes (`[[cause]]`), a seeded generator of composed causes (`[generate]`), or both. Seconds count from the
moment the simulation goes live, or from the beginning of a replay; before it they are negative.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from simulator.causes import KINDS, Cause, Kind, drawn_severity
from simulator.chance import Dice
from simulator.errors import ScenarioError
from simulator.owners import Planned
from simulator.province import Line, Province, Site
from wire import strict

FOLDER: Final = Path(__file__).parent / "scenarios"
LONGEST_S: Final = 60 * 86_400

Moment = Annotated[float, Meta(ge=-LONGEST_S, le=LONGEST_S)]
Duration = Annotated[float, Meta(ge=1, le=LONGEST_S)]
Keys = Annotated[list[Annotated[str, Meta(min_length=1, max_length=60)]], Meta(max_length=5_000)]


class Written(Struct, frozen=True, kw_only=True):
    """A cause as a person writes it. What is named narrows each other down; `some` takes so many of what is left."""

    kind: str
    from_s: Moment
    to_s: Moment
    severity: Annotated[float, Meta(gt=0, le=1e6)] | None = None
    centres: Keys = []
    areas: Keys = []
    lines: Keys = []
    carriers: Keys = []
    uplink_groups: Keys = []
    services: Keys = []
    some: Annotated[int, Meta(ge=1, le=10_000)] | None = None


class WrittenStop(Struct, frozen=True, kw_only=True):
    """A stop that is announced: of a centre or a line, `centre:07210-1`, `line:07210-1/a`."""

    subject: Annotated[str, Meta(min_length=1, max_length=60)]
    from_s: Moment
    to_s: Moment
    reason: Annotated[str, Meta(min_length=1, max_length=200)] = "planned"


class Generate(Struct, frozen=True, kw_only=True):
    """Composed causes: so many, of these kinds, spread by the seed over the time from `from_s` to `to_s`.

    Where no time is given it is all that is simulated, with what lies behind it and four hours to come.
    """

    count: Annotated[int, Meta(ge=1, le=2_000)]
    kinds: Annotated[list[str], Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: [name for name, its in KINDS.items() if its.composed]
    )
    shortest_s: Duration = 1_500
    longest_s: Duration = 4_500
    from_s: Moment | None = None
    to_s: Moment | None = None


class Scenario(Struct, frozen=True, kw_only=True):
    """A file. `about` is one sentence for the one who chooses it."""

    about: Annotated[str, Meta(min_length=1, max_length=200)]
    cause: Annotated[list[Written], Meta(max_length=2_000)] = []
    generate: Generate | None = None
    planned: Annotated[list[WrittenStop], Meta(max_length=200)] = []


def known() -> list[str]:
    """Names of the scenarios that come with the suite."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def read_scenario(name: str) -> Scenario:
    """A scenario by its name, or from a file. Raises ScenarioError."""
    path = FOLDER / f"{name}.toml" if name in known() else Path(name)
    if path.suffix != ".toml" and not path.exists():
        near = difflib.get_close_matches(name, known(), n=1)
        remedy = f"did you mean {near[0]}?" if near else f"there are {', '.join(known())}, or name a TOML file"
        raise ScenarioError(f"there is no scenario {name!r}; {remedy}")
    try:
        scenario = strict.load(path, Scenario)
    except strict.SettingsError as error:
        raise ScenarioError(str(error)) from error
    for flaw in _flaws(scenario):
        raise ScenarioError(f"{path}: {flaw}")
    return scenario


def _flaws(scenario: Scenario) -> Iterator[str]:
    for n, one in enumerate(scenario.cause):
        place = f"cause[{n}]"
        if one.kind not in KINDS:
            yield _no_kind(f"{place}.kind", one.kind)
        elif one.to_s <= one.from_s:
            yield f"{place}.to_s: {one.to_s:g} is not after from_s = {one.from_s:g}"
        elif wrong := _out_of_place(one, KINDS[one.kind]):
            yield f"{place}.{wrong}: a {one.kind} is of {KINDS[one.kind].names}; leave {wrong} out"
        elif KINDS[one.kind].unit.startswith("share") and (one.severity or 0) > 1:
            yield f"{place}.severity: {one.severity:g} is no {KINDS[one.kind].unit}; write a number up to 1"
    yield from _flaws_of_stops(scenario.planned)
    made = scenario.generate
    if made is not None:
        yield from (_no_kind("generate.kinds", kind) for kind in made.kinds if kind not in KINDS)
        if made.longest_s < made.shortest_s:
            yield f"generate.longest_s: {made.longest_s:g} is less than shortest_s = {made.shortest_s:g}"
        if made.from_s is not None and made.to_s is not None and made.to_s <= made.from_s:
            yield f"generate.to_s: {made.to_s:g} is not after from_s = {made.from_s:g}"


def _flaws_of_stops(planned: Sequence[WrittenStop]) -> Iterator[str]:
    for n, stop in enumerate(planned):
        if stop.to_s <= stop.from_s:
            yield f"planned[{n}].to_s: {stop.to_s:g} is not after from_s = {stop.from_s:g}"


def _no_kind(place: str, kind: str) -> str:
    near = difflib.get_close_matches(kind, KINDS, n=1)
    remedy = f"did you mean {near[0]}?" if near else f"known are {', '.join(KINDS)}"
    return f"{place}: there is no cause {kind!r}; {remedy}"


def _out_of_place(one: Written, kind: Kind) -> str:
    lines = kind.names == "lines"
    fits = {
        "services": kind.names == "services", "lines": lines, "carriers": lines, "uplink_groups": lines,
        "centres": kind.names != "services", "areas": kind.names != "services",
    }  # fmt: skip
    return next((name for name, fit in fits.items() if getattr(one, name) and not fit), "")


# --- against a province ---------------------------------------------------------------------------------------------


def resolve(scenario: Scenario, province: Province, dice: Dice, *, zero_ms: int, span: tuple[int, int]) -> list[Cause]:
    """The causes of a scenario in order of time; `span` is all that is simulated, `zero_ms` the moment it counts from.

    Raises ScenarioError for a cause that names something the province does not have.
    """
    causes: list[Cause] = []
    for n, one in enumerate(scenario.cause):
        times = zero_ms + round(one.from_s * 1000), zero_ms + round(one.to_s * 1000)
        touched = _touched(f"cause[{n}]", one, province, dice)
        causes += _causes(f"c{n + 1}", one.kind, times, one.severity, touched)
    if scenario.generate is not None:
        causes += _compose(scenario.generate, province, dice, zero_ms, span)
    return sorted(causes, key=lambda cause: (cause.from_ms, cause.id))


def stops(scenario: Scenario, province: Province, zero_ms: int) -> Iterator[Planned]:
    """The announced stops of a scenario. Raises ScenarioError for one of what the province does not have."""
    for n, one in enumerate(scenario.planned):
        kind, _, key = one.subject.partition(":")
        there = {"centre": province.sites, "line": province.lines}.get(kind)
        if there is None or key not in there:
            raise ScenarioError(f"planned[{n}].subject: there is no {one.subject!r}; write centre:<key> or line:<key>")
        yield Planned(one.subject, zero_ms + round(one.from_s * 1000), zero_ms + round(one.to_s * 1000), one.reason)


def _causes(
    name: str, kind: str, times: tuple[int, int], severity: float | None, touched: Sequence[str]
) -> Iterator[Cause]:
    its = KINDS[kind]
    heavy = its.severity if severity is None else severity
    if its.shared:
        yield Cause(name, kind, *times, heavy, tuple(touched))
        return
    for m, one in enumerate(touched):
        yield Cause(name if len(touched) == 1 else f"{name}.{m + 1}", kind, *times, heavy, (one,))


def _touched(place: str, one: Written, province: Province, dice: Dice) -> list[str]:
    names = KINDS[one.kind].names
    if names == "services":
        found = _named(place, "services", one.services, list(province.services))
    else:
        found = [thing.key for thing in _matching(place, one, province, names)]
    if not found:
        raise ScenarioError(f"{place}: nothing in this province matches; name other {names}, or fewer conditions")
    return found if one.some is None else dice.some(f"{place}/{one.kind}", found, one.some)


def _matching(place: str, one: Written, province: Province, names: str) -> Iterator[Line | Site]:
    sites = set(_named(place, "centres", one.centres, list(province.sites)))
    lines = set(_named(place, "lines", one.lines, list(province.lines)))
    for site in province.sites.values():
        if site.key not in sites or (one.areas and site.area not in one.areas):
            continue
        if names == "centres":
            yield site
            continue
        for line in _candidates(one, site):
            fits = not one.carriers or line.carrier in one.carriers
            if line.key in lines and fits and (not one.uplink_groups or line.group in one.uplink_groups):
                yield line


def _candidates(one: Written, site: Site) -> Sequence[Line]:
    """Faults of one line are of the line that a centre works by, unless lines are named; a carrier loses all."""
    return site.lines if one.lines or KINDS[one.kind].shared else site.lines[:1]


def _named(place: str, column: str, wanted: Sequence[str], there: list[str]) -> list[str]:
    """What is there of what is wanted; all of it where nothing is."""
    for key in wanted:
        if key not in there:
            near = difflib.get_close_matches(key, there, n=1)
            remedy = f"did you mean {near[0]}?" if near else f"there are {len(there)}"
            raise ScenarioError(f"{place}.{column}: there is no {key!r} in this province; {remedy}")
    return list(wanted) or there


# --- composed causes ------------------------------------------------------------------------------------------------


def _compose(made: Generate, province: Province, dice: Dice, zero_ms: int, span: tuple[int, int]) -> Iterator[Cause]:
    first = span[0] if made.from_s is None else zero_ms + round(made.from_s * 1000)
    last = span[1] if made.to_s is None else zero_ms + round(made.to_s * 1000)
    for n in range(made.count):
        draw = dice.draws(b"generate", n)
        kind = made.kinds[int(draw[0] * len(made.kinds))]
        lasts_ms = 1000 * (made.shortest_s + draw[1] * (made.longest_s - made.shortest_s))
        begins = first + round(draw[2] * max(0.0, last - first - lasts_ms))
        heavy = drawn_severity(kind, draw[3])
        touched = _victims(kind, province, draw)
        if touched:
            yield from _causes(f"g{n + 1}", kind, (begins, begins + round(lasts_ms)), heavy, touched)


def _victims(kind: str, province: Province, draw: Sequence[float]) -> list[str]:
    """Whom a composed cause touches: one of its kind, or all of an uplink group."""
    names = KINDS[kind].names
    if kind == "carrier_cut":
        groups = sorted({line.group for line in province.lines.values() if line.group})
        group = _pick(groups, draw[4])
        return [line.key for line in province.lines.values() if [line.group] == group]
    if names == "services":
        return _pick(sorted(province.services), draw[4])
    if names == "centres":
        return _pick(sorted(province.sites), draw[4])
    return _pick(sorted(site.lines[0].key for site in province.sites.values() if site.lines), draw[4])


def _pick(things: Sequence[str], draw: float) -> list[str]:
    return [things[int(draw * len(things))]] if things else []
