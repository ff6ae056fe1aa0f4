"""The bandwidth probe against servers on loopback: what a lease allows, and what each misbehaviour is called."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent.probes import Again, Measured
from agent.probes.bandwidth import load as loading
from agent.probes.bandwidth import look as looking
from agent.probes.bandwidth import probe as bandwidth
from agent.probes.bandwidth import province
from collector.register.ca import open_authority
from tests.support.measuring import (
    MARK,
    NO_CONTENT,
    Answer,
    Running,
    context,
    desk,
    item,
    misbehaving,
    run_test,
    running,
)
from wire.client import Unreachable
from wire.clock import SystemClock
from wire.messages import LeaseAnswer, LeaseAsk

REPORT = b'{"received":%d,"sent":0,"left":1,"mono_s":%f,"cpu_s":0.0,"tests":1}'
SPEEDS = ("_bps",)


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bandwidth, "LOOK_S", 0.02)
    monkeypatch.setattr(loading, "STALL_S", 0.4)
    monkeypatch.setattr(province, "IDLE_GAP_S", 0.001)


@pytest.fixture
def slow() -> Iterator[Running]:
    with running(slow=True) as made:
        yield made


def speeds(found: Measured) -> list[str]:
    return [value.metric for value in found.values if value.metric.endswith("_bps")]


def reason(found: Measured) -> str | None:
    assert speeds(found) == [] or found.detail.get("stamp") == (found.result.reason or "valid")
    return found.result.reason


class TestLease:
    def test_without_a_lease_nothing_is_loaded(self) -> None:
        asked = desk("http://127.0.0.1:9")
        asked.answer = LeaseAnswer(why="outside_window")
        found = bandwidth.probe(item(), context(asked))
        assert isinstance(found, Measured)
        assert (found.result.outcome, found.result.reason, found.detail) == (
            "unknown",
            "no_lease",
            {"error": "outside_window"},
        )
        assert len(asked.asked) == 1

    def test_a_collector_that_is_not_reached_is_said_so(self) -> None:
        def away(_ask: LeaseAsk) -> LeaseAnswer:
            raise Unreachable("refused", "192.0.2.7:8443: refused")

        ctx = context(desk("http://127.0.0.1:9"))
        ctx.lease = away
        found = bandwidth.probe(item(), ctx)
        assert isinstance(found, Measured)
        assert found.result.reason == "no_lease"
        assert "could not be asked" in str(found.detail["error"])

    def test_told_to_come_again_it_comes_again(self) -> None:
        asked = desk("http://127.0.0.1:9")
        asked.answer = LeaseAnswer(why="busy", again_s=90.0)
        assert bandwidth.probe(item(), context(asked)) == Again(90.0)

    def test_a_lease_that_begins_later_is_kept_and_not_asked_for_twice(self) -> None:
        asked = desk("http://127.0.0.1:9", starts_in_s=40.0)
        ctx = context(asked)
        first, second = bandwidth.probe(item(), ctx), bandwidth.probe(item(), ctx)
        assert isinstance(first, Again)
        assert isinstance(second, Again)
        assert 39 < second.after_s <= first.after_s <= 40
        assert len(asked.asked) == 1

    @pytest.mark.parametrize("short", [{"ends_in_s": -1.0}, {"max_s": 3.0}], ids=["over", "too short for a test"])
    def test_a_lease_that_is_of_no_use_is_given_back_unused(self, slow: Running, short: dict[str, float]) -> None:
        asked = desk(slow.url, **short)  # type: ignore[arg-type]  # seconds, all of them
        found = bandwidth.probe(item(), context(asked))
        assert isinstance(found, Measured)
        assert found.result.reason == "no_lease"
        assert [(ask.returns, ask.used_bytes) for ask in asked.asked] == [(None, 0), ("l", 0)]

    def test_what_a_test_cost_is_told_when_the_lease_goes_back(self, slow: Running) -> None:
        asked = desk(slow.url, max_bytes=4_000_000)
        found = bandwidth.probe(item(streams=2), context(asked))
        assert isinstance(found, Measured)
        assert (found.result.reason, speeds(found)) == ("aborted", [])
        assert 2_000_000 <= asked.asked[-1].used_bytes <= 4_000_000

    def test_a_server_that_is_full_is_said_so(self) -> None:
        with running(tests=1) as here:
            held = here.ledger.enter(here.path()[3:-1])
            assert reason(run_test(here.url)) == "server_bound"
            here.ledger.leave(held)


class TestGates:
    @pytest.mark.parametrize(
        ("quiet", "task", "expected"),
        [
            pytest.param(looking.Between(1.0, 20_000.0, 9_000.0, 0.1), None, "line_busy", id="people use the line"),
            pytest.param(looking.Between(1.0, 0.0, 0.0, 0.5), None, "machine_busy", id="the machine works"),
            pytest.param(looking.Between(1.0, 9e6, 9e6, 0.5), "t-1", "refused", id="a person asked for it"),
            pytest.param(looking.Between(1.0, None, None, 0.1), None, "refused", id="no counters to tell by"),
        ],
    )
    def test_nothing_is_loaded_beside_other_work(
        self, monkeypatch: pytest.MonkeyPatch, quiet: looking.Between, task: str | None, expected: str
    ) -> None:
        monkeypatch.setattr(looking, "between", lambda *_: quiet)
        with socket.create_server(("127.0.0.1", 0)) as gone:
            port = gone.getsockname()[1]
        found = bandwidth.probe(item(), context(desk(f"http://127.0.0.1:{port}"), task_id=task))
        assert isinstance(found, Measured)
        assert (reason(found), found.values) == (expected, [])


def portal(sock: socket.socket, _route: str) -> None:
    sock.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://portal.example/login\r\nContent-Length: 0\r\n\r\n")


def page(sock: socket.socket, _route: str) -> None:
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\n<ht>")


def proxy(sock: socket.socket, _route: str) -> None:
    sock.sendall(b"HTTP/1.1 502 Bad Gateway\r\nVia: 1.1 proxy.example\r\nContent-Length: 0\r\n\r\n")


def rubbish(sock: socket.socket, _route: str) -> None:
    sock.sendall(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")


def endless_head(sock: socket.socket, _route: str) -> None:
    sock.sendall(b"HTTP/1.1 204 No Content\r\nMotcua-Measure: 1\r\n")
    while True:
        sock.sendall(b"x: " + b"y" * 4000)


def closes(sock: socket.socket, _route: str) -> None:
    sock.shutdown(socket.SHUT_RDWR)
    raise OSError


def too_much(sock: socket.socket, _route: str) -> None:
    sock.sendall(NO_CONTENT + b"more than was asked for " * 20_000)


def with_status(status: bytes) -> Answer:
    def answer(sock: socket.socket, _route: str) -> None:
        sock.sendall(MARK % status)

    return answer


def like_ours(download: Answer, *, received: int = 0) -> Answer:
    """Round trips and reports as they should be; what happens to load is the test's."""

    def answer(sock: socket.socket, route: str) -> None:
        if route == "ping":
            sock.sendall(NO_CONTENT)
        elif route == "report":
            body = REPORT % (received, time.monotonic())
            sock.sendall(b"HTTP/1.1 200 OK\r\nMotcua-Measure: 1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        else:
            download(sock, route)

    return answer


HEAD = b"HTTP/1.1 200 OK\r\nMotcua-Measure: 1\r\nConnection: close\r\n\r\n"


def silent(sock: socket.socket, _route: str) -> None:
    sock.sendall(HEAD)
    time.sleep(1.5)
    raise OSError


def begins_and_stalls(sock: socket.socket, _route: str) -> None:
    sock.sendall(HEAD + bytes(200_000))
    time.sleep(1.5)
    raise OSError


def ends_early(sock: socket.socket, _route: str) -> None:
    sock.sendall(b"HTTP/1.1 200 OK\r\nMotcua-Measure: 1\r\nContent-Length: 999999999\r\n\r\n" + bytes(200_000))
    time.sleep(0.1)
    raise OSError


def resets(sock: socket.socket, _route: str) -> None:
    sock.sendall(HEAD + bytes(200_000))
    time.sleep(0.1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    sock.close()
    raise OSError


def reports(body: bytes) -> Answer:
    def answer(sock: socket.socket, route: str) -> None:
        text = body if route == "report" else b""
        sock.sendall(b"HTTP/1.1 %d OK\r\nMotcua-Measure: 1\r\n\r\n%s" % (200 if text else 204, text))

    return answer


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"received":1,"sent":0,"mono_s":NaN,"cpu_s":0}', id="not a number"),
        pytest.param(b'{"received":1,"sent":0,"mono_s":1e999,"cpu_s":0}', id="infinity"),
        pytest.param(b'{"received":1,"sent":0,"mono_s":1%s,"cpu_s":0}' % (b"0" * 400), id="more than fits"),
        pytest.param(b'{"received":1.5,"sent":0,"mono_s":1,"cpu_s":0}', id="half a byte"),
        pytest.param(b'{"received":"1","sent":0,"mono_s":1,"cpu_s":0}', id="a text"),
        pytest.param(b'{"received":1,"sent":0,"mono_s":1}', id="less than is needed"),
        pytest.param(b"[" * 3000 + b"}", id="deep"),
        pytest.param(b'["received"]}', id="not JSON"),
        pytest.param(b'{"\xff":1}', id="not UTF-8"),
        pytest.param(b"7}", id="no object"),
    ],
)
def test_a_report_that_cannot_be_read_gives_no_figure(body: bytes) -> None:
    with misbehaving(reports(body)) as url:
        found = run_test(url, streams=2)
    assert (found.result.outcome, reason(found), speeds(found)) == ("fail", "bad_answer", [])
    assert "report cannot be read" in str(found.detail["error"])


def test_over_plain_http_the_engine_does_without_what_is_heavy() -> None:
    heavy = {"ssl", "msgspec", "psutil", "logging", "http.client"}
    command = [sys.executable, "-c", "import sys, agent.probes.bandwidth.province; print(*sys.modules)"]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    loaded = set(done.stdout.split())
    assert "agent.probes.bandwidth.talk" in loaded
    assert loaded & heavy == set()


@pytest.mark.parametrize(
    ("answer", "outcome", "expected"),
    [
        pytest.param(portal, "fail", "captive_portal", id="sent on to a captive portal"),
        pytest.param(page, "fail", "captive_portal", id="the portal's page itself"),
        pytest.param(proxy, "fail", "proxy_page", id="a proxy on the way"),
        pytest.param(rubbish, "fail", "bad_answer", id="another protocol"),
        pytest.param(endless_head, "fail", "bad_answer", id="a head without an end"),
        pytest.param(closes, "fail", "reset", id="closed before an answer"),
        pytest.param(too_much, "fail", "bad_answer", id="much more than was asked for"),
        pytest.param(with_status(b"401 Unauthorized"), "unknown", "no_lease", id="the ticket is not taken"),
        pytest.param(with_status(b"503 Service Unavailable"), "unknown", "server_bound", id="the server is full"),
        pytest.param(with_status(b"500 Internal Server Error"), "fail", "bad_status", id="the server fails"),
        pytest.param(like_ours(silent), "fail", "timeout_transfer", id="a stream that carries nothing"),
        pytest.param(like_ours(begins_and_stalls), "unknown", "aborted", id="a stream that stalls in the middle"),
        pytest.param(like_ours(ends_early), "unknown", "aborted", id="a stream shorter than its length"),
        pytest.param(like_ours(resets), "unknown", "aborted", id="reset in the middle"),
        pytest.param(like_ours(closes), "fail", "reset", id="closed where load was asked for"),
        pytest.param(like_ours(portal), "fail", "captive_portal", id="a portal that lets small answers through"),
    ],
)
def test_a_server_that_misbehaves_gives_no_figure(answer: Answer, outcome: str, expected: str) -> None:
    with misbehaving(answer) as url:
        found = run_test(url, streams=2)
    assert (found.result.outcome, reason(found), speeds(found)) == (outcome, expected, [])


class TestTrust:
    def secured(self, home: Path, hosts: list[str]) -> tuple[ssl.SSLContext, bytes]:
        authority = open_authority(home, hosts, SystemClock())
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(authority.server_cert, authority.server_key)
        return made, authority.pem

    def run(self, url: str, ca_pem: bytes) -> Measured:
        found = bandwidth.probe(item(streams=2), context(desk(url, max_bytes=4_000_000), ca_pem=ca_pem))
        assert isinstance(found, Measured)
        return found

    def test_a_certificate_of_another_authority_is_refused(self, tmp_path: Path) -> None:
        theirs, _ = self.secured(tmp_path / "theirs", [])
        _, ours = self.secured(tmp_path / "ours", [])
        with running(context=theirs) as here:
            found = self.run(here.url.replace("http:", "https:"), ours)
        assert (reason(found), speeds(found)) == ("cert_untrusted", [])

    def test_over_tls_with_the_collectors_authority_it_measures(self, tmp_path: Path) -> None:
        theirs, ca_pem = self.secured(tmp_path, [])
        with running(context=theirs, slow=True) as here:
            found = self.run(here.url.replace("http:", "https:"), ca_pem)
        assert reason(found) == "aborted"  # the allowance of this ticket is too small for a figure
        assert "(bytes)" in str(found.detail["error"])

    def test_without_an_authority_nothing_is_judged(self) -> None:
        found = self.run("https://127.0.0.1:9", b"")
        assert (reason(found), "enrol it" in str(found.detail["error"])) == ("no_lease", True)


def test_nobody_reads_a_clock_that_can_be_set(slow: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    test = province.Trial

    class OnlyDownload(test):  # type: ignore[misc,valid-type]  # the upload's pace on loopback is not held
        def course(self, way: Any) -> None:
            if way == "download":
                super().course(way)

    def boom() -> float:
        raise AssertionError("the wall clock was read")

    monkeypatch.setattr(province, "Trial", OnlyDownload)
    monkeypatch.setattr(time, "time", boom)
    found = run_test(slow.url, streams=2, precision=0.2)
    download = next(v.value for v in found.values if v.metric == "motcua_line_download_bps")
    assert 5e6 < download < 60e6
    low, high = (
        next(v.value for v in found.values if v.metric == f"motcua_line_download_{e}_bps") for e in ("low", "high")
    )
    assert low <= download <= high
    assert msgspec.json.encode(found.detail)
