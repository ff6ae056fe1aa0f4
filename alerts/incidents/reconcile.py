"""From incidents as they are and verdicts as they are now to what is to be written. Pure, and at rest once written:
the same verdicts again change nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from alerts.api import Verdict
from alerts.correlate.limits import Limits
from alerts.incidents.drafts import Act, Draft, Life
from alerts.incidents.pairing import RANK, Pairs, explains, pair
from alerts.incidents.runs import Run, runs

__all__ = ["Act", "Life", "Look", "Outcome", "reconcile"]


@dataclass(frozen=True, slots=True)
class Look:
    """One look at `now_ms` that reaches back to `from_ms`. `may_wait`: whether something larger may explain a verdict
    within the grace; `fresh` gives ids to new incidents."""

    now_ms: int
    from_ms: int
    limits: Limits
    may_wait: Callable[[Verdict], bool]
    fresh: Callable[[], str]

    @property
    def sure_ms(self) -> int:
        """What ended before is at the edge of what was looked at: parts of it may be missing, it is left alone."""
        return self.from_ms + round(1000 * self.limits.flap_window_s)

    @property
    def grace_ms(self) -> int:
        return round(1000 * self.limits.grace_s)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to write, and when time alone may change something (None: never)."""

    acts: list[Act]
    next_ms: int | None


@dataclass(slots=True)
class _Turn:
    """One reconciliation under way. `drafts` by incident; `about`: which drafts are about a subject."""

    look: Look
    lives: dict[str, Life]
    drafts: dict[str, Draft] = field(default_factory=dict)
    about: dict[str, list[Draft]] = field(default_factory=lambda: defaultdict(list))
    moments: list[int] = field(default_factory=list)


def reconcile(lives: Sequence[Life], verdicts: Sequence[Verdict], look: Look) -> Outcome:
    """`lives`: every incident that is open, or whose trouble reaches into the look."""
    turn = _Turn(look, {life.incident.id: life for life in lives})
    inside = [life for life in lives if life.incident.ended_ms is None or life.incident.ended_ms > look.sure_ms]
    found = [run for run in runs(verdicts, look.limits) if run.ended_ms is None or run.ended_ms > look.sure_ms]
    pairs = pair(inside, found, look.limits)
    _follow(turn, pairs)
    _open(turn, pairs.fresh)
    _leave(turn, pairs)
    for life in lives:
        if life.incident.closed_ms is None and life.incident.id not in turn.drafts:
            _draft(turn, life)
    for draft in turn.drafts.values():
        _tend(turn, draft)
    acts = [act for draft in turn.drafts.values() if (act := draft.act()) is not None]
    # What closes goes first: a cause has one living incident, and another may take it over.
    acts.sort(key=lambda act: (act.now.closed_ms is None, act.was is None, act.now.number))
    return Outcome(acts, min(turn.moments, default=None))


def _draft(turn: _Turn, life: Life) -> Draft:
    made = turn.drafts[life.incident.id] = Draft(life, life.incident, turn.look.now_ms, turn.look.limits)
    return made


# --- incidents with a trouble ---------------------------------------------------------------------------------------


def _follow(turn: _Turn, pairs: Pairs) -> None:
    living_first = sorted(pairs.by_life.items(), key=lambda pair: turn.lives[pair[0]].incident.closed_ms is not None)
    for key, its in living_first:
        draft = _draft(turn, turn.lives[key])
        for run in its:
            if not _waits(turn, draft, run):
                _go_on(turn, draft, run)
        _note(turn, draft)


def _go_on(turn: _Turn, draft: Draft, run: Run) -> None:
    now = draft.incident
    if now.ended_ms is not None and run.since_ms > now.ended_ms and not (run.flaps and now.closed_ms is None):
        draft.again(run)
    else:
        draft.follow(run, turn.look.from_ms)


def _waits(turn: _Turn, draft: Draft, run: Run) -> bool:
    """Whether the return of what was closed waits for its grace as what is new does."""
    if draft.incident.closed_ms is None or run.ended_ms is not None:
        return False
    parent = turn.drafts.get(draft.incident.parent or "")
    return _too_soon(turn, run) or (parent is not None and _just_over(turn, parent))


def _note(turn: _Turn, draft: Draft) -> None:
    for key in draft.incident.verdict.subjects:
        turn.about[key].append(draft)


# --- troubles without an incident -----------------------------------------------------------------------------------


def _open(turn: _Turn, fresh: Sequence[Run]) -> None:
    look = turn.look
    for run in sorted(fresh, key=lambda one: (RANK.get(one.verdict.rule, len(RANK)), one.since_ms, one.cause)):
        parent = _parent(turn, run)
        if run.ended_ms is not None:
            due_ms = run.ended_ms + run.hold_ms(look.limits)  # it may be back in a moment
            if look.now_ms < due_ms:
                turn.moments.append(due_ms)
                continue
        elif _too_soon(turn, run) or (parent is not None and _just_over(turn, parent)):
            continue
        held = None if parent is None or parent.incident.ended_ms is not None else parent.incident.id
        draft = Draft.opened(look.fresh(), run, look.now_ms, look.limits, held)
        turn.drafts[draft.incident.id] = draft
        _note(turn, draft)


def _too_soon(turn: _Turn, run: Run) -> bool:
    """Whether something larger may still show that explains it."""
    due_ms = run.known_ms + turn.look.grace_ms
    if not turn.look.may_wait(run.verdict) or turn.look.now_ms >= due_ms:
        return False
    turn.moments.append(due_ms)
    return True


def _parent(turn: _Turn, run: Run) -> Draft | None:
    """The living or just ended incident of something larger that is about the same, if there is one."""
    mine = RANK.get(run.verdict.rule, len(RANK))
    for key in run.verdict.subjects:
        for draft in turn.about.get(key, ()):
            other = draft.incident
            larger = RANK.get(other.verdict.rule, len(RANK)) < mine
            if larger and other.verdict.cause != run.cause and run.touches(other.since_ms, other.ended_ms):
                return draft
    return None


def _just_over(turn: _Turn, parent: Draft) -> bool:
    """Whether a consequence may end on its own because its parent just did."""
    ended_ms = parent.incident.ended_ms
    if ended_ms is None or turn.look.now_ms >= ended_ms + turn.look.grace_ms:
        return False
    turn.moments.append(ended_ms + turn.look.grace_ms)
    return True


# --- incidents without a trouble ------------------------------------------------------------------------------------


def _leave(turn: _Turn, pairs: Pairs) -> None:
    for life in pairs.left:
        heir = _heir(turn, life)
        draft = _draft(turn, life)
        if heir is not None:
            draft.join(heir.incident.id)
        else:
            draft.retract()


def _heir(turn: _Turn, life: Life) -> Draft | None:
    for key in life.incident.verdict.subjects:
        for draft in turn.about.get(key, ()):
            if draft.run is not None and explains(draft.run, life):
                return draft
    return None


# --- time -----------------------------------------------------------------------------------------------------------


def _tend(turn: _Turn, draft: Draft) -> None:
    key = draft.incident.parent
    if key is not None and draft.incident.closed_ms is None and draft.incident.ended_ms is None:
        parent = turn.drafts.get(key)
        if parent is None or (parent.incident.ended_ms is not None and not _just_over(turn, parent)):
            draft.release()
    due_ms = draft.tend()
    if due_ms is not None:
        turn.moments.append(due_ms)
