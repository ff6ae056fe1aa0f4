"""A shared system in the whole province, from what every place sees of it: its own fault, or one of a few centres.

At any moment the state is a function of what the places see then, of nothing before and nothing behind. A centre counts
while it measures the system over a line that is fine; what one sees that cannot tell is no voice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Final

from collector.api import State
from collector.judge.timeline import ALWAYS, BEGINNING, Detail, Segment, Span, Timeline
from collector.judge.windows import MAX_EVIDENCE
from collector.judging.policy import Policies, Shared

_FINE: Final = 0
_ENDING: Final = 1
_SLOW: Final = 2
_DOWN: Final = 3
_TOLD: Final[Mapping[int, tuple[State, str | None]]] = {
    _FINE: ("ok", None), _ENDING: ("degraded", "cert_ending"), _SLOW: ("degraded", "service_slow"),
    _DOWN: ("down", "service_down"),
}  # fmt: skip
_TOO_FEW: Final[tuple[State, str | None]] = ("unknown", "too_few")


@dataclass(frozen=True, slots=True)
class Views:
    """What each place sees of the system: the centres, and the rooms of the province where its vantages stand."""

    centres: Mapping[str, Timeline]
    vantages: Mapping[str, Timeline]


def judge_shared(views: Views, *, before: Timeline, span: Span, policies: Policies, lasting: bool) -> list[Segment]:
    """The states that begin within `span`, its end included; `lasting`: the last of them has not ended there."""
    sweep = _Sweep(views, span.start, policies)
    found: list[_Told] = []
    told = before.at(span.start - 1)
    for at, changes in _edges(views, span, policies):
        sweep.take(changes)
        state, reason = sweep.state(at)
        if (state, reason) != (told.state, told.reason):
            told = Segment(at, state, reason, {}, sweep.evidence(state), policies.at(at).number)
            found.append(_Told(told))
        if found:
            found[-1].look(sweep)
    return [one.segment(closed=n + 1 < len(found) or not lasting) for n, one in enumerate(found)]


Load = Callable[[int], tuple[Views, Timeline]]
"""`load(start)` gives what each place sees, and how the system was judged so far, complete from `start` on."""


def settle_shared(load: Load, touched: Span, *, now: int, policies: Policies) -> tuple[Span, Timeline]:
    """Judge again around `touched`, where a place's view changed; outside of the span given back nothing changes.

    Begins where what held then began, for a fault tells the most that was seen of it; ends with the next state on
    record that still begins when it did, or now.
    """
    views, before = load(touched.start)
    begun = before.at(touched.start - 1)
    start, end = touched.start, touched.end
    if begun.state in ("down", "degraded"):
        start = begun.at
        views, before = load(start)
    while True:
        later = before.starting(end + 1, ALWAYS)
        end = later[0].at if later else max(now, end)
        span = Span(start, end)
        told = judge_shared(views, before=before, span=span, policies=policies, lasting=not later)
        if not later:
            return span, before.spliced(start, end, told)
        if told and told[-1].at == end and told[-1].says(later[0]):
            return span, before.spliced(start, end, [*told[:-1], later[0]])


def touched_by(edges: Sequence[int], view: Timeline) -> Span:
    """The span in which a place sees something else, where its `view` was told anew at these moments."""
    later = view.starting(max(edges) + 1, ALWAYS)
    return Span(min(edges), later[0].at if later else ALWAYS)


def _edges(views: Views, span: Span, policies: Policies) -> Iterator[tuple[int, list[tuple[str, Segment]]]]:
    """Every moment at which a place sees something new, or other rules come into force, with what is seen then."""
    news: list[tuple[int, str, Segment | None]] = [(span.start, "", None)]
    news += [(v.from_ms, "", None) for v in policies.versions if span.start < v.from_ms <= span.end]
    for places in (views.centres, views.vantages):
        for key, timeline in places.items():
            news += [(segment.at, key, segment) for segment in timeline.starting(span.start, span.end)]
    news.sort(key=itemgetter(0, 1))
    for at, group in groupby(news, key=itemgetter(0)):
        yield at, [(key, segment) for _, key, segment in group if segment is not None]


class _Sweep:
    """What is seen at a moment, counted as it moves on.

    `of`: how many centres measure it; `vantage`: what the province sees, where what answers one of its rooms works from
    there, None where none measures.
    """

    def __init__(self, views: Views, start: int, policies: Policies) -> None:
        self._policies: Final = policies
        self._rooms: Final = views.vantages.keys()
        self.now: Final[dict[str, Segment]] = {}
        self._counts: Final = [0, 0, 0, 0]
        self._known = self.of = 0
        self.vantage: int | None = None
        for places in (views.centres, views.vantages):
            for key, timeline in places.items():
                self._set(key, timeline.at(start - 1))

    def take(self, changes: Sequence[tuple[str, Segment]]) -> None:
        for key, segment in changes:
            self._count(key, self.now[key], -1)
            self._set(key, segment)

    def _set(self, key: str, segment: Segment) -> None:
        self.now[key] = segment
        self._count(key, segment, 1)
        if key in self._rooms:
            levels = (_level(self.now[room]) for room in self._rooms if room in self.now)
            self.vantage = min((level for level in levels if level is not None), default=None)

    def _count(self, key: str, segment: Segment, sign: int) -> None:
        level = _level(segment)
        if level is None:
            self._known += 0 if segment.says(BEGINNING) else sign
            return
        self._known += sign
        if key not in self._rooms:
            self._counts[level] += sign
            self.of += sign

    def seen(self, level: int) -> int:
        """How many centres see it at least so bad."""
        return sum(self._counts[level:])

    def state(self, at: int) -> tuple[State, str | None]:
        if not self._known:
            return BEGINNING.state, BEGINNING.reason
        if not self.of:
            return _TOO_FEW if self.vantage is None else _TOLD[self.vantage]
        bad = self.of - self._counts[_FINE]
        if not bad:
            return _TOLD[_FINE]
        rules = self._policies.at(at).policy.shared
        level = next((level for level in (_DOWN, _SLOW, _ENDING) if self._quorum(level, rules)), _FINE)
        return _TOO_FEW if level == _FINE and self.vantage is None and self.of < rules.min_centres else _TOLD[level]

    def _quorum(self, level: int, rules: Shared) -> bool:
        seen, of = self.seen(level), self.of
        if seen >= rules.min_centres and seen >= rules.share * of:
            return True
        too = self.vantage is not None and self.vantage >= level
        return too and seen >= min(rules.vantage_centres, of) and seen >= rules.vantage_share * of

    def evidence(self, state: State) -> tuple[str, ...]:
        """Of those who see it so, or worse, one measurement each; who saw it first comes first."""
        if state not in ("down", "degraded"):
            return ()
        wanted = ("down",) if state == "down" else ("down", "degraded")
        held = sorted((s.at, key) for key, s in self.now.items() if s.state in wanted and s.evidence)
        return tuple(self.now[key].evidence[0] for _, key in held[:MAX_EVIDENCE])


def _level(segment: Segment) -> int | None:
    if segment.state == "degraded":
        return _ENDING if segment.reason == "cert_ending" else _SLOW
    return {"ok": _FINE, "down": _DOWN}.get(segment.state)


@dataclass(slots=True)
class _Told:
    """A state with the most that was seen of it while it lasted."""

    begun: Segment
    seen: int = 0
    of: int = 0
    vantage: int | None = None
    _level: int = field(init=False)

    def __post_init__(self) -> None:
        said = (self.begun.state, self.begun.reason)
        self._level = next((level for level, told in _TOLD.items() if told == said), _FINE)

    def look(self, sweep: _Sweep) -> None:
        seen, vantage = sweep.seen(self._level), sweep.vantage
        if self._level != _FINE and seen >= self.seen:
            self.seen, self.of = seen, sweep.of
        if vantage is not None:
            self.vantage = max(vantage, _FINE if self.vantage is None else self.vantage)

    def segment(self, *, closed: bool) -> Segment:
        """While it lasts the count is told in tenths: else every centre that joins would be a revision."""
        b, detail = self.begun, Detail()
        if self._level != _FINE:
            seen = self.seen if closed else self.seen - self.seen % max(1, self.of // 10)
            detail = {"seen": seen, "of": self.of, "vantage": _word(self.vantage)}
        return Segment(b.at, b.state, b.reason, detail, b.evidence, b.policy)


def _word(level: int | None) -> str:
    return "unknown" if level is None else _TOLD[level][0]
