"""Probe `service` off the web: mail, TCP, UDP, time stamps; servers that speak well, badly, or not at all."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.net import trust
from tests.support.service_runs import ask, numbers
from tests.support.services import DAY, Guest, Talk, authority, http, over_tls, paper, serving
from wire.messages import Scalar


@pytest.fixture(autouse=True)
def _trusting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = tmp_path / "trusted.pem"
    bundle.write_bytes(authority()[2])
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    trust.forget()


Upgrade = Callable[[Guest], Guest]


def _upgrading(file: Path) -> Upgrade:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return lambda guest: Guest(context.wrap_socket(guest.conn, server_side=True), guest.closing)


def _closing(talk: Callable[[Guest, list[Guest]], None]) -> Talk:
    """A talk that may go over to other connections, which are closed at its end."""

    def whole(guest: Guest) -> None:
        others: list[Guest] = []
        try:
            talk(guest, others)
        finally:
            for other in others:
                other.conn.close()

    return whole


def _smtp(upgrade: Upgrade | None = None, *, early: bytes = b"") -> Talk:
    def talk(guest: Guest, others: list[Guest]) -> None:
        guest.conn.sendall(b"220 mail.example ESMTP ready\r\n")
        while line := guest.line():
            if line.startswith(b"EHLO"):
                offer = b"250-STARTTLS\r\n" if upgrade else b""
                guest.conn.sendall(b"250-mail.example\r\n" + offer + b"250 SIZE 1000\r\n")
            elif line.startswith(b"STARTTLS") and upgrade:
                guest.conn.sendall(b"220 go ahead\r\n" + early)
                guest = upgrade(guest)
                others.append(guest)
            else:
                guest.conn.sendall(b"221 bye\r\n")
                return

    return _closing(talk)


def _imap(upgrade: Upgrade | None = None) -> Talk:
    def talk(guest: Guest, others: list[Guest]) -> None:
        guest.conn.sendall(b"* OK IMAP4rev1 ready\r\n")
        while line := guest.line():
            tag = line.split()[0]
            if b"CAPABILITY" in line:
                guest.conn.sendall(b"* CAPABILITY IMAP4rev1" + (b" STARTTLS" if upgrade else b"") + b"\r\n")
            guest.conn.sendall(tag + b" OK done\r\n")
            if b"STARTTLS" in line and upgrade:
                guest = upgrade(guest)
                others.append(guest)

    return _closing(talk)


@pytest.mark.parametrize(("scheme", "server"), [("smtp", _smtp), ("imap", _imap)])
class TestMail:
    def test_it_greets_and_encrypts(self, scheme: str, server: Callable[..., Talk], tmp_path: Path) -> None:
        with serving(server(_upgrading(paper(tmp_path)))) as port:
            found = ask(f"{scheme}://127.0.0.1:{port}", starttls="required", banner="ready")
        assert found.result.outcome == "ok"
        assert {"connect", "tls", "ttfb", "transfer"} == set(found.phases)
        assert "certificate_left_seconds" in numbers(found)
        assert "ready" in str(found.detail["greeting"])

    def test_it_encrypts_from_the_first_byte(self, scheme: str, server: Callable[..., Talk], tmp_path: Path) -> None:
        with serving(over_tls(server(), paper(tmp_path))) as port:
            assert ask(f"{scheme}s://127.0.0.1:{port}").result.outcome == "ok"

    @pytest.mark.parametrize(
        ("starttls", "reason"), [("offered", None), ("no", None), ("required", "tls_failed")], ids=str
    )
    def test_it_need_not_encrypt_unless_the_plan_says_so(
        self, scheme: str, server: Callable[..., Talk], starttls: str, reason: str | None
    ) -> None:
        with serving(server()) as port:
            assert ask(f"{scheme}://127.0.0.1:{port}", starttls=starttls).result.reason == reason

    def test_its_certificate_is_judged(self, scheme: str, server: Callable[..., Talk], tmp_path: Path) -> None:
        old = paper(tmp_path, begins=-3 * DAY, ends=-DAY)
        with serving(server(_upgrading(old))) as port:
            assert ask(f"{scheme}://127.0.0.1:{port}").result.reason == "cert_expired"
            clock_is_ahead = ask(f"{scheme}://127.0.0.1:{port}", offset_s=2 * 86_400.0)
        assert clock_is_ahead.result.reason == "clock_wrong"

    def test_another_greeting_is_told(self, scheme: str, server: Callable[..., Talk]) -> None:
        with serving(server()) as port:
            assert ask(f"{scheme}://127.0.0.1:{port}", banner="Zimbra").result.reason == "missing_text"


def test_what_was_slipped_in_before_the_encryption_spoils_it(tmp_path: Path) -> None:
    with serving(_smtp(_upgrading(paper(tmp_path)), early=b"250 injected\r\n")) as port:
        assert ask(f"smtp://127.0.0.1:{port}").result.reason == "bad_answer"


def _says(data: bytes) -> Talk:
    def talk(guest: Guest) -> None:
        guest.conn.sendall(data)
        guest.hang()

    return talk


@pytest.mark.parametrize(
    ("scheme", "talk", "reason"),
    [
        pytest.param("smtp", _says(b""), "timeout_answer", id="smtp silent"),
        pytest.param("smtp", _says(b"220-one\r\n"), "timeout_transfer", id="smtp half a greeting"),
        pytest.param("smtp", _says(b"554 go away\r\n"), "bad_status", id="smtp unwilling"),
        pytest.param("smtp", _says(b"HTTP/1.1 200 OK\r\n"), "bad_answer", id="smtp is a web server"),
        pytest.param("smtp", _says(b"220-x\r\n" * 200), "bad_answer", id="smtp never done"),
        pytest.param("smtp", _says(b"2" * 9_000), "bad_answer", id="smtp in one line"),
        pytest.param("smtp", lambda g: g.drip(b"220 " + b"x" * 4_000), "timeout_transfer", id="smtp in drops"),
        pytest.param("smtp", lambda g: None, "reset", id="smtp hangs up"),
        pytest.param("imap", _says(b"* BYE busy\r\n"), "bad_status", id="imap unwilling"),
        pytest.param("imap", _says(b"+OK POP3\r\n"), "bad_answer", id="imap is POP3"),
        pytest.param("imap", _says(b"* OK hi\r\na1 NO\r\n"), "bad_status", id="imap refuses"),
        pytest.param("imap", _says(b"* OK hi\r\n" + b"* x\r\n" * 200), "bad_answer", id="imap never done"),
        pytest.param("smtps", _says(b"220 hi\r\n"), "tls_failed", id="smtps without encryption"),
        pytest.param("tcp", _says(b"SSH-2.0-x\r\n"), "missing_text", id="tcp another banner"),
        pytest.param("tcp", _says(b"z" * 9_000), "missing_text", id="tcp a long one"),
        pytest.param("tcp", _says(b""), "timeout_answer", id="tcp silent"),
    ],
)
def test_bad_talk_fails_by_its_reason(scheme: str, talk: Talk, reason: str) -> None:
    settings: dict[str, Scalar] = {"banner": "ready"} if scheme == "tcp" else {}
    with serving(talk) as port:
        assert ask(f"{scheme}://127.0.0.1:{port}", left_ms=400, settings=settings).result.reason == reason


def test_a_tcp_service_connects_and_may_greet() -> None:
    with serving(_says(b"SSH-2.0-OpenSSH\r\n")) as port:
        plain, greeted = ask(f"tcp://127.0.0.1:{port}"), ask(f"tcp://127.0.0.1:{port}", banner="SSH-2.0")
    assert (plain.result.outcome, list(plain.phases)) == ("ok", ["connect"])
    assert (greeted.result.outcome, list(greeted.phases)) == ("ok", ["connect", "ttfb"])


@contextmanager
def _udp(answer: bytes | None) -> Iterator[tuple[int, list[bytes]]]:
    heard: list[bytes] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))

        def run() -> None:
            with contextlib.suppress(OSError):
                data, whom = sock.recvfrom(2048)
                heard.append(data)
                if answer is not None:
                    sock.sendto(answer, whom)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield sock.getsockname()[1], heard
        thread.join(5)


def test_a_udp_service_answers_anything_at_all() -> None:
    with _udp(b"\x00\x01") as (port, heard):
        found = ask(f"udp://127.0.0.1:{port}", send="1b00ff")
    assert heard == [b"\x1b\x00\xff"]
    assert (found.result.outcome, list(found.phases)) == ("ok", ["ttfb"])
    assert numbers(found)["body_bytes"] == 2


def test_a_udp_service_that_says_nothing_did_not_answer() -> None:
    with _udp(None) as (port, _):
        assert ask(f"udp://127.0.0.1:{port}", left_ms=300, send="00").result.reason == "no_answer"
    assert ask(f"udp://127.0.0.1:{port}", left_ms=300, send="00").result.reason == "refused"


@pytest.mark.parametrize("scheme", ["rfc3161", "ocsp"])
@pytest.mark.parametrize(
    ("talk", "reason"),
    [
        pytest.param(http(status="405 Method Not Allowed"), None, id="wants another method"),
        pytest.param(http(status="500 Oh"), None, id="chokes on a question that is none"),
        pytest.param(http(status="302 Found", Location="/elsewhere"), None, id="sends on within its own"),
        pytest.param(http(status="302 Found", Location="http://login.wifi.example/"), "captive_portal", id="a portal"),
        pytest.param(http(b"<h1>MikroTik hotspot</h1>", Content_Type="text/html"), "captive_portal", id="a login page"),
        pytest.param(Guest.hang, "timeout_answer", id="silent"),
        pytest.param(_says(b"hello\r\n"), "bad_answer", id="not HTTP"),
    ],
)
def test_an_endpoint_of_signing_need_only_speak_http(scheme: str, talk: Talk, reason: str | None) -> None:
    with serving(talk) as port:
        assert ask(f"{scheme}://127.0.0.1:{port}", left_ms=600).result.reason == reason
