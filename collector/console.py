"""What every command of the collector shares: a hub for one act, sentences, tables, exit codes."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Annotated, Final, NoReturn

import typer
from sqlalchemy.exc import DBAPIError

from collector.api import CollectorError, NotAllowed, NotFound
from collector.hub import Hub
from collector.settings import Settings, SettingsError, read_settings
from collector.store.databases import migrate, open_store
from collector.store.faults import Busy, Unavailable
from wire.clock import SystemClock

FAILED, USAGE, NOT_FOUND, BUSY = 1, 2, 3, 4
EPILOG: Final = "Exit codes: 0 done · 1 failed · 2 wrong usage or settings · 3 not found · 4 unreachable or busy"

Json = Annotated[bool, typer.Option("--json", help="one JSON document instead of a table")]


@contextlib.contextmanager
def opened() -> Iterator[Hub]:
    """A hub for one command; every expected failure ends with its sentence and its exit code."""
    settings = settings_in_force()
    try:
        store = open_store(settings.store, SystemClock())
        with contextlib.closing(store):
            migrate(store)
            yield Hub(store, store.clock, settings)
    except NotFound as error:
        end(str(error), NOT_FOUND)
    except NotAllowed as error:
        end(str(error), USAGE)
    except (Busy, Unavailable) as error:
        end(str(error), BUSY)
    except DBAPIError as error:
        end(f"the database does not answer: {str(error.orig).strip()}", BUSY)
    except CollectorError as error:
        end(str(error), FAILED)


def settings_in_force() -> Settings:
    """The settings, or the end of the command with what is wrong of them."""
    try:
        return read_settings()
    except SettingsError as error:
        end(str(error), USAGE)


def say(as_json: bool, document: dict[str, object], text: str) -> None:
    """One answer: the document, or the text for people."""
    sys.stdout.write((json.dumps(document, ensure_ascii=False) if as_json else text) + "\n")


def listing(as_json: bool, names: Sequence[str], rows: Sequence[tuple[object, ...]]) -> None:
    """A table, or one JSON list of objects."""
    if as_json:
        found = [dict(zip(names, row, strict=True)) for row in rows]
        sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*names, box=None)
    for row in rows:
        table.add_row(*(Text("–" if value is None else str(value)) for value in row))
    Console().print(table)


def end(text: str, code: int) -> NoReturn:
    """Say why on stderr and leave with `code`."""
    sys.stderr.write(f"motcua: {text}\n")
    raise typer.Exit(code)
