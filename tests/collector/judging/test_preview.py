"""A policy tried over what is kept: the same finds nothing, another says what it would change, nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from collector.api import NotFound
from collector.hub import Hub
from collector.judge.facts import Fact
from collector.judge.timeline import ALWAYS, Segment
from collector.judging import flips
from collector.judging import preview as trial
from collector.judging.differences import Told, differences
from collector.judging.loop import Judge
from collector.judging.policy import Policy, parse_policy, read_policy_file
from collector.judging.preview import Preview, preview
from collector.store import tables
from tests.support.handclock import HandClock
from tests.support.measured import CENTRE, DEVICE, LAN, LINE, every, ms, report, train
from tests.support.town import Town

RAW, NAME = read_policy_file(None)
HOUR_MS = 3_600_000
END_S = 3_700


def candidate(*replacements: tuple[str, str]) -> Policy:
    text = RAW.decode()
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    return parse_policy(text.encode(), "candidate")


SAME = candidate()


def story(seed: int) -> list[list[Fact]]:
    """An hour in batches of a minute, with outages, losses, slowness, full disks and gaps."""
    dice, batches = Random(seed), []
    for minute in range(60):
        lan = dice.choice([0, 0, 0, 0, 5])
        line = 5 if lan else dice.choice([0, 0, 0, 1, 5])
        seconds = [minute * 60 + n * 10 for n in range(6)]
        facts = every(seconds, LAN, lost=lan, target="gateway")
        facts += [train(s + 0.5, LINE, lost=line, rtt_s=dice.choice([0.01, 0.06])) for s in seconds]
        facts += [report(minute * 60 + 30, ("motcua_device_disk_used_ratio", "/", dice.choice([0.5, 0.97])))]
        if dice.random() > 0.1:
            batches.append(facts)
    return batches


@pytest.fixture
def town(hub: Hub, clock: HandClock) -> Town:
    made = Town(hub)
    made.settle()
    clock.wall = ms(0)
    return made


@pytest.fixture
def lived(hub: Hub, town: Town, clock: HandClock) -> Callable[[Sequence[Sequence[Fact]]], None]:
    """Let an hour pass, and have all of it judged."""

    def live(batches: Sequence[Sequence[Fact]]) -> None:
        judge = Judge(hub)
        judge.step()  # version 1 begins before anything is measured
        town.hear(ms(END_S), since_ms=ms(0))
        for batch in batches:
            town.send(batch)
        clock.wall = ms(END_S)
        while judge.step() == 0:
            pass

    return live


def tried(hub: Hub, policy: Policy, *, from_ms: int = 0, to_ms: int = ALWAYS) -> Preview:
    return preview(hub.store, policy, from_ms=from_ms, to_ms=to_ms, now_ms=hub.clock.wall_ms())


def everything(hub: Hub) -> list[tuple[str, int | None]]:
    """How many rows each table holds."""
    with hub.store.reading() as conn:
        return [
            (name, conn.scalar(select(func.count()).select_from(table))) for name, table in tables.core.tables.items()
        ]


def rows_of(hub: Hub) -> list[tuple[object, ...]]:
    with hub.store.reading() as conn:
        return [tuple(row) for row in conn.execute(select(tables.flip).order_by(tables.flip.c.seq))]


# --- what it finds --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 7, 23])
def test_the_same_policy_finds_no_difference(
    hub: Hub, lived: Callable[[Sequence[Sequence[Fact]]], None], seed: int
) -> None:
    lived(story(seed))
    made = tried(hub, SAME)
    assert (made.counts, made.listed, made.times) == ({"appears": 0, "vanishes": 0, "moves": 0}, [], [])
    assert (made.centres, made.centres_without, made.subjects) == (1, 0, 5)
    assert made.facts > 500


def test_what_is_judged_by_the_policies_in_force_is_what_is_on_record(
    hub: Hub, lived: Callable[[Sequence[Sequence[Fact]]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    lived(story(7))
    told: list[dict[str, list[Segment]]] = []
    monkeypatch.setattr(trial, "_sum_up", lambda _made, telling, _span: told.append(telling.changes[0]))
    for window_ms in (trial.WINDOW_MS, 600_000, 61_000):
        monkeypatch.setattr(trial, "WINDOW_MS", window_ms)
        tried(hub, SAME)
    with hub.store.reading() as conn:
        held = flips.effective(conn, [LAN, LINE, DEVICE, CENTRE], 0, ALWAYS)
    record = {key: [(f.at_ms, f.to, f.reason) for f in rows] for key, rows in held.items()}
    assert sum(map(len, record.values())) > 30
    for changes in told:
        assert {key: [(s.at, s.state, s.reason) for s in changes[key]] for key in record} == record


def test_a_looser_limit_says_which_changes_would_not_be(
    hub: Hub, lived: Callable[[Sequence[Sequence[Fact]]], None]
) -> None:
    slow = [train(s, LINE, rtt_s=0.06) for s in range(0, 1_800, 10)]
    fast = [train(s, LINE, rtt_s=0.01) for s in range(1_800, 3_700, 10)]
    lived([[*slow, *fast, *every(range(0, 3_700, 10), LAN, target="gateway")]])
    made = tried(hub, candidate(("rtt_s = 0.05", "rtt_s = 0.08")))
    assert [(d.subject, d.what, d.state) for d in made.listed if d.subject == LINE] == [
        (LINE, "vanishes", "degraded"),
        (LINE, "vanishes", "ok"),
    ]
    (line,) = [t for t in made.times if t.subject == LINE]
    assert line.old_ms["degraded"] > 20 * 60_000
    assert "degraded" not in line.new_ms
    assert line.new_ms["ok"] == line.old_ms["ok"] + line.old_ms["degraded"]
    assert made.counts["vanishes"] == len(made.listed) == 4  # the centre's too


def test_a_stricter_count_says_what_would_appear_and_a_looser_one_what_would_vanish(
    hub: Hub, lived: Callable[[Sequence[Sequence[Fact]]], None]
) -> None:
    lost = {60, 600, 610, 620, 630}
    trains = [train(s + 0.5, LINE, lost=5 if s in lost else 0) for s in range(0, 3_700, 10)]
    lived([[*every(range(0, 3_700, 10), LAN, target="gateway"), *trains]])

    def found(raw: str) -> list[tuple[str, float]]:
        made = tried(hub, candidate(("lost_trains = 3\ngood", raw + "\ngood")))
        return [(d.what, (d.at_ms - ms(0)) / 1000) for d in made.listed if (d.subject, d.state) == (LINE, "down")]

    assert found("lost_trains = 1") == [("appears", 60.5)]
    assert found("lost_trains = 5") == [("vanishes", 600.5)]


def test_where_a_longer_time_holds_stale_begins_later_and_has_moved(
    hub: Hub, lived: Callable[[Sequence[Sequence[Fact]]], None]
) -> None:
    seconds = [*range(0, 600, 10), *range(2_000, 3_700, 10)]
    lived([[*every(seconds, LAN, target="gateway"), *every(seconds, LINE)]])
    made = tried(hub, candidate(("stale_periods = 3", "stale_periods = 9")))
    moves = {d.subject: (d.was_ms, d.at_ms) for d in made.listed if d.what == "moves"}
    assert moves[LINE] == (ms(590 + 30), ms(590 + 90))
    assert made.counts["appears"] == made.counts["vanishes"] == 0


# --- what it covers -------------------------------------------------------------------------------------------------


def test_it_says_how_far_the_bodies_reach_and_does_not_look_behind_what_was_pruned(
    hub: Hub, lived: Callable[[Sequence[Sequence[Fact]]], None]
) -> None:
    lived([both for n in range(0, 3_600, 600) for both in [every(range(n, n + 600, 10), LINE)]])
    assert (tried(hub, SAME).from_ms, tried(hub, SAME).to_ms) == (ms(0), ms(END_S))
    with hub.store.reading() as conn:
        first = conn.scalar(select(func.min(tables.inbox.c.seq)))
    gone = update(tables.inbox).where(tables.inbox.c.seq == first).values(body=None)
    hub.store.writer.do(lambda conn: conn.execute(gone))
    made = tried(hub, candidate(("rtt_s = 0.05", "rtt_s = 0.001")))
    assert made.from_ms == made.latest_from_ms == ms(600)
    assert min(d.at_ms for d in made.listed) >= ms(600)


def test_only_the_time_asked_for_is_judged(hub: Hub, lived: Callable[[Sequence[Sequence[Fact]]], None]) -> None:
    lived(story(7))
    made = tried(hub, candidate(("disk_used = 0.95", "disk_used = 0.4")), from_ms=ms(1_200), to_ms=ms(2_400))
    assert (made.from_ms, made.to_ms) == (ms(1_200), ms(2_400))
    assert made.listed
    assert all(ms(1_200) <= d.at_ms < ms(2_400) for d in made.listed)
    assert all(sum(t.new_ms.values()) == sum(t.old_ms.values()) == 1_200_000 for t in made.times)


def test_a_centre_that_keeps_nothing_is_counted(
    hub: Hub, town: Town, lived: Callable[[Sequence[Sequence[Fact]]], None]
) -> None:
    town.settle("00001-1", "01ARZ3NDEKTSV4RRFFQ69G5FB0", "device:01ARZ3NDEKTSV4RRFFQ69G5FB1")
    lived([every(range(0, 60, 10))])
    made = tried(hub, SAME)
    assert (made.centres, made.centres_without) == (1, 1)
    with pytest.raises(NotFound, match="nothing to try"):
        tried(hub, SAME, from_ms=ms(END_S - 1))
    for only in ("00001-1", "99999-1"):
        with pytest.raises(NotFound, match="nothing to try"):
            preview(hub.store, SAME, from_ms=0, to_ms=ALWAYS, now_ms=hub.clock.wall_ms(), only=only)


def test_nothing_is_written(hub: Hub, lived: Callable[[Sequence[Sequence[Fact]]], None]) -> None:
    lived(story(7))
    before = everything(hub), rows_of(hub)
    assert tried(hub, candidate(("loss = 0.02", "loss = 0.3"))).listed
    assert (everything(hub), rows_of(hub)) == before


def test_differences_beyond_the_list_are_counted(
    hub: Hub, lived: Callable[[Sequence[Sequence[Fact]]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "LISTED", 3)
    lived(story(7))
    made = tried(hub, candidate(("disk_used = 0.95", "disk_used = 0.4")))
    assert len(made.listed) == 3
    assert made.left_out == sum(made.counts.values()) - 3 > 0


def test_progress_comes_to_its_end(
    hub: Hub, lived: Callable[[Sequence[Sequence[Fact]]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "WINDOW_MS", 1_000_000)
    lived(story(7))
    seen: list[tuple[int, int, str]] = []
    now_ms = hub.clock.wall_ms()
    preview(hub.store, SAME, from_ms=0, to_ms=now_ms, now_ms=now_ms, progress=lambda *told: seen.append(told))
    assert [done for done, _, _ in seen] == sorted(done for done, _, _ in seen)
    assert len(seen) == 4
    assert seen[-1][0] == seen[-1][1]


# --- pure -----------------------------------------------------------------------------------------------------------

STATES = st.sampled_from([("ok", None), ("down", "no_answer"), ("degraded", "loss"), ("unknown", "stale")])
CHANGES = st.lists(st.tuples(st.integers(0, 5 * HOUR_MS), STATES), max_size=12, unique_by=lambda c: c[0]).map(
    lambda found: [Segment(at, state, reason) for at, (state, reason) in sorted(found, key=lambda c: c[0])]  # type: ignore[arg-type]  # drawn from states
)


@given(CHANGES, CHANGES)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_differences_turn_the_one_into_the_other(old: list[Segment], new: list[Segment]) -> None:
    found = differences("s", old, new)
    words = {(s.at, s.state, s.reason) for s in old}
    for d in found:
        gone = {"appears": None, "vanishes": d.at_ms, "moves": d.was_ms}[d.what]
        if gone is not None:
            words.remove((gone, d.state, d.reason))
    words |= {(d.at_ms, d.state, d.reason) for d in found if d.what != "vanishes"}
    assert words == {(s.at, s.state, s.reason) for s in new}
    assert differences("s", old, old) == []


@given(CHANGES, st.integers(0, HOUR_MS), st.integers(2 * HOUR_MS, 6 * HOUR_MS))
def test_the_time_of_all_states_is_the_time_there_was(changes: list[Segment], first: int, last: int) -> None:
    inside = [s for s in changes if first <= s.at < last]
    assert sum(Told(Segment(0, "ok"), inside).spent_ms(first, last).values()) == last - first
