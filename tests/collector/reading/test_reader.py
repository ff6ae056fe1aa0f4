"""The reader of the collector's door, over what judge and history wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from collector.api import NotFound
from collector.history.charts import share, width_ms
from collector.history.keeping import History
from collector.hub import Hub
from collector.judging.loop import Judge
from collector.reading.reader import HubReader
from collector.register import plans, tasks
from collector.store import tables
from tests.support.handclock import HandClock
from tests.support.measured import BOX, CENTRE, DEVICE, LAN, LINE, every, ms, report, train
from tests.support.town import EPOCH, Town
from wire.messages import PlanItem

if TYPE_CHECKING:
    from collector.api import Reader

AGENT = f"agent:{BOX}"


@pytest.fixture
def town(hub: Hub, clock: HandClock) -> Town:
    made = Town(hub)
    made.settle()
    clock.wall = ms(0)
    return made


@pytest.fixture
def reader(hub: Hub, town: Town, clock: HandClock) -> Reader:
    """Two minutes: a lan that answers, a line that is cut for the second half, a report of the device."""
    town.hear(ms(120), since_ms=ms(0))
    town.send([*every(range(0, 60, 10), LAN, target="gateway"), *every(range(5, 65, 10), LINE), report(30)])
    late = [*every(range(60, 120, 10), LAN, target="gateway"), *every(range(65, 125, 10), LINE, lost=5)]
    town.send([f for f in late if f.at <= ms(120)])
    clock.wall = ms(120)
    judge, history = Judge(hub), History(hub)
    while judge.step() == 0 or history.step() == 0:
        pass
    hub.roles = ("judge",)
    return HubReader(hub)


def test_standings_tell_state_since_and_as_of(reader: Reader) -> None:
    told = {key: (s.state, s.reason, s.since_ms, s.as_of_ms) for key, s in reader.standings("00000-1").items()}
    assert told == {
        AGENT: ("ok", None, ms(0), ms(120)),
        LAN: ("ok", None, ms(0), ms(110)),
        LINE: ("down", "no_answer", ms(65), ms(115)),
        DEVICE: ("ok", None, ms(30), ms(30)),
        CENTRE: ("down", "no_line", ms(65), ms(115)),
    }
    assert reader.standings() == reader.standings("00000-1")
    assert reader.standings("00000-9") == {}


def test_what_was_never_measured_says_so(hub: Hub, town: Town) -> None:
    standing = HubReader(hub).standings("00000-1")[LINE]
    assert (standing.state, standing.reason, standing.as_of_ms) == ("unknown", "never_measured", None)


def test_evidence_leads_to_what_was_asked_and_answered(reader: Reader) -> None:
    evidence = reader.standings()[LINE].evidence
    found = [reader.observation(key) for key in evidence]
    assert [(o.at_ms, o.observation.outcome) for o in found] == [(ms(s), "fail") for s in (65, 75, 85)]


@pytest.mark.parametrize("key", ["", "a/b/c", f"{BOX}/x/1/0", f"{BOX}/{EPOCH}/1/99", "a/b/x/0"])
def test_an_observation_that_is_not_there_is_not_found(reader: Reader, key: str) -> None:
    with pytest.raises(NotFound):
        reader.observation(key)


def test_intervals_cover_the_span_without_a_hole(reader: Reader) -> None:
    [never, ok, down] = reader.intervals([LINE], ms(-60), ms(600))[LINE]
    assert (never.state, never.reason, never.from_ms, never.to_ms) == ("unknown", "never_measured", ms(-60), ms(5))
    assert (ok.state, ok.from_ms, ok.to_ms) == ("ok", ms(5), ms(65))
    assert (down.state, down.from_ms, down.to_ms) == ("down", ms(65), ms(600))
    [inside] = reader.intervals([LINE], ms(70), ms(80))[LINE]
    assert (inside.state, inside.from_ms, inside.to_ms) == ("down", ms(70), ms(80))
    assert reader.intervals([LINE], ms(70), ms(70)) == {LINE: []}


def test_flips_are_read_by_cursor(reader: Reader) -> None:
    every_flip = reader.flips()
    assert [f.seq for f in every_flip] == sorted(f.seq for f in every_flip)
    assert reader.flips(every_flip[0].seq, 2) == every_flip[1:3]
    assert reader.flips(every_flip[-1].seq) == []


def test_the_flips_of_a_subject_come_newest_first_with_what_was_revised(
    hub: Hub, town: Town, reader: Reader, clock: HandClock
) -> None:
    assert [(f.at_ms, f.to) for f in reader.flips_of(LINE)] == [(ms(65), "down"), (ms(5), "ok")]
    town.send([train(61, LINE, lost=5, target="collector")])  # late: the outage began a little earlier
    clock.wall = ms(121)
    Judge(hub).step()
    revision, old, _ = reader.flips_of(LINE)
    assert (revision.at_ms, revision.to, revision.supersedes) == (ms(61), "down", old.seq)
    assert (old.at_ms, old.to, old.supersedes) == (ms(65), "down", None)
    assert reader.standings()[LINE].since_ms == ms(61)
    assert len(reader.flips_of(LINE, 1)) == 1


def test_latest_holds_the_newest_of_each_target(reader: Reader) -> None:
    found = {o.observation.subject: o.at_ms for o in reader.latest("00000-1")}
    assert found == {LAN: ms(110), LINE: ms(115), DEVICE: ms(30)}


def test_observations_come_newest_first_and_older_than_asked(reader: Reader) -> None:
    found = reader.observations(LINE, ms(115), 3)
    assert [o.at_ms for o in found] == [ms(105), ms(95), ms(85)]
    assert reader.observations(LINE, ms(0)) == []
    assert reader.observations("line:00000-9/a", ms(500)) == []


def test_history_gives_buckets_their_resolution_and_coverage(reader: Reader) -> None:
    [lost, sent] = reader.history(
        LINE, ["motcua_line_received_packets", "motcua_line_sent_packets"], ms(0), ms(120), points=2
    )
    assert (lost.metric, lost.target, lost.resolution_s) == ("motcua_line_received_packets", "collector", 60.0)
    assert [(p.count, p.min, p.max) for p in lost.points if p.at_ms >= ms(60)] == [(6, 0.0, 0.0)]
    assert sum(p.count for p in sent.points) == 12
    assert sent.coverage == 1.0


def test_coverage_is_the_share_of_what_the_plans_of_that_time_asked_for(hub: Hub, reader: Reader) -> None:
    # From second 60 on a train every five seconds was planned: 6 + 12, of which 12 came.
    faster = [PlanItem("x", LINE, "reach", "collector", 5.0, 4.0)]
    hub.store.writer.do(lambda conn: plans.put(conn, BOX, faster, ms(60)))
    [rtt] = reader.history(LINE, ["motcua_line_rtt_seconds"], ms(0), ms(120))
    assert rtt.coverage == pytest.approx(12 / 18)
    assert sum(p.count for p in rtt.points) == 6
    [lan] = reader.history(LAN, ["motcua_lan_rtt_seconds"], ms(60), ms(120))
    assert lan.coverage is None


@pytest.mark.parametrize(
    ("span_s", "points", "width_s"),
    [
        pytest.param(120, 288, 1, id="two minutes"),
        pytest.param(86_400, 288, 300, id="a day"),
        pytest.param(7 * 86_400, 288, 3_600, id="a week"),
        pytest.param(400 * 86_400, 10, 40 * 86_400, id="beyond days"),
        pytest.param(86_400, 0, 86_400, id="no points are one"),
    ],
)
def test_the_bucket_is_the_narrowest_that_fits(span_s: int, points: int, width_s: int) -> None:
    assert width_ms(0, span_s * 1000, points) == width_s * 1000


def test_more_than_was_planned_is_all_of_it() -> None:
    assert (share(13, 12.0), share(0, 12.0), share(5, 0.0)) == (1.0, 0.0, None)


def test_the_register_and_the_plan_are_told(reader: Reader) -> None:
    assert [c.key for c in reader.centres()] == ["00000-1"]
    assert {s.key for s in reader.subjects("00000-1")} == {AGENT, LAN, LINE, DEVICE, CENTRE}
    assert reader.subjects("00000-9") == []
    assert [(i.subject, i.period_s) for i in reader.planned("00000-1")] == [(LAN, 10.0), (LINE, 10.0), (DEVICE, 60.0)]
    [agent] = reader.agents()
    assert (agent.id, agent.silent, agent.last_heard_ms, agent.plan_version) == (BOX, False, ms(120), 1)


def test_tasks_of_a_centre_newest_first(hub: Hub, reader: Reader) -> None:
    asked = hub.store.writer.do(lambda conn: tasks.request(conn, BOX, f"{BOX}-1", by="Lan", now_ms=ms(1)))
    assert reader.tasks("00000-1") == [asked]
    assert reader.tasks("00000-9") == []


def test_a_session_nobody_opened_speaks_for_nobody(reader: Reader) -> None:
    assert reader.actor("none") is None


def test_health_counts_lags_and_names_its_database(hub: Hub, town: Town, reader: Reader, clock: HandClock) -> None:
    health = reader.health()
    assert (health.inbox_rows, health.agents, health.silent, health.roles) == (2, 1, 0, ("judge",))
    assert health.lags_s == {"judge": 0.0, "history": 0.0}
    assert health.database == hub.store.dialect
    assert min(health.inbox_bytes, health.disk_free_bytes) > 0
    town.send([train(130)], received_ms=ms(131))
    town.send([train(140)], received_ms=ms(151))
    assert reader.health().lags_s == {"judge": 20.0, "history": 20.0}
    clock.wall = ms(400)
    assert reader.health().silent == 1


def test_the_revision_changes_with_flips_latest_and_tasks(
    hub: Hub, town: Town, reader: Reader, clock: HandClock
) -> None:
    seen = [reader.revision(), reader.revision()]
    town.send(every(range(125, 175, 10), LINE))
    History(hub).step()
    seen.append(reader.revision())
    clock.wall = ms(180)
    Judge(hub).step()
    seen.append(reader.revision())
    hub.store.writer.do(lambda conn: tasks.request(conn, BOX, f"{BOX}-1", by="Lan", now_ms=ms(181)))
    seen.append(reader.revision())
    assert seen[0] == seen[1]
    assert len(set(seen)) == 4


def test_where_bodies_are_gone_what_was_kept_whole_is_still_found(hub: Hub, reader: Reader) -> None:
    key = next(stored.id for stored in reader.latest("00000-1") if stored.observation.subject == LINE)
    changed = reader.observations(LINE, ms(66), 1)
    hub.store.writer.do(lambda conn: conn.execute(update(tables.inbox).values(body=None)))
    assert [stored.observation.subject for stored in reader.latest("00000-1")] == [DEVICE]  # its first was its last
    assert [stored.at_ms for stored in reader.observations(LINE, ms(500))] == [ms(65), ms(5)]
    assert reader.observations(LINE, ms(500), 1) == changed == [reader.observation(changed[0].id)]
    with pytest.raises(NotFound):
        reader.observation(key)


def test_the_limits_are_those_of_the_policy_in_force(reader: HubReader) -> None:
    assert reader.limits()["motcua_device_disk_used_ratio"] == 0.95
