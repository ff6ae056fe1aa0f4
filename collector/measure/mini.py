"""The layout of Speedtest Mini, as speedtest-cli's `--mini URL` asks for it.

It reads an index for `upload_extension: "…"`, three times `latency.txt`, images by their side in pixels (the sizes are
those of Ookla's files), and posts to `upload.php`, which answers `size=…`.
"""

from __future__ import annotations

import re
from typing import Final

IMAGE_BYTES: Final[dict[int, int]] = {
    350: 245_388, 500: 505_544, 750: 1_118_012, 1000: 1_986_284, 1500: 4_468_241, 2000: 7_907_740,
    2500: 12_407_926, 3000: 17_816_816, 3500: 24_262_167, 4000: 31_625_365,
}  # fmt: skip
LATENCY: Final = b"test=test\n"
_IMAGE: Final = re.compile(r"speedtest/random([0-9]{3,4})x\1\.jpg")


def image_bytes(route: str) -> int | None:
    """The size of the image that a path asks for; None where it asks for something else."""
    match = _IMAGE.fullmatch(route)
    return IMAGE_BYTES.get(int(match[1])) if match else None
