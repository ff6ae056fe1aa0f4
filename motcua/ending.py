"""How a command ends: a sentence for a person, and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:  # heavy, or an extra
    from collector.settings import Settings

FAILED, USAGE, NOT_FOUND, BUSY = 1, 2, 3, 4

EXTRAS: Final = {
    "typer": "cli", "rich": "cli", "cryptography": "keys", "litestar": "collector", "uvicorn": "collector",
    "sqlalchemy": "collector", "alembic": "collector", "psycopg": "postgres", "jinja2": "board", "apprise": "alerts",
}  # fmt: skip
"""Which extra brings a library that a subcommand may find missing."""


class Stop(Exception):
    """A reason to end, in words for a person, and the exit code."""

    def __init__(self, text: str, code: int = FAILED) -> None:
        super().__init__(text)
        self.code = code


def missing(error: ModuleNotFoundError) -> str:
    """What to install. Raises the error where no extra of ours brings that library."""
    extra = EXTRAS.get((error.name or "").partition(".")[0])
    if extra is None:
        raise error
    return f"this needs {error.name}, which is not installed: pip install 'motcua[{extra}]'"


def end(text: str, code: int) -> NoReturn:
    """Say why, and end."""
    sys.stderr.write(f"motcua: {text}\n")
    sys.exit(code)


def show(text: str) -> None:
    """A line for whoever watches, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def step(what: str, text: str) -> None:
    """One step of a start."""
    show(f"  {what:<14}{text}")


def settings(moved: Mapping[str, str] | None = None) -> Settings:
    """The settings; `moved` wins over the environment. Raises Stop."""
    from collector.settings import SettingsError, read_settings

    try:
        return read_settings(os.environ | (moved or {}))
    except SettingsError as error:
        raise Stop(str(error), USAGE) from error
