"""The facts of a line's page: who it is, how fast it is, how well it answers, which way it goes, what was tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from collector.api import (
    VALID,
    Carrying,
    LineInfo,
    NormCheck,
    PathView,
    Place,
    PlannedItem,
    Reader,
    SpeedTest,
    StoredObservation,
    TaskInfo,
    Team,
)
from dashboards.board import subject
from dashboards.board.centre_rows import Measure
from dashboards.board.figures import Reach, newest, reach
from dashboards.board.line_quality import Class, classes
from dashboards.board.line_use import Port, Use, port_of, use_of
from dashboards.board.names import centre_name, subject_name
from dashboards.board.sentences import capital, fault_words
from dashboards.board.speed import DUE, MOST, share, thresholds
from dashboards.board.times import minute
from dashboards.board.ways import Step, steps
from dashboards.board.words import Words

TESTS_SHOWN: Final = 20
TESTS_LOOKED: Final = 200
_PROBE: Final = "bandwidth"


@dataclass(frozen=True, slots=True)
class LinePage:
    """Everything the page shows. `why_not`: a word of `speed.` that tells why there is no test, where there is none."""

    s: subject.SubjectPage
    name: str
    place: str
    title: str
    sub: str
    line: LineInfo | None
    desk: Place | None
    team: Team | None
    due_share: float | None
    most_bytes: float | None
    tests: list[SpeedTest]
    last: SpeedTest | None
    valid: SpeedTest | None
    older_ms: int | None
    why_not: str
    measure: Measure | None
    reach: Reach | None
    reach_at_ms: int | None
    use: Use
    port: Port | None
    quality: list[Class]
    quality_at: StoredObservation | None
    way: PathView
    steps: list[Step]
    carrying: Carrying | None
    norms: list[NormCheck]
    now_ms: int

    @property
    def contract_bps(self) -> float | None:
        return self.line.contract_bps if self.line else None

    @property
    def due_bps(self) -> float | None:
        """What a test must reach; None where no contract or no policy says."""
        return None if self.contract_bps is None or self.due_share is None else self.contract_bps * self.due_share

    @property
    def carries(self) -> bool:
        """Whether the traffic of its centre goes out by it now."""
        return self.carrying is not None and self.carrying.line == self.s.info.key

    @property
    def held(self) -> float | None:
        """The share of the contract that the newest valid test reached."""
        return share(self.valid, self.contract_bps)

    @property
    def cost_bytes(self) -> float | None:
        """What a test of this line moved last time."""
        moved = (test.moved_bytes for test in self.tests if test.moved_bytes)
        return next(moved, None)


def look(reader: Reader, key: str, words: Words, before_ms: int | None = None) -> LinePage:
    """The page of the line `key` (line:07375-1/a), with tests older than `before_ms`. Raises NotFound."""
    s = subject.look(reader, key, before_ms)
    centre = s.info.centre
    line = next((one for one in reader.lines(centre) if one.key == key), None)
    limits, now_ms = thresholds(reader), s.now_ms
    tests = reader.tests(key, now_ms + 1 if before_ms is None else before_ms, TESTS_SHOWN)
    known = tests if before_ms is None else reader.tests(key, now_ms + 1, TESTS_SHOWN)
    valid = next((test for test in known if counted(test)), None) or _valid(reader, key, known)
    seen = reader.latest(centre)
    trains = newest([o for o in seen if o.observation.target == _target(seen, key)], key, "reach")
    heard, used = newest(seen, key, "quality"), newest(seen, key, "use")
    measure = measure_of(reader, key, centre)
    place = reader.places().get(centre)
    way = reader.path(key)
    name = subject_name(s.info, words)
    where = centre_name(s.centre, words) if s.centre else centre
    return LinePage(
        s=s,
        name=name,
        place=where,
        title=_title(s, name, words),
        sub=_sub(s, words),
        line=line,
        desk=place,
        team=team_of(reader.teams(), line, place),
        due_share=limits.get(DUE),
        most_bytes=limits.get(MOST),
        tests=tests,
        last=known[0] if known else None,
        valid=valid,
        older_ms=tests[-1].at_ms if len(tests) == TESTS_SHOWN else None,
        why_not="" if known else _why_not(line, measure),
        measure=measure,
        reach=None if trains is None else reach(trains),
        reach_at_ms=None if trains is None else trains.at_ms,
        use=use_of(reader, key, now_ms),
        port=None if used is None else port_of(used),
        quality=[] if heard is None else classes(heard),
        quality_at=heard,
        way=way,
        steps=steps(way),
        carrying=reader.carrying().get(centre),
        norms=reader.norms(key) if line is not None else [],
        now_ms=now_ms,
    )


def _valid(reader: Reader, key: str, known: Sequence[SpeedTest]) -> SpeedTest | None:
    """The newest valid test older than those that are known already."""
    if len(known) < TESTS_SHOWN:
        return None
    return next((test for test in reader.tests(key, known[-1].at_ms, TESTS_LOOKED) if counted(test)), None)


def _title(s: subject.SubjectPage, name: str, words: Words) -> str:
    held = s.standing
    if held is None or held.reason == "never_measured":
        return words("linepage.never", name=name)
    since = minute(held.since_ms, s.now_ms)
    if held.state in {"degraded", "unknown"} and held.reason is not None:
        return words("linepage.because", name=name, why=words.reason(held.reason), at=since)
    return words("linepage.is", name=name, state=words(f"state.{held.state}"), at=since)


def _sub(s: subject.SubjectPage, words: Words) -> str:
    """Why, with the figure against its limit."""
    held = s.standing
    return "" if held is None or held.reason in {None, "never_measured"} else capital(fault_words(held, words))


def _target(seen: Sequence[StoredObservation], key: str) -> str:
    """Where the trains of its own agent go; the province's view of its far end is not what people there feel."""
    found = [o.observation.target for o in seen if o.observation.subject == key and o.observation.probe == "reach"]
    return next((target for target in ("collector", *found) if target in found), "")


def _why_not(line: LineInfo | None, measure: Measure | None) -> str:
    if line is not None and line.reach_by == "none":
        return "not_from_here"
    return "no_plan" if measure is None else "none_yet"


def team_of(teams: Sequence[Team], line: LineInfo | None, place: Place | None) -> Team | None:
    """Who of the carrier looks after this line: the team of its area, else one for everywhere."""
    if line is None:
        return None
    area = place.area if place else ""
    own = [team for team in teams if team.organisation == line.carrier and "line" in team.owns]
    near = [team for team in own if area in team.areas]
    return next(iter(near or [team for team in own if not team.areas]), None)


def measure_of(reader: Reader, key: str, centre: str) -> Measure | None:
    """The test of speed in the plan as it can be asked for now, with the newest task that did."""
    item = next((one for one in reader.planned(centre) if (one.subject, one.probe) == (key, _PROBE)), None)
    return None if item is None else Measure(item, _task(reader.tasks(centre), item))


def _task(tasks: Sequence[TaskInfo], item: PlannedItem) -> TaskInfo | None:
    own = [task for task in tasks if (task.agent, task.item) == (item.agent, item.id)]
    return max(own, key=lambda task: task.created_ms, default=None)


def counted(test: SpeedTest) -> bool:
    """Whether it says how fast the line is."""
    return test.stamp == VALID
