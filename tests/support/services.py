"""Small servers on this machine that behave as they are told, and the certificates they show."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Guest:
    """One connection that came in. `closing` is set when the test is over: what hangs, waits for it."""

    conn: socket.socket
    closing: threading.Event

    def request(self) -> bytes:
        """The head of an HTTP request."""
        head = b""
        while b"\r\n\r\n" not in head and (data := self.conn.recv(4096)):
            head += data
        return head

    def line(self) -> bytes:
        data = b""
        while not data.endswith(b"\n") and (byte := self.conn.recv(1)):
            data += byte
        return data

    def hang(self) -> None:
        self.closing.wait(30)

    def drip(self, data: bytes, every_s: float = 0.02) -> None:
        """One byte after the other, for as long as anybody listens."""
        for byte in data:
            if self.closing.wait(every_s):
                return
            self.conn.sendall(bytes([byte]))


Talk = Callable[[Guest], None]


@contextmanager
def serving(talk: Talk, listener: socket.socket | None = None) -> Iterator[int]:
    """A server that lets every connection be handled by `talk`, in a thread each; gives its port."""
    listening = listener or listen()
    closing = threading.Event()
    threads: list[threading.Thread] = []

    def accept() -> None:
        while not closing.is_set():
            try:
                conn, _ = listening.accept()
            except OSError:
                return
            one = threading.Thread(target=_host, args=(talk, Guest(conn, closing)), daemon=True)
            one.start()
            threads.append(one)

    door = threading.Thread(target=accept, daemon=True)
    door.start()
    try:
        yield listening.getsockname()[1]
    finally:
        closing.set()
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        for thread in [door, *threads]:
            thread.join(5)


def listen(host: str = "127.0.0.1", port: int = 0) -> socket.socket:
    """A listening socket; made inside a namespace, it stays there."""
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host, port))
    listening.listen(16)
    return listening


def _host(talk: Talk, guest: Guest) -> None:
    # The agent hangs up whenever it has seen enough; that is no fault of a test.
    with contextlib.suppress(OSError, ssl.SSLError), guest.conn:
        guest.conn.settimeout(20)
        talk(guest)


@contextmanager
def full() -> Iterator[int]:
    """A port whose queue is full: a connection to it is neither taken nor refused."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(0)
    crowd = [socket.socket() for _ in range(4)]
    try:
        for one in crowd:
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]
    finally:
        for one in [*crowd, listening]:
            one.close()


def http(body: bytes = b"welcome", status: str = "200 OK", **headers: str) -> Talk:
    """Answer one request with this."""
    told = {"Content-Length": str(len(body)), **{name.replace("_", "-"): value for name, value in headers.items()}}
    head = f"HTTP/1.1 {status}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in told.items()) + "\r\n"

    def talk(guest: Guest) -> None:
        if guest.request():
            guest.conn.sendall(head.encode() + body)

    return talk


def over_tls(talk: Talk, paper: Path) -> Talk:
    """The same, encrypted, with the certificate and key in `paper`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(paper)

    def secured(guest: Guest) -> None:
        with context.wrap_socket(guest.conn, server_side=True) as conn:
            talk(Guest(conn, guest.closing))

    return secured


# --- certificates ---------------------------------------------------------------------------------------------------

DAY = datetime.timedelta(days=1)


def authority(name: str = "Test Authority") -> tuple[x509.Name, ec.EllipticCurvePrivateKey, bytes]:
    """Name, key and PEM of an authority of our own, the same at every call."""
    return _authority(name)


@cache
def _authority(name: str) -> tuple[x509.Name, ec.EllipticCurvePrivateKey, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = _name(name)
    made = _builder(issuer, issuer, key.public_key(), -DAY, 30 * DAY)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return issuer, key, made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def paper(
    folder: Path,
    *,
    names: tuple[str, ...] = ("127.0.0.1", "good.example"),
    begins: datetime.timedelta = -DAY,
    ends: datetime.timedelta = 10 * DAY,
    own: str = "",
    by: str = "Test Authority",
) -> Path:
    """A file with a certificate and its key; `own` is the subject's name of one that signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer, signer = (_name(own), key) if own else authority(by)[:2]
    made = _builder(_name(own) if own else _name(names[0]), issuer, key.public_key(), begins, ends)
    alternatives = x509.SubjectAlternativeName([_alternative(name) for name in names])
    signed = made.add_extension(alternatives, critical=False).sign(signer, hashes.SHA256())
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / f"{signed.serial_number}.pem"
    path.write_bytes(signed.public_bytes(pem) + secret)
    return path


def _name(text: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Thử nghiệm"), x509.NameAttribute(NameOID.COMMON_NAME, text)]
    )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    begins: datetime.timedelta,
    ends: datetime.timedelta,
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
    )
