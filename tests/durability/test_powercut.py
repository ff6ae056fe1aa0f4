"""The disk after a power cut, on writes made up for the purpose."""

from __future__ import annotations

import random

import pytest

from bench.powercut import Disk
from bench.trace import Call, TraceError


def write(at: int, data: bytes, offset: int = 0, path: str = "a") -> Call:
    return Call("pwrite64", at, at, len(data), path, data=data, offset=offset)


def sync(at: int, ended: int | None = None, path: str = "a", result: int = 0) -> Call:
    return Call("fdatasync", at, at if ended is None else ended, result, path)


def found(*calls: Call, before: bytes = b"") -> list[tuple[str, bytes]]:
    disk = Disk({"a": bytearray(before)} if before else {}, random.Random(1))
    return [(image.what, bytes(image.files.get("a", b""))) for image in disk.play(calls)]


def durable(*calls: Call, before: bytes = b"") -> bytes:
    disk = Disk({"a": bytearray(before)} if before else {}, random.Random(1))
    for _ in disk.play(calls):
        pass
    return bytes(disk.durable.get("a", b""))


def test_what_was_written_may_be_there_before_its_sync_and_must_be_after() -> None:
    assert found(write(1, b"new"), sync(2)) == [("all", b"new"), ("nothing unsynced", b"new")]


def test_without_a_sync_nothing_is_certain() -> None:
    assert durable(write(1, b"new"), before=b"old") == b"old"


def test_of_two_unsynced_writes_the_later_may_arrive_alone() -> None:
    assert ("only the last", b"old..new") in found(write(1, b"xxx"), write(2, b"new", 5), before=b"old..old")


def test_a_long_write_may_be_torn_between_sectors() -> None:
    torn = [
        content for what, content in found(write(1, b"n" * 1024), before=b"o" * 1024) if what == "the last one torn"
    ]
    assert torn == [b"n" * 512 + b"o" * 512]


@pytest.mark.parametrize(
    "late",
    [
        pytest.param(sync(2, result=-1), id="that failed"),
        pytest.param(sync(2, path="b"), id="of another file"),
        pytest.param(Call("fdatasync", 2, None, -1, "a"), id="that never returned"),
        pytest.param(sync(1, ended=3), id="that began before the write had ended"),
    ],
)
def test_no_comfort_is_taken_from_a_sync(late: Call) -> None:
    assert durable(Call("pwrite64", 0, 2, 3, "a", data=b"new"), late, before=b"old") == b"old"


def test_a_truncation_is_undone_like_a_write() -> None:
    cut = Call("ftruncate", 1, 1, 0, "a", offset=1)
    assert durable(cut, before=b"old") == b"old"
    assert durable(cut, sync(2), before=b"old") == b"o"


def test_a_gap_before_a_write_reads_as_zeros() -> None:
    assert durable(write(1, b"x", 3), sync(2)) == b"\0\0\0x"


@pytest.mark.parametrize("name", ["write", "fallocate", "rename", "unlink", "sync_file_range"])
def test_a_call_that_it_does_not_know_is_refused_and_not_passed_over(name: str) -> None:
    with pytest.raises(TraceError, match=name):
        found(Call(name, 1, 1, 0, "a"))
