"""Probe `service` on the web: pages over real sockets, whole and broken in every phase."""

from __future__ import annotations

import gzip
import socket
import struct
import time

import pytest

from agent.probes.service import PHASES
from tests.support.service_runs import ask, numbers
from tests.support.services import Guest, Talk, full, http, serving

OK_HEAD = b"HTTP/1.1 200 OK\r\n"


def test_a_page_passes_with_every_phase_and_figure() -> None:
    said: list[str] = []
    body = "Cổng Dịch vụ công".encode()
    with serving(http(body)) as port:
        found = ask(f"http://127.0.0.1:{port}/", text="Dịch vụ", said=said)
    assert found.result.outcome == "ok"
    assert list(found.phases) == ["connect", "ttfb", "transfer"]
    assert numbers(found) == {
        "passed_ratio": 1, "status_code": 200, "body_bytes": len(body),
        **{f"{phase}_seconds": pytest.approx(found.phases[phase]) for phase in found.phases},
        "total_seconds": pytest.approx(sum(found.phases.values())),
    }  # fmt: skip
    assert any("█" in line for line in said)


def test_the_request_is_that_of_an_honest_visitor() -> None:
    heard: list[bytes] = []

    def talk(guest: Guest) -> None:
        heard.append(guest.request())
        guest.conn.sendall(OK_HEAD + b"\r\n")

    with serving(talk) as port:
        ask(f"http://127.0.0.1:{port}/tra cứu?ma=1")
    head = heard[0].decode()
    assert head.startswith("GET /tra%20c%E1%BB%A9u?ma=1 HTTP/1.1\r\n")
    assert f"Host: 127.0.0.1:{port}\r\n" in head
    assert "User-Agent: motcua" in head
    assert "Cookie" not in head
    assert "Authorization" not in head


def _hangs_before_an_answer(guest: Guest) -> None:
    guest.request()
    guest.hang()


def _hangs_in_the_page(guest: Guest) -> None:
    guest.request()
    guest.conn.sendall(OK_HEAD + b"Content-Length: 100\r\n\r\nhalf")
    guest.hang()


def _drips_its_head(guest: Guest) -> None:
    guest.request()
    guest.drip(OK_HEAD + b"X-Slow: " + b"y" * 10_000)


def _drips_its_page(guest: Guest) -> None:
    guest.request()
    guest.conn.sendall(OK_HEAD + b"\r\n")
    guest.drip(b"z" * 10_000)


def _never_done_with_prefaces(guest: Guest) -> None:
    guest.request()
    while not guest.closing.wait(0.001):
        guest.conn.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


@pytest.mark.parametrize(
    ("talk", "reason", "reached"),
    [
        pytest.param(_hangs_before_an_answer, "timeout_answer", ["connect"], id="no first byte"),
        pytest.param(_hangs_in_the_page, "timeout_transfer", ["connect", "ttfb", "transfer"], id="half a page"),
        pytest.param(_drips_its_head, "timeout_transfer", ["connect", "ttfb", "transfer"], id="a head in drops"),
        pytest.param(_drips_its_page, "timeout_transfer", ["connect", "ttfb", "transfer"], id="a page in drops"),
        pytest.param(_never_done_with_prefaces, None, ["connect", "ttfb", "transfer"], id="prefaces without end"),
    ],
)
def test_what_hangs_fails_in_its_phase_and_in_time(talk: Talk, reason: str | None, reached: list[str]) -> None:
    with serving(talk) as port:
        begun = time.perf_counter()
        found = ask(f"http://127.0.0.1:{port}/", left_ms=400)
        took = time.perf_counter() - begun
    assert took < 0.4 + 0.5
    assert found.result.outcome == "fail"
    assert reason is None or found.result.reason == reason
    assert [phase for phase in PHASES if phase in found.phases][:1] == reached[:1]
    assert "total_seconds" not in numbers(found)
    assert numbers(found)["passed_ratio"] == 0


def test_a_port_that_takes_nobody_fails_in_connecting() -> None:
    with full() as port:
        found = ask(f"http://127.0.0.1:{port}/", left_ms=300)
    assert (found.result.reason, found.phases) == ("timeout_connect", {})


def test_encryption_that_never_comes_fails_in_its_phase() -> None:
    with serving(Guest.hang) as port:
        found = ask(f"https://127.0.0.1:{port}/", left_ms=400)
    assert (found.result.reason, list(found.phases)) == ("timeout_tls", ["connect"])


def _resets(guest: Guest) -> None:
    guest.request()
    guest.conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _answers(raw: bytes) -> Talk:
    def talk(guest: Guest) -> None:
        guest.request()
        guest.conn.sendall(raw)

    return talk


@pytest.mark.parametrize(
    ("talk", "reason"),
    [
        pytest.param(_resets, "reset", id="a reset"),
        pytest.param(_answers(b""), "reset", id="closed without a word"),
        pytest.param(_answers(b"SSH-2.0-OpenSSH_9.2\r\n"), "bad_answer", id="another protocol"),
        pytest.param(_answers(b"\x00" * 70_000), "bad_answer", id="a line without an end"),
        pytest.param(_answers(OK_HEAD + b"A: b\r\n" * 200 + b"\r\n"), "bad_answer", id="too many headers"),
        pytest.param(_answers(OK_HEAD + (b"A: " + b"b" * 9_000 + b"\r\n") * 90), "bad_answer", id="too much of a head"),
        pytest.param(_answers(OK_HEAD + b"Content-Length: 50\r\n\r\nshort"), "cut_short", id="less than declared"),
        pytest.param(_answers(OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\nx"), "cut_short", id="half a chunk"),
        pytest.param(_answers(OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"), "cut_short", id="no chunk"),
        pytest.param(http(status="503 Unavailable"), "bad_status", id="a status of failure"),
        pytest.param(http(b"something else"), "missing_text", id="another page"),
    ],
)
def test_answers_that_are_none_fail_by_their_reason(talk: Talk, reason: str) -> None:
    with serving(talk) as port:
        found = ask(f"http://127.0.0.1:{port}/", text="welcome")
    assert found.result.reason == reason


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(OK_HEAD + b"Content-Length: 7\r\n\r\nwelcome and more", id="more than declared"),
        pytest.param(OK_HEAD + b"Content-Length: none\r\n\r\nwelcome", id="a length that is none"),
        pytest.param(OK_HEAD + b"\r\nwelcome", id="no length"),
        pytest.param(OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n7\r\nwelcome\r\n0\r\n\r\n", id="in chunks"),
        pytest.param(OK_HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"welcome"), id="packed unasked"),
        pytest.param(
            OK_HEAD + b"Content-Type: text/html; charset=utf-16-le\r\n\r\n" + "welcome".encode("utf-16-le"),
            id="in another encoding",
        ),
        pytest.param(OK_HEAD + b"Content-Type: text/html; charset=klingon\r\n\r\nwelcome", id="in no known encoding"),
    ],
)
def test_lies_that_do_no_harm_are_forgiven(raw: bytes) -> None:
    with serving(_answers(raw)) as port:
        assert ask(f"http://127.0.0.1:{port}/", text="welcome").result.outcome == "ok"


def test_an_endless_page_is_read_up_to_its_bound() -> None:
    def talk(guest: Guest) -> None:
        guest.request()
        guest.conn.sendall(OK_HEAD + b"\r\nwelcome")
        while not guest.closing.is_set():
            guest.conn.sendall(b"x" * 65_536)

    with serving(talk) as port:
        found = ask(f"http://127.0.0.1:{port}/", text="welcome", body_kib=64)
    assert found.result.outcome == "ok"
    assert found.detail["cut_at_bytes"] == numbers(found)["body_bytes"] == 65_536


def test_the_expected_text_must_come_early_and_in_any_form_of_its_letters() -> None:
    with serving(http(b" " * 2_000 + "Ti\u1ebfp nh\u1eadn".encode())) as port:
        assert ask(f"http://127.0.0.1:{port}/", text="Tie\u0302\u0301p", text_kib=4).result.outcome == "ok"
        assert ask(f"http://127.0.0.1:{port}/", text="Ti\u1ebfp", text_kib=1).result.reason == "missing_text"


@pytest.mark.parametrize(
    ("status", "expected", "passes"),
    [
        pytest.param("404 No", "404", True, id="the one"),
        pytest.param("302 Found", "200-399", True, id="a redirect that leads nowhere"),
        pytest.param("401 Log in", "200,401-403", True, id="among several"),
        pytest.param("500 Oh", "200,401-403", False, id="none of them"),
    ],
)
def test_the_expected_statuses_are_the_plans(status: str, expected: str, passes: bool) -> None:
    with serving(http(status=status)) as port:
        found = ask(f"http://127.0.0.1:{port}/", status=expected)
    assert (found.result.outcome == "ok") is passes
