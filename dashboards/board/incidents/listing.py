"""The facts of the page of all incidents: what was asked of it, worst first, and the answer on top."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from alerts.api import STAGES, Incident
from alerts.api import Reader as Alerts
from collector.api import Reader
from dashboards.board.asked import MAX_PAGE
from dashboards.board.incidents.calling import Namer
from dashboards.board.incidents.rows import Row, Teller, areas_of, overdue, worst_first
from dashboards.board.order import collation_key
from dashboards.board.sentences import capital
from dashboards.board.words import Words

PAGE_ROWS: Final = 100
CLOSED_MS: Final = 7 * 86_400_000
"""How far back closed incidents are listed."""

_WORD: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_FILTERS: Final = ("owner", "team", "area", "stage")


@dataclass(frozen=True, slots=True)
class Asked:
    """One owner, team, area and stage, or all; one page of the list. Empty: all that live."""

    owner: str = ""
    team: str = ""
    area: str = ""
    stage: str = ""
    page: int = 1

    @property
    def narrowed(self) -> bool:
        return any((self.owner, self.team, self.area, self.stage))


@dataclass(frozen=True, slots=True)
class Choice:
    """One filter: its options as (value, what people read), in their order."""

    name: str
    options: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ListPage:
    title: str
    line: str
    asked: Asked
    rows: list[Row]  # those on this page
    found: list[Incident]  # all that were asked for
    total: int  # that live
    choices: list[Choice]
    pages: int
    now_ms: int
    teller: Teller

    def only(self, found: list[Incident]) -> ListPage:
        """The same page of some of its incidents."""
        return replace(self, found=found)


def asked_of(query: Mapping[str, str]) -> Asked:
    """Read it out of an address; what cannot be meant asks for everything."""
    told = {name: query.get(name, "") for name in _FILTERS}
    page = query.get("page", "")
    number = max(1, min(int(page), MAX_PAGE)) if page.isascii() and page.isdecimal() and len(page) < 6 else 1
    return Asked(**{name: text for name, text in told.items() if _WORD.fullmatch(text)}, page=number)


def look(alerts: Alerts, reader: Reader, words: Words, asked: Asked) -> ListPage:
    """Everything the page shows."""
    now_ms, living = reader.now_ms(), alerts.open()
    places = reader.places()
    pool = _closed(alerts, now_ms) if asked.stage == "closed" else living
    found = worst_first([held for held in pool if _wanted(held, asked, areas_of(held, places))], now_ms)
    teller = Teller(words, Namer(reader), now_ms)
    pages = max(1, -(-len(found) // PAGE_ROWS))
    page = min(asked.page, pages)
    shown = found[(page - 1) * PAGE_ROWS : page * PAGE_ROWS]
    return ListPage(
        title=title_of(living, words),
        line=line_of(living, now_ms, words),
        asked=replace(asked, page=page),
        rows=[teller.row(held) for held in shown],
        found=found,
        total=len(living),
        choices=_choices(living, {area for held in living for area in areas_of(held, places)}, teller),
        pages=pages,
        now_ms=now_ms,
        teller=teller,
    )


def _closed(alerts: Alerts, now_ms: int) -> list[Incident]:
    return [held for held in alerts.incidents(now_ms - CLOSED_MS, now_ms + 1) if not held.open]


def _wanted(held: Incident, asked: Asked, areas: set[str]) -> bool:
    return (
        asked.owner in {"", held.verdict.owner}
        and asked.team in {"", held.team or ""}
        and asked.stage in {"", held.stage}
        and (not asked.area or asked.area in areas)
    )


def title_of(living: Sequence[Incident], words: Words) -> str:
    """How many live, and whether anybody has to travel for them."""
    if not living:
        return words("incident.none")
    here = [held for held in living if held.ended_ms is None]
    go = sum(1 for held in here if held.verdict.visit)
    planned = sum(1 for held in here if held.verdict.owner == "planned")
    theirs = len(here) - go - planned
    parts = [words("incident.count_go", count=go)] if go else []
    parts += [words("incident.count_theirs", count=theirs)] if theirs else []
    parts += [words("incident.count_planned", count=planned)] if planned else []
    over = len(living) - len(here)
    parts += [words("incident.count_over", count=over)] if over else []
    return f"{words('incident.count', count=len(living))}: {', '.join(parts)}"


def line_of(living: Sequence[Incident], now_ms: int, words: Words) -> str:
    """How many people wait, how many incidents are past their target, how many nobody took."""
    waiting = round(sum(held.waiting or 0.0 for held in living if held.ended_ms is None))
    late = sum(1 for held in living if overdue(held, now_ms))
    untaken = sum(1 for held in living if held.verdict.visit and held.stage in {"open", "notified"})
    parts = [words("incident.waiting_all", count=waiting)] if waiting else []
    parts += [words("incident.late", count=late)] if late else []
    parts += [words("incident.untaken", count=untaken)] if untaken else []
    return " · ".join(parts)


def _choices(living: Sequence[Incident], areas: set[str], teller: Teller) -> list[Choice]:
    """Only what would find something; stages are all there, `closed` leads to those of the last week."""
    owners = {held.verdict.owner for held in living}
    teams = {held.team for held in living if held.team}
    words = teller.words
    named: dict[str, list[tuple[str, str]]] = {
        "owner": [(one, capital(teller.called("owner", one))) for one in owners],
        "team": [(one, teller.namer.team(one, words)) for one in teams],
        "area": [(one, teller.namer.area(one, words)) for one in areas],
    }
    stages: list[tuple[str, str]] = [(one, capital(teller.called("stage", one))) for one in STAGES]
    kinds = [Choice(name, sorted(found, key=lambda one: collation_key(one[1]))) for name, found in named.items()]
    return [*(choice for choice in kinds if choice.options), Choice("stage", stages)]
