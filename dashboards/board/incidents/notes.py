"""Incidents as other pages speak of them: a note on centres, lines and systems they touch, a list on the province's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from alerts.api import Incident
from alerts.api import Reader as Alerts
from collector.api import Reader
from dashboards.board.incidents.calling import Namer
from dashboards.board.incidents.rows import Row, Teller, centre_of, worst_first
from dashboards.board.province import Province
from dashboards.board.sentences import counted_line
from dashboards.board.things import Thing
from dashboards.board.words import Words

ACTS_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class Acts:
    """What needs acting on in the province. `rest`: what is not well and has no incident (yet)."""

    rows: list[Row]
    more: int
    rest: list[Thing]
    line: str


class Notes:
    """Asks the alerts, where there are any; without them every page is as it would be."""

    def __init__(self, alerts: Alerts | None, reader: Reader) -> None:
        self._alerts, self._reader = alerts, reader

    def of_centre(self, key: str, words: Words) -> list[Row]:
        """What lives at a centre, that which it only sees of a shared system too."""
        return [] if self._alerts is None else self._rows(self._alerts.open(key), words)

    def of_subject(self, key: str, words: Words) -> list[Row]:
        """What lives of one subject."""
        if self._alerts is None:
            return []
        centre = centre_of(key)
        shared = key.partition("@")[0] if key.startswith("service:") else key
        found = self._alerts.open(centre) if centre else self._alerts.open()
        return self._rows([one for one in found if {key, shared} & {*one.verdict.subjects, one.verdict.cause}], words)

    def province(self, words: Words, facts: Province) -> Acts | None:
        """What needs acting on, and the line that counts it; None where nobody keeps incidents."""
        if self._alerts is None:
            return None
        living = worst_first([one for one in self._alerts.open() if one.ended_ms is None], self._reader.now_ms())
        go = [one for one in living if one.verdict.visit]
        planned = [one for one in living if one.verdict.owner == "planned"]
        rest = [thing for thing in facts.things if not _covered(thing, living)]
        theirs = sum(1 for one in living if not one.verdict.centres)
        needing = len(living) - theirs - len(planned) + sum(1 for thing in rest if thing.needs_person)
        theirs += sum(1 for thing in rest if thing.system is not None)
        shown = [*go, *(one for one in living if one not in go and one not in planned)]
        return Acts(
            rows=self._rows(shown[:ACTS_SHOWN], words),
            more=max(0, len(shown) - ACTS_SHOWN),
            rest=rest[: max(0, ACTS_SHOWN - len(shown))],
            line=counted_line(facts.counts, needing, theirs, facts.as_of_ms, now_ms=self._reader.now_ms(), words=words),
        )

    def _rows(self, found: Iterable[Incident], words: Words) -> list[Row]:
        teller = Teller(words, Namer(self._reader), self._reader.now_ms())
        return [teller.row(one) for one in found]


def _covered(thing: Thing, living: Sequence[Incident]) -> bool:
    """Whether incidents speak of it already: of its system, or of all the centres where it is so."""
    if thing.system is not None:
        return any(thing.subject in {*one.verdict.subjects, one.verdict.cause} for one in living)
    told = {centre for one in living for centre in one.verdict.centres}
    return {centre.key for centre in thing.centres} <= told
