"""Planned: a stop that was announced. It is told as what it is and calls nobody."""

from __future__ import annotations

from collections.abc import Iterator

from alerts.api.facts import Evidence, Said, Verdict
from alerts.correlate.case import Case, centre_of
from alerts.correlate.found import MOST_EVIDENCE, Found, Rule
from alerts.correlate.runs import Covered
from collector.api import Window


def find(case: Case) -> Iterator[Found]:
    """One for every stop within which something was not well; of a carrier's, one for every cluster that it reaches."""
    by_window: dict[str, list[Covered]] = {}
    for one in case.covered:
        if one.spell.state != "unknown" or one.spell.subject.startswith("agent:"):
            by_window.setdefault(_cause(case, one), []).append(one)
    for cause, covered in sorted(by_window.items()):
        yield Found(_verdict(case, cause, covered), (), Said("why.planned", _values(covered[0].window)))


def _cause(case: Case, one: Covered) -> str:
    cause = f"planned:{one.window.id}"
    if one.window.subject.partition(":")[0] != "carrier":
        return cause
    stand = case.ground.stands.get(centre_of(case.picture, one.spell.subject))
    return f"{cause}/{stand.cluster}" if stand is not None else cause


def _verdict(case: Case, cause: str, covered: list[Covered]) -> Verdict:
    window = covered[0].window
    subjects = dict.fromkeys([window.subject, *sorted(one.spell.subject for one in covered)])
    centres = {case.picture.topology.centre_of.get(s, "") for s in subjects} | {window.centre}
    evidence = Evidence(window.subject, Said("evidence.planned", _values(window)), window.from_ms, window.set_ms)
    return Verdict(
        cause, "planned", "planned", "unknown", window.from_ms,
        window.end_ms if window.end_ms <= case.now_ms else None, tuple(subjects)[:MOST_EVIDENCE],
        tuple(sorted(centres - {""})), Said("verdict.planned", _values(window)), (evidence,), "certain", visit=False,
    )  # fmt: skip


def _values(window: Window) -> dict[str, str | int | float]:
    return {"subject": window.subject, "from_ms": window.from_ms, "to_ms": window.end_ms, "text": window.reason}


def why_not(case: Case, found: Found) -> Said:
    """Nothing was planned, or it lasted beyond the plan."""
    subjects = set(found.verdict.subjects)
    past = next((one.window for one in case.covered if one.spell.subject in subjects), None)
    return Said("why.planned_none") if past is None else Said("why.planned_beyond", _values(past))


RULE = Rule("planned", find, why_not)
