"""Incidents against verdicts, in scenarios: what is opened, revised, held, joined, closed, and what is told of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.api import Evidence, Happened, Incident, Owner, Said, Verdict
from alerts.correlate.limits import Limits
from alerts.incidents.drafts import Event, Life, past_runs
from alerts.incidents.reconcile import Look, reconcile
from collector.api import State

S, MINUTE, HOUR = 1_000, 60_000, 3_600_000
T0 = 1_763_700_000_000
LIMITS = Limits(
    grace_s=20, settle_s=60, together_s=180, carrier_lines=3, carrier_centres=2, carrier_share=0.6, power_centres=2,
    flaps=4, flap_window_s=3600, flap_hold_s=900, reopen_s=86_400, late_s=600, agent_silent_s=300, pc_silent_s=259_200,
)  # fmt: skip
LINE_A, LINE_B, LINE_C = (f"line:0700{n}-1/a" for n in (1, 2, 3))


def verdict(
    cause: str,
    since: int,
    ended: int | None = None,
    *,
    subjects: tuple[str, ...] = (),
    owner: Owner = "line",
    rule: str = "line",
    state: State = "down",
    known: int | None = None,
    visit: bool = True,
) -> Verdict:
    """Times in milliseconds since T0; known two seconds after it began unless said."""
    its = subjects or (cause,)
    arrived = T0 + (since + 2 * S if known is None else known)
    proof = Evidence(its[0], Said("evidence.test"), T0 + since, arrived)
    return Verdict(
        cause, rule, owner, state, T0 + since, None if ended is None else T0 + ended, its,
        tuple(sorted({key.partition(":")[2].partition("/")[0] for key in its})), Said("verdict.test"), (proof,),
        "certain", visit,
    )  # fmt: skip


def carrier(since: int, ended: int | None = None, *lines: str, known: int | None = None) -> Verdict:
    its = lines or (LINE_A, LINE_B, LINE_C)
    return verdict("carrier:vnpt/g", since, ended, subjects=its, owner="carrier", rule="carrier", known=known)


@dataclass
class Desk:
    """Incidents kept as the store keeps them, and everything that was told."""

    lives: dict[str, Life] = field(default_factory=dict)
    story: dict[str, list[Event]] = field(default_factory=dict)
    told: list[tuple[str, str]] = field(default_factory=list)  # kind, cause
    ids: count[int] = field(default_factory=lambda: count(1))
    waits: tuple[str, ...] = ("line", "device", "unknown", "agent")
    reach: int = 26 * HOUR
    next_ms: int | None = None

    def look(self, at: int, *verdicts: Verdict) -> int:
        """Look once, write what is decided; how much that was."""
        now = T0 + at
        look = Look(now, now - self.reach, LIMITS, lambda v: v.rule in self.waits, lambda: f"id{next(self.ids):03d}")
        seen = [one for one in self.lives.values() if one.incident.open or (one.incident.ended_ms or 0) > look.from_ms]
        outcome = reconcile(seen, verdicts, look)
        for act in outcome.acts:
            life = self.lives.get(act.now.id, Life(act.now))
            now_told = frozenset((tell.kind, tell.turn) for tell in act.tells)
            number = life.incident.number or len(self.lives) + 1
            self.story.setdefault(act.now.id, []).extend(act.events)
            past = past_runs([Happened(0, "", 0, e.what, "", e.said) for e in self.story[act.now.id]])
            self.lives[act.now.id] = Life(replace(act.now, number=number), past, life.told | now_told, life.worked)
            self.told += [(tell.kind, act.now.verdict.cause) for tell in act.tells]
        living = [one.incident.verdict.cause for one in self.lives.values() if one.incident.open]
        assert len(living) == len(set(living)), "a cause has one living incident"
        self.next_ms = None if outcome.next_ms is None else outcome.next_ms - T0
        return len(outcome.acts)

    @property
    def incidents(self) -> list[Incident]:
        return [life.incident for life in self.lives.values()]

    def only(self) -> Incident:
        [one] = self.incidents
        return one

    def living(self) -> list[str]:
        return sorted(one.verdict.cause for one in self.incidents if one.open)

    def happened(self, one: Incident) -> list[str]:
        return [event.what for event in self.story[one.id]]

    def person(self, one: Incident, stage: str) -> None:
        """A person moves an incident to a stage."""
        life = self.lives[one.id]
        worked = life.worked or stage in {"on_the_way", "on_site", "repaired"}
        self.lives[one.id] = replace(life, incident=replace(one, stage=stage), worked=worked)  # type: ignore[arg-type]


@pytest.fixture
def desk() -> Desk:
    return Desk()


# --- opening and ending ----------------------------------------------------------------------------------------------


def test_what_may_have_a_larger_cause_waits_for_the_grace_and_then_calls_once(desk: Desk) -> None:
    down = verdict(LINE_A, 0, known=30 * S)
    assert desk.look(31 * S, down) == 0
    assert desk.next_ms == 50 * S
    desk.look(50 * S, down)
    assert (desk.living(), desk.told) == ([LINE_A], [("call", LINE_A)])
    assert desk.look(55 * S, down) == 0


def test_what_nothing_larger_can_explain_calls_at_once(desk: Desk) -> None:
    desk.look(32 * S, carrier(0, known=31 * S))
    assert desk.told == [("call", "carrier:vnpt/g")]


def test_a_trouble_that_ends_is_shown_at_once_told_when_settled_and_closed_where_nobody_was_sent(desk: Desk) -> None:
    desk.look(60 * S, verdict(LINE_A, 0))
    over = verdict(LINE_A, 0, 5 * MINUTE)
    desk.look(5 * MINUTE + 5 * S, over)
    assert (desk.only().ended_ms, desk.only().open) == (T0 + 5 * MINUTE, True)
    assert desk.next_ms == 6 * MINUTE
    assert desk.told == [("call", LINE_A)]
    desk.look(6 * MINUTE, over)
    assert (desk.only().stage, desk.told) == ("closed", [("call", LINE_A), ("recovered", LINE_A)])
    assert desk.happened(desk.only()) == ["opened", "recovered", "stage"]
    assert desk.look(7 * MINUTE, over) == 0


def test_while_somebody_is_on_the_way_the_end_is_told_and_the_incident_stays(desk: Desk) -> None:
    desk.look(60 * S, verdict(LINE_A, 0))
    desk.person(desk.only(), "on_the_way")
    desk.look(10 * MINUTE, verdict(LINE_A, 0, 5 * MINUTE))
    assert (desk.only().stage, desk.told[-1]) == ("on_the_way", ("recovered", LINE_A))
    assert desk.look(11 * MINUTE, verdict(LINE_A, 0, 5 * MINUTE)) == 0


def test_repaired_by_word_stays_repaired_until_the_measurements_agree(desk: Desk) -> None:
    desk.look(60 * S, verdict(LINE_A, 0))
    desk.lives[desk.only().id] = replace(
        desk.lives[desk.only().id], incident=replace(desk.only(), stage="repaired", ended_ms=T0 + 4 * MINUTE),
        worked=True,
    )  # fmt: skip
    desk.look(10 * MINUTE, verdict(LINE_A, 0, 8 * MINUTE))
    assert desk.only().stage == "closed"


def test_a_short_trouble_that_is_over_before_anybody_knew_calls_nobody_and_is_on_record(desk: Desk) -> None:
    over = verdict(LINE_A, 0, 40 * S, known=45 * S)
    assert desk.look(46 * S, over) == 0
    assert desk.next_ms == 100 * S
    desk.look(100 * S, over)
    assert (desk.only().stage, desk.told) == ("closed", [])


def test_what_is_known_three_days_late_is_on_record_and_calls_nobody(desk: Desk) -> None:
    desk.reach = 100 * HOUR
    desk.look(72 * HOUR, verdict(LINE_A, 0, HOUR, known=72 * HOUR))
    assert (desk.only().stage, desk.told) == ("closed", [])
    said = desk.story[desk.only().id][0].said
    assert said is not None
    assert said.key == "event.opened_late"


def test_what_was_planned_calls_nobody(desk: Desk) -> None:
    desk.look(60 * S, verdict(LINE_A, 0, owner="planned", rule="planned", visit=False))
    assert (desk.living(), desk.told) == ([LINE_A], [])


# --- judged anew -----------------------------------------------------------------------------------------------------


def test_two_lines_that_were_called_become_one_incident_of_their_carrier(desk: Desk) -> None:
    desk.look(60 * S, verdict(LINE_A, 0), verdict(LINE_B, 5 * S))
    desk.look(90 * S, carrier(0))
    assert desk.living() == ["carrier:vnpt/g"]
    first, second = sorted(desk.incidents, key=lambda one: one.number)
    assert (first.verdict.rule, first.revisions, desk.happened(first)) == ("carrier", 1, ["opened", "revised"])
    assert (second.stage, second.parent, desk.happened(second)) == ("closed", first.id, ["opened", "joined"])
    assert desk.told[2:] == [("correction", LINE_B), ("correction", "carrier:vnpt/g")]
    assert desk.look(95 * S, carrier(0)) == 0


def test_an_old_verdict_stays_beside_the_new_one_with_the_reason(desk: Desk) -> None:
    unknown = verdict("unknown:07001-1", 0, subjects=(LINE_A,), owner="unknown", rule="unknown")
    desk.look(60 * S, unknown)
    desk.look(HOUR, verdict(LINE_A, 0))
    opened, revised = desk.story[desk.only().id]
    assert (opened.verdict, revised.verdict) == (unknown, verdict(LINE_A, 0))
    assert revised.said is not None
    assert (revised.said.values["was_owner"], revised.said.values["owner"]) == ("owner:unknown", "owner:line")


def test_late_evidence_moves_the_span_in_the_open_and_a_few_seconds_do_not(desk: Desk) -> None:
    desk.look(60 * S, verdict(LINE_A, 0))
    desk.look(70 * S, verdict(LINE_A, -5 * S))
    assert desk.happened(desk.only()) == ["opened"]
    desk.look(3 * HOUR, verdict(LINE_A, -HOUR))
    assert (desk.only().since_ms, desk.happened(desk.only())[-1]) == (T0 - HOUR, "revised")
    assert desk.told == [("call", LINE_A)], "only whose it is, or whether to go, is worth a correction"


def test_a_trouble_that_turns_out_to_be_none_is_withdrawn_once(desk: Desk) -> None:
    desk.look(60 * S, verdict(LINE_A, 0))
    desk.look(2 * MINUTE)
    assert (desk.only().stage, desk.only().ended_ms, desk.told[-1]) == ("closed", T0, ("correction", LINE_A))
    assert desk.look(3 * MINUTE) == 0


def test_what_left_the_look_is_left_alone(desk: Desk) -> None:
    desk.look(60 * S, verdict(LINE_A, 0))
    desk.look(10 * MINUTE, verdict(LINE_A, 0, 5 * MINUTE))
    assert desk.look(30 * HOUR) == 0
    assert desk.look(26 * HOUR) == 0, "at the edge of the look parts of it may be missing"


# --- consequences ----------------------------------------------------------------------------------------------------


def test_a_consequence_is_held_while_its_parent_lives_and_stands_for_itself_after(desk: Desk) -> None:
    power = verdict("power:07001-1", 0, subjects=("lan:07001-1", LINE_A), owner="power", rule="power")
    child = verdict(LINE_A, 10 * S)
    desk.look(60 * S, power, child)
    assert desk.told == [("call", "power:07001-1")]
    over = replace(power, ended_ms=T0 + 10 * MINUTE)
    desk.look(10 * MINUTE + 5 * S, over, child)
    assert desk.next_ms == 10 * MINUTE + 20 * S
    desk.look(10 * MINUTE + 20 * S, over, child)
    assert desk.told == [("call", "power:07001-1"), ("call", LINE_A)]
    held = next(one for one in desk.incidents if one.verdict.cause == LINE_A)
    assert desk.happened(held) == ["opened", "held", "released"]


def test_a_consequence_that_ends_with_its_parent_is_never_told(desk: Desk) -> None:
    power = verdict("power:07001-1", 0, subjects=("lan:07001-1", LINE_A), owner="power", rule="power")
    desk.look(60 * S, power, verdict(LINE_A, 10 * S))
    end = 10 * MINUTE
    desk.look(end + 2 * MINUTE, replace(power, ended_ms=T0 + end), verdict(LINE_A, 10 * S, end + 15 * S))
    assert (desk.living(), desk.told[1:]) == ([], [("recovered", "power:07001-1")])


def test_a_line_that_stays_down_after_its_carrier_is_back_comes_out_of_it(desk: Desk) -> None:
    desk.look(60 * S, verdict(LINE_A, 0), verdict(LINE_B, 0))
    desk.look(90 * S, carrier(0))
    over, left = carrier(0, 20 * MINUTE), verdict(LINE_B, 0)
    desk.look(20 * MINUTE + 10 * S, over, left)
    assert desk.living() == ["carrier:vnpt/g"]
    desk.look(20 * MINUTE + 20 * S, over, left)
    assert desk.living() == ["carrier:vnpt/g", LINE_B]
    assert desk.told[-1] == ("call", LINE_B)


def test_two_causes_at_once_at_one_centre_are_two_calls(desk: Desk) -> None:
    desk.look(60 * S, verdict(LINE_A, 0), verdict("device:x", 0, rule="device", owner="device"))
    assert sorted(desk.told) == [("call", "device:x"), ("call", LINE_A)]


# --- coming back -----------------------------------------------------------------------------------------------------


def test_a_fault_back_within_the_settling_is_the_same_trouble(desk: Desk) -> None:
    desk.look(60 * S, verdict(LINE_A, 0))
    desk.look(5 * MINUTE + 10 * S, verdict(LINE_A, 0, 5 * MINUTE))
    again = (verdict(LINE_A, 0, 5 * MINUTE), verdict(LINE_A, 5 * MINUTE + 30 * S))
    desk.look(6 * MINUTE, *again)
    assert (desk.only().ended_ms, desk.told) == (None, [("call", LINE_A)])
    assert desk.look(7 * MINUTE, *again) == 0


def test_a_fault_back_within_a_day_reopens_its_incident_and_calls_again(desk: Desk) -> None:
    first = verdict(LINE_A, 0, 5 * MINUTE)
    desk.look(60 * S, verdict(LINE_A, 0))
    desk.look(10 * MINUTE, first)
    desk.look(20 * HOUR + MINUTE, first, verdict(LINE_A, 20 * HOUR))
    one = desk.only()
    assert (one.stage, one.reopened, one.since_ms) == ("open", 1, T0 + 20 * HOUR)
    assert desk.told == [("call", LINE_A), ("recovered", LINE_A), ("call", LINE_A)]
    assert desk.look(20 * HOUR + 2 * MINUTE, first, verdict(LINE_A, 20 * HOUR)) == 0, "its past is known"


def test_a_fault_back_after_more_than_a_day_is_another_incident(desk: Desk) -> None:
    desk.look(60 * S, verdict(LINE_A, 0))
    desk.look(10 * MINUTE, verdict(LINE_A, 0, 5 * MINUTE))
    desk.look(25 * HOUR + MINUTE, verdict(LINE_A, 25 * HOUR))
    assert len(desk.incidents) == 2


def test_what_somebody_repaired_is_reopened_however_soon_it_is_back(desk: Desk) -> None:
    desk.look(60 * S, verdict(LINE_A, 0))
    desk.person(desk.only(), "repaired")
    first = verdict(LINE_A, 0, 5 * MINUTE)
    desk.look(7 * MINUTE, first)
    assert desk.only().stage == "closed"
    desk.look(12 * MINUTE, first, verdict(LINE_A, 11 * MINUTE))
    assert (desk.only().reopened, desk.told[-1]) == (1, ("call", LINE_A))


def test_a_flapping_line_is_one_incident_called_once_and_ends_after_a_long_rest(desk: Desk) -> None:
    spells = [verdict(LINE_A, n * 12 * MINUTE, n * 12 * MINUTE + 4 * MINUTE) for n in range(5)]
    for n, spell in enumerate(spells):
        start = n * 12 * MINUTE
        desk.look(start + MINUTE, *spells[:n], replace(spell, ended_ms=None))
        desk.look(start + 4 * MINUTE + 5 * S, *spells[: n + 1])
        desk.look(start + 6 * MINUTE, *spells[: n + 1])
    assert [kind for kind, _ in desk.told].count("call") == 1
    one = desk.only()
    assert one.open, "a rest of two minutes is none for what flaps"
    assert one.since_ms == T0
    end = 4 * 12 * MINUTE + 4 * MINUTE
    desk.look(end + 15 * MINUTE, *spells)
    assert desk.only().stage == "closed"


# --- properties ------------------------------------------------------------------------------------------------------

CAUSES = (LINE_A, LINE_B, "device:x")
SPELLS = st.lists(
    st.tuples(st.sampled_from(CAUSES), st.integers(0, 180), st.integers(1, 60)), min_size=1, max_size=6
)  # fmt: skip


def spans(spells: list[tuple[str, int, int]]) -> list[Verdict]:
    """Verdicts of distinct causes whose spans do not overlap, as one subject's cannot."""
    found: list[Verdict] = []
    free: dict[str, int] = {}
    for cause, start, minutes in sorted(spells, key=lambda one: one[1]):
        begin = max(start, free.get(cause, 0))
        found.append(verdict(cause, begin * MINUTE, (begin + minutes) * MINUTE))
        free[cause] = begin + minutes + 1
    return found


def seen_at(verdicts: list[Verdict], at: int) -> list[Verdict]:
    """What is known live at a moment."""
    begun = [one for one in verdicts if one.since_ms + 2 * S <= T0 + at]
    return [one if (one.ended_ms or 0) <= T0 + at else replace(one, ended_ms=None) for one in begun]


@given(SPELLS, st.integers(0, 400))
def test_the_same_look_again_changes_nothing(spells: list[tuple[str, int, int]], minute: int) -> None:
    desk, every = Desk(), spans(spells)
    for at in range(0, minute * MINUTE, 7 * MINUTE):
        desk.look(at, *seen_at(every, at))
    desk.look(minute * MINUTE, *seen_at(every, minute * MINUTE))
    assert desk.look(minute * MINUTE, *seen_at(every, minute * MINUTE)) == 0


@given(SPELLS, st.sets(st.integers(0, 300), max_size=40))
def test_whenever_it_was_looked_every_trouble_is_explained_and_nothing_lives_in_the_end(
    spells: list[tuple[str, int, int]], minutes: set[int]
) -> None:
    desk, every = Desk(), spans(spells)
    over = max(((one.ended_ms or 0) - T0) // MINUTE for one in every)
    for at in (*sorted(minutes), max(over, 300) + 30, max(over, 300) + 90):
        desk.look(at * MINUTE, *seen_at(every, at * MINUTE))
    assert desk.living() == []
    for one in every:
        own = [life for life in desk.lives.values() if life.incident.verdict.cause == one.cause]
        covered = [(life.incident.since_ms, life.incident.ended_ms) for life in own] + [s for x in own for s in x.past]
        assert any(start <= one.since_ms and (end or 0) >= (one.ended_ms or 0) for start, end in covered), one


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=lambda order: "".join(map(str, order)))
def test_in_whatever_order_it_is_learned_the_same_incidents_result(order: tuple[int, ...]) -> None:
    pieces = [verdict(LINE_A, 0, 30 * MINUTE), verdict(LINE_B, 0, 30 * MINUTE), verdict("device:x", MINUTE, HOUR)]
    desk = Desk()
    for n in range(3):
        desk.look(2 * HOUR + n * MINUTE, *(pieces[k] for k in sorted(order[: n + 1])))
    told = sorted((one.verdict.cause, one.since_ms, one.ended_ms, one.stage) for one in desk.incidents)
    assert told == sorted((one.cause, one.since_ms, one.ended_ms, "closed") for one in pieces)


@pytest.mark.parametrize(
    ("state", "later"),
    [
        pytest.param("unknown", "power", id="its box is silent, and it was the power"),
        pytest.param("down", "line", id="no box stands there, and it stays the line"),
    ],
)
def test_a_dark_centre_of_one_line_is_called_for_once_when_the_line_is_the_likelier(
    desk: Desk, state: State, later: Owner
) -> None:
    its = (LINE_A, "agent:x")
    first = verdict("centre:c", 0, subjects=its, owner="unknown", rule="unknown", state=state, visit=False)
    first = replace(first, candidates=("power", "line"))
    for at in (60 * S, 290 * S):
        desk.look(at, first)
    assert desk.told == []
    desk.look(300 * S, verdict(LINE_A, 0, subjects=its))
    cause, rule = ("power:c", "power") if later == "power" else (LINE_A, "line")
    desk.look(960 * S, verdict(cause, 0, 900 * S, subjects=its, owner=later, rule=rule, visit=later == "line"))
    corrected = [("correction", cause)] if later == "power" else []
    assert desk.told == [("call", LINE_A), *corrected, ("recovered", cause)]


def test_what_was_said_to_be_over_and_came_back_is_over_only_after_a_long_rest(desk: Desk) -> None:
    first = verdict(LINE_A, 0, 2 * MINUTE)
    again = verdict(LINE_A, 5 * MINUTE, 7 * MINUTE)
    desk.look(30 * S, verdict(LINE_A, 0))
    desk.look(4 * MINUTE, first)
    desk.look(5 * MINUTE + 30 * S, first, verdict(LINE_A, 5 * MINUTE))
    desk.look(9 * MINUTE, first, again)
    told = [kind for kind, _ in desk.told]
    assert told == ["call", "recovered", "correction"], "two minutes are no rest for what came back once"
    desk.look(23 * MINUTE, first, again)
    assert [kind for kind, _ in desk.told] == [*told, "recovered"]
