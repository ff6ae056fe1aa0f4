"""The roof: the one place that knows everybody. Composes roles into a process, and gives the command line.

Everything heavy is imported where it is used, so that `motcua agent …` works where only the agent is installed.
"""

import asyncio
import contextlib
import logging
import os
import platform
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated, Final, cast

if TYPE_CHECKING:  # heavy, or an extra
    from pathlib import Path

    import typer
    import uvicorn

    from alerts.desk import Desk
    from collector.hub import Hub
    from collector.loops import Loop
    from collector.settings import Settings
    from simulator.ground import Ground
    from simulator.play import Play
    from wire.clock import Clock

FAILED, USAGE, NOT_FOUND, BUSY = 1, 2, 3, 4
MEASURE: Final = "a measurement server, such as https://measure.example.vn:8444,1000,20; may be given again"

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


# --- the command line -----------------------------------------------------------------------------------------------


def main() -> None:
    """Entry of the command `motcua`: a missing library is named with its extra, an expected failure in a sentence."""
    try:
        command_line()()
    except ModuleNotFoundError as error:
        _end(_missing(error), USAGE)
    except Stop as error:
        _end(str(error), error.code)


def command_line() -> "typer.Typer":
    """Every command of the suite."""
    import typer

    from agent.commands import commands as agent_commands
    from alerts.commands import commands as alerts_commands
    from collector.roles import BUILT, RoleError, parse
    from simulator.command import command as simulator_command
    from simulator.score_command import command as score_command

    app = typer.Typer(
        help="Monitoring for commune one-stop centres.", no_args_is_help=True, pretty_exceptions_enable=False,
        epilog="Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 not found, 4 busy or not reachable.",
    )  # fmt: skip

    @app.callback(invoke_without_command=True)
    def roof(show: Annotated[bool, typer.Option("--version", help="say the version and end")] = False) -> None:
        if show:
            typer.echo(f"motcua {version('motcua')}")
            raise typer.Exit

    @app.command()
    def up() -> None:
        """Collector, agent and board on this machine, until Ctrl-C. A second run finds everything as it was."""
        _run(_up(_settings()))

    @app.command()
    def serve(
        roles: Annotated[str, typer.Option(help=f"any of {','.join(BUILT)}, joined by commas")] = ",".join(BUILT),
        measure: Annotated[list[str] | None, typer.Option(metavar="URL,MBIT/S,TESTS", help=MEASURE)] = None,
        reflector: Annotated[str, typer.Option(help="host:port of the province's `motcua collector reflect`")] = "",
    ) -> None:
        """A collector in this process, until it is told to stop."""
        moved = {"MOTCUA_MEASURE": " ".join(measure or ()), "MOTCUA_REFLECTOR": reflector}
        try:
            parts = parse(roles)
        except RoleError as error:
            raise Stop(str(error), USAGE) from error
        _run(_serve(_settings({name: value for name, value in moved.items() if value}), parts))

    app.command("simulate")(simulator_command(lambda play: _run(_simulate(play))))
    app.add_typer(agent_commands(), name="agent")
    app.add_typer(alerts_commands(_opened_desk, score=score_command(_drill), rules=_thresholds), name="alerts")
    _add_collector(app)
    return app


def _add_collector(app: "typer.Typer") -> None:
    try:
        from collector.cli import commands
    except ModuleNotFoundError as error:
        missing = _missing(error)

        @app.command("collector", context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
        def absent() -> None:
            """The collector's own commands; not installed here."""
            raise Stop(missing, USAGE)
    else:
        app.add_typer(commands(), name="collector")


def _missing(error: ModuleNotFoundError) -> str:
    extra = EXTRAS.get((error.name or "").partition(".")[0])
    if extra is None:
        raise error
    return f"this needs {error.name}, which is not installed: pip install 'motcua[{extra}]'"


def _end(text: str, code: int) -> None:
    sys.stderr.write(f"motcua: {text}\n")
    sys.exit(code)


def _run(main: Coroutine[object, object, None]) -> None:
    from collector import process

    process.run(main)


def _settings(moved: Mapping[str, str] | None = None) -> "Settings":
    """The settings; `moved` wins over the environment."""
    from collector.settings import SettingsError, read_settings

    try:
        return read_settings(os.environ | (moved or {}))
    except SettingsError as error:
        raise Stop(str(error), USAGE) from error


# --- one process with its roles -------------------------------------------------------------------------------------


async def _serve(settings: "Settings", roles: Sequence[str]) -> None:
    from collector import process

    process.log_to_stderr(logging.INFO)
    told = process.told_to_stop()
    async with running(settings, roles) as hub:
        _show(f"motcua {version('motcua')} serves {', '.join(roles)}; home {settings.home}, {hub.store.dialect}")
        await told.wait()


@contextlib.asynccontextmanager
async def running(settings: "Settings", roles: Sequence[str], clock: "Clock | None" = None) -> AsyncIterator["Hub"]:
    """A collector that answers, with the loops of its roles, until the block ends. Raises Stop where it cannot.

    `clock`: one that a replay drives; then no loop runs by itself.
    """
    from collector import floor, process
    from collector.loops import run_loops

    with _hub(settings, clock, roles) as hub:
        hub.roles = tuple(roles)
        servers = [process.server(make(hub), variable) for role, (variable, make) in SOCKETS.items() if role in roles]
        stop = asyncio.Event()
        mine = [] if hub.driven else [loop for loop in _every_loop(hub) if loop.role in roles]
        tasks = [asyncio.create_task(run_loops(hub, mine, stop)), *(asyncio.create_task(s.serve()) for s in servers)]
        try:
            await process.all_started(servers, tasks)
            process.settle_memory()
            if "board" in roles:
                process.share_fairly()
            yield hub
        finally:
            stop.set()
            floor.release(hub)
            for server in servers:
                server.should_exit = True
            await asyncio.gather(*tasks)


@contextlib.contextmanager
def _hub(settings: "Settings", clock: "Clock | None", roles: Sequence[str]) -> Iterator["Hub"]:
    from collector import claims, floor
    from collector.api import CollectorError

    try:
        with claims.home(settings.home, roles), floor.open_hub(settings, clock) as hub:
            yield hub
    except claims.Taken as error:
        raise Stop(str(error), BUSY) from error
    except CollectorError as error:
        raise Stop(str(error)) from error
    except OSError as error:
        raise Stop(f"{settings.home}: {error.strerror}; set MOTCUA_HOME to a folder that can be written") from error


def _agents_server(hub: "Hub") -> "uvicorn.Config":
    from collector import floor

    return floor.socket(hub)


def _board_server(hub: "Hub") -> "uvicorn.Config":
    from collector import floor, process
    from dashboards import board_app

    app = board_app(floor.reader(hub), floor.commands(hub), simulated=hub.settings.simulated)
    return process.pages(process.courteous(hub.courtesy, cast("process.App", app)), hub.settings.board)


SOCKETS: Final = {"ingest": ("MOTCUA_AGENTS", _agents_server), "board": ("MOTCUA_BOARD", _board_server)}
"""Which role listens, the variable that moves it, and how its server is made."""


def _every_loop(hub: "Hub") -> "list[Loop]":
    import alerts
    from collector import floor
    from collector.loops import Loop

    told = (Loop(a.name, "alert", a.step, a.wakes_on, single=True, rest_s=a.rest_s) for a in alerts.loops(_desk(hub)))
    return [*floor.loops(hub), *told]


def _desk(hub: "Hub") -> "Desk":
    from alerts.desk import Desk
    from collector import floor

    home, registry = hub.settings.home, hub.counters.registry
    return Desk(hub.store, floor.reader(hub), floor.commands(hub), hub.clock, hub.wake, home, registry)


@contextlib.contextmanager
def _opened_desk() -> "Iterator[Desk]":
    """What a command about incidents works with, beside a running collector."""
    from collector import console

    with console.opened() as hub:
        yield _desk(hub)


def _thresholds(path: "Path") -> Mapping[str, float]:
    from collector.judging.policy import parse_policy, read_policy_file
    from collector.judging.thresholds import thresholds

    return {one.key: one.value for one in thresholds(parse_policy(*read_policy_file(path)))}


# --- trials ---------------------------------------------------------------------------------------------------------

JUDGING: Final = frozenset({"register", "presence", "judge"})
"""Of the collector's loops those that a trial needs: nothing that is told is decided by the others."""


@contextlib.contextmanager
def _drill(home: "Path", clock: "Clock") -> "Iterator[Ground]":
    """A collector with its alerts in this process, by a clock that is driven, spoken to without sockets."""
    import alerts
    from collector.direct import Direct
    from collector.stage import Stage
    from simulator.ground import Ground

    with _hub(_settings({"MOTCUA_HOME": str(home), "MOTCUA_DATABASE": ""}), clock, ("ingest",)) as hub:
        loops = [loop for loop in _every_loop(hub) if loop.name in JUDGING or loop.role == "alert"]
        yield Ground(Stage(hub, loops), Direct(hub), alerts.reader(_desk(hub)))


# --- all of it on this machine --------------------------------------------------------------------------------------


async def _up(settings: "Settings") -> None:
    from agent.keeping import keep_running
    from collector import process, roles

    process.log_to_stderr(logging.WARNING)
    told = process.told_to_stop()
    _show(f"motcua {version('motcua')}, home {settings.home}")
    async with running(settings, roles.BUILT) as hub:
        _step("collector", f"answers agents at {settings.agents_url}, data in {hub.store.dialect}")
        await asyncio.to_thread(_enrol_this_machine, hub)
        agent = asyncio.create_task(keep_running(settings.home / "agent", told, _step))
        _step("agent", "runs; the first figures take a few seconds")
        _show(f"\n  Board   {_login_address(hub)}")
        _show("          the link works once; for a new one: motcua collector login-link\n")
        watching = asyncio.create_task(_tell_first_figures(hub))
        try:
            await agent  # it ends when told to, or by a fault of ours, and then so do we
        finally:
            watching.cancel()
            _show("\nstopping")
    _step("stopped", "everything is kept; `make up` goes on from here")


def _enrol_this_machine(hub: "Hub") -> None:
    from agent import identity
    from agent.joining import enrol
    from collector import floor

    home = hub.settings.home / "agent"
    try:
        known, _ = identity.load(home)
        _step("this machine", f"is centre {known.centre}, enrolled before")
        return
    except identity.NotJoined:
        code = floor.join_code(hub, centre="00000-1", role="box", name_vi="Máy này", name_en="This machine")
    try:
        made = enrol.join(hub.settings.agents_url, code, role="box", home=home, name=platform.node())
    except enrol.JoinError as error:
        raise Stop(f"this machine could not be enrolled: {error}") from error
    # A demonstration is watched by somebody: results travel every 3 s here, every minute in the field.
    (home / "agent.toml").write_text("cut_s = 3\n", "utf-8")
    _step("this machine", f"enrolled as centre {made.centre} with a one-time code")


async def _tell_first_figures(hub: "Hub") -> None:
    from collector import floor

    spent_s = await floor.first_figures(hub)
    _step("first figures", f"measured, receipted and judged {spent_s:.1f} s after the agent began")


def _login_address(hub: "Hub") -> str:
    from collector import floor

    return f"http://{hub.settings.board}/login/{floor.login_link(hub, name='make up')}"


async def _simulate(play: "Play") -> None:
    """Set up a collector in the home of a play, by its clock where it has one, and have it played."""
    from collector import process, roles
    from collector.stage import Stage

    process.log_to_stderr(logging.WARNING)
    told, settings = process.told_to_stop(), _settings(play.settings())
    if settings.database:
        raise Stop("a simulation keeps everything in its home: unset MOTCUA_DATABASE", USAGE)
    async with running(settings, play.roles(roles.BUILT), play.clock) as hub:
        await play.run(Stage(hub, _every_loop(hub)), told)


def _step(what: str, text: str) -> None:
    _show(f"  {what:<14}{text}")


def _show(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
