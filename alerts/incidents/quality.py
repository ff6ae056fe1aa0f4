"""How good our alerts are: what people labelled, what was revised, what was late, and what nobody explained."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Final

from sqlalchemy import Connection, select

from alerts.api import Incident, RuleScore
from alerts.incidents.drafts import past_runs
from alerts.incidents.rows import happened_of
from alerts.tables import happened
from collector.api import OWN_ROOMS, Reader

Span = tuple[int, int | None]
AT_ONCE: Final = 400
MISSED_MOST: Final = 1_000
SHORT_MS: Final = 120_000
"""A trouble shorter than it takes to be told is not one that was missed."""


def scores(found: Iterable[Incident]) -> list[RuleScore]:
    """By rule, in the order of their names. An incident counts for the rule that has the last word."""
    by_rule: dict[str, list[Incident]] = defaultdict(list)
    for one in found:
        by_rule[one.verdict.rule].append(one)
    return [_score(rule, its) for rule, its in sorted(by_rule.items())]


def _score(rule: str, its: Sequence[Incident]) -> RuleScore:
    return RuleScore(
        rule, len(its), sum(one.wrong is not None for one in its), sum(one.wrong is True for one in its),
        sum(one.revisions > 0 for one in its), _detect_s(its),
    )  # fmt: skip


def _detect_s(its: Iterable[Incident]) -> float | None:
    """Of what was first opened for the run that is told: one that came back was opened long before."""
    took = [(one.opened_ms - one.since_ms) / 1000 for one in its if one.opened_ms >= one.since_ms]
    return median(took) if took else None


def explained(conn: Connection, found: Sequence[Incident]) -> dict[str, list[Span]]:
    """Centre → when an incident explained what was wrong there, earlier runs too."""
    past = _past(conn, [one.id for one in found])
    spans: dict[str, list[Span]] = defaultdict(list)
    for one in found:
        for centre in (*one.verdict.centres, *one.verdict.affected):
            spans[centre] += [(one.since_ms, one.ended_ms), *past.get(one.id, ())]
    return spans


def _past(conn: Connection, keys: Sequence[str]) -> dict[str, Sequence[tuple[int, int]]]:
    story = defaultdict(list)
    for n in range(0, len(keys), AT_ONCE):
        mine = happened.c.incident.in_(keys[n : n + AT_ONCE]) & happened.c.what.in_(("returned", "reopened"))
        for row in conn.execute(select(happened).where(mine).order_by(happened.c.seq)):
            story[row.incident].append(happened_of(row))
    return {key: past_runs(events) for key, events in story.items()}


def missed(reader: Reader, spans: Mapping[str, Sequence[Span]], from_ms: int, to_ms: int) -> list[tuple[str, int, int]]:
    """Down and degraded spans of centres that touch no incident, the first ones."""
    keys = [f"centre:{one.key}" for one in reader.centres() if not one.key.startswith(OWN_ROOMS)]
    found: list[tuple[str, int, int]] = []
    for n in range(0, len(keys), AT_ONCE):
        for key, held in reader.intervals(keys[n : n + AT_ONCE], from_ms, to_ms).items():
            own = spans.get(key.removeprefix("centre:"), ())
            bad = (i for i in held if i.state in {"down", "degraded"} and i.to_ms - i.from_ms >= SHORT_MS)
            found += [(key, i.from_ms, i.to_ms) for i in bad if not _touched(i.from_ms, i.to_ms, own)]
    return sorted(found, key=lambda one: one[1])[:MISSED_MOST]


def _touched(from_ms: int, to_ms: int, spans: Iterable[Span]) -> bool:
    return any(start < to_ms and (end is None or end > from_ms) for start, end in spans)
