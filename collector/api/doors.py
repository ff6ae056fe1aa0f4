"""The two protocols of the door: who asks is given facts, who acts leaves an audit row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from collector.api.changes import Act, Chronicle, Done, Window
from collector.api.facts import (
    Actor,
    AgentInfo,
    Boot,
    Centre,
    DayFigure,
    Expected,
    Flip,
    Interval,
    Overview,
    PlannedItem,
    PolicyVersion,
    Series,
    Standing,
    StoredObservation,
    SubjectInfo,
    SuiteHealth,
    TaskInfo,
)
from collector.api.paths import PathView
from collector.api.places import CarriedIn, Duty, LineInfo, PhaseTimes, Place, SystemInfo, Team
from collector.api.ranking import Carrying, NormCheck, Ranking, Unproved
from collector.api.speeds import PhoneTest, SpeedTest
from wire.messages import Notice

MAX_PHASED: Final = 2_000


class Reader(Protocol):
    """Questions. Plain synchronous calls: from an event loop go through a thread."""

    def now_ms(self) -> int: ...
    def revision(self) -> str:
        """A short text that changes whenever a standing, a flip or a latest observation may have: for ETags."""
        ...

    def centres(self) -> list[Centre]: ...
    def subjects(self, centre: str | None = None) -> list[SubjectInfo]: ...
    def standings(self, centre: str | None = None) -> dict[str, Standing]: ...
    def overview(self) -> Overview:
        """All of the province at once, cheap to ask for again and again."""
        ...

    def measured(self, centres: list[str]) -> dict[str, int]:
        """Centre → when anything at it was last measured; those never measured are left out."""
        ...

    def flips(self, after_seq: int = 0, limit: int = 500) -> list[Flip]: ...
    def flips_of(self, subject: str, limit: int = 100) -> list[Flip]:
        """The newest flips of one subject, newest first, revised and retracted ones too: for its page."""
        ...

    def unwell(self, since_ms: int, subjects: Sequence[str] | None = None) -> dict[str, list[Flip]]:
        """The flips that hold, in order of time, of whatever was not ok at some time since a moment; by subject.

        The last one at or before that moment comes first, where there is one. `subjects`: of these only.
        """
        ...

    def boots(self, since_ms: int) -> list[Boot]:
        """Machines of agents that started since a moment, in order of time."""
        ...

    def looked_at(self) -> frozenset[str]:
        """Every subject that a plan in force measures; the same again as long as no plan changed."""
        ...

    def intervals(self, subjects: list[str], from_ms: int, to_ms: int) -> dict[str, list[Interval]]: ...
    def latest(self, centre: str) -> list[StoredObservation]:
        """The newest observation of every (subject, probe, target) of a centre."""
        ...

    def observations(self, subject: str, before_ms: int, limit: int = 50) -> list[StoredObservation]:
        """Newest first, older than `before_ms`: all of which bodies are kept, before that what is kept for 400 days.

        Those are sparse measurements, answers to tasks, changes of outcome and the edges of holes.
        """
        ...

    def observation(self, observation_id: str) -> StoredObservation:
        """Raises NotFound."""
        ...

    def history(self, subject: str, metrics: list[str], from_ms: int, to_ms: int, points: int = 288) -> list[Series]:
        """Numbers over [from_ms, to_ms) in at most `points` buckets, from raw or from the roll-up that fits."""
        ...

    def daily(self, subject: str, metric: str, from_day: str, to_day: str) -> list[DayFigure]:
        """Local days from `from_day` to `to_day` (2026-11-21, both included) that are over and were rolled up.

        Raises ValueError for what is not a day.
        """
        ...

    def places(self) -> Mapping[str, Place]:
        """Centre → what the inventory says of it; those that no inventory knows are left out."""
        ...

    def opening(self, centre: str) -> tuple[str, ...] | None:
        """Today's opening hours of a centre, 07:30-11:30; empty: closed today, None: nobody told."""
        ...

    def open_spans(self, centre: str, from_ms: int, to_ms: int) -> list[tuple[int, int]] | None:
        """When a centre serves people between two instants, by season and holidays; None: nobody told."""
        ...

    def rota(self, at_ms: int) -> Mapping[str, Sequence[Duty]]:
        """Team → its turns that are not over at a moment, by their beginning; teams without a rota are left out."""
        ...

    def lines(self, centre: str) -> list[LineInfo]:
        """The lines of a centre as they were contracted, by key."""
        ...

    def carrying(self) -> Mapping[str, Carrying]:
        """Centre → the line that carries its traffic now; centres whose agent never spoke are left out."""
        ...

    def ranking(self, from_ms: int, to_ms: int) -> Ranking:
        """Every line against its contract over a span, worst first, and by carrier."""
        ...

    def unproved(self, within_ms: int) -> list[Unproved]:
        """Lines that nothing proved to work within so long: no train that came back, no valid test."""
        ...

    def norms(self, line: str) -> list[NormCheck]:
        """The norms that apply today to a line (`line:07375-1/a`), and whether it meets them. Raises NotFound."""
        ...

    def path(self, line: str) -> PathView:
        """The way of the subject `line:<key>` hop by hop: then, now, and where it breaks off."""

    def every_line(self) -> Mapping[str, Sequence[LineInfo]]:
        """Centre → its lines as they were contracted; the same mapping again as long as nobody imported another."""
        ...

    def teams(self) -> Sequence[Team]:
        """Whom to call for what, by key."""
        ...

    def tests(self, line: str, before_ms: int, limit: int = 50) -> list[SpeedTest]:
        """Tests of a line's speed older than `before_ms`, newest first; those that were skipped or failed too."""
        ...

    def systems(self) -> list[SystemInfo]:
        """Every shared system of the inventory, those that are switched off too, in its order."""
        ...

    def system_standings(self, system: str) -> dict[str, Standing]:
        """How each place sees one shared system now: centres, and the province's own rooms; by the place's key.

        They leave `as_of_ms` out: `newest` tells it for those that are looked at.
        """
        ...

    def newest(self, subjects: Sequence[str]) -> dict[str, int]:
        """When each of these subjects was last measured; those never measured are left out."""
        ...

    def phase_times(self, subjects: Sequence[str]) -> dict[str, PhaseTimes]:
        """The newest answer to each of these `service:<id>@<centre>`; of more than `MAX_PHASED` the first ones."""
        ...

    def complaints(self, since_ms: int) -> list[StoredObservation]:
        """What clerks said is slow since a moment, by the page of their box; of each centre the newest word."""
        ...

    def is_there(self, centre: str, code: str) -> bool:
        """Whether a code is that of the page of a box at this centre, now or a little while ago."""
        ...

    def carried(self, blob: str) -> CarriedIn:
        """What a cut-off box saw, brought by a phone. Raises NotAllowed where it is not from one of ours, or old."""
        ...

    def agents(self, centre: str | None = None, *, role: str | None = None) -> list[AgentInfo]: ...
    def expected(self) -> list[Expected]:
        """Join codes that nobody has used, those that expired too, the newest first."""
        ...

    def windows(self, from_ms: int, to_ms: int, limit: int = 5_000) -> list[Window]:
        """Planned stops that hold, held or will hold at some moment of a span, in order of time; of shared systems,
        carriers and areas too."""
        ...

    def chronicle(self, centre: str) -> Chronicle:
        """What people changed at a centre: planned stops, what left service, every act."""
        ...

    def planned(self, centre: str) -> list[PlannedItem]: ...
    def tasks(self, centre: str, limit: int = 20) -> list[TaskInfo]: ...
    def limits(self) -> dict[str, float]:
        """Metric → the value from which on the policy in force calls it degraded; for the marks in bars."""
        ...

    def policies(self, limit: int = 50) -> list[PolicyVersion]:
        """Versions of the policy, the newest first; the one in force is the first that began. Empty before any."""
        ...

    def health(self) -> SuiteHealth: ...
    def actor(self, session: str) -> Actor | None:
        """Who a browser's session cookie speaks for; None where it is unknown or over."""
        ...


class Commands(Protocol):
    """Acts. Each leaves an audit row; each may raise NotFound or NotAllowed."""

    def request_task(self, actor: Actor, agent: str, item: str) -> TaskInfo:
        """Ask an agent to measure one item of its plan now. Rate-limited per item: one that waits is given again."""
        ...

    def test_from_phone(self, actor: Actor, line: str) -> PhoneTest:
        """Let somebody test the subject `line:<key>` from a browser, once. NotAllowed tells why it cannot be."""
        ...

    def change(self, actor: Actor, act: Act, *, rehearse: bool = False) -> Done:
        """Change the register; `rehearse` tells what would come of it and changes nothing."""
        ...

    def set_notice(self, actor: Actor, centre: str, notice: Notice) -> None:
        """Have a sentence shown to a centre's people, at once where its box polls; its `as_of` is set when it goes out.

        A notice of the same id is replaced.
        """
        ...

    def end_notice(self, actor: Actor, centre: str, notice: str) -> None:
        """Show the notice of that id no longer; nothing happens where there is none."""
        ...

    def open_session(self, link: str) -> str:
        """Spend a one-time login link; the new session's cookie value. Raises NotAllowed for a spent or foreign one."""
        ...

    def close_session(self, session: str) -> None: ...
