"""Probe `reach` on loopback, on made links, and over a cable between two network namespaces."""

from __future__ import annotations

import json
import math
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain, repeat
from pathlib import Path

import pytest

from agent.context import Context, Facts
from agent.net import links
from agent.net.links import Heard, now_s
from agent.probes import Measured, reach
from agent.probes.given import Ended
from agent.probes.trains import Train
from tests.support.netns import PEER_V4, PEER_V6, Wire, needs_netns, wired
from wire.clock import SystemClock
from wire.messages import PlanItem, Scalar

LINE, LAN = "line:00000-1/a", "lan:00000-1"
FAST: dict[str, Scalar] = {"interval_s": 0.002, "timeout_s": 0.25}


def _run(
    target: str, subject: str = LINE, *, left_ms: int = 5_000, settings: Mapping[str, Scalar] | None = None
) -> Measured:
    clock = SystemClock()
    ctx = Context(clock, clock.mono_ms() + left_ms, Facts("127.0.0.1"), proc=Path("/proc/thread-self"))
    item = PlanItem("reach-1", subject, "reach", target, 10, 5, {**FAST, **(settings or {})})
    return reach.probe(item, ctx)


def _numbers(measured: Measured) -> dict[str, float]:
    return {value.metric: value.value for value in measured.values}


# --- on loopback ----------------------------------------------------------------------------------------------------

needs_icmp = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="echo sockets on this machine need root"
)


@needs_icmp
@pytest.mark.parametrize("target", ["127.0.0.1", "::1", "collector"])
def test_what_answers_is_ok_with_all_its_numbers(target: str) -> None:
    found = _run(target, LAN)
    assert found.result.outcome == "ok"
    numbers = _numbers(found)
    assert numbers["motcua_lan_sent_packets"] == numbers["motcua_lan_received_packets"] == 5
    assert numbers["motcua_lan_loss_ratio"] == 0
    assert 0 < numbers["motcua_lan_rtt_min_seconds"] <= numbers["motcua_lan_rtt_seconds"] < 0.25
    assert numbers["motcua_lan_rtt_max_seconds"] >= numbers["motcua_lan_rtt_seconds"]
    assert "motcua_lan_jitter_seconds" in numbers
    assert found.detail["answered_by"] in {"127.0.0.1", "::1"}
    assert found.detail["received"] == "0-4"
    assert set(found.phases) <= set(reach.PHASES)


@needs_icmp
def test_one_packet_has_a_round_trip_and_no_jitter() -> None:
    numbers = _numbers(_run("127.0.0.1", settings={"packets": 1}))
    assert "motcua_line_rtt_seconds" in numbers
    assert "motcua_line_jitter_seconds" not in numbers


@needs_icmp
def test_a_train_is_shortened_to_what_the_deadline_leaves() -> None:
    found = _run("127.0.0.1", left_ms=700, settings={"interval_s": 0.2})
    assert found.result.outcome == "ok"
    assert found.detail["packets_left_out"] == 5 - _numbers(found)["motcua_line_sent_packets"]


def test_without_time_for_one_packet_nothing_is_known() -> None:
    if os.geteuid() != 0:
        pytest.skip("echo sockets on this machine need root")
    assert _run("127.0.0.1", left_ms=100).result.reason == "deadline"


@pytest.mark.parametrize(
    ("subject", "settings", "key"),
    [
        pytest.param("device:01ARZ3NDEKTSV4RRFFQ69G5FAV", {}, "subject", id="a subject of another kind"),
        pytest.param("line:", {}, "subject", id="no subject"),
        pytest.param(LINE, {"packets": 0}, "packets", id="no packets"),
        pytest.param(LINE, {"packets": "5"}, "packets", id="a text"),
        pytest.param(LINE, {"interval_s": float("nan")}, "interval_s", id="not a number"),
        pytest.param(LINE, {"timeout_s": 1e999}, "timeout_s", id="infinity"),
        pytest.param(LINE, {"timeout_s": 30.0}, "timeout_s", id="longer than the deadline"),
        pytest.param(LINE, {"family": "5"}, "family", id="no such family"),
        pytest.param(LINE, {"tcp_port": 65536}, "tcp_port", id="no such port"),
    ],
)
def test_unusable_settings_name_their_key(subject: str, settings: dict[str, Scalar], key: str) -> None:
    found = _run("127.0.0.1", subject, settings=settings)
    assert found.result.reason == "bad_settings"
    assert found.detail["key"] == key
    assert found.values == []


def test_a_setting_of_a_newer_plan_is_ignored() -> None:
    assert _run("127.0.0.1", settings={"colour": "green", "packets": 1}).result.reason != "bad_settings"


@pytest.mark.parametrize(
    ("code", "outcome", "reason"),
    [
        pytest.param(socket.EAI_NONAME, "fail", "not_resolved", id="no such name"),
        pytest.param(socket.EAI_AGAIN, "unknown", "resolver_failed", id="no answer"),
    ],
)
def test_a_name_without_address_is_told_from_a_dead_resolver(
    monkeypatch: pytest.MonkeyPatch, code: int, outcome: str, reason: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise socket.gaierror(code, "said the resolver")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    found = _run("host.example")
    assert (found.result.outcome, found.result.reason) == (outcome, reason)
    assert found.detail["error"] == "said the resolver"


# --- over links that are made up ------------------------------------------------------------------------------------


@dataclass
class MadeLink:
    """Refuses or answers as it is told, without a network."""

    method: str = "made"
    error: Exception | None = None
    heard: list[Heard] = field(default_factory=list)

    def send(self, number: int) -> None:
        if self.error is not None:
            raise self.error
        self.heard.append(Heard(number, now_s(), "192.0.2.9"))

    def receive(self, wait_s: float) -> Heard | None:
        return self.heard.pop(0) if self.heard else None

    def close(self) -> None: ...


def _train() -> Train:
    return Train(3, interval_s=0.001, timeout_s=0.05, start=now_s())


def test_a_train_without_a_way_out_is_unreachable_and_has_no_numbers() -> None:
    train = _train()
    told = reach.drive(train, MadeLink(error=links.NoWay("Network is unreachable")))
    assert reach.judge(train).reason == "unreachable"
    assert reach.values_of("line", train) == []
    assert told["error"] == "this machine: Network is unreachable"


def test_full_buffers_of_this_machine_are_nobodys_loss() -> None:
    train = _train()
    reach.drive(train, MadeLink(error=OSError(105, "No buffer space available")))
    assert reach.judge(train).outcome == "unknown"
    assert reach.values_of("line", train) == []


def test_a_local_firewall_is_no_permission() -> None:
    with pytest.raises(Ended) as ended:
        reach.drive(_train(), MadeLink(error=links.NoPermission("a firewall")))
    assert ended.value.result.reason == "no_permission"


def test_a_machine_that_stood_still_measured_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = chain([100.0] * 4, repeat(163.0))  # asleep for a minute while waiting for the first answer
    monkeypatch.setattr(reach, "now_s", lambda: next(moments))
    with pytest.raises(Ended) as ended:
        reach.drive(Train(3, 0.2, 2.0, 100.0), MadeLink())
    assert ended.value.result.reason == "interrupted"


def test_a_duplicate_is_not_counted_twice() -> None:
    train = _train()
    link = MadeLink()
    link.heard = [Heard(0, now_s() + 0.001, "192.0.2.9")] * 4
    reach.drive(train, link)
    assert len(train.rtts) <= 3


# --- over a cable ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["1 0", "0 2147483647"], ids=["raw", "datagram"])
def cable(request: pytest.FixtureRequest) -> Iterator[Wire]:
    with wired() as wire:
        wire.here.allow_ping(request.param)
        yield wire


@pytest.fixture
def wire(cable: Wire) -> Iterator[Wire]:
    yield cable
    cable.peer.filter_input()


netns = [pytest.mark.netns, needs_netns]


class TestOverACable:
    pytestmark = netns

    @pytest.mark.parametrize("target", [PEER_V4, PEER_V6], ids=["IPv4", "IPv6"])
    def test_the_other_end_answers(self, wire: Wire, target: str) -> None:
        found = wire.here.call(lambda: _run(target))
        assert found.result.outcome == "ok"
        assert found.detail["answered_by"] == target
        assert str(found.detail["method"]).startswith("icmp_")

    @pytest.mark.parametrize("target", [PEER_V4, PEER_V6], ids=["IPv4", "IPv6"])
    def test_silence_is_no_answer_and_has_no_round_trip(self, wire: Wire, target: str) -> None:
        wire.peer.lose(1.0)
        found = wire.here.call(lambda: _run(target))
        assert found.result.reason == "no_answer"
        numbers = _numbers(found)
        assert numbers["motcua_line_loss_ratio"] == 1
        assert not [name for name in numbers if "rtt" in name or "jitter" in name]

    def test_a_train_that_is_lost_takes_its_timetable_and_one_time_out(self, wire: Wire) -> None:
        wire.peer.lose(1.0)
        found = wire.here.call(lambda: _run(PEER_V4, settings={"interval_s": 0.05, "timeout_s": 0.3}))
        assert found.phases["train"] == pytest.approx(4 * 0.05 + 0.3, abs=0.15)

    @pytest.mark.parametrize("target", [PEER_V4, PEER_V6], ids=["IPv4", "IPv6"])
    def test_a_refusal_is_unreachable_and_names_who_said_so(self, wire: Wire, target: str) -> None:
        rejected = "reject with icmpx admin-prohibited"
        wire.peer.filter_input(f"icmp type echo-request {rejected}", f"icmpv6 type echo-request {rejected}")
        found = wire.here.call(lambda: _run(target))
        assert found.result.reason == "unreachable"
        assert str(found.detail["error"]).startswith(f"{target}: administratively prohibited")

    @pytest.mark.parametrize("target", ["198.51.100.1", "2001:db8:1::1"], ids=["IPv4", "IPv6"])
    def test_without_a_route_it_is_unreachable_by_this_machine(self, wire: Wire, target: str) -> None:
        found = wire.here.call(lambda: _run(target))
        assert found.result.reason == "unreachable"
        assert str(found.detail["error"]).startswith("this machine: ")
        assert found.values == []

    def test_a_broadcast_address_is_not_asked(self, wire: Wire) -> None:
        assert wire.here.call(lambda: _run("192.0.2.255")).result.outcome == "unknown"

    def test_the_gateway_is_the_one_of_the_real_route_table(self, wire: Wire) -> None:
        assert wire.here.call(lambda: _run("gateway", LAN)).result.reason == "no_gateway"
        wire.route_by_peer()
        try:
            four = wire.here.call(lambda: _run("gateway", LAN))
            six = wire.here.call(lambda: _run("gateway", LAN, settings={"family": "6"}))
        finally:
            wire.here.ip("route del default")
            wire.here.ip("-6 route del default")
        assert (four.result.outcome, four.detail["address"]) == ("ok", PEER_V4)
        assert (six.result.outcome, six.detail["address"]) == ("ok", PEER_V6)

    @pytest.mark.parametrize("rate", [0.03, 0.2, 0.6])
    def test_loss_that_was_made_is_measured(self, wire: Wire, rate: float) -> None:
        """Twelve trains of a hundred: six intervals that do not hold, or 4.5 sigma in all, once in 10,000 runs."""
        wire.peer.lose(rate)
        fast = {"packets": 100, "interval_s": 0.001, "timeout_s": 0.06}
        trains = [_numbers(wire.here.call(lambda: _run(PEER_V4, settings=fast))) for _ in range(12)]
        held = [t["motcua_line_loss_low_ratio"] <= rate <= t["motcua_line_loss_high_ratio"] for t in trains]
        mean = sum(t["motcua_line_loss_ratio"] for t in trains) / len(trains)
        assert sum(held) >= 7
        assert mean == pytest.approx(rate, abs=4.5 * math.sqrt(rate * (1 - rate) / 1200))

    def test_two_trains_at_once_do_not_hear_each_other(self, wire: Wire) -> None:
        wire.peer.lose(0.5)
        with ThreadPoolExecutor(4) as pool:
            runs = [pool.submit(wire.here.call, lambda: _run(PEER_V4, settings={"packets": 50})) for _ in range(4)]
            found = [run.result() for run in runs]
        received = {str(m.detail["received"]) for m in found}
        assert len(received) == 4
        assert all(_numbers(m)["motcua_line_received_packets"] < 50 for m in found)


@pytest.fixture(scope="module")
def closed() -> Iterator[Wire]:
    with wired() as wire:
        wire.here.allow_ping("1 0")
        yield wire


class TestWithoutPermission:
    pytestmark = netns

    def _as_nobody(self, wire: Wire, settings: dict[str, Scalar]) -> dict[str, object]:
        """Run the probe in a child that gave up root, after everything it imports was read."""
        code = (
            "import encodings.idna, json, os, sys\n"
            "import agent.net.icmp\n"
            "from agent.context import Context, Facts\n"
            "from agent.probes import reach\n"
            "from wire.clock import SystemClock\n"
            "from wire.messages import PlanItem\n"
            "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
            "clock, settings = SystemClock(), json.loads(sys.argv[1])\n"
            f"item = PlanItem('r', 'line:00000-1/a', 'reach', '{PEER_V4}', 10, 5, settings)\n"
            "found = reach.probe(item, Context(clock, clock.mono_ms() + 5000, Facts('127.0.0.1')))\n"
            "print(json.dumps([found.result.outcome, found.result.reason, found.detail, len(found.values)]))\n"
        )
        printed = wire.here.run(sys.executable, "-c", code, json.dumps(FAST | settings))
        outcome, reason, detail, values = json.loads(printed)
        return {"outcome": outcome, "reason": reason, "detail": detail, "values": values}

    def test_it_is_unknown_and_the_remedy_is_named(self, closed: Wire) -> None:
        found = self._as_nobody(closed, {})
        assert (found["outcome"], found["reason"], found["values"]) == ("unknown", "no_permission", 0)
        assert "ping_group_range" in str(found["detail"])
        assert "CAP_NET_RAW" in str(found["detail"])

    def test_tcp_is_the_way_round_and_a_reset_is_an_answer(self, closed: Wire) -> None:
        found = self._as_nobody(closed, {"tcp_port": 9, "timeout_s": 0.5})
        assert (found["outcome"], found["values"]) == ("ok", 9)
        assert "'method': 'tcp'" in str(found["detail"])

    def test_tcp_into_silence_is_no_answer(self, closed: Wire) -> None:
        closed.peer.filter_input("tcp dport 9 drop")
        try:
            found = self._as_nobody(closed, {"tcp_port": 9})
        finally:
            closed.peer.filter_input()
        assert (found["outcome"], found["reason"]) == ("fail", "no_answer")

    def test_where_the_group_range_allows_it_nobody_needs_a_capability(self, closed: Wire) -> None:
        closed.here.allow_ping()
        try:
            found = self._as_nobody(closed, {})
        finally:
            closed.here.allow_ping("1 0")
        assert found["outcome"] == "ok"
        assert "icmp_datagram" in str(found["detail"])

    def test_a_failing_child_is_not_hidden(self, closed: Wire) -> None:
        with pytest.raises(subprocess.CalledProcessError):
            closed.here.run("false")
