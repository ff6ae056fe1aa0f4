"""Somebody else answers: portals and filters, by their pages and in a real network that leads everybody astray."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from agent.net.ranges import is_public
from agent.probes.serviceplan import at_home, zone
from agent.probes.serviceportal import Heard, who_answered
from tests.support.netns import PEER_V4, Wire, needs_netns, wired
from tests.support.service_runs import ask
from tests.support.services import Guest, Talk, http, listen, serving

LOGIN = '<form action="/login"><input name="user"><input type="password" name="pw"></form>'


def _heard(
    text: str = "", status: int = 200, *, home: bool = True, wrong: bool = False, public: bool = True, **headers: str
) -> Heard:
    return Heard(status, {k.replace("_", "-"): v for k, v in headers.items()}, text, home, wrong, public)


@pytest.mark.parametrize(
    ("heard", "who"),
    [
        pytest.param(_heard(status=511), "captive_portal", id="RFC 6585 says so itself"),
        pytest.param(_heard("<!-- <WISPAccessGatewayParam> -->"), "captive_portal", id="WISPr"),
        pytest.param(_heard(LOGIN, home=False), "captive_portal", id="a login elsewhere"),
        pytest.param(_heard(LOGIN), None, id="the service's own login"),
        pytest.param(_heard(LOGIN, wrong=True), None, id="its own login instead of the text"),
        pytest.param(_heard("<script>location.href='http://10.0.0.1/x'</script>"), "captive_portal", id="by script"),
        pytest.param(_heard("<script>location.href='http://10.0.0.1/x'</script>", public=False), None, id="at home"),
        pytest.param(_heard("<script>location='https://sso.example/'</script>"), None, id="to a sign-on"),
        pytest.param(_heard("Coova­Chilli hotspot", wrong=True), "captive_portal", id="by its words"),
        pytest.param(_heard("an article on hotspots"), None, id="the expected page may speak of anything"),
        pytest.param(_heard(status=407), "proxy_page", id="a proxy wants a login"),
        pytest.param(_heard(x_squid_error="ERR_DNS_FAIL 0"), "proxy_page", id="squid's own header"),
        pytest.param(_heard("Web Page Blocked!", 403, wrong=True), "proxy_page", id="a filter's page"),
        pytest.param(_heard(status=502, wrong=True, via="1.1 proxy (squid/5.7)"), "proxy_page", id="a proxy's failure"),
        pytest.param(_heard(via="1.1 proxy (squid/5.7)"), None, id="a proxy that passes the page on"),
        pytest.param(_heard(status=502, wrong=True, via="1.1 varnish"), None, id="the service's own front"),
    ],
)
def test_who_answered_is_told_by_what_was_heard(heard: Heard, who: str | None) -> None:
    assert who_answered(heard) == who


@pytest.mark.parametrize(
    ("host", "asked", "home"),
    [
        pytest.param("www.bacninh.gov.vn", "dichvucong.bacninh.gov.vn", True, id="of one province"),
        pytest.param("bacninh.gov.vn", "thainguyen.gov.vn", False, id="of two"),
        pytest.param("sso.dancuquocgia.gov.vn", "dichvucong.gov.vn", False, id="a sign-on of somebody else"),
        pytest.param("a.example.vn", "b.example.vn", True, id="one firm"),
        pytest.param("192.0.2.1", "192.0.2.1", True, id="one address"),
        pytest.param("192.0.2.1", "198.51.2.1", False, id="addresses have no zone"),
        pytest.param("allowed.example", "a.vn", True, id="allowed by the plan"),
    ],
)
def test_what_belongs_to_a_service_is_its_zone_and_what_the_plan_allows(host: str, asked: str, home: bool) -> None:
    assert at_home(host, asked, "x.example, allowed.example") is home
    assert zone("vn") == "vn"


@pytest.mark.parametrize("address", ["192.0.2.7", "8.8.8.8", "2001:db8::1", "2606:4700::1111"])
def test_addresses_of_the_internet_and_of_examples_are_public(address: str) -> None:
    assert is_public(address)


# --- in a network of its own ----------------------------------------------------------------------------------------

SITE, PORTAL = "203.0.113.7", "10.5.50.1"


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    """A network whose way out holds the address of a site of the internet, and a portal's of its own."""
    with wired() as made:
        for address in (SITE, PORTAL):
            made.peer.ip(f"addr add {address}/32 dev peer0")
        made.route_by_peer()
        yield made


@contextmanager
def _on_the_way(wire: Wire, **talks: Talk) -> Iterator[None]:
    with ExitStack() as stack:
        for name, talk in talks.items():
            address = {"site": SITE, "portal": PORTAL, "peer": PEER_V4}[name]
            stack.enter_context(serving(talk, wire.peer.call(lambda a=address: listen(a, 80))))  # type: ignore[misc]
        yield


@needs_netns
class TestInANetwork:
    @pytest.mark.parametrize(
        ("site", "reason"),
        [
            pytest.param(http(b"welcome"), None, id="the site itself"),
            pytest.param(http(status="302 Found", Location=f"http://{PORTAL}/login"), "captive_portal", id="by 302"),
            pytest.param(
                http(f'<meta http-equiv=refresh content="0; url=http://{PORTAL}/login">'.encode()),
                "captive_portal",
                id="by a page of 200",
            ),
            pytest.param(http(b"", "511 Network Authentication Required"), "captive_portal", id="by 511"),
            pytest.param(
                http(status="302 Found", Location=f"http://{PEER_V4}/hello"), "captive_portal", id="to a public login"
            ),
        ],
    )
    def test_a_portal_is_told_from_the_site_it_stands_before(self, wire: Wire, site: Talk, reason: str | None) -> None:
        visits: list[bytes] = []

        def portal(guest: Guest) -> None:
            visits.append(guest.request())

        with _on_the_way(wire, site=site, portal=portal, peer=http(LOGIN.encode())):
            found = wire.here.call(lambda: ask(f"http://{SITE}/", private=False))
        assert found.result.reason == reason
        assert visits == [], "nothing is asked of the local network"

    def test_the_portals_page_is_read_where_the_plan_allows_it(self, wire: Wire) -> None:
        moved = http(status="302 Found", Location=f"http://{PORTAL}/login")
        with _on_the_way(wire, site=moved, portal=http(LOGIN.encode())):
            found = wire.here.call(lambda: ask(f"http://{SITE}/"))
        assert found.result.reason == "captive_portal"

    def test_silence_and_refusal_on_the_way_are_told_apart(self, wire: Wire) -> None:
        try:
            wire.peer.filter_input("tcp dport 80 drop")
            silent = wire.here.call(lambda: ask(f"http://{SITE}/", left_ms=400))
            wire.peer.filter_input("tcp dport 80 reject with icmp type host-unreachable")
            refused = wire.here.call(lambda: ask(f"http://{SITE}/", left_ms=3_000))
        finally:
            wire.peer.filter_input()
        assert (silent.result.reason, refused.result.reason) == ("timeout_connect", "unreachable")

    def test_a_machine_without_a_way_knows_nothing(self, wire: Wire) -> None:
        wire.here.ip("route del default")
        try:
            found = wire.here.call(lambda: ask(f"http://{SITE}/", left_ms=400))
        finally:
            wire.route_by_peer()
        assert (found.result.outcome, found.result.reason) == ("unknown", "no_way")

    def test_a_lost_answer_of_udp_did_not_come(self, wire: Wire) -> None:
        sock = wire.peer.call(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        with sock:
            sock.bind((SITE, 53))
            found = wire.here.call(lambda: ask(f"udp://{SITE}:53", left_ms=300, send="00"))
        assert found.result.reason == "no_answer"
