"""The judge's loop over a real store, step by step."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Connection, delete, func, select, update

from collector.api import Actor
from collector.commands import set_policy
from collector.hub import Hub
from collector.judge.facts import Fact
from collector.judge.timeline import ALWAYS
from collector.judging import flips, intake, loop
from collector.judging.flips import CursorMoved
from collector.judging.loop import IDLE_S, Judge
from collector.judging.policy import PolicyError
from collector.judging.versions import read_versions
from collector.store import tables
from collector.store.faults import Unavailable
from tests.support.handclock import HandClock
from tests.support.measured import BOX, CENTRE, DEVICE, LAN, LINE, T0, every, ms, report, train
from tests.support.town import Town

AGENT = f"agent:{BOX}"
ALL = (AGENT, LAN, LINE, DEVICE, CENTRE)


@pytest.fixture
def town(hub: Hub, clock: HandClock) -> Town:
    made = Town(hub)
    made.settle()
    clock.wall = T0
    return made


def at(clock: HandClock, second: float) -> int:
    clock.wall = ms(second)
    return clock.wall


def told(hub: Hub, subject: str) -> list[tuple[float, str | None, str | None]]:
    with hub.store.reading() as conn:
        rows = flips.effective(conn, [subject], 0, ALWAYS)[subject]
    return [((row.at_ms - T0) / 1000, row.to, row.reason) for row in rows]


def content(hub: Hub) -> dict[str, list[tuple[object, ...]]]:
    with hub.store.reading() as conn:
        found = flips.effective(conn, ALL, 0, ALWAYS)
    return {
        key: [(f.at_ms, f.from_state, f.to, f.reason, json.dumps(f.detail, sort_keys=True)) for f in rows]
        for key, rows in found.items()
    }


def run(judge: Judge, limit: int = 100) -> int:
    for n in range(1, limit + 1):
        if judge.step() > 0:
            return n
    raise AssertionError("the judge never comes to an end")


def both(seconds: Sequence[float], *, lan: int = 0, line: int = 0) -> list[Fact]:
    """Trains to the gateway and, half a second later, to the collector."""
    return [*every(seconds, LAN, lost=lan, target="gateway"), *every([s + 0.5 for s in seconds], LINE, lost=line)]


def test_an_outage_is_dated_from_the_first_lost_train_and_its_end_from_the_first_good_one(
    hub: Hub, town: Town, clock: HandClock
) -> None:
    judge = Judge(hub)
    town.hear(at(clock, 60), since_ms=ms(0))
    town.send(both(range(0, 60, 10)))
    run(judge)
    town.send(both(range(60, 120, 10), line=5))
    town.hear(at(clock, 120), since_ms=ms(60))
    run(judge)
    assert told(hub, LINE) == [(0.5, "ok", None), (60.5, "down", "no_answer")]
    assert told(hub, CENTRE)[-1] == (60.5, "down", "no_line")
    town.send(both(range(120, 180, 10)))
    at(clock, 180)
    run(judge)
    assert told(hub, LINE)[-1] == (120.5, "ok", None)
    assert told(hub, CENTRE)[-1] == (120.5, "ok", None)
    assert told(hub, LAN) == [(0.0, "ok", None)]


def test_a_judge_that_stays_behind_takes_larger_steps_and_tells_the_same(
    hub: Hub, town: Town, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.hear(at(clock, 7_200), since_ms=ms(0))
    for first in range(0, 7_200, 60):
        town.send(both(range(first, first + 60, 10), line=5 if 3_000 <= first < 3_600 else 0))
    monkeypatch.setattr(intake, "ROWS", 2)
    behind = run(Judge(hub))
    same = content(hub)
    hub.store.writer.do(lambda conn: conn.execute(delete(tables.flip)))
    hub.store.writer.do(lambda conn: conn.execute(update(tables.cursor).values(seq=0)))
    monkeypatch.setattr(loop, "MOST_READS", intake.READS)
    in_steps_of_every_day = run(Judge(hub))
    assert content(hub) == same
    assert behind < in_steps_of_every_day / 2


def test_silence_is_told_within_its_time_and_dated_from_the_last_sign_of_life(
    hub: Hub, town: Town, clock: HandClock
) -> None:
    judge = Judge(hub)
    town.hear(at(clock, 70), since_ms=ms(0))
    town.send(both(range(0, 60, 10)))
    run(judge)
    at(clock, 119)
    run(judge)
    assert told(hub, AGENT) == [(0.0, "ok", None)]
    at(clock, 120)
    run(judge)
    for subject in (AGENT, LAN, LINE, CENTRE):
        assert told(hub, subject)[-1] == (70.0, "unknown", "silent"), subject
    with hub.store.reading() as conn:
        assert conn.scalar(select(tables.heard.c.alert_after_ms)) is None


def test_what_the_spool_brings_later_replaces_the_silence(hub: Hub, town: Town, clock: HandClock) -> None:
    judge = Judge(hub)
    town.hear(ms(60), since_ms=ms(0))
    town.send(both(range(0, 60, 10)))
    at(clock, 200)
    run(judge)
    assert told(hub, LINE)[-1] == (60.5, "unknown", "silent")
    town.hear(at(clock, 400))
    town.send(both(range(360, 400, 10)))
    run(judge)
    assert told(hub, LINE) == [(0.5, "ok", None), (60.5, "unknown", "silent"), (360.5, "ok", None)]
    town.send(both(range(60, 360, 10), line=5), received_ms=ms(401))
    at(clock, 401)
    run(judge)
    assert told(hub, LINE) == [(0.5, "ok", None), (60.5, "down", "no_answer"), (360.5, "ok", None)]
    assert told(hub, AGENT) == [(0.0, "ok", None), (60.0, "unknown", "silent"), (400.0, "ok", None)]


def test_an_agent_that_is_heard_and_sends_nothing_makes_its_subjects_stale(
    hub: Hub, town: Town, clock: HandClock
) -> None:
    judge = Judge(hub)
    town.send(both(range(0, 60, 10)))
    for second in range(0, 200, 20):
        town.hear(at(clock, second))
        run(judge)
        if second <= 140:
            assert told(hub, LINE) == ([(0.5, "ok", None)]), second
    assert told(hub, LINE) == [(0.5, "ok", None), (80.5, "unknown", "stale")]


def test_a_condition_degrades_the_agent_while_it_holds(hub: Hub, town: Town, clock: HandClock) -> None:
    from collector.register import conditions

    judge = Judge(hub)
    town.hear(ms(0))
    run(judge)
    hub.store.writer.do(lambda conn: conditions.hold(conn, BOX, "clock_skew", "", at(clock, 20)))
    run(judge)
    assert told(hub, AGENT)[-1] == (20.0, "degraded", "clock_skew")
    hub.store.writer.do(lambda conn: conditions.clear(conn, BOX, "clock_skew", at(clock, 40)))
    run(judge)
    assert told(hub, AGENT)[-1] == (40.0, "ok", None)


def test_a_device_reports_a_full_disk_until_two_reports_say_otherwise(hub: Hub, town: Town, clock: HandClock) -> None:
    disk = "motcua_device_disk_used_ratio"
    town.send([report(n * 60, (disk, "/", used)) for n, used in enumerate([0.5, 0.97, 0.5, 0.97, 0.5, 0.5])])
    town.hear(at(clock, 310), since_ms=ms(0))
    run(Judge(hub))
    assert told(hub, DEVICE) == [(0.0, "ok", None), (60.0, "degraded", "disk_low"), (240.0, "ok", None)]


# --- determinism, restarts, several judges --------------------------------------------------------------------------


def story(seed: int) -> list[list[Fact]]:
    """Batches of a minute over an hour with outages, losses and gaps."""
    dice, batches = Random(seed), []
    for minute in range(60):
        lan = dice.choice([0, 0, 0, 0, 5])
        line = 5 if lan else dice.choice([0, 0, 0, 1, 5])
        facts = both([minute * 60 + n * 10 for n in range(6)], lan=lan, line=line)
        facts += [report(minute * 60 + 30, ("motcua_device_disk_used_ratio", "/", dice.choice([0.5, 0.99])))]
        if dice.random() > 0.1:
            batches.append(facts)
    return batches


def test_in_any_order_and_judged_after_every_batch_or_once_it_is_the_same(
    hub: Hub, town: Town, clock: HandClock
) -> None:
    batches = story(7)
    town.hear(at(clock, 3_700), since_ms=ms(0))
    judge = Judge(hub)
    Random(3).shuffle(batches)
    for batch in batches:
        town.send(batch, received_ms=ms(3_700))
        run(judge)
    by_and_by = content(hub)

    def forget(conn: Connection) -> None:
        for table in (tables.flip, tables.cursor):
            conn.execute(table.delete())

    hub.store.writer.do(forget)
    run(Judge(hub))
    assert content(hub) == by_and_by
    assert {to for rows in by_and_by.values() for _, _, to, *_ in rows} == {"ok", "down", "degraded", "unknown"}


def test_a_step_that_cannot_be_written_is_done_again(
    hub: Hub, town: Town, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.hear(at(clock, 60), since_ms=ms(0))
    town.send(both(range(0, 60, 10), line=5))
    judge = Judge(hub)

    def full(_conn: Connection, _edits: object, _now_ms: int) -> None:
        raise Unavailable("disk_full", "no space")

    with monkeypatch.context() as broken:
        broken.setattr(flips, "write", full)
        with pytest.raises(Unavailable):
            judge.step()
    assert told(hub, LINE) == []
    run(judge)
    assert told(hub, AGENT) == [(0.0, "ok", None)]
    assert told(hub, LINE) == [(0.5, "down", "no_answer")]


def test_judging_again_what_was_judged_writes_nothing(hub: Hub, town: Town, clock: HandClock) -> None:
    for batch in story(1):
        town.send(batch)
    town.hear(at(clock, 3_600), since_ms=ms(0))
    run(Judge(hub))
    with hub.store.reading() as conn:
        before = conn.scalar(select(func.count()).select_from(tables.flip))
    # As after a kill between the flips and the cursor.
    hub.store.writer.do(lambda conn: conn.execute(update(tables.cursor).values(seq=0)))
    run(Judge(hub))
    with hub.store.reading() as conn:
        assert conn.scalar(select(func.count()).select_from(tables.flip)) == before


def test_two_judges_do_not_write_the_same_flip_twice(hub: Hub, town: Town, clock: HandClock) -> None:
    first, second = Judge(hub), Judge(hub)
    town.hear(at(clock, 0))
    run(first)
    run(second)
    town.send(both(range(0, 60, 10)))
    town.hear(at(clock, 60), since_ms=ms(0))
    run(first)
    run(second)
    assert told(hub, LINE) == [(0.5, "ok", None)]
    with hub.store.reading() as conn:
        rows = flips.after(conn, 0, 100)
    assert len({(row.subject, row.at_ms) for row in rows}) == len(rows)


def test_a_judge_whose_cursor_was_moved_by_another_writes_nothing(
    hub: Hub, town: Town, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.send(both(range(0, 60, 10)))
    town.hear(at(clock, 60))
    slow, other = Judge(hub), Judge(hub)
    judged = Judge._judge

    def meanwhile(self: Judge, *args: object) -> object:
        if self is slow:
            run(other)
        return judged(self, *args)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(Judge, "_judge", meanwhile)
    with pytest.raises(CursorMoved):
        slow.step()
    monkeypatch.undo()
    run(slow)
    with hub.store.reading() as conn:
        rows = flips.after(conn, 0, 100)
    assert len({(row.subject, row.at_ms) for row in rows}) == len(rows)


def test_a_backlog_of_one_agent_is_judged_in_few_bounded_steps(hub: Hub, town: Town, clock: HandClock) -> None:
    rows = [town.row(both([n * 60, n * 60 + 30], line=5 if n % 100 < 5 else 0)) for n in range(1_200)]
    hub.store.writer.do(lambda conn: conn.execute(tables.inbox.insert(), rows))
    town.hear(at(clock, 1_200 * 60))
    assert run(Judge(hub)) <= 4
    # Only two trains a minute: every other gap is a minute long, so the plan's ten seconds make it stale.
    assert {to for _, to, _ in told(hub, LINE)} >= {"ok", "unknown"}


# --- policy, pruned bodies ------------------------------------------------------------------------------------------


def test_a_changed_policy_file_rules_from_now_on(hub: Hub, town: Town, clock: HandClock) -> None:
    home = hub.settings.home
    town.hear(at(clock, 300), since_ms=ms(0))
    town.send([train(n * 10, LINE, rtt_s=0.04) for n in range(30)])
    run(Judge(hub))
    text = (Path(__file__).parents[3] / "province" / "policy.toml").read_text("utf-8")
    (home / "policy.toml").write_text(text.replace("rtt_s = 0.05", "rtt_s = 0.03"), "utf-8")
    later = Judge(hub)
    run(later)
    town.hear(at(clock, 420), since_ms=ms(300))
    town.send([train(n * 10, LINE, rtt_s=0.04) for n in range(30, 42)])
    run(later)
    assert told(hub, LINE) == [(0.0, "ok", None), (310.0, "degraded", "slow")]
    with hub.store.reading() as conn:
        assert [f.policy_version for f in flips.effective(conn, [LINE], 0, ALWAYS)[LINE]] == [1, 2]


PROVINCE = (Path(__file__).parents[3] / "province" / "policy.toml").read_text("utf-8")
STRICTER = PROVINCE.replace("rtt_s = 0.05", "rtt_s = 0.03").encode()


def versions(hub: Hub, subject: str) -> list[tuple[float, str | None, int]]:
    with hub.store.reading() as conn:
        rows = flips.effective(conn, [subject], 0, ALWAYS)[subject]
    return [((row.at_ms - T0) / 1000, row.to, row.policy_version) for row in rows]


def test_a_policy_set_by_another_process_rules_from_its_moment_on_in_event_time(
    hub: Hub, town: Town, clock: HandClock
) -> None:
    judge = Judge(hub)
    town.hear(at(clock, 0))
    run(judge)
    town.hear(ms(300), since_ms=ms(0))
    town.send([train(n * 10, LINE, rtt_s=0.04) for n in range(30)])
    at(clock, 300)
    run(judge)
    assert set_policy(hub, Actor("Lan", "session"), STRICTER, "new.toml").number == 2
    # What comes late was measured under the old one, and is judged by it; what comes now by the new one.
    town.send([train(n * 10 + 5, LINE, rtt_s=0.04) for n in range(30)], received_ms=ms(301))
    town.hear(ms(420), since_ms=ms(300))
    town.send([train(n * 10, LINE, rtt_s=0.04) for n in range(30, 42)])
    at(clock, 420)
    run(judge)
    assert versions(hub, LINE) == [(0.0, "ok", 1), (300.0, "degraded", 2)]
    with hub.store.reading() as conn:
        assert [f.policy_version for f in flips.history_of(conn, AGENT, 10)] == [1]


def test_what_was_told_between_the_setting_and_the_taking_up_is_judged_anew(
    hub: Hub, town: Town, clock: HandClock
) -> None:
    old = Judge(hub)
    town.hear(at(clock, 420), since_ms=ms(0))
    clock.wall = ms(0)
    run(old)
    town.send([train(n * 10, LINE, rtt_s=0.04) for n in range(42)])
    at(clock, 420)
    run(old)
    assert versions(hub, LINE) == [(0.0, "ok", 1)]
    clock.wall = ms(300)  # the other process set it a while ago; this one had not looked yet
    set_policy(hub, Actor("Lan", "session"), STRICTER, "new.toml")
    at(clock, 421)
    run(old)
    assert versions(hub, LINE) == [(0.0, "ok", 1), (300.0, "degraded", 2)]


def test_a_judge_that_ended_before_it_took_a_policy_up_is_corrected_by_the_next(
    hub: Hub, town: Town, clock: HandClock
) -> None:
    clock.wall = ms(0)
    run(Judge(hub))
    town.hear(at(clock, 345), since_ms=ms(0))
    town.send([train(n * 10, LINE, rtt_s=0.04) for n in range(34)])
    run(Judge(hub))
    clock.wall = ms(300)
    set_policy(hub, Actor("Lan", "session"), STRICTER, "new.toml")
    at(clock, 350)
    run(Judge(hub))
    assert versions(hub, LINE) == [(0.0, "ok", 1), (300.0, "degraded", 2)]


def test_a_running_judge_looks_for_a_new_policy_within_its_promise(hub: Hub, town: Town, clock: HandClock) -> None:
    judge = Judge(hub)
    town.hear(at(clock, 0))
    run(judge)
    set_policy(hub, Actor("Lan", "session"), STRICTER, "new.toml")
    assert judge.step() == IDLE_S <= 5
    assert judge._book is not None
    assert judge._book.policies.versions[-1].number == 2


def test_a_file_that_did_not_change_does_not_overrule_what_a_person_set(hub: Hub, town: Town, clock: HandClock) -> None:
    own = hub.settings.home / "policy.toml"
    own.write_text(PROVINCE, "utf-8")
    at(clock, 0)
    run(Judge(hub))
    at(clock, 10)
    set_policy(hub, Actor("Lan", "session"), STRICTER, "new.toml")
    at(clock, 20)
    for _ in range(2):
        run(Judge(hub))
    with hub.store.reading() as conn:
        assert [(v.number, v.set_by) for v in read_versions(conn, 9)] == [(2, "Lan"), (1, "")]
    own.write_text(PROVINCE.replace("rtt_s = 0.05", "rtt_s = 0.07"), "utf-8")
    run(Judge(hub))
    with hub.store.reading() as conn:
        assert [v.number for v in read_versions(conn, 9)] == [3, 2, 1]


def test_a_policy_that_cannot_be_used_stops_the_judge_and_names_the_key(hub: Hub, town: Town) -> None:
    (hub.settings.home / "policy.toml").write_text("[line]\nlost_train = 3\n", "utf-8")
    with pytest.raises(PolicyError, match=r"policy\.toml: unknown key line\.lost_train; did you mean lost_trains\?"):
        Judge(hub).step()


def test_where_bodies_are_gone_late_data_fills_silence_and_overrules_nothing(
    hub: Hub, town: Town, clock: HandClock
) -> None:
    judge = Judge(hub)
    town.hear(ms(60), since_ms=ms(0))
    town.send(both(range(0, 60, 10)))
    at(clock, 200)
    run(judge)
    town.hear(at(clock, 600))
    town.send(both(range(560, 600, 10)))
    run(judge)
    hub.store.writer.do(lambda conn: conn.execute(update(tables.inbox).values(body=None)))
    town.send(both(range(30, 120, 10), line=5), received_ms=ms(601))
    at(clock, 601)
    run(Judge(hub))
    with hub.store.reading() as conn:
        rows = flips.effective(conn, [LINE], 0, ALWAYS)[LINE]
    assert [((f.at_ms - T0) / 1000, f.to, f.reason) for f in rows] == [
        (0.5, "ok", None),
        (60.5, "down", "no_answer"),
        (120.5, "unknown", "silent"),
        (560.5, "ok", None),
    ]
    assert rows[1].detail["partial"] == 1


def test_a_judge_that_found_bodies_gone_once_does_not_take_them_for_empty_the_next_time(
    hub: Hub, town: Town, clock: HandClock
) -> None:
    town.hear(ms(60), since_ms=ms(0))
    town.send(both(range(0, 60, 10)))
    at(clock, 200)
    run(Judge(hub))
    hub.store.writer.do(lambda conn: conn.execute(update(tables.inbox).values(body=None)))
    judge = Judge(hub)
    for late in (12, 22):
        town.send(both(range(late, late + 30, 10), line=5), received_ms=at(clock, 201 + late))
        run(judge)
        assert told(hub, LINE) == [(0.5, "ok", None), (60.5, "unknown", "silent")]


def test_after_a_restart_what_went_stale_meanwhile_is_told(hub: Hub, town: Town, clock: HandClock) -> None:
    town.hear(at(clock, 60), since_ms=ms(0))
    town.send(both(range(0, 60, 10)))
    run(Judge(hub))
    town.hear(at(clock, 1_000), since_ms=ms(60))
    run(Judge(hub))
    assert told(hub, LINE) == [(0.5, "ok", None), (80.5, "unknown", "stale")]
    assert told(hub, AGENT) == [(0.0, "ok", None)]
