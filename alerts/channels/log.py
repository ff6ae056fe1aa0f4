"""Into the log of the process: for trying, and where nobody is to be told."""

from __future__ import annotations

import logging
from typing import Final

from msgspec import Struct

from alerts.channels.letter import Letter
from alerts.channels.post import Post

log: Final = logging.getLogger("motcua.alerts")

ADDRESS: Final = "none"


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """There is nothing to set."""


def send(_config: Config, letter: Letter, _post: Post) -> str:
    """Write the letter as one line; it never fails."""
    log.info("letter %s: %s | %s", letter.key, letter.title, letter.text.replace("\n", " | "))
    return letter.key
