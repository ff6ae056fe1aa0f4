"""The code that a phone reads."""

from __future__ import annotations

import re

import pytest
import segno

from dashboards.board import qr

TEXT = "https://measure.example:8444/m/ticket/"


def drawn(d: str) -> set[tuple[int, int]]:
    """The modules that a path fills."""
    runs = re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", d)
    return {(int(x) + n, int(y)) for x, y, width in runs for n in range(int(width))}


def test_its_path_draws_every_dark_module_and_no_other() -> None:
    d, width = qr.path(TEXT)
    code = segno.make(TEXT.encode(), error="l", micro=False, boost_error=False)
    dark = {(x + qr.QUIET, y + qr.QUIET) for y, row in enumerate(code.matrix) for x, on in enumerate(row) if on}
    assert drawn(d) == dark
    assert width == len(code.matrix) + 2 * qr.QUIET


@pytest.mark.parametrize(("length", "width"), [(1, 29), (17, 29), (33, 37), (231, 65), (858, 105)])
def test_a_longer_text_has_a_larger_code(length: int, width: int) -> None:
    assert qr.path("x" * length)[1] == width


def test_a_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(qr.TooLong, match="859 bytes"):
        qr.path("x" * 859)
