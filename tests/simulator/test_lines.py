"""Simulated lines: what speed tests, counters, paths and conference trains say of contract, load and faults."""

from __future__ import annotations

from itertools import pairwise

import pytest

from agent.probes import qualityfigures
from simulator.agent import RARE, Agent, Who
from simulator.causes import Cause
from simulator.gauges import gauge
from simulator.numbers import Gauge, Run
from simulator.truth import tell
from simulator.world import World
from tests.support.simulated import AGENT, MINUTE, START, cause, plan, province, world
from wire.messages import PlanItem
from wire.metrics import METRICS
from wire.outcomes import REASONS

HERE, LINE, SECOND = "07001-1", "07001-1/a", "07001-1/b"
DAY = 24 * 60 * MINUTE
NIGHT = START + 12 * 60 * MINUTE  # 21:00 in Vietnam
MORNING = START + 60 * MINUTE
ITEMS = {
    "bandwidth": PlanItem("b", f"line:{LINE}", "bandwidth", "province", 86_400, 75),
    "use": PlanItem("u", f"line:{LINE}", "use", "default", 300, 5),
    "path": PlanItem("p", f"line:{LINE}", "path", "collector", 86_400, 20),
    "quality": PlanItem("q", f"line:{LINE}", "quality", "reflector", 900, 20),
}


def of(probe: str, *causes: Cause, seed: int = 1) -> Gauge:
    return gauge(world(*causes, seed=seed), HERE, ITEMS[probe])


def always(kind: str, touches: str = LINE) -> Cause:
    return cause(kind, touches, first=-60 * 24 * 60, last=60 * 24 * 60)


def told(run: Run) -> dict[tuple[str, str | None], float]:
    return {(v.metric.removeprefix("motcua_line_"), v.of): v.value for v in run.values}


def nightly(measure: Gauge, days: int = 30) -> list[Run]:
    return [measure(NIGHT + n * DAY) for n in range(days)]


def outcomes(runs: list[Run]) -> set[tuple[str, str | None]]:
    return {(run.result.outcome, run.result.reason) for run in runs}


@pytest.mark.parametrize("probe", ITEMS)
@pytest.mark.parametrize(
    "fault", [None, "line_cut", "hop_cut", "carrier_cut", "line_full", "line_below_contract", "class_lossy"]
)
def test_whatever_is_wrong_what_is_said_is_of_the_contract(probe: str, fault: str | None) -> None:
    measure = of(probe, *([always(fault)] if fault else []))
    for n in range(60):
        run = measure(START + n * 47 * MINUTE)
        assert run.detail["simulated"] is True
        assert run.result.reason is None or run.result.reason in REASONS
        assert all((value.of is not None) == (METRICS[value.metric].of is not None) for value in run.values)
        assert all(METRICS[value.metric].subject == "line" for value in run.values)
        assert len({(value.metric, value.of) for value in run.values}) == len(run.values)
        assert run == measure(START + n * 47 * MINUTE), "the same moment is the same"


class TestSpeedTests:
    def test_a_line_keeps_its_contract_and_its_bounds_hold_the_figure(self) -> None:
        valid = [told(run) for run in nightly(of("bandwidth")) if run.result.outcome == "ok"]
        assert len(valid) > 25
        for numbers in valid:
            low, mid, high = (numbers[f"download{part}_bps", "valid"] for part in ("_low", "", "_high"))
            assert 0.8e8 < low < mid < high < 1.05e8
            assert numbers["loaded_rtt_seconds", "download"] > numbers["idle_rtt_seconds", None]

    def test_a_line_below_contract_gives_what_the_cause_says(self) -> None:
        valid = [told(r) for r in nightly(of("bandwidth", always("line_below_contract"))) if r.result.outcome == "ok"]
        assert {round(numbers["download_bps", "valid"] / 1e7) for numbers in valid} <= {3, 4}

    def test_a_slow_port_stamps_every_test_and_leaves_none_valid(self) -> None:
        runs = nightly(of("bandwidth", always("port_slow", HERE)))
        assert outcomes(runs) <= {("unknown", "nic_bound"), ("unknown", "aborted"), ("unknown", "line_busy")}
        numbers = next(told(run) for run in runs if run.result.reason == "nic_bound")
        assert ("download_bps", "valid") not in numbers
        assert 9.0e7 < numbers["download_bps", "nic_bound"] < 9.5e7

    def test_people_come_first(self) -> None:
        run = of("bandwidth")(MORNING)
        assert (run.result.reason, run.values) == ("line_busy", [])

    @pytest.mark.parametrize(
        "fault", [always("line_cut"), always("hop_cut"), always("lan", HERE)], ids=lambda c: c.kind
    )
    def test_a_dead_line_fails_without_a_figure(self, fault: Cause) -> None:
        run = of("bandwidth", fault)(NIGHT)
        assert (run.result.outcome, run.result.reason, run.values) == ("fail", "no_answer", [])

    def test_who_asks_for_a_test_gets_one_and_is_told_what_else_was_on_the_line(self) -> None:
        run = gauge(world(), HERE, ITEMS["bandwidth"], asked=True)(MORNING)
        assert run.result.reason == "contaminated"
        assert 0 < told(run)["download_bps", "contaminated"] < 0.95e8

    def test_tests_are_once_a_day_and_mostly_at_night(self) -> None:
        hours = []
        for n in range(1, 4):
            for letter in "ab":
                key = f"{7000 + n:05d}-1"
                item = PlanItem("b", f"line:{key}/{letter}", "bandwidth", "province", 86_400, 75)
                one = Agent(Who(AGENT, key, "box", "token"), world(), from_ms=START)
                one.follow("0" * 64, [item])
                one.advance(START + 4 * DAY)
                ats = [due.at for due in one._items.values() if due.item.probe == "bandwidth"]
                hours += [(at + 7 * 60 * MINUTE) % DAY / 60 / MINUTE for at in ats]
        assert all(hour >= 19 or hour < 5 or 11.5 <= hour <= 13.5 for hour in hours), hours


class TestUse:
    def test_a_full_line_is_full_through_the_working_day(self) -> None:
        full, usual = of("use", always("line_full")), of("use")
        at = [MORNING + n * 5 * MINUTE for n in range(60)]
        assert all(told(full(t))["receive_bps", None] > 0.9e8 for t in at)
        assert max(told(usual(t))["receive_bps", None] for t in at) < 0.6e8

    def test_more_than_a_twentieth_of_a_week_is_full(self) -> None:
        week = [told(of("use", always("line_full"))(START + n * 5 * MINUTE))["receive_bps", None] for n in range(2016)]
        assert sorted(week)[round(0.95 * len(week))] > 0.9e8

    def test_a_cut_line_moves_nothing_and_its_port_has_a_signal(self) -> None:
        numbers = told(of("use", always("line_cut"))(MORNING))
        assert (numbers["receive_bps", None], numbers["port_up_ratio", None]) == (0, 1)

    def test_the_port_shows_its_speed(self) -> None:
        assert told(of("use")(MORNING))["port_bps", None] == 1e9
        assert told(of("use", always("port_slow", HERE))(MORNING))["port_bps", None] == 1e8


class TestPath:
    @pytest.mark.parametrize(
        ("fault", "answering"),
        [
            pytest.param(None, 5, id="whole"),
            pytest.param("line_cut", 1, id="the line's own cut ends at the gateway"),
            pytest.param("hop_cut", 2, id="cut at a named hop"),
            pytest.param("carrier_cut", 2, id="a trunk"),
        ],
    )
    def test_the_answers_end_where_the_way_is_cut(self, fault: str | None, answering: int) -> None:
        run, whole = of("path", *([always(fault)] if fault else []))(NIGHT), of("path")(NIGHT)
        hops = [str(text) for key, text in sorted(run.detail.items()) if key.startswith("hop_")]
        heard = [hop.split()[0] for hop in hops if hop != "* -"]
        there = [str(text).split()[0] for key, text in sorted(whole.detail.items()) if key.startswith("hop_")]
        assert heard == there[:answering], "the same routers, as far as they answer"
        assert (run.detail["last_answering"], run.detail["reached"]) == (heard[-1], fault is None)
        assert run.result.reason == (None if fault is None else "no_answer")

    def test_an_agent_looks_at_the_way_by_itself_when_trains_are_lost(self) -> None:
        one = Agent(Who(AGENT, HERE, "box", "token"), world(cause("line_cut", LINE, first=5, last=9)), from_ms=START)
        one.follow("0" * 64, [*plan(), ITEMS["path"]])
        seen: list[tuple[int, str | None]] = []
        keep = one._keep

        def noted(due: object, run: Run, at: int, task_id: str | None = None) -> None:
            if run.detail.get("reached") is not None:
                seen.append((at, run.result.reason))
            keep(due, run, at, task_id)  # type: ignore[arg-type]  # handed on as it came

        one._keep = noted  # type: ignore[method-assign]
        one.advance(START + 8 * MINUTE)
        lost = [at for at, reason in seen if reason == "no_answer"]
        assert len(lost) == 1
        assert START + 5 * MINUTE + 20_000 <= lost[0] <= START + 5 * MINUTE + 40_000, "with the third lost train"


class TestQuality:
    def test_loss_of_one_class_is_of_that_class(self) -> None:
        runs = [told(of("quality", always("class_lossy"))(NIGHT + n * 15 * MINUTE)) for n in range(40)]
        share = {name: sum(run["udp_loss_ratio", name] for run in runs) / 40 for name in ("ef", "af41", "be")}
        assert 0.04 < share["ef"] < 0.08
        assert max(share["af41"], share["be"]) < 0.005

    def test_its_interval_is_that_of_the_real_probe(self) -> None:
        run = told(of("quality", always("class_lossy"))(NIGHT))
        sent, got = (round(run[f"udp_{name}_packets", "ef"]) for name in ("sent", "received"))
        trips = {n: qualityfigures.Trip(0.01, 0.0, 0.0, 184, 184) for n in range(got)}
        real = {v.metric: v.value for v in qualityfigures.values_of("ef", range(sent), trips, None)}
        for name in ("udp_loss_ratio", "udp_loss_low_ratio", "udp_loss_high_ratio"):
            assert run[name, "ef"] == pytest.approx(real[f"motcua_line_{name}"])

    def test_a_full_line_drops_what_no_class_protects_and_delays_the_rest(self) -> None:
        full, usual = told(of("quality", always("line_full"))(MORNING)), told(of("quality")(MORNING))
        assert full["udp_rtt_seconds", "be"] > usual["udp_rtt_seconds", "be"] + 0.02
        assert full["udp_rtt_seconds", "ef"] < usual["udp_rtt_seconds", "ef"] + 0.005


class TestFailover:
    def test_a_centre_goes_on_by_its_second_line(self) -> None:
        held: World = world(cause("failover", LINE, first=1, last=9))
        at = START + 5 * MINUTE
        assert not held.carries(LINE, at)
        assert held.sends(HERE, at)
        assert held.line_in_use(HERE, at) == SECOND
        assert held.silences(HERE) == []

    def test_the_truth_says_degraded_of_the_centre_and_down_of_the_line(self) -> None:
        (one,) = tell([cause("failover", LINE, first=1, last=9)], province())
        assert {e.subject: e.states for e in one.expected} == {
            f"line:{LINE}": ("down",), f"centre:{HERE}": ("degraded",),
        }  # fmt: skip


def test_a_long_history_holds_what_is_rare_and_then_everything() -> None:
    one = Agent(Who(AGENT, HERE, "box", "token"), world(), from_ms=START, all_from_ms=START + 2 * DAY)
    one.follow("0" * 64, [*plan(), *ITEMS.values()])
    one.advance(START + 2 * DAY - 1)
    assert {due.item.probe for due in one._items.values() if due.at < START + 2 * DAY} <= RARE
    before, cuts = one.counts.observations, len(one.waiting)
    assert before < 2 * (288 + 96 + 4) + 10
    one.advance(START + 2 * DAY + 10 * MINUTE)
    assert one.counts.observations > before + 100
    assert cuts < 60, "nobody waits for a past that holds what is rare alone"
    assert 9 <= len(one.waiting) - cuts <= 20, "then a batch a minute"


def test_uses_of_neighbouring_moments_are_of_one_five_minutes() -> None:
    runs = [told(of("use")(MORNING // 300_000 * 300_000 + n))["receive_bps", None] for n in (0, 100_000, 299_999)]
    assert all(abs(a / b - 1) < 0.05 for a, b in pairwise(runs))
