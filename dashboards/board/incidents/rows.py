"""One incident as lists show it: its sentence, whose it is, who waits for it and how pressing that makes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import Final

from alerts.api import Incident, Said, Verdict
from alerts.api.words import catalogue as sentences
from alerts.api.words import say
from collector.api import Place
from dashboards.board.incidents.calling import Namer
from dashboards.board.looks import Look
from dashboards.board.numbers import number, span
from dashboards.board.order import collation_key
from dashboards.board.sentences import capital
from dashboards.board.times import minute
from dashboards.board.words import Words

PLACES_NAMED: Final = 3
PLACES_TOLD: Final = 12  # in a message, where there is no list to open


@dataclass(frozen=True, slots=True)
class Row:
    """One incident in the reader's words. `look` is how the trouble is now: one that is over looks well."""

    i: Incident
    title: str
    look: Look
    owner: str
    stage: str
    team: str
    where: str
    since: str
    waiting: str
    told: str  # for the desk's group: title, since when, whom it concerns, whether to go
    age_ms: int
    overdue: bool

    @property
    def href(self) -> str:
        return f"/incidents/{self.i.number}"


@dataclass(frozen=True, slots=True)
class Teller:
    """Words, names and time for one page."""

    words: Words
    namer: Namer
    now_ms: int
    _placed: dict[tuple[Sequence[str], int], str] = field(default_factory=dict, init=False)

    def say(self, said: Said | None) -> str:
        """A sentence of the alerts with a capital letter; nothing for none. A key that went out of use is shown."""
        if said is None:
            return ""
        try:
            return capital(say(said, self.words.lang, self.namer, now_ms=self.now_ms))
        except KeyError:
            return said.key

    def called(self, kind: str, own: str) -> str:
        """The alerts' own word for an owner, a stage, a rule, a confidence."""
        return sentences(self.words.lang).get(f"name.{kind}.{own}", own)

    def name(self, key: str) -> str:
        return self.namer.name(key, self.words.lang)

    def placed(self, key: str) -> str:
        """What a subject is called, with its centre where its key names one."""
        place = centre_of(key)
        name = self.name(key)
        if not place or key.startswith(("centre:", "service:", "lan:", "signing:")):
            return name  # their names tell it
        return self.words("incident.at_place", name=name, place=self.namer.centre(place, self.words))

    def person(self, by: str) -> str:
        """Who did something: a person, a team by its link, or motcua itself."""
        if not by:
            return self.words("happened.by_motcua")
        return self.namer.team(by.removeprefix("team:"), self.words) if by.startswith("team:") else by

    def owner(self, verdict: Verdict) -> str:
        """Whose it is, as the board calls it on its chips."""
        return self.words.texts.get(f"owner.{verdict.owner}") or capital(self.called("owner", verdict.owner))

    def places(self, centres: Sequence[str], most: int = PLACES_NAMED) -> str:
        """The first names of the alphabet, and how many more."""
        asked = (tuple(centres), most)  # a page tells of one large incident again and again
        if asked not in self._placed:
            names = (self.namer.centre(key, self.words) for key in centres)
            shown, more = ", ".join(nsmallest(most, names, key=collation_key)), len(centres) - most
            self._placed[asked] = shown if more <= 0 else f"{shown} {self.words('and_more', count=more)}"
        return self._placed[asked]

    def waiting(self, held: Incident) -> str:
        """How many people waited so far; nothing where nobody can tell."""
        if held.waiting is None:
            return ""
        count = round(held.waiting)
        if not count:
            return self.words("incident.nobody_waits")
        return self.words("incident.people", count=count, n=number(count, 0, self.words.lang))

    def row(self, held: Incident) -> Row:
        """The incident in words."""
        words, verdict = self.words, held.verdict
        title = self.say(verdict.said).rstrip(".")  # pages and sentences that go on from it bring their own
        since = words(
            "incident.since", at=minute(held.since_ms, self.now_ms), span=span(age_ms(held, self.now_ms) / 1000, words)
        )
        if held.ended_ms is not None:
            since = words(
                "incident.over",
                at=minute(held.ended_ms, self.now_ms),
                span=span(age_ms(held, self.now_ms) / 1000, words),
            )
        owner = self.owner(verdict)
        waiting = self.waiting(held)
        go = words("incident.go" if verdict.visit else "incident.no_visit")
        told = ". ".join(
            part
            for part in (
                title,
                capital(since),
                self.places(verdict.centres, PLACES_TOLD),
                words("incident.whose", owner=owner),
                waiting,
                go,
            )
            if part
        )
        return Row(
            i=held,
            title=title,
            look=look_of(held),
            owner=owner,
            stage=capital(self.called("stage", held.stage)),
            team="" if held.team is None else self.namer.team(held.team, words),
            where=self.places(verdict.centres or verdict.affected),
            since=since,
            waiting=waiting,
            told=f"{told}.",
            age_ms=age_ms(held, self.now_ms),
            overdue=overdue(held, self.now_ms),
        )


def centre_of(key: str) -> str:
    """The centre that the key of a subject names; empty where it names none."""
    kind, _, own = key.partition(":")
    if kind == "service":
        return own.partition("@")[2]
    return own.partition("/")[0] if kind in {"centre", "line", "lan", "signing", "power"} else ""


def look_of(held: Incident) -> Look:
    """How the trouble is now."""
    if held.ended_ms is not None:
        return "ok"
    return "planned" if held.verdict.owner == "planned" else held.verdict.state


def age_ms(held: Incident, now_ms: int) -> int:
    """How long the trouble lasts, or lasted."""
    return max(0, (now_ms if held.ended_ms is None else held.ended_ms) - held.since_ms)


def pressing(held: Incident, now_ms: int) -> float:
    """People waiting × age; what is over presses no more."""
    return 0.0 if held.ended_ms is not None else (held.waiting or 0.0) * age_ms(held, now_ms)


def overdue(held: Incident, now_ms: int) -> bool:
    """Past its target, and not over."""
    return held.target_ms is not None and held.ended_ms is None and held.closed_ms is None and held.target_ms < now_ms


def worst_first(found: Sequence[Incident], now_ms: int) -> list[Incident]:
    """By people waiting × age; among equals those where somebody has to go, then the oldest."""
    return sorted(found, key=lambda i: (-pressing(i, now_ms), not i.verdict.visit, i.since_ms, i.number))


def areas_of(held: Incident, places: Mapping[str, Place]) -> set[str]:
    """The areas an incident is in, those that only see it too."""
    keys = (*held.verdict.centres, *held.verdict.affected)
    return {places[key].area for key in keys if key in places and places[key].area}
