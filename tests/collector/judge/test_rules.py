"""The table of design §6, row by row: what makes a subject down, degraded, unknown and well again, and since when."""

from __future__ import annotations

import pytest
from msgspec import structs

from collector.judge.agent import Condition
from collector.judge.facts import Fact
from collector.judge.timeline import ALWAYS, Span
from tests.support.measured import (
    AGENT,
    CENTRE,
    DEVICE,
    LAN,
    LINE,
    SECOND_LINE,
    Desk,
    every,
    ms,
    report,
    train,
)
from wire.outcomes import Outcome

Told = list[tuple[float, str, str | None]]


def tell(*parts: list[Fact], until: float, desk: Desk | None = None) -> Desk:
    judged = desk or Desk()
    judged.take([fact for part in parts for fact in part], until)
    return judged


def gateway(first: float, last: float, *, lost: int = 0) -> list[Fact]:
    return every(range(int(first), int(last), 10), LAN, lost=lost, target="gateway")


def anchor(first: float, last: float, *, lost: int = 0, line: str = LINE, target: str = "collector") -> list[Fact]:
    return every([s + 0.5 for s in range(int(first), int(last), 10)], line, lost=lost, target=target)


# --- what else is measured of a lan and a line ----------------------------------------------------------------------


def beside(subject: str, probe: str, seconds: range, outcome: Outcome, reason: str | None = None) -> list[Fact]:
    """Facts of another probe on the same subject, between the trains."""
    found = [train(s + 0.2, subject, outcome=outcome, reason=reason, target="resolver") for s in seconds]
    return [structs.replace(fact, probe=probe, sent=0, received=0, rtt_s=None) for fact in found]


@pytest.mark.parametrize(("outcome", "reason"), [("ok", None), ("fail", "no_answer"), ("unknown", "not_wireless")])
def test_wifi_and_resolver_neither_prove_nor_disprove_a_lan_and_a_line(outcome: Outcome, reason: str | None) -> None:
    trains = [*gateway(0, 60), *gateway(60, 120, lost=5), *gateway(120, 300), *anchor(0, 150)]
    trains += [*anchor(150, 210, lost=5), *anchor(210, 300)]
    alone = tell(trains, until=305)
    others = [
        *beside(LAN, "wifi", range(0, 300, 7), outcome, reason),
        *beside(LINE, "dns", range(0, 300, 7), outcome, reason),
    ]
    both = tell(trains, others, until=305)
    assert [state for _, state, _ in alone.told(LINE)].count("down") == 1
    without = [one for one in both.told(LINE) if one[2] != "dns_failed"]
    assert both.told(LAN) == alone.told(LAN)
    assert [(state, why) for _, state, why in without if state != "ok"] == [("down", "no_answer")]
    assert ("degraded" in {state for _, state, _ in both.told(LINE)}) == (outcome == "fail")


def test_a_resolver_that_answers_does_not_keep_a_line_known() -> None:
    desk = tell(gateway(0, 600), anchor(0, 60), beside(LINE, "dns", range(60, 600, 60), "ok"), until=605)
    assert desk.told(LINE)[-1][1:] == ("unknown", "stale")


def test_nothing_but_wifi_makes_no_lan_known() -> None:
    assert tell(beside(LAN, "wifi", range(0, 300, 60), "ok"), until=305).told(LAN) == []


# --- line -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lost", "expected"),
    [
        pytest.param(2, [(0.5, "ok", None)], id="two lost trains are no outage"),
        pytest.param(3, [(0.5, "ok", None), (60.5, "down", "no_answer"), (90.5, "ok", None)], id="three are"),
    ],
)
def test_a_line_is_down_after_three_trains_in_a_row(lost: int, expected: Told) -> None:
    cut = 60 + 10 * lost
    desk = tell(gateway(0, 150), anchor(0, 60), anchor(60, cut, lost=5), anchor(cut, 150), until=155)
    assert desk.told(LINE) == expected


def test_a_line_is_back_with_the_first_of_three_good_trains() -> None:
    flutter = [train(s + 0.5, lost=0 if n % 3 else 5) for n, s in enumerate(range(120, 210, 10))]
    desk = tell(gateway(0, 270), anchor(0, 60), anchor(60, 120, lost=5), flutter, anchor(210, 270), until=271)
    assert desk.told(LINE) == [(0.5, "ok", None), (60.5, "down", "no_answer"), (190.5, "ok", None)]


def test_a_partly_lost_train_is_an_answer() -> None:
    desk = tell(gateway(0, 120), anchor(0, 60), anchor(60, 120, lost=4), until=121)
    assert "down" not in {state for _, state, _ in desk.told(LINE)}


def test_one_dead_anchor_is_not_a_dead_line() -> None:
    other = anchor(0, 300, lost=5, target="192.0.2.9")
    desk = tell(gateway(0, 300), anchor(0, 300), other, until=301)
    assert desk.told(LINE) == [(0.5, "ok", None)]


def test_a_line_is_down_when_every_anchor_lost_three() -> None:
    slow_one = [train(s, target="192.0.2.9", lost=5 if s > 60 else 0, period_s=30) for s in range(3, 240, 30)]
    desk = tell(gateway(0, 240), anchor(0, 60), anchor(60, 240, lost=5), slow_one, until=241)
    assert desk.told(LINE)[-1] == (60.5, "down", "no_answer")
    desk = tell(gateway(0, 110), anchor(0, 60), anchor(60, 110, lost=5), slow_one[:4], until=111)
    assert desk.told(LINE) == [(0.5, "ok", None)]


def test_losses_that_begin_with_the_first_measurement_are_an_outage_by_evidence() -> None:
    assert tell(gateway(0, 20), anchor(0, 20, lost=5), until=21).told(LINE) == []
    assert tell(gateway(0, 30), anchor(0, 30, lost=5), until=31).told(LINE) == [(0.5, "down", "no_answer")]


def test_a_dead_lan_says_nothing_of_the_line_behind_it() -> None:
    desk = tell(gateway(0, 60), gateway(60, 120, lost=5), anchor(0, 60), anchor(60, 120, lost=5), until=121)
    assert desk.told(LAN) == [(0.0, "ok", None), (60.0, "down", "no_answer")]
    assert desk.told(LINE) == [(0.5, "ok", None), (60.5, "unknown", "lan_down")]


def test_a_lan_that_is_back_with_a_line_that_is_not() -> None:
    desk = tell(
        gateway(0, 60), gateway(60, 120, lost=5), gateway(120, 180),
        anchor(0, 60), anchor(60, 180, lost=5), until=181,
    )  # fmt: skip
    assert desk.told(LINE) == [(0.5, "ok", None), (60.5, "unknown", "lan_down"), (120.5, "down", "no_answer")]


def test_a_lan_that_was_not_measured_leaves_losses_unexplained_and_answers_believed() -> None:
    desk = tell(anchor(0, 60), anchor(60, 120, lost=5), anchor(120, 150), until=151)
    assert desk.told(LINE) == [(0.5, "ok", None), (60.5, "unknown", "lan_unknown"), (120.5, "ok", None)]


def test_loss_over_the_limit_degrades_a_line_once_it_is_sure() -> None:
    # One packet of five is lost in every fifth train: 4 %, of which 2 % are sure only after some hundred packets.
    lossy = [train(s + 0.5, lost=1 if s % 50 == 0 else 0) for s in range(0, 1_800, 10)]
    [ok, degraded] = tell(gateway(0, 1_800), lossy, until=1_801).effective(LINE)
    assert (ok.to, degraded.to, degraded.reason) == ("ok", "degraded", "loss")
    assert isinstance(degraded.detail["loss_low"], float)
    assert degraded.detail["loss_low"] > 0.02
    assert degraded.at_ms > ms(180)
    assert degraded.evidence


def test_loss_below_the_limit_degrades_nothing() -> None:
    lossy = [train(s + 0.5, lost=1 if s % 200 == 0 else 0) for s in range(0, 1_800, 10)]
    assert tell(gateway(0, 1_800), lossy, until=1_801).told(LINE) == [(0.5, "ok", None)]


def test_an_outage_is_not_counted_as_loss_afterwards() -> None:
    desk = tell(gateway(0, 900), anchor(0, 400), anchor(400, 600, lost=5), anchor(600, 900), until=901)
    assert [state for _, state, _ in desk.told(LINE)] == ["ok", "down", "ok"]


def test_a_slow_line_is_degraded_by_its_median_and_well_again_by_it() -> None:
    slow = [train(s + 0.5, rtt_s=0.08) for s in range(300, 900, 10)]
    desk = tell(gateway(0, 1_900), anchor(0, 300), slow, anchor(900, 1_900), until=1_901)
    # 31 slow trains over 30 quick ones; then as many quick ones as slow ones are left in the window.
    assert desk.told(LINE) == [(0.5, "ok", None), (600.5, "degraded", "slow"), (1_340.5, "ok", None)]


# --- lan ------------------------------------------------------------------------------------------------------------


def test_a_gateway_that_is_mute_while_anchors_answer_is_not_down() -> None:
    desk = tell(gateway(0, 120, lost=5), anchor(0, 120), until=121)
    assert desk.told(LAN) == [(0.0, "unknown", "gateway_mute")]
    assert desk.told(LINE) == [(0.5, "ok", None)]
    assert desk.told(CENTRE) == [(0.5, "ok", None)]


def test_behind_a_mute_gateway_silence_may_be_either() -> None:
    desk = tell(gateway(0, 180, lost=5), anchor(0, 120), anchor(120, 180, lost=5), until=181)
    assert desk.told(LAN) == [(0.0, "unknown", "gateway_mute")]
    assert desk.told(LINE)[-1] == (120.5, "unknown", "lan_unknown")
    assert desk.told(CENTRE)[-1] == (120.5, "unknown", "lan_unknown")


def test_a_lan_is_degraded_over_one_percent_of_loss() -> None:
    lossy = [train(s, LAN, target="gateway", lost=1 if s % 80 == 0 else 0) for s in range(0, 1_800, 10)]
    assert tell(lossy, until=1_801).told(LAN)[-1][1:] == ("degraded", "loss")


def test_without_a_gateway_the_lan_is_unknown_for_that_reason() -> None:
    blind = [train(s, LAN, target="gateway", outcome="unknown", reason="no_gateway") for s in range(0, 60, 10)]
    assert tell(blind, until=61).told(LAN) == [(0.0, "unknown", "no_gateway")]
    assert tell(gateway(0, 60), blind_from(60), until=121).told(LAN)[-1] == (
        60.0,
        "unknown",
        "no_gateway",
    )


def blind_from(first: int) -> list[Fact]:
    return [
        train(s, LAN, target="gateway", outcome="unknown", reason="no_gateway") for s in range(first, first + 60, 10)
    ]


# --- what was not measured ------------------------------------------------------------------------------------------


def test_a_gap_of_more_than_three_periods_is_stale_where_the_agent_was_heard() -> None:
    desk = tell(gateway(0, 60), gateway(80, 100), gateway(200, 260), until=261)
    assert desk.told(LAN) == [(0.0, "ok", None), (120.0, "unknown", "stale"), (200.0, "ok", None)]


def test_a_gap_is_silence_where_the_agent_was_not_heard() -> None:
    away = Desk(presence=[Span(ms(0), ms(55)), Span(ms(200), ALWAYS)])
    assert tell(gateway(0, 60), gateway(200, 260), until=261, desk=away).told(LAN) == [
        (0.0, "ok", None),
        (60.0, "unknown", "silent"),
        (200.0, "ok", None),
    ]


def test_data_on_its_way_holds_the_last_state_for_a_batch_and_three_periods() -> None:
    desk = tell(gateway(0, 60), until=140)
    assert desk.told(LAN) == [(0.0, "ok", None)]
    desk.look(Span(ms(50), ms(141)), 141)
    assert desk.told(LAN) == [(0.0, "ok", None), (80.0, "unknown", "stale")]


def test_after_a_gap_losses_are_an_outage_only_when_they_are_three() -> None:
    desk = tell(gateway(0, 60), gateway(200, 220, lost=5), gateway(220, 260), until=261)
    assert desk.told(LAN) == [(0.0, "ok", None), (80.0, "unknown", "stale"), (220.0, "ok", None)]


# --- device ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reading", "reason"),
    [
        pytest.param(("motcua_device_disk_used_ratio", "/", 0.96), "disk_low", id="disk"),
        pytest.param(("motcua_device_inodes_used_ratio", "/", 0.96), "disk_low", id="inodes"),
        pytest.param(("motcua_device_memory_used_ratio", "", 0.96), "memory_low", id="memory"),
        pytest.param(("motcua_device_temperature_celsius", "cpu", 91.0), "temperature", id="heat"),
        pytest.param(("motcua_device_battery_plugged", "", 0.0), "on_battery", id="battery"),
    ],
)
def test_a_condition_degrades_a_device_at_once_and_the_centre_with_it(
    reading: tuple[str, str, float], reason: str
) -> None:
    reports = [report(0), report(60, reading), report(120), report(180)]
    desk = tell(gateway(0, 240), anchor(0, 240), reports, until=241)
    assert desk.told(DEVICE) == [(0.0, "ok", None), (60.0, "degraded", reason), (120.0, "ok", None)]
    assert desk.told(CENTRE) == [(0.5, "ok", None), (60.0, "degraded", "own_fault"), (120.0, "ok", None)]


def test_the_worst_condition_is_named_and_one_good_report_is_not_the_end() -> None:
    disk, heat = ("motcua_device_disk_used_ratio", "/", 0.99), ("motcua_device_temperature_celsius", "cpu", 99.0)
    reports = [report(0, heat, disk), report(60), report(120, disk), report(180), report(240)]
    desk = tell(reports, until=241)
    assert desk.told(DEVICE) == [(0.0, "degraded", "disk_low"), (180.0, "ok", None)]
    assert desk.effective(DEVICE)[0].detail == {
        "metric": "motcua_device_disk_used_ratio", "of": "/", "value": 0.99, "limit": 0.95,
    }  # fmt: skip


def test_a_device_that_does_not_answer_is_down_only_while_the_lan_does() -> None:
    failing = [report(0), *(report(n * 60, outcome="fail") for n in range(1, 4))]
    assert tell(gateway(0, 240), failing, until=241).told(DEVICE)[-1] == (60.0, "down", "no_answer")
    assert tell(failing, until=241).told(DEVICE)[-1] == (60.0, "unknown", "lan_unknown")


# --- agent ----------------------------------------------------------------------------------------------------------


def test_an_agent_is_ok_while_it_is_heard_and_silent_when_not() -> None:
    desk = Desk(presence=[Span(ms(0), ms(100)), Span(ms(200), ALWAYS)])
    desk.look(Span(ms(0), ms(300)), 300)
    assert desk.told(AGENT) == [(0.0, "ok", None), (100.0, "unknown", "silent"), (200.0, "ok", None)]


def test_conditions_degrade_an_agent_the_worst_first() -> None:
    held = [Condition("clock_skew", Span(ms(10), ms(60))), Condition("cloned", Span(ms(20), ms(40)))]
    desk = Desk(presence=[Span(ms(0), ALWAYS)], conditions=held)
    desk.look(Span(ms(0), ms(100)), 100)
    assert desk.told(AGENT) == [
        (0.0, "ok", None), (10.0, "degraded", "clock_skew"), (20.0, "degraded", "cloned"),
        (40.0, "degraded", "clock_skew"), (60.0, "ok", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("reading", "reason"),
    [
        pytest.param(("motcua_agent_spool_oldest_seconds", "", 3_601.0), "spool_old", id="an old spool"),
        pytest.param(("motcua_agent_disk_free_bytes", "", 1e6), "disk_low", id="no room for it"),
    ],
)
def test_what_an_agent_reports_of_itself_degrades_it(reading: tuple[str, str, float], reason: str) -> None:
    fine = ("motcua_agent_spool_oldest_seconds", "", 1.0)
    reports = [report(0, fine, subject=AGENT), report(60, reading, subject=AGENT), report(120, fine, subject=AGENT)]
    desk = tell(reports, until=130, desk=Desk(presence=[Span(ms(0), ALWAYS)]))
    assert desk.told(AGENT) == [(0.0, "ok", None), (60.0, "degraded", reason), (120.0, "ok", None)]


# --- centre ---------------------------------------------------------------------------------------------------------


def second(first: float, last: float, *, lost: int = 0) -> list[Fact]:
    return anchor(first, last, lost=lost, line=SECOND_LINE, target="192.0.2.10")


def test_on_its_second_line_a_centre_is_degraded_not_down() -> None:
    desk = tell(gateway(0, 180), anchor(0, 60), anchor(60, 120, lost=5), anchor(120, 180), second(0, 180), until=181)
    assert desk.told(CENTRE) == [(0.5, "ok", None), (60.5, "degraded", "on_backup"), (120.5, "ok", None)]


def test_a_broken_spare_line_is_a_fault_of_its_own() -> None:
    desk = tell(gateway(0, 120), anchor(0, 120), second(0, 60), second(60, 120, lost=5), until=121)
    assert desk.told(CENTRE)[-1] == (60.5, "degraded", "own_fault")


def test_without_any_line_a_centre_is_down() -> None:
    lines = [anchor(0, 60), anchor(60, 120, lost=5), second(0, 60), second(60, 120, lost=5)]
    desk = tell(gateway(0, 120), *lines, until=121)
    assert desk.told(CENTRE)[-1] == (60.5, "down", "no_line")
    [*_, down] = desk.effective(CENTRE)
    assert down.detail == {"subject": LINE, "reason": "no_answer"}
    assert len(down.evidence) == 3


def test_behind_a_dead_lan_no_line_is_usable() -> None:
    desk = tell(gateway(0, 60), gateway(60, 120, lost=5), anchor(0, 60), anchor(60, 120, lost=5), until=121)
    assert desk.told(CENTRE)[-1] == (60.5, "down", "lan_down")


def test_a_centre_whose_box_is_silent_is_not_measured_never_down() -> None:
    away = Desk(presence=[Span(ms(0), ms(55))])
    desk = tell(gateway(0, 60), anchor(0, 60), [report(0)], until=300, desk=away)
    assert desk.told(CENTRE) == [(0.5, "ok", None), (60.5, "unknown", "silent")]


def test_one_line_that_is_unknown_beside_one_that_is_down_is_no_proof() -> None:
    lines = [anchor(0, 60), anchor(60, 260, lost=5), second(0, 60)]
    assert tell(gateway(0, 260), *lines, until=261).told(CENTRE)[-1][1:] == ("unknown", "stale")


def test_a_switched_off_pc_does_not_colour_its_centre() -> None:
    desk = tell(gateway(0, 600), anchor(0, 600), [report(0)], until=601)
    assert desk.told(DEVICE)[-1][1:] == ("unknown", "stale")
    assert desk.told(CENTRE) == [(0.5, "ok", None)]
