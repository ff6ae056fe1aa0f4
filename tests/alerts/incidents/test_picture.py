"""The picture kept in memory is at every moment the one that a fresh start would draw."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.correlate.limits import Limits
from alerts.correlate.picture import Topology
from alerts.incidents.ground import Ground
from alerts.incidents.picture import Intake
from collector.api import AgentInfo, Boot, Flip, LineInfo, PlannedItem, State, Window
from tests.alerts.incidents.test_reconcile import HOUR, LIMITS, MINUTE, T0, S
from tests.support.reader_double import World, add_centre

LINE = "line:07375-1/a"
STATES: tuple[State, ...] = ("ok", "degraded", "down", "unknown")


def record(world: World, subject: str, to: State | None, at: int, *, supersedes: int | None = None) -> int:
    seq = len(world.recorded_flips) + 1
    reason = None if to in (None, "ok") else "no_answer"
    world.recorded_flips.append(
        Flip(seq, subject, T0 + at, "ok", to, reason, {}, 1, (), world.now, supersedes)
    )  # fmt: skip
    return seq


def spells(intake: Intake, world: World) -> dict[str, list[tuple[str, int, int | None]]]:
    seen = intake.picture(world.now, Topology(), LIMITS).spells
    return {
        key: [(s.state, s.from_ms - T0, None if s.to_ms is None else s.to_ms - T0) for s in its]
        for key, its in seen.items()
    }


@pytest.fixture
def world() -> World:
    return World(now=T0)


def taken(world: World, limits: Limits = LIMITS) -> Intake:
    intake = Intake(world)
    intake.take_in(world.now, limits)
    return intake


def test_flips_are_spells_from_one_to_the_next(world: World) -> None:
    for at, state in ((0, "down"), (MINUTE, "degraded"), (2 * MINUTE, "ok"), (3 * MINUTE, "down")):
        record(world, LINE, state, at)  # type: ignore[arg-type]  # literals of the table above
    world.now += 4 * MINUTE
    assert spells(taken(world), world) == {
        LINE: [("down", 0, MINUTE), ("degraded", MINUTE, 2 * MINUTE), ("down", 3 * MINUTE, None)]
    }


def test_what_comes_for_three_days_ago_widens_the_look_for_a_while(world: World) -> None:
    record(world, LINE, "down", -50 * HOUR)
    record(world, LINE, "ok", -49 * HOUR)
    world.recorded_flips = [Flip(f.seq, f.subject, f.at_ms, f.from_state, f.to, f.reason, {}, 1, (), f.at_ms, None)
                            for f in world.recorded_flips]  # fmt: skip
    intake = taken(world)
    assert spells(intake, world) == {}
    record(world, "line:07375-1/b", "down", -49 * HOUR - 30 * MINUTE)
    record(world, "line:07375-1/b", "ok", -48 * HOUR)
    intake.take_in(world.now, LIMITS)
    assert sorted(spells(intake, world)) == [LINE, "line:07375-1/b"], "what happened beside it is seen as well"
    world.now += 21 * MINUTE
    intake.take_in(world.now, LIMITS)
    assert spells(intake, world) == {}


STEPS = st.lists(
    st.tuples(
        st.sampled_from([LINE, "lan:07375-1"]), st.sampled_from(STATES), st.integers(-60, 600),
        st.sampled_from(["add", "revise", "retract"]), st.booleans(),
    ),
    max_size=14,
)  # fmt: skip


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_taken_in_bit_by_bit_or_at_once_the_picture_is_the_same(
    steps: list[tuple[str, State, int, str, bool]],
) -> None:
    world = World(now=T0 + HOUR)
    kept = Intake(world)
    kept.take_in(world.now, LIMITS)
    for subject, state, second, what, look in steps:
        gone = {flip.supersedes for flip in world.recorded_flips}
        live = [f for f in world.recorded_flips if f.to is not None and f.seq not in gone and f.subject == subject]
        if what == "add" or not live:
            record(world, subject, state, second * S)
        else:
            at = live[-1].at_ms - T0
            record(world, subject, None if what == "retract" else state, at, supersedes=live[-1].seq)
        if look:
            kept.take_in(world.now, LIMITS)
    kept.take_in(world.now, LIMITS)
    assert spells(kept, world) == spells(taken(world), world)


def test_the_start_of_a_machine_keeps_the_moment_at_which_it_was_first_heard_of(world: World) -> None:
    add_centre(world, "07375-1", "Xã", "Commune", number=1)
    [agent] = world.listed_agents
    topology = Ground(world).topology(world.now)
    intake = taken(world)
    world.started = [Boot(agent.id, "b1", T0 - MINUTE, T0 - 30 * S)]
    first = intake.picture(world.now, topology, LIMITS).boots
    world.started = [Boot(agent.id, "b1", T0 - MINUTE + 40, T0 + HOUR)]
    assert intake.picture(world.now, topology, LIMITS).boots == first
    [boot] = first["07375-1"]
    assert (boot.agent, boot.at_ms, boot.known_ms) == (f"agent:{agent.id}", T0 - MINUTE, T0 - 30 * S)


def test_planned_stops_lie_by_what_they_are_about(world: World) -> None:
    window = Window(1, LINE, "07375-1", T0 - HOUR, T0 + HOUR, "bảo trì", "Lan", T0 - HOUR)
    world.stops = [window]
    assert taken(world).picture(world.now, Topology(), LIMITS).planned == {LINE: [window]}


def test_the_topology_is_that_of_inventory_register_and_plans(world: World) -> None:
    add_centre(world, "07375-1", "Xã", "Commune", number=1)
    world.known_lines = {
        "07375-1": [
            LineInfo("line:07375-1/b", "tslcd", "viettel", "C-2", None, "", "viettel-1", ""),
            LineInfo(LINE, "internet", "vnpt", "C-1", None, "", "vnpt-1", "default"),
        ]
    }  # fmt: skip
    ground = Ground(world)
    seen = ground.topology(world.now)
    assert [(key, line.carrier, line.group, line.leads) for key, line in sorted(seen.lines.items())] == [
        (LINE, "vnpt", "vnpt-1", True), ("line:07375-1/b", "viettel", "viettel-1", False),
    ]  # fmt: skip
    assert (seen.centre_of[LINE], LINE in seen.measured) == ("07375-1", True)
    assert [agent.role for agent in seen.agents.values()] == ["box"]
    world.items.append(PlannedItem("x", "a", "device:new", "pc", "self", 60.0))
    world.listed_agents.append(
        AgentInfo("x", "07375-1", "pc", "", "", 0, None, None, False, None, 1, (), "device:new")
    )  # fmt: skip
    assert len(ground.topology(world.now + 1).agents) == 2
