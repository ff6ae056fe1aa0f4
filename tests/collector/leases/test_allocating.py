"""Who may load which line when: turns by lot, one test at a time on an uplink, people first, budgets kept."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.judging.policy import Bandwidth
from collector.leases.slots import Server, Slot
from collector.leases.windows import DAY_MS, HOUR_MS
from tests.support.leased import ONE, Desk, at, must_hold, office
from wire.leasing import WHYS

MINUTE_MS = 60_000
BOTH = (Server("https://one.example:1", 300_000_000, 3), Server("https://two.example:1", 100_000_000, 3))


def reserved(desk: Desk, line: str) -> Slot:
    [slot] = [s for s in desk.book.of_line(line) if s.state == "reserved"]
    return slot


def turn_of(desk: Desk, line: str, now_ms: int, group: str = "") -> Slot:
    """The turn a line gets when it asks."""
    found = desk.ask(line, now_ms, group=group)
    assert (found.given, found.why) == (None, "window")
    slot = reserved(desk, line)
    assert found.again_ms == slot.from_ms - now_ms
    return slot


def test_a_line_is_told_its_turn_keeps_it_and_gets_the_lease_then() -> None:
    desk = Desk()
    slot = turn_of(desk, "a", at(6))
    assert desk.ask("a", at(6.2)).again_ms == slot.from_ms - at(6.2)
    lease = desk.ask("a", slot.from_ms + 800)
    assert lease.given is not None
    assert (lease.given.id, lease.given.from_ms, lease.given.state) == (slot.id, slot.from_ms, "held")
    assert desk.ask("a", slot.from_ms + 2_000).given == lease.given  # the answer was lost: the same lease again


def test_a_turn_lies_within_the_windows_and_away_from_full_hours() -> None:
    desk = Desk(policy=Bandwidth(working_share=0.5))
    slots = [turn_of(desk, f"line-{n}", at(0.1)) for n in range(60)]
    hours = [(slot.from_ms - at(0)) / HOUR_MS for slot in slots]
    rush = [h for h in hours if 7.5 <= h < 9.5 or 13.5 <= h < 15.5]
    working = [h for h in hours if 9.5 <= h < 11.5 or 15.5 <= h < 17]
    assert rush == []
    assert 15 <= len(working) <= 45
    assert all(3 / 60 <= h % 1 <= 59 / 60 for h in hours)


def test_the_same_question_has_the_same_answer() -> None:
    assert [turn_of(Desk(), "a", at(6)).from_ms for _ in range(3)] == [turn_of(Desk(), "a", at(6)).from_ms] * 3
    assert turn_of(Desk(), "a", at(6)).from_ms != turn_of(Desk(), "b", at(6)).from_ms


@pytest.mark.parametrize(
    ("working_share", "inside"), [pytest.param(0.0, 0, id="never"), pytest.param(1.0, 20, id="always")]
)
def test_the_officer_says_how_many_tests_fall_into_working_hours(working_share: float, inside: int) -> None:
    desk = Desk(policy=Bandwidth(working_share=working_share))
    slots = [turn_of(desk, f"line-{n}", at(1)) for n in range(20)]
    assert sum(any(a <= s.from_ms < b for a, b in office()) for s in slots) == inside


def test_two_lines_of_one_uplink_never_meet_however_narrow_the_window() -> None:
    desk = Desk(policy=Bandwidth(working_share=0))
    open_all_day = [(at(6, day) + 10 * MINUTE_MS, at(24, day)) for day in range(3)]  # ten minutes are left
    now = at(5.96)
    asked = [desk.ask(f"line-{n}", now, group="carrier", opening=open_all_day, period_ms=HOUR_MS) for n in range(8)]
    assert [a.why for a in asked].count("window") >= 6
    assert {a.why for a in asked} <= {"window", "full"}
    must_hold(desk.book.everything(), ONE, 20)


def test_who_comes_too_late_for_a_turn_gets_another_one() -> None:
    desk = Desk()
    slot = turn_of(desk, "a", at(6))
    late = desk.ask("a", slot.to_ms - 5_000)
    assert late.given is None
    assert reserved(desk, "a").from_ms > slot.to_ms


def test_a_server_is_never_asked_for_more_than_it_carries() -> None:
    desk = Desk(BOTH, Bandwidth(working_share=0))
    for n in range(40):
        desk.ask(f"line-{n}", at(20.05), period_ms=HOUR_MS)
    must_hold(desk.book.everything(), BOTH, 20)
    assert {s.server for s in desk.book.everything()} == {server.url for server in BOTH}


def test_a_line_faster_than_the_server_has_it_for_itself() -> None:
    desk = Desk((Server("https://one.example:1", 300_000_000, 3),))
    slot = desk.ask("fast", at(20), bps=1_000_000_000, task="t").given
    assert slot is not None
    assert slot.bps == 300_000_000
    assert desk.ask("other", at(20), task="u").again_ms == MINUTE_MS


def test_without_a_server_there_is_no_lease_and_no_use_in_asking_again() -> None:
    found = Desk(()).ask("a", at(6))
    assert (found.given, found.why, found.again_ms) == (None, "no_server", None)


class TestOnDemand:
    def test_a_person_is_served_at_once_even_in_the_rush(self) -> None:
        found = Desk().ask("a", at(8), task="t")
        assert found.given is not None
        assert found.given.from_ms == at(8)

    def test_what_is_only_reserved_gives_way_and_gets_another_turn_in_its_period(self) -> None:
        desk = Desk()
        slot = turn_of(desk, "a", at(6), group="carrier")
        now = slot.from_ms - 30_000
        found = desk.ask("b", now, group="carrier", task="t")
        assert found.given is not None
        again = desk.ask("a", slot.from_ms, group="carrier")
        assert again.why == "window"
        assert reserved(desk, "a").to_ms <= at(6) + DAY_MS
        must_hold(desk.book.everything(), ONE, 20)

    def test_what_gives_way_late_in_its_period_still_comes_before_the_next(self) -> None:
        for n in range(40):
            desk = Desk(policy=Bandwidth(working_share=0.0))
            slot = turn_of(desk, f"line-{n}", at(6), group="carrier")
            assert slot.to_ms <= at(6) + 0.81 * DAY_MS
            assert desk.ask("b", slot.from_ms - 1_000, group="carrier", task="t").given is not None
            again = desk.ask(f"line-{n}", slot.from_ms, group="carrier")
            assert again.again_ms is not None
            assert slot.from_ms + again.again_ms <= at(6) + 0.95 * DAY_MS

    def test_beside_what_is_under_way_it_waits_for_its_end(self) -> None:
        desk = Desk()
        first = desk.ask("a", at(8), group="carrier", task="t").given
        assert first is not None
        waits = desk.ask("b", at(8) + 10_000, group="carrier", task="u")
        assert (waits.given, waits.why, waits.again_ms) == (None, "busy", 50_000)
        desk.give_back(first, at(8) + 20_000)
        served = desk.ask("b", at(8) + 60_000, group="carrier", task="u").given
        assert served is not None
        assert served.from_ms == at(8) + 60_000

    def test_of_two_people_the_second_waits_behind_the_first(self) -> None:
        desk = Desk()
        kept = [desk.ask(f"line-{n}", at(8), group="carrier", task=f"t{n}").again_ms for n in range(4)]
        assert kept == [None, MINUTE_MS, 2 * MINUTE_MS, 3 * MINUTE_MS]
        must_hold(desk.book.everything(), ONE, 20)

    def test_no_more_gives_way_than_is_needed(self) -> None:
        desk = Desk(policy=Bandwidth(at_once=2))
        for n in range(400):
            desk.ask(f"line-{n}", at(18.2), bps=1_000_000, period_ms=HOUR_MS)
        before = sum(s.state == "reserved" for s in desk.book.everything())
        assert desk.ask("mine", at(18.5), task="t").given is not None
        dropped = [s for s in desk.book.everything() if s.state == "dropped"]
        assert before > 50
        assert 1 <= len(dropped) <= 4
        must_hold(desk.book.everything(), ONE, 2)


class TestBudget:
    def test_a_day_that_is_spent_leaves_the_next_one(self) -> None:
        desk = Desk(policy=Bandwidth(day_bytes=1e9, working_share=0))
        for n in range(3):
            slot = desk.ask("a", at(8 + n), task=f"t{n}").given
            assert slot is not None
            desk.give_back(slot, at(8 + n) + 10_000, used_bytes=300_000_000)
        assert turn_of(desk, "a", at(12)).from_ms >= at(0, day=1)

    def test_where_the_whole_period_is_spent_it_is_said(self) -> None:
        desk = Desk(policy=Bandwidth(day_bytes=1e9))
        slot = desk.ask("a", at(8), task="t").given
        assert slot is not None
        desk.give_back(slot, at(8) + 10_000, used_bytes=900_000_000)
        found = desk.ask("a", at(9), period_ms=2 * HOUR_MS)
        assert (found.why, found.again_ms) == ("budget", None)

    def test_people_are_refused_only_at_the_hard_cap(self) -> None:
        desk = Desk(policy=Bandwidth(test_bytes=1e8, day_bytes=2e8, day_most_bytes=5e8))
        asked = [desk.ask("a", at(8 + n / 10), task=f"t{n}") for n in range(7)]
        assert [a.why for a in asked] == ["", "", "", "", "", "budget", "budget"]

    def test_a_lease_nobody_returned_counts_whole_until_somebody_tells(self) -> None:
        desk = Desk()
        slot = desk.ask("a", at(8), task="t").given
        assert slot is not None
        assert desk.book.cost_bytes("a", at(0), at(24)) == slot.max_bytes == 375_000_000
        desk.give_back(slot, at(9), used_bytes=7)  # its end is long past
        assert desk.book.cost_bytes("a", at(0), at(24)) == 7

    @pytest.mark.parametrize(
        ("bps", "allowed"),
        [
            pytest.param(10_000_000, 37_500_000, id="what the contract brings in the time of a test"),
            pytest.param(10_000_000_000, 1_000_000_000, id="and no more than the policy allows"),
        ],
    )
    def test_a_test_may_move_what_its_line_can(self, bps: int, allowed: int) -> None:
        found = Desk((Server("https://one.example:1", 10**11, 5),)).ask("a", at(8), bps=bps, task="t")
        assert found.given is not None
        assert found.given.max_bytes == allowed


class TestGivingBack:
    def test_the_slot_is_free_at_once(self) -> None:
        desk = Desk()
        slot = desk.ask("a", at(8), group="g", task="t").given
        assert slot is not None
        desk.give_back(slot, at(8) + 15_000)
        assert desk.ask("b", at(8) + 15_000, group="g", task="u").given is not None

    @pytest.mark.parametrize("agent", ["a stranger", ""], ids=["by a stranger", "a second time"])
    def test_it_is_done_once_and_by_its_holder(self, agent: str) -> None:
        desk = Desk()
        slot = desk.ask("a", at(8), task="t").given
        assert slot is not None
        if not agent:
            assert desk.give_back(slot, at(8) + 9_000).changes
        assert desk.give_back(slot, at(8) + 10_000, 5, agent).changes == ()


def test_a_replaced_box_does_not_wait_for_the_turn_of_the_old_one() -> None:
    desk = Desk()
    slot = turn_of(desk, "a", at(6))
    desk.ask("a", at(6.1), agent="the new box")
    assert desk.book.find(slot.id).state == "dropped"  # type: ignore[union-attr]  # it is there
    assert reserved(desk, "a").agent == "the new box"


def test_a_turn_on_a_server_that_is_no_longer_used_is_given_anew() -> None:
    desk = Desk(ONE)
    slot = turn_of(desk, "a", at(6))
    desk.servers = (Server("https://other.example:1", 10**9, 5),)
    desk.ask("a", slot.from_ms)
    assert reserved(desk, "a").server == "https://other.example:1"


# --- whatever happens -------------------------------------------------------------------------------------------------

LINES = [("a", "g"), ("b", "g"), ("c", "g"), ("d", "h"), ("e", ""), ("f", "")]
STEPS = st.tuples(
    st.sampled_from(["ask", "ask", "task", "come back", "return", "restart"]), st.sampled_from(LINES),
    st.sampled_from([0, 0, 700, 20_000, 59_000, 60_000, 400_000, 3 * HOUR_MS]),
)  # fmt: skip


@settings(max_examples=150)
@given(st.lists(STEPS, min_size=5, max_size=60), st.integers(1, 3), st.sampled_from([9.4, 17.0, 23.9]))
def test_no_schedule_of_asks_returns_expiries_and_restarts_overlaps(
    steps: list[tuple[str, tuple[str, str], int]], at_once: int, hour: float
) -> None:
    servers = (Server("https://one.example:1", 200_000_000, 2), Server("https://two.example:1", 100_000_000, 1))
    desk, now, days = Desk(servers, Bandwidth(at_once=at_once)), at(hour), 3
    told = set[str]()
    for n, (act, (line, group), pause_ms) in enumerate(steps):
        now += pause_ms
        mine = sorted((s for s in desk.book.of_line(line) if s.state in {"reserved", "held"}), key=lambda s: s.from_ms)
        if act in {"ask", "task"}:
            asked = desk.ask(line, now, group=group, task=f"t{n % 4}" if act == "task" else "", opening=office(days))
            told.add(asked.why)
        elif act == "come back" and mine and mine[0].from_ms >= now:
            now = mine[0].from_ms
            desk.ask(line, now, group=group, task=mine[0].task, opening=office(days))
        elif act == "return" and mine and mine[0].state == "held":
            desk.give_back(mine[0], now)
        elif act == "restart":
            desk.restart()
        must_hold(desk.book.everything(), servers, at_once)
    assert told <= {*WHYS, ""}
