"""`motcua collector …`: join codes, centres, agents, imports, plans, the database, settings, login links.

Exit codes: 0 done · 1 failed · 2 wrong usage or settings · 3 not found · 4 cannot be reached, or busy.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, cast

import typer
from sqlalchemy import select

from collector import commands as acts
from collector import policy_cli
from collector.attesting.command import verify_record
from collector.console import EPILOG, FAILED, USAGE, Json
from collector.console import end as _end
from collector.console import listing as _list
from collector.console import opened as _hub
from collector.console import say as _say
from collector.console import settings_in_force as _settings
from collector.leases import command as leases
from collector.lifecycle import command as lifecycle
from collector.measure import command as measuring
from collector.reading.chronicle import Roll
from collector.reflector.command import reflect
from collector.store import tables
from wire.messages import Role

ROLES: Final = ("box", "pc", "vantage")


def commands() -> typer.Typer:
    """The commands, to be mounted under `motcua collector`."""
    app = typer.Typer(name="collector", help="Enrolment, register and database of the collector.", epilog=EPILOG)
    app.command("join-code", epilog=EPILOG)(join_code)
    app.command("centres", epilog=EPILOG)(centres)
    app.command("agents", epilog=EPILOG)(agents)
    app.command("import", epilog=EPILOG)(import_tables)
    app.command("plan", epilog=EPILOG)(plan)
    app.command("migrate", epilog=EPILOG)(migrate_store)
    app.command("check-config", epilog=EPILOG)(check_config)
    app.command("login-link", epilog=EPILOG)(login_link)
    app.command("reflect", epilog=EPILOG)(reflect)
    app.command("verify", epilog=EPILOG)(verify_record)
    lifecycle.mount(app)
    measuring.mount(app)
    leases.mount(app)
    app.add_typer(policy_cli.commands(), name="policy")
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
    """List the centres; those out of service say what they went into, or that they were decommissioned."""
    with _hub() as hub, hub.store.reading() as conn:
        found = Roll().centres(conn).values()
    rows = [(c.key, c.name_vi, c.name_en, c.retired and (c.retired.successor or c.retired.how)) for c in found]
    _list(as_json, ("key", "name_vi", "name_en", "out_of_service"), rows)


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


def plan(
    name: Annotated[str, typer.Argument(metavar="AGENT|CENTRE", help="an agent's id, or a centre's key")],
    *,
    as_json: Json = False,
) -> None:
    """What is to be measured there, how often, and why something is measured seldom or not at all."""
    from collector.planning.command import documents, read_rows

    with _hub() as hub:
        rows = read_rows(hub, name)
    if as_json:
        _say(True, {"plan": documents(rows)}, "")
        return
    shown = [row for row in rows if not row.off]
    cells = [
        (r.agent, r.subject, r.probe, r.target, None if r.period_s is None else f"{r.period_s:g}", r.why) for r in shown
    ]
    _list(False, ("agent", "subject", "probe", "target", "every_s", "why"), cells)
    if len(rows) > len(shown):
        _say(False, {}, f"{len(rows) - len(shown)} times a service that is switched off is not listed; see --json")


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
        "measure": [f"{s.url},{s.mbps},{s.tests}" for s in settings.measure],
        "reflector": str(settings.reflector or "none"),
    }  # fmt: skip
    _say(as_json, shown, "\n".join(f"{name:<9} {value}" for name, value in shown.items()))


def login_link(
    name: Annotated[str, typer.Argument(help="the person's name, as the audit will show it")], *, as_json: Json = False
) -> None:
    """Make a one-time link that logs a person in at the board."""
    with _hub() as hub:
        url = f"http://{hub.settings.board}/login/{acts.create_login_link(hub, name)}"
        _say(as_json, {"url": url, "name": name}, url)


def _without_password(url: str) -> str:
    from sqlalchemy.engine import make_url

    return make_url(url).render_as_string(hide_password=True) if url else ""
