"""A train leaves by the line it is told: two cables between two namespaces, and an anchor behind both of them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.context import Context, Facts
from agent.net.links import Exit, NoPermission, NotPossible
from agent.probes import Measured, reach
from tests.support.netns import HERE_V4, PEER_V4, PEER_V6, Wire, needs_netns, wired
from wire.clock import SystemClock
from wire.messages import PlanItem, Scalar

FAST: dict[str, Scalar] = {"interval_s": 0.002, "timeout_s": 0.25}
ANCHOR_V4, ANCHOR_V6 = "198.51.100.1", "2001:db8:ffff::1"
SECOND_HERE_V4, SECOND_PEER_V4 = "203.0.113.1", "203.0.113.2"
SECOND_HERE_V6, SECOND_PEER_V6 = "2001:db8:1::1", "2001:db8:1::2"
DEAD = {"first": 'iifname "peer0" drop', "second": 'iifname "peer1" drop'}


def train(target: str = ANCHOR_V4, /, **settings: Scalar) -> Measured:
    clock = SystemClock()
    ctx = Context(clock, clock.mono_ms() + 5_000, Facts("127.0.0.1"), proc=Path("/proc/thread-self"))
    return reach.probe(PlanItem("r", "line:07375-1/b", "reach", target, 10, 5, {**FAST, **settings}), ctx)


def lay_second(wire: Wire) -> None:
    here, peer = (
        (wire.here, "here1", SECOND_HERE_V4, SECOND_HERE_V6),
        (wire.peer, "peer1", SECOND_PEER_V4, SECOND_PEER_V6),
    )
    macs = {"here1": "02:00:5e:10:01:01", "peer1": "02:00:5e:10:01:02"}
    wire.here.ip(f"link add here1 address {macs['here1']} type veth peer name peer1 netns {wire.peer.name}")
    wire.peer.ip(f"link set peer1 address {macs['peer1']}")
    for (end, device, four, six), (_, other, its_four, its_six) in ((here, peer), (peer, here)):
        end.ip(f"addr add {four}/24 dev {device}")
        end.ip(f"addr add {six}/64 dev {device} nodad")
        end.ip(f"link set {device} up")
        end.ip(f"neigh replace {its_four} lladdr {macs[other]} dev {device}")
        end.ip(f"neigh replace {its_six} lladdr {macs[other]} dev {device}")


@pytest.fixture(scope="module", params=["1 0", "0 2147483647"], ids=["raw", "datagram"])
def cables(request: pytest.FixtureRequest) -> Iterator[Wire]:
    """The first cable has the default route, the second one too at a higher metric, and a table for its own source."""
    with wired() as wire:
        wire.here.allow_ping(request.param)
        lay_second(wire)
        wire.peer.run("sysctl", "-q", "-w", "net.ipv4.conf.all.arp_ignore=1")  # the anchor is behind it, no neighbour
        for anchor in (f"{ANCHOR_V4}/32", f"{ANCHOR_V6}/128"):
            wire.peer.ip(f"addr add {anchor} dev lo")
        wire.route_by_peer()
        wire.here.ip(f"route add default via {SECOND_PEER_V4} dev here1 metric 500")
        wire.here.ip(f"-6 route add default via {SECOND_PEER_V6} dev here1 metric 5000")
        wire.here.ip(f"route add default via {SECOND_PEER_V4} dev here1 table 100")
        wire.here.ip(f"rule add from {SECOND_HERE_V4} lookup 100")
        yield wire


@pytest.fixture
def wire(cables: Wire) -> Iterator[Wire]:
    yield cables
    cables.peer.filter_input()


BY_THE_SECOND = [
    pytest.param({"interface": "here1"}, ANCHOR_V4, id="interface"),
    pytest.param({"interface": "here1"}, ANCHOR_V6, id="interface, IPv6"),
    pytest.param({"source": SECOND_HERE_V4}, ANCHOR_V4, id="source with a rule of its own"),
]


@needs_netns
@pytest.mark.netns
class TestTwoLines:
    @pytest.mark.parametrize("dead", ["first", "second"])
    @pytest.mark.parametrize(("settings", "target"), BY_THE_SECOND)
    def test_a_train_lives_and_dies_with_the_line_it_was_told(
        self, wire: Wire, settings: dict[str, Scalar], target: str, dead: str
    ) -> None:
        wire.peer.filter_input(DEAD[dead])
        found = wire.here.call(lambda: train(target, **settings))
        default = wire.here.call(lambda: train(target))
        assert (found.result.outcome, default.result.outcome) == (("ok", "fail") if dead == "first" else ("fail", "ok"))

    @pytest.mark.parametrize(
        "settings", [{"interface": "here1"}, {"source": SECOND_HERE_V4}], ids=["interface", "source"]
    )
    def test_without_icmp_tcp_leaves_by_that_line_too(
        self, wire: Wire, settings: dict[str, Scalar], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise NoPermission("not here")

        monkeypatch.setattr("agent.net.icmp.EchoLink", refuse)
        wire.peer.filter_input(DEAD["first"])
        found = wire.here.call(lambda: train(**{"tcp_port": 9, **settings}))
        assert (found.result.outcome, found.detail["method"]) == ("ok", "tcp")
        wire.peer.filter_input(DEAD["second"])
        assert wire.here.call(lambda: train(**{"tcp_port": 9, **settings})).result.reason == "no_answer"

    def test_a_source_without_a_rule_of_its_own_leaves_by_the_default_line(self, wire: Wire) -> None:
        wire.peer.filter_input(DEAD["second"])
        assert wire.here.call(lambda: train(source=HERE_V4)).result.outcome == "ok"

    @pytest.mark.parametrize("tcp_port", [0, 9], ids=["icmp", "with tcp to fall back on"])
    @pytest.mark.parametrize(
        "settings",
        [{"interface": "tslcd9"}, {"source": "203.0.113.99"}, {"source": "2001:db8:9::1"}],
        ids=["no such interface", "no such address", "no such address of IPv6"],
    )
    def test_a_way_out_that_this_machine_has_not_is_unknown(
        self, wire: Wire, settings: dict[str, Scalar], tcp_port: int
    ) -> None:
        [told] = map(str, settings.values())
        target = ANCHOR_V6 if ":" in told else ANCHOR_V4
        found = wire.here.call(lambda: train(target, **{"tcp_port": tcp_port, **settings}))
        assert (found.result.outcome, found.result.reason, found.values) == ("unknown", "no_interface", [])
        assert told in str(found.detail["error"])

    def test_an_interface_without_a_route_there_asks_nobody_and_proves_nothing(self, wire: Wire) -> None:
        wire.here.ip(f"route del default via {SECOND_PEER_V4} dev here1 metric 500")
        wire.here.ip(f"rule del from {SECOND_HERE_V4} lookup 100")
        try:
            found = wire.here.call(lambda: train(interface="here1"))
        finally:
            wire.here.ip(f"route add default via {SECOND_PEER_V4} dev here1 metric 500")
            wire.here.ip(f"rule add from {SECOND_HERE_V4} lookup 100")
        assert (found.result.outcome, found.result.reason, found.values) == ("unknown", "no_way", [])
        assert "default route of its own" in str(found.detail["error"])

    def test_a_neighbour_on_the_interface_needs_no_route_further(self, wire: Wire) -> None:
        wire.peer.filter_input(DEAD["second"])
        assert wire.here.call(lambda: train(SECOND_PEER_V4, interface="here1")).result.reason == "no_answer"


@pytest.mark.parametrize(
    ("target", "settings"),
    [
        pytest.param(PEER_V4, {"source": "2001:db8::1"}, id="IPv4 from IPv6"),
        pytest.param(PEER_V6, {"source": "192.0.2.1"}, id="IPv6 from IPv4"),
        pytest.param(PEER_V4, {"source": "192.0.2.1", "family": "6"}, id="against the family"),
        pytest.param(PEER_V4, {"source": "1.2.3.4.5"}, id="no address"),
        pytest.param(PEER_V4, {"source": "eth0"}, id="an interface's name"),
    ],
)
def test_a_source_that_cannot_send_there_is_the_plans_fault(target: str, settings: dict[str, Scalar]) -> None:
    found = train(target, **settings)
    assert (found.result.reason, found.detail["key"]) == ("bad_settings", "source")


@pytest.mark.parametrize("name", ["../eth0", "a" * 16, "eth0 ", "eth0\x00"])
def test_an_interface_is_named_as_linux_names_them(name: str) -> None:
    found = train(interface=name)
    assert (found.result.reason, found.detail["key"]) == ("bad_settings", "interface")


class _Refusing:
    family = socket.AF_INET

    def setsockopt(self, *_: object) -> None:
        raise PermissionError(1, "Operation not permitted")


def test_where_an_interface_may_not_be_chosen_the_remedy_is_named() -> None:
    with pytest.raises(NoPermission, match="CAP_NET_RAW"):
        Exit("eth1").tie(_Refusing())  # type: ignore[arg-type]  # all that is asked of a socket here


def test_other_systems_say_that_they_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "SO_BINDTODEVICE")
    with pytest.raises(NotPossible, match="only Linux"):
        Exit("eth1").tie(_Refusing())  # type: ignore[arg-type]  # it is not even asked
