"""Real receivers on loopback for letters: HTTP that records what came, and SMTP with TLS and a login."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.support.collector_double import Paper
from tests.support.services import Guest, serving


@dataclass(frozen=True, slots=True)
class Came:
    """One request as it was received; header names in small letters."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Receiver:
    """What an HTTP server got, in order, and where it is."""

    url: str = ""
    came: list[Came] = field(default_factory=list)


Reply = tuple[int, dict[str, str], bytes]
Answering = Callable[[Came], Reply]


@contextlib.contextmanager
def receiving(answer: Answering | Reply) -> Iterator[Receiver]:
    """A server that records and answers."""
    receiver = Receiver()

    def talk(guest: Guest) -> None:
        came = read(guest)
        receiver.came.append(came)
        status, headers, body = answer(came) if callable(answer) else answer
        told = {"content-length": str(len(body)), "connection": "close", **headers}
        head = f"HTTP/1.1 {status} Said\r\n" + "".join(f"{name}: {value}\r\n" for name, value in told.items())
        guest.conn.sendall(head.encode() + b"\r\n" + body)

    with serving(talk) as port:
        receiver.url = f"http://127.0.0.1:{port}"
        yield receiver


def read(guest: Guest) -> Came:
    """A whole request, its body too."""
    data = guest.request()
    head, _, body = data.partition(b"\r\n\r\n")
    line, *rest = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in rest)}
    while len(body) < int(headers.get("content-length", "0")):
        body += guest.conn.recv(65_536)
    return Came(line, headers, body)


@dataclass(slots=True)
class Mailroom:
    """What a mail server took, and what it says to whom and to each letter."""

    port: int = 0
    letters: list[EmailMessage] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    to_recipient: str = "250 ok"
    to_letter: str = "250 taken"

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Sequence[str]
    ) -> str:
        if self.to_recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.to_recipient

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        if self.to_letter.startswith("250"):
            content = envelope.content
            assert isinstance(content, bytes)
            self.letters.append(message_from_bytes(content, policy=policy.default))
        return self.to_letter


@contextlib.contextmanager
def mail_server(folder: Path, paper: Paper, *, tls: str = "none", password: str = "") -> Iterator[Mailroom]:
    """aiosmtpd on loopback: `starttls` is demanded before anything, `tls` begins with it."""
    room = Mailroom()
    chain = folder / "mail.pem"
    chain.write_bytes(paper.chain + paper.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)

    def check(_server: SMTP, _session: Session, _envelope: Envelope, _how: str, given: object) -> AuthResult:
        assert isinstance(given, LoginPassword)
        room.logins.append((given.login.decode(), given.password.decode()))
        return AuthResult(success=given.password.decode() == password, handled=False)

    def protocol() -> SMTP:
        return SMTP(
            room, hostname="127.0.0.1", tls_context=context if tls == "starttls" else None,
            require_starttls=tls == "starttls", authenticator=check, auth_required=bool(password),
            auth_require_tls=tls == "starttls", loop=loop,
        )  # fmt: skip

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        opening = loop.create_server(protocol, "127.0.0.1", 0, ssl=context if tls == "tls" else None)
        server = asyncio.run_coroutine_threadsafe(opening, loop).result(10)
        room.port = server.sockets[0].getsockname()[1]
        yield room
        asyncio.run_coroutine_threadsafe(_closed(server), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _closed(server: asyncio.Server) -> None:
    """Nobody comes in any more, and whoever is in there goes."""
    server.close()
    await server.wait_closed()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
