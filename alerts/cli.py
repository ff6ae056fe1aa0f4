"""`motcua alerts …`, as people call it: what needs more than this floor is handed over by the roof.

Exit codes: 0 done · 1 failed · 2 wrong usage or settings · 3 not found · 4 cannot be reached, or busy.
"""

from __future__ import annotations

from collections.abc import Callable

import typer

from alerts import checking
from alerts.deliver import command as delivery
from alerts.incidents import cli as incidents
from alerts.incidents.cli import Opened
from alerts.replaying import cli as replaying
from alerts.replaying.cli import Rules


def commands(opened: Opened, *, score: Callable[..., None], rules: Rules) -> typer.Typer:
    """The group. `opened`: a desk of this machine for one command, whose errors end it with their exit code; `score`:
    plays composed causes and holds what was told against the truth; `rules`: the thresholds of a policy file."""
    app = typer.Typer(name="alerts", help="Verdicts, incidents and messages.", no_args_is_help=True)
    incidents.mount(app, opened)
    delivery.add_to(app, opened)
    checking.mount(app)
    replaying.mount(app, opened, rules)
    app.command("score")(score)
    return app
