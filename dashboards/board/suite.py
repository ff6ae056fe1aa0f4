"""The facts of the page about motcua itself: is the monitoring well?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from collector.api import AgentInfo, Centre, Reader, SuiteHealth
from dashboards.board.numbers import span
from dashboards.board.words import Words

LAG_TOLD_S: Final = 30.0
AGENTS_SHOWN: Final = 100


@dataclass(frozen=True, slots=True)
class SuitePage:
    health: SuiteHealth
    agents: list[AgentInfo]
    more_agents: int
    names: dict[str, str]
    centres: dict[str, Centre]
    title: str
    well: bool


def look(reader: Reader, words: Words) -> SuitePage:
    """Agents that need a look first: silent ones, then those with conditions, then by centre and name."""
    health = reader.health()
    agents = sorted(reader.agents(), key=_place)
    return SuitePage(
        health=health,
        agents=agents[:AGENTS_SHOWN],
        more_agents=max(0, len(agents) - AGENTS_SHOWN),
        names={agent.id: agent.name for agent in agents},
        centres={centre.key: centre for centre in reader.centres()},
        title=_title(health, words),
        well=not health.silent and max(health.lags_s.values(), default=0.0) < LAG_TOLD_S,
    )


def _place(agent: AgentInfo) -> tuple[bool, bool, bool, str, str]:
    return agent.revoked_ms is not None, not agent.silent, not agent.conditions, agent.centre, agent.name


def _title(health: SuiteHealth, words: Words) -> str:
    lag = max(health.lags_s.values(), default=0.0)
    if lag >= LAG_TOLD_S:
        return words("suite.title_lag", span=span(lag, words))
    if health.silent:
        return words("suite.title_silent", count=health.silent)
    return words("suite.title_ok")
