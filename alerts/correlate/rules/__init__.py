"""The rules, one file each, in the order in which they are asked: what one explains, no later one speaks of.

One more rule is one file, one test, and one line here; one that looks at the clock has its moments in `waiting.py`.
"""

from __future__ import annotations

from typing import Final

from alerts.correlate.found import Rule
from alerts.correlate.rules import agent, carrier, device, lan, line, planned, power, province, service, unknown

RULES: Final[tuple[Rule, ...]] = (
    planned.RULE,
    service.RULE,
    province.RULE,
    carrier.RULE,
    power.RULE,
    line.RULE,
    lan.RULE,
    device.RULE,
    agent.RULE,
    unknown.RULE,
)
