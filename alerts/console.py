"""What the commands of the alerts share: sentences, lists, exit codes; the same as those of `motcua collector`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, NoReturn

import typer

from alerts.api.words import LOCAL

FAILED, USAGE, NOT_FOUND, BUSY = 1, 2, 3, 4
EPILOG: Final = "Exit codes: 0 done · 1 failed · 2 wrong usage or settings · 3 not found · 4 unreachable or busy"

Json = Annotated[bool, typer.Option("--json", help="one JSON document instead of lines")]


def say(text: str) -> None:
    """One line."""
    sys.stdout.write(f"{text}\n")


def listing(names: Sequence[str], rows: Sequence[tuple[object, ...]]) -> None:
    """One JSON list of objects."""
    say(json.dumps([dict(zip(names, row, strict=True)) for row in rows], ensure_ascii=False))


def moment(at_ms: int | None) -> str:
    """A local time; empty where there is none."""
    return "" if at_ms is None else datetime.fromtimestamp(at_ms / 1000, LOCAL).strftime("%Y-%m-%d %H:%M:%S")


def end(text: str, code: int) -> NoReturn:
    """Say why on stderr and leave with `code`."""
    sys.stderr.write(f"motcua: {text}\n")
    raise typer.Exit(code)
