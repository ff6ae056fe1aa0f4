"""The pinned client against real TLS servers on loopback that say exactly what a test wants, byte for byte."""

from __future__ import annotations

import contextlib
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from tests.support.collector_double import paper
from wire.client import MAX_ANSWER_BYTES, Client, ClientError, Refused, Unreachable, ca_fingerprint, fetch_ca, pinned
from wire.messages import Answer, Enrol, Enrolled, Plan, Problem, Receipt, WaitAnswer

Talk = Callable[[ssl.SSLSocket], None]

EPOCH = "6f9619ff-8b86-d011-b42d-00c04fc964ff"


def _request(connection: ssl.SSLSocket) -> bytes:
    """One request off the connection, head and body; empty where the client is gone."""
    raw = b""
    while b"\r\n\r\n" not in raw:
        part = connection.recv(65_536)
        if not part:
            return raw
        raw += part
    head, _, body = raw.partition(b"\r\n\r\n")
    length = next((int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length")), 0)
    while len(body) < length:
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


def _http(status: str, body: bytes = b"", *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*head, "", ""]).encode() + body


def says(*answers: bytes) -> Talk:
    """Read a request, send an answer; as many as there are; then close."""

    def talk(connection: ssl.SSLSocket) -> None:
        for answer in answers:
            if _request(connection):
                connection.sendall(answer)

    return talk


@contextmanager
def serving(*talks: Talk, name: str = "double", host: str = "127.0.0.1") -> Iterator[tuple[str, list[int]]]:
    """A TLS server for as many connections as there are talks. Yields its address and a list that grows by each."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with _files(name) as (chain, key):
        context.load_cert_chain(chain, key)
    begun: list[int] = []
    done = threading.Event()
    with socket.create_server((host, 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, context, talks, begun, done))
        thread.start()
        try:
            yield f"https://{host}:{listener.getsockname()[1]}", begun
        finally:
            done.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def _serve(
    listener: socket.socket, context: ssl.SSLContext, talks: Sequence[Talk], begun: list[int], done: threading.Event
) -> None:
    for number, talk in enumerate(talks):
        try:
            plain, _ = listener.accept()
        except OSError:
            return
        begun.append(number)
        plain.settimeout(10)
        with plain, contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as connection:
            talk(connection)
        if done.is_set():
            return


@contextmanager
def _files(name: str) -> Iterator[tuple[Path, Path]]:
    with tempfile.TemporaryDirectory() as folder:
        chain, key = Path(folder, "chain.pem"), Path(folder, "key.pem")
        chain.write_bytes(paper(name).chain)
        key.write_bytes(paper(name).key)
        yield chain, key


def _client(url: str, timeout_s: float = 5.0, token: str = "a-token", ca: str = "double") -> Client:
    return Client(url, pinned(paper(ca).ca), token=token, timeout_s=timeout_s)


# --- the contract ---------------------------------------------------------------------------------------------------


def test_the_ca_is_fetched_without_trust_and_known_by_its_fingerprint() -> None:
    with serving(says(_http("200 OK", paper().ca))) as (url, _):
        found = fetch_ca(url)
    assert ca_fingerprint(found) == ca_fingerprint(paper().ca)
    assert ca_fingerprint(found) != ca_fingerprint(paper("another").ca)


NO_CERTIFICATES = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"<html>", id="a page"),
    pytest.param(b"\xff", id="no text"),
    pytest.param(b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", id="garbage between the marks"),
    pytest.param(b"-----BEGIN CERTIFICATE-----\nAAA\n-----END CERTIFICATE-----\n", id="wrong padding"),
    pytest.param(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", id="not DER"),
    pytest.param(paper().ca + paper("another").ca, id="a second one smuggled in behind it"),
    pytest.param(paper().ca + b"text", id="something behind it"),
]


@pytest.mark.parametrize("pem", NO_CERTIFICATES)
def test_what_is_not_one_certificate_is_neither_known_nor_trusted(pem: bytes) -> None:
    with pytest.raises(ValueError, match=r"certificate|base64|padding|characters"):
        ca_fingerprint(pem)
    with pytest.raises(ssl.SSLError):
        pinned(pem)


def test_every_call_of_the_contract_is_answered_with_its_struct() -> None:
    answer = Answer([Receipt(EPOCH, 1, "stored", 2)], 1_800_000_000_000)
    waited = WaitAnswer("0" * 64, [], 1_800_000_000_000)
    plan = Plan(1, 3, "0" * 64, msgspec.Raw(b"[]"))
    enrolled = Enrolled("A", "07375-1", "t")
    bodies = [msgspec.json.encode(x) for x in (answer, waited, plan, enrolled)]
    with serving(says(*[_http("200 OK", body) for body in bodies])) as (url, begun), _client(url) as client:
        assert client.post_batches(b"packed") == answer
        assert client.wait("0" * 64, caps="a b", running="x&y") == waited
        assert client.plan().version == 3
        assert client.enrol(Enrol("c", "box", "1", [], "s", "x")) == enrolled
        assert begun == [0]  # one connection for all of it


def test_a_request_says_who_asks_and_what_it_brings() -> None:
    heard: list[bytes] = []

    def listen(connection: ssl.SSLSocket) -> None:
        heard.append(_request(connection))
        connection.sendall(_http("200 OK", msgspec.json.encode(Answer([], 1))))

    with serving(listen) as (url, _), _client(url) as client:
        client.post_batches(b"packed bytes")
    head, _, body = heard[0].partition(b"\r\n\r\n")
    assert body == b"packed bytes"
    assert head.startswith(b"POST /api/v1/batches HTTP/1.1")
    for line in (b"Authorization: Bearer a-token", b"Content-Encoding: gzip", b"User-Agent: motcua-agent"):
        assert line in head


# --- who is on the other side ---------------------------------------------------------------------------------------


def test_another_ca_is_not_trusted() -> None:
    with serving(says(), name="another") as (url, _), _client(url) as client, pytest.raises(Unreachable) as failed:
        client.plan()
    assert failed.value.reason == "tls"


def test_another_host_is_not_trusted() -> None:
    with serving(says(), host="127.0.0.2") as (url, _), _client(url) as client, pytest.raises(Unreachable) as failed:
        client.plan()
    assert failed.value.reason == "tls"


def test_nobody_there_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with _client(f"https://127.0.0.1:{port}") as client, pytest.raises(Unreachable) as failed:
        client.plan()
    assert failed.value.reason == "refused"


def test_a_name_without_address_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def lookup(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    with _client("https://collector.example") as client, pytest.raises(Unreachable) as failed:
        client.plan()
    assert failed.value.reason == "name"


@pytest.mark.parametrize("url", ["", "http://127.0.0.1", "127.0.0.1:8443", "https://", "ftp://x"])
def test_what_is_no_address_of_a_collector_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="https://"):
        _client(url)


# --- servers that hold on -------------------------------------------------------------------------------------------


def _hang(connection: ssl.SSLSocket) -> None:
    _request(connection)
    connection.recv(1)


def _trickle(head: bytes) -> Talk:
    def talk(connection: ssl.SSLSocket) -> None:
        _request(connection)
        connection.sendall(head)
        end = time.monotonic() + 8
        while time.monotonic() < end:
            connection.sendall(b" ")
            threading.Event().wait(0.05)

    return talk


@pytest.mark.parametrize(
    "talk",
    [
        pytest.param(_hang, id="says nothing"),
        pytest.param(_trickle(b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n"), id="trickles its body"),
        pytest.param(_trickle(b"HTTP/1.1 200 OK\r\nX-Long: "), id="trickles its head"),
        pytest.param(_trickle(b"HTTP/1.1 200 OK\r\n\r\n"), id="trickles without a length"),
    ],
)
def test_no_server_holds_its_caller_longer_than_the_time_out(talk: Talk) -> None:
    with serving(talk) as (url, _), _client(url, timeout_s=0.4) as client:
        begun = time.monotonic()
        with pytest.raises(Unreachable) as failed:
            client.plan()
        assert time.monotonic() - begun < 2
    assert failed.value.reason == "timeout"


def test_a_handshake_that_hangs_is_a_time_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        with _client(url, timeout_s=0.3) as client, pytest.raises(Unreachable) as failed:
            client.plan()
    assert failed.value.reason == "timeout"


def test_each_request_has_its_own_time_out() -> None:
    plan = _http("200 OK", msgspec.json.encode(Plan(1, 3, "0" * 64, msgspec.Raw(b"[]"))))

    def twice(connection: ssl.SSLSocket) -> None:
        says(plan)(connection)
        _hang(connection)

    with serving(twice) as (url, _), _client(url, timeout_s=30) as client:
        assert client.plan().version == 3
        begun = time.monotonic()
        with pytest.raises(Unreachable):
            client.wait("0" * 64, timeout_s=0.3)
        assert time.monotonic() - begun < 2


# --- answers that are none ------------------------------------------------------------------------------------------

PORTAL = b"<html><body>Please log in to the free WiFi</body></html>"


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(_http("200 OK", PORTAL), id="a captive portal's page"),
        pytest.param(_http("200 OK", b""), id="empty"),
        pytest.param(_http("200 OK", b"\xff\xfe{}"), id="no text"),
        pytest.param(_http("200 OK", b"[" * 200_000), id="200,000 brackets"),
        pytest.param(_http("200 OK", b'{"receipts": 3}'), id="of another shape"),
        pytest.param(_http("200 OK", b" " * (MAX_ANSWER_BYTES + 1)), id="larger than any"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{", id="cut short"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", id="garbled chunks"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", id="another protocol"),
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 5_000 + b"\r\n", id="endless headers"),
        pytest.param(b"", id="closed without a word"),
    ],
)
def test_what_is_no_answer_is_broken(raw: bytes) -> None:
    with serving(says(raw)) as (url, _), _client(url) as client, pytest.raises(Unreachable) as failed:
        client.post_batches(b"x")
    assert failed.value.reason == "broken"


@pytest.mark.parametrize(
    "status", ["302 Found", "403 Forbidden", "502 Bad Gateway", "511 Network Authentication Required"]
)
def test_a_strangers_no_is_foreign_and_is_not_kept(status: str) -> None:
    raw = _http(status, PORTAL, "Location: http://portal.invalid/login")
    with serving(says(raw)) as (url, _), _client(url) as client, pytest.raises(Refused) as refused:
        client.plan()
    assert refused.value.problem.code == "foreign"
    assert "WiFi" not in str(refused.value)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        pytest.param("Retry-After: 17", 17.0, id="seconds"),
        pytest.param("X: y", None, id="none"),
        pytest.param("Retry-After: Wed, 21 Oct 2026 07:28:00 GMT", None, id="a date"),
        pytest.param("Retry-After: -5", None, id="negative"),
        pytest.param("Retry-After: " + "9" * 400, 3_600.0, id="for ever"),
    ],
)
def test_a_collectors_no_carries_its_problem_and_when_to_come_back(header: str, seconds: float | None) -> None:
    problem = Problem("Busy", 503, "the writer's queue is full", code="busy", remedy="wait")
    raw = _http("503 Service Unavailable", msgspec.json.encode(problem), header)
    with serving(says(raw)) as (url, _), _client(url) as client, pytest.raises(Refused) as refused:
        client.post_batches(b"x")
    assert (refused.value.status, refused.value.problem) == (503, problem)
    assert refused.value.retry_after_s == seconds


def test_a_retry_after_in_odd_digits_is_none() -> None:
    raw = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nRetry-After: \xb2\r\n\r\n"
    with serving(says(raw)) as (url, _), _client(url) as client, pytest.raises(Refused) as refused:
        client.plan()
    assert refused.value.retry_after_s is None


def test_after_a_no_the_connection_is_kept() -> None:
    no = _http("404 Not Found", msgspec.json.encode(Problem("No plan", 404)))
    yes = _http("200 OK", msgspec.json.encode(Plan(1, 3, "0" * 64, msgspec.Raw(b"[]"))))
    with serving(says(no, yes)) as (url, begun), _client(url) as client:
        with pytest.raises(Refused):
            client.plan()
        assert client.plan().version == 3
        assert begun == [0]


# --- kept connections -----------------------------------------------------------------------------------------------

YES = _http("200 OK", msgspec.json.encode(Plan(1, 3, "0" * 64, msgspec.Raw(b"[]"))))


def _says_and_resets(connection: ssl.SSLSocket) -> None:
    says(YES)(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    connection.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    "first", [pytest.param(says(YES), id="closed"), pytest.param(_says_and_resets, id="shut down")]
)
def test_a_kept_connection_that_was_closed_is_begun_anew_once(first: Talk) -> None:
    with serving(first, says(YES)) as (url, begun), _client(url) as client:
        assert client.plan().version == 3
        assert client.plan().version == 3
        assert begun == [0, 1]


def test_it_is_begun_anew_once_and_not_for_ever() -> None:
    with serving(says(YES), says(b""), says(YES)) as (url, begun), _client(url) as client:
        client.plan()
        with pytest.raises(Unreachable) as failed:
            client.plan()
        assert begun == [0, 1]
        assert client.plan().version == 3  # and the client is as good as new
    assert failed.value.reason == "broken"


def test_a_connection_that_the_server_ends_politely_is_not_used_again() -> None:
    closing = _http("200 OK", msgspec.json.encode(Plan(1, 3, "0" * 64, msgspec.Raw(b"[]"))), "Connection: close")
    with serving(says(closing), says(YES)) as (url, begun), _client(url) as client:
        client.plan()
        client.plan()
        assert begun == [0, 1]


def test_every_error_is_of_one_tree_and_holds_no_token() -> None:
    for talk in (says(b""), says(_http("403 Forbidden", b"x")), says(b"garbage\r\n\r\n")):
        with (
            serving(talk) as (url, _),
            _client(url, token="tell-nobody") as client,
            pytest.raises(ClientError) as failed,
        ):
            client.plan()
        assert "tell-nobody" not in str(failed.value)
