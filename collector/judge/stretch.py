"""The calm beginning of what is judged: as far as it only tells that all is well, it changes no state and need not be
walked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from collector.judge.facts import Fact
from collector.judging.policy import Policies, Version


class Calm(Protocol):
    """What a kind of subject knows of facts that make no symptom."""

    def calm(self, version: Version) -> bool:
        """Whether nothing makes a symptom of what was taken in, or measured beside, nor would with plain facts more."""
        ...

    def plain(self, fact: Fact, version: Version) -> bool:
        """Whether a fact that is ok makes no symptom, nor would with more of its kind."""
        ...


def valid_ms(fact: Fact, policies: Policies) -> int:
    """How long a fact holds."""
    version = policies.at(fact.at)
    return min(version.policy.time.stale_periods * fact.period_ms, version.hold_ms)


def calm_until(
    facts: Sequence[Fact], first: int, known_until: int, *, kind: Calm, policies: Policies
) -> tuple[int, int]:
    """Where the calm beginning of the facts from `first` on ends, at a moment, and until when what is in it holds.

    Each fact of it is plain, comes before those before it are stale (they hold until `known_until`), and is judged by
    the same version.
    """
    if first == len(facts) or not kind.calm(version := policies.at(facts[first].at)):
        return first, known_until
    n = first
    for fact in facts[first:]:
        well = fact.outcome == "ok" and fact.at <= known_until and kind.plain(fact, version)
        if not well or policies.at(fact.at) is not version:
            break
        known_until = max(known_until, fact.at + valid_ms(fact, policies))
        n += 1
    while first < n < len(facts) and facts[n].at == facts[n - 1].at:
        n -= 1
    return n, known_until
