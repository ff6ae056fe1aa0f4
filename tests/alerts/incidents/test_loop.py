"""The loop over a real store: flips in, incidents, events and messages out, whatever cuts it short."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

import pytest
from sqlalchemy import Connection, delete, event, func, insert, literal, select

import alerts
from alerts.api import Verdict
from alerts.incidents.loop import IDLE_S, Incidents
from alerts.incidents.reconcile import Life, Look, Outcome, reconcile
from alerts.incidents.writing import Moved
from alerts.tables import incident, outbox
from alerts.tables import tables as alert_tables
from collector.api import Actor
from collector.hub import Hub
from collector.judging.loop import Judge
from collector.store.faults import Unavailable
from collector.store.tables import flip
from tests.support.handclock import HandClock
from tests.support.incidents import HOUR, MINUTE, Province, S, by_line, line
from tests.support.measured import LINE, T0, every, ms
from tests.support.town import Town

LAN_NGUYEN = Actor("Lan", "session")
_TAKEN = {
    "key": outbox.c.incident + literal("/escalation/0-0/deputy"), "kind": literal("escalation"),
    "audience": literal("deputy"),
}  # fmt: skip


@pytest.fixture
def province(hub: Hub, clock: HandClock) -> Province:
    made = Province(hub, clock)
    made.settle()
    return made


def causes(province: Province) -> list[tuple[str, str]]:
    return [(row[1], row[2]) for row in province.content()["incidents"]]


def test_a_flip_becomes_an_incident_its_history_and_a_message_in_one_step(province: Province, clock: HandClock) -> None:
    loop, start = province.loop(), clock.wall
    province.flip(line(1), "down", start)
    clock.forward(30 * S)
    assert loop.step() == IDLE_S
    kept = province.content()
    assert kept["incidents"] == [(1, line(1), "open", start, None, None, 0, 0)]
    assert [row[1] for row in kept["events"]] == ["opened"]
    assert [row[0] for row in kept["told"]] == ["#1/call/0/officer"]
    assert kept["places"] == [("#1", "07001-1", False)]
    assert province.woken == ["incidents", "outbox"]


def test_whom_it_was_taken_to_because_nobody_took_it_on_is_told_how_it_ended(
    province: Province, clock: HandClock
) -> None:
    loop = province.loop()
    province.flip(line(1), "down", clock.wall)
    clock.forward(30 * S)
    loop.step()
    further = insert(outbox).from_select(
        [column.name for column in outbox.c],
        select(*(_TAKEN.get(column.name, column) for column in outbox.c)).where(outbox.c.kind == "call"),
    )
    province.hub.store.writer.do(lambda conn: conn.execute(further).rowcount)
    province.flip(line(1), "ok", clock.wall)
    clock.forward(2 * MINUTE)
    loop.step()
    ended = [key for key, _ in province.content()["told"] if "/recovered/" in key]
    assert [key.rpartition("/")[2] for key in ended] == ["deputy", "officer"]


def test_a_step_without_news_writes_nothing(province: Province, clock: HandClock) -> None:
    loop = province.loop()
    province.flip(line(1), "down", clock.wall)
    loop.step()
    before, province.woken = province.content(), []
    clock.forward(10 * S)
    loop.step()
    province.loop().step()
    assert (province.content(), province.woken) == (before, [])


def test_before_anybody_judged_there_is_nothing_to_tell(hub: Hub, clock: HandClock) -> None:
    province = Province(hub, clock)
    assert province.loop().step() == IDLE_S
    assert province.content()["cursor"] == []


def test_the_pause_ends_when_time_alone_changes_something(province: Province, clock: HandClock) -> None:
    loop, start = province.loop(), clock.wall
    province.flip(line(1), "down", start)
    loop.step()
    province.flip(line(1), "ok", start + 20 * S)
    clock.forward(78 * S)
    assert loop.step() == pytest.approx(2.0)
    clock.forward(2 * S)
    loop.step()
    assert causes(province) == [(line(1), "closed")]


def test_a_retracted_flip_withdraws_its_incident(province: Province, clock: HandClock) -> None:
    loop = province.loop()
    first = province.flip(line(1), "down", clock.wall)
    loop.step()
    province.flip(line(1), None, clock.wall, supersedes=first)
    clock.forward(5 * S)
    loop.step()
    kept = province.content()
    assert (kept["incidents"][0][2], kept["told"][1]) == (
        "closed",
        ("#1/correction/retracted-1/officer", "event.told_retracted"),
    )


def test_lines_become_their_carriers_incident_and_its_message_names_it(province: Province, clock: HandClock) -> None:
    loop = province.loop()
    province.flip(line(1), "down", clock.wall)
    loop.step()
    province.flip(line(2), "down", clock.wall)
    province.flip(line(3), "down", clock.wall)
    clock.forward(5 * S)
    loop.step()
    assert causes(province) == [("carrier:vnpt/g", "open")]
    assert province.content()["places"] == [("#1", f"0700{n}-1", False) for n in (1, 2, 3)]


def test_evidence_of_three_days_ago_is_put_on_record_and_pages_nobody(province: Province, clock: HandClock) -> None:
    loop, then = province.loop(), clock.wall
    clock.forward(72 * HOUR)
    loop.step()
    province.flip(line(1), "down", then)
    province.flip(line(1), "ok", then + HOUR)
    loop.step()
    kept = province.content()
    assert kept["incidents"] == [(1, line(1), "closed", then, then + HOUR, clock.wall, 0, 0)]
    assert kept["told"] == []
    clock.forward(30 * MINUTE)
    loop.step()
    assert province.content()["incidents"] == kept["incidents"], "the look is narrow again, and nothing is withdrawn"


def test_what_a_person_did_meanwhile_is_not_overwritten(
    province: Province, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = province.loop()
    first = province.flip(line(1), "down", clock.wall)
    loop.step()
    acts = alerts.commands(province.desk)

    def and_then_somebody_acts(lives: Sequence[Life], verdicts: Sequence[Verdict], look: Look) -> Outcome:
        found = reconcile(lives, verdicts, look)
        acts.move(LAN_NGUYEN, "1", "acknowledged")
        return found

    monkeypatch.setattr("alerts.incidents.loop.reconcile", and_then_somebody_acts)
    province.flip(line(1), None, clock.wall, supersedes=first)
    with pytest.raises(Moved):
        loop.step()
    monkeypatch.undo()
    assert causes(province) == [(line(1), "acknowledged")]
    loop.step()
    assert causes(province) == [(line(1), "closed")]


# --- cut short -------------------------------------------------------------------------------------------------------


class Killed(Exception):
    """The process ended here."""


@dataclass
class Cut:
    """Breaks the writing connection at the n-th of its statements, counted from nought."""

    at: int
    seen: int = 0

    def __call__(self, conn: Connection, _cursor: object, sql: str, *_rest: object) -> None:
        if conn.get_execution_options().get("motcua_writes"):
            self.seen += 1
            if self.seen > self.at:
                raise Killed(sql)

    @contextmanager
    def watching(self, hub: Hub) -> Iterator[None]:
        event.listen(hub.store.core, "before_cursor_execute", self)
        try:
            yield
        finally:
            event.remove(hub.store.core, "before_cursor_execute", self)


def calmly(province: Province) -> int:
    province.loop().step()
    return 0


def killed_again_and_again(province: Province) -> int:
    """A step that is killed at its first statement, done anew and killed at its second … until it comes through."""
    for n in count():
        try:
            with Cut(n).watching(province.hub):
                province.loop().step()
        except (Killed, Unavailable):
            continue
        return n
    raise AssertionError


def story(province: Province, clock: HandClock, step: Callable[[Province], int]) -> int:
    """Four lines fall, three turn out to be the carrier's, one comes back, all come back. How often it was killed."""
    start = clock.wall
    for n in (1, 2, 4):
        province.flip(line(n), "down", start + n)
    province.flip(line(4), "ok", start + 5)
    clock.forward(70 * S)
    kills = step(province)
    province.flip(line(3), "down", start + 10)
    province.flip(line(4), "down", start + 65 * S)
    clock.forward(90 * S)
    kills += step(province)
    for n in (1, 2, 3, 4):
        province.flip(line(n), "ok", start + 160 * S)
    clock.forward(5 * MINUTE)
    return kills + step(province)


def test_a_step_killed_at_every_statement_is_done_again_and_nothing_is_double(
    province: Province, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alerts.incidents.writing.ACTS_A_JOB", 2)
    start = clock.wall
    story(province, clock, calmly)
    wanted = province.content()
    assert wanted["told"]
    _wipe(province.hub)
    clock.wall = start
    assert story(province, clock, killed_again_and_again) >= 15
    assert {**province.content(), "cursor": []} == {**wanted, "cursor": []}


def _wipe(hub: Hub) -> None:
    def job(conn: Connection) -> None:
        for table in (*alert_tables.sorted_tables, flip):
            conn.execute(delete(table))

    hub.store.writer.do(job)


# --- from measurements -----------------------------------------------------------------------------------------------


def test_lost_trains_become_a_message_and_good_ones_its_end(hub: Hub, clock: HandClock) -> None:
    town = Town(hub)
    town.settle()
    judge, incidents = Judge(hub), Incidents(Province(hub, clock).desk, by_line, whole=True)

    def run(second: int, lost: int) -> None:
        clock.wall = ms(second)
        town.hear(clock.wall, since_ms=ms(0))
        times = list(range(second - 60, second, 10))
        lan = every(
            [float(s) for s in times], LINE.replace("line:", "lan:").partition("/")[0], lost=0, target="gateway"
        )
        town.send([*lan, *every([s + 0.5 for s in times], LINE, lost=lost)])
        for step in (judge.step, incidents.step):
            for _ in range(50):
                if step() > 0:
                    break

    for second, lost in ((60, 0), (120, 0), (180, 5), (240, 5), (300, 0), (360, 0), (420, 0)):
        run(second, lost)
    with hub.store.reading() as conn:
        [row] = conn.execute(select(incident)).all()
    assert (row.cause, row.stage) == (LINE, "closed")
    assert (row.since_ms - T0, row.ended_ms - T0) == (120_500, 240_500)
    told = Province(hub, clock).content()["told"]
    assert [key for key, _ in told] == ["#1/call/0/officer", f"#1/recovered/0-{row.since_ms}/officer"]
    with hub.store.reading() as conn:
        assert conn.scalar(select(func.count()).select_from(incident)) == 1
