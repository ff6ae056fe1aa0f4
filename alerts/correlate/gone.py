"""When a centre was gone: its box not heard any more and all its lines lost, as far as that is known.

Shared by the rules of power, which tell of it, and of carriers, which must not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence, Set
from dataclasses import dataclass

from alerts.correlate.case import Case
from alerts.correlate.ground import Group, group_of
from alerts.correlate.picture import Boot
from alerts.correlate.runs import Run, near
from alerts.correlate.site import Site, measured_inside


@dataclass(frozen=True, slots=True, eq=False)
class Gone:
    """A centre of which nothing was heard or seen any more. `lost`: its lines; not `sure`: they may not be all yet.

    `gap`: in its own record, between what it measured last and the start of its machine.
    """

    site: Site
    from_ms: int
    silence: Run | None
    lost: tuple[Run, ...]
    battery: Run | None = None
    boot: Boot | None = None
    gap: Run | None = None
    sure: bool = True

    @property
    def runs(self) -> tuple[Run, ...]:
        return tuple(run for run in (*self.lost, self.silence, self.battery, self.gap) if run is not None)

    @property
    def confirmed(self) -> bool:
        return self.battery is not None or self.boot is not None

    @property
    def power(self) -> bool:
        """Whether that is enough to call it the power of this centre alone."""
        return self.sure and (len(self.lost) > 1 or (self.confirmed and bool(self.lost or self.gap)))

    @property
    def end_ms(self) -> int:
        """When the power was back: its lines were, or the first of them where others stayed behind."""
        ends = [run.end_ms for run in self.lost or self.runs]
        return max(end for end in ends if end <= min(ends) + self.site.together_ms)


def times_gone(case: Case, site: Site) -> Iterator[Gone]:
    """Each time that a centre was gone, or may be: its box just fell silent."""
    found: list[Gone] = []
    for silence in case.free(site.silences):
        lost = tuple(case.free(site.lost_with(silence)))
        if lost and dark(site, silence, lost):
            since = min(run.from_ms for run in lost)
            found.append(Gone(site, since, silence, lost, site.battery(since), site.booted(silence)))
        elif site.undecided(silence) and not any(measured_inside(run) for run in lost):
            since = min((run.from_ms for run in lost), default=silence.from_ms)
            found.append(Gone(site, since, silence, lost, site.battery(since), sure=False))
    found += _by_record(case, site, {one.boot for one in found})
    yield from found
    yield from _unheard(case, site, {run for one in found for run in one.lost})


def _by_record(case: Case, site: Site, told: Collection[Boot | None]) -> Iterator[Gone]:
    """Each time that its machine was off while it could not be heard for another reason, by what it brings later: it
    measured nothing for a while, then it started anew, and no line answered meanwhile."""
    for boot in site.boots:
        gap = None if boot in told else site.gap_before(boot)
        if gap is None:
            continue
        down = [run for run in site.every("line:", "down") if run.overlaps(gap.from_ms, boot.at_ms)]
        if {line.subject for line in site.lines()} == {run.subject for run in down}:
            begun = [run for run in case.free(down) if run.from_ms >= gap.from_ms - case.settle_ms]
            lost = tuple(run for run in begun if not measured_inside(run))
            yield Gone(site, gap.from_ms, None, lost, boot=boot, gap=gap)


def _unheard(case: Case, site: Site, told: Set[Run]) -> Iterator[Gone]:
    """Where nobody but the province looks, because no box stands there or it was silent long before: each time that all
    of several lines were lost together."""
    left = sorted(case.free(site.every("line:", "down")), key=lambda run: run.from_ms)
    while len(left) > 1:
        lost = [run for run in left if run.from_ms <= left[0].from_ms + case.together_ms]
        if len({run.subject for run in lost}) == len(lost) == len(site.lines()):
            if told.isdisjoint(lost) and _alone(site, lost):
                yield Gone(site, lost[0].from_ms, None, tuple(lost))
            left = left[len(lost) :]
        else:
            left = left[1:]


def _alone(site: Site, lost: Sequence[Run]) -> bool:
    """Whether the province alone tells of these losses."""
    if not site.stand.boxes:
        return True
    first_ms = lost[0].from_ms
    early = any(run.from_ms < first_ms - site.together_ms and run.end_ms > first_ms for run in site.silences)
    return early and not any(measured_inside(run) for run in lost)


def dark(site: Site, silence: Run, lost: Sequence[Run]) -> bool:
    """Whether none of its lines answered any more, and its own box measured none of that."""
    if any(measured_inside(run) for run in lost) and site.battery(silence.from_ms) is None:
        return False
    boot = site.booted(silence)
    until_ms = silence.end_ms if boot is None else boot.at_ms  # what was measured after the start contradicts nothing
    if near(site.of(site.lan), "down", silence.from_ms - site.together_ms, until_ms):
        return False
    keys = {run.subject for run in lost}
    return not any(line.subject not in keys and site.answered(line, silence) for line in site.lines())


def gone(site: Site, at_ms: int, group: str) -> bool:
    """Whether a centre lost at that time more than the lines of a group: those outside of it, or its box that speaks by
    another."""
    silence, lead = site.silent_with(at_ms), site.stand.lead
    if silence is None or lead is None or _watched_it_go(site, at_ms, group):
        return False
    others = [line for line in site.lines() if group_of(line) != group]
    if not others:
        return False
    span = site.together_ms
    lost = [run for line in others if (run := site.lost(line, at_ms - span, at_ms + 2 * span)) is not None]
    if any(measured_inside(run) for run in lost):
        return False
    if len(lost) == len(others):
        return True
    return group_of(lead) != group and site.undecided(silence)


def _watched_it_go(site: Site, at_ms: int, group: str) -> bool:
    """Whether its own box, not on a battery, measured that a line of the group was lost: it had power then, whatever
    came afterwards."""
    span = site.together_ms
    lost = (site.lost(line, at_ms - span, at_ms + span) for line in site.stand.lines if group_of(line) == group)
    return any(run is not None and measured_inside(run) for run in lost) and site.battery(at_ms) is None


# --- many at once ---------------------------------------------------------------------------------------------------


def without_power(case: Case, group: Group, at_ms: int) -> set[str]:
    """Centres of a group that lost more than its lines then, or whose machine was off; where most that can tell did,
    all of them are."""
    every = [case.sites[centre] for centre in group.centres & case.sites.keys()]
    lost = {site.centre for site in every if gone(site, at_ms, group.key)}
    telling = group.witnesses - _untold(case, group, at_ms) | lost
    off = {site.centre for site in every if _off(site, at_ms, group.key)}
    silent = {site.centre for site in every if site.silent_with(at_ms) is not None} | off
    share = case.limits.carrier_share
    most = (lost and len(lost) >= share * len(telling)) or (off and len(off) >= share * len(silent))
    return set(group.centres) if most else lost | off


def _off(site: Site, at_ms: int, group: str) -> bool:
    """Whether its machine was off from then on, as it told once it was back, and had measured no line lost before."""
    span = site.together_ms
    gaps = (site.gap_before(boot) for boot in site.boots)
    if not any(gap is not None and abs(gap.from_ms - at_ms) <= span for gap in gaps):
        return False
    return not _watched_it_go(site, at_ms, group)


def _untold(case: Case, group: Group, at_ms: int) -> set[str]:
    """Witnesses that cannot tell yet: silent, by a line of the group, and the province may still find more lost."""
    found = set()
    for centre in group.witnesses & case.sites.keys():
        site = case.sites[centre]
        silence, lead = site.silent_with(at_ms), site.stand.lead
        if silence is not None and lead is not None and group_of(lead) == group.key and site.undecided(silence):
            found.add(centre)
    return found
