"""A web server to measure: one page of 20 kB over TLS, on both loopbacks. `python -m bench.pages PORT PEM`."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from bench.place import ROOT
from bench.process import free_port, listening, must_live, program, wait_until

PAGE: Final = b"<html>" + b"Welcome to the counter. " * 853 + b"</html>"
MUST_STAND: Final = "the counter"


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, host: str, port: int, context: ssl.SSLContext) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Answer)
        # The handshake is for the thread of its connection: the one that accepts must not wait for it.
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)


@contextmanager
def pages(folder: Path) -> Iterator[tuple[list[str], dict[str, str]]]:
    """A running server: its URLs, one over IPv4 by name and one over IPv6, and the environment of a program that
    trusts it beside all that this machine trusts. (Not every machine has an IPv6 address for `localhost`.)
    """
    port, pem, trusted = free_port(), folder / "page.pem", folder / "trusted.pem"
    _paper(pem)
    known = ssl.get_default_verify_paths().cafile
    trusted.write_bytes((Path(known).read_bytes() if known else b"") + pem.read_bytes())
    log = folder / "pages.log"
    with program([sys.executable, "-m", "bench.pages", str(port), str(pem)], log, cwd=ROOT) as server:
        wait_until(lambda: listening(port) and listening(port, "::1"), what="the page to measure")
        must_live("the page to measure", server, log)
        yield [f"https://localhost:{port}/", f"https://[::1]:{port}/"], {"SSL_CERT_FILE": str(trusted)}


def _paper(path: Path) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("::1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(made.public_bytes(pem) + secret)


def serve(port: int, pem: str) -> None:
    """Serve on both loopbacks until the process is ended."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    threading.Thread(target=_Server("::1", port, context).serve_forever, daemon=True).start()
    _Server("127.0.0.1", port, context).serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.argv[2])
