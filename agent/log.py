"""One event a line, key=value, on standard error; said when something changes, not every minute."""

from __future__ import annotations

import logging
import re
import sys
from typing import Final

from wire.messages import Scalar

LOGGER: Final = logging.getLogger("motcua.agent")

_PLAIN: Final = re.compile(r"[^\s\"=\x00-\x1f]{1,200}")
_LONGEST: Final = 300


def set_up(level: str) -> None:
    """Send this program's events to standard error, and of the libraries only what is a warning."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("ts=%(asctime)s level=%(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S%z"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    LOGGER.setLevel(level.upper())


def say(event: str, **facts: Scalar) -> None:
    """Something changed."""
    LOGGER.info("%s", line(event, facts))


def warn(event: str, **facts: Scalar) -> None:
    """Something changed for the worse."""
    LOGGER.warning("%s", line(event, facts))


def line(event: str, facts: dict[str, Scalar]) -> str:
    """`event=spool_reset file="a b"`: one line whatever the values hold."""
    return " ".join([f"event={event}", *(f"{key}={_word(value)}" for key, value in facts.items())])


def _word(value: Scalar) -> str:
    text = str(value)
    if _PLAIN.fullmatch(text):
        return text
    cut = text[:_LONGEST].replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else " " for c in cut) + '"'
