"""Service: a shared system is ill for a quorum of centres whose lines are fine, as the collector's judge found.

Centres that see it are affected; nobody is sent there.
"""

from __future__ import annotations

from collections.abc import Iterator

from alerts.api.facts import Said, Value, Verdict
from alerts.correlate.case import OWN_ROOMS, Case
from alerts.correlate.found import Found, Rule, of_runs, span_of
from alerts.correlate.runs import ALWAYS, Run
from collector.api import State

ILL: tuple[State, ...] = ("down", "degraded")


def find(case: Case) -> Iterator[Found]:
    """One for every time a system was ill; slow first and then gone is one time."""
    if not case.leads:
        return
    for subject, runs in sorted(case.shared.items()):
        for group in _times(case, [run for state in ILL for run in runs.get(state, ())]):
            yield _found(case, subject, group)


def _times(case: Case, runs: list[Run]) -> Iterator[list[Run]]:
    held: list[Run] = []
    for run in sorted(runs, key=lambda run: run.from_ms):
        if held and run.from_ms > max(one.end_ms for one in held) + case.settle_ms:
            yield held
            held = []
        held.append(run)
    if held:
        yield held


def _found(case: Case, subject: str, runs: list[Run]) -> Found:
    since, ended = span_of(runs)
    affected = seen_by(case, subject, since, ALWAYS if ended is None else ended)
    worst: State = "down" if any(run.state == "down" for run in runs) else "degraded"
    newest = runs[-1].spells[-1]
    values: dict[str, Value] = {
        "system": subject, "since_ms": since, "count": max(len(affected), int(newest.detail.get("seen", 0))),
        "of": newest.detail.get("of", 0),
    }  # fmt: skip
    ending = all(run.reasons == {"cert_ending"} for run in runs)
    key = "verdict.service_certificate" if ending else f"verdict.service_{worst}"
    verdict = Verdict(
        subject, "service", "service", worst, since, ended, (subject,), (), Said(key, values), of_runs(runs),
        "certain", visit=False, affected=affected,
    )  # fmt: skip
    return Found(verdict, tuple(runs), Said("why.service", values))


def seen_by(case: Case, subject: str, from_ms: int, to_ms: int) -> tuple[str, ...]:
    """The centres that saw a system ill within a span, the province's own rooms aside."""
    return tuple(sorted(
        centre for centre, spells in case.views.get(subject, {}).items()
        if not centre.startswith(OWN_ROOMS)
        and any(s.from_ms < to_ms and (s.to_ms is None or s.to_ms > from_ms) for s in spells)
    ))  # fmt: skip


def why_not(case: Case, found: Found) -> Said:
    """No system was ill, or one was and that explains nothing of this."""
    verdict = found.verdict
    end = ALWAYS if verdict.ended_ms is None else verdict.ended_ms
    for subject, runs in case.shared.items():
        if any(run.overlaps(verdict.since_ms, end) for state in ILL for run in runs.get(state, ())):
            return Said("why.service_other", {"system": subject})
    return Said("why.service_fine")


RULE = Rule("service", find, why_not)
