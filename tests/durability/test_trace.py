"""Reading what strace wrote."""

from __future__ import annotations

import pytest

from bench.receipts import Journal, Received, broken
from bench.trace import Call, TraceError, parse


def hexed(text: bytes) -> bytes:
    return b"".join(b"\\x%02x" % byte for byte in text)


WAL = b"/home/core.db-wal"
SHA = "ab" * 32


def test_a_write_a_sync_and_a_byte_to_the_network_are_read_with_all_that_matters() -> None:
    lines = [
        b'7 1.0 pwrite64(4<%s>, "%s", 3, 4096) = 3' % (hexed(WAL), hexed(b"row")),
        b"7 1.1 fdatasync(4<%s>) = 0" % hexed(WAL),
        b'8 1.2 sendto(9<TCP:[127.0.0.1:8443->127.0.0.1:5000]>, "%s", 2, 0, NULL, 0) = 2' % hexed(b"ok"),
        b'8 1.3 write(2</dev/null<char 1:3>>, "%s", 1) = 1' % hexed(b"x"),
        b"8 1.4 +++ killed by SIGKILL +++",
    ]
    written, synced, sent = parse(lines, "/home/")
    assert (written.path, written.data, written.offset, written.result) == (WAL.decode(), b"row", 4096, 3)
    assert (synced.name, synced.began, synced.ended) == ("fdatasync", 1, 1)
    assert (sent.peer, sent.result) == (5000, 2)


def test_a_call_that_another_thread_interrupts_ends_where_it_returned() -> None:
    lines = [
        b"7 1.0 fdatasync(4<%s> <unfinished ...>" % hexed(WAL),
        b'8 1.1 sendto(9<TCP:[127.0.0.1:1->127.0.0.1:2]>, "", 0, 0, NULL, 0) = 0',
        b"7 1.2 <... fdatasync resumed>) = 0",
    ]
    synced = next(call for call in parse(lines, "/home/") if call.name == "fdatasync")
    assert (synced.began, synced.ended, synced.result) == (0, 2, 0)


def test_a_call_that_a_kill_cut_off_never_ended() -> None:
    (synced,) = parse([b"7 1.0 fdatasync(4<%s> <unfinished ...>" % hexed(WAL), b"8 1.1 ???( <detached ...>"], "/home/")
    assert synced.ended is None


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"what is this", id="no strace at all"),
        pytest.param(b'7 1.0 pwrite64(4<%s>, "%s"..., 9, 0) = 9' % (hexed(WAL), hexed(b"cut")), id="data cut short"),
        pytest.param(b"7 1.0 fdatasync(4<%s>)" % hexed(WAL), id="no result"),
    ],
)
def test_what_cannot_be_read_in_full_is_refused(line: bytes) -> None:
    with pytest.raises(TraceError):
        list(parse([line], "/home/"))


# --- receipts against syncs -----------------------------------------------------------------------------------------


def frame(at: int, page: bytes, *, commit: bool) -> list[Call]:
    """A frame of the write-ahead log: 24 bytes whose second word is set on a commit, then the page."""
    head = (1).to_bytes(4, "big") + int(commit).to_bytes(4, "big") + bytes(16)
    path = WAL.decode()
    return [
        Call("pwrite64", at, at, 24, path, data=head, offset=32),
        Call("pwrite64", at + 1, at + 1, len(page), path, data=page, offset=56),
    ]


def synced(at: int) -> Call:
    return Call("fdatasync", at, at, 0, WAL.decode())


def receipt(at: int) -> Call:
    return Call("sendto", at, at, 10, peer=5000)


RECEIVED = Received("e", 1, SHA, 5000, 0)


@pytest.mark.parametrize(
    ("calls", "flaw"),
    [
        pytest.param([*frame(1, SHA.encode(), commit=True), synced(5), receipt(6)], "", id="written, synced, told"),
        pytest.param(
            [*frame(1, SHA.encode(), commit=True), receipt(6), synced(7)],
            "the receipt left before a sync of its rows had returned", id="told before the sync",
        ),
        pytest.param(
            [*frame(1, SHA.encode(), commit=False), synced(4), *frame(5, b"more", commit=True), receipt(8)],
            "the receipt left before a sync of its rows had returned", id="synced before the commit",
        ),
        pytest.param(
            [receipt(1), *frame(2, SHA.encode(), commit=True), synced(5)],
            "the receipt left before its rows were written", id="told before it was written",
        ),
        pytest.param(
            [*frame(1, SHA.encode(), commit=True), synced(5)], "the trace holds no write of this receipt", id="not told"
        ),
    ],
)  # fmt: skip
def test_a_receipt_is_a_promise_only_behind_a_sync_of_its_commit(calls: list[Call], flaw: str) -> None:
    assert [found.why for found in broken(Journal(calls), [RECEIVED])] == ([flaw] if flaw else [])
