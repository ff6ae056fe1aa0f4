"""What a rule finds, what a rule is, and how evidence is put."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Final

from alerts.api.facts import Considered, Evidence, Said, Value, Verdict
from alerts.correlate.picture import Boot
from alerts.correlate.runs import ALWAYS, Run

if TYPE_CHECKING:
    from alerts.correlate.case import Case

MOST_EVIDENCE: Final = 60
"""A verdict that explains more names the first of it; what it is about stands in its subjects."""


@dataclass(frozen=True, slots=True)
class Found:
    """A verdict with the runs that it explains: nothing else may speak of these. `why`: why its rule spoke; `told`: not
    where it is told of elsewhere, with other centres."""

    verdict: Verdict
    runs: tuple[Run, ...]
    why: Said
    told: bool = True


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of trouble. `find` is asked once for a whole case; `why_not` of what another rule found."""

    name: str
    find: Callable[[Case], Iterator[Found]]
    why_not: Callable[[Case, Found], Said]


def considered(case: Case, found: Found, rules: Sequence[Rule]) -> Verdict:
    """The verdict with every rule that was tried, and why it did or did not speak."""
    own = found.verdict.rule
    told = (
        Considered(rule.name, True, found.why) if rule.name == own else _silent(rule.name, rule.why_not(case, found))
        for rule in rules
    )
    return replace(found.verdict, considered=tuple(told))


def _silent(rule: str, why: Said) -> Considered:
    """That a rule did not speak; most say the same of thousands."""
    return Considered(rule, False, why) if why.values else _plain(rule, why.key)


@cache
def _plain(rule: str, key: str) -> Considered:
    return Considered(rule, False, Said(key))


# --- evidence -------------------------------------------------------------------------------------------------------

_SPELLS: Final = frozenset({
    "batch_conflict", "below_contract", "cert_ending", "clock_skew", "cloned", "disk_low", "dns_failed", "dns_slow",
    "line_full", "lost_from_province", "memory_low", "on_battery", "service_down", "service_slow", "silent",
    "spool_old", "stale", "temperature",
})  # fmt: skip
"""Reasons with a sentence of their own; all else is told by its state."""

_GENERAL: Final = frozenset({"loss", "port_slow", "slow", "wifi_weak"})


def of_runs(runs: Iterable[Run]) -> tuple[Evidence, ...]:
    """What arrived of runs, in order of time: the first spell of each, and what was told otherwise later."""
    first = sorted(runs, key=lambda run: (run.from_ms, run.subject))[:MOST_EVIDENCE]
    found = [_of_spell(run, n) for run in first for n in _telling(run)]
    found.sort(key=lambda one: (one.at_ms, one.subject))
    return tuple(found[:MOST_EVIDENCE])


def _telling(run: Run) -> list[int]:
    told: list[int] = []
    for n, spell in enumerate(run.spells):
        if not told or spell.reason != run.spells[told[-1]].reason:
            told.append(n)
    return told[:3]


def _of_spell(run: Run, n: int) -> Evidence:
    spell = run.spells[n]
    reason = spell.reason or ""
    key = reason if reason in _SPELLS | _GENERAL else spell.state
    values: dict[str, Value] = {"subject": spell.subject, "at_ms": spell.from_ms}
    for name in ("lost", "sent", "seen", "of", "in_a_row"):
        if name in spell.detail:
            values[name] = spell.detail[name]
    observation = spell.evidence[0] if spell.evidence else ""
    return Evidence(spell.subject, Said(f"evidence.{key}", values), spell.from_ms, spell.recorded_ms, observation)


def of_boot(boot: Boot) -> Evidence:
    """A machine that started anew."""
    said = Said("evidence.boot", {"subject": boot.agent, "at_ms": boot.at_ms})
    return Evidence(boot.agent, said, boot.at_ms, boot.known_ms)


# --- spans ----------------------------------------------------------------------------------------------------------


def span_of(runs: Sequence[Run]) -> tuple[int, int | None]:
    """From the first beginning to the last end."""
    end = max(run.end_ms for run in runs)
    return min(run.from_ms for run in runs), None if end >= ALWAYS else end


def shared_end(runs: Sequence[Run], share: float, slack_ms: int) -> int | None:
    """When what is shared was over: most of it was well again, with those that followed soon; None while it holds.

    One that stays behind is no longer of it.
    """
    ends = sorted(run.end_ms for run in runs)
    most = ends[min(len(ends) - 1, max(0, round(share * len(ends)) - 1))]
    return None if most >= ALWAYS else max(end for end in ends if end <= most + slack_ms)


def left_behind(run: Run, ended_ms: int | None, slack_ms: int, now_ms: int) -> bool:
    """Whether a run went on for longer than that after what it was part of had ended; not as long as it may be news."""
    return ended_ms is not None and min(run.end_ms, now_ms) > ended_ms + slack_ms
