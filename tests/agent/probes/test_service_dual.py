"""Probe `service` over both versions of IP in one run."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.support.service_runs import ask, numbers
from tests.support.services import Guest, http, listen, serving

NAME = "both.example"
HAS: dict[int, str] = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}


@pytest.fixture
def addresses(monkeypatch: pytest.MonkeyPatch) -> dict[int, str]:
    """What NAME has, by version of IP; what is taken out has no address."""
    known, real = dict(HAS), socket.getaddrinfo

    def lookup(host: str, port: object, family: int = 0, *rest: int) -> object:
        if host == NAME and family not in known:
            raise socket.gaierror(socket.EAI_NONAME, "no such address")
        return real(known[family] if host == NAME else host, port, family, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return known


@pytest.fixture
def port() -> Iterator[int]:
    """A port where both are answered."""
    with serving(http()) as number, serving(http(), listen("::1", number)):
        yield number


def test_both_are_measured_and_told_apart(addresses: dict[int, str], port: int) -> None:
    found = ask(f"http://{NAME}:{port}/", dual=True)
    assert found.result.outcome == "ok"
    assert {value.of for value in found.values} == {"ipv4", "ipv6"}
    for of in ("ipv4", "ipv6"):
        assert numbers(found, of)["passed_ratio"] == 1
        assert {"dns_seconds", "connect_seconds", "ttfb_seconds", "total_seconds"} <= set(numbers(found, of))
    assert (found.detail["ipv4"], found.detail["ipv6"]) == ("ok", "ok")


@pytest.mark.parametrize(("family", "of"), [("4", "ipv4"), ("6", "ipv6")])
def test_one_alone_can_be_asked_for(family: str, of: str, addresses: dict[int, str], port: int) -> None:
    found = ask(f"http://{NAME}:{port}/", family=family)
    assert found.result.outcome == "ok"
    assert {value.of for value in found.values} == {of}


def test_a_service_with_one_of_them_broken_passes_and_says_which(addresses: dict[int, str]) -> None:
    with serving(http()) as number:
        found = ask(f"http://{NAME}:{number}/", dual=True)
    assert found.result.outcome == "ok"
    assert numbers(found, "ipv4")["passed_ratio"] == 1
    assert numbers(found, "ipv6")["passed_ratio"] == 0
    assert set(numbers(found, "ipv6")) == {"passed_ratio", "dns_seconds"}
    assert found.detail["ipv6"] == "refused"


def test_one_that_hangs_leaves_the_other_its_time(addresses: dict[int, str]) -> None:
    with serving(Guest.hang) as number, serving(http(), listen("::1", number)):
        found = ask(f"http://{NAME}:{number}/", dual=True, left_ms=800)
    assert found.result.outcome == "ok"
    assert (found.detail["ipv4"], found.detail["ipv6"]) == ("timeout_answer", "ok")


@pytest.mark.parametrize("missing", HAS)
def test_an_address_that_a_service_does_not_have_is_not_missed(
    missing: int, addresses: dict[int, str], port: int
) -> None:
    del addresses[missing]
    found = ask(f"http://{NAME}:{port}/", dual=True)
    assert found.result.outcome == "ok"
    assert len({value.of for value in found.values}) == 1


def test_a_failure_of_the_one_there_is_is_not_hidden_behind_the_other(addresses: dict[int, str]) -> None:
    del addresses[socket.AF_INET]
    with serving(http(status="500 Oh"), listen("::1")) as number:
        assert ask(f"http://{NAME}:{number}/", dual=True).result.reason == "bad_status"


def test_a_name_with_no_address_at_all_is_not_resolved(addresses: dict[int, str]) -> None:
    addresses.clear()
    found = ask(f"http://{NAME}:1/", dual=True)
    assert (found.result.reason, found.values) == ("not_resolved", [])
