"""What comes through the door is answered with a receipt or a clear problem: never a 500, never a lost neighbour."""

from __future__ import annotations

import gzip
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import pytest
import zstandard

from collector.commands import CLI, revoke_agent
from collector.hub import Hub
from collector.store.bodies import observations, read_rows
from tests.support.collector import BOOT, EPOCH, Pen, Running, serving
from tests.support.handclock import NOON_MS
from wire.client import Client, Refused, pinned
from wire.codec import encode_request, pack
from wire.messages import Answer, Batch, Enrolled, Envelope, Observation, Value

NDJSON = {"Content-Type": "application/x-ndjson"}
GZIP = {**NDJSON, "Content-Encoding": "gzip"}
MONO = 5_000_000


@dataclass(slots=True)
class Visit:
    """An enrolled agent that speaks with a running collector over TLS."""

    running: Running
    who: Enrolled
    client: Client
    pen: Pen

    def post(self, body: bytes, headers: dict[str, str]) -> Answer:
        reply = self.client.call("POST", "/api/v1/batches", body, headers)
        return msgspec.json.decode(reply.body, type=Answer)

    def refused(self, body: bytes, headers: dict[str, str] = GZIP) -> Refused:
        with pytest.raises(Refused) as caught:
            self.post(body, headers)
        problem = caught.value.problem
        assert problem.status == caught.value.status
        assert problem.title
        assert problem.detail
        assert problem.instance == "/api/v1/batches"
        return caught.value

    def line(self, number: int = 1, *, mono_ms: int = MONO) -> bytes:
        return self.pen.batch([self.pen.observation(at_ms=NOON_MS, mono_ms=mono_ms)], number)

    def raw(self, *batches: bytes) -> bytes:
        return self.pen.request(*batches, at_ms=NOON_MS, mono_ms=MONO)

    def stored(self) -> list[str]:
        with self.running.hub.store.reading() as conn:
            return [o.id.partition("/")[2] for row in read_rows(conn, 0, 100) for o in observations(row)]


@pytest.fixture
def visit(hub: Hub) -> Iterator[Visit]:
    with serving(hub) as running:
        who = running.enrol()
        with running.client(who.token) as client:
            yield Visit(running, who, client, Pen(who.agent, "lan:00000-1"))


def test_a_batch_is_receipted_and_a_replayed_one_too(visit: Visit) -> None:
    body = pack(visit.raw(visit.line()))
    first, second = visit.client.post_batches(body), visit.client.post_batches(body)
    assert [first.receipts[0].code, second.receipts[0].code] == ["stored", "duplicate"]
    assert (first.server_time_ms, first.wait_s) == (NOON_MS, 0.0)
    assert visit.stored() == [f"{EPOCH}/1/0"]


@pytest.mark.parametrize("encoding", ["gzip", "zstd", "identity", ""])
def test_every_packing_that_is_known_is_taken(visit: Visit, encoding: str) -> None:
    raw = visit.raw(visit.line())
    body = {"gzip": pack(raw), "zstd": zstandard.compress(raw)}.get(encoding, raw)
    headers = {**NDJSON, "Content-Encoding": encoding} if encoding else NDJSON
    assert visit.post(body, headers).receipts[0].accepted == 1
    assert visit.stored() == [f"{EPOCH}/1/0"]


def _broken(visit: Visit) -> dict[str, tuple[bytes, dict[str, str], int, str]]:
    raw = visit.raw(visit.line())
    other = encode_request(Envelope(2, visit.who.agent, BOOT, NOON_MS, MONO), [visit.line()])
    many = visit.raw(*(visit.line(n) for n in range(1, 62)))
    zeros = bytes(50_000_000)
    return {
        "nothing": (b"", GZIP, 400, "bad_encoding"),
        "garbage": (bytes(range(256)) * 40, GZIP, 400, "bad_encoding"),
        "garbage inside": (pack(bytes(range(256)) * 40), GZIP, 400, "malformed"),
        "truncated gzip": (pack(raw)[:-9], GZIP, 400, "bad_encoding"),
        "truncated lines": (pack(raw[:-9]), GZIP, 400, "truncated"),
        "two streams": (pack(raw) * 2, GZIP, 400, "bad_encoding"),
        "zip bomb": (gzip.compress(zeros), GZIP, 413, "too_large"),
        "zstd bomb": (zstandard.compress(zeros), {**NDJSON, "Content-Encoding": "zstd"}, 413, "too_large"),
        "zstd garbage": (b"no", {**NDJSON, "Content-Encoding": "zstd"}, 400, "bad_encoding"),
        "50 MB": (zeros, GZIP, 413, "too_large"),
        "200,000 brackets": (pack(b"[" * 200_000), GZIP, 413, "too_large"),
        "60,000 brackets": (pack(b"[" * 60_000 + b"\n"), GZIP, 400, "malformed"),
        "brackets as header": (pack(raw.partition(b"\n")[0] + b"\n" + b"[" * 60_000 + b"\n"), GZIP, 400, "malformed"),
        "wrong version": (pack(other), GZIP, 400, "version"),
        "61 batches": (pack(many), GZIP, 413, "too_large"),
        "only an envelope": (pack(raw.partition(b"\n")[0] + b"\n"), GZIP, 400, "empty"),
        "invalid UTF-8": (pack(raw.replace(b"lan:", b"\xff\xfe:")[:20] + b"\xff\n"), GZIP, 400, "malformed"),
        "wrong content type": (pack(raw), {"Content-Type": "text/html"}, 415, "content_type"),
        "no content type": (pack(raw), {"Content-Encoding": "gzip"}, 415, "content_type"),
        "wrong packing": (raw, {**NDJSON, "Content-Encoding": "br"}, 415, "encoding"),
    }  # fmt: skip


def test_what_cannot_be_read_as_a_whole_is_a_problem_and_nothing_is_stored(visit: Visit) -> None:
    for name, (body, headers, status, code) in _broken(visit).items():
        refused = visit.refused(body, headers)
        assert (refused.status, refused.problem.code) == (status, code), name
    assert visit.stored() == []
    assert visit.post(pack(visit.raw(visit.line())), GZIP).receipts[0].code == "stored"


def _odd(agent: str) -> dict[str, tuple[bytes, str]]:
    """Lines that are refused alone, with the code of their refusal."""
    good = Observation(1, "pc", "lan:00000-1", "self", NOON_MS, MONO, 5, "ok")
    text = msgspec.json.encode(good)
    flat = text[:-1]
    many = msgspec.json.encode(msgspec.structs.replace(good, values=[Value(f"m{n}", 1.0) for n in range(10_000)]))
    return {
        "garbage": (b"\x00\x01\x02", "malformed"),
        "brackets": (b"[" * 60_000, "too_deep"),
        "a line too long": (flat + b',"detail":{"a":"' + b"x" * 66_000 + b'"}}', "too_large"),
        "10,000 metrics": (many, "too_large"),
        "NaN": (flat + b',"values":[{"metric":"m","value":NaN}]}', "malformed"),
        "infinity": (flat + b',"values":[{"metric":"m","value":Infinity}]}', "malformed"),
        "an overflowing number": (flat + b',"values":[{"metric":"m","value":1e999}]}', "invalid"),
        "invalid UTF-8": (text.replace(b"self", b"\xc3\x28"), "malformed"),
        "an unknown outcome": (text.replace(b'"ok"', b'"fine"'), "invalid"),
        "no reason": (text.replace(b'"ok"', b'"fail"'), "no_reason"),
        "another position": (text.replace(b'"i":1', b'"i":7'), "bad_position"),
        "a foreign subject": (text.replace(b"lan:00000-1", b"lan:00000-2"), "foreign_subject"),
        "a subject of nobody": (text.replace(b"lan:00000-1", b"nonsense"), "foreign_subject"),
        "the future": (text.replace(b'"mono_ms":5000000', b'"mono_ms":9000000'), "quarantined"),
    }


def test_a_line_that_cannot_be_taken_is_refused_alone(visit: Visit) -> None:
    before, after = visit.line(1), visit.line(3)
    for number, (name, (line, code)) in enumerate(_odd(visit.who.agent).items(), start=10):
        batch = visit.line(number) + line + b"\n"
        answer = visit.post(pack(visit.raw(before, batch, after)), GZIP)
        receipt = answer.receipts[1]
        assert [(item.i, item.code) for item in receipt.rejected] == [(1, code)], name
        assert (receipt.accepted, [r.accepted for r in answer.receipts]) == (1, [1, 1, 1]), name


@pytest.mark.parametrize(
    ("stamp", "accepted"), [pytest.param(0, 0, id="1970"), pytest.param(4_102_444_800_000, 0, id="2100")]
)
def test_stamps_that_cannot_be_are_quarantined_where_nothing_better_is_known(
    visit: Visit, stamp: int, accepted: int
) -> None:
    batch = visit.pen.batch([visit.pen.observation(at_ms=stamp, mono_ms=1)], 1)
    other_boot = "22222222-2222-4222-8222-222222222222"
    body = visit.pen.packed(batch, at_ms=NOON_MS, mono_ms=5, boot=other_boot)
    (receipt,) = visit.client.post_batches(body).receipts
    assert (receipt.accepted, receipt.rejected[0].code) == (accepted, "quarantined")


def test_another_body_under_one_number_is_409_with_the_receipts_of_the_neighbours(visit: Visit) -> None:
    visit.client.post_batches(pack(visit.raw(visit.line(2))))
    refused = visit.refused(pack(visit.raw(visit.line(1), visit.line(2, mono_ms=1), visit.line(3))))
    assert (refused.status, refused.problem.code) == (409, "batch_conflict")
    assert [r.code for r in refused.problem.receipts] == ["stored", "conflict", "stored"]
    assert len(visit.stored()) == 3


def test_only_the_owner_of_the_token_may_speak(visit: Visit) -> None:
    body = pack(visit.raw(visit.line()))
    other = visit.running.enrol("00000-2")
    for token, status, code in ((other.token, 403, "foreign_agent"), ("nonsense", 401, "token"), ("", 401, "token")):
        with visit.running.client(token) as client, pytest.raises(Refused) as caught:
            client.post_batches(body)
        assert (caught.value.status, caught.value.problem.code) == (status, code)
    assert visit.stored() == []


def test_a_revoked_token_is_refused_at_once(visit: Visit) -> None:
    visit.client.post_batches(pack(visit.raw(visit.line())))
    revoke_agent(visit.running.hub, CLI, visit.who.agent)
    assert visit.refused(pack(visit.raw(visit.line(2)))).status == 401
    with pytest.raises(Refused, match="401"):
        visit.client.wait("")


def test_a_very_long_list_of_refusals_still_fits_an_answer(visit: Visit) -> None:
    batch = visit.line(1).split(b"\n")[0] + b"\n" + b"x\n" * 5_000
    answer = visit.client.post_batches(pack(visit.raw(batch)))
    assert len(answer.receipts[0].rejected) == 5_000
    assert [bool(item.hint) for item in answer.receipts[0].rejected[99:101]] == [True, False]


def test_a_body_that_comes_in_pieces_without_a_length_is_bounded_too(visit: Visit) -> None:
    with _connection(visit.running) as wire:
        head = "POST /api/v1/batches HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
        rest = f"Content-Type: application/x-ndjson\r\nAuthorization: Bearer {visit.who.token}\r\n\r\n"
        wire.sendall((head + rest).encode())
        answer = _send_until_answered(wire, b"10000\r\n" + bytes(65_536) + b"\r\n", 64)
    assert b"413" in answer


def test_only_posting_is_done_here(visit: Visit) -> None:
    with pytest.raises(Refused, match="405"):
        visit.client.call("GET", "/api/v1/batches")


def test_a_head_that_never_ends_is_not_waited_for(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.web.serving.HEAD_S", 0.2)
    with serving(hub) as running:
        for first in (b"", b"POST /api/v1/batches HTTP/1.1\r\nHost: x\r\n"):
            with _connection(running) as wire:
                wire.sendall(first)
                wire.settimeout(10)
                assert wire.recv(1) == b""


def test_a_body_that_never_ends_is_not_waited_for(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.ingest.arriving.BODY_TIMEOUT_S", 0.2)
    monkeypatch.setattr("collector.web.app.ARRIVE_S", -0.8)  # a second is always given
    with serving(hub) as running:
        who = running.enrol()
        for path, kind in (("batches", "application/x-ndjson"), ("enrol", "application/json")):
            with _connection(running) as wire:
                head = f"POST /api/v1/{path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nContent-Type: {kind}\r\n"
                wire.sendall(f"{head}Authorization: Bearer {who.token}\r\n\r\nslow".encode())
                wire.settimeout(10)
                assert wire.recv(4_096).startswith(b"HTTP/1.1 408")


def _connection(running: Running) -> ssl.SSLSocket:
    port = int(running.url.rpartition(":")[2])
    plain = socket.create_connection(("127.0.0.1", port), timeout=10)
    return pinned(running.pem).wrap_socket(plain, server_hostname="127.0.0.1")


def _send_until_answered(wire: ssl.SSLSocket, piece: bytes, times: int) -> bytes:
    """Send the same piece again and again; what came back in the end."""
    try:
        for _ in range(times):
            wire.sendall(piece)
    except OSError:
        pass  # the other side had enough, which is what is being looked at
    try:
        return wire.recv(4_096)
    except OSError as error:
        return str(error).encode()


def test_the_header_of_a_batch_of_nobody_is_not_a_batch(visit: Visit) -> None:
    header = msgspec.json.encode(Batch(EPOCH, 1, BOOT)).replace(b"epoch", b"apoch")
    assert visit.refused(pack(visit.raw(header + b"\n"))).problem.code == "malformed"
