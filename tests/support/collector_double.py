"""A small real collector for the agent's tests: HTTPS on loopback, the agent-facing contract, faults by script."""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import json
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from wire import joincode
from wire.client import ca_fingerprint
from wire.codec import WireError, decode_request, unpack
from wire.messages import (
    Answer,
    Batch,
    Enrol,
    Enrolled,
    LeaseAnswer,
    LeaseAsk,
    Observation,
    Plan,
    PlanItem,
    Problem,
    Receipt,
    Rejected,
    Task,
    WaitAnswer,
)

AGENT = "01J00000000000000000000AGT"
TOKEN = "token-of-the-double"
SECRET = b"0123456789"


@dataclass(frozen=True)
class Paper:
    """A CA and a server certificate it signed, PEM."""

    ca: bytes
    chain: bytes
    key: bytes


def paper(name: str = "double") -> Paper:
    """The papers of one collector; another name is another, foreign CA."""
    return _paper(name)


@cache
def _paper(name: str) -> Paper:
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name} CA")])
    ca = _certificate(ca_name, ca_name, ca_key, ca_key, ca=True)
    server_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    server = _certificate(server_name, ca_name, key, ca_key, ca=False)
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Paper(ca.public_bytes(pem), server.public_bytes(pem), secret)


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    by: ec.EllipticCurvePrivateKey,
    *,
    ca: bool,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(names, critical=False)
        .sign(by, hashes.SHA256())
    )


Fault = Callable[["_Handler"], None]


def answers(status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> Fault:
    """Answer this, and do nothing."""
    return lambda handler: handler.reply(status, body, headers or {})


def refuses(status: int, code: str, **headers: str) -> Fault:
    problem = Problem("no", status, "because the test says so", code=code)
    return answers(status, msgspec.json.encode(problem), {k.replace("_", "-"): v for k, v in headers.items()})


def hangs_up(handler: _Handler) -> None:
    """Close the connection without a word."""
    handler.close_connection = True
    handler.connection.close()


def hangs(handler: _Handler) -> None:
    """Say nothing until the double ends."""
    with handler.double.arrived:
        handler.double.arrived.notify_all()
    handler.closing.wait(60)


def loses_the_answer(handler: _Handler) -> None:
    """Store what came, then close without a word: the case duplicates exist for."""
    handler.double.take(handler.body)
    hangs_up(handler)


def truncates(handler: _Handler) -> None:
    """Promise more bytes than come."""
    handler.send_response(200)
    handler.send_header("Content-Length", "5000")
    handler.end_headers()
    handler.wfile.write(b'{"receipts": [')
    handler.close_connection = True


def floods(handler: _Handler) -> None:
    """50 MB of answer."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(50 * 1024 * 1024))
    handler.end_headers()
    try:
        for _ in range(50):
            handler.wfile.write(b" " * 1024 * 1024)
    except OSError:
        handler.close_connection = True


@dataclass
class Double:
    """What the double was told and what it will say. `faults` are used up first, one for each POST of batches."""

    items: list[PlanItem] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    faults: deque[Fault] = field(default_factory=deque)
    wait_faults: deque[Fault] = field(default_factory=deque)
    reject: Callable[[Observation], bool] = lambda _o: False
    poisoned: set[int] = field(default_factory=set)  # batch numbers for which a whole request is refused
    wait_s: float = 0.0
    hold_s: float = 0.0
    offset_ms: int = 0
    token: str = TOKEN
    now_ms: Callable[[], int] = lambda: 1_790_000_000_000
    bodies: dict[tuple[str, int], str] = field(default_factory=dict)
    stored: list[tuple[Batch, list[Observation]]] = field(default_factory=list)
    requests: list[list[int]] = field(default_factory=list)
    waits: list[dict[str, list[str]]] = field(default_factory=list)
    enrolled: list[Enrol] = field(default_factory=list)
    leases: deque[LeaseAnswer] = field(default_factory=deque)  # used up first; then nobody answers
    lease_asks: list[LeaseAsk] = field(default_factory=list)
    spoil_plan: bool = False
    port: int = 0
    paper: Paper = field(default_factory=paper)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def code(self) -> str:
        return str(joincode.make(SECRET, ca_fingerprint(self.paper.ca)))

    @property
    def observations(self) -> list[Observation]:
        return [o for _, group in self.stored for o in group]

    @property
    def numbers(self) -> list[int]:
        return [header.batch for header, _ in self.stored]

    def plan(self) -> Plan:
        raw = msgspec.json.encode(self.items)
        sha = hashlib.sha256(raw + (b" " if self.spoil_plan else b"")).hexdigest()
        return Plan(1, len(self.items), sha, msgspec.Raw(raw))

    def wait_for(self, happened: Callable[[], bool], timeout_s: float = 20.0) -> bool:
        """Until something that came makes `happened` true."""
        with self.arrived:
            return self.arrived.wait_for(happened, timeout_s)

    def take(self, body: bytes) -> tuple[int, bytes]:
        """Store a request as a collector does; status and body of the answer."""
        try:
            request = decode_request(unpack(body))
        except WireError as error:
            return 400, msgspec.json.encode(Problem("unreadable", 400, str(error), code=error.code))
        numbers = [p.header.batch for p in request.parcels]
        with self.arrived:
            self.requests.append(numbers)
            if self.poisoned & set(numbers):
                self.arrived.notify_all()
                return 422, msgspec.json.encode(Problem("poison", 422, "one of these", code="poison"))
            receipts = [self._store(p.header, p.sha256, p.observations) for p in request.parcels]
            self.arrived.notify_all()
        if any(r.code == "conflict" for r in receipts):
            return 409, msgspec.json.encode(Problem("conflict", 409, code="batch_conflict", receipts=receipts))
        return 200, msgspec.json.encode(Answer(receipts, self.now_ms() + self.offset_ms, self.wait_s))

    def _store(self, header: Batch, sha256: str, observations: Sequence[Observation]) -> Receipt:
        key = (header.epoch, header.batch)
        known = self.bodies.setdefault(key, sha256)
        if known != sha256:
            return Receipt(*key, "conflict", 0)
        if any((h.epoch, h.batch) == key for h, _ in self.stored):
            return Receipt(*key, "duplicate", len(observations))
        rejected = [Rejected(o.i, "invalid", "the test says so") for o in observations if self.reject(o)]
        self.stored.append((header, [o for o in observations if not self.reject(o)]))
        return Receipt(*key, "stored", len(observations) - len(rejected), rejected)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    body = b""

    @property
    def double(self) -> Double:
        assert isinstance(self.server, _Server)
        return self.server.double

    @property
    def closing(self) -> threading.Event:
        assert isinstance(self.server, _Server)
        return self.server.closing

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.path == "/api/v1/ca":
            self.reply(200, self.double.paper.ca)
        elif not self._let_in():
            return
        elif address.path == "/api/v1/plan":
            self.reply(200, msgspec.json.encode(self.double.plan()))
        else:
            self._wait(parse_qs(address.query))

    def do_POST(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.path == "/api/v1/enrol":
            self._enrol()
        elif not self._let_in():
            return
        elif self.path == "/api/v1/leases":
            self._lease()
        else:
            fault = self.double.faults.popleft() if self.double.faults else None
            fault(self) if fault is not None else self.reply(*self.double.take(self.body))

    def _let_in(self) -> bool:
        if self.headers.get("Authorization") == f"Bearer {self.double.token}":
            return True
        self.reply(401, msgspec.json.encode(Problem("who are you", 401, "this token is revoked", code="token")))
        return False

    def _enrol(self) -> None:
        enrol = msgspec.json.decode(self.body, type=Enrol)
        if joincode.parse(enrol.join_code).secret != SECRET:
            self.reply(403, msgspec.json.encode(Problem("no", 403, "used", remedy="get a new code")))
            return
        self.double.enrolled.append(enrol)
        self.reply(200, msgspec.json.encode(Enrolled(AGENT, "07375-1", self.double.token)))

    def _lease(self) -> None:
        """Leases are for tasks; what is due by the plan, at a moment of its own, is put off."""
        ask = msgspec.json.decode(self.body, type=LeaseAsk)
        with self.double.arrived:
            self.double.lease_asks.append(ask)
            self.double.arrived.notify_all()
        if ask.task_id is None:
            self.reply(200, msgspec.json.encode(LeaseAnswer(why="busy", again_s=1_800.0)))
        elif self.double.leases:
            self.reply(200, msgspec.json.encode(self.double.leases.popleft()))
        else:
            self.reply(503, msgspec.json.encode(Problem("no more", 503, code="busy")))

    def _wait(self, query: dict[str, list[str]]) -> None:
        with self.double.arrived:
            self.double.waits.append(query)
            tasks, self.double.tasks = self.double.tasks, []
            self.double.arrived.notify_all()
        if self.double.wait_faults:
            self.double.wait_faults.popleft()(self)
            return
        if self.double.hold_s and query.get("plan") == [self.double.plan().sha256] and not tasks:
            self.closing.wait(self.double.hold_s)
        now = self.double.now_ms() + self.double.offset_ms
        self.reply(200, msgspec.json.encode(WaitAnswer(self.double.plan().sha256, tasks, now)))

    def reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, double: Double, folder: Path) -> None:
        self.double, self.closing = double, threading.Event()
        chain, key = folder / "server.pem", folder / "server.key"
        chain.write_bytes(double.paper.chain)
        key.write_bytes(double.paper.key)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(chain, key)
        super().__init__(("127.0.0.1", double.port), _Handler)
        double.port = self.server_address[1]

    def finish_request(self, request: Any, client_address: Any) -> None:
        # The handshake belongs to the connection's thread: one that stalls must not hold the others.
        try:
            wrapped = self._context.wrap_socket(request, server_side=True)
        except OSError:
            return
        try:
            super().finish_request(wrapped, client_address)
        finally:
            wrapped.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed in the middle of a word is part of these tests."""


@contextmanager
def serving(double: Double, folder: Path) -> Iterator[Double]:
    """The double on a port of its own (or again on its port), until the block ends."""
    server = _Server(double, folder)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield double
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def identity_json(double: Double) -> bytes:
    """What `agent.joining.enrol` would have written after joining this double."""
    return json.dumps(
        {"agent": AGENT, "centre": "07375-1", "url": double.url, "token": double.token, "role": "box"}
    ).encode()
