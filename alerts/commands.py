"""`motcua alerts …`, as people call it: what needs more than this floor is handed over by the roof."""

from __future__ import annotations

from collections.abc import Callable

import typer

from alerts.incidents import cli as incidents
from alerts.replaying import cli as replaying
from alerts.replaying.cli import Opened, Rules


def commands(opened: Opened, *, score: Callable[..., None], rules: Rules) -> typer.Typer:
    """The group. `opened`: a desk for one command; `score`: plays composed causes and holds what was told against the
    truth; `rules`: the thresholds of a policy file."""
    app = typer.Typer(help="Verdicts, incidents and messages.", no_args_is_help=True)
    incidents.mount(app, opened)
    replaying.mount(app, opened, rules)
    app.command("score")(score)
    return app
