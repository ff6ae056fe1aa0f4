"""Looking at what is concerned says at every look what looking at everything says."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import Select, Table, select

from alerts.api import Verdict
from alerts.correlate import correlate
from alerts.correlate.limits import Limits, limits
from alerts.correlate.picture import Picture
from alerts.desk import Desk
from alerts.incidents.ground import Ground
from alerts.incidents.kept import REVIEW_MS, Kept
from alerts.incidents.loop import Incidents
from alerts.incidents.picture import Intake
from alerts.tables import happened, incident, incident_place, outbox
from collector.api import Commands
from collector.store.databases import open_store
from tests.support.handclock import HandClock
from tests.support.stories import Story


def held(story: Story) -> Limits:
    return limits({one.key: one.value for one in story.world.policies(1)[0].thresholds})


def words(verdicts: Sequence[Verdict]) -> list[tuple[object, ...]]:
    """All that is said but why: what else went on is told where it is written, and asked for again then."""
    return sorted(
        (
            v.since_ms, v.cause, v.rule, v.owner, v.state, str(v.ended_ms), v.subjects, v.centres, v.affected,
            v.confidence, v.visit, v.candidates, v.said.key, [(one.subject, one.said.key) for one in v.evidence],
        )
        for v in verdicts
    )  # fmt: skip


class Counting:
    """Correlation that counts what it was asked for."""

    def __init__(self) -> None:
        self.whole = self.parts = 0

    def __call__(self, picture: Picture, only: Collection[str] | None) -> list[Verdict]:
        self.whole += only is None
        self.parts += only is not None
        return correlate(picture, only)


@pytest.mark.parametrize("seed", range(40))
def test_what_is_kept_and_what_is_judged_anew_is_together_what_all_of_it_says(
    seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    story, judge = Story(seed), Counting()
    intake, ground, kept = Intake(story.world), Ground(story.world), Kept(judge)
    rules = held(story)
    for turn in range(60):
        story.go_on()
        while intake.take_in(story.world.now, rules):
            pass
        picture = intake.picture(story.world.now, ground.topology(story.world.now), rules)
        kept.look(picture, intake.learned())
        assert words(kept.verdicts) == words(correlate(picture)), f"look {turn}"
    assert not caplog.records
    assert judge.parts


# --- what is written ------------------------------------------------------------------------------------------------


@dataclass
class Side:
    """A loop over a store of its own; both sides read the same story."""

    desk: Desk
    loop: Incidents

    def rows(self) -> list[list[tuple[object, ...]]]:
        """Everything that is on record, numbers in place of the ids, which are drawn."""
        with self.desk.store.reading() as conn:
            named = {row.id: f"#{row.number}" for row in conn.execute(select(incident.c.id, incident.c.number))}
            return [
                sorted((tuple(_named(cell, named) for cell in row) for row in conn.execute(_all_of(table))), key=str)
                for table in (incident, happened, incident_place, outbox)
            ]


def _all_of(table: Table) -> Select[tuple[object, ...]]:
    """All columns but the running number, which follows the order of writing."""
    return select(*(column for column in table.c if column.name != "seq"))


def _named(cell: object, names: dict[str, str]) -> object:
    for key, name in names.items():
        cell = cell.replace(key, name) if isinstance(cell, str) else cell
    return cell


@contextmanager
def side(story: Story, folder: Path, *, whole: bool) -> Iterator[Side]:
    clock = HandClock()
    with closing(open_store(folder, clock)) as store:
        desk = Desk(store, story.world, cast("Commands", story.world), clock, lambda _topic: None, folder)
        yield Side(desk, Incidents(desk, correlate, whole=whole))


@pytest.mark.parametrize("seed", range(6))
def test_looking_at_what_is_concerned_writes_what_looking_at_everything_writes(
    seed: int, sqlite_pattern: Path, tmp_path: Path
) -> None:
    story = Story(seed)
    homes = [Path(shutil.copytree(sqlite_pattern, tmp_path / name)) for name in ("narrow", "whole")]
    with side(story, homes[0], whole=False) as narrow, side(story, homes[1], whole=True) as whole:
        for turn in range(50):
            story.go_on()
            for one in (narrow, whole):
                one.desk.clock.wall = story.world.now  # type: ignore[attr-defined]  # a HandClock
                while one.loop.step() == 0.0:
                    pass
            if turn % 5 == 0:
                assert narrow.rows() == whole.rows(), f"look {turn}"
        found = narrow.rows()
        assert found == whole.rows()
        assert all(found), "incidents, events, places, messages"


# --- the safety net -------------------------------------------------------------------------------------------------


def test_what_was_kept_wrongly_is_found_within_the_hour_and_told(caplog: pytest.LogCaptureFixture) -> None:
    story = Story(3)
    intake, ground, rules = Intake(story.world), Ground(story.world), held(story)

    def by_the_clock(picture: Picture, only: Collection[str] | None) -> list[Verdict]:
        """A correlation with a moment that nobody knows of."""
        found = correlate(picture, only)
        return [replace(one, state="degraded") for one in found] if picture.now_ms > turned_ms else found

    def look() -> list[Verdict]:
        picture = intake.picture(story.world.now, ground.topology(story.world.now), rules)
        kept.look(picture, intake.learned())
        return kept.verdicts

    kept, turned_ms = Kept(by_the_clock), 2**62
    for _ in range(20):
        story.go_on()
        intake.take_in(story.world.now, rules)
        look()
    turned_ms = story.world.now
    story.world.now += REVIEW_MS
    assert {one.state for one in look()} == {"degraded"}
    assert "unknown moment" in caplog.text
