"""The use of a line by real counters: this machine's port, and a router's by a real snmpd."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.context import Context, Facts
from agent.probes import Measured, snmp, snmpchild, use
from agent.probes.snmp import Access, Answer, Asked
from tests.support.clock import FakeClock
from tests.support.netns import HERE_V4, PEER_V4, PEER_V6, Wire, needs_netns, wired
from tests.support.snmpd import AUTH, COMMUNITY, PRIV, USER, snmpd
from wire.messages import PlanItem, Scalar
from wire.outcomes import Result, fail, unknown

LINE = "line:07375-1/a"
BY_COMMUNITY = f'[routers.default]\ncommunity = "{COMMUNITY}"\n'
BY_USER = f'[routers.default]\nuser = "{USER}"\nauth = "{AUTH}"\npriv = "{PRIV}"\n'


class Box:
    """A measuring machine: its clock, its folder, what the probe remembers."""

    def __init__(self, home: Path) -> None:
        self.clock, self.home, self.memory = FakeClock(), home, dict[str, object]()

    def told(self, text: str, mode: int = 0o600) -> None:
        path = self.home / snmp.FILE
        path.write_text(text)
        path.chmod(mode)

    def read(self, target: str, settings: dict[str, Scalar] | None = None, left_s: float = 20.0) -> Measured:
        facts = Facts("127.0.0.1", home=self.home)
        deadline = self.clock.mono_ms() + int(left_s * 1000)
        ctx = Context(self.clock, deadline, facts, proc=Path("/proc/thread-self"), memory=self.memory)
        return use.probe(PlanItem("u", LINE, "use", target, 300, 15, settings or {}), ctx)


def numbers(found: Measured) -> dict[str, float]:
    return {value.metric.removeprefix("motcua_line_"): value.value for value in found.values}


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with wired() as made:
        yield made


@pytest.fixture(scope="module")
def router(wire: Wire, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    with snmpd(wire.peer, tmp_path_factory.mktemp("snmpd"), [f"udp:{PEER_V4}:161", f"udp6:[{PEER_V6}]:161"]):
        yield wire


def send(wire: Wire, packets: int) -> None:
    """Datagrams of 1,000 bytes of payload from here to the peer, where nobody listens."""

    def run() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for _ in range(packets):
                sock.sendto(bytes(1_000), (PEER_V4, 9_999))

    wire.here.call(run)


@pytest.mark.netns
@needs_netns
class TestThisMachine:
    @pytest.mark.parametrize(
        "settings",
        [pytest.param({"interface": "here0"}, id="interface"), pytest.param({"source": HERE_V4}, id="source"),
         pytest.param({}, id="default route")],
    )  # fmt: skip
    def test_the_port_of_the_line_is_counted(self, wire: Wire, box: Box, settings: dict[str, Scalar]) -> None:
        wire.route_by_peer()
        first = wire.here.call(lambda: box.read("port", settings))
        assert (first.result.outcome, first.detail["counted_at"]) == ("ok", "port here0")
        assert numbers(first) == {"port_bps": 10e9, "port_duplex_ratio": 1.0, "port_up_ratio": 1.0}
        send(wire, 300)
        box.clock.advance(10)
        found = numbers(wire.here.call(lambda: box.read("port", settings)))
        assert found["transmit_bps"] == pytest.approx(300 * 1_042 * 8 / 10, rel=0.05)  # with UDP, IP and Ethernet
        assert found["errors_packets"] == 0

    def test_a_port_without_a_carrier_says_so(self, wire: Wire, box: Box) -> None:
        wire.here.ip("link add idle0 type veth peer name idle1")
        wire.here.ip("link set idle0 up")
        try:
            found = wire.here.call(lambda: box.read("port", {"interface": "idle0"}))
        finally:
            wire.here.ip("link del idle0")
        assert numbers(found) == {"port_up_ratio": 0.0}

    @pytest.mark.parametrize(
        ("settings", "reason"),
        [pytest.param({"interface": "nosuch0"}, "no_interface", id="no such interface"),
         pytest.param({"source": "192.0.2.250"}, "no_interface", id="no such address")],
    )  # fmt: skip
    def test_a_port_that_is_not_there_is_no_zero(
        self, wire: Wire, box: Box, settings: dict[str, Scalar], reason: str
    ) -> None:
        found = wire.here.call(lambda: box.read("port", settings))
        assert (found.result.outcome, found.result.reason, found.values) == ("unknown", reason, [])


ROUTERS = [pytest.param(PEER_V4, id="IPv4"), pytest.param(PEER_V6, id="IPv6")]
ACCESS = [pytest.param(BY_COMMUNITY, id="version 2c"), pytest.param(BY_USER, id="version 3")]


@pytest.mark.netns
@needs_netns
class TestARouter:
    @pytest.mark.parametrize("access", ACCESS)
    @pytest.mark.parametrize("address", ROUTERS)
    def test_its_port_is_read_in_every_version(self, router: Wire, box: Box, address: str, access: str) -> None:
        box.told(access)
        found = router.here.call(lambda: box.read(address, {"snmp": "peer0"}))
        assert (found.result.outcome, found.detail["counted_at"]) == ("ok", f"router {address} peer0")
        assert (found.detail["counter_bits"], numbers(found)["port_bps"]) == (64, 10e9)
        assert "first reading" in str(found.detail["left_out"])

    def test_the_means_of_its_counters_add_up_to_what_was_sent(self, router: Wire, box: Box) -> None:
        box.told(BY_COMMUNITY)
        router.here.call(lambda: box.read(PEER_V4, {"snmp": "peer0"}))
        send(router, 500)
        sent, counted = 500 * 1_042, 0.0  # with UDP, IP and Ethernet
        for _ in range(20):  # snmpd looks at its ports every few seconds only
            box.clock.advance(10)
            found = numbers(router.here.call(lambda: box.read(PEER_V4, {"snmp": "peer0"})))
            counted += found["receive_bps"] * 10 / 8
            if counted >= sent:
                break
        assert sent <= counted <= sent + 60_000, "our own questions are counted too"
        assert found.keys() >= {"transmit_bps", "port_duplex_ratio", "port_up_ratio"}

    def test_an_interface_may_be_told_by_its_number(self, router: Wire, box: Box) -> None:
        box.told(BY_COMMUNITY)
        by_name = router.here.call(lambda: box.read(PEER_V4, {"snmp": "peer0"}))
        number = str(box.memory["index"])
        by_number = router.here.call(lambda: box.read(PEER_V4, {"snmp": number}))
        assert by_number.detail["counted_at"] == by_name.detail["counted_at"]

    def test_an_index_that_now_belongs_to_another_is_found_again(self, router: Wire, box: Box) -> None:
        box.told(BY_COMMUNITY)
        box.memory["index"] = 1  # lo
        found = router.here.call(lambda: box.read(PEER_V4, {"snmp": "peer0"}))
        assert (found.detail["counted_at"], box.memory["index"] != 1) == (f"router {PEER_V4} peer0", True)

    @pytest.mark.parametrize(
        ("asked", "result", "text"),
        [
            pytest.param((BY_COMMUNITY, "wan9"), unknown("no_counter"), "it has lo, peer0", id="no such interface"),
            pytest.param((BY_COMMUNITY, "77"), unknown("no_counter"), "has no interface 77", id="no such number"),
            pytest.param(
                (BY_COMMUNITY.replace(COMMUNITY, "wrong"), "peer0"), fail("no_answer"), "does not answer",
                id="a wrong community is silence",
            ),
            pytest.param((BY_USER.replace(AUTH, "wrong-one"), "peer0"), fail("refused"), "digest", id="a wrong secret"),
            pytest.param((BY_USER.replace(USER, "nobody"), "peer0"), fail("refused"), "user", id="an unknown user"),
        ],
    )  # fmt: skip
    def test_what_a_router_does_not_tell_has_its_reason(
        self, router: Wire, box: Box, asked: tuple[str, str], result: Result, text: str
    ) -> None:
        told, interface = asked
        box.told(told)
        found = router.here.call(lambda: box.read(PEER_V4, {"snmp": interface, "timeout_s": 0.4}))
        assert (found.result, found.values) == (result, [])
        assert text in str(found.detail["error"])
        assert not {COMMUNITY, AUTH, PRIV} & set(str(found.detail).split())

    def test_a_router_that_is_not_on_is_no_answer(self, router: Wire, box: Box) -> None:
        box.told(f'[routers."{PEER_V4}"]\ncommunity = "{COMMUNITY}"\nport = 162\n')
        found = router.here.call(lambda: box.read(PEER_V4, {"snmp": "peer0", "timeout_s": 0.3}))
        assert (found.result.outcome, found.result.reason) == ("fail", "no_answer")

    def test_a_child_whose_time_is_over_is_killed(self, router: Wire, box: Box) -> None:
        box.told(BY_COMMUNITY.replace(COMMUNITY, "wrong"))
        found = router.here.call(lambda: box.read(PEER_V4, {"snmp": "peer0", "timeout_s": 5.0}, left_s=1.0))
        assert (found.result.outcome, found.result.reason) == ("unknown", "deadline")


# --- what is to be said to a router ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "mode", "reason", "remedy"),
    [
        pytest.param(None, 0o600, "no_permission", "write [routers.default]", id="nothing written"),
        pytest.param(BY_COMMUNITY, 0o644, "no_permission", "chmod 600 snmp.toml", id="others may read it"),
        pytest.param(BY_COMMUNITY, 0o640, "no_permission", "chmod 600 snmp.toml", id="a group may read it"),
        pytest.param("[routers.default]\n", 0o600, "bad_settings", "a community or a user", id="no word in it"),
        pytest.param(
            '[routers."192.0.2.77"]\ncommunity = "x"\n', 0o600, "bad_settings", "192.0.2.2", id="another router"
        ),
        pytest.param('[routers.default]\ncomunity = "x"\n', 0o600, "bad_settings", "comunity", id="a slip of the pen"),
        pytest.param(
            '[routers.default]\nuser = "x"\nauth_protocol = "rot13"\n',
            0o600,
            "bad_settings",
            "auth_protocol",
            id="no such protocol",
        ),
        pytest.param("routers = ", 0o600, "bad_settings", "not TOML", id="no TOML"),
    ],
)
def test_what_is_to_be_said_is_read_strictly_and_its_remedy_is_named(
    box: Box, text: str | None, mode: int, reason: str, remedy: str
) -> None:
    if text is not None:
        box.told(text, mode)
    found = box.read(PEER_V4, {"snmp": "peer0"})
    assert (found.result.outcome, found.result.reason) == ("unknown", reason)
    assert remedy in str(found.detail["error"])
    assert str(box.home) not in str(found.detail), "paths of a machine are nobody's business"


@pytest.mark.parametrize("target", ["router.example.vn", "", "fe80::1%eth0", "port"])
def test_a_router_is_told_by_its_address(box: Box, target: str) -> None:
    found = box.read(target, {"snmp": "wan1"})
    assert (found.result.reason, found.detail["key"]) == ("bad_settings", "target")


def test_what_is_said_is_in_no_text_of_the_struct() -> None:
    access = Access(community=COMMUNITY, user=USER, auth=AUTH, priv=PRIV)
    assert not any(
        word in f"{access!r} {Asked('192.0.2.2', 'x', 0, 1.0, access)!r}" for word in (COMMUNITY, AUTH, PRIV)
    )


# --- answers that are made up ---------------------------------------------------------------------------------------


READINGS = {
    "64 bits": (Answer(hc_in=5, hc_out=6, octets_in=1, high_speed=100, status=1, duplex=3), 64, 100e6, True, True),
    "32 bits": (Answer(octets_in=1, octets_out=2, speed=10_000_000, status=2, duplex=2), 32, 10e6, False, False),
    "one wide counter": (Answer(hc_in=5, octets_in=1, octets_out=2, speed=2**32 - 1), 32, None, None, None),
    "it does not know": (Answer(octets_in=1, octets_out=2, status=4, duplex=1), 32, None, None, None),
}


@pytest.mark.parametrize("name", READINGS)
def test_an_answer_is_read_as_the_standards_say(name: str) -> None:
    answer, bits, *port = READINGS[name]
    reading = use.reading_of(answer, PEER_V4, 0)
    assert (reading.bits, [reading.speed_bps, reading.up, reading.full_duplex]) == (bits, port)
    assert (reading.received, reading.sent) == ((5, 6) if bits == 64 else (1, 2))


class MadeRouter(snmpchild._Router):
    """A router whose table goes on as it is told, or for ever."""

    def __init__(self, rows: list[list[tuple[str, int | str]]]) -> None:
        self._asked = Asked("192.0.2.2", "wan1", 0, 1.0, Access(community="x"))
        self.rows, self.asked_for = rows, list[str]()

    async def _bulk(self, after: str) -> list[tuple[str, int | str]]:
        self.asked_for.append(after)
        return self.rows[min(len(self.asked_for), len(self.rows)) - 1]


def test_a_table_of_several_pages_is_read_to_its_end() -> None:
    name = snmpchild.IF_NAME
    router = MadeRouter([[(f"{name}.{n}", f"lan{n}") for n in (1, 2)], [(f"{name}.10", "wan1"), ("1.3.6.1.9.1", "x")]])
    assert asyncio.run(router._find("wan1")) == 10
    assert router.asked_for == [name, f"{name}.2"]


def test_a_router_that_goes_round_in_circles_is_left_after_a_page() -> None:
    name = snmpchild.IF_NAME
    router = MadeRouter([[(f"{name}.2", "lan2"), (f"{name}.1", "lan1")]] * 5)
    with pytest.raises(snmpchild._Ended) as ended:
        asyncio.run(router._find("wan1"))
    assert ended.value.answer.error == "no_counter"
    assert len(router.asked_for) <= 3
