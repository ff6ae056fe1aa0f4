"""The way hop by hop over real routers: whole, cut, silent, refused, shared, by every way of asking."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.context import Context, Facts
from agent.probes import Measured, path
from tests.support.chain import Chain, chained, far_v4
from tests.support.netns import needs_netns
from wire.clock import SystemClock
from wire.messages import PlanItem, Scalar

FAST: dict[str, Scalar] = {"timeout_s": 0.25, "max_hops": 8}
ICMP: dict[str, Scalar] = {"method": "icmp"}
UDP: dict[str, Scalar] = {"method": "udp"}
TCP: dict[str, Scalar] = {"method": "tcp", "tcp_port": 9}
WAYS = [pytest.param(ICMP, id="icmp"), pytest.param(UDP, id="udp"), pytest.param(TCP, id="tcp")]
VERSIONS = [pytest.param(4, id="IPv4"), pytest.param(6, id="IPv6")]

pytestmark = [pytest.mark.netns, needs_netns]


def look(chain: Chain, target: str, settings: dict[str, Scalar] | None = None, left_ms: int = 8_000) -> Measured:
    def run() -> Measured:
        clock = SystemClock()
        ctx = Context(clock, clock.mono_ms() + left_ms, Facts("127.0.0.1"), proc=Path("/proc/thread-self"))
        item = PlanItem("p", "line:07375-1/a", "path", target, 86_400, 12, {**FAST, **(settings or {})})
        return path.probe(item, ctx)

    return chain.here.call(run)


def hops(found: Measured) -> list[str]:
    return [str(text).partition(" ")[0] for key, text in sorted(found.detail.items()) if key.startswith("hop_")]


@pytest.fixture(scope="module", params=["1 0", "0 2147483647"], ids=["raw", "datagram"])
def routers(request: pytest.FixtureRequest) -> Iterator[Chain]:
    with chained(4) as chain:
        chain.here.allow_ping(request.param)
        yield chain


@pytest.fixture
def chain(routers: Chain) -> Iterator[Chain]:
    yield routers
    routers.mend()


@pytest.mark.parametrize("settings", WAYS)
@pytest.mark.parametrize("version", VERSIONS)
class TestEveryWayOfAsking:
    def test_the_routers_of_a_whole_way_are_named_in_order(
        self, chain: Chain, settings: dict[str, Scalar], version: int
    ) -> None:
        found = look(chain, chain.target(version), settings)
        assert (found.result.outcome, hops(found)) == ("ok", chain.hops(version))
        assert {value.metric: value.value for value in found.values}["motcua_line_path_hops_count"] == 3
        assert str(found.detail["method"]).startswith(str(settings["method"]))
        assert (found.detail["reached"], found.detail["last_answering"]) == (True, chain.target(version))

    def test_a_cut_behind_the_gateway_ends_the_way_at_the_gateway(
        self, chain: Chain, settings: dict[str, Scalar], version: int
    ) -> None:
        chain.cut(2)
        found = look(chain, chain.target(version), settings)
        assert (found.result.reason, hops(found)) == ("no_answer", [chain.hops(version)[0], "*"])
        assert (found.detail["reached"], found.detail["last_answering"]) == (False, chain.hops(version)[0])
        assert found.phases["walk"] < 1.5

    def test_a_router_that_never_tells_is_a_hop_all_the_same(
        self, chain: Chain, settings: dict[str, Scalar], version: int
    ) -> None:
        chain.hush(2)
        found = look(chain, chain.target(version), settings)
        first, _, third, target = chain.hops(version)
        assert (found.result.outcome, hops(found)) == ("ok", [first, "*", third, target])

    def test_a_router_without_a_way_on_says_so(self, chain: Chain, settings: dict[str, Scalar], version: int) -> None:
        chain.refuse(2)
        found = look(chain, chain.target(version), settings)
        assert (found.result.reason, hops(found)) == ("unreachable", [*chain.hops(version)[:2], "*"])
        assert str(found.detail["error"]).startswith(f"{chain.hops(version)[1]}: ")
        assert found.detail["last_answering"] == chain.hops(version)[1]


def test_not_even_the_gateway_answers(chain: Chain) -> None:
    chain.cut(1)
    found = look(chain, chain.target())
    assert (found.result.reason, hops(found), found.values) == ("no_answer", ["*"], [])


def test_without_a_route_it_is_unreachable_by_this_machine(chain: Chain) -> None:
    chain.here.ip("route del default")
    try:
        found = look(chain, "198.51.100.1")
    finally:
        chain.here.ip(f"route add default via {far_v4(1)}")
    assert (found.result.reason, hops(found)) == ("unreachable", [])
    assert str(found.detail["error"]).startswith("this machine: ")


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        pytest.param({"interface": "nosuch0"}, "no_interface", id="no such interface"),
        pytest.param({"source": "192.0.2.250"}, "no_interface", id="no such address"),
        pytest.param({"method": "tcp"}, "no_permission", id="no port to connect to"),
    ],
)
def test_what_cannot_leave_this_machine_says_nothing_of_the_way(
    chain: Chain, settings: dict[str, Scalar], reason: str
) -> None:
    found = look(chain, chain.target(), settings)
    assert (found.result.outcome, found.result.reason, found.values) == ("unknown", reason, [])


def test_an_interface_without_a_route_asked_no_one(chain: Chain) -> None:
    chain.here.ip("link add idle0 type veth peer name idle1")
    chain.here.ip("addr add 203.0.113.1/24 dev idle0")
    chain.here.ip("link set idle0 up")
    chain.here.ip("link set idle1 up")
    try:
        found = look(chain, chain.target(), {"interface": "idle0"})
    finally:
        chain.here.ip("link del idle0")
    assert (found.result.outcome, found.result.reason) == ("unknown", "no_way")


def test_a_deadline_that_comes_first_leaves_what_was_found_and_no_verdict(chain: Chain) -> None:
    chain.cut(2)
    found = look(chain, chain.target(), {"timeout_s": 2.0}, left_ms=500)
    assert (found.result.reason, found.values) == ("deadline", [])
    assert hops(found)[0] == chain.hops()[0]


def test_without_permission_for_echo_anybody_may_still_ask(routers: Chain) -> None:
    """A child that gave up root, where nobody may open ICMP sockets."""
    code = (
        "import encodings.idna, json, os, sys\n"
        "import agent.net.icmp, agent.net.hops\n"
        "from agent.context import Context, Facts\n"
        "from agent.probes import path\n"
        "from wire.clock import SystemClock\n"
        "from wire.messages import PlanItem\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "clock, settings = SystemClock(), json.loads(sys.argv[2])\n"
        "item = PlanItem('p', 'line:07375-1/a', 'path', sys.argv[1], 86400, 12, settings)\n"
        "found = path.probe(item, Context(clock, clock.mono_ms() + 8000, Facts('127.0.0.1')))\n"
        "print(json.dumps([found.result.outcome, found.result.reason, found.detail]))\n"
    )
    routers.here.allow_ping("1 0")
    told = {}
    for name, settings in {"any": FAST, "port": FAST | {"tcp_port": 9}, "icmp": FAST | ICMP}.items():
        printed = routers.here.run(sys.executable, "-c", code, routers.target(), json.dumps(settings))
        told[name] = json.loads(printed)
    assert (told["any"][0], told["any"][2]["method"]) == ("ok", "udp")
    assert (told["port"][0], told["port"][2]["method"]) == ("ok", "tcp")
    assert told["icmp"][:2] == ["unknown", "no_permission"]
    assert "ping_group_range" in told["icmp"][2]["error"]


# --- shared load ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def diamond() -> Iterator[Chain]:
    """The first router shares what it passes on between two cables to the second, by ports and addresses."""
    with chained(4) as chain:
        first, second = chain.places[1], chain.places[2]
        first.ip(f"link add twin1 type veth peer name twin2 netns {second.name}")
        for place, device, address in ((first, "twin1", "203.0.113.1"), (second, "twin2", "203.0.113.2")):
            place.ip(f"addr add {address}/30 dev {device}")
            place.ip(f"link set {device} up")
        first.run("sysctl", "-q", "-w", "net.ipv4.fib_multipath_hash_policy=1")
        second.run("sysctl", "-q", "-w", "net.ipv4.icmp_errors_use_inbound_ifaddr=1")
        first.ip(f"route replace default nexthop via {far_v4(2)} nexthop via 203.0.113.2")
        yield chain


def test_shared_load_changes_who_answers_and_not_where(diamond: Chain) -> None:
    """By datagrams, whose ports differ from hop to hop and which so go either way."""
    either, seen = {far_v4(2), "203.0.113.2"}, set()
    for _ in range(12):
        found = look(diamond, diamond.target(), UDP)
        assert found.result.outcome == "ok"
        assert [hops(found)[n] for n in (0, 2, 3)] == [diamond.hops()[n] for n in (0, 2, 3)]
        seen.add(hops(found)[1])
    assert seen == either
