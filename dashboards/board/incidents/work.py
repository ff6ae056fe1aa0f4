"""The facts of a team's open sites: by people waiting × age, with what is not theirs said first."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from litestar.datastructures import Cookie

from alerts.api import Incident
from alerts.api import Reader as Alerts
from collector.api import Reader, Team
from dashboards.board.incidents.calling import Namer
from dashboards.board.incidents.page import next_of
from dashboards.board.incidents.rows import Row, Teller, worst_first
from dashboards.board.incidents.sites import Site, Sites
from dashboards.board.spans import DAY_MS, ZONE_MS
from dashboards.board.visit import YEAR_S, Visit, cookie
from dashboards.board.words import Words

ALL: Final = "all"
TEAM_COOKIE: Final = "motcua_team"
_TEAM: Final = re.compile(r"[a-z0-9-]{1,60}")

CARDS_SHOWN: Final = 20
SITES_ON_CARD: Final = 3
EVIDENCE_ON_CARD: Final = 3


@dataclass(frozen=True, slots=True)
class Card:
    """One open site, or several of one cause."""

    row: Row
    evidence: list[str]
    sites: list[Site]
    next: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WorkPage:
    title: str
    team: Team | None
    teams: list[tuple[str, str, int]]  # key, name, open sites
    cards: list[Card]
    more: int
    theirs: list[Row]
    closed_today: int
    now_ms: int


def remembered(seen: Visit, cookies: Mapping[str, str]) -> Visit:
    """The visit with the team that this browser chose last, where its address names none."""
    team = seen.query.get("team") or cookies.get(TEAM_COOKIE, "")
    return replace(seen, query=seen.query | {"team": team}) if _TEAM.fullmatch(team) else seen


def team_asked(query: Mapping[str, str]) -> str:
    """The key of a team; empty for all of them."""
    team = query.get("team", "")
    return "" if team == ALL else team


def choice(seen: Visit) -> list[Cookie]:
    """The cookie for a team that this request chose, or all; a page that only looks again chooses nothing."""
    team = "" if seen.part else seen.query.get("team", "")
    return [cookie(TEAM_COOKIE, team, max_age=YEAR_S)] if _TEAM.fullmatch(team) else []


def look(alerts: Alerts, reader: Reader, words: Words, query: Mapping[str, str]) -> WorkPage:
    """What is open for the team of the address; for all where it names none."""
    now_ms = reader.now_ms()
    teller = Teller(words, Namer(reader), now_ms)
    teams = {team.key: team for team in reader.teams()}
    team = teams.get(team_asked(query))
    living, places = worst_first(alerts.open(), now_ms), Sites(alerts, reader, teller)
    mine = [held for held in living if held.verdict.visit and (team is None or held.team == team.key)]
    theirs = [held for held in living if not held.verdict.centres and held.ended_ms is None]
    today = (now_ms + ZONE_MS) // DAY_MS * DAY_MS - ZONE_MS
    closed = [one for one in alerts.incidents(today, now_ms + 1) if _closed_since(one, today, team)]
    return WorkPage(
        title=_title(mine, team, teller),
        team=team,
        teams=_teams(living, teams, teller),
        cards=[_card(held, teller, places) for held in mine[:CARDS_SHOWN]],
        more=max(0, len(mine) - CARDS_SHOWN),
        theirs=[teller.row(held) for held in theirs],
        closed_today=len(closed),
        now_ms=now_ms,
    )


def _card(held: Incident, teller: Teller, places: Sites) -> Card:
    newest = sorted(held.verdict.evidence, key=lambda one: -one.at_ms)[:EVIDENCE_ON_CARD]
    return Card(
        row=teller.row(held),
        evidence=[teller.say(one.said) for one in newest],
        sites=places.of(held, SITES_ON_CARD),
        next=next_of(held),
    )


def _title(mine: Sequence[Incident], team: Team | None, teller: Teller) -> str:
    words = teller.words
    who = words("work.all") if team is None else teller.namer.team(team.key, words)
    places = {key for held in mine for key in held.verdict.centres}
    return words("work.title", who=who, count=len(places)) if mine else words("work.none", who=who)


def _teams(living: Sequence[Incident], teams: Mapping[str, Team], teller: Teller) -> list[tuple[str, str, int]]:
    counts = {key: {c for i in living if i.team == key and i.verdict.visit for c in i.verdict.centres} for key in teams}
    return [(key, teller.namer.team(key, teller.words), len(counts[key])) for key in teams]


def _closed_since(one: Incident, from_ms: int, team: Team | None) -> bool:
    return one.closed_ms is not None and one.closed_ms >= from_ms and (team is None or one.team == team.key)
