"""The facts of the officer's page: what is late, what is planned, what late data changed, how good our alerts are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from alerts.api import Incident, NotFound, Quality, RuleScore
from alerts.api import Reader as Alerts
from collector.api import Reader, Window
from dashboards.board.incidents.calling import Namer
from dashboards.board.incidents.page import Message, Revision, message, revisions
from dashboards.board.incidents.rows import Row, Teller, overdue
from dashboards.board.numbers import span
from dashboards.board.sentences import capital
from dashboards.board.spans import DAY_MS, ZONE_MS
from dashboards.board.words import Words

QUALITY_DAYS: Final = 30
AHEAD_DAYS: Final = 7
STOPS_SHOWN: Final = 100
REVISED_SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class Late:
    """An incident past its target, and by how much."""

    row: Row
    by: str


@dataclass(frozen=True, slots=True)
class Stop:
    """A planned stop. `explains` are centres whose trouble it covers; `holds`: it is in force."""

    window: Window
    name: str
    explains: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Changed:
    """What late data changed about one incident."""

    row: Row
    revision: Revision


@dataclass(frozen=True, slots=True)
class Score:
    """How good one rule was. `precision` None: nobody labelled any of its verdicts."""

    score: RuleScore
    name: str
    precision: float | None


@dataclass(frozen=True, slots=True)
class Missed:
    """A trouble that no incident explained."""

    subject: str
    name: str
    from_ms: int
    to_ms: int
    length: str


@dataclass(frozen=True, slots=True)
class OfficerPage:
    title: str
    late: list[Late]
    stops: list[Stop]
    changed: list[Changed]
    quality: Quality
    scores: list[Score]
    missed: list[Missed]
    dead: list[Message]
    now_ms: int


def look(alerts: Alerts, reader: Reader, words: Words) -> OfficerPage:
    """Everything the page shows."""
    now_ms = reader.now_ms()
    teller = Teller(words, Namer(reader), now_ms)
    late = sorted((i for i in alerts.open() if overdue(i, now_ms)), key=lambda i: i.target_ms or 0)
    quality = alerts.quality(now_ms - QUALITY_DAYS * DAY_MS, now_ms)
    changed, dead = _changed(alerts, teller), alerts.told(dead=True)
    return OfficerPage(
        title=_title(len(late), len(changed), len(dead), words),
        late=[Late(teller.row(i), span((now_ms - (i.target_ms or now_ms)) / 1000, words)) for i in late],
        stops=_stops(reader, teller),
        changed=changed,
        quality=quality,
        scores=[_score(one, teller) for one in sorted(quality.rules, key=lambda one: -one.said)],
        missed=[_missed(one, teller) for one in quality.missed],
        dead=[message(one, teller) for one in dead],
        now_ms=now_ms,
    )


def _title(late: int, changed: int, dead: int, words: Words) -> str:
    parts = [words("officer.late", count=late)] if late else []
    parts += [words("officer.changed", count=changed)] if changed else []
    parts += [words("officer.dead", count=dead)] if dead else []
    return capital(", ".join(parts)) if parts else words("officer.well")


def yesterday_ms(now_ms: int) -> int:
    """The beginning of the local day before this one."""
    return (now_ms + ZONE_MS) // DAY_MS * DAY_MS - ZONE_MS - DAY_MS


def _changed(alerts: Alerts, teller: Teller) -> list[Changed]:
    """Revisions since yesterday, each with what had been said before it."""
    found, seen = list[Changed](), dict[str, tuple[Incident, list[Revision]]]()
    for one in alerts.revised(yesterday_ms(teller.now_ms), teller.now_ms + 1)[:REVISED_SHOWN]:
        if one.incident not in seen:
            try:
                seen[one.incident] = alerts.incident(one.incident), revisions(alerts.story(one.incident), teller)
            except NotFound:
                continue
        held, told = seen[one.incident]
        found += [Changed(teller.row(held), revision) for revision in told if revision.at_ms == one.at_ms]
    return found


def _stops(reader: Reader, teller: Teller) -> list[Stop]:
    """Planned stops of today and the days ahead, those in force first, with what they explain now."""
    now_ms, seen = teller.now_ms, reader.overview()
    covered: dict[int, list[str]] = {}
    for centre, stop in seen.planned.items():
        covered.setdefault(stop.id, []).append(centre)
    found = [stop for stop in reader.windows(now_ms, now_ms + AHEAD_DAYS * DAY_MS) if stop.end_ms > now_ms]
    ordered = sorted(found, key=lambda stop: (not stop.holds(now_ms), stop.from_ms, stop.id))
    return [
        Stop(stop, teller.placed(stop.subject), teller.places(covered.get(stop.id, [])), stop.holds(now_ms))
        for stop in ordered[:STOPS_SHOWN]
    ]


def _score(one: RuleScore, teller: Teller) -> Score:
    precision = 1 - one.wrong / one.labelled if one.labelled else None
    return Score(one, capital(teller.called("rule", one.rule)), precision)


def _missed(one: tuple[str, int, int], teller: Teller) -> Missed:
    subject, from_ms, to_ms = one
    return Missed(subject, teller.placed(subject), from_ms, to_ms, span((to_ms - from_ms) / 1000, teller.words))
