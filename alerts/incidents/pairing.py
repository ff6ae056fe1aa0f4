"""Which incident is about which trouble: by cause; where the cause was judged anew, by what both are about. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from alerts.correlate.limits import Limits
from alerts.correlate.rules import RULES
from alerts.incidents.drafts import Life
from alerts.incidents.runs import Run

RANK: Final[Mapping[str, int]] = {rule.name: n for n, rule in enumerate(RULES)}
"""What explains more comes first."""


@dataclass(slots=True)
class Pairs:
    """`by_life`: the runs of each incident, by time; `fresh`: runs without one; `left`: incidents without a run."""

    by_life: dict[str, list[Run]] = field(default_factory=dict)
    fresh: list[Run] = field(default_factory=list)
    left: list[Life] = field(default_factory=list)


def pair(lives: Sequence[Life], runs: Sequence[Run], limits: Limits) -> Pairs:
    """Every run and every incident is in exactly one place of the answer; runs that are history are left out."""
    pairs = Pairs()
    by_cause: dict[str, list[Life]] = defaultdict(list)
    for life in sorted(lives, key=lambda one: (one.incident.since_ms, one.incident.number)):
        by_cause[life.incident.verdict.cause].append(life)
    for run in sorted(runs, key=lambda one: (one.since_ms, one.cause)):
        _by_cause(pairs, by_cause.get(run.cause, ()), run, limits)
    alone = [life for life in lives if life.incident.id not in pairs.by_life and not _settled(life)]
    living = {life.incident.verdict.cause for life in lives if life.incident.open}
    pairs.left = _by_what_they_are_about(pairs, alone, living, round(1000 * limits.settle_s))
    return pairs


def _settled(life: Life) -> bool:
    return life.joined or life.retracted


def _by_cause(pairs: Pairs, lives: Iterable[Life], run: Run, limits: Limits) -> None:
    settle_ms, reopen_ms = round(1000 * limits.settle_s), round(1000 * limits.reopen_s)
    candidates = [life for life in lives if not life.retracted]
    same = [o for o in candidates if run.touches(o.incident.since_ms, o.incident.ended_ms, settle_ms)]
    if not same and any(run.touches(*span) for life in candidates for span in life.past):
        return
    before = [o for o in candidates if _returns(o, run, reopen_ms)]
    if found := same[-1:] or before[-1:]:
        pairs.by_life.setdefault(found[0].incident.id, []).append(run)
    else:
        pairs.fresh.append(run)


def _returns(life: Life, run: Run, reopen_ms: int) -> bool:
    """Whether a run is the return of what an incident was about."""
    ended_ms = life.incident.ended_ms
    if ended_ms is None or run.since_ms < ended_ms:
        return False
    return life.incident.open or run.since_ms - ended_ms <= reopen_ms  # a cause has one living incident


def _by_what_they_are_about(pairs: Pairs, lives: Sequence[Life], living: Collection[str], apart_ms: int) -> list[Life]:
    """Give fresh runs the incidents they share most with; the incidents that stay alone. `living`: causes taken."""
    at: dict[str, list[Life]] = defaultdict(list)
    for life in lives:
        for key in life.incident.verdict.subjects:
            at[key].append(life)
    free = [(n, run) for n, run in enumerate(pairs.fresh) if run.cause not in living]
    offers = sorted(_offers(free, at, apart_ms), key=lambda offer: offer[0])
    taken, gone = set[int](), set[str]()
    for _, n, life in offers:
        if n not in taken and life.incident.id not in gone:
            taken.add(n)
            gone.add(life.incident.id)
            pairs.by_life[life.incident.id] = [pairs.fresh[n]]
    pairs.fresh = [run for n, run in enumerate(pairs.fresh) if n not in taken]
    return [life for life in lives if life.incident.id not in gone]


Offer = tuple[tuple[int, int, int], int, Life]


def _offers(fresh: Iterable[tuple[int, Run]], at: Mapping[str, Sequence[Life]], apart_ms: int) -> Iterable[Offer]:
    """Fresh runs with incidents of the same time that are about the same; the smaller the first, the more alike."""
    for n, run in fresh:
        shared, by_id = Counter[str](), dict[str, Life]()
        for key in run.verdict.subjects:
            for life in at.get(key, ()):
                if run.touches(life.incident.since_ms, life.incident.ended_ms, apart_ms):
                    shared[life.incident.id] += 1
                    by_id[life.incident.id] = life
        for key, life in by_id.items():
            yield (-shared[key], life.incident.number, n), n, life


def explains(run: Run, life: Life) -> bool:
    """Whether a trouble is what an incident was about: the same time, and a subject of both."""
    old = life.incident
    shared = not set(old.verdict.subjects).isdisjoint(run.verdict.subjects)
    return shared and run.touches(old.since_ms, old.ended_ms)
