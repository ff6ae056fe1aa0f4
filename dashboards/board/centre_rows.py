"""The rows of a centre's page: each target of each subject, with its day, its last measurement, and how to ask anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from collector.api import Interval, PlannedItem, Standing, StoredObservation, SubjectInfo, TaskInfo
from dashboards.board.figures import Reach, newest, reach
from dashboards.board.strips import Strip, strip

OF_LINE_PAGE: Final = frozenset({"bandwidth", "use", "path", "quality"})
"""Probes that a line's own page tells of: they have neither loss nor delay of a train, and one of them costs data."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One item of a plan as it can be asked for now, with the newest task that did."""

    item: PlannedItem
    task: TaskInfo | None

    @property
    def busy(self) -> bool:
        return self.task is not None and self.task.state in {"queued", "taken", "running"}


@dataclass(frozen=True, slots=True)
class Row:
    """One target of one subject. The strip stands in the subject's first row only."""

    info: SubjectInfo
    name: str
    standing: Standing | None
    strip: Strip | None
    target: str
    last: StoredObservation | None
    reach: Reach | None
    measure: Measure | None


@dataclass(frozen=True, slots=True)
class Rows:
    """What the rows of one centre are made of; each thing is asked of the reader once."""

    names: Mapping[str, str]
    standings: Mapping[str, Standing]
    latest: list[StoredObservation]
    planned: list[PlannedItem]
    tasks: list[TaskInfo]
    intervals: Mapping[str, list[Interval]]
    from_ms: int

    def of(self, infos: list[SubjectInfo]) -> list[Row]:
        return [row for info in sorted(infos, key=lambda info: info.key) for row in self._of_one(info)]

    def _of_one(self, info: SubjectInfo) -> list[Row]:
        items = [item for item in self.planned if item.subject == info.key and item.probe not in OF_LINE_PAGE]
        seen = [o for o in self.latest if o.observation.subject == info.key and o.observation.probe not in OF_LINE_PAGE]
        shown = targets_shown(items, seen) or [""]
        return [self._row(info, target, items, seen, first=place == 0) for place, target in enumerate(shown)]

    def _row(
        self, info: SubjectInfo, target: str, items: list[PlannedItem], seen: list[StoredObservation], *, first: bool
    ) -> Row:
        item = next((item for item in items if item.target == target), None)
        last = newest([o for o in seen if o.observation.target == target], info.key)
        cells = strip(self.intervals.get(info.key, []), self.from_ms)
        return Row(
            info=info,
            name=self.names[info.key],
            standing=self.standings.get(info.key),
            strip=cells if first else None,
            target=target,
            last=last,
            reach=None if last is None or info.kind not in {"line", "lan"} else reach(last),
            measure=None if item is None else Measure(item, self._task(item)),
        )

    def _task(self, item: PlannedItem) -> TaskInfo | None:
        own = [task for task in self.tasks if (task.agent, task.item) == (item.agent, item.id)]
        return max(own, key=lambda task: task.created_ms, default=None)


def targets_shown(items: Sequence[PlannedItem], seen: Sequence[StoredObservation]) -> list[str]:
    """Where a subject is measured to, those of its plan first; a radio only where there is one."""
    targets = dict.fromkeys([*(item.target for item in items), *(o.observation.target for o in seen)])
    radios = {item.target for item in items if item.probe == "wifi"}
    heard = {o.observation.target for o in seen}
    wired = {o.observation.target for o in seen if o.observation.reason == "not_wireless"} | (radios - heard)
    return [target for target in targets if target not in wired]
