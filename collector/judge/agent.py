"""An agent: heard or silent, with the conditions the door noticed and what it reports of itself.

Silence is a fact of the wait channel: results that come later say what was measured, not that it was heard.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from collector.judge.facts import Fact
from collector.judge.stretch import valid_ms
from collector.judge.timeline import ALWAYS, BEGINNING, Segment, Span, Timeline
from collector.judge.walk import Question
from collector.judging.policy import Version


@dataclass(frozen=True, slots=True)
class Condition:
    """Something the collector noticed of an agent: a name from STATE_REASONS, and while it held."""

    name: str
    span: Span


_ORDER = ("cloned", "batch_conflict", "clock_skew")


def judge_agent(question: Question, *, conditions: Sequence[Condition]) -> list[Segment]:
    """The states that begin within the question's span."""
    health = _health(question)
    found = [_state(at, question, conditions, health) for at in _edges(question, conditions, health)]
    timeline = Timeline((question.before.at(question.span.start - 1), *found))
    return list(timeline.starting(question.span.start, question.span.end))


def _edges(question: Question, conditions: Sequence[Condition], health: Sequence[tuple[Span, Fact]]) -> list[int]:
    spans: Iterable[Span] = (*question.presence, *(c.span for c in conditions), *(span for span, _ in health))
    edges = {edge for span in spans for edge in (span.start, span.end)} | {question.span.start}
    return sorted(edge for edge in edges if question.span.start <= edge <= question.span.end)


def _health(question: Question) -> list[tuple[Span, Fact]]:
    """Each report with the time it speaks for: until the next, at most as long as a fact holds."""
    facts = [fact for fact in question.facts if fact.readings]
    ends = [*(fact.at for fact in facts[1:]), ALWAYS][: len(facts)]
    spans = (Span(f.at, min(end, f.at + valid_ms(f, question.policies))) for f, end in zip(facts, ends, strict=True))
    return list(zip(spans, facts, strict=True))


def _state(
    at: int, question: Question, conditions: Sequence[Condition], health: Sequence[tuple[Span, Fact]]
) -> Segment:
    version = question.policies.at(at)
    if not any(_holds(span, at) for span in question.presence):
        ever = any(span.start <= at for span in question.presence)
        return Segment(at, "unknown", "silent", policy=version.number) if ever else BEGINNING
    names = {c.name for c in conditions if _holds(c.span, at)}
    if names:
        worst = min(names, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name))
        return Segment(at, "degraded", worst, policy=version.number)
    for span, fact in health:
        if _holds(span, at):
            return own_state(at, fact, version)
    return Segment(at, "ok", policy=version.number)


def _holds(span: Span, at: int) -> bool:
    return span.start <= at < span.end


def own_state(at: int, fact: Fact, version: Version) -> Segment:
    """What a report says of the agent that made it."""
    rules = version.policy.agent
    values = {reading.metric: reading.value for reading in fact.readings}
    age = values.get("motcua_agent_spool_oldest_seconds", 0.0)
    if age > rules.spool_oldest_s:
        detail: dict[str, str | float | int] = {"value": age, "limit": rules.spool_oldest_s}
        return Segment(at, "degraded", "spool_old", detail, (fact.id,), version.number)
    free = values.get("motcua_agent_disk_free_bytes")
    if free is not None and free < rules.disk_free_bytes:
        detail = {"value": free, "limit": rules.disk_free_bytes}
        return Segment(at, "degraded", "disk_low", detail, (fact.id,), version.number)
    return Segment(at, "ok", policy=version.number)
