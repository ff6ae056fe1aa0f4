"""Probe `quality` on loopback and over a cable: directions, classes, remarking, and whose silence it is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from agent.probes import Measured, quality
from collector.reflector.serving import bind
from collector.settings import Address
from tests.support.netns import PEER_V4, PEER_V6, Wire, needs_netns, wired
from tests.support.reflecting import TICKET, Running, numbers, reflecting, train
from wire.messages import Scalar
from wire.reflecting import PORT

CLASSES = ("ef", "af41", "be")


# --- on loopback ----------------------------------------------------------------------------------------------------


def test_what_is_reflected_is_ok_with_all_numbers_of_every_class() -> None:
    with reflecting() as running:
        found = train(f"127.0.0.1:{running.port}")
    assert found.result.outcome == "ok"
    for name in CLASSES:
        told = numbers(found, name)
        assert (told["sent_packets"], told["received_packets"], told["loss_ratio"]) == (40, 40, 0)
        assert told["lost_up_ratio"] == told["loss_low_ratio"] == 0 < told["loss_high_ratio"] < 0.1
        assert 0 < told["rtt_seconds"] < 0.25
        assert 0 <= told["jitter_seconds"] < 0.25
        assert 0 <= told["jitter_up_seconds"] < 0.25
    assert not [key for key in found.detail if "remarked" in key]
    assert running.mirror.counts.answered == 120


def test_a_wall_clock_that_is_set_in_mid_test_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = time.time_ns, iter(range(10**9))
    monkeypatch.setattr(time, "time_ns", lambda: real() + (3_600 * 10**9 if next(calls) % 80 > 40 else 0))
    with reflecting() as running:
        found = train(f"127.0.0.1:{running.port}")
    assert found.result.outcome == "ok"
    for name in CLASSES:
        told = numbers(found, name)
        assert told["loss_ratio"] == 0
        assert max(told["rtt_seconds"], told["jitter_seconds"], told["jitter_up_seconds"]) < 0.25


def test_a_train_is_shortened_to_what_the_deadline_leaves() -> None:
    with reflecting() as running:
        found = train(f"127.0.0.1:{running.port}", {"interval_s": 0.06}, left_s=2.5)
    assert found.result.outcome == "ok"
    left_out = found.detail["packets_left_out"]
    assert isinstance(left_out, int)
    assert 0 < left_out == 120 - sum(numbers(found, name)["sent_packets"] for name in CLASSES)
    assert len({numbers(found, name)["sent_packets"] for name in CLASSES}) == 1, "each class as many"


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        pytest.param({"classes": "ef,gold"}, "classes", id="no such class"),
        pytest.param({"classes": "ef,ef"}, "classes", id="a class twice"),
        pytest.param({"packets": 400}, "packets", id="more than a train holds"),
        pytest.param({"size_min": 900, "size_max": 800}, "size_max", id="from more to less"),
        pytest.param({"reflector": "127.0.0.1:0"}, "reflector", id="no port"),
        pytest.param({"reflector": "127.0.0.1"}, "reflector", id="no port at all"),
        pytest.param({"ticket": "x"}, "ticket", id="no pass"),
    ],
)
def test_unusable_settings_name_their_key(settings: dict[str, Scalar], key: str) -> None:
    found = train("127.0.0.1:9", settings)
    assert (found.result.reason, found.detail["key"]) == ("bad_settings", key)


def test_a_reflector_without_room_is_no_fault_of_the_line() -> None:
    with reflecting() as running:
        running.mirror.most = 0
        found = train(f"127.0.0.1:{running.port}")
    assert (found.result.outcome, found.result.reason, found.values) == ("unknown", "server_bound", [])


# --- over a cable ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cable:
    """The probe on one end, the reflector on the other."""

    wire: Wire
    running: Running

    def train(self, settings: dict[str, Scalar] | None = None, *, host: str = PEER_V4, collector: str = "") -> Measured:
        return self.wire.here.call(lambda: train(f"{host}:{PORT}", settings, collector=collector))


@pytest.fixture(scope="module")
def laid() -> Iterator[Wire]:
    with wired() as wire:
        wire.here.allow_ping()
        yield wire


@pytest.fixture
def cable(laid: Wire, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cable]:
    # On a cable of a metre an answer that is not there after 0.3 s does not come.
    monkeypatch.setattr(quality, "_DOUBT", {"packets": 3, "interval_s": 0.05, "timeout_s": 0.3})
    with reflecting(lambda: laid.peer.call(lambda: bind(Address("0.0.0.0", PORT)))) as running:
        yield Cable(laid, running)
    laid.peer.filter_input()
    laid.here.filter_input()


UDP = f"udp dport {PORT}"
QUESTIONS = f"{UDP} udp length > 110"  # shorter ones ask for a cookie


@needs_netns
@pytest.mark.netns
class TestOverACable:
    def test_loss_of_one_class_on_the_way_up_is_told_of_that_class_and_that_way(self, cable: Cable) -> None:
        cable.wire.peer.filter_input(f"{UDP} ip dscp ef numgen inc mod 4 < 1 drop")
        found = cable.train()
        assert numbers(found, "ef")["loss_ratio"] == pytest.approx(0.25, abs=0.03)
        assert numbers(found, "ef")["lost_up_ratio"] == numbers(found, "ef")["loss_ratio"]
        assert [numbers(found, name)["loss_ratio"] for name in ("af41", "be")] == [0, 0]

    def test_loss_on_the_way_down_is_not_of_the_way_up(self, cable: Cable) -> None:
        cable.wire.here.filter_input(f"udp sport {PORT} ip dscp af41 numgen inc mod 5 < 1 drop")
        found = cable.train()
        told = numbers(found, "af41")
        assert told["loss_ratio"] == pytest.approx(0.2, abs=0.03)
        assert told["lost_up_ratio"] == 0
        assert told["loss_low_ratio"] < 0.2 < told["loss_high_ratio"]

    def test_a_class_that_is_dropped_altogether_is_lost_and_the_line_is_not(self, cable: Cable) -> None:
        cable.wire.peer.filter_input(f"{UDP} ip dscp ef drop")
        found = cable.train()
        assert found.result.outcome == "ok"
        assert numbers(found, "ef")["loss_ratio"] == 1
        assert "rtt_seconds" not in numbers(found, "ef")

    @pytest.mark.parametrize(("end", "way"), [("peer", "up"), ("here", "down")])
    def test_packets_that_were_remarked_are_told(self, cable: Cable, end: str, way: str) -> None:
        namespace = cable.wire.peer if end == "peer" else cable.wire.here
        namespace.run("nft", "flush ruleset")
        rule = "add table ip m\nadd chain ip m p { type filter hook prerouting priority mangle; }\n"
        namespace.run("nft", "-f", "-", stdin=rule + "add rule ip m p ip dscp ef ip dscp set cs1\n")
        assert {k: v for k, v in cable.train().detail.items() if "remarked" in k} == {f"ef_remarked_{way}": "cs1"}

    def test_a_line_that_answers_while_the_reflector_is_silent_is_not_blamed(self, cable: Cable) -> None:
        cable.wire.peer.filter_input(f"{UDP} drop")
        found = cable.train()
        assert (found.result.outcome, found.result.reason, found.values) == ("unknown", "no_reflector", [])
        assert found.detail["answers"] == PEER_V4

    def test_a_line_by_which_only_the_collector_answers_is_not_blamed_either(self, cable: Cable) -> None:
        cable.wire.peer.ip("addr add 192.0.2.9/32 dev lo")
        try:
            cable.wire.peer.filter_input(f"{UDP} drop", f"ip daddr {PEER_V4} icmp type echo-request drop")
            found = cable.train(collector="192.0.2.9")
        finally:
            cable.wire.peer.ip("addr del 192.0.2.9/32 dev lo")
        assert (found.result.reason, found.detail["answers"]) == ("no_reflector", "collector")

    def test_a_dead_line_fails(self, cable: Cable) -> None:
        cable.wire.peer.filter_input("drop")
        found = cable.train(collector=PEER_V4)
        assert (found.result.outcome, found.result.reason, found.values) == ("fail", "no_answer", [])

    def test_questions_that_all_get_lost_behind_a_granted_cookie_are_not_the_lines_while_it_answers(
        self, cable: Cable
    ) -> None:
        cable.wire.peer.filter_input(f"{QUESTIONS} drop")
        found = cable.train()
        assert (found.result.outcome, found.result.reason, found.values) == ("unknown", "no_reflector", [])

    def test_a_port_where_nothing_listens_is_no_reflector(self, cable: Cable) -> None:
        cable.running.stop()
        found = cable.train()
        assert (found.result.outcome, found.result.reason) == ("unknown", "no_reflector")
        assert found.phases["ask"] < 1, "the host itself said so"

    def test_over_ipv6(self, laid: Wire) -> None:
        laid.peer.filter_input()
        with reflecting(lambda: laid.peer.call(lambda: bind(Address("::", PORT)))):
            found = laid.here.call(lambda: train(f"[{PEER_V6}]:{PORT}"))
        assert found.result.outcome == "ok"
        assert not [key for key in found.detail if "remarked" in key]

    def test_it_leaves_by_the_interface_it_is_told(self, cable: Cable) -> None:
        assert cable.train({"interface": "here0"}).result.outcome == "ok"
        assert cable.train({"interface": "none0"}).result.reason == "no_interface"
        assert cable.train({"source": "192.0.2.77"}).result.reason == "no_interface"

    def test_a_foreign_pass_is_told_from_a_dead_line(self, cable: Cable) -> None:
        foreign = TICKET[:27] + "0" * 32
        assert cable.train({"ticket": foreign}).result.reason == "no_reflector"
        assert cable.running.mirror.counts.strangers == 3
