"""A line's speed against its contract: so many valid tests in a row below its share of it.

The download is compared: a contract names one speed, and it is that towards the customer which carriers promise and
measure (QCVN 34, Pd and Vd); what comes of the upload is shown beside it. Tests that are not valid never count.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from collector.judge.findings import Look
from collector.judge.timeline import Detail
from collector.judge.windows import MAX_EVIDENCE
from collector.judging.policy import Policies

BELOW: Final = "below_contract"


@dataclass(frozen=True, slots=True)
class Contract:
    """What was contracted from `from_ms` to `to_ms` (None: still), bit/s; None: the inventory does not say."""

    from_ms: int
    to_ms: int | None
    bps: float | None


@dataclass(frozen=True, slots=True)
class Valid:
    """A valid test that has a download; `id` is its observation."""

    at: int
    id: str
    download_bps: float


def contracted(contracts: Sequence[Contract], at: int) -> float | None:
    """The speed contracted at a moment; `contracts` in order. Before the first of them it is that of the first."""
    n = max(0, bisect_right(contracts, at, key=lambda one: one.from_ms) - 1)
    if not contracts or (contracts[n].to_ms or at + 1) <= at:
        return None
    return contracts[n].bps


def speed_looks(tests: Sequence[Valid], contracts: Sequence[Contract], policies: Policies, since: int) -> list[Look]:
    """A look for each valid test from `since` on. `tests` in order, with as many before as any version asks for."""
    return [_look(tests, n, contracts, policies) for n, test in enumerate(tests) if test.at >= since]


def _look(tests: Sequence[Valid], n: int, contracts: Sequence[Contract], policies: Policies) -> Look:
    at = tests[n].at
    rules, contract = policies.at(at).policy.bandwidth, contracted(contracts, at)
    last = tests[max(0, n + 1 - rules.tests) : n + 1]
    limit = None if contract is None else rules.contract_share * contract
    if limit is None or contract is None or len(last) < rules.tests or any(t.download_bps >= limit for t in last):
        return Look(at, holds=False, evidence=(tests[n].id,))
    detail: Detail = {
        "metric": "motcua_line_download_bps", "value": round(median(t.download_bps for t in last)),
        "limit": round(limit), "contract_bps": round(contract), "direction": "download", "tests": rules.tests,
    }  # fmt: skip
    return Look(at, holds=True, detail=detail, evidence=tuple(t.id for t in reversed(last))[:MAX_EVIDENCE])
