"""Carrier: lines that hang together, of one carrier, went down together at several centres.

Where the centres that also have a line outside of the group lost that as well, it was no carrier but the power. A box
that fell silent stands for the line it speaks by, until the province has had the time to see.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from alerts.api.facts import Confidence, Said, Value, Verdict
from alerts.correlate.case import Case
from alerts.correlate.found import Found, Rule, left_behind, of_runs, shared_end
from alerts.correlate.gone import without_power
from alerts.correlate.ground import Group, group_of
from alerts.correlate.runs import Run
from alerts.correlate.site import Site, measured_inside

_LIKE: tuple[frozenset[str], ...] = (frozenset({"loss"}), frozenset({"slow"}), frozenset({"dns_failed", "dns_slow"}))
"""What lines of one carrier may suffer from together without being down."""


@dataclass(frozen=True, slots=True, eq=False)
class _Event:
    """A line that went down, or whose box fell silent (`sure` False)."""

    from_ms: int
    line: str
    run: Run
    site: Site
    sure: bool = True


def _begun(event: _Event) -> int:
    return event.from_ms


def find(case: Case) -> Iterator[Found]:
    """For every group, one for every time that most of it was lost; then those that most of it suffered."""
    by_group: dict[str, list[_Event]] = {}
    for site in case.sites.values():
        for line in site.stand.lines:
            for event in _events(case, site, line.subject):
                by_group.setdefault(group_of(line), []).append(event)
    for key, events in sorted(by_group.items()):
        group = case.ground.groups.get(key)
        if group is not None and len(events) >= case.limits.carrier_lines:
            yield from _times(case, group, events)
    yield from _suffering(case)


def _events(case: Case, site: Site, line: str) -> Iterator[_Event]:
    lost = list(case.free(site.of(line).get("down", ())))
    for run in lost:
        yield _Event(run.from_ms, line, run, site)
    if site.stand.lead is None or site.stand.lead.subject != line:
        return
    for silence in case.free(site.silences):
        if site.undecided(silence) and not any(abs(r.from_ms - silence.from_ms) <= site.together_ms for r in lost):
            yield _Event(silence.from_ms, line, silence, site, sure=False)


def _times(case: Case, group: Group, events: Sequence[_Event]) -> Iterator[Found]:
    """Those that began together and are enough, the earliest first."""
    left = sorted(events, key=lambda event: (event.from_ms, event.line))
    while len(left) >= case.limits.carrier_lines:
        first_ms = left[0].from_ms
        members = left[: bisect_right(left, first_ms + case.together_ms, key=_begun)]
        dark = without_power(case, group, first_ms) if _enough(case, members) else set()
        lit = [event for event in members if event.site.centre not in dark]
        if _enough(case, lit) and len(lit) >= case.limits.carrier_share * (of := _known(case, group, lit)):
            yield _told(case, group, lit, of)
        elif not dark:
            left = left[_worth(case, left, len(members)) :]
            continue
        left = left[len(members) :]


def _worth(case: Case, left: Sequence[_Event], until: int) -> int:
    """How many events to leave out until one more is among those that began together: fewer were not enough."""
    if until == len(left):
        return until
    return max(1, bisect_left(left, left[until].from_ms - case.together_ms, key=_begun))


def _enough(case: Case, events: Sequence[_Event]) -> bool:
    limits = case.limits
    return len(events) >= limits.carrier_lines and len({e.site.centre for e in events}) >= limits.carrier_centres


def _known(case: Case, group: Group, members: Sequence[_Event]) -> int:
    """How many lines of the group were known to be well or lost: those that were in doubt are left out."""
    own = {event.line for event in members}
    first_ms = members[0].from_ms if members else 0
    blind = 0
    for centre in group.centres & case.sites.keys():
        site = case.sites[centre]
        silence = site.silent_with(first_ms)
        doubtful = silence is not None and site.undecided(silence)
        for line in group.measured & {line.subject for line in site.stand.lines} - own:
            blind += doubtful or _not_asked(site, line, first_ms)
    return len(group.measured | own) - blind


def _not_asked(site: Site, line: str, at_ms: int) -> bool:
    """Whether a line was not known then, or had been lost before."""
    runs = site.of(line)
    return any(
        r.overlaps(at_ms, at_ms + site.together_ms) for state in ("unknown", "down") for r in runs.get(state, ())
    )


def _told(case: Case, group: Group, members: Sequence[_Event], of: int) -> Found:
    ended = shared_end([e.site.whole(e.run)[-1] for e in members], case.limits.carrier_share, case.together_ms)
    runs = [part for event in members for part in event.site.whole(event.run)]
    runs += _joined(case, group, members, ended)
    silences = [s for event in members if (s := _silence(event, group)) is not None]
    since = min((event.from_ms for event in members if event.sure), default=members[0].from_ms)
    centres = tuple(sorted({event.site.centre for event in members}))
    lines = sorted({event.line for event in members})
    values: dict[str, Value] = {
        "carrier": f"carrier:{group.carrier}", "group": f"group:{group.key}", "since_ms": since, "count": len(lines),
        "of": of, "centres": len(centres),
    }  # fmt: skip
    sure = [event for event in members if event.sure]
    key = "carrier_down" if _enough(case, sure) else "carrier_suspected"
    verdict = Verdict(
        f"carrier:{group.key}", "carrier", "carrier", "down", since, ended,
        tuple(dict.fromkeys([*lines, *case.labels(silences)])), centres, Said(f"verdict.{key}", values),
        of_runs(dict.fromkeys([*runs, *silences])), _confidence(case, sure), visit=True,
    )  # fmt: skip
    taken = [r for r in dict.fromkeys([*runs, *silences]) if not left_behind(r, ended, case.together_ms, case.now_ms)]
    return Found(verdict, tuple(taken), Said("why.carrier", values))


def _joined(case: Case, group: Group, members: Sequence[_Event], ended_ms: int | None) -> list[Run]:
    """Lines of the group that are seen lost only later in its cut, and for no longer: they had no power before."""
    first, last = members[-1].from_ms + case.together_ms, case.now_ms if ended_ms is None else ended_ms
    own = {event.line for event in members}
    sites = [case.sites[centre] for centre in sorted(group.centres & case.sites.keys())]
    lines = [(site, line) for site in sites for line in site.stand.lines if group_of(line) == group.key]
    every = [run for site, line in lines if line.subject not in own for run in site.of(line.subject).get("down", ())]
    return [
        run for run in case.free(every)
        if first < run.from_ms <= last and not left_behind(run, ended_ms, case.together_ms, case.now_ms)
    ]  # fmt: skip


def _confidence(case: Case, sure: Sequence[_Event]) -> Confidence:
    if not _enough(case, sure):
        return "possible"
    inside = any(measured_inside(event.run) for event in sure)
    return "certain" if inside else "likely"


def _silence(event: _Event, group: Group) -> Run | None:
    """The silence of a box that speaks by the group."""
    lead = event.site.stand.lead
    if lead is None or group_of(lead) != group.key:
        return None
    return event.site.silent_with(event.from_ms)


# --- not down, but ill together -------------------------------------------------------------------------------------


def _suffering(case: Case) -> Iterator[Found]:
    by_kind: dict[tuple[str, int], list[_Event]] = {}
    for site in case.sites.values():
        for line in site.stand.lines:
            for run in case.free(site.of(line.subject).get("degraded", ())):
                if site.aftermath(run):
                    continue
                for n, like in enumerate(_LIKE):
                    if run.reasons & like:
                        event = _Event(run.from_ms, line.subject, run, site)
                        by_kind.setdefault((group_of(line), n), []).append(event)
                        break
    for (key, _), events in sorted(by_kind.items()):
        group = case.ground.groups.get(key)
        if group is None or not _enough(case, events):
            continue
        first_ms = min(event.from_ms for event in events)
        members = [event for event in events if event.from_ms <= first_ms + case.together_ms]
        of = _known(case, group, members)
        if _enough(case, members) and len(members) >= case.limits.carrier_share * of:
            yield _ill(case, group, members, of)


def _ill(case: Case, group: Group, members: Sequence[_Event], of: int) -> Found:
    runs = [event.run for event in members]
    centres = tuple(sorted({event.site.centre for event in members}))
    values: dict[str, Value] = {
        "carrier": f"carrier:{group.carrier}", "group": f"group:{group.key}",
        "since_ms": min(run.from_ms for run in runs), "count": len(runs), "of": of, "centres": len(centres),
    }  # fmt: skip
    verdict = Verdict(
        f"carrier:{group.key}", "carrier", "carrier", "degraded", min(run.from_ms for run in runs),
        shared_end(runs, case.limits.carrier_share, case.together_ms), case.labels(runs), centres,
        Said("verdict.carrier_degraded", values), of_runs(runs), "certain", visit=False,
    )  # fmt: skip
    return Found(verdict, tuple(runs), Said("why.carrier", values))


def why_not(case: Case, found: Found) -> Said:
    """How much of the group was lost then, and how much it takes."""
    line = next(
        (case.picture.topology.lines[s] for s in found.verdict.subjects if s in case.picture.topology.lines), None
    )
    site = case.site_of(found)
    line = line or (site.stand.lead if site is not None else None)
    group = case.ground.groups.get(group_of(line)) if line is not None else None
    if group is None:
        return Said("why.carrier_no_line")
    return Said("why.carrier_few", {
        "group": f"group:{group.key}", "count": _down(case, group, found.verdict.since_ms), "of": len(group.measured),
        "needed_share": case.limits.carrier_share,
    })  # fmt: skip


def _down(case: Case, group: Group, at_ms: int) -> int:
    span, begun = case.together_ms, case.losses.get(group.key, ())
    return bisect_right(begun, at_ms + span) - bisect_left(begun, at_ms - span)


RULE = Rule("carrier", find, why_not)
