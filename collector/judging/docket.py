"""What a round of centres needs of the store besides bodies, asked for at once.

A question for each centre costs more than judging it: so the centres of a round that are judged around the same time
share one. It holds what it holds for a span; what lies outside of that is asked for again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

from sqlalchemy import BindParameter, Connection, bindparam, func, or_, select

from collector.api import Flip
from collector.judge.agent import Condition
from collector.judge.timeline import ALWAYS, Span
from collector.judging import flips
from collector.store.tables import condition, heard, inbox, presence

_AT_ONCE: Final = 1_000


class Head(NamedTuple):
    """A row of the inbox without its body: its position, and the moments it holds."""

    seq: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Docket:
    """By agent the rows, the presences and the conditions of `span`; by subject the flips that hold from its start on,
    after the last one before."""

    span: Span
    heads: Mapping[str, Sequence[Head]]
    presence: Mapping[str, Sequence[Span]]
    conditions: Mapping[str, Sequence[Condition]]
    flips: Mapping[str, Sequence[Flip]]

    def covers(self, span: Span, agents: Iterable[str], subjects: Iterable[str]) -> bool:
        """Whether all that is known of these within `span` is here."""
        wide = self.span.start <= span.start and span.end <= self.span.end
        return wide and all(name in self.heads for name in agents) and all(key in self.flips for key in subjects)

    def told(self, key: str, start: int) -> Sequence[Flip]:
        """The flips of a subject that hold from `start` on, after the last one before."""
        held = self.flips[key]
        before = sum(1 for flip in held if flip.at_ms < start)
        return held[max(0, before - 1) :]

    def rows(self, conn: Connection, name: str, span: Span, quiet_ms: int) -> Sequence[Head]:
        """Rows of an agent that may hold something of a span; where that begins in a gap, also its last rows before, as
        far back as something may wait for its turn."""
        inside = [head for head in self.heads[name] if head.last >= span.start and head.first <= span.end]
        if min((head.first for head in inside), default=span.end) <= span.start:
            return inside
        newest: int | None = conn.scalar(_NEWEST, {"agent": name, "first": span.start})
        if newest is None:
            return inside
        given = {"agent": name, "first": span.start, "since": newest - quiet_ms}
        return [*(Head(*row) for row in conn.execute(_EARLIER, given)), *inside]


def draw(conn: Connection, agents: Collection[str], subjects: Collection[str], span: Span, now_ms: int) -> Docket:
    """Ask for everything of these agents and subjects within `span`."""
    held: dict[str, Sequence[Flip]] = {}
    for keys in _parts(subjects):
        held |= flips.effective(conn, keys, span.start, ALWAYS)
    heads, heard_at = read_heads(conn, agents, span), read_presence(conn, agents, span, now_ms)
    return Docket(span, heads, heard_at, _conditions(conn, agents, span), held)


def read_heads(conn: Connection, agents: Collection[str], span: Span) -> dict[str, list[Head]]:
    """Rows of each agent that may hold something of `span`."""
    found: dict[str, list[Head]] = {name: [] for name in agents}
    for names in _parts(agents):
        for name, seq, first, last in conn.execute(_INSIDE, {"agents": names, "first": span.start, "last": span.end}):
            found[name].append(Head(seq, first, last))
    return found


def read_presence(conn: Connection, agents: Collection[str], span: Span, now_ms: int) -> dict[str, list[Span]]:
    """When each agent was heard, around `span`: the last presence before it tells that there was one.

    A presence is open, without end, until its silence is due.
    """
    found: dict[str, list[Span]] = {name: [] for name in agents}
    for names in _parts(agents):
        for row in conn.execute(_PRESENCE, {"agents": names, "first": span.start, "last": span.end}):
            found[row.agent].append(Span(row.from_ms, row.to_ms))
        for row in conn.execute(_OPEN, {"agents": names, "now": now_ms}):
            found[row.agent] = [s for s in found[row.agent] if s.start != row.from_ms] + [Span(row.from_ms, ALWAYS)]
    return found


def _conditions(conn: Connection, agents: Collection[str], span: Span) -> dict[str, list[Condition]]:
    """Conditions of each agent that hold at some moment of `span`."""
    found: dict[str, list[Condition]] = {name: [] for name in agents}
    for names in _parts(agents):
        for row in conn.execute(_CONDITIONS, {"agents": names, "first": span.start, "last": span.end}):
            end = ALWAYS if row.to_ms is None else row.to_ms
            found[row.agent].append(Condition(row.name, Span(row.from_ms, end)))
    return found


def _parts(names: Iterable[str]) -> Iterator[list[str]]:
    every = iter(names)
    while part := list(islice(every, _AT_ONCE)):
        yield part


# --- questions, built once: building one costs more than asking it ---------------------------------------------------

_AGENTS: Final[BindParameter[str]] = bindparam("agents", expanding=True)
_FIRST: Final[BindParameter[int]] = bindparam("first")
_LAST: Final[BindParameter[int]] = bindparam("last")

_INSIDE: Final = (
    select(inbox.c.agent, inbox.c.seq, inbox.c.at_min_ms, inbox.c.at_max_ms)
    .where(inbox.c.agent.in_(_AGENTS), inbox.c.at_max_ms >= _FIRST, inbox.c.at_min_ms <= _LAST)
    .order_by(inbox.c.seq)
)
_EARLIER: Final = (
    select(inbox.c.seq, inbox.c.at_min_ms, inbox.c.at_max_ms)
    .where(inbox.c.agent == bindparam("agent"), inbox.c.at_max_ms < _FIRST)
    .where(inbox.c.at_max_ms >= bindparam("since"))
)
_NEWEST: Final = select(func.max(inbox.c.at_max_ms)).where(
    inbox.c.agent == bindparam("agent"), inbox.c.at_max_ms < _FIRST
)
_STARTS_BEFORE: Final = (
    select(func.max(presence.c.from_ms))
    .where(presence.c.agent.in_(_AGENTS), presence.c.from_ms < _FIRST)
    .group_by(presence.c.agent)
)
_NEAR: Final = (presence.c.to_ms >= _FIRST) & (presence.c.from_ms <= _LAST)
_PRESENCE: Final = (
    select(presence)
    .where(presence.c.agent.in_(_AGENTS), or_(_NEAR, presence.c.from_ms.in_(_STARTS_BEFORE)))
    .order_by(presence.c.from_ms)
)
_OPEN: Final = select(heard.c.agent, heard.c.from_ms).where(
    heard.c.agent.in_(_AGENTS), heard.c.alert_after_ms > bindparam("now")
)
_CONDITIONS: Final = (
    select(condition)
    .where(condition.c.agent.in_(_AGENTS), condition.c.from_ms <= _LAST)
    .where(or_(condition.c.to_ms.is_(None), condition.c.to_ms >= _FIRST))
    .order_by(condition.c.from_ms, condition.c.id)
)
