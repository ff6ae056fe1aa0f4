"""A QR code (ISO/IEC 18004) of a short text, as the path of an SVG: bytes, error correction L, versions 1 to 20.

For an address that a phone is to open from a screen: screens are clean, so the weakest correction is enough.

TooLong   the text has more bytes than version 20 takes
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from dashboards.board.faults import BoardError

QUIET: Final = 4
"""Modules of white around the code that readers need."""

# Of version 1 to 20 at level L: codewords of correction in a block, and blocks.
_ECC: Final = (7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24, 28, 30, 28, 28)
_BLOCKS: Final = (1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8)
MAX_VERSION: Final = len(_ECC)

Grid = list[list[bool]]


class TooLong(BoardError):
    """More bytes than the largest version takes."""


def path(text: str) -> tuple[str, int]:
    """The dark modules as one path, and how wide the square is, its quiet zone included. Raises TooLong."""
    dark, d = matrix(text.encode()), list[str]()
    for y, row in enumerate(dark):
        x = 0
        for on, run in groupby(row):
            width = sum(1 for _ in run)
            if on:
                d.append(f"M{x + QUIET} {y + QUIET}h{width}v1h-{width}z")
            x += width
    return "".join(d), len(dark) + 2 * QUIET


def matrix(data: bytes) -> Grid:
    """The code of `data`, without its quiet zone. Raises TooLong."""
    version = next((v for v in range(1, MAX_VERSION + 1) if _room(v) >= len(data)), None)
    if version is None:
        raise TooLong(f"{len(data)} bytes are more than a code of version {MAX_VERSION} takes")
    size = 17 + 4 * version
    grid, fixed = [[False] * size for _ in range(size)], [[False] * size for _ in range(size)]
    _patterns(grid, fixed, version)
    _fill(grid, fixed, _codewords(data, version))
    made = [_masked(grid, fixed, mask) for mask in range(8)]
    return min(made, key=_penalty)


# --- the words ------------------------------------------------------------------------------------------------------


def _capacity(version: int) -> int:
    """Codewords that a version holds, correction included."""
    size = 17 + 4 * version
    modules = size * size - 3 * 64 - 15 * 2 - 1 - 2 * (size - 16)
    if version >= 2:
        count = version // 7 + 2
        modules -= 25 * (count * count - 3) - 10 * (count - 2)
    if version >= 7:
        modules -= 36
    return modules // 8


def _room(version: int) -> int:
    """Bytes of text that a version takes."""
    head = 12 if version < 10 else 20
    return (8 * (_capacity(version) - _ECC[version - 1] * _BLOCKS[version - 1]) - head) // 8


def _codewords(data: bytes, version: int) -> bytes:
    """Text and correction, block beside block."""
    ecc, blocks, capacity = _ECC[version - 1], _BLOCKS[version - 1], _capacity(version)
    whole = _padded(data, version, capacity - ecc * blocks)
    short, long_ones = divmod(len(whole), blocks)
    parts, at = list[bytes](), 0
    for n in range(blocks):
        length = short + (n >= blocks - long_ones)
        parts.append(whole[at : at + length])
        at += length
    divisor = _divisor(ecc)
    rests = [_rest(part, divisor) for part in parts]
    mixed = [part[n] for n in range(short + 1) for part in parts if n < len(part)]
    return bytes(mixed + [rest[n] for n in range(ecc) for rest in rests])


def _padded(data: bytes, version: int, room: int) -> bytes:
    bits = f"0100{len(data):0{8 if version < 10 else 16}b}" + "".join(f"{byte:08b}" for byte in data)
    bits += "0" * min(4, 8 * room - len(bits))
    bits += "0" * (-len(bits) % 8)
    made = bytes(int(bits[n : n + 8], 2) for n in range(0, len(bits), 8))
    return made + bytes((0xEC, 0x11)[n % 2] for n in range(room - len(made)))


def _times(x: int, y: int) -> int:
    """Product in GF(2^8) modulo 0x11D."""
    z = 0
    for n in range(7, -1, -1):
        z = (z << 1) ^ ((z >> 7) * 0x11D)
        z ^= ((y >> n) & 1) * x
    return z


def _divisor(degree: int) -> list[int]:
    found, root = [0] * (degree - 1) + [1], 1
    for _ in range(degree):
        for n in range(degree):
            found[n] = _times(found[n], root)
            if n + 1 < degree:
                found[n] ^= found[n + 1]
        root = _times(root, 2)
    return found


def _rest(data: bytes, divisor: list[int]) -> list[int]:
    """Reed and Solomon's remainder."""
    rest = [0] * len(divisor)
    for byte in data:
        factor = byte ^ rest.pop(0)
        rest.append(0)
        rest = [old ^ _times(coefficient, factor) for old, coefficient in zip(rest, divisor, strict=True)]
    return rest


# --- the picture ----------------------------------------------------------------------------------------------------


def _patterns(grid: Grid, fixed: Grid, version: int) -> None:
    """What is the same in every code of a version; places of the format are kept free."""
    size = len(grid)
    for x, y, on in _marks(version, size):
        if 0 <= x < size and 0 <= y < size:
            grid[y][x], fixed[y][x] = on, True


def _marks(version: int, size: int) -> Iterator[tuple[int, int, bool]]:
    """Timing, the three large squares, the small ones, the format's places, the version; later ones lie above."""
    for n in range(size):
        yield from ((6, n, n % 2 == 0), (n, 6, n % 2 == 0))
    for cx, cy in ((3, 3), (size - 4, 3), (3, size - 4)):
        yield from ((cx + dx, cy + dy, far not in {2, 4}) for dx, dy, far in _square(4))
    middles, corners = _middles(version), {(6, 6), (6, size - 7), (size - 7, 6)}
    for centre in ((x, y) for x in middles for y in middles):
        if centre not in corners:
            yield from ((centre[0] + dx, centre[1] + dy, far != 1) for dx, dy, far in _square(2))
    yield from ((x, y, False) for x, y in _format_places(size))
    yield 8, size - 8, True
    for n, on in enumerate(_version_bits(version)):
        yield from ((size - 11 + n % 3, n // 3, on), (n // 3, size - 11 + n % 3, on))


def _square(reach: int) -> Iterator[tuple[int, int, int]]:
    """Steps from a middle, and how far out each is."""
    steps = range(-reach, reach + 1)
    return ((dx, dy, max(abs(dx), abs(dy))) for dy in steps for dx in steps)


def _middles(version: int) -> list[int]:
    """Where the small squares have their middles."""
    if version == 1:
        return []
    count, size = version // 7 + 2, 17 + 4 * version
    step = (version * 4 + count * 2 + 1) // (count * 2 - 2) * 2
    return [6, *sorted(size - 7 - n * step for n in range(count - 1))]


def _format_places(size: int) -> list[tuple[int, int]]:
    """Both copies of the format's 15 bits, the lowest first."""
    first = [(8, n) for n in range(6)] + [(8, 7), (8, 8), (7, 8)] + [(14 - n, 8) for n in range(9, 15)]
    second = [(size - 1 - n, 8) for n in range(8)] + [(8, size - 15 + n) for n in range(8, 15)]
    return first + second


def _version_bits(version: int) -> Iterator[bool]:
    """18 bits, the lowest first; none below version 7."""
    if version < 7:
        return
    rest = version
    for _ in range(12):
        rest = (rest << 1) ^ ((rest >> 11) * 0x1F25)
    bits = version << 12 | rest
    yield from (bool(bits >> n & 1) for n in range(18))


def _fill(grid: Grid, fixed: Grid, words: bytes) -> None:
    """Bits in a snake of two columns, from the lower right corner."""
    size, at, last = len(grid), 0, 8 * len(words)
    for right in range(size - 1, 0, -2):
        right -= right <= 6  # noqa: PLW2901 - the timing column is left out
        for step in range(size):
            y = size - 1 - step if (right + 1) & 2 == 0 else step
            for x in (right, right - 1):
                if not fixed[y][x] and at < last:
                    grid[y][x] = bool(words[at >> 3] >> (7 - (at & 7)) & 1)
                    at += 1


def _masked(grid: Grid, fixed: Grid, mask: int) -> Grid:
    """The code under one of the eight masks, with the format that tells which."""
    made = [[on ^ (not fixed[y][x] and _inverts(mask, x, y)) for x, on in enumerate(row)] for y, row in enumerate(grid)]
    value = 1 << 3 | mask  # level L
    rest = value
    for _ in range(10):
        rest = (rest << 1) ^ ((rest >> 9) * 0x537)
    bits = (value << 10 | rest) ^ 0x5412
    for n, (x, y) in enumerate(_format_places(len(grid))):
        made[y][x] = bool(bits >> n % 15 & 1)
    return made


def _inverts(mask: int, x: int, y: int) -> bool:
    found = (
        (x + y) % 2, y % 2, x % 3, (x + y) % 3, (x // 3 + y // 2) % 2, x * y % 2 + x * y % 3,
        (x * y % 2 + x * y % 3) % 2, ((x + y) % 2 + x * y % 3) % 2,
    )  # fmt: skip
    return found[mask] == 0


def _penalty(grid: Grid) -> int:
    """How hard a code is to read: long runs, squares, what looks like a corner, too dark or too light."""
    lines = ["".join("01"[on] for on in row) for row in (*grid, *map(list, zip(*grid, strict=True)))]
    runs = sum(len(run) - 2 for line in lines for run in _runs(line) if len(run) >= 5)
    finders = sum(line.count("10111010000") + line.count("00001011101") for line in lines)
    squares = sum(
        grid[y][x] == grid[y][x + 1] == grid[y + 1][x] == grid[y + 1][x + 1]
        for y in range(len(grid) - 1)
        for x in range(len(grid) - 1)
    )
    dark = sum(map(sum, grid)) / len(grid) ** 2
    return runs + 3 * squares + 40 * finders + 10 * int(abs(dark - 0.5) * 20)


def _runs(line: str) -> list[str]:
    return line.replace("01", "0 1").replace("10", "1 0").split()
