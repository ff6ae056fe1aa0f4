"""Where one batch ends and the next begins: at a change of boot, and before a batch outgrows a request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

# A batch must fit a request alone, with room to spare: wire.messages allows 4 MiB, 20,000 values, 5,000 items.
MAX_ITEMS: Final = 2_000
MAX_VALUES: Final = 10_000
MAX_BYTES: Final = 1024 * 1024


def groups(fresh: Iterable[tuple[str, int, bytes]]) -> Iterator[tuple[str, list[bytes]]]:
    """Boot and lines of each batch to be cut from `fresh`: (boot, number of values, line), in order of boot and age."""
    boot, lines, values, size = "", list[bytes](), 0, 0
    for row_boot, vals, line in fresh:
        full = len(lines) >= MAX_ITEMS or values + vals > MAX_VALUES or size + len(line) > MAX_BYTES
        if lines and (row_boot != boot or full):
            yield boot, lines
            lines, values, size = [], 0, 0
        boot, values, size = row_boot, values + vals, size + len(line)
        lines.append(line)
    if lines:
        yield boot, lines
