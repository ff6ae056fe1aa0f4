"""The roof: the one place that knows everybody. Composes roles into a process, and gives the command line.

Everything heavy is imported where it is used, so that `motcua agent …` works where only the agent is installed.
"""

from collections.abc import Coroutine
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated, Final

from motcua.ending import USAGE, Stop, end, missing, settings
from motcua.process import running

if TYPE_CHECKING:  # an extra
    import typer

__all__ = ["Stop", "main", "running"]

MEASURE: Final = "a measurement server, such as https://measure.example.vn:8444,1000,20; may be given again"


def main() -> None:
    """Entry of the command `motcua`: a missing library is named with its extra, an expected failure in a sentence."""
    try:
        command_line()()
    except ModuleNotFoundError as error:
        end(missing(error), USAGE)
    except Stop as error:
        end(str(error), error.code)


def command_line() -> "typer.Typer":
    """Every command of the suite."""
    import typer

    from agent.commands import commands as agent_commands
    from collector.roles import BUILT, RoleError, parse
    from motcua import here, trials
    from motcua.process import serve as serving
    from simulator.command import command as simulator_command

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
        _run(here.up(settings()))

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
        _run(serving(settings({name: value for name, value in moved.items() if value}), parts))

    app.command("simulate")(simulator_command(lambda play: _run(trials.simulate(play))))
    app.add_typer(agent_commands(), name="agent")
    _add_collector(app)
    return app


def _run(play: Coroutine[object, object, None]) -> None:
    from collector import process

    process.run(play)


def _add_collector(app: "typer.Typer") -> None:
    try:
        from alerts.cli import commands as alerts_commands
        from collector.cli import commands
    except ModuleNotFoundError as error:
        absent_because = missing(error)

        @app.command("collector", context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
        def absent() -> None:
            """The collector's own commands; not installed here."""
            raise Stop(absent_because, USAGE)
    else:
        from motcua.process import opened_desk
        from motcua.trials import drill, thresholds_of
        from simulator.score_command import command as score_command

        app.add_typer(commands(), name="collector")
        app.add_typer(alerts_commands(opened_desk, score=score_command(drill), rules=thresholds_of), name="alerts")
