"""Figures from bytes over time, stamps from what else went on: tables and rules, no sockets."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.probes.bandwidth import look as looking
from agent.probes.bandwidth.estimate import Estimate, Flow
from agent.probes.bandwidth.look import Between, Counters, Look
from agent.probes.bandwidth.order import Course, Findings
from agent.probes.bandwidth.result import stamp_of, values_of
from agent.probes.bandwidth.watch import Watch, settled, stands

MBIT = 125_000


def flow(rates: Sequence[float], *, every_s: float = 0.02, begin_s: float = 500.0) -> Flow:
    """Bytes a second, one after the other, as samples."""
    made, total = Flow(), 0.0
    made.add(begin_s, 0)
    for n, rate in enumerate(rates, 1):
        total += rate * every_s
        made.add(begin_s + n * every_s, int(total))
    return made


def known(made: Flow) -> Estimate:
    found = made.estimate()
    assert found is not None
    return found


class TestEstimate:
    def test_a_steady_stream_is_known_to_the_bit(self) -> None:
        found = known(flow([100 * MBIT] * 100))
        assert found.bps == pytest.approx(100e6, rel=1e-4)
        assert (found.spread < 1e-3, found.steady) == (True, True)

    def test_the_warm_up_is_cut_away_and_no_more(self) -> None:
        found = known(flow([n * MBIT for n in range(1, 51)] + [100 * MBIT] * 150))
        assert found.bps == pytest.approx(100e6, rel=0.005)
        assert found.since_s - 500.0 == pytest.approx(1.0, abs=0.15)

    def test_a_burst_at_the_beginning_is_no_speed_of_the_line(self) -> None:
        assert known(flow([800 * MBIT] * 20 + [50 * MBIT] * 150)).bps == pytest.approx(50e6, rel=0.01)

    @pytest.mark.parametrize("rates", [[], [1.0], [100 * MBIT] * 20], ids=["nothing", "one sample", "half a second"])
    def test_too_little_gives_no_figure(self, rates: list[float]) -> None:
        assert flow(rates).estimate() is None

    def test_a_stream_that_still_grows_is_not_steady(self) -> None:
        found = known(flow([n * MBIT for n in range(1, 101)]))
        assert not found.steady or found.spread > 0.05

    @settings(max_examples=60)
    @given(seed=st.integers(0, 10**6), noise=st.floats(0.0, 0.3))
    def test_the_bounds_hold_the_figure_and_widen_with_the_noise(self, seed: int, noise: float) -> None:
        chance = random.Random(seed)
        found = known(flow([100 * MBIT * (1 + chance.uniform(-noise, noise)) for _ in range(200)]))
        assert found.low <= found.bps <= found.high
        assert found.low >= 0
        assert found.bps == pytest.approx(100e6, rel=0.1)

    def test_the_bounds_cover_the_truth_as_often_as_they_say(self) -> None:
        covered = 0
        for seed in range(300):
            chance = random.Random(seed)
            found = known(flow([100 * MBIT * (1 + chance.gauss(0, 0.1)) for _ in range(150)]))
            covered += found.low <= 100e6 <= found.high
        assert covered >= 0.9 * 300


class TestWhenItIsEnough:
    def watch(self, **given: float) -> Watch:
        said = {"min_s": 1.0, "max_s": 5.0, "enough_s": 3.0, "enough_bytes": 1e7, "precision": 0.01} | given
        return Watch(**said, bytes_left=10**9, left=lambda: 60.0)

    def test_a_known_speed_and_a_queue_that_stands_end_it(self) -> None:
        assert self.watch().over(flow([MBIT] * 100), 10**6, lambda _: [0.05] * 10, 2.0) == "known"

    @pytest.mark.parametrize(
        ("made", "rtts", "seconds"),
        [
            pytest.param(flow([MBIT] * 100), [0.05] * 10, 0.8, id="too early"),
            pytest.param(flow([MBIT] * 100), [0.05] * 3, 2.0, id="too few round trips"),
            pytest.param(flow([MBIT] * 100), [0.01] * 5 + [0.05] * 5, 2.0, id="a queue that grows"),
            pytest.param(flow([MBIT, 3 * MBIT] * 10), [0.05] * 10, 2.0, id="too little known"),
        ],
    )
    def test_else_it_goes_on(self, made: Flow, rtts: list[float], seconds: float) -> None:
        assert self.watch().over(made, 10**6, lambda _: rtts, seconds) == ""

    @pytest.mark.parametrize(
        ("moved", "seconds", "ended"),
        [
            pytest.param(10**6, 2.0, "", id="cheap so far"),
            pytest.param(10**6, 4.5, "", id="for half as much time again as it should take"),
            pytest.param(10**6, 9.0, "enough", id="for three times as much"),
            pytest.param(3 * 10**7, 2.0, "enough", id="for three times as many bytes"),
        ],
    )
    def test_the_dearer_a_test_the_wider_its_bounds_may_be(self, moved: int, seconds: float, ended: str) -> None:
        rough = flow([MBIT * (1 + (-1) ** n * 0.1) for n in range(8) for _ in range(12)])
        assert 0.03 < known(rough).spread < 0.08
        assert self.watch(max_s=20.0).over(rough, moved, lambda _: [0.05] * 10, seconds) == ended

    def test_a_queue_that_grows_is_waited_for_while_the_test_is_cheap(self) -> None:
        watch, growing = self.watch(), [0.01] * 5 + [0.05] * 5
        assert watch.over(flow([MBIT] * 100), 10**6, lambda _: growing, 1.0) == ""
        assert watch.over(flow([MBIT] * 100), 2 * 10**7, lambda _: growing, 1.1) == "known"

    def test_bytes_and_time_end_it_whatever_is_known(self) -> None:
        assert self.watch().over(flow([MBIT]), 10**9, lambda _: [], 0.5) == "bytes"
        assert self.watch().over(flow([MBIT]), 1, lambda _: [], 5.0) == "time"

    def test_a_queue_is_read_once_it_stands(self) -> None:
        assert settled([0.01, 0.02, 0.05, 0.05]) == [0.05, 0.05]
        assert stands([0.05] * 10)


def course(
    bps: float = 50e6, *, carried: int = 10_000_000, cpu: float = 0.2, core: float | None = 0.1, own: float = 0.1,
    held: float = 0.0,
) -> Course:  # fmt: skip
    """Two seconds that moved 10 MB; the interface carried `carried` bytes of load in them."""
    before = Look(0.0, Counters(0, 0, 0, 0), 0.0, 0.0)
    packets = 8_000
    counted = carried + packets * looking.HEADER_BYTES
    after = Look(2.0, Counters(counted, counted, packets, packets), 2 * cpu, 2.0)
    return Course(bps, bps * 0.99, bps * 1.01, 2.0, 4, 10_000_000, before, after, [0.05, 0.06], own, held, core)


class TestStamp:
    @pytest.mark.parametrize(
        ("found", "port_bps", "stamp"),
        [
            pytest.param(course(), 1e9, "valid", id="nothing held it back"),
            pytest.param(course(), None, "valid", id="a port that does not say"),
            pytest.param(course(cpu=0.95), 1e9, "cpu_bound", id="all processors busy"),
            pytest.param(course(own=1.9), 1e9, "cpu_bound", id="one processor busy with it"),
            pytest.param(course(held=0.1), 1e9, "cpu_bound", id="held up by whatever on this machine"),
            pytest.param(course(held=0.09), 1e9, "valid", id="held up for a moment"),
            pytest.param(course(94.1e6), 100e6, "nic_bound", id="a port at 100M"),
            pytest.param(course(70e6), 100e6, "valid", id="a port at 100M and a slower line"),
            pytest.param(course(carried=10_400_000), 1e9, "contaminated", id="other traffic"),
            pytest.param(course(carried=10_040_000), 1e9, "valid", id="under 25 kB/s of it"),
            pytest.param(course(carried=9_000_000), 1e9, "valid", id="counters behind our own count"),
            pytest.param(course(core=0.95), 1e9, "server_bound", id="the server's core is full"),
            pytest.param(course(core=None), 1e9, "valid", id="a server that does not say"),
            pytest.param(course(94.1e6, cpu=0.95), 100e6, "cpu_bound", id="two reasons, the nearer one"),
        ],
    )
    def test_a_test_is_stamped_by_what_held_it_back(self, found: Course, port_bps: float | None, stamp: str) -> None:
        assert stamp_of(Findings(courses={"download": course(), "upload": found}), 25_000.0, port_bps) == stamp

    def test_every_speed_carries_the_stamp_and_nothing_is_made_up(self) -> None:
        nothing = Look(0, None, 0, 0)
        alone = Course(1e6, None, None, 1, 2, 5, nothing, nothing)
        told = Findings(used=20, idle_rtts=[0.01], courses={"download": alone})
        values = {(v.metric, v.of) for v in values_of(told, "nic_bound")}
        assert ("motcua_line_download_bps", "nic_bound") in values
        assert not {name for name, _ in values if "low" in name or "loaded" in name or "upload" in name}


class TestLook:
    def test_headers_are_no_load(self) -> None:
        found = looking.between(Look(0, Counters(0, 0, 0, 0), 0, 0), Look(1, Counters(1566, 66, 1, 1), 0.5, 1.0))
        assert (found.received, found.sent, found.cpu_ratio) == (1500, 0, 0.5)

    def test_an_interface_that_was_made_anew_says_nothing(self) -> None:
        found = looking.between(Look(0, Counters(900, 900, 1, 1), 0, 0), Look(1, Counters(5, 5, 1, 1), 0, 1))
        assert found == Between(1, None, None, 0.0)

    def test_counters_are_read_from_the_table_of_the_namespace(self, tmp_path: Path) -> None:
        (tmp_path / "net").mkdir()
        (tmp_path / "net/dev").write_text(
            "Inter-|   Receive\n face |bytes\n    lo: 1 2 0 0 0 0 0 0 3 4 0 0 0 0 0 0\n"
            "  eth0:1000 20 0 0 0 0 0 0 3000 40 0 0 0 0 0 0\n"
        )
        assert looking.counters(tmp_path, "eth0") == Counters(1000, 3000, 20, 40)
        assert looking.counters(tmp_path, "wan9") is None

    def test_the_processors_are_read_without_a_library_where_the_system_has_a_table(self, tmp_path: Path) -> None:
        (tmp_path / "stat").write_text("cpu  100 0 100 700 100 0 0 0 50 50\ncpu0 1 1 1 1 1 1 1 1 1 1\n")
        found, second = looking.look(tmp_path, ""), os.sysconf("SC_CLK_TCK")
        assert (found.busy_s, found.all_s, found.counters) == (200 / second, 1000 / second, None)

    def test_else_a_library_tells(self, tmp_path: Path) -> None:
        found = looking.look(tmp_path, "")
        assert 0 < found.busy_s < found.all_s

    def test_the_way_out_and_its_interface_are_found(self) -> None:
        assert looking.interface_of(looking.source_towards("127.0.0.1")) == "lo"
        assert looking.interface_of("203.0.113.99") == ""
        assert looking.port_bps("no-such-port") is None
