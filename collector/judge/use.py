"""A line that is too small, by the rule of the dedicated network (TT 06/2026/TT-BKHCN Đ5.6, under QĐ 33/2025/QĐ-TTg).

Its capacity is enough while, per direction, the 95th percentile of 5-minute use is not over 90 % of it on 7 days in a
row. Looked at once a local day, over the days that end with the one before; what is measured on too few of their
5-minute turns says nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from collector.judge.findings import Look
from collector.judge.speed import Contract, contracted
from collector.judge.timeline import Detail
from collector.judging.policy import Policies

FULL: Final = "line_full"
SAMPLE_MS: Final = 300_000
"""The rule is about 5-minute samples; the agents measure as often."""

DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Week:
    """The days of the rule that end at `end`: the percentile of each direction, bit/s, and the samples behind it."""

    end: int
    receive_bps: float
    transmit_bps: float
    samples: int
    days: int

    @property
    def coverage(self) -> float:
        """The share of the 5-minute turns that was measured."""
        return min(1.0, self.samples * SAMPLE_MS / (self.days * DAY_MS))


def rank(samples: int, share: float) -> int:
    """Which of so many samples, the smallest first and counted from 0, is the percentile (nearest rank)."""
    return max(0, math.ceil(round(share * samples, 6)) - 1)


def use_looks(weeks: Sequence[Week], contracts: Sequence[Contract], policies: Policies) -> list[Look]:
    """A look for each of `weeks`, in order."""
    return [_look(week, contracts, policies) for week in weeks]


def _look(week: Week, contracts: Sequence[Contract], policies: Policies) -> Look:
    rules, capacity = policies.at(week.end - 1).policy.line, contracted(contracts, week.end - 1)
    direction, value = max((("download", week.receive_bps), ("upload", week.transmit_bps)), key=lambda one: one[1])
    if capacity is None or week.coverage < rules.full_coverage or value <= rules.full_share * capacity:
        return Look(week.end, holds=False)
    metric = "motcua_line_receive_bps" if direction == "download" else "motcua_line_transmit_bps"
    detail: Detail = {
        "metric": metric, "value": round(value), "limit": round(rules.full_share * capacity),
        "contract_bps": round(capacity), "direction": direction, "days": week.days,
        "coverage": round(week.coverage, 4),
    }  # fmt: skip
    return Look(week.end, holds=True, detail=detail)
