"""Before and after: what was measured while it was broken, what since it was repaired, and whether they agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from alerts.api import Happened, Incident
from collector.api import NotFound, Reader, Standing, StoredObservation
from dashboards.board.figures import headline, values
from dashboards.board.incidents.rows import Teller
from dashboards.board.incidents.testing import tested
from dashboards.board.numbers import quantity
from dashboards.board.sentences import fault_words

LOOKED_BACK: Final = (10, 40)
"""So many measurements are looked at; more only where none of them failed."""

_TOTAL: Final = "motcua_service_total_seconds"
Agreement = Literal["agree", "still_bad", "not_measured", "not_repaired"]


@dataclass(frozen=True, slots=True)
class Pair:
    """One subject before and after. `figures` are the measurement's in words; `still`: why it is not well yet."""

    subject: str
    name: str
    before: StoredObservation | None
    after: StoredObservation | None
    before_figures: str
    after_figures: str
    still: str

    @property
    def agrees(self) -> bool:
        return self.after is not None and self.after.observation.outcome == "ok" and not self.still


@dataclass(frozen=True, slots=True)
class Proof:
    """All pairs of an incident, since it was said to be repaired at `repaired_ms`."""

    pairs: list[Pair]
    repaired_ms: int | None

    @property
    def agreement(self) -> Agreement:
        """Whether the measurements bear out that it is repaired."""
        if self.repaired_ms is None:
            return "not_repaired"
        if any(pair.still for pair in self.pairs):
            return "still_bad"
        return "agree" if self.pairs and all(pair.agrees for pair in self.pairs) else "not_measured"

    @property
    def observation(self) -> str:
        """The measurement that closing rests on; empty where there is none."""
        return next((pair.after.id for pair in self.pairs if pair.after is not None and pair.agrees), "")


def proof_of(reader: Reader, held: Incident, story: Sequence[Happened], teller: Teller) -> Proof:
    """What was measured of the subjects of an incident before and after its repair."""
    repaired = max((h.at_ms for h in story if h.what == "stage" and h.stage == "repaired"), default=None)
    if held.stage not in {"repaired", "closed"}:
        repaired = None  # it came back: the repair of then proves nothing
    planned = {item.subject for place in held.verdict.centres[:1] for item in reader.planned(place)}
    until = min(one for one in (repaired, held.ended_ms, reader.now_ms() + 1) if one is not None)
    now = _Now(_standings(reader, held), until, repaired)
    pairs = [_pair(reader, held, key, now, teller) for key in tested(held, planned)]
    return Proof(pairs, repaired)


@dataclass(frozen=True, slots=True)
class _Now:
    """How the subjects stand, and the moments before and after which measurements are looked for."""

    standings: Mapping[str, Standing]
    until_ms: int
    repaired_ms: int | None


def _pair(reader: Reader, held: Incident, subject: str, now: _Now, teller: Teller) -> Pair:
    before = _before(reader, held, subject, now.until_ms)
    after = None if now.repaired_ms is None else _after(reader, subject, now.repaired_ms)
    standing = now.standings.get(subject)
    bad = standing is not None and standing.state != "ok"
    return Pair(
        subject=subject,
        name=teller.placed(subject) if len(held.verdict.centres) > 1 else teller.name(subject),
        before=before,
        after=after,
        before_figures=figures(before, teller),
        after_figures=figures(after, teller),
        still=fault_words(standing, teller.words) if standing is not None and bad else "",
    )


def figures(stored: StoredObservation | None, teller: Teller) -> str:
    """What a measurement found, in a few words; its reason where it has no figure."""
    if stored is None:
        return ""
    said = headline(stored, teller.words)
    total = next((value for (metric, _), value in values(stored).items() if metric == _TOTAL), None)
    if not said and total is not None:
        said = f"{teller.words.declared('metric', _TOTAL)} {quantity(_TOTAL, total, teller.words)}"
    why = teller.words.reason(stored.observation.reason)
    return " · ".join(part for part in (why, said) if part)


def _before(reader: Reader, held: Incident, subject: str, until_ms: int) -> StoredObservation | None:
    """The newest evidence of the verdict about it, else its newest measurement that failed, else its newest at all."""
    for one in sorted(held.verdict.evidence, key=lambda one: -one.at_ms):
        if one.subject == subject and one.observation:
            try:
                return reader.observation(one.observation)
            except NotFound:
                continue  # its body is no longer kept
    seen: list[StoredObservation] = []
    for count in LOOKED_BACK:
        seen = [one for one in reader.observations(subject, until_ms, count) if one.at_ms >= held.since_ms]
        failed = next((one for one in seen if one.observation.outcome == "fail"), None)
        if failed is not None or len(seen) < count:
            return failed or (seen[0] if seen else None)
    return seen[0]


def _after(reader: Reader, subject: str, repaired_ms: int) -> StoredObservation | None:
    """The newest measurement since then, one that was asked for before one that came by itself."""
    seen = reader.observations(subject, reader.now_ms() + 1, LOOKED_BACK[-1])
    since = [stored for stored in seen if stored.at_ms >= repaired_ms]
    return next((stored for stored in since if stored.observation.task_id), since[0] if since else None)


def _standings(reader: Reader, held: Incident) -> dict[str, Standing]:
    """How the incident's subjects stand now; a shared system as it is judged for all."""
    found: dict[str, Standing] = {}
    for place in held.verdict.centres:
        found |= reader.standings(place)
    for system, view in reader.overview().systems.items():
        if view.shared is not None:
            found[f"service:{system}"] = view.shared
    return found
