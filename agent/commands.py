"""The agent's part of the command line. Needs the extra `cli`; the running agent never imports it."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from agent import __main__ as program
from agent import cli
from agent.config import FILE as SETTINGS_FILE
from agent.numbers import readable
from agent.permit import by_collector, by_ticket
from wire.messages import Observation, Role, Scalar
from wire.strict import SettingsError

FAILED: Final = 1
USAGE: Final = 2

Home = Annotated[Path, typer.Option(help="the agent's folder; default: agent/ in MOTCUA_HOME")]
AsJson = Annotated[bool, typer.Option("--json", help="for machines")]


def commands() -> typer.Typer:
    """`run`, `join`, `once`, `probes`, `check-config`, `spool`."""
    app = typer.Typer(help="The agent: measures, remembers, and reports.", no_args_is_help=True)
    app.command()(run)
    app.command()(join)
    app.command()(once)
    app.command()(probes)
    app.command("check-config")(check_config)
    app.command()(spool)
    return app


def default_home() -> Path:
    return Path(os.environ.get("MOTCUA_HOME") or "var") / "agent"


def run(home: Home = default_home()) -> None:
    """Measure and report until SIGTERM or Ctrl-C. Exit codes: 0 stopped, 2 settings, 3 not enrolled, 4 runs already."""
    raise typer.Exit(program.run(home))


def join(
    url: Annotated[str, typer.Argument(help="the collector, https://host:port")],
    code: Annotated[str, typer.Argument(help="the one-time join code")],
    home: Home = default_home(),
    role: Annotated[str, typer.Option(help="box, pc or vantage")] = "box",
    name: Annotated[str, typer.Option(help="what people call this machine")] = "",
    force: Annotated[bool, typer.Option(help="replace the agent that is enrolled here")] = False,
) -> None:
    """Enrol this machine. The collector's own CA is compared with the code before a word is said."""
    from agent.joining import enrol

    try:
        made = enrol.join(url, code, role=msgspec.convert(role, Role), home=home, name=name, force=force)
    except msgspec.ValidationError as error:
        raise _no(f"--role: {role!r} is not box, pc or vantage", USAGE) from error
    except enrol.JoinError as error:
        raise _no(str(error), program.NOT_JOINED) from error
    typer.echo(f"enrolled as agent {made.agent} of centre {made.centre}; start it with: motcua agent run --home {home}")


def once(
    probe: Annotated[str, typer.Argument(help="which probe; see `motcua agent probes`")],
    target: Annotated[str, typer.Option(help="gateway, collector, a host, an address or a URL")] = "",
    setting: Annotated[list[str], typer.Option("--set", help="key=value of the probe's settings, repeatable")] = [],  # noqa: B006
    line: Annotated[str, typer.Option(help="key of a line, such as 07375-1/a, for the probes that measure lines")] = "",
    server: Annotated[str, typer.Option(help="bandwidth: a measurement server; else the collector is asked")] = "",
    ticket: Annotated[str, typer.Option(help="bandwidth: what opens that server")] = "",
    explain: Annotated[bool, typer.Option(help="say what is asked and what is answered")] = False,
    home: Home = default_home(),
    as_json: AsJson = False,
) -> None:
    """Measure once, now; nothing is kept or sent. Exit code 0 for ok, 1 for fail or unknown."""
    if bool(server) != bool(ticket):
        raise _no("--server and --ticket come together", USAGE)
    here = home if home.exists() else None
    leased = probe in LEASED
    found = cli.once(
        here,
        probe=probe,
        target=target or DEFAULT_TARGETS.get(probe, "self"),
        settings=dict(map(_setting, setting)),
        subject=f"line:{line}" if line else "",
        deadline_s=LEASED_S if leased else cli.ONCE_S,
        explain=_explain if explain else None,
        lease=(by_ticket(server, ticket) if server else by_collector(here, _explain)) if leased else None,
    )
    typer.echo(json.dumps(msgspec.to_builtins(found), ensure_ascii=False) if as_json else _told(found))
    raise typer.Exit(0 if found.outcome == "ok" else FAILED)


def probes(as_json: AsJson = False) -> None:
    """The probes this agent knows, and whether they can run here."""
    rows = cli.probes_table()
    if as_json:
        typer.echo(json.dumps(msgspec.to_builtins(rows), ensure_ascii=False))
        return
    for row in rows:
        typer.echo(f"{row.name:<12}{row.help}" + (f" (cannot run here: {row.missing})" if row.missing else ""))


def check_config(
    path: Annotated[Path | None, typer.Argument(help="the file; default: agent.toml in the agent's folder")] = None,
    as_json: AsJson = False,
) -> None:
    """Read the settings strictly, and show them as they would be used."""
    chosen = path or default_home() / SETTINGS_FILE
    if path is None and not chosen.exists():
        typer.echo(f"{chosen} is not there: every setting has its default")
        return
    try:
        settings = msgspec.to_builtins(cli.check_config(chosen))
    except SettingsError as error:
        raise _no(str(error), USAGE) from error
    if as_json:
        typer.echo(json.dumps(settings))
        return
    for key, value in settings.items():
        typer.echo(f"{key:<20}{value if value != '' else '–'}")


def spool(home: Home = default_home(), as_json: AsJson = False) -> None:
    """What waits for the collector, read without touching it."""
    status = cli.spool_status(home)
    if as_json:
        typer.echo(json.dumps(msgspec.to_builtins(status)))
    elif not status.there:
        typer.echo(f"{status.path} is not there: this agent has not measured anything yet")
    elif status.error:
        raise _no(f"{status.path}: {status.error}", FAILED)
    else:
        for key, value in msgspec.to_builtins(status).items():
            typer.echo(f"{key:<16}{value if value not in ('', {}, []) else '–'}")


DEFAULT_TARGETS: Final = {"reach": "gateway", "pc": "self", "bandwidth": "province", "quality": "reflector"}
LEASED: Final = ("bandwidth",)
LEASED_S: Final = 150.0  # a minute for the test, and a minute of waiting for its turn


def _setting(text: str) -> tuple[str, Scalar]:
    key, equals, value = text.partition("=")
    if not equals:
        raise _no(f"--set {text}: write key=value", USAGE)
    if value in {"true", "false"}:
        return key, value == "true"
    for kind in (int, float):
        try:
            return key, kind(value)
        except ValueError:
            continue
    return key, value


def _explain(text: str) -> None:
    sys.stderr.write(f"  {text}\n")


def _told(found: Observation) -> str:
    lines = [f"{found.probe} on {found.target}: {found.outcome}" + (f" ({found.reason})" if found.reason else "")]
    lines[0] += f", took {found.took_ms} ms"
    lines += [f"  {v.metric}{f'[{v.of}]' if v.of else ''}  {readable(v)}" for v in found.values]
    lines += [f"  {phase}  {seconds * 1000:.1f} ms" for phase, seconds in found.phases.items()]
    lines += [f"  {key}: {value}" for key, value in found.detail.items()]
    return "\n".join(lines)


def _no(text: str, code: int) -> typer.Exit:
    typer.echo(f"motcua: {text}", err=True)
    return typer.Exit(code)
