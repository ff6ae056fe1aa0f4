"""A QR code (ISO/IEC 18004) of a short text, as the path of an SVG that follows the page's own colours.

For an address that a phone is to open from a screen: screens are clean, so the weakest correction is enough.

TooLong   the text has more bytes than a phone reads well from a screen
"""

from __future__ import annotations

from itertools import groupby
from typing import Final

import segno

from dashboards.board.faults import BoardError

QUIET: Final = 4
"""Modules of white around the code that readers need."""

MAX_BYTES: Final = 858
"""What version 20 takes: a larger one has modules too small for a page."""


class TooLong(BoardError):
    """More bytes than the largest code takes."""


def path(text: str) -> tuple[str, int]:
    """The dark modules as one path, and how wide the square is, its quiet zone included. Raises TooLong."""
    data = text.encode()
    if len(data) > MAX_BYTES:
        raise TooLong(f"{len(data)} bytes are more than the {MAX_BYTES} that a code on a page takes")
    code = segno.make(data, error="l", micro=False, boost_error=False)
    return "".join(_row(y, row) for y, row in enumerate(code.matrix)), len(code.matrix) + 2 * QUIET


def _row(y: int, row: bytearray) -> str:
    drawn, x = list[str](), 0
    for on, run in groupby(row):
        width = sum(1 for _ in run)
        if on:
            drawn.append(f"M{x + QUIET} {y + QUIET}h{width}v1h-{width}z")
        x += width
    return "".join(drawn)
