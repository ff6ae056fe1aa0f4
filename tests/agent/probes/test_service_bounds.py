"""Where probe `service` goes and where it does not: redirects, private networks, plans that cannot be kept."""

from __future__ import annotations

import socket
import threading

import pytest

from tests.support.service_runs import ask, numbers
from tests.support.services import Guest, http, serving
from wire.messages import Scalar

OK_HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Names that resolve, one answer after the other; every other name does not exist."""
    known: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def lookup(host: str, port: object, family: int = 0, *rest: int) -> object:
        if host in known:
            host = known[host].pop(0) if len(known[host]) > 1 else known[host][0]
        elif not host[:1].isdigit() and ":" not in host:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return real(host, port, family, *rest)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return known


# --- redirects ------------------------------------------------------------------------------------------------------


def test_redirects_are_followed_counted_and_told_without_their_queries() -> None:
    def talk(guest: Guest) -> None:
        if b"GET / " in guest.request():
            guest.conn.sendall("HTTP/1.1 302 Found\r\nLocation: /vào?ticket=s3cr3t\r\n\r\n".encode())
        else:
            guest.conn.sendall(OK_HEAD + b"\r\nwelcome")

    with serving(talk) as port:
        found = ask(f"http://127.0.0.1:{port}/", text="welcome")
    assert found.result.outcome == "ok"
    assert numbers(found)["redirects_count"] == 1
    assert found.detail["redirects"] == f"http://127.0.0.1:{port}/v%C3%A0o"


def test_a_site_that_wants_its_cookie_back_is_no_loop() -> None:
    def talk(guest: Guest) -> None:
        if b"Cookie: seen=1" in guest.request():
            guest.conn.sendall(OK_HEAD + b"\r\nwelcome")
        else:
            guest.conn.sendall(b"HTTP/1.1 302 Found\r\nSet-Cookie: seen=1; Path=/\r\nLocation: /\r\n\r\n")

    with serving(talk) as port:
        assert ask(f"http://127.0.0.1:{port}/").result.outcome == "ok"


@pytest.mark.parametrize(
    ("location", "settings", "reason"),
    [
        pytest.param("/", {}, "redirect_loop", id="to itself"),
        pytest.param("?again=1", {"redirects": 1}, "redirect_loop", id="more often than allowed"),
        pytest.param("/", {"redirects": 0}, None, id="not followed"),
        pytest.param("javascript:alert(1)", {}, "redirect_refused", id="to a script"),
        pytest.param("file:///etc/shadow", {}, "redirect_refused", id="to a file"),
        pytest.param("http://a@b/", {}, "redirect_refused", id="with a name in it"),
        pytest.param("http://[", {}, "redirect_refused", id="to rubbish"),
        pytest.param("http://x:99999/", {}, "redirect_refused", id="to no port"),
        pytest.param("udp://127.0.0.1:9", {}, "redirect_refused", id="off the web"),
    ],
)
def test_redirects_end_where_they_must(location: str, settings: dict[str, Scalar], reason: str | None) -> None:
    with serving(http(status="301 Moved", Location=location)) as port:
        assert ask(f"http://127.0.0.1:{port}/", settings).result.reason == reason


# --- what may not be asked ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "::1", "fe80::1", "fc00::1",
     "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1", "224.0.0.1"],
)  # fmt: skip
def test_a_target_in_somebodys_own_network_is_refused_by_its_key(address: str, names: dict[str, list[str]]) -> None:
    names["inside.example"] = [address]
    literal = f"[{address}]" if ":" in address else address
    for target in (f"http://{literal}/", "tcp://inside.example:80", "udp://inside.example:53"):
        found = ask(target, private=False)
        assert (found.result.reason, found.detail["key"]) == ("bad_settings", "allow_private")


def test_the_address_that_was_checked_is_the_one_that_is_asked(names: dict[str, list[str]]) -> None:
    """A name that is public when it is checked and private when it is connected to (rebinding)."""
    with serving(http()) as port:
        names["twice.example"] = ["127.0.0.1", "192.0.2.9"]
        found = ask(f"http://twice.example:{port}/")
    assert (found.result.outcome, found.detail["address"]) == ("ok", "127.0.0.1")
    assert names["twice.example"] == ["192.0.2.9"], "asked once"
    assert "dns" in found.phases


def test_a_name_without_address_fails_and_a_dead_resolver_says_nothing(
    names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask("http://gone.example/").result.reason == "not_resolved"
    asked, over = threading.Event(), threading.Event()

    def hangs(*_: object) -> None:
        asked.set()
        over.wait(20)

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    found = ask("http://slow.example/", left_ms=300)
    over.set()
    assert asked.is_set()
    assert (found.result.outcome, found.result.reason) == ("unknown", "resolver_failed")


@pytest.mark.parametrize(
    ("target", "settings", "key"),
    [
        pytest.param("127.0.0.1", {}, "target", id="no scheme"),
        pytest.param("ftp://a.example/", {}, "target", id="a scheme nobody asked for"),
        pytest.param("http://", {}, "target", id="no host"),
        pytest.param("http://me:pw@a.example/", {}, "target", id="with a name and password"),
        pytest.param("tcp://a.example", {}, "target", id="no port"),
        pytest.param("tcp://a.example:70000", {}, "target", id="no such port"),
        pytest.param("smtp://a.example/inbox", {}, "target", id="a path where there is none"),
        pytest.param("http://dịchvụ.example/", {}, "target", id="a name not written for machines"),
        pytest.param("udp://127.0.0.1:9", {}, "send", id="a UDP service without a question"),
        pytest.param("http://127.0.0.1/", {"status": "2xx"}, "status", id="no status"),
        pytest.param("http://127.0.0.1/", {"send": "abc"}, "send", id="half a byte"),
        pytest.param("http://127.0.0.1/", {"redirects": 11}, "redirects", id="too many redirects"),
        pytest.param("http://127.0.0.1/", {"allow_private": "yes"}, "allow_private", id="a word for a switch"),
    ],
)
def test_unusable_plans_name_their_key(target: str, settings: dict[str, Scalar], key: str) -> None:
    found = ask(target, settings)
    assert (found.result.reason, found.detail["key"]) == ("bad_settings", key)
