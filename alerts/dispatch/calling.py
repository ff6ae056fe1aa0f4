"""From an incident to those who must know: the owner's team of the area, whoever is on duty, the least busy first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from alerts.api import Incident, Owner, Verdict
from alerts.dispatch.town import Town
from collector.api import Duty, Team

OFFICER: Final = "officer"
DEPUTY: Final = "deputy"
"""Hears of it where the officer does not answer; nobody by itself: `routes.deputy` names who."""

_OWNS: Final[Mapping[Owner, str]] = {
    "power": "power", "lan": "lan", "device": "device", "agent": "device", "line": "line", "carrier": "line",
    "province": "province", "service": "service", "signing": "signing", "certificate": "certificate",
}  # fmt: skip
"""The column `owns` of teams.csv for each owner; nobody but the officer has what is not here."""


@dataclass(frozen=True, slots=True)
class Audience:
    """One to be told: `team:<key>`, `centre:<key>`, `officer`, `deputy`; with whoever is on duty, where rotas tell."""

    key: str
    person: str = ""
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Hands:
    """What a revision changes about who must know: `fresh` are to be called, `gone` are told that it is not theirs."""

    fresh: list[Audience]
    gone: list[Audience]


def audiences(incident: Incident, town: Town, now_ms: int) -> list[Audience]:
    """Each of them gets one message; the first is responsible. Nobody for what was planned.

    Where somebody must travel: the teams whose it is, or the officer where the inventory names none. Where nobody must:
    the officer, and a note at every centre that sees it. A team that has the incident keeps it as long as it fits.
    """
    verdict = incident.verdict
    if verdict.owner == "planned":
        return []
    teams = _teams(verdict, town, now_ms, incident.team) if verdict.visit else []
    first = [audience_of(team, town, now_ms) for team in teams] or [Audience(OFFICER)]
    return [*first, *(Audience(f"centre:{key}") for key in sorted(set(verdict.affected)))]


def hands(before: Sequence[Audience], after: Sequence[Audience]) -> Hands:
    """Compare two answers of `audiences`; whoever is on duty by now makes no difference."""
    had, has = {one.key for one in before}, {one.key for one in after}
    return Hands([one for one in after if one.key not in had], [one for one in before if one.key not in has])


def _teams(verdict: Verdict, town: Town, now_ms: int, has: str | None) -> list[Team]:
    """For each area concerned its best team, the one with the most centres first."""
    centres: Counter[str] = Counter()
    for area, count in _areas(verdict, town).items():
        fit = [team for team in town.teams if _does(team, verdict, town) and (not team.areas or area in team.areas)]
        if fit:
            centres[min(fit, key=lambda team: (team.key != has, *_busy(team, town, now_ms))).key] += count
    by_key = {team.key: team for team in town.teams}
    return [by_key[key] for key, _ in sorted(centres.items(), key=lambda pair: (-pair[1], pair[0]))]


def _areas(verdict: Verdict, town: Town) -> Counter[str]:
    """How many centres of each area; an area without a name where the inventory knows none of them."""
    known = Counter(town.places[key].area for key in verdict.centres if key in town.places)
    return known or Counter([""])


def _does(team: Team, verdict: Verdict, town: Town) -> bool:
    kind = _OWNS.get(verdict.owner)
    if kind is None or kind not in team.owns:
        return False
    carriers = _carriers(verdict, town)
    return kind != "line" or not carriers or team.organisation in carriers


def _carriers(verdict: Verdict, town: Town) -> set[str]:
    """Whose lines it is about: from its cause, else from the contract of its lines."""
    kind, _, rest = verdict.cause.partition(":")
    if kind == "carrier":
        return {rest.partition("/")[0]}
    lines = {line.key: line.carrier for key in verdict.centres for line in town.lines.get(key, ())}
    return {lines[key] for key in verdict.subjects if key in lines}


def _busy(team: Team, town: Town, now_ms: int) -> tuple[bool, int, str]:
    """The smaller, the sooner: a team with a rota on which nobody is on duty comes last."""
    absent = team.key in town.rota and on_duty(team.key, town, now_ms) is None
    return absent, town.load.get(team.key, 0), team.key


def on_duty(team: str, town: Town, at_ms: int) -> Duty | None:
    """Whose turn it is; of several the one who began first."""
    return next((duty for duty in town.rota.get(team, ()) if duty.holds(at_ms)), None)


def audience_of(team: Team, town: Town, now_ms: int) -> Audience:
    """A team, with whoever of it is on duty."""
    duty = on_duty(team.key, town, now_ms)
    if duty is None:
        return Audience(f"team:{team.key}", phone=team.phone, email=team.email)
    return Audience(f"team:{team.key}", duty.person, duty.phone or team.phone, team.email)
