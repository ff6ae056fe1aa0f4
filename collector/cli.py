"""`motcua collector …`: join codes, centres, agents, imports, the database, settings, login links.

Exit codes: 0 done · 1 failed · 2 wrong usage or settings · 3 not found · 4 cannot be reached, or busy.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final, cast

import typer
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from collector import commands as acts
from collector.api import CollectorError, NotAllowed, NotFound
from collector.hub import Hub
from collector.settings import Settings, SettingsError, read_settings
from collector.store import tables
from collector.store.databases import migrate, open_store
from collector.store.faults import Busy, Unavailable
from wire.clock import SystemClock
from wire.messages import Role

FAILED, USAGE, NOT_FOUND, BUSY = 1, 2, 3, 4
ROLES: Final = ("box", "pc", "vantage")
EPILOG: Final = "Exit codes: 0 done · 1 failed · 2 wrong usage or settings · 3 not found · 4 unreachable or busy"

Json = Annotated[bool, typer.Option("--json", help="one JSON document instead of a table")]


def commands() -> typer.Typer:
    """The commands, to be mounted under `motcua collector`."""
    app = typer.Typer(name="collector", help="Enrolment, register and database of the collector.", epilog=EPILOG)
    app.command("join-code", epilog=EPILOG)(join_code)
    app.command("centres", epilog=EPILOG)(centres)
    app.command("agents", epilog=EPILOG)(agents)
    app.command("import", epilog=EPILOG)(import_tables)
    app.command("migrate", epilog=EPILOG)(migrate_store)
    app.command("check-config", epilog=EPILOG)(check_config)
    app.command("login-link", epilog=EPILOG)(login_link)
    return app


def join_code(
    centre: Annotated[str, typer.Argument(help="key of the centre, such as 07375-1")],
    *,
    role: Annotated[str, typer.Option(help="box, pc or vantage")] = "box",
    name_vi: Annotated[str, typer.Option("--name-vi", help="name of a new centre, Vietnamese")] = "",
    name_en: Annotated[str, typer.Option("--name-en", help="name of a new centre, English")] = "",
    hours: Annotated[float, typer.Option(help="how long the code is good", min=0.1, max=24 * 30)] = 24.0,
    as_json: Json = False,
) -> None:
    """Make a one-time join code; with a name, the centre too."""
    if role not in ROLES:
        _end(f"there is no role {role!r}; roles are {', '.join(ROLES)}", USAGE)
    ttl = int(hours * 3600)
    with _hub() as hub:
        code = acts.create_join_code(hub, centre, cast("Role", role), name_vi=name_vi, name_en=name_en, ttl=ttl)
        _say(as_json, {"join_code": code, "centre": centre, "role": role, "url": hub.settings.agents_url}, code)


def centres(*, as_json: Json = False) -> None:
    """List the centres."""
    query = select(tables.centre.c.key, tables.centre.c.name_vi, tables.centre.c.name_en).order_by(tables.centre.c.key)
    with _hub() as hub, hub.store.reading() as conn:
        _list(as_json, ("key", "name_vi", "name_en"), [tuple(row) for row in conn.execute(query)])


def agents(
    *, revoke: Annotated[str, typer.Option(help="take this agent's right to speak")] = "", as_json: Json = False
) -> None:
    """List the agents, or revoke one."""
    with _hub() as hub:
        if revoke:
            acts.revoke_agent(hub, acts.CLI, revoke)
            _say(as_json, {"revoked": revoke}, f"{revoke} may not speak any more")
            return
        t = tables.agent
        columns = (t.c.id, t.c.centre, t.c.role, t.c.name, t.c.version, tables.heard.c.last_ms, t.c.revoked_ms)
        query = select(*columns).outerjoin_from(t, tables.heard, tables.heard.c.agent == t.c.id).order_by(t.c.id)
        with hub.store.reading() as conn:
            names = ("id", "centre", "role", "name", "version", "last_heard_ms", "revoked_ms")
            _list(as_json, names, [tuple(row) for row in conn.execute(query)])


def import_tables(
    source: Annotated[Path | None, typer.Argument(metavar="DIR", help="folder of CSV, XLSX, TOML; or one XLSX")] = None,
    *,
    undo: Annotated[bool, typer.Option("--undo", help="take the last import back")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show the difference, change nothing")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    as_json: Json = False,
) -> None:
    """Import a province from files: all or nothing, with every flaw named; or take the last import back."""
    from collector.inventory.command import run_import

    with _hub() as hub:
        done = run_import(hub, acts.CLI, source, undo=undo, dry_run=dry_run, as_json=as_json, yes=yes)
    if not done:
        raise typer.Exit(FAILED)


def migrate_store() -> None:
    """Bring the database to the newest form."""
    with _hub() as hub:  # opening migrates
        _say(False, {}, f"{hub.store.dialect}: up to date")


def check_config(*, as_json: Json = False) -> None:
    """Read the settings and say what is in force."""
    settings = _settings()
    shown: dict[str, object] = {
        "home": str(settings.home), "agents": str(settings.agents), "board": str(settings.board),
        "database": _without_password(settings.database) or "sqlite", "hosts": list(settings.hosts),
    }  # fmt: skip
    _say(as_json, shown, "\n".join(f"{name:<9} {value}" for name, value in shown.items()))


def login_link(
    name: Annotated[str, typer.Argument(help="the person's name, as the audit will show it")], *, as_json: Json = False
) -> None:
    """Make a one-time link that logs a person in at the board."""
    with _hub() as hub:
        url = f"http://{hub.settings.board}/login/{acts.create_login_link(hub, name)}"
        _say(as_json, {"url": url, "name": name}, url)


@contextlib.contextmanager
def _hub() -> Iterator[Hub]:
    """A hub for one command; every expected failure ends with its sentence and its exit code."""
    settings = _settings()
    try:
        store = open_store(settings.store, SystemClock())
        with contextlib.closing(store):
            migrate(store)
            yield Hub(store, store.clock, settings)
    except NotFound as error:
        _end(str(error), NOT_FOUND)
    except NotAllowed as error:
        _end(str(error), USAGE)
    except (Busy, Unavailable) as error:
        _end(str(error), BUSY)
    except DBAPIError as error:
        _end(f"the database does not answer: {str(error.orig).strip()}", BUSY)
    except CollectorError as error:
        _end(str(error), FAILED)


def _settings() -> Settings:
    try:
        return read_settings()
    except SettingsError as error:
        _end(str(error), USAGE)
        raise


def _without_password(url: str) -> str:
    from sqlalchemy.engine import make_url

    return make_url(url).render_as_string(hide_password=True) if url else ""


def _say(as_json: bool, document: dict[str, object], text: str) -> None:
    sys.stdout.write((json.dumps(document, ensure_ascii=False) if as_json else text) + "\n")


def _list(as_json: bool, names: Sequence[str], rows: Sequence[tuple[object, ...]]) -> None:
    if as_json:
        found = [dict(zip(names, row, strict=True)) for row in rows]
        sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*names, box=None)
    for row in rows:
        table.add_row(*("–" if value is None else str(value) for value in row))
    Console().print(table)


def _end(text: str, code: int) -> None:
    sys.stderr.write(f"motcua: {text}\n")
    raise typer.Exit(code)
