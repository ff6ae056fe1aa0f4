"""One centre as rules look at it: its runs, when its box was silent, and which lines answered meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from alerts.correlate.ground import LineAt, Stand
from alerts.correlate.limits import Limits
from alerts.correlate.picture import Boot
from alerts.correlate.runs import ALWAYS, Run, near
from collector.api import State

FROM_AFAR: Final = frozenset({"lost_from_province"})
"""Reasons that only the province's side gives: the centre's own box measured nothing of it."""

_UNHEARD: Final = frozenset({"silent", "stale"})

_NOTHING: Final[Mapping[State, Sequence[Run]]] = {}


@dataclass(frozen=True, slots=True)
class Site:
    """`runs`: by subject and state; `measured`: its lines that a plan holds; `boots`: of its boxes, in order."""

    stand: Stand
    runs: Mapping[str, Mapping[State, Sequence[Run]]]
    measured: frozenset[str]
    limits: Limits
    now_ms: int
    boots: Sequence[Boot] = ()
    silences: Sequence[Run] = ()
    """When none of its boxes was heard."""
    together_ms: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "together_ms", round(1000 * self.limits.together_s))

    @property
    def centre(self) -> str:
        return self.stand.centre

    @property
    def lan(self) -> str:
        return f"lan:{self.stand.centre}"

    def of(self, subject: str) -> Mapping[State, Sequence[Run]]:
        """The runs of a subject by state."""
        return self.runs.get(subject, _NOTHING)

    def every(self, kind: str, *states: State) -> Iterator[Run]:
        """The runs of all subjects of a kind, in these states."""
        for subject, runs in self.runs.items():
            if subject.startswith(kind):
                for state in states:
                    yield from runs.get(state, ())

    def lost(self, line: LineAt, from_ms: int, to_ms: int) -> Run | None:
        """The loss of a line that began within a span."""
        return next(iter(near(self.of(line.subject), "down", from_ms, to_ms)), None)

    def aftermath(self, run: Run) -> bool:
        """Whether a line is short of well only around something worse: its resolver failed as it went or came back, or
        it comes and goes anyway."""
        span, down = self.together_ms, self.of(run.subject).get("down", ())
        if any(one.flapping and one.overlaps(run.from_ms, run.end_ms) for one in down):
            return True
        if run.lasts_ms(self.now_ms) > span:
            return False
        worse = [*down, *self.of(self.lan).get("down", ()), *self.silences]
        return any(one.from_ms - span <= run.from_ms <= one.end_ms + span for one in worse)

    def lines(self) -> list[LineAt]:
        """Those that somebody measures, or that are not well: what nobody looks at tells nothing."""
        return [line for line in self.stand.lines if line.subject in self.measured or line.subject in self.runs]

    def whole(self, run: Run) -> list[Run]:
        """A run with the part of it that follows the start of a machine, where it was parted."""
        later = (one for one in self.of(run.subject).get(run.state, ()) if one.from_ms == run.to_ms)
        return [run, *later]

    # --- silence ----------------------------------------------------------------------------------------------------

    def silent_with(self, from_ms: int) -> Run | None:
        """The silence of its box that began together with something."""
        span = self.together_ms
        return next((run for run in self.silences if abs(run.from_ms - from_ms) <= span), None)

    def silent(self, from_ms: int, to_ms: int) -> bool:
        """Whether its box was silent at some moment of a span."""
        return any(run.overlaps(from_ms, to_ms) for run in self.silences)

    def undecided(self, silence: Run) -> bool:
        """Whether a silence is so young that its lines may still be found lost from the province.

        Counted from when it was known, so that the rounds of a vantage have their time; where that came late, from as
        long after it began.
        """
        known = min(max(spell.recorded_ms for spell in silence.spells), silence.from_ms + self._patience)
        return silence.to_ms is None and self.now_ms < known + self._patience

    @property
    def _patience(self) -> int:
        return round(1000 * self.limits.agent_silent_s)

    def lasting(self, silence: Run) -> bool:
        """Whether a silence lasted as long as a fault of the agent does."""
        return silence.lasts_ms(self.now_ms) >= self._patience

    def booted(self, silence: Run) -> Boot | None:
        """The start of a machine within a silence, or as it ended."""
        end = silence.end_ms + round(1000 * self.limits.settle_s)
        return next((boot for boot in self.boots if silence.from_ms < boot.at_ms <= end), None)

    def gap_before(self, boot: Boot) -> Run | None:
        """The time before the start of a machine for which it has measured nothing, of a silence that is over."""
        settle = round(1000 * self.limits.settle_s)
        gaps = (run for run in self.of(self.lan).get("unknown", ()) if run.reasons <= _UNHEARD)
        return next((run for run in gaps if run.from_ms < boot.at_ms <= run.end_ms <= boot.at_ms + settle), None)

    # --- lines while the box is silent ------------------------------------------------------------------------------

    def answered(self, line: LineAt, silence: Run) -> bool:
        """Whether a line is known to have been well while its box was silent: seen from the province, mostly."""
        if line.subject not in self.measured:
            return False
        end = min(silence.end_ms, self.now_ms)
        if any(run.overlaps(silence.from_ms, end) for run in self.of(line.subject).get("down", ())):
            return False
        dark = sum(
            max(0, min(run.end_ms, end) - max(run.from_ms, silence.from_ms))
            for run in self.of(line.subject).get("unknown", ())
        )
        return 2 * dark <= end - silence.from_ms

    def lost_with(self, silence: Run) -> list[Run]:
        """The losses of its lines that began together with a silence."""
        span = self.together_ms
        found = (self.lost(line, silence.from_ms - span, silence.from_ms + span) for line in self.stand.lines)
        return [run for run in found if run is not None]

    def battery(self, from_ms: int) -> Run | None:
        """Its box running on the battery when, or shortly before, something began."""
        for box in self.stand.boxes:
            for run in self.of(box.device).get("degraded", ()):
                if "on_battery" in run.reasons and run.from_ms <= from_ms + self.together_ms and run.end_ms >= from_ms:
                    return run
        return None


def measured_inside(run: Run) -> bool:
    """Whether a centre's own agent found it so, at least once."""
    return not run.reasons <= FROM_AFAR


def parted(runs: Mapping[State, Sequence[Run]], boots: Sequence[Boot]) -> Mapping[State, Sequence[Run]]:
    """The runs of a line, those that are down parted where a machine of its centre started: what only the province had
    seen until then is one thing, what the machine measured from then on another."""
    down = runs.get("down", ())
    if not any(len(run.spells) > 1 for run in down):
        return runs
    return {**runs, "down": [part for run in down for part in _parts(run, boots)]}


def _parts(run: Run, boots: Sequence[Boot]) -> Sequence[Run]:
    n = next((k for k, spell in enumerate(run.spells) if (spell.reason or "") not in FROM_AFAR), 0)
    if n == 0 or run.flapping or not any(run.from_ms < boot.at_ms <= run.spells[n].from_ms for boot in boots):
        return [run]
    at = run.spells[n].from_ms
    return [replace(run, spells=run.spells[:n], to_ms=at), replace(run, spells=run.spells[n:], from_ms=at)]


def outlived(site: Site) -> Site:
    """The site, each silence parted that outlived what silenced its box by as long as a fault of the agent takes: the
    lines lost with it were back, one of them answered or its own network was down, and it was silent still. What is
    left is another trouble."""
    if not site.silences:
        return site
    silences = [part for silence in site.silences for part in _by_its_losses(site, silence)]
    return site if len(silences) == len(site.silences) else replace(site, silences=silences)


def _by_its_losses(site: Site, silence: Run) -> Sequence[Run]:
    lost = site.lost_with(silence)
    back_ms = max((run.end_ms for run in lost), default=ALWAYS)
    if back_ms >= min(silence.end_ms, site.now_ms):
        return [silence]
    rest = replace(silence, from_ms=back_ms)
    otherwise = any(run.overlaps(rest.from_ms, rest.end_ms) for run in site.of(site.lan).get("down", ()))
    if not site.lasting(rest) or not (otherwise or any(site.answered(line, rest) for line in site.lines())):
        return [silence]
    return [replace(silence, to_ms=back_ms), rest]
