"""Style, script and vendored libraries: read once, packed once, named by their content."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

TYPES: Final = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
NAMES: Final = (
    "tokens.css",
    "board.css",
    "views.css",
    "lines.css",
    "incidents.css",
    "board.js",
    "carry.js",
    "chart.js",
    "map.js",
    "favicon.svg",
    "vendor/htmx.min.js",
    "vendor/idiomorph-ext.min.js",
    "vendor/uPlot.iife.min.js",
    "vendor/uPlot.min.css",
    "vendor/leaflet.js",
)


@dataclass(frozen=True, slots=True)
class StaticFile:
    body: bytes
    packed: bytes
    digest: str
    media_type: str


class Shelf:
    """All static files in memory. Only declared names are served, so no path can lead elsewhere."""

    def __init__(self) -> None:
        self.files: Final = {name: _read(name) for name in NAMES}
        joined = "".join(file.digest for file in self.files.values())
        self.digest: Final = hashlib.sha256(joined.encode()).hexdigest()[:10]

    def href(self, name: str) -> str:
        """The address of `name`; it changes when the content does, so it may be kept for ever."""
        return f"/static/{self.files[name].digest}/{name}"


def _read(name: str) -> StaticFile:
    body = files("dashboards.board").joinpath("static", *name.split("/")).read_bytes()
    digest = hashlib.sha256(body).hexdigest()[:10]
    return StaticFile(body, gzip.compress(body, 9, mtime=0), digest, TYPES[name.rpartition(".")[2]])
