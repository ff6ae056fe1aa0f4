"""HTTPS to one collector whose CA is pinned: nothing but http.client, so that the agent stays light.

ClientError
├── Unreachable   no answer: name, route, time-out, reset, certificate; try again later
└── Refused       an answer that says no: .status, .problem, .retry_after_s
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from dataclasses import dataclass
from typing import Final, TypeVar
from urllib.parse import quote, urlsplit

import msgspec

from wire.messages import Answer, Enrol, Enrolled, LeaseAnswer, LeaseAsk, Plan, Problem, WaitAnswer
from wire.pinning import BoundedSocket, bounded_context, ca_fingerprint, pinned
from wire.readied import readied

__all__ = ["Client", "ClientError", "Refused", "Reply", "Unreachable", "ca_fingerprint", "fetch_ca", "pinned"]

M = TypeVar("M", bound=msgspec.Struct)

MAX_ANSWER_BYTES: Final = 4 * 1024 * 1024
MAX_RETRY_AFTER_S: Final = 3_600.0
USER_AGENT: Final = "motcua-agent (+https://motcua.invalid/agent)"

# A kept connection that the other side had given up in the meantime, however that shows.
_CLOSED: Final = (
    http.client.RemoteDisconnected,
    ConnectionResetError,
    BrokenPipeError,
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
)


class ClientError(Exception):
    """Root of what can go wrong between an agent and its collector."""


class Unreachable(ClientError):
    """There was no answer. `reason` is a short word for counters: timeout, refused, tls, name, broken."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class Refused(ClientError):
    """The collector answered, and the answer is no."""

    def __init__(self, status: int, problem: Problem, retry_after_s: float | None = None) -> None:
        super().__init__(f"{status} {problem.title}: {problem.detail}")
        self.status, self.problem, self.retry_after_s = status, problem, retry_after_s


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes
    headers: dict[str, str]


def fetch_ca(url: str, timeout_s: float = 10.0) -> bytes:
    """The collector's CA certificate, PEM, fetched without trust: compare it with the join code before use."""
    context = bounded_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with Client(url, context, timeout_s=timeout_s) as client:
        return client.call("GET", "/api/v1/ca").body


class Client:
    """One kept connection to one collector. Not for two threads at once: each loop has its own."""

    def __init__(
        self, url: str, context: ssl.SSLContext, *, token: str = "", timeout_s: float = 15.0, source: str | None = None
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            raise ValueError(f"{url!r} is not the address of a collector: it begins with https://")
        self._host, self._port = parts.hostname, parts.port or 443
        self._context, self._token, self._timeout_s = context, token, timeout_s
        self._source = (source, 0) if source else None
        self._connection: http.client.HTTPSConnection | None = None

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # --- the contract, call by call ---------------------------------------------------------------------------------

    def enrol(self, enrol: Enrol) -> Enrolled:
        reply = self.call("POST", "/api/v1/enrol", msgspec.json.encode(enrol), {"Content-Type": "application/json"})
        return _decode(reply, Enrolled)

    def post_batches(self, packed: bytes) -> Answer:
        """Send a gzip body from `wire.codec`. A 409 carries the receipts of the neighbours in its problem."""
        headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
        return _decode(self.call("POST", "/api/v1/batches", packed, headers), Answer)

    def wait(self, plan_sha256: str, caps: str = "", running: str = "", timeout_s: float = 40.0) -> WaitAnswer:
        """The long poll: heartbeat, tasks, and whether the plan changed. Answers after 25 s at the latest."""
        query = f"?plan={quote(plan_sha256)}&caps={quote(caps)}&running={quote(running)}"
        return _decode(self.call("GET", f"/api/v1/agent/wait{query}", timeout_s=timeout_s), WaitAnswer)

    def plan(self) -> Plan:
        return _decode(self.call("GET", "/api/v1/plan"), Plan)

    def lease(self, ask: LeaseAsk) -> LeaseAnswer:
        """Permission to load a line, or word of when to ask again."""
        packed, headers = msgspec.json.encode(ask), {"Content-Type": "application/json"}
        return _decode(self.call("POST", "/api/v1/leases", packed, headers), LeaseAnswer)

    # --- one request ------------------------------------------------------------------------------------------------

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        *,
        timeout_s: float | None = None,
    ) -> Reply:
        """One request on the kept connection, begun anew once where the other side had closed it in the meantime."""
        fresh = self._connection is None
        try:
            return self._once(method, path, body, headers or {}, timeout_s or self._timeout_s)
        except _CLOSED as error:
            self.close()
            if fresh:
                raise Unreachable("broken", f"{self._host}:{self._port} closed the connection: {error}") from error
        except (OSError, UnicodeError, http.client.HTTPException) as error:  # UnicodeError: no such name can be
            self.close()
            raise _unreachable(error, f"{self._host}:{self._port}") from error
        # Every request of the contract may be repeated: batches have numbers, the rest only reads.
        return self.call(method, path, body, headers, timeout_s=timeout_s)

    def _once(self, method: str, path: str, body: bytes | None, headers: dict[str, str], timeout_s: float) -> Reply:
        connection = self._connect(timeout_s)
        sent = {"User-Agent": USER_AGENT, "Accept": "application/json", **headers}
        if self._token:
            sent["Authorization"] = f"Bearer {self._token}"
        connection.request(method, path, body=body, headers=sent)
        with connection.getresponse() as response:
            raw = response.read(MAX_ANSWER_BYTES + 1)
            if len(raw) > MAX_ANSWER_BYTES:
                raise http.client.HTTPException(f"an answer larger than {MAX_ANSWER_BYTES} bytes")
            reply = Reply(response.status, raw, {k.lower(): v for k, v in response.getheaders()})
        if response.will_close:
            self.close()
        if reply.status >= 300:
            raise _refused(reply)
        return reply

    def _connect(self, timeout_s: float) -> http.client.HTTPSConnection:
        """The connection, open, and with `timeout_s` from now for everything that is done with it."""
        deadline = time.monotonic() + timeout_s
        connection = self._connection
        if connection is None:
            connection = self._connection = http.client.HTTPSConnection(
                self._host, self._port, timeout=timeout_s, context=self._context, source_address=self._source
            )
            connection.connect()
        connection.sock.settimeout(timeout_s)
        if isinstance(connection.sock, BoundedSocket):
            connection.sock.deadline = deadline
        return connection


def _decode(reply: Reply, kind: type[M]) -> M:
    try:
        return msgspec.json.decode(reply.body, type=readied(kind))
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Unreachable("broken", f"an answer that is not of the contract: {error}") from error


def _refused(reply: Reply) -> Refused:
    try:
        problem = msgspec.json.decode(reply.body, type=readied(Problem))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        # Not our collector speaking: a proxy or a captive portal on the way. Its page is not worth keeping.
        problem = Problem("not an answer of a collector", reply.status, code="foreign")
    after = reply.headers.get("retry-after", "")
    seconds = min(float(after), MAX_RETRY_AFTER_S) if after.isascii() and after.isdigit() else None
    return Refused(reply.status, problem, seconds)


def _unreachable(error: Exception, where: str) -> Unreachable:
    text = f"{where}: {str(error) or type(error).__name__}"
    if isinstance(error, TimeoutError):
        return Unreachable("timeout", text)
    if isinstance(error, ssl.SSLError):
        return Unreachable("tls", text)
    if isinstance(error, ConnectionRefusedError):
        return Unreachable("refused", text)
    if isinstance(error, socket.gaierror):
        return Unreachable("name", text)
    return Unreachable("broken", text)
