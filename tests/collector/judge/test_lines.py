"""What is true of a line besides its trains: contract, use, port, resolver, and which carries the traffic."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from collector.judge.egress import Backups, Carried, Declared, Spoke, carried, settled
from collector.judge.facts import Fact
from collector.judge.findings import NOT_MEASURABLE, Finding, Look, found
from collector.judge.speed import Contract, Valid, contracted, speed_looks
from collector.judge.timeline import ALWAYS, Span
from collector.judge.use import DAY_MS, Week, rank, use_looks
from collector.judging.policy import Policies, Version
from tests.support.measured import CENTRE, LAN, LINE, POLICIES, POLICY, SECOND_LINE, Desk, beside, ms, train

MEGA = 1e6
CONTRACT = (Contract(0, None, 100 * MEGA),)


# --- speed against contract -----------------------------------------------------------------------------------------


def speeds(megabits: str) -> list[Valid]:
    return [Valid(n, f"t{n}", float(text) * MEGA) for n, text in enumerate(megabits.split())]


def marks(looks: Sequence[Look]) -> str:
    return "".join("x" if look.holds else "." for look in looks)


@pytest.mark.parametrize(
    ("megabits", "holds"),
    [
        pytest.param("70 70", "..", id="two are not enough"),
        pytest.param("70 70 70", "..x", id="three in a row below 80 of 100"),
        pytest.param("70 70 80 70 70", ".....", id="the share itself is not below"),
        pytest.param("70 70 90 70 70 70", ".....x", id="a good test begins the row anew"),
        pytest.param("70 70 70 70 90 70", "..xx..", id="back after one"),
    ],
)
def test_a_line_is_below_its_contract_after_three_valid_tests_in_a_row(megabits: str, holds: str) -> None:
    assert marks(speed_looks(speeds(megabits), CONTRACT, POLICIES, 0)) == holds


def test_what_is_told_of_a_slow_line_carries_its_figures() -> None:
    last = speed_looks(speeds("60 75 70"), CONTRACT, POLICIES, 0)[-1]
    assert last.detail == {
        "metric": "motcua_line_download_bps", "value": 70_000_000, "limit": 80_000_000, "contract_bps": 100_000_000,
        "direction": "download", "tests": 3,
    }  # fmt: skip
    assert last.evidence == ("t2", "t1", "t0")


def test_each_test_is_held_against_the_contract_and_the_policy_of_its_time() -> None:
    stricter = replace(POLICY, bandwidth=replace(POLICY.bandwidth, tests=2))
    policies = Policies((Version(1, 0, POLICY), Version(2, 6, stricter)))
    bigger = (Contract(0, 3, 100 * MEGA), Contract(3, None, 200 * MEGA))
    assert marks(speed_looks(speeds("100 100 100 100 100"), bigger, policies, 0)) == "...xx"
    assert marks(speed_looks(speeds("100 100 300 300 300 300 100 100"), bigger, policies, 0)) == ".......x"


def test_without_a_contract_nothing_is_said() -> None:
    assert marks(speed_looks(speeds("1 1 1 1"), (), POLICIES, 0)) == "...."
    assert marks(speed_looks(speeds("1 1 1 1"), (Contract(0, None, None),), POLICIES, 0)) == "...."
    assert contracted((Contract(0, 5, 1.0),), 7) is None


@given(st.lists(st.sampled_from([50.0, 79.0, 81.0, 120.0]), max_size=14), st.integers(0, 13))
def test_where_looking_begins_changes_nothing(speeds: list[float], since: int) -> None:
    tests = [Valid(n, f"t{n}", speed * MEGA) for n, speed in enumerate(speeds)]
    whole = speed_looks(tests, CONTRACT, POLICIES, 0)
    part = speed_looks(tests[max(0, since - 3) :], CONTRACT, POLICIES, since)
    before = next((f for f in found("x", whole[:since], None) if f.span.end == ALWAYS), None)
    expected = [f for f in found("x", whole, None) if f.span.end >= since]
    told = [f for f in found("x", part, before) if f.span.end >= since]
    assert told == (expected if part else [f for f in expected if before is not None])


# --- use ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("samples", "place"),
    [pytest.param(2016, 1915, id="seven whole days"), pytest.param(20, 18, id="twenty"), pytest.param(1, 0, id="one")],
)
def test_the_percentile_is_by_nearest_rank(samples: int, place: int) -> None:
    assert rank(samples, 0.95) == place


@given(st.lists(st.integers(0, 20), min_size=1, max_size=300), st.integers(0, 20))
def test_over_the_limit_means_that_more_than_a_twentieth_is(values: list[int], limit: int) -> None:
    assert (sorted(values)[rank(len(values), 0.95)] > limit) == (20 * sum(v > limit for v in values) > len(values))


@pytest.mark.parametrize(
    ("receive", "transmit", "samples", "told"),
    [
        pytest.param(90.0, 90.0, 2016, None, id="the limit itself is enough capacity"),
        pytest.param(91.0, 5.0, 2016, "download", id="towards the centre"),
        pytest.param(5.0, 91.0, 2016, "upload", id="from the centre"),
        pytest.param(99.0, 99.0, 1600, None, id="measured on less than four fifths of the turns"),
        pytest.param(0.0, 0.0, 0, None, id="not measured at all"),
    ],
)
def test_a_line_is_full_by_the_rule_of_the_dedicated_network(
    receive: float, transmit: float, samples: int, told: str | None
) -> None:
    week = Week(7 * DAY_MS, receive * MEGA, transmit * MEGA, samples, 7)
    look = use_looks([week], CONTRACT, POLICIES)[0]
    assert look.detail.get("direction") == told
    assert look.holds == (told is not None)


# --- findings laid over trains --------------------------------------------------------------------------------------


def answering(until: float, *lines: str, lost: range = range(0)) -> list[Fact]:
    """Gateway and lines answer every ten seconds; trains of the first line are lost at the numbers in `lost`."""
    turns = range(int(until / 10))
    found = [train(0.5 + 10 * n, LAN, target="gateway") for n in turns]
    for key in lines:
        found += [train(0.5 + 10 * n, key, lost=5 if n in lost and key == lines[0] else 0) for n in turns]
    return found


def told_of(desk: Desk, facts: list[Fact], until: float, key: str = LINE) -> list[tuple[float, str, str | None]]:
    desk.take(facts, until)
    return [*desk.told(key)]


def test_a_finding_degrades_a_line_while_it_works_and_an_outage_stands_above_it() -> None:
    slow = Finding("below_contract", Span(ms(100), ms(400)), {"tests": 3}, ("t",), ("u",))
    desk = Desk(findings={LINE: [slow]})
    assert told_of(desk, answering(600, LINE, lost=range(20, 26)), 605) == [
        (0.5, "ok", None),
        (100.0, "degraded", "below_contract"),
        (200.5, "down", "no_answer"),
        (260.5, "degraded", "below_contract"),
        (400.0, "ok", None),
    ]
    assert [(f.detail, f.evidence) for f in desk.effective(LINE)[1::2]] == [({"tests": 3}, ("t",))] * 2
    assert desk.effective(LINE)[-1].evidence == ("u",)


def test_a_full_line_is_told_before_a_slow_one() -> None:
    both = [Finding("below_contract", Span(ms(100), ALWAYS)), Finding("line_full", Span(ms(200), ms(300)))]
    told = told_of(Desk(findings={LINE: both}), answering(500, LINE), 505)
    assert [why for _, _, why in told] == [None, "below_contract", "line_full", "below_contract"]


def test_a_finding_that_comes_late_is_told_from_its_moment_on_and_taken_back_without_a_trace() -> None:
    desk = Desk()
    desk.take(answering(900, LINE), 905)
    plain = desk.everything()
    desk.findings = {LINE: [Finding("line_full", Span(ms(150), ms(700)))]}
    desk.look(Span(ms(150), ms(150)), 905)
    assert desk.told(LINE) == [(0.5, "ok", None), (150.0, "degraded", "line_full"), (700.0, "ok", None)]
    desk.findings = {}
    for second in (150, 700):
        desk.look(Span(ms(second), ms(second)), 905)
    assert desk.everything() == plain


def test_a_line_that_cannot_be_measured_says_so_and_does_not_colour_its_centre() -> None:
    spare = {SECOND_LINE: [Finding(NOT_MEASURABLE, Span(ms(50), ms(400)))]}
    desk = Desk(findings=spare)
    assert told_of(desk, answering(300, LINE), 305, SECOND_LINE) == [(50.0, "unknown", NOT_MEASURABLE)]
    assert desk.told(CENTRE) == [(0.5, "ok", None)]
    desk.take(answering(600, LINE, SECOND_LINE)[90:], 605)
    assert desk.told(SECOND_LINE)[-1][1] == "ok"


def test_a_centre_none_of_whose_lines_can_be_measured_is_measured_by_nobody() -> None:
    spans = {key: [Finding(NOT_MEASURABLE, Span(ms(0), ALWAYS))] for key in (LINE, SECOND_LINE)}
    desk = Desk(findings=spans)
    assert told_of(desk, answering(100), 105, CENTRE)[-1][1:] == ("unknown", "nobody_measures")


# --- port, resolver, Wi-Fi ------------------------------------------------------------------------------------------


def port(second: float, bps: float, duplex: float = 1.0) -> Fact:
    read = ("motcua_line_port_bps", bps), ("motcua_line_port_duplex_ratio", duplex)
    return beside(second, LINE, "use", *read, period_s=300)


@pytest.mark.parametrize(
    ("bps", "duplex", "slow"),
    [
        pytest.param(1e9, 1.0, False, id="gigabit"),
        pytest.param(1e8, 1.0, False, id="as much as was contracted"),
        pytest.param(1e7, 1.0, True, id="ten megabits for a hundred"),
        pytest.param(1e9, 0.5, True, id="half duplex"),
        pytest.param(0.0, 0.0, False, id="not told"),
    ],
)
def test_a_port_below_the_contract_or_in_half_duplex_is_slow(bps: float, duplex: float, slow: bool) -> None:
    desk = Desk(contracts={LINE: CONTRACT})
    told = told_of(desk, [*answering(900, LINE), port(100, bps, duplex), port(400, 1e9)], 905)
    spell = [(100.5, "degraded", "port_slow"), (400.5, "ok", None)] if slow else []
    assert told == [(0.5, "ok", None), *spell]


@pytest.mark.parametrize(
    ("signs", "told"),
    [
        pytest.param("xx....", [], id="two failures"),
        pytest.param("..xxx.", [(300.5, "dns_failed"), (360.5, None)], id="three in a row"),
        pytest.param("nnnnnn", [], id="it answers that there is no such name"),
        pytest.param("??????", [], id="it could not be asked"),
        pytest.param("ssssss", [(180.5, "dns_slow")], id="slow by the median"),
    ],
)
def test_a_resolver_that_fails_or_is_slow_degrades_a_line_that_answers(signs: str, told: list[object]) -> None:
    facts = []
    for n, sign in enumerate(signs):
        second = 60.2 + 60 * n
        if sign in ".s":
            took = ("motcua_line_dns_seconds", 2.5 if sign == "s" else 0.02)
            facts.append(beside(second, LINE, "dns", took))
        elif sign == "?":
            facts.append(beside(second, LINE, "dns", outcome="unknown", reason="no_resolver"))
        else:
            facts.append(beside(second, LINE, "dns", outcome="fail", reason="not_resolved" if sign == "n" else None))
    desk = Desk()
    desk.take([*answering(500, LINE), *facts], 505)
    assert [(at, why) for at, _, why in desk.told(LINE)[1:]] == told


@pytest.mark.parametrize(
    ("signals", "limit", "told"),
    [
        pytest.param([-60, -60, -60], -75, [], id="strong"),
        pytest.param([-60, -90, -60], -75, [], id="a dip"),
        pytest.param([-90, -90, -90], -75, ["wifi_weak"], id="weak"),
        pytest.param([-90], -75, [], id="once is not enough to say"),
        pytest.param([-90, -90, -90], 0, [], id="not judged"),
    ],
)
def test_a_weak_signal_by_its_median_degrades_the_lan(signals: list[int], limit: float, told: list[str]) -> None:
    policy = replace(POLICY, lan=replace(POLICY.lan, wifi_dbm=limit))
    desk = Desk(policies=Policies((Version(1, 0, policy),)))
    facts = [
        beside(50.0 + 300 * n, LAN, "wifi", ("motcua_lan_wifi_signal_dbm", float(dbm)), period_s=300)
        for n, dbm in enumerate(signals)
    ]
    desk.take([*answering(900, LINE), *facts], 905)
    assert [why for _, _, why in desk.told(LAN)[1:]] == told


# --- who carries the traffic ----------------------------------------------------------------------------------------


def declared(line: str, *networks: str, span: Span | None = None) -> Declared:
    return Declared(line, span or Span(0, ALWAYS), tuple(ipaddress.ip_network(network) for network in networks))


TWO = [declared(LINE, "192.0.2.1/32"), declared(SECOND_LINE, "198.51.100.0/28", "2001:db8::/56")]


def test_only_an_address_that_one_line_declares_tells_anything() -> None:
    spoke = [Spoke(1, "192.0.2.1"), Spoke(2, "203.0.113.5"), Spoke(3, "198.51.100.9"), Spoke(4, "2001:db8::7")]
    assert [one.line for one in carried(spoke, TWO)] == [LINE, None, SECOND_LINE, SECOND_LINE]
    shared = [*TWO, declared("line:00000-1/c", "192.0.2.1/32")]
    assert carried(spoke[:1], shared)[0].line is None


def test_an_address_declared_later_counts_from_then_on() -> None:
    later = [declared(LINE, "192.0.2.1/32", span=Span(50, 90))]
    assert [(one.at, one.line) for one in carried([Spoke(1, "192.0.2.1")], later)] == [
        (1, None),
        (50, LINE),
        (90, None),
    ]


def test_what_is_shorter_than_the_time_it_must_hold_is_as_before() -> None:
    runs = [
        Carried(0, "a", "1"),
        Carried(100, "b", "2"),
        Carried(120, "a", "1"),
        Carried(300, "b", "3"),
        Carried(320, "b", "4"),
    ]
    assert [(one.at, one.line) for one in settled(runs, lambda _at: 60, 330)] == [(0, "a")]
    assert [(one.at, one.line) for one in settled(runs, lambda _at: 60, 400)] == [(0, "a"), (300, "b")]


def test_a_centre_whose_traffic_leaves_by_another_line_than_it_did_runs_on_its_backup() -> None:
    by = [
        Carried(ms(0), LINE, "192.0.2.1"),
        Carried(ms(200), SECOND_LINE, "198.51.100.9"),
        Carried(ms(500), LINE, "192.0.2.1"),
    ]
    desk = Desk(carried=by)
    assert told_of(desk, answering(900, LINE, SECOND_LINE), 905, CENTRE) == [
        (0.5, "ok", None),
        (200.0, "degraded", "on_backup"),
        (500.0, "ok", None),
    ]
    flip = desk.effective(CENTRE)[1]
    assert flip.detail == {"subject": LINE, "line": SECOND_LINE, "address": "198.51.100.9"}


@pytest.mark.parametrize(
    "by",
    [
        pytest.param([Carried(ms(0), SECOND_LINE, "198.51.100.9")], id="it always went that way"),
        pytest.param(
            [Carried(ms(0), LINE, "192.0.2.1"), Carried(ms(99), None, "203.0.113.5")], id="an unknown address"
        ),
        pytest.param(
            [Carried(ms(0), LINE, "a"), Carried(ms(99), SECOND_LINE, "b"), Carried(ms(120), LINE, "a")],
            id="for moments",
        ),
    ],
)
def test_what_is_no_backup(by: list[Carried]) -> None:
    assert told_of(Desk(carried=by), answering(600, LINE, SECOND_LINE), 605, CENTRE) == [(0.5, "ok", None)]


def test_on_the_backup_since_the_traffic_left_and_not_since_the_line_was_found_dead() -> None:
    by = [Carried(ms(0), LINE, "192.0.2.1"), Carried(ms(190), SECOND_LINE, "198.51.100.9")]
    told = told_of(Desk(carried=by), answering(600, LINE, SECOND_LINE, lost=range(20, 60)), 605, CENTRE)
    assert told == [(0.5, "ok", None), (190.0, "degraded", "on_backup")]


def test_a_centre_that_is_heard_by_a_line_nobody_measures_is_not_down() -> None:
    by = [Carried(ms(0), LINE, "192.0.2.1"), Carried(ms(190), SECOND_LINE, "198.51.100.9")]
    spare = {SECOND_LINE: [Finding(NOT_MEASURABLE, Span(ms(0), ALWAYS))]}
    told = told_of(Desk(carried=by, findings=spare), answering(600, LINE, lost=range(20, 60)), 605, CENTRE)
    assert told == [(0.5, "ok", None), (190.0, "degraded", "on_backup")]


def test_the_lead_is_told_by_who_asks() -> None:
    changes = Backups([Carried(0, "a", "1"), Carried(5, "b", "2")])
    assert [changes.at(6, lead) is not None for lead in ("a", "b", "c")] == [True, False, False]
