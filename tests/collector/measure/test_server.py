"""The measurement server over real sockets: tickets at the door, load both ways, caps, and what it never does."""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from collector.measure.mini import IMAGE_BYTES
from collector.register.ca import open_authority
from tests.support.measuring import Running, running
from wire.clock import SystemClock
from wire.messages import Problem
from wire.pinning import pinned


@pytest.fixture
def here() -> Iterator[Running]:
    with running() as made:
        yield made


def ask(
    here: Running, path: str, method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, bytes, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection(str(here.server.address), timeout=5)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers
    finally:
        connection.close()


def problem(here: Running, path: str, method: str = "GET", body: bytes | None = None) -> Problem:
    status, raw, headers = ask(here, path, method, body)
    assert headers["Content-Type"] == "application/problem+json"
    said = msgspec.json.decode(raw, type=Problem)
    assert (said.status, bool(said.title), bool(said.detail)) == (status, True, True)
    return said


def spoken(here: Running, raw: bytes) -> bytes:
    with socket.create_connection((here.server.address.host, here.server.address.port), timeout=5) as sock:
        sock.sendall(raw)
        answer = b""
        while more := sock.recv(65536):
            answer += more
        return answer


class TestTheDoor:
    @pytest.mark.parametrize(
        ("path", "code"),
        [
            pytest.param("/", "no_ticket", id="no ticket"),
            pytest.param("/m/", "no_ticket", id="an empty one"),
            pytest.param("/m/abc.def/download", "bad_ticket", id="one of nobody"),
            pytest.param("/speedtest/random350x350.jpg", "no_ticket", id="Speedtest's path alone"),
            pytest.param("http://192.0.2.1/", "", id="as a proxy is asked"),
        ],
    )
    def test_nothing_is_served_without_a_ticket(self, here: Running, path: str, code: str) -> None:
        said = problem(here, path)
        assert (said.status, said.code) == ((401, code) if code else (400, "bad_request"))

    def test_a_ticket_that_is_over_is_refused(self, here: Running) -> None:
        assert problem(here, here.path(seconds=-1) + "ping").code == "ticket_expired"

    def test_the_answer_never_repeats_a_ticket(self, here: Running) -> None:
        path = here.path()
        status, raw, _ = ask(here, path + "nothing-here")
        assert (status, path[3:40] in raw.decode()) == (404, False)

    def test_it_opens_no_way_to_elsewhere(self, here: Running) -> None:
        assert b" 400 " in spoken(here, b"CONNECT 192.0.2.1:443 HTTP/1.1\r\n\r\n").partition(b"\r\n")[0]

    @pytest.mark.parametrize(
        ("raw", "status"),
        [
            pytest.param(b"\x00\x01\x02\r\n\r\n", 400, id="no HTTP"),
            pytest.param(b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 4000, 400, id="a head without an end"),
            pytest.param(b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411, id="a body in chunks"),
            pytest.param(b"POST /x HTTP/1.1\r\nContent-Length: -5\r\n\r\n", 400, id="a length that is none"),
        ],
    )
    def test_what_cannot_be_read_is_refused(self, here: Running, raw: bytes, status: int) -> None:
        assert spoken(here, raw).startswith(b"HTTP/1.1 %d " % status)

    def test_so_many_tests_at_once_and_the_next_one_is_told_to_come_again(self) -> None:
        with running(tests=1) as here:
            assert ask(here, here.path() + "ping")[0] == 204
            status, raw, headers = ask(here, here.path() + "ping")
            assert (status, headers["Retry-After"], json.loads(raw)["code"]) == (503, "5", "full")


class TestLoad:
    def test_a_download_has_the_size_that_was_asked_for_and_cannot_be_compressed(self, here: Running) -> None:
        status, body, _ = ask(here, here.path() + "download?bytes=300000")
        assert (status, len(body)) == (200, 300_000)
        assert len(set(body[:4096])) > 200

    def test_a_ticket_gives_so_many_bytes_and_no_more(self, here: Running) -> None:
        path = here.path(max_bytes=1_000_000)
        assert len(ask(here, path + "download")[1]) == 1_000_000
        assert problem(here, path + "download?bytes=1").code == "used_up"

    def test_bytes_are_counted_over_all_connections_and_both_ways(self, here: Running) -> None:
        path = here.path(max_bytes=1_000_000)
        assert ask(here, path + "download?bytes=400000")[0] == 200
        assert ask(here, path + "upload", "POST", bytes(500_000))[1] == b"size=500000"
        told = json.loads(ask(here, path + "report")[1])
        assert (told["sent"], told["received"], told["left"]) == (400_000, 500_000, 100_000)
        assert problem(here, path + "download?bytes=100001").code == "used_up"

    def test_an_upload_over_the_allowance_is_cut(self, here: Running) -> None:
        with pytest.raises((OSError, http.client.HTTPException)):
            ask(here, here.path(max_bytes=1000) + "upload", "POST", bytes(8_000_000))

    def test_a_download_ends_with_the_time_of_its_ticket(self) -> None:
        with running(slow=True) as here:
            status, body, _ = ask(here, here.path(seconds=0.4) + "download")
        assert (status, 0 < len(body) < 10_000_000) == (200, True)

    def test_what_is_received_is_told_as_a_series(self, here: Running) -> None:
        path = here.path()
        connection = http.client.HTTPConnection(str(here.server.address), timeout=5)
        connection.request("GET", path + "series")
        answer = connection.getresponse()
        first = answer.readline().split()
        assert ask(here, path + "upload", "POST", bytes(70_000))[0] == 200
        rows = [first, *(answer.readline().split() for _ in range(6))]
        connection.close()
        assert [int(rows[0][1]), int(rows[-1][1])] == [0, 70_000]
        assert 0.2 < float(rows[-1][0]) - float(rows[0][0]) < 3

    def test_one_port_speaks_tls_and_plain_http(self, tmp_path: Path) -> None:
        authority = open_authority(tmp_path, [], SystemClock())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.server_cert, authority.server_key)
        with running(context=context) as here:
            assert ask(here, here.path() + "ping")[0] == 204
            secure = http.client.HTTPSConnection(str(here.server.address), timeout=5, context=pinned(authority.pem))
            secure.request("POST", here.path() + "upload", bytes(300_000))
            assert secure.getresponse().read() == b"size=300000"
            secure.close()


class TestMini:
    def test_the_layout_is_that_of_speedtest_mini(self, here: Running) -> None:
        path = here.path()
        assert b'upload_extension: "php"' in ask(here, path + "?x=1.0")[1]
        assert ask(here, path + "speedtest/latency.txt?x=1.0")[1].startswith(b"test=test")
        assert ask(here, path + "/speedtest/upload.php")[1] == b"size=0"
        assert ask(here, path + "speedtest/upload.php?x=1", "POST", b"content1=abc")[1] == b"size=12"
        assert len(ask(here, path + "speedtest/random350x350.jpg?x=1.0")[1]) == IMAGE_BYTES[350]

    @pytest.mark.parametrize(
        "name", ["random350x500.jpg", "random9999x9999.jpg", "../../page.html", "random350x350.png"]
    )
    def test_there_is_nothing_else_in_it(self, here: Running, name: str) -> None:
        assert problem(here, here.path() + "speedtest/" + name).status == 404


def test_the_page_loads_nothing_from_elsewhere_and_has_both_languages(here: Running) -> None:
    path = here.path(kind="browser")
    page, script = (ask(here, path + name)[1].decode() for name in ("", "page.js"))
    headers = ask(here, path)[2]
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "://" not in page
    assert "://" not in script
    vi, en = script.split("  en: {")[0].split("  vi: {")[1], script.split("  en: {")[1].split("\n  },")[0]
    for word in page.split('data-word="')[1:]:
        assert all(f"{word.partition(chr(34))[0]}:" in text for text in (vi, en)), word
    keys = [set(re.findall(r"(?:^|[ ,])([a-z_]+): [\"(]", text, re.MULTILINE)) for text in (vi, en)]
    assert keys[0] == keys[1]
    assert len(keys[0]) > 15
