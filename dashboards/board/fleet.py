"""Expected and arrived: after a roll-out, which machines did not come, or not as they should. Worst first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Final, Literal

from collector.api import AgentInfo, Centre, Expected, Reader
from dashboards.board.names import centre_name
from dashboards.board.numbers import seconds, span
from dashboards.board.order import collation_key
from dashboards.board.words import Words

Status = Literal["absent", "overdue", "awaited", "never", "silent", "skewed", "condition", "old", "revoked", "well"]
STATUSES: Final[tuple[Status, ...]] = (
    "absent", "overdue", "never", "silent", "skewed", "condition", "old", "awaited", "revoked", "well",
)  # fmt: skip
"""The order of the page. A machine that several of these say something of stands under the first."""

_RANK: Final = {status: rank for rank, status in enumerate(STATUSES)}
STRANGERS: Final = ("token", "join_code", "join_spent", "join_role")
SKEW_TOLD_MS: Final = 120_000
SHOWN: Final = 50
_SKEW: Final = "clock_skew"


@dataclass(frozen=True, slots=True)
class Row:
    """One machine, or the place where one is missing."""

    status: Status
    centre: str
    place: str
    role: str | None
    agent: str | None
    name: str
    detail: str
    since_ms: int | None
    version: str


@dataclass(frozen=True, slots=True)
class Group:
    """Machines of one status, of which a page shows the first ones."""

    status: Status
    rows: list[Row]

    @property
    def shown(self) -> list[Row]:
        return self.rows[:SHOWN]

    @property
    def more(self) -> int:
        return max(0, len(self.rows) - SHOWN)


@dataclass(frozen=True, slots=True)
class FleetPage:
    title: str
    arrived: int
    expected: int
    rows: list[Row]
    groups: list[Group]  # what needs a look; those that are well are in `counts` only, unless they were asked for
    counts: dict[Status, int]
    refused: dict[str, int] | None
    newest: str
    now_ms: int

    @property
    def strangers(self) -> dict[str, int]:
        """Requests of machines that nobody here knows, by the code they were refused with."""
        return {code: self.refused[code] for code in STRANGERS if self.refused and self.refused.get(code)}

    @property
    def well(self) -> bool:
        return not any(self.counts.get(status) for status in STATUSES[:7])


def look(reader: Reader, words: Words, only: str = "") -> FleetPage:
    """All machines; `only` shows those of one status, and those that are well only when asked for."""
    health, now_ms = reader.health(), reader.now_ms()
    places = {centre.key: centre for centre in reader.centres()}
    agents = reader.agents()
    newest = max((agent.version for agent in agents if agent.revoked_ms is None), key=version_key, default="")
    rows = [*_of_agents(agents, places, newest, words), *_missing(places, agents, reader.expected(), now_ms, words)]
    rows.sort(key=lambda row: (_RANK[row.status], collation_key(row.place), row.name))
    groups = [Group(status, list(found)) for status, found in groupby(rows, key=lambda row: row.status)]
    counts = {group.status: len(group.rows) for group in groups}
    live = sum(1 for agent in agents if agent.revoked_ms is None)
    heard = live - counts.get("never", 0)
    expected = live + sum(counts.get(status, 0) for status in ("absent", "overdue", "awaited"))
    shown = [g for g in groups if (g.status == only if only in counts else g.status not in {"well", "revoked"})]
    return FleetPage(
        title=words("fleet.title", arrived=heard, expected=expected) if expected else words("fleet.title_none"),
        arrived=heard,
        expected=expected,
        rows=rows,
        groups=shown,
        counts=counts,
        refused=health.refused,
        newest=newest,
        now_ms=now_ms,
    )


@lru_cache(maxsize=1_024)
def version_key(version: str) -> tuple[int, ...]:
    """0.10.0 after 0.9.2; what is no number counts as nothing."""
    return tuple(int(part) if part.isascii() and part.isdecimal() and len(part) < 9 else 0 for part in _parts(version))


def _parts(version: str) -> list[str]:
    return version[:64].split(".")


def _of_agents(agents: Iterable[AgentInfo], places: Mapping[str, Centre], newest: str, words: Words) -> Iterator[Row]:
    for agent in agents:
        status, detail, since_ms = _judge(agent, newest, words)
        place = _place(agent.centre, places, words)
        name = agent.name or agent.id
        yield Row(status, agent.centre, place, agent.role, agent.id, name, detail, since_ms, agent.version)


def _judge(agent: AgentInfo, newest: str, words: Words) -> tuple[Status, str, int | None]:
    """What is to be said of one agent: the first that applies."""
    if agent.revoked_ms is not None:
        return "revoked", "", agent.revoked_ms
    if agent.last_heard_ms is None:
        return "never", "", agent.enrolled_ms
    if agent.silent:  # a PC that is switched off at night is normal: the page says which kind of machine each is
        return "silent", "", agent.last_heard_ms
    return *_heard(agent, newest, words), agent.last_heard_ms


def _heard(agent: AgentInfo, newest: str, words: Words) -> tuple[Status, str]:
    skew_ms = agent.skew_ms or 0
    if abs(skew_ms) > SKEW_TOLD_MS or _SKEW in agent.conditions:
        return "skewed", _skew(skew_ms, words)
    if agent.conditions:
        return "condition", "; ".join(words.reason(name) for name in agent.conditions)
    if version_key(agent.version) < version_key(newest):
        return "old", words("fleet.newest", version=newest)
    return "well", ""


def _skew(skew_ms: int, words: Words) -> str:
    said = seconds(abs(skew_ms) / 1000, words.lang) if abs(skew_ms) < 60_000 else span(abs(skew_ms) / 1000, words)
    return words("fleet.skew_fast" if skew_ms > 0 else "fleet.skew_slow", span=said)


def _missing(
    places: Mapping[str, Centre], agents: list[AgentInfo], expected: Iterable[Expected], now_ms: int, words: Words
) -> Iterator[Row]:
    """Codes that nobody used, and centres without a single agent and without a code."""
    came = {agent.centre for agent in agents}
    coded = set[str]()
    for code in expected:
        if code.centre in places and places[code.centre].retired:
            continue  # nobody is to come there any more
        if any((a.centre, a.role) == (code.centre, code.role) and a.enrolled_ms > code.created_ms for a in agents):
            continue  # it came by another code
        coded.add(code.centre)
        status: Status = "overdue" if code.expires_ms <= now_ms else "awaited"
        place = _place(code.centre, places, words)
        yield Row(status, code.centre, place, code.role, None, "", "", code.created_ms, "")
    for key in places:
        if key not in came and key not in coded and places[key].retired is None:
            yield Row("absent", key, _place(key, places, words), None, None, "", "", None, "")


def _place(key: str, places: Mapping[str, Centre], words: Words) -> str:
    return centre_name(places[key], words) if key in places else key
