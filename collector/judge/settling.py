"""How far around what came in a centre is judged again: until its new timelines agree with those it had.

The centre itself is settled first. Its services follow in groups that are asked equally often: what is asked every few
minutes must be looked at much further around than trains of packets, and need not be each time that these come in.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from collector.judge.court import Case, Timelines, judge
from collector.judge.timeline import Span, Timeline
from collector.judging.policy import Policies

Load = Callable[[Span, Collection[str]], Case]
"""`load(span, keys)` gives the case of these subjects with the facts of that span, also of the centre's other subjects,
and with the last of each before it where it begins in a gap."""

_NEVER: Final = Timeline()


@dataclass(frozen=True, slots=True)
class Pace:
    """How far back and ahead of a moment its judgement may look, ms; `back_ms` is not less than a fact may hold.

    `period_ms`: what is measured least often of it is measured so often.
    """

    back_ms: int
    ahead_ms: int
    period_ms: int


@dataclass(frozen=True, slots=True)
class Part:
    """Subjects of a centre that are settled together."""

    keys: frozenset[str]
    pace: Pace


def parts_of(kinds: Mapping[str, str], periods: Mapping[str, int], policies: Policies) -> list[Part]:
    """A centre's parts: first itself with all but its services, then these by how often they are asked.

    `kinds` of its subjects; `periods`: the longest in which each is measured, ms.
    """
    groups: dict[int, set[str]] = {}
    for key in (key for key, kind in kinds.items() if kind == "service"):
        groups.setdefault(periods[key], set()).add(key)
    core = kinds.keys() - set().union(*groups.values())
    longest = max((periods.get(key, 0) for key in core), default=0)
    pace = Pace(max(policies.reach_ms, policies.held_ms(longest)), policies.ahead_ms(longest), longest)
    services = [Part(frozenset(keys), _service_pace(ms, policies)) for ms, keys in sorted(groups.items())]
    return [Part(frozenset(core), pace), *services]


def _service_pace(period_ms: int, policies: Policies) -> Pace:
    """One service speaks for another within a period: so much further ahead it matters what came in."""
    near_ms = min(period_ms, max(version.hold_ms for version in policies.versions))
    back_ms = max(policies.services_reach_ms(period_ms), policies.held_ms(period_ms))
    return Pace(back_ms, policies.ahead_ms(period_ms) + near_ms, near_ms)


@dataclass(frozen=True, slots=True)
class Settled:
    """Timelines that hold within `span`; outside of it nothing changes. `case` is what they were judged from."""

    part: Part
    case: Case
    span: Span
    timelines: Timelines


def review(
    load: Load, touched: Span, *, now: int, centre: str, parts: Sequence[Part], timed: bool = True,
    rested: Collection[frozenset[str]] = (),
) -> list[Settled]:  # fmt: skip
    """Judge a centre again around `touched`; the first part is the centre itself, with its key `centre`. Where that is
    not among the parts, it stays as it is.

    Not `timed`: only facts came in, and parts that nothing of them touches are left alone. `rested`: the parts that
    were at rest until then.
    """
    if not parts or centre not in parts[0].keys:
        return [settle(load, touched, now=now, part=part, rested=part.keys in rested) for part in parts]
    core = settle(load, touched, now=now, part=parts[0], rested=parts[0].keys in rested)
    found = [core]
    for part in parts[1:]:
        around = _touched(core, touched, centre, part, timed=timed)
        if around is not None:
            found.append(settle(_on_its_way(load, core, centre), around, now=now, part=part))
    return found


def settle(load: Load, touched: Span, *, now: int, part: Part, rested: bool = False) -> Settled:
    """Judge a part again around `touched`, where something came to be known.

    Begins early enough for every moment that could look ahead to what was touched: there is none where all was at rest
    until then (`rested`). Ends where the new timelines have agreed with the old ones for a whole window, or now.
    """
    reach, decide = part.pace.back_ms, part.pace.ahead_ms
    start, end = touched.start - (0 if rested else 2 * decide), touched.end + 2 * reach + decide
    while True:
        if end + 2 * decide >= now:
            end = now
        loaded = Span(start - reach, min(now, end + 2 * decide) if end < now else now)
        case = load(loaded, part.keys)
        timelines = judge(case, Span(start, end if end == now else end + decide))
        if end >= now or _agree(case.before, timelines, end - reach, end):
            return Settled(part, case, Span(start, end), timelines)
        end = start + 4 * (end - start)


def _agree(before: Mapping[str, Timeline], after: Timelines, first: int, last: int) -> bool:
    return all(timeline.agrees(before.get(key, _NEVER), first, last) for key, timeline in after.items())


# --- services, after their centre -----------------------------------------------------------------------------------


def _touched(core: Settled, touched: Span, centre: str, part: Part, *, timed: bool) -> Span | None:
    """What of a part is to be judged again after the centre was; None where nothing is."""
    new, old = core.timelines[centre], core.case.before.get(centre, _NEVER)
    if not new.agrees(old, core.span.start, core.span.end):
        return Span(min(touched.start, core.span.start), max(touched.end, core.span.end))
    # Where no line is known to work, one service speaks for another.
    blind = any(segment.state == "unknown" for segment in new.between(touched.start, touched.end))
    if timed or blind or any(_within(core.case, key, touched) for key in part.keys):
        return touched
    return None


def _within(case: Case, key: str, span: Span) -> bool:
    return any(span.start <= fact.at <= span.end for fact in reversed(case.facts.get(key, ())))


def _on_its_way(load: Load, core: Settled, centre: str) -> Load:
    """`load`, with the centre's timeline as it was just judged."""
    judged = core.timelines[centre].starting(core.span.start, core.span.end)

    def loaded(span: Span, keys: Collection[str]) -> Case:
        case = load(span, keys)
        return replace(case, way=case.way.spliced(core.span.start, core.span.end, judged))

    return loaded
