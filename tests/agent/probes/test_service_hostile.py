"""Whatever a server, a certificate or a redirect says, the probe `service` comes to one of its three outcomes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from agent.net.x509 import Certificate, read
from agent.probes.serviceplan import Place, onward, place
from tests.support.service_runs import ask
from tests.support.services import DAY, Guest, paper, serving

HERE = Place("https", "a.example", 443, "/x")
ANSWERS: list[bytes] = []


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server that answers what the test put down last."""

    def talk(guest: Guest) -> None:
        guest.request()
        guest.conn.sendall(ANSWERS[-1])

    with serving(talk) as number:
        yield number


OK_LINE, MOVED = b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 302 Found\r\n"
HEADS = st.sampled_from([
    b"", OK_LINE, MOVED + b"Location: ", MOVED + b"Set-Cookie: ", OK_LINE + b"Content-Length: ", b"HTTP/9.9 -1 ",
    OK_LINE + b"Content-Encoding: gzip\r\n\r\n", OK_LINE + b"Transfer-Encoding: chunked\r\n\r\n",
    OK_LINE + b"Content-Type: text/html; charset=",
])  # fmt: skip


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(head=HEADS, rest=st.binary(max_size=300))
@example(head=b"HTTP/1.1 302 Found\r\nLocation: ", rest=b"//[\r\n\r\n")
@example(head=b"HTTP/1.1 302 Found\r\nSet-Cookie: ", rest=b"a=\xff\x00\r\nLocation: /?\r\n\r\n")
@example(head=b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=", rest=b"a\x00b\r\n\r\nx")
@example(head=b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=", rest=b"idna\r\n\r\n\xff..x")
def test_an_answer_of_any_bytes_has_an_outcome(port: int, head: bytes, rest: bytes) -> None:
    ANSWERS.append(head + rest)
    found = ask(f"http://127.0.0.1:{port}/", left_ms=15_000, text="never", redirects=2)
    assert found.result.outcome == "fail"


@given(st.text(max_size=120))
@example("http://[::1")
@example("http://a:b/")
@example("http://\ufeff/")
@example("//\u2100.example/")
def test_a_place_of_any_text_is_one_or_is_refused(text: str) -> None:
    for make in (place, lambda url: onward(HERE, url)):
        try:
            made = make(text)
        except ValueError:
            continue
        assert made.path.isascii()
        assert made.path.startswith("/")
        assert not set(made.path + made.netloc) & set("\r\n \x00")


@given(st.binary(max_size=200))
def test_a_certificate_of_any_bytes_is_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(read(data), Certificate)


def test_a_certificate_says_what_a_full_reader_says(tmp_path: Path) -> None:
    made = x509.load_pem_x509_certificate(paper(tmp_path, ends=40 * 365 * DAY).read_bytes())
    der = made.public_bytes(Encoding.DER)
    found = read(der)
    assert found.begins_s == made.not_valid_before_utc.timestamp()
    assert found.ends_s == made.not_valid_after_utc.timestamp(), "beyond 2050 times are written in full"
    assert (found.issuer, found.subject) == ("O=Thử nghiệm, CN=Test Authority", "O=Thử nghiệm, CN=127.0.0.1")
    assert not found.self_signed
    for end in range(0, len(der) - 1, 7):
        with pytest.raises(ValueError, match=r"."):
            read(der[:end])
