"""The code that a phone reads: codes of many sizes were read back by a scanner (zbar), and must stay what they were."""

from __future__ import annotations

import hashlib

import pytest

from dashboards.board import qr

# Length of the text, width of the code, and the start of the SHA-256 over its modules, row by row.
READ = [
    (1, 21, "7571c2470b993b48"), (17, 21, "b2d6fb40f2e029f4"), (33, 29, "3bf8f31f5aed57e3"),
    (134, 41, "11afa48e9b69198c"), (155, 49, "5403353b746112b7"), (231, 57, "893cc6e7d48dfa1b"),
    (321, 61, "66afd483a5d26317"), (425, 69, "76b30e7a55cdb7a9"), (858, 97, "673236e691d80756"),
]  # fmt: skip


@pytest.mark.parametrize(("length", "width", "digest"), READ, ids=[str(length) for length, *_ in READ])
def test_a_code_is_the_one_that_a_scanner_read(length: int, width: int, digest: str) -> None:
    grid = qr.matrix(("http://192.0.2.1/" + "x" * length)[:length].encode())
    assert (len(grid), len(grid[0])) == (width, width)
    modules = "".join("01"[on] for row in grid for on in row)
    assert hashlib.sha256(modules.encode()).hexdigest().startswith(digest)


def test_its_path_draws_every_dark_module_and_no_other() -> None:
    text = "https://measure.example:8444/m/ticket/"
    d, width = qr.path(text)
    dark = sum(map(sum, qr.matrix(text.encode())))
    assert sum(int(part.partition("h")[2].partition("v")[0]) for part in d.split("M")[1:]) == dark
    assert width == len(qr.matrix(text.encode())) + 2 * qr.QUIET


def test_a_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(qr.TooLong, match="859 bytes"):
        qr.matrix(b"x" * 859)
