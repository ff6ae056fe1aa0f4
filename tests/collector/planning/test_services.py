"""Rows of the table of services, as what an agent can ask, or not at all."""

from __future__ import annotations

import pytest

from agent.probes.serviceplan import place
from collector.inventory.cells import Value
from collector.planning.budget import Service
from collector.planning.services import host_of, service_of

ROW: dict[str, Value] = {
    "id": "portal", "name_vi": "Cổng", "name_en": "Portal", "owner": "A", "scope": "province", "slow_s": 5.0,
    "url": "https://portal.example.vn/a?b=1", "checks": "http tls ttfb", "period_s": 120, "budget_per_minute": 50,
    "on": True, "confidence": "confirmed",
}  # fmt: skip


@pytest.mark.parametrize(
    ("url", "checks", "target", "requests"),
    [
        pytest.param("https://p.example.vn/a?b=1", "http tls ttfb", "https://p.example.vn/a?b=1", 8, id="a page"),
        pytest.param(
            "https://p.example.vn/", "http tls imap smtp", "https://p.example.vn/", 8, id="a page before mail"
        ),
        pytest.param("http://tsa.example.vn/t", "rfc3161", "rfc3161://tsa.example.vn/t", 2, id="a time stamp"),
        pytest.param("http://ocsp.example.vn", "ocsp", "ocsp://ocsp.example.vn", 2, id="a certificate's state"),
        pytest.param("tcp://m.example.vn:18083", "tcp", "tcp://m.example.vn:18083", 2, id="a port"),
        pytest.param("https://p.example.vn/x", "tcp", "tcp://p.example.vn:443", 2, id="the port of a page"),
        pytest.param("https://[2001:db8::1]/", "tcp", "tcp://[2001:db8::1]:443", 2, id="the port of an address"),
        pytest.param("smtp://m.example.vn", "smtp", "smtp://m.example.vn", 2, id="mail"),
        pytest.param("https://m.example.vn/", "imap", "imap://m.example.vn", 2, id="mail beside its page"),
    ],
)
def test_the_checks_say_what_is_spoken_and_the_agent_understands_it(
    url: str, checks: str, target: str, requests: int
) -> None:
    found = service_of(ROW | {"url": url, "checks": checks})
    assert isinstance(found, Service)
    assert (found.target, found.requests) == (target, requests)
    assert place(found.target).host


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param({"on": False}, "switched off", id="off"),
        pytest.param({"confidence": "guessed"}, "not confirmed", id="a guess"),
        pytest.param({"budget_per_minute": 0}, "budget is 0", id="no budget"),
        pytest.param({"url": ""}, "no address", id="no address"),
        pytest.param({"checks": ""}, "cannot ask nothing", id="no checks"),
        pytest.param({"checks": "websocket", "url": "wss://p.example.vn/"}, "cannot ask websocket", id="a websocket"),
        pytest.param({"checks": "udp", "url": "udp://p.example.vn:53"}, "cannot ask udp", id="no question for UDP"),
        pytest.param({"checks": "rfc3161", "url": "https://t.example.vn"}, "cannot ask rfc3161", id="stamps by TLS"),
        pytest.param({"url": "https://p.example.vn/" + "x" * 200}, "cannot ask", id="an address too long for a plan"),
    ],
)
def test_what_is_not_measured_says_why(change: dict[str, Value], why: str) -> None:
    found = service_of(ROW | change)
    assert isinstance(found, str)
    assert why in found


def test_the_name_of_a_service_is_its_host_unless_that_is_an_address() -> None:
    found = [service_of(ROW | {"url": url}) for url in ("https://P.example.vn:444/a", "https://192.0.2.7/")]
    assert [host_of(service) for service in found if isinstance(service, Service)] == ["p.example.vn", ""]


@pytest.mark.parametrize("marked", [pytest.param(True, id="marked"), pytest.param(False, id="not marked")])
def test_only_a_marked_row_may_lead_into_private_networks(marked: bool) -> None:
    found = service_of(ROW | {"private": marked})
    assert isinstance(found, Service)
    assert found.private is marked
