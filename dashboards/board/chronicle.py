"""What people changed at a centre, in words: planned stops, what it went into, its former names, every act. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from collector.api import Centre, Change, Chronicle, FormerName, Retired, Window
from dashboards.board.looks import Look
from dashboards.board.names import centre_href, centre_name, subject_href
from dashboards.board.times import minute
from dashboards.board.words import Words

CHANGES_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to be known before anything else on the page; `href` leads to what took its place."""

    look: Look
    text: str
    reason: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One act on record, with the page of what it was about."""

    at_ms: int
    text: str
    href: str
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class Story:
    """The chronicle of one centre as its page tells it. `title` is empty where its state is the answer."""

    title: str
    notices: list[Notice]
    former: list[str]
    gone: frozenset[str]  # subjects that left the centre's tables
    entries: list[Entry]


@dataclass(frozen=True, slots=True)
class Teller:
    """Names and time for one page."""

    names: Mapping[str, str]
    centres: Mapping[str, Centre]
    now_ms: int
    words: Words

    def name(self, key: str) -> str:
        """What people call a subject, of this centre or of another."""
        place = self.centres.get(key.removeprefix("centre:"))
        return centre_name(place, self.words) if place else self.names.get(key, key.partition(":")[2])

    def at(self, ms: int) -> str:
        return minute(ms, self.now_ms)

    def story(self, centre: Centre, held: Chronicle, planned: Window | None) -> Story:
        """`planned` is the stop that explains how the centre stands now, if one does."""
        title = ""
        if centre.retired is not None:
            title = self._retired(centre.retired)
        elif planned is not None:
            title = self.words("planned.centre", at=self.at(planned.end_ms))
        gone = [one for one in held.retired if one.to_ms is None and not one.subject.startswith("centre:")]
        return Story(
            title=title,
            notices=self._own(centre) or self._stops(held),
            former=[self._former(was) for was in centre.former],
            gone=frozenset(one.subject for one in gone) if centre.retired is None else frozenset(),
            entries=[self._entry(change) for change in held.changes[:CHANGES_SHOWN]],
        )

    def _own(self, centre: Centre) -> list[Notice]:
        held = centre.retired
        if held is None:
            return []
        return [Notice("planned", self._retired(held), held.reason, _href(held.successor))]

    def _retired(self, held: Retired) -> str:
        name = self.name(held.successor) if held.successor else ""
        return self.words(f"retired.{held.how if name else 'decommissioned'}", name=name, at=self.at(held.from_ms))

    def _stops(self, held: Chronicle) -> list[Notice]:
        found = []
        for stop in sorted(held.windows, key=lambda stop: stop.from_ms):
            if stop.end_ms <= self.now_ms:
                continue
            key = "planned.notice" if stop.holds(self.now_ms) else "planned.announced"
            what = "" if stop.subject.startswith("centre:") else f"{self.name(stop.subject)}: "
            text = self.words(key, what=what, start=self.at(stop.from_ms), end=self.at(stop.end_ms), by=stop.set_by)
            late = f" {self.words('planned.late', at=self.at(stop.set_ms))}" if stop.late else ""
            found.append(Notice("planned", text + late, stop.reason))
        return found

    def _former(self, was: FormerName) -> str:
        name = was.en if self.words.lang == "en" else was.vi
        return self.words("chronicle.former_until", name=name, at=self.at(was.to_ms))

    def _entry(self, change: Change) -> Entry:
        what = self.name(change.subject)
        other = change.other
        if change.act == "pause":
            other = self.at(int(other))
        elif other.partition(":")[0] in {"centre", "line", "agent"}:
            other = self.name(other)
        act = self.words(f"act.{change.act}")
        text = self.words("chronicle.entry_other" if other else "chronicle.entry", act=act, what=what, other=other)
        return Entry(change.at_ms, text, _href(change.subject), change.actor, change.reason)


def _href(key: str) -> str:
    if not key:
        return ""
    return centre_href(key.removeprefix("centre:")) if key.startswith("centre:") else subject_href(key)
