"""`motcua alerts …`, as people call it: what needs more than this floor is handed over by the roof."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import typer

from alerts import checking
from alerts.deliver import command as delivery
from alerts.desk import Desk


def commands(*, desk: Callable[[], AbstractContextManager[Desk]], home: Callable[[], Path]) -> typer.Typer:
    """The group. `desk`: that of this machine, for one command; `home`: where `alerts.toml` is."""
    app = typer.Typer(help="Verdicts, incidents and messages.", no_args_is_help=True)
    checking.add_to(app, home)
    delivery.add_to(app, desk)
    return app
